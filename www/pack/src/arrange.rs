//! Puts the same module down in the order that compresses best. Nothing that runs changes.
//!
//! - Each function is followed by the one that resembles it most: what a compressor finds nearby costs it less. What
//!   "most" means is tried in several ways, and the order that brotli makes least of is taken.
//! - A function's local variables are numbered by how often they are used, so that the same few numbers come again and
//!   again. (Their types stay in groups, as the binary format wants it; parameters keep their numbers.)
//!
//! - Loads and stores say nothing of the alignment of their addresses. It is a hint, which engines on x86 and ARM ignore.
//!
//! The first two are permutations: calls, exports, tables and the start function are renumbered with them. Sections that
//! only tools read are left out.

use anyhow::{Result, anyhow};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{CodeSection, Function, FunctionSection, Instruction, MemArg, ValType};
use wasmparser::{FunctionBody, FunctionSectionReader, Operator, Parser, Payload, TypeRef};

/// The module, arranged anew.
pub(crate) fn arrange(wasm: &[u8]) -> Result<Vec<u8>> {
    let read = Read::of(wasm)?;
    let mut bodies = Vec::new();
    let mut unmoved = Renumber::default();
    for (body, ty) in read.bodies.iter().zip(&read.types) {
        let parameters = read.parameters.get(*ty as usize).copied().unwrap_or_default();
        bodies.push(renumbered(&mut unmoved, body, parameters)?);
    }
    let mut best: Option<(usize, Vec<u8>)> = None;
    for weight in WEIGHTS {
        let module = put_down(wasm, &read, by_likeness(&bodies, weight))?;
        let pressed = crate::press::brotli(&module)?;
        if best.as_ref().is_none_or(|(least, _)| pressed < *least) {
            best = Some((pressed, module));
        }
    }
    best.map(|(_, module)| module).ok_or_else(|| anyhow!("no order was tried"))
}

/// The module with its functions in this order.
fn put_down(wasm: &[u8], read: &Read<'_>, order: Vec<usize>) -> Result<Vec<u8>> {
    let mut renumber =
        Renumber { imported: read.imported, places: vec![0; order.len()], ..Renumber::default() };
    for (place, at) in order.iter().enumerate() {
        renumber.places[*at] = u32::try_from(place)?;
        renumber.types.push(read.types[*at]);
    }
    // Only now are the numbers of all functions known, so each body is made a second time.
    for at in order {
        let parameters = read.parameters.get(read.types[at] as usize).copied().unwrap_or_default();
        let body = renumbered(&mut renumber, &read.bodies[at], parameters)?;
        renumber.bodies.push(body);
    }
    let mut module = wasm_encoder::Module::new();
    renumber.parse_core_module(&mut module, Parser::new(0), wasm).map_err(because)?;
    Ok(module.finish())
}

fn because(error: Error) -> anyhow::Error {
    anyhow!("the module cannot be arranged: {error}")
}

/// A run of so many bytes is what two functions can have in common.
const RUN: usize = 4;
/// What more functions than this have in common says nothing.
const COMMON: usize = 400;

/// How much more a long body has to share than a short one: the power of its length. Which is best differs from module
/// to module, by 0.1 % of its size.
const WEIGHTS: [f64; 4] = [0.7, 0.8, 0.9, 0.95];

