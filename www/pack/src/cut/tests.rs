//! A module that is cut in two gives the same results and calls the page with the same values as before, whatever its
//! profile says: made-up programs are run both ways.

use super::body;
use super::parts;
use super::profile::Profile;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection,
    InstructionSink, MemorySection, MemoryType, RefType, TableSection, TableType, TypeSection,
    ValType,
};
use wasmi::{Caller, Engine, Linker, Module, Store};

/// Numbers that look random, the same at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as u32 % end
    }
}

/// Local variables: numbers below this are i32, the others i64. The first two parameters are of either kind.
const LOCALS: [ValType; 7] = [
    ValType::I32,
    ValType::I64,
    ValType::I32,
    ValType::I32,
    ValType::I32,
    ValType::I64,
    ValType::I64,
];
const INTS: [u32; 4] = [0, 2, 3, 4];
const LONGS: [u32; 3] = [1, 5, 6];
/// The page's function, and the program's own: each may call those that follow it. `OTHER` is in the table; `SHORT` is small.
const TOLD: u32 = 0;
const MAIN: u32 = 1;
const OTHER: u32 = 2;
const LONG: u32 = 3;
const SHORT: u32 = 4;
/// The place of `OTHER` in the table, and the type of all of them.
const PLACE: i32 = 1;
const TYPE: u32 = 1;
/// The global variable that ends loops.
const FUEL: u32 = 0;

/// Writes a program.
struct Writer<'a> {
    dice: &'a mut Dice,
    /// The blocks that are open, outermost first: whether a branch there takes no value along.
    open: Vec<bool>,
    /// The functions that it may call.
    calls: &'a [u32],
}

impl Writer<'_> {
    fn one(&mut self, of: &[u32]) -> u32 {
        of[self.dice.below(of.len() as u32) as usize]
    }

    /// Leaves an i32 on the stack.
    fn number(&mut self, code: &mut InstructionSink<'_>) {
        match self.dice.below(4) {
            0 => _ = code.i32_const(self.dice.below(9) as i32 - 4),
            1 => _ = code.local_get(self.one(&LONGS)).i32_wrap_i64(),
            _ => _ = code.local_get(self.one(&INTS)),
        }
    }

    /// A depth to which a branch may go without a value.
    fn target(&mut self) -> Option<u32> {
        let depth = self.dice.below(self.open.len() as u32 + 1) as usize;
        let at = self.open.len().checked_sub(depth + 1)?;
        self.open[at].then_some(depth as u32)
    }

    fn block(&mut self, code: &mut InstructionSink<'_>, depth: u32) {
        for _ in 0..1 + self.dice.below(4) {
            if self.statement(code, depth) {
                break;
            }
        }
    }

    /// Returns whether nothing can follow.
    fn statement(&mut self, code: &mut InstructionSink<'_>, depth: u32) -> bool {
        match self.dice.below(if depth > 4 { 6 } else { 12 }) {
            0 => {
                self.number(code);
                self.number(code);
                code.i32_add().local_set(self.one(&INTS));
            }
            1 => {
                let (from, to) = (self.one(&LONGS), self.one(&LONGS));
                code.local_get(from)
                    .i64_const(3)
                    .i64_mul()
                    .local_tee(to)
                    .i64_const(1)
                    .i64_add()
                    .local_set(to);
            }
            2 => {
                self.number(code);
                code.call(TOLD);
            }
            3 => {
                if let Some(target) = self.target() {
                    self.number(code);
                    code.i32_const(1).i32_and().br_if(target);
                }
            }
            4 => return self.leave(code),
            5 if !self.calls.is_empty() => {
                self.number(code);
                code.local_get(self.one(&LONGS));
                let callee = self.one(self.calls);
                if callee == OTHER && self.dice.below(2) == 0 {
                    code.i32_const(PLACE).call_indirect(0, TYPE);
                } else {
                    code.call(callee);
                }
                code.local_set(self.one(&INTS));
            }
            6 => {
                self.number(code);
                code.if_(BlockType::Result(ValType::I32));
                self.open.push(false);
                self.block(code, depth + 1);
                self.number(code);
                code.else_();
                self.number(code);
                code.end().local_set(self.one(&INTS));
                self.open.pop();
            }
            7 => {
                code.loop_(BlockType::Empty);
                code.global_get(FUEL).i32_eqz().if_(BlockType::Empty).i32_const(-7).return_().end();
                code.global_get(FUEL).i32_const(1).i32_sub().global_set(FUEL);
                self.inner(code, depth);
                code.end();
            }
            8 | 9 => {
                self.number(code);
                code.i32_const(1).i32_and().if_(BlockType::Empty);
                self.inner(code, depth);
                if self.dice.below(2) == 0 {
                    code.else_();
                    self.inner(code, depth);
                }
                code.end();
            }
            10 => self.choice(code, depth),
            _ => {
                code.block(BlockType::Empty);
                self.inner(code, depth);
                code.end();
            }
        }
        false
    }

    fn inner(&mut self, code: &mut InstructionSink<'_>, depth: u32) {
        self.open.push(true);
        self.block(code, depth + 1);
        self.open.pop();
    }

    fn leave(&mut self, code: &mut InstructionSink<'_>) -> bool {
        match self.dice.below(6) {
            0 => {
                self.number(code);
                code.return_();
            }
            1 => {
                // To the function itself, as a return.
                self.number(code);
                code.br(self.open.len() as u32);
            }
            2 | 3 => match self.target() {
                Some(target) => _ = code.br(target),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    fn choice(&mut self, code: &mut InstructionSink<'_>, depth: u32) {
        code.block(BlockType::Empty).block(BlockType::Empty);
        self.open.extend([true, true]);
        let targets: Vec<u32> = (0..3).filter_map(|_| self.target()).collect();
        self.number(code);
        code.i32_const(3).i32_and().br_table(targets, self.dice.below(2)).end();
        self.open.pop();
        self.block(code, depth + 1);
        code.end();
        self.open.pop();
    }
}

fn function(dice: &mut Dice, calls: &[u32]) -> Function {
    let mut function = Function::new_with_locals_types(LOCALS[2..].iter().copied());
    let mut code = function.instructions();
    let mut writer = Writer { dice, open: Vec::new(), calls };
    let mut ended = false;
    for _ in 0..6 {
        if !ended {
            ended = writer.statement(&mut code, 0);
        }
    }
    if !ended {
        writer.number(&mut code);
    }
    code.end();
    function
}

/// Adds its argument to itself, and tells the page.
fn short() -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.local_get(0).call(TOLD).local_get(0).local_get(1).i32_wrap_i64().i32_add().end();
    function
}

/// A module with functions made up by chance, the first of them exported, the second in the table.
fn program(dice: &mut Dice) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    types.ty().function([ValType::I32, ValType::I64], [ValType::I32]);
    let mut imports = ImportSection::new();
    imports.import("page", "told", EntityType::Function(0));
    let mut functions = FunctionSection::new();
    functions.function(TYPE).function(TYPE).function(TYPE).function(TYPE);
    let mut tables = TableSection::new();
    let element_type = RefType::FUNCREF;
    tables.table(TableType {
        element_type,
        table64: false,
        minimum: 2,
        maximum: Some(2),
        shared: false,
    });
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut globals = GlobalSection::new();
    globals.global(
        GlobalType { val_type: ValType::I32, mutable: true, shared: false },
        &ConstExpr::i32_const(60),
    );
    let mut exports = ExportSection::new();
    exports.export("main", ExportKind::Func, MAIN).export("fuel", ExportKind::Global, FUEL);
    let mut elements = ElementSection::new();
    elements.active(None, &ConstExpr::i32_const(PLACE), Elements::Functions([OTHER][..].into()));
    let mut code = CodeSection::new();
    code.function(&function(dice, &[OTHER, LONG, SHORT]));
    code.function(&function(dice, &[LONG, SHORT])).function(&function(dice, &[SHORT]));
    code.function(&short());
    let mut module = wasm_encoder::Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&tables)
        .section(&memories);
    module.section(&globals).section(&exports).section(&elements).section(&code);
    module.finish()
}

