//! Writes a region as a function of its own.

use super::outline::{Outliner, Region, plain};
use super::shape::{Exit, Shape};
use anyhow::{Result, anyhow};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{Function, Instruction};
use wasmparser::Operator;

/// The function's body.
pub(crate) fn extract(
    outliner: &Outliner<'_, '_>,
    region: &Region<'_>,
    shape: &Shape,
) -> Result<Vec<u8>> {
    let body = outliner.body;
    let own = own_locals(outliner, region, shape);
    let mut types = Vec::new();
    for local in &own {
        let ty = RoundtripReencoder.val_type(body.locals[*local as usize]);
        types.push(ty.map_err(|error| anyhow!("{error}"))?);
    }
    let mut writer = Writer {
        outliner,
        region,
        shape,
        numbers: shape.inputs.iter().chain(&own).copied().collect(),
        inside: 0,
        function: Function::new_with_locals_types(types),
    };
    shape.open(&mut writer.function);
    for at in region.from..region.to {
        if writer.inside == 0 && !body.reached[at] {
            break; // what follows may leave a value that has no place here
        }
        writer.operator(&body.code[at])?;
    }
    if body.reached[region.to] && shape.exits.len() > 1 {
        let end = if region.around.is_empty() { Exit::Return } else { Exit::End };
        shape.keep_result(&mut writer.function, end == Exit::Return);
        let way = writer.way(end);
        writer.function.instruction(&Instruction::Br(way));
    }
    let Writer { mut function, numbers, .. } = writer;
    shape.close(&mut function, |local| number(&numbers, local));
    Ok(function.into_raw_body())
}

/// The local variables that the function has besides its parameters, by their types.
fn own_locals(outliner: &Outliner<'_, '_>, region: &Region<'_>, shape: &Shape) -> Vec<u32> {
    let mut own: Vec<u32> = Vec::new();
    for operator in &outliner.body.code[region.from..region.to] {
        if let Operator::LocalGet { local_index: it }
        | Operator::LocalSet { local_index: it }
        | Operator::LocalTee { local_index: it } = operator
            && !shape.inputs.contains(it)
            && !own.contains(it)
        {
            own.push(*it);
        }
    }
    own.sort_by_key(|it| format!("{:?}", outliner.body.locals[*it as usize]));
    own
}

/// The number that a local variable of the function around has here.
fn number(numbers: &[u32], local: u32) -> u32 {
    numbers.iter().position(|it| *it == local).map_or(u32::MAX, |it| it as u32)
}

struct Writer<'a> {
    outliner: &'a Outliner<'a, 'a>,
    region: &'a Region<'a>,
    shape: &'a Shape,
    /// The local variables in their new order.
    numbers: Vec<u32>,
    /// How many blocks of the region are open.
    inside: u32,
    function: Function,
}

impl Writer<'_> {
    /// The number of a way out, which is the depth of its block where none of the region is open.
    fn way(&self, exit: Exit) -> u32 {
        self.shape.exits.iter().position(|it| *it == exit).unwrap_or_default() as u32
    }

    /// Where a branch of the region goes; `always`: it is no question.
    fn target(&self, depth: u32, always: bool) -> u32 {
        let Some(outside) = depth.checked_sub(self.inside) else { return depth };
        let exit = self.outliner.branch(self.region, outside, always);
        self.inside + exit.map_or(0, |it| self.way(it))
    }

    fn operator(&mut self, operator: &Operator<'_>) -> Result<()> {
        let instruction = match operator {
            Operator::Br { relative_depth: depth } => {
                let outside = depth.checked_sub(self.inside);
                let returns =
                    outside.is_some_and(|it| self.outliner.block(self.region, it).is_none());
                self.shape.keep_result(&mut self.function, returns);
                Instruction::Br(self.target(*depth, true))
            }
            Operator::BrIf { relative_depth: depth } => {
                Instruction::BrIf(self.target(*depth, false))
            }
            Operator::BrTable { targets } => {
                let all: Vec<u32> =
                    targets.targets().flatten().map(|it| self.target(it, false)).collect();
                Instruction::BrTable(all.into(), self.target(targets.default(), false))
            }
            Operator::Return if self.shape.exits.len() > 1 => {
                self.shape.keep_result(&mut self.function, true);
                Instruction::Br(self.inside + self.way(Exit::Return))
            }
            Operator::LocalGet { local_index } => {
                Instruction::LocalGet(number(&self.numbers, *local_index))
            }
            Operator::LocalSet { local_index } => {
                Instruction::LocalSet(number(&self.numbers, *local_index))
            }
            Operator::LocalTee { local_index } => {
                Instruction::LocalTee(number(&self.numbers, *local_index))
            }
            other => plain(other)?,
        };
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                self.inside += 1
            }
            Operator::End => self.inside -= 1,
            _ => {}
        }
        self.function.instruction(&instruction);
        Ok(())
    }
}