/// The order in which each body is followed by the one, of those that are left, with which it shares the most runs of
/// bytes. A run counts the more the rarer it is; a long body has to share more than a short one.
fn by_likeness(bodies: &[Vec<u8>], weight_of_length: f64) -> Vec<usize> {
    let runs: Vec<BTreeMap<&[u8], u32>> = bodies.iter().map(|it| runs(it)).collect();
    let mut holders: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (at, runs) in runs.iter().enumerate() {
        runs.keys().for_each(|run| holders.entry(run).or_default().push(at));
    }
    let mut left: BTreeSet<(&[u8], usize)> =
        bodies.iter().enumerate().map(|(at, body)| (body.as_slice(), at)).collect();
    let mut order = Vec::new();
    let mut next = None;
    while let Some(at) = next.or_else(|| left.first().map(|it| it.1)) {
        left.remove(&(&bodies[at], at));
        order.push(at);
        let mut shared: BTreeMap<usize, u32> = BTreeMap::new();
        for (run, count) in &runs[at] {
            let Some(holders) = holders.get_mut(run) else { continue };
            let weight = (bodies.len() / holders.len()).ilog2();
            holders.retain(|it| *it != at);
            if holders.len() <= COMMON {
                for other in holders.iter() {
                    *shared.entry(*other).or_default() += weight * count.min(&runs[*other][run]);
                }
            }
        }
        let likeness = |other: usize, shared: u32| {
            f64::from(shared) / (bodies[other].len() as f64).powf(weight_of_length)
        };
        next = shared
            .into_iter()
            .max_by(|a, b| likeness(a.0, a.1).total_cmp(&likeness(b.0, b.1)))
            .map(|it| it.0);
    }
    order
}

fn runs(body: &[u8]) -> BTreeMap<&[u8], u32> {
    let mut all = BTreeMap::new();
    body.windows(RUN).for_each(|run| *all.entry(run).or_default() += 1);
    all
}

