//! How a region that became a function is called, and how it says which way out it took.

use wasm_encoder::{BlockType, Function, Instruction};

/// A way out of a region, in the order in which they are numbered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Over its end.
    End,
    Return,
    /// By a branch to the block that is this far outside.
    Branch(u32),
}

/// How a new function is called, and what it gives.
pub(crate) struct Shape {
    pub(crate) exits: Vec<Exit>,
    pub(crate) inputs: Vec<u32>,
    pub(crate) outputs: Vec<u32>,
    /// 1 if the first output is the result.
    pub(crate) one: usize,
    /// For the other outputs, then for what the function around returns if that is one of several ways out.
    pub(crate) globals: Vec<u32>,
    /// There is a way out that returns a value.
    pub(crate) returned: bool,
}

impl Shape {
    /// The only way out is a return: it is one of the new function too.
    fn returns(&self) -> bool {
        self.exits == [Exit::Return]
    }

    /// Opens a block for each way out, the first innermost.
    pub(crate) fn open(&self, function: &mut Function) {
        if self.exits.len() > 1 {
            function
                .instruction(&Instruction::Block(BlockType::Result(wasm_encoder::ValType::I32)));
        }
        if !self.returns() {
            self.exits
                .iter()
                .for_each(|_| _ = function.instruction(&Instruction::Block(BlockType::Empty)));
        }
    }

    /// Before a way out that returns a value: one of several, so it goes into its global variable.
    pub(crate) fn keep_result(&self, function: &mut Function, returns: bool) {
        if returns
            && self.returned
            && self.exits.len() > 1
            && let Some(global) = self.globals.last()
        {
            function.instruction(&Instruction::GlobalSet(*global));
        }
    }

    /// Closes the blocks, and gives back what there is.
    pub(crate) fn close(&self, function: &mut Function, number: impl Fn(u32) -> u32) {
        let count = self.exits.len();
        if count > 1 {
            for at in 0..count {
                function.instructions().end().i32_const(at as i32);
                if at + 1 < count {
                    function.instructions().br((count - 1 - at) as u32);
                }
            }
            function.instructions().end();
        } else if count == 1 && !self.returns() {
            function.instructions().end();
        }
        for (output, global) in self.outputs[self.one..].iter().zip(&self.globals) {
            function.instructions().local_get(number(*output)).global_set(*global);
        }
        if self.one == 1 {
            function.instructions().local_get(number(self.outputs[0]));
        }
        if count == 0 {
            function.instructions().unreachable();
        }
        function.instructions().end();
    }

    /// What stands in the region's place; `last`: it was the end of the function.
    pub(crate) fn call(&self, number: u32, last: bool) -> Vec<Instruction<'static>> {
        let mut code = Vec::new();
        // With more than two ways out, those that are no branch have a block each to go to.
        let no_branch = self.exits.iter().filter(|it| !matches!(it, Exit::Branch(_))).count();
        let special = if self.exits.len() > 2 { no_branch as u32 } else { 0 };
        (0..special).for_each(|_| code.push(Instruction::Block(BlockType::Empty)));
        self.inputs.iter().for_each(|it| code.push(Instruction::LocalGet(*it)));
        code.push(Instruction::Call(number));
        if self.one == 1 {
            code.push(Instruction::LocalSet(self.outputs[0]));
        }
        for (output, global) in self.outputs[self.one..].iter().zip(&self.globals) {
            code.extend([Instruction::GlobalGet(*global), Instruction::LocalSet(*output)]);
        }
        self.go_on(&mut code, special, last);
        code
    }

    /// After the call: where the function around goes on. With `special` blocks around for ways out that are no branch.
    fn go_on(&self, code: &mut Vec<Instruction<'static>>, special: u32, last: bool) {
        match self.exits[..] {
            [] => code.push(Instruction::Unreachable),
            [Exit::End] => {}
            [Exit::Return] if last => {}
            [Exit::Return] => code.push(Instruction::Return),
            [Exit::Branch(depth)] => code.push(Instruction::Br(depth)),
            [Exit::End, Exit::Branch(depth)] => code.push(Instruction::BrIf(depth)),
            [Exit::End, _] => {
                code.push(Instruction::If(BlockType::Empty));
                self.give_back(code);
                code.push(Instruction::End);
            }
            [first, Exit::Branch(depth)] => {
                code.push(Instruction::BrIf(depth));
                match first {
                    Exit::Branch(depth) => code.push(Instruction::Br(depth)),
                    _ => self.give_back(code),
                }
            }
            _ => self.choose(code, special),
        }
    }

    /// Of more than two ways out: the end's block is the outermost, the return's the next.
    fn choose(&self, code: &mut Vec<Instruction<'static>>, special: u32) {
        let mut targets: Vec<u32> = (1..)
            .zip(&self.exits)
            .map(|(count, exit)| match exit {
                Exit::Branch(depth) => depth + special,
                _ => special - count,
            })
            .collect();
        let default = targets.pop().unwrap_or_default();
        code.push(Instruction::BrTable(targets.into(), default));
        if self.exits.contains(&Exit::Return) {
            code.push(Instruction::End);
            self.give_back(code);
        }
        if self.exits.contains(&Exit::End) {
            code.push(Instruction::End);
        }
    }

    /// The function around returns, with the value that came back where there is one.
    fn give_back(&self, code: &mut Vec<Instruction<'static>>) {
        if self.returned && self.exits.len() > 1 {
            code.extend(self.globals.last().map(|it| Instruction::GlobalGet(*it)));
        }
        code.push(Instruction::Return);
    }
}
