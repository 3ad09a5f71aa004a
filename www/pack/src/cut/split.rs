//! Cuts a module in two: the first part is all that a page needs until its first picture, the second follows.
//!
//! Both work on one memory, one table of functions and the same global variables, which the first part exports. Where it
//! calls a function that is in the second part, it makes sure that this part is there (`ready`, which has the page load it if
//! need be) and calls through the table, where each function of the second part that is called from the first has a
//! place. A function whose place in the table is taken as a value, or that is exported, has a stand-in that does this.

use super::body::hash;
use super::sections::Sections;
use anyhow::{Context, Result, anyhow};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    Function, FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, TableSection,
    TypeSection, ValType,
};
use wasmparser::{
    ExportSectionReader, FuncType, FunctionBody, FunctionSectionReader, GlobalSectionReader,
    ImportSectionReader, Operator, Parser, TableSectionReader, TypeSectionReader,
};

/// What the first part imports to have the second loaded, and what the second imports the first one's exports from.
pub(crate) const LOADER: (&str, &str) = ("later", "load");
pub(crate) const FIRST: &str = "first";
/// The first part's exported flag, that the second is there, begins so. What follows is a hash of the module: no part goes
/// with one of another version.
const FLAG: &str = "later-";
/// A function that is called from more places than this has a stand-in, which they call.
const CALLS: usize = 2;

/// The two parts of the module; `later` says of each function of its own whether it belongs to the second.
pub(crate) fn split(wasm: &[u8], later: &[bool]) -> Result<(Vec<u8>, Vec<u8>)> {
    let read = Sections::of(wasm, later)?;
    let plan = Plan::of(&read, format!("{FLAG}{:016x}", hash(wasm)))?;
    let mut first = wasm_encoder::Module::new();
    First { read: &read, plan: &plan, next: 0 }
        .parse_core_module(&mut first, Parser::new(0), wasm)
        .map_err(because)?;
    Ok((first.finish(), second(&read, &plan)?))
}

fn because(error: Error) -> anyhow::Error {
    anyhow!("the module cannot be split: {error}")
}

/// Who calls whom across the border, and where everything is.
struct Plan {
    flag: String,
    /// The place in the table of each function of the second part that the first one reaches.
    slots: BTreeMap<u32, u32>,
    /// Those of them that have a stand-in in the first part, in order.
    stand_ins: Vec<u32>,
    /// The size of the table.
    table: u32,
    /// What the second part needs of the first: functions and global variables; and functions of the page's.
    shared: Vec<u32>,
    globals: Vec<u32>,
    page: Vec<u32>,
    /// The number in the first part of each function of the first part.
    first: BTreeMap<u32, u32>,
    /// The type of a function that takes and gives nothing.
    nothing: u32,
}

impl Plan {
    fn of(read: &Sections<'_>, flag: String) -> Result<Self> {
        let mut calls: BTreeMap<u32, usize> = BTreeMap::new();
        for caller in read.all(false) {
            read.named(caller, |it| *calls.entry(it).or_default() += 1, |_| {})?;
        }
        let (mut named, mut globals) = (BTreeSet::new(), BTreeSet::new());
        for caller in read.all(true) {
            read.named(caller, |it| _ = named.insert(it), |it| _ = globals.insert(it))?;
        }
        let mut table = u32::try_from(read.table.context("the module has no table")?.initial)?;
        let mut slots = BTreeMap::new();
        let mut stand_ins = Vec::new();
        for function in read.all(true) {
            let count = calls.get(&function).copied().unwrap_or_default();
            let placed = read.placed.get(&function).map(|it| it[0]);
            let is_value = placed.is_some() || read.exported.contains(&function);
            if count == 0 && !is_value {
                continue;
            }
            slots.insert(function, placed.unwrap_or(table));
            table += u32::from(placed.is_none());
            if is_value || count > CALLS {
                stand_ins.push(function);
            }
        }
        let kept = (0..read.imported()).map(|it| (it, it));
        let moved = (read.imported() + 1..).zip(read.all(false)).map(|(new, old)| (old, new));
        let nothing = FuncType::new([], []);
        Ok(Self {
            flag,
            slots,
            stand_ins,
            table,
            shared: named
                .iter()
                .copied()
                .filter(|it| *it >= read.imported() && !read.is_later(*it))
                .collect(),
            page: named.iter().copied().filter(|it| *it < read.imported()).collect(),
            globals: globals.into_iter().collect(),
            first: kept.chain(moved).collect(),
            nothing: read.types.iter().position(|it| *it == nothing).unwrap_or(read.types.len())
                as u32,
        })
    }

