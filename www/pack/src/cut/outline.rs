//! Makes functions of their own of what never ran within a function, so that it can come later as well.
//!
//! What never ran reaches from some instruction to the end of the block that it is in: a branch never taken. Of this the
//! pass makes a function whose parameters are the local variables that the rest still needs. It can be left in several
//! ways: at its end, by branches to blocks around it, by a return. The new function says by a number which one it was, and
//! its caller goes on there. Local variables that it changed come back in global variables, which are free for that: they
//! are read at once. One alone is its result.

use super::body::Body;
use super::extract::extract;
use super::live::{Live, Set, siblings};
use super::shape::{Exit, Shape};
use anyhow::{Result, anyhow};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{Function, Instruction};
use wasmparser::{FuncType, Operator, ValType};

/// What is made of a region has to be smaller than it by this many bytes: its own function is not free.
const GAIN: usize = 6;
/// The order of arguments.
const ORDER: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
/// No more local variables than this come back.
const SPILLS: usize = 64;

/// What all functions of a module share.
pub(crate) struct Pool {
    /// The types of functions; new ones are added.
    pub(crate) types: Vec<FuncType>,
    /// The number of the first new global variable, and the types of those there are.
    pub(crate) first_global: u32,
    pub(crate) globals: Vec<ValType>,
    /// The number of the first new function; of each its type and its body.
    pub(crate) first_function: u32,
    pub(crate) functions: Vec<(u32, Vec<u8>)>,
}

impl Pool {
    fn type_of(&mut self, parameters: &[ValType], results: &[ValType]) -> u32 {
        let ty = FuncType::new(parameters.iter().copied(), results.iter().copied());
        let at = self.types.iter().position(|it| *it == ty).unwrap_or_else(|| {
            self.types.push(ty);
            self.types.len() - 1
        });
        at as u32
    }

    /// Global variables for these values, a different one for each.
    fn globals_for(&mut self, values: &[ValType]) -> Vec<u32> {
        let mut taken = Vec::new();
        for ty in values {
            let free = |at: &usize| self.globals[*at] == *ty && !taken.contains(&(*at as u32));
            let at = (0..self.globals.len()).find(free).unwrap_or_else(|| {
                self.globals.push(*ty);
                self.globals.len() - 1
            });
            taken.push(at as u32);
        }
        taken.iter().map(|it| self.first_global + it).collect()
    }
}

/// From an instruction to before the end of its block.
pub(crate) struct Region<'b> {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The instructions that open the blocks around it, outermost first.
    pub(crate) around: &'b [usize],
}

/// One function while its regions are taken out.
pub(crate) struct Outliner<'a, 'b> {
    pub(crate) body: &'b Body<'a>,
    live: Live,
    /// The function's result.
    result: Option<ValType>,
    pool: &'b mut Pool,
    /// From where to where, and what comes there instead.
    found: Vec<(usize, usize, Vec<Instruction<'static>>)>,
}

/// The function without what never ran, as instructions; `None` where there is nothing to take out. `ran` says of a point
/// whether it did.
pub(crate) fn outline<'a>(
    body: &Body<'a>,
    result: Option<ValType>,
    pool: &mut Pool,
    ran: &impl Fn(usize) -> bool,
) -> Result<Option<Vec<Instruction<'a>>>> {
    let mut own = Outliner { body, live: Live::of(body), result, pool, found: Vec::new() };
    own.walk(0, body.code.len() - 1, &mut Vec::new(), false, ran)?;
    if own.found.is_empty() {
        return Ok(None);
    }
    let mut code = Vec::new();
    let mut at = 0;
    for (from, to, instead) in own.found {
        for operator in &body.code[at..from] {
            code.push(plain(operator)?);
        }
        code.extend(instead);
        at = to;
    }
    for operator in &body.code[at..] {
        code.push(plain(operator)?);
    }
    Ok(Some(code))
}

pub(crate) fn plain<'a>(operator: &Operator<'a>) -> Result<Instruction<'a>> {
    RoundtripReencoder
        .instruction(operator.clone())
        .map_err(|error| anyhow!("an instruction: {error}"))
}

impl Outliner<'_, '_> {
    /// Looks for regions in a block, from its first instruction to before its end. `cold`: none of it ran.
    fn walk(
        &mut self,
        from: usize,
        to: usize,
        around: &mut Vec<usize>,
        mut cold: bool,
        ran: &impl Fn(usize) -> bool,
    ) -> Result<()> {
        let body = self.body;
        let all = siblings(body, from, to);
        let mut tried = false;
        for (index, at) in all.iter().enumerate() {
            cold |= !ran(*at);
            if cold && !tried {
                tried = true;
                let start = all[index..].iter().find(|it| body.height[**it] == 0);
                if let Some(start) = start
                    && body.reached[*start]
                    && let Some(instead) = self.take_out(&Region { from: *start, to, around })?
                {
                    self.found.push((*start, to, instead));
                    return Ok(());
                }
            }
            let block = body.blocks[*at];
            if block.end == 0 {
                continue;
            }
            around.push(*at);
            let middle = block.other.unwrap_or(block.end);
            self.walk(at + 1, middle, around, cold, ran)?;
            if let Some(other) = block.other {
                self.walk(other + 1, block.end, around, cold, ran)?;
            }
            around.pop();
        }
        Ok(())
    }