/// What has to be known of a module beforehand.
#[derive(Default)]
struct Read<'a> {
    /// Functions of others, which come first in the numbering.
    imported: u32,
    /// The number of parameters of each type.
    parameters: Vec<u32>,
    /// The type of each function of its own, and its body.
    types: Vec<u32>,
    bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Read<'a> {
    fn of(wasm: &'a [u8]) -> Result<Self> {
        let mut read = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        read.parameters.push(u32::try_from(ty?.params().len())?);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        if matches!(import?.ty, TypeRef::Func(_)) {
                            read.imported += 1;
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    read.types = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::CodeSectionEntry(body) => read.bodies.push(body),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// One function with its local variables numbered anew.
fn renumbered(
    renumber: &mut Renumber,
    body: &FunctionBody<'_>,
    parameters: u32,
) -> Result<Vec<u8>> {
    let mut types = Vec::new();
    for group in body.get_locals_reader()? {
        let (count, ty) = group?;
        let ty = renumber.val_type(ty).map_err(because)?;
        types.extend((0..count).map(|_| ty));
    }
    let uses = uses(body, parameters as usize + types.len())?;
    let own = &uses[parameters as usize..];
    let of_type =
        |ty: ValType| own.iter().zip(&types).filter(|it| *it.1 == ty).map(|it| it.0).sum::<u32>();
    let mut kinds: Vec<ValType> = Vec::new();
    types.iter().for_each(|ty| kinds.extend(Some(*ty).filter(|ty| !kinds.contains(ty))));
    kinds.sort_by_key(|ty| u32::MAX - of_type(*ty));

    let mut places: Vec<u32> = (0..parameters).chain(types.iter().map(|_| 0)).collect();
    let mut groups = Vec::new();
    let mut next = parameters;
    for kind in kinds {
        let mut all: Vec<usize> = (0..types.len()).filter(|at| types[*at] == kind).collect();
        all.sort_by_key(|at| u32::MAX - own[*at]);
        groups.push((u32::try_from(all.len())?, kind));
        for at in all {
            places[parameters as usize + at] = next;
            next += 1;
        }
    }

    let mut function = Function::new(groups);
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let mut instruction = renumber.parse_instruction(&mut operators).map_err(because)?;
        if let Instruction::LocalGet(local)
        | Instruction::LocalSet(local)
        | Instruction::LocalTee(local) = &mut instruction
        {
            *local = places[*local as usize];
        }
        function.instruction(&instruction);
    }
    Ok(function.into_raw_body())
}

/// How often each of `count` local variables is named.
fn uses(body: &FunctionBody<'_>, count: usize) -> Result<Vec<u32>> {
    let mut uses = vec![0; count];
    for operator in body.get_operators_reader()? {
        if let Operator::LocalGet { local_index }
        | Operator::LocalSet { local_index }
        | Operator::LocalTee { local_index } = operator?
        {
            uses[local_index as usize] += 1;
        }
    }
    Ok(uses)
}

/// Copies a module with its functions at other places.
#[derive(Default)]
struct Renumber {
    imported: u32,
    /// The new place of each function of its own; as long as it is empty, all stay.
    places: Vec<u32>,
    /// In the new order.
    types: Vec<u32>,
    bodies: Vec<Vec<u8>>,
}

impl Reencode for Renumber {
    type Error = Infallible;

    fn mem_arg(&mut self, arg: wasmparser::MemArg) -> Result<MemArg, Error> {
        let memory_index = self.memory_index(arg.memory)?;
        Ok(MemArg { offset: arg.offset, align: 0, memory_index })
    }

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        let place = function.checked_sub(self.imported).and_then(|at| self.places.get(at as usize));
        Ok(place.map_or(function, |place| self.imported + place))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        _: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        self.types.iter().for_each(|ty| _ = functions.function(*ty));
        Ok(())
    }

    /// Called for each body; all are written at the first.
    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        _: FunctionBody<'_>,
    ) -> Result<(), Error> {
        self.bodies.drain(..).for_each(|body| _ = code.raw(&body));
        Ok(())
    }

    fn parse_custom_section(
        &mut self,
        _: &mut wasm_encoder::Module,
        _: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{
        ElementSection, Elements, ExportKind, ExportSection, ImportSection, TableSection,
        TableType, TypeSection,
    };

    /// One import; two functions of a type, the larger first, which calls the other; the export is the first.
    fn module() -> Vec<u8> {
        let mut module = wasm_encoder::Module::new();
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32], [ValType::I32]);
        module.section(&types);
        let mut imports = ImportSection::new();
        imports.import("a", "b", wasm_encoder::EntityType::Function(0));
        module.section(&imports);
        let mut functions = FunctionSection::new();
        functions.function(0).function(0);
        module.section(&functions);
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: wasm_encoder::RefType::FUNCREF,
            table64: false,
            minimum: 1,
            maximum: None,
            shared: false,
        });
        module.section(&tables);
        let mut exports = ExportSection::new();
        exports.export("first", ExportKind::Func, 1);
        module.section(&exports);
        let mut elements = ElementSection::new();
        let at = wasm_encoder::ConstExpr::i32_const(0);
        elements.active(None, &at, Elements::Functions(vec![2].into()));
        module.section(&elements);
        let mut code = CodeSection::new();
        let mut first = Function::new([(1, ValType::F64), (2, ValType::I32)]);
        first.instructions().local_get(0).local_set(3).local_get(3).call(2).end();
        code.function(&first);
        let mut second = Function::new([]);
        second.instructions().local_get(0).call(0).end();
        code.function(&second);
        module.section(&code);
        module.finish()
    }

    #[test]
    fn functions_move_and_all_that_names_them_moves_along() {
        let arranged = arrange(&module()).unwrap();
        wasmparser::validate(&arranged).unwrap();
        let mut calls = Vec::new();
        for payload in Parser::new(0).parse_all(&arranged) {
            match payload.unwrap() {
                Payload::ExportSection(all) => {
                    assert_eq!(all.into_iter().next().unwrap().unwrap().index, 2);
                }
                Payload::ElementSection(all) => {
                    let only = all.into_iter().next().unwrap().unwrap();
                    let wasmparser::ElementItems::Functions(items) = only.items else { panic!() };
                    assert_eq!(items.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), [1]);
                }
                Payload::CodeSectionEntry(body) => {
                    for operator in body.get_operators_reader().unwrap() {
                        if let Operator::Call { function_index } = operator.unwrap() {
                            calls.push(function_index);
                        }
                    }
                }
                _ => {}
            }
        }
        assert_eq!(calls, [0, 1]);
    }

    #[test]
    fn the_variable_that_is_used_most_comes_first() {
        let arranged = arrange(&module()).unwrap();
        let read = Read::of(&arranged).unwrap();
        let first = &read.bodies[1];
        assert_eq!(uses(first, 4).unwrap(), [1, 2, 0, 0]);
    }

    #[test]
    fn what_is_arranged_stays_as_it_is() {
        let arranged = arrange(&module()).unwrap();
        assert_eq!(arrange(&arranged).unwrap(), arranged);
    }
}