    /// The number in the first part of what makes sure that the second is there, and of the stand-in for a function.
    fn ready(&self) -> u32 {
        self.first.len() as u32 + 1
    }

    fn stand_in(&self, function: u32) -> Option<u32> {
        let at = self.stand_ins.binary_search(&function).ok()?;
        Some(self.ready() + 1 + at as u32)
    }

    /// What the first part calls for a function, where it is more than a call of it.
    fn call(&self, read: &Sections<'_>, function: u32) -> [Instruction<'static>; 3] {
        [
            Instruction::Call(self.ready()),
            Instruction::I32Const(self.slots[&function].cast_signed()),
            Instruction::CallIndirect { type_index: read.type_of(function), table_index: 0 },
        ]
    }
}

/// Writes the first part.
struct First<'a> {
    read: &'a Sections<'a>,
    plan: &'a Plan,
    /// The next body that is read.
    next: usize,
}

impl First<'_> {
    /// The flag's number.
    fn flag(&self) -> u32 {
        self.read.globals.len() as u32
    }
}

impl Reencode for First<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        let number = self.plan.first.get(&function).copied();
        Ok(number.or_else(|| self.plan.stand_in(function)).unwrap_or(function))
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

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_import_section(self, imports, section)?;
        imports.import(LOADER.0, LOADER.1, EntityType::Function(self.plan.nothing));
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        _: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        self.read.all(false).for_each(|it| _ = functions.function(self.read.type_of(it)));
        functions.function(self.plan.nothing);
        self.plan.stand_ins.iter().for_each(|it| _ = functions.function(self.read.type_of(*it)));
        Ok(())
    }

    fn parse_table_section(
        &mut self,
        tables: &mut TableSection,
        section: TableSectionReader<'_>,
    ) -> Result<(), Error> {
        for table in section {
            let mut ty = self.table_type(table?.ty)?;
            ty.minimum = self.plan.table.into();
            ty.maximum = ty.maximum.map(|it| it.max(ty.minimum));
            tables.table(ty);
        }
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_global_section(self, globals, section)?;
        globals.global(flag(), &ConstExpr::i32_const(0));
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_export_section(self, exports, section)?;
        exports.export("m", ExportKind::Memory, 0);
        exports.export("t", ExportKind::Table, 0);
        exports.export(&self.plan.flag, ExportKind::Global, self.flag());
        for global in &self.plan.globals {
            exports.export(&format!("g{global}"), ExportKind::Global, *global);
        }
        for (at, function) in self.plan.shared.iter().enumerate() {
            exports.export(&short(at), ExportKind::Func, self.plan.first[function]);
        }
        Ok(())
    }

    /// Called for each body; stand-ins come after the last one.
    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error> {
        if !self.read.later[self.next] {
            let mut function = self.new_function_with_parsed_locals(&body)?;
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                match operators.clone().read()? {
                    Operator::Call { function_index: it }
                        if self.read.is_later(it) && self.plan.stand_in(it).is_none() =>
                    {
                        operators.read()?;
                        self.plan
                            .call(self.read, it)
                            .iter()
                            .for_each(|it| _ = function.instruction(it));
                    }
                    _ => _ = function.instruction(&self.parse_instruction(&mut operators)?),
                }
            }
            code.function(&function);
        }
        self.next += 1;
        if self.next == self.read.bodies.len() {
            let mut ready = Function::new([]);
            let loader = self.read.imported();
            ready
                .instructions()
                .global_get(self.flag())
                .i32_eqz()
                .if_(wasm_encoder::BlockType::Empty)
                .call(loader)
                .end()
                .end();
            code.function(&ready);
            for function in &self.plan.stand_ins {
                let mut stand_in = Function::new([]);
                let parameters =
                    self.read.types[self.read.type_of(*function) as usize].params().len();
                (0..parameters)
                    .for_each(|it| _ = stand_in.instruction(&Instruction::LocalGet(it as u32)));
                self.plan
                    .call(self.read, *function)
                    .iter()
                    .for_each(|it| _ = stand_in.instruction(it));
                code.function(stand_in.instruction(&Instruction::End));
            }
        }
        Ok(())
    }
}