/// What a run gave, and what the page was told meanwhile.
#[derive(Debug, PartialEq)]
struct Outcome {
    result: Option<i32>,
    told: Vec<i32>,
}

/// Runs the first part, with the second where there is one.
fn run(first: &[u8], second: Option<&[u8]>, argument: i32) -> Outcome {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Vec::new());
    let mut linker = Linker::<Vec<i32>>::new(&engine);
    linker
        .func_wrap("page", "told", |mut page: Caller<'_, Vec<i32>>, it: i32| {
            page.data_mut().push(it)
        })
        .unwrap();
    let instance =
        linker.instantiate_and_start(&mut store, &Module::new(&engine, first).unwrap()).unwrap();
    if let Some(second) = second {
        linker.instance(&mut store, "first", instance).unwrap();
        linker.instantiate_and_start(&mut store, &Module::new(&engine, second).unwrap()).unwrap();
    }
    let main = instance.get_typed_func::<(i32, i64), i32>(&store, "main").unwrap();
    let result = main.call(&mut store, (argument, i64::from(argument) * 5 - 1)).ok();
    Outcome { result, told: store.into_data() }
}

#[test]
fn a_module_in_two_parts_does_what_it_did_in_one() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let (mut moved, mut answered, mut trapped) = (0, 0, 0);
    for number in 0..600 {
        let whole = program(&mut dice);
        wasmparser::validate(&whole).unwrap();
        let functions: Vec<_> = body::all(&whole)
            .unwrap()
            .iter()
            // What is not exported may be what never ran.
            .zip([false, dice.below(4) == 0, dice.below(4) == 0, dice.below(4) == 0])
            .map(|(body, never)| {
                let points =
                    body.points().map(|at| !never && (at == 0 || dice.below(3) > 0)).collect();
                (body::hash(b""), body.shape, points)
            })
            .collect();
        let profile = Profile::read(&Profile::of(&functions).text()).unwrap();
        let (first, second) = parts(&whole, &profile).unwrap();
        moved += usize::from(!body::all(&second).unwrap().is_empty());
        for argument in [0, 1, 2, 7, -3] {
            let before = run(&whole, None, argument);
            answered += usize::from(before.result.is_some_and(|it| it != -7));
            // The first part alone does the same, or ends in a trap on the way.
            let alone = run(&first, None, argument);
            assert!(before.told.starts_with(&alone.told), "program {number} with {argument}");
            assert!(alone == before || alone.result.is_none(), "program {number} with {argument}");
            trapped += usize::from(alone != before);
            assert_eq!(
                run(&first, Some(&second), argument),
                before,
                "program {number} with {argument}"
            );
        }
    }
    assert!(
        moved > 200 && answered > 800 && trapped > 200,
        "{moved} programs had a second part, {answered} runs came to their end, {trapped} needed it"
    );
}
