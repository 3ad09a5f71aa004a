//! Cuts a module in two: the first part is all that a page needs until its first picture, the second follows.
//!
//! Both work on one memory, one table of functions and the same global variables, which the first part exports. Where one
//! part calls a function of the other, it calls through the table, where each of these functions has a place. Before the
//! second part is there nothing of it is in its places, and such a call is a trap: then whoever began the module has to begin
//! anew, with both parts.

use super::body::hash;
use super::sections::Sections;
use anyhow::{Context, Result, anyhow, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    Function, FunctionSection, ImportSection, Instruction, TableSection, TypeSection,
};
use wasmparser::{
    CustomSectionReader, ElementSectionReader, ExportSectionReader, FuncType, FunctionBody,
    FunctionSectionReader, Operator, TableSectionReader, TypeSectionReader,
};

/// What the second part imports the first one's exports from.
pub(crate) const FIRST: &str = "first";
/// The table's name begins so. What follows is a hash of the module: no part goes with one of another version.
const TABLE: &str = "t-";
/// A function that is called from more places than this has a stand-in, which they call.
const CALLS: usize = 1;
/// A function of the first part that the second calls is in both if it has no more bytes: a place in the table costs as well.
const COPIED: usize = 64;

/// The two parts of the module; `later` says of each function of its own whether it belongs to the second.
pub(crate) fn split(wasm: &[u8], later: &[bool]) -> Result<(Vec<u8>, Vec<u8>)> {
    let read = Sections::of(wasm, later)?;
    let plan = Plan::of(&read, format!("{TABLE}{:016x}", hash(wasm)))?;
    let mut first = wasm_encoder::Module::new();
    Part::of(&read, &plan, false)
        .parse_core_module(&mut first, wasmparser::Parser::new(0), wasm)
        .map_err(because)?;
    Ok((first.finish(), second(&read, &plan)?))
}

fn because(error: Error) -> anyhow::Error {
    anyhow!("the module cannot be split: {error}")
}

/// Who calls whom across the border, and where everything is.
struct Plan {
    /// What the table is exported as, and its size.
    table: (String, u32),
    /// The place in the table of each function that the other part calls.
    slots: BTreeMap<u32, u32>,
    /// Those of the first part that had no place before, in the order of their places.
    placed: Vec<u32>,
    /// Those that the second part has as well.
    copies: Vec<u32>,
    /// The global variables that the second part needs.
    globals: Vec<u32>,
    sides: [Side; 2],
    /// The type of a function that takes and gives nothing: it fills the places of the second part before that is there.
    nothing: u32,
}

/// The small functions of the first part that the second part calls, and that call nothing that it does not call anyway.
fn copies(read: &Sections<'_>, calls: &BTreeMap<u32, usize>) -> Result<Vec<u32>> {
    let mut copies = Vec::new();
    let called = calls.keys().copied().filter(|it| *it >= read.imported() && !read.is_later(*it));
    for function in called {
        let small = read.body(function).range().len() <= COPIED;
        if !small || read.placed.contains_key(&function) {
            continue;
        }
        let mut known = true;
        let knows = |it| known &= it < read.imported() || calls.contains_key(&it);
        read.named(function, knows, |_| {})?;
        if known {
            copies.push(function);
        }
    }
    Ok(copies)
}

/// What one part has.
struct Side {
    /// The numbers of the functions that it imports and of its own.
    numbers: BTreeMap<u32, u32>,
    /// The functions of the other part that have a stand-in here, in order. The stand-ins' numbers come last. In the first
    /// part the one before them is of what fills the table.
    stand_ins: Vec<u32>,
    first_stand_in: u32,
}

impl Side {
    fn number(&self, function: u32) -> Option<u32> {
        let stand_in = || self.stand_ins.binary_search(&function).ok();
        let number = self.numbers.get(&function).copied();
        number.or_else(|| Some(self.first_stand_in + stand_in()? as u32))
    }
}