/// The second part.
fn second(read: &Sections<'_>, plan: &Plan) -> Result<Vec<u8>> {
    let mut imports = ImportSection::new();
    let mut numbers = BTreeMap::new();
    for function in &plan.page {
        let (module, name, ty) = read.imports[*function as usize];
        imports.import(module, name, EntityType::Function(ty));
        numbers.insert(*function, numbers.len() as u32);
    }
    for (at, function) in plan.shared.iter().enumerate() {
        imports.import(FIRST, &short(at), EntityType::Function(read.type_of(*function)));
        numbers.insert(*function, numbers.len() as u32);
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
    imports.import(
        FIRST,
        "t",
        EntityType::Table(wasm_encoder::TableType { minimum: 0, maximum: None, ..table }),
    );
    let mut globals = BTreeMap::new();
    imports.import(FIRST, &plan.flag, EntityType::Global(flag()));
    for global in &plan.globals {
        imports.import(
            FIRST,
            &format!("g{global}"),
            EntityType::Global(read.globals[*global as usize]),
        );
        globals.insert(*global, globals.len() as u32 + 1);
    }
    let mut functions = FunctionSection::new();
    for function in read.all(true) {
        functions.function(read.type_of(function));
        numbers.insert(function, numbers.len() as u32);
    }
    let mut code = CodeSection::new();
    let mut second = Second { numbers, globals };
    for function in read.all(true) {
        second.parse_function_body(&mut code, read.body(function).clone()).map_err(because)?;
    }
    let mut types = TypeSection::new();
    for ty in &read.types {
        types.ty().func_type(&RoundtripReencoder.func_type(ty.clone()).map_err(because)?);
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&imports).section(&functions);
    module.section(&places(read, plan, &second.numbers)).section(&code);
    Ok(module.finish())
}

/// The second part's functions take their places in the table.
fn places(read: &Sections<'_>, plan: &Plan, numbers: &BTreeMap<u32, u32>) -> ElementSection {
    let mut all: BTreeMap<u32, u32> =
        plan.slots.iter().map(|(function, slot)| (*slot, numbers[function])).collect();
    for (function, places) in read.placed.iter().filter(|it| read.is_later(*it.0)) {
        places.iter().for_each(|it| _ = all.insert(*it, numbers[function]));
    }
    let mut elements = ElementSection::new();
    let mut rest: Vec<(u32, u32)> = all.into_iter().collect();
    while let Some((from, _)) = rest.first().copied() {
        let length = rest.iter().zip(from..).take_while(|(it, place)| it.0 == *place).count();
        let run: Vec<u32> = rest.drain(..length).map(|it| it.1).collect();
        elements.active(
            None,
            &ConstExpr::i32_const(from.cast_signed()),
            Elements::Functions(run.into()),
        );
    }
    elements
}

/// Numbers functions and global variables as the second part has them.
struct Second {
    numbers: BTreeMap<u32, u32>,
    globals: BTreeMap<u32, u32>,
}

impl Reencode for Second {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        Ok(self.numbers[&function])
    }

    fn global_index(&mut self, global: u32) -> Result<u32, Error> {
        Ok(self.globals[&global])
    }
}

/// The type of the flag.
const fn flag() -> GlobalType {
    GlobalType { val_type: ValType::I32, mutable: true, shared: false }
}

/// A short name for the function at this place: letters and digits.
fn short(at: usize) -> String {
    let mut rest = at;
    let mut name = String::from("f");
    loop {
        name.push(char::from_digit((rest % 36) as u32, 36).unwrap_or('_'));
        rest /= 36;
        if rest == 0 {
            return name;
        }
    }
}
