//! One function of a module: its instructions, which of them belong together, and the points from which it is known
//! whether they ever ran.

use anyhow::{Context, Result, bail};
use std::collections::HashMap;
use wasmparser::{
    FuncToValidate, FuncType, FunctionBody, KnownCustom, Name, Operator, Parser, Payload,
};
use wasmparser::{TypeRef, ValType, ValidPayload, Validator, ValidatorResources};

/// Instructions that open a block, and where it ends.
#[derive(Clone, Copy, Default)]
pub(crate) struct Block {
    /// The instruction `else` of an `if` that has one, and `end`.
    pub(crate) other: Option<usize>,
    pub(crate) end: usize,
}

pub(crate) struct Body<'a> {
    pub(crate) code: Vec<Operator<'a>>,
    /// Where each instruction begins in the file, and where the last one ends.
    pub(crate) at: Vec<usize>,
    /// Of each instruction that opens a block.
    pub(crate) blocks: Vec<Block>,
    /// How many values of its block are on the stack before each instruction, and whether it can be reached.
    pub(crate) height: Vec<usize>,
    pub(crate) reached: Vec<bool>,
    /// The types of all local variables, parameters first.
    pub(crate) locals: Vec<ValType>,
    /// A hash of the sequence of instructions, without what they name.
    pub(crate) shape: u32,
}

impl<'a> Body<'a> {
    pub(crate) fn of(
        body: &FunctionBody<'a>,
        parameters: &[ValType],
        valid: FuncToValidate<ValidatorResources>,
    ) -> Result<Self> {
        let mut valid = valid.into_validator(Default::default());
        let mut reader = body.get_binary_reader();
        valid.read_locals(&mut reader)?;
        let mut locals = parameters.to_vec();
        for group in body.get_locals_reader()? {
            let (count, ty) = group?;
            locals.extend((0..count).map(|_| ty));
        }
        let bytes = body.as_bytes();
        let mut own = Self {
            code: Vec::new(),
            at: Vec::new(),
            blocks: Vec::new(),
            height: Vec::new(),
            reached: Vec::new(),
            locals,
            shape: 0x811c_9dc5,
        };
        let mut open = Vec::new();
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let (operator, at) = operators.read_with_offset()?;
            let frame = valid.get_control_frame(0).context("an instruction after the end")?;
            own.height.push(valid.operand_stack_height() as usize - frame.height);
            own.reached.push(!frame.unreachable);
            valid.op(at, &operator)?;
            own.shape =
                (own.shape ^ u32::from(bytes[at - body.range().start])).wrapping_mul(0x0100_0193);
            let index = own.code.len();
            own.blocks.push(Block::default());
            match operator {
                Operator::ReturnCall { .. }
                | Operator::ReturnCallIndirect { .. }
                | Operator::TryTable { .. }
                | Operator::Throw { .. }
                | Operator::ThrowRef
                | Operator::BrOnNull { .. }
                | Operator::BrOnNonNull { .. } => bail!("{operator:?} is not known here"),
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                    open.push(index)
                }
                Operator::Else => {
                    own.blocks[*open.last().context("an else alone")?].other = Some(index)
                }
                Operator::End => {
                    if let Some(opened) = open.pop() {
                        own.blocks[opened].end = index;
                    }
                }
                _ => {}
            }
            own.code.push(operator);
            own.at.push(at);
        }
        own.at.push(body.range().end);
        Ok(own)
    }

    /// The places from which on it is noted that the function came there: instructions that follow a decision.
    pub(crate) fn points(&self) -> impl Iterator<Item = usize> {
        let follows = |it: &usize| {
            let before = it.checked_sub(1).map(|it| &self.code[it]);
            matches!(
                before,
                None | Some(
                    Operator::If { .. }
                        | Operator::Else
                        | Operator::BrIf { .. }
                        | Operator::End
                        | Operator::Loop { .. }
                )
            )
        };
        (0..self.code.len()).filter(follows)
    }

    /// The size of some instructions in bytes.
    pub(crate) fn size(&self, from: usize, to: usize) -> usize {
        self.at[to] - self.at[from]
    }
}

/// The functions of a module, in order.
pub(crate) fn all(wasm: &[u8]) -> Result<Vec<Body<'_>>> {
    let mut types: Vec<FuncType> = Vec::new();
    let mut own: Vec<u32> = Vec::new();
    let mut bodies = Vec::new();
    let mut validator = Validator::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let ValidPayload::Func(valid, body) = validator.payload(&payload)? {
            let ty = types.get(own[bodies.len()] as usize).context("a function has no type")?;
            bodies.push(Body::of(&body, ty.params(), valid)?);
        }
        match payload {
            Payload::TypeSection(section) => {
                types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?
            }
            Payload::FunctionSection(section) => {
                own = section.into_iter().collect::<Result<_, _>>()?
            }
            _ => {}
        }
    }
    Ok(bodies)
}

/// How many global variables of its own a module has. (It imports none.)
pub(crate) fn globals(wasm: &[u8]) -> Result<u32> {
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::GlobalSection(section) = payload? {
            return Ok(section.count());
        }
    }
    Ok(0)
}

/// The names of a module's own functions, in order, as they are in the sources; empty where there is none.
pub(crate) fn names(wasm: &[u8]) -> Result<Vec<String>> {
    let mut names = HashMap::new();
    let (mut imported, mut own) = (0, 0);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::FunctionSection(section) => own = section.count(),
            Payload::CustomSection(section) => {
                let KnownCustom::Name(section) = section.as_known() else { continue };
                for name in section {
                    let Name::Function(map) = name? else { continue };
                    for naming in map {
                        let naming = naming?;
                        names.insert(
                            naming.index,
                            format!("{:#}", rustc_demangle::demangle(naming.name)),
                        );
                    }
                }
            }
            _ => {}
        }
    }
    Ok((imported..imported + own).map(|it| names.remove(&it).unwrap_or_default()).collect())
}

/// A hash, the same at all times.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().copied().fold(0xcbf2_9ce4_8422_2325, |hash, it| {
        (hash ^ u64::from(it)).wrapping_mul(0x0100_0000_01b3)
    })
}