impl Plan {
    fn of(read: &Sections<'_>, table_name: String) -> Result<Self> {
        if read.all(true).any(|it| read.exported.contains(&it)) {
            bail!("a function that is exported cannot come later");
        }
        let mut calls: [BTreeMap<u32, usize>; 2] = Default::default();
        let mut globals = BTreeSet::new();
        for later in [false, true] {
            let calls = &mut calls[usize::from(later)];
            for caller in read.all(later) {
                read.named(
                    caller,
                    |it| *calls.entry(it).or_default() += 1,
                    |it| _ = later && globals.insert(it),
                )?;
            }
        }
        let copies = copies(read, &calls[1])?;
        for copy in &copies {
            let mut named = Vec::new();
            read.named(*copy, |it| named.push(it), |it| _ = globals.insert(it))?;
            named.into_iter().for_each(|it| *calls[1].entry(it).or_default() += 1);
        }
        calls[1].retain(|it, _| copies.binary_search(it).is_err());
        let page: Vec<u32> =
            calls[1].keys().copied().take_while(|it| *it < read.imported()).collect();
        let mut table = u32::try_from(read.table.context("the module has no table")?.initial)?;
        let (mut slots, mut placed) = (BTreeMap::new(), Vec::new());
        let mut stand_ins: [Vec<u32>; 2] = Default::default();
        for later in [true, false] {
            let callers = usize::from(!later);
            for function in read.all(later) {
                let Some(count) = calls[callers].get(&function) else { continue };
                let place = read.placed.get(&function).map(|it| it[0]);
                slots.insert(function, place.unwrap_or(table));
                table += u32::from(place.is_none());
                if place.is_none() && !later {
                    placed.push(function);
                }
                if *count > CALLS {
                    stand_ins[callers].push(function);
                }
            }
        }
        let nothing = FuncType::new([], []);
        let types = read.types.len();
        let nothing = read.types.iter().position(|it| *it == nothing).unwrap_or(types);
        let [ours, theirs] = stand_ins;
        let side = |imported: &[u32], later, copies: &[u32], stand_ins, fillers| {
            let all = imported.iter().copied().chain(read.all(later)).chain(copies.to_vec());
            let numbers: BTreeMap<u32, u32> = all.zip(0..).collect();
            let first_stand_in = numbers.len() as u32 + fillers;
            Side { numbers, stand_ins, first_stand_in }
        };
        let imported: Vec<u32> = (0..read.imported()).collect();
        Ok(Self {
            table: (table_name, table),
            slots,
            placed,
            globals: globals.into_iter().collect(),
            sides: [side(&imported, false, &[], ours, 1), side(&page, true, &copies, theirs, 0)],
            copies,
            nothing: nothing as u32,
        })
    }

    /// What is called for a function of the other part, where it is more than a call of it.
    fn call(&self, read: &Sections<'_>, function: u32) -> [Instruction<'static>; 2] {
        [
            Instruction::I32Const(self.slots[&function].cast_signed()),
            Instruction::CallIndirect { type_index: read.type_of(function), table_index: 0 },
        ]
    }
}

/// Writes a part; of the first one each section.
struct Part<'a> {
    read: &'a Sections<'a>,
    plan: &'a Plan,
    side: &'a Side,
    later: bool,
    /// The next body that is read.
    next: usize,
    /// The table is written.
    filling: bool,
}

impl<'a> Part<'a> {
    fn of(read: &'a Sections<'a>, plan: &'a Plan, later: bool) -> Self {
        Self { read, plan, side: &plan.sides[usize::from(later)], later, next: 0, filling: false }
    }

    /// Writes a function of this part.
    fn body(&mut self, code: &mut CodeSection, body: &FunctionBody<'_>) -> Result<(), Error> {
        let mut function = self.new_function_with_parsed_locals(body)?;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            match operators.clone().read()? {
                Operator::Call { function_index: it } if self.side.number(it).is_none() => {
                    operators.read()?;
                    let call = self.plan.call(self.read, it);
                    call.iter().for_each(|it| _ = function.instruction(it));
                }
                _ => _ = function.instruction(&self.parse_instruction(&mut operators)?),
            }
        }
        code.function(&function);
        Ok(())
    }

    /// Writes the stand-ins.
    fn stand_ins(&self, code: &mut CodeSection) {
        for function in &self.side.stand_ins {
            let mut stand_in = Function::new([]);
            let ty = &self.read.types[self.read.type_of(*function) as usize];
            (0..ty.params().len() as u32)
                .for_each(|it| _ = stand_in.instruction(&Instruction::LocalGet(it)));
            let call = self.plan.call(self.read, *function);
            call.iter().for_each(|it| _ = stand_in.instruction(it));
            code.function(stand_in.instruction(&Instruction::End));
        }
    }
}