    /// What stands for the region once it is a function; `None` where it cannot be one, or nothing is won.
    fn take_out(&mut self, region: &Region<'_>) -> Result<Option<Vec<Instruction<'static>>>> {
        let Some(exits) = self.exits(region) else { return Ok(None) };
        let (inputs, outputs) = self.values(region, &exits);
        if outputs.len() > SPILLS {
            return Ok(None);
        }
        let types =
            |all: &[u32]| all.iter().map(|it| self.body.locals[*it as usize]).collect::<Vec<_>>();
        let (given, back) = (types(&inputs), types(&outputs));
        let returned = self.result.filter(|_| exits.contains(&Exit::Return));
        let results = match exits.len() {
            0 => Vec::new(),
            1 if exits[0] == Exit::Return => returned.into_iter().collect(),
            1 => back.first().copied().into_iter().collect(),
            _ => vec![ValType::I32],
        };
        let one = usize::from(exits.len() == 1 && !back.is_empty());
        let spilled: Vec<ValType> =
            back[one..].iter().copied().chain(returned.filter(|_| exits.len() > 1)).collect();
        let globals = self.pool.globals_for(&spilled);
        let shape = Shape { exits, inputs, outputs, one, globals, returned: returned.is_some() };

        let ty = self.pool.type_of(&given, &results);
        let number = self.pool.first_function + self.pool.functions.len() as u32;
        let instead = shape.call(number, region.around.is_empty());
        let mut measured = Function::new([]);
        instead.iter().for_each(|it| _ = measured.instruction(it));
        if self.body.size(region.from, region.to) < measured.byte_len() + GAIN {
            return Ok(None);
        }
        let function = extract(self, region, &shape)?;
        self.pool.functions.push((ty, function));
        Ok(Some(instead))
    }

    /// The block, seen from the region, to which a branch of this depth goes: none is the function itself.
    pub(crate) fn block<'r>(&self, region: &Region<'r>, depth: u32) -> Option<usize> {
        let at = region.around.len().checked_sub(depth as usize + 1)?;
        Some(region.around[at])
    }

    /// The way out by a branch; `None` where it takes a value along.
    pub(crate) fn branch(&self, region: &Region<'_>, depth: u32, always: bool) -> Option<Exit> {
        let Some(block) = self.block(region, depth) else {
            return (always || self.result.is_none()).then_some(Exit::Return);
        };
        match &self.body.code[block] {
            Operator::Loop { .. } => Some(Exit::Branch(depth)),
            Operator::Block { blockty } | Operator::If { blockty }
                if *blockty == wasmparser::BlockType::Empty =>
            {
                Some(if depth == 0 { Exit::End } else { Exit::Branch(depth) })
            }
            _ => None,
        }
    }

    /// All ways out.
    fn exits(&self, region: &Region<'_>) -> Option<Vec<Exit>> {
        let mut exits = Vec::new();
        let mut inside = 0;
        for operator in &self.body.code[region.from..region.to] {
            match operator {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => inside += 1,
                Operator::End => inside -= 1,
                Operator::Return => exits.push(Exit::Return),
                Operator::Br { relative_depth: it } if *it >= inside => {
                    exits.push(self.branch(region, it - inside, true)?)
                }
                Operator::BrIf { relative_depth: it } if *it >= inside => {
                    exits.push(self.branch(region, it - inside, false)?)
                }
                Operator::BrTable { targets } => {
                    for it in targets
                        .targets()
                        .flatten()
                        .chain([targets.default()])
                        .filter(|it| *it >= inside)
                    {
                        exits.push(self.branch(region, it - inside, false)?);
                    }
                }
                _ => {}
            }
        }
        if self.body.reached[region.to] {
            exits.push(match region.around.last() {
                None => Exit::Return,
                Some(block) => match &self.body.code[*block] {
                    Operator::Block { blockty }
                    | Operator::Loop { blockty }
                    | Operator::If { blockty }
                        if *blockty == wasmparser::BlockType::Empty =>
                    {
                        Exit::End
                    }
                    _ => return None,
                },
            });
        }
        exits.sort_unstable();
        exits.dedup();
        Some(exits)
    }

    /// The local variables that the region needs, and those that it changes and others need after it.
    fn values(&self, region: &Region<'_>, exits: &[Exit]) -> (Vec<u32>, Vec<u32>) {
        let mut after = Set::default();
        for exit in exits {
            let set = match exit {
                Exit::Return => None,
                Exit::End => region.around.last().map(|it| &self.live.after[*it]),
                Exit::Branch(depth) => self.block(region, *depth).map(|it| &self.live.label[it]),
            };
            set.into_iter().for_each(|it| _ = after.add(it));
        }
        let (mut named, mut written) = (Set::default(), Set::default());
        for operator in &self.body.code[region.from..region.to] {
            match operator {
                Operator::LocalGet { local_index } => named.insert(*local_index),
                Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                    named.insert(*local_index);
                    written.insert(*local_index);
                }
                _ => {}
            }
        }
        // By their types: fewer types of functions are made so.
        let mut all: Vec<u32> = (0..self.body.locals.len() as u32).collect();
        all.sort_by_key(|it| {
            let ty = self.body.locals[*it as usize];
            ORDER.iter().position(|other| *other == ty)
        });
        let all = all.into_iter();
        let before = &self.live.before[region.from];
        let inputs = all.clone().filter(|it| named.has(*it) && before.has(*it)).collect();
        let outputs = all.filter(|it| written.has(*it) && after.has(*it)).collect();
        (inputs, outputs)
    }
}