impl Reencode for Part<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        let own = self.side.numbers.get(&function).copied();
        if self.filling {
            return Ok(own.unwrap_or(self.side.first_stand_in.saturating_sub(1)));
        }
        // What is nowhere makes the module invalid.
        Ok(self.side.number(function).unwrap_or(u32::MAX))
    }

    fn global_index(&mut self, global: u32) -> Result<u32, Error> {
        let place = self.plan.globals.binary_search(&global).map_or(u32::MAX, |it| it as u32);
        Ok(if self.later { place } else { global })
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_type_section(self, types, section)?;
        if self.plan.nothing as usize == self.read.types.len() {
            types.ty().function([], []);
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        _: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        self.read.all(false).for_each(|it| _ = functions.function(self.read.type_of(it)));
        functions.function(self.plan.nothing);
        self.side.stand_ins.iter().for_each(|it| _ = functions.function(self.read.type_of(*it)));
        Ok(())
    }

    fn parse_table_section(
        &mut self,
        tables: &mut TableSection,
        section: TableSectionReader<'_>,
    ) -> Result<(), Error> {
        for table in section {
            let mut ty = self.table_type(table?.ty)?;
            ty.minimum = self.plan.table.1.into();
            ty.maximum = ty.maximum.map(|it| it.max(ty.minimum));
            tables.table(ty);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_export_section(self, exports, section)?;
        exports.export("m", ExportKind::Memory, 0);
        exports.export(&self.plan.table.0, ExportKind::Table, 0);
        for global in &self.plan.globals {
            exports.export(&format!("g{global}"), ExportKind::Global, *global);
        }
        Ok(())
    }

    /// What was in the table, with what fills it in the places of the second part, and what the second part calls.
    fn parse_element_section(
        &mut self,
        elements: &mut ElementSection,
        section: ElementSectionReader<'_>,
    ) -> Result<(), Error> {
        self.filling = true;
        utils::parse_element_section(self, elements, section)?;
        self.filling = false;
        let numbers = &self.side.numbers;
        let from = self.plan.placed.first().map(|it| self.plan.slots[it]);
        let placed: Vec<u32> = self.plan.placed.iter().map(|it| numbers[it]).collect();
        if let Some(from) = from {
            let from = ConstExpr::i32_const(from.cast_signed());
            elements.active(None, &from, Elements::Functions(placed.into()));
        }
        Ok(())
    }

    /// Names, which nobody needs who runs it.
    fn parse_custom_section(
        &mut self,
        _: &mut wasm_encoder::Module,
        _: CustomSectionReader<'_>,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// Called for each body of the whole; what is new comes after the last one.
    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error> {
        if !self.read.later[self.next] {
            self.body(code, &body)?;
        }
        self.next += 1;
        if self.next == self.read.bodies.len() {
            let mut filler = Function::new([]);
            filler.instructions().unreachable().end();
            code.function(&filler);
            self.stand_ins(code);
        }
        Ok(())
    }
}

/// The second part.
fn second(read: &Sections<'_>, plan: &Plan) -> Result<Vec<u8>> {
    let mut part = Part::of(read, plan, true);
    let mut imports = ImportSection::new();
    for function in part.side.numbers.keys().take_while(|it| **it < read.imported()) {
        let (module, name, ty) = read.imports[*function as usize];
        imports.import(module, name, EntityType::Function(ty));
    }
    let memory = wasm_encoder::MemoryType {
        minimum: 0,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    imports.import(FIRST, "m", EntityType::Memory(memory));
    let table = RoundtripReencoder.table_type(read.table.context("no table")?).map_err(because)?;
    let table = wasm_encoder::TableType { minimum: plan.table.1.into(), maximum: None, ..table };
    imports.import(FIRST, &plan.table.0, EntityType::Table(table));
    for global in &plan.globals {
        let ty = read.globals[*global as usize];
        imports.import(FIRST, &format!("g{global}"), EntityType::Global(ty));
    }
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for function in read.all(true).chain(plan.copies.iter().copied()) {
        functions.function(read.type_of(function));
        part.body(&mut code, read.body(function)).map_err(because)?;
    }
    part.side.stand_ins.iter().for_each(|it| _ = functions.function(read.type_of(*it)));
    part.stand_ins(&mut code);
    let mut types = TypeSection::new();
    for ty in &read.types {
        types.ty().func_type(&RoundtripReencoder.func_type(ty.clone()).map_err(because)?);
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&imports).section(&functions);
    module.section(&places(read, plan)).section(&code);
    Ok(module.finish())
}

/// The second part's functions take their places in the table.
fn places(read: &Sections<'_>, plan: &Plan) -> ElementSection {
    let numbers = &plan.sides[1].numbers;
    let called = plan.slots.iter().filter(|it| read.is_later(*it.0));
    let mut all: BTreeMap<u32, u32> = called.map(|(it, slot)| (*slot, numbers[it])).collect();
    for (function, places) in read.placed.iter().filter(|it| read.is_later(*it.0)) {
        places.iter().for_each(|it| _ = all.insert(*it, numbers[function]));
    }
    let mut elements = ElementSection::new();
    let mut rest: Vec<(u32, u32)> = all.into_iter().collect();
    while let Some((from, _)) = rest.first().copied() {
        let length = rest.iter().zip(from..).take_while(|(it, place)| it.0 == *place).count();
        let run: Vec<u32> = rest.drain(..length).map(|it| it.1).collect();
        let from = ConstExpr::i32_const(from.cast_signed());
        elements.active(None, &from, Elements::Functions(run.into()));
    }
    elements
}
