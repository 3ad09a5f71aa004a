//! What of a module runs until a page has its first picture, and shortly after: `make profile` has a browser play a module
//! that notes it, and writes `www/pack/profile/`.
//!
//! A profile names what did not run; a function that it does not know, as it is now, counts as needed. So a change of the
//! sources costs size until `make profile` is run again. Lines of its file:
//!
//! ```text
//! NAME SHAPE        no function of this name and shape ran
//! NAME SHAPE BITS   of the function of this name and shape, the points that it came to: 1, others: 0; in hexadecimal
//! ```
//!
//! It is made of modules that wasm-opt has not touched, and they are cut before it does.
//!
//! NAME is a hash of the function's name, SHAPE one of its instructions ([`super::body`], which has the points too).

use super::body::{self, Body};
use anyhow::{Context, Result, anyhow, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, GlobalSection, GlobalType, ValType,
};
use wasmparser::{ExportSectionReader, FunctionBody, GlobalSectionReader, Parser};

/// By the name and the shape of a function: whether it came to each of its points, if there is one that it did not come to;
/// nothing for one that never ran.
#[derive(Default)]
pub(crate) struct Profile(BTreeMap<(u64, u32), Vec<bool>>);

impl Profile {
    pub(crate) fn read(text: &str) -> Result<Self> {
        let mut own = Self::default();
        for (line, number) in text.lines().zip(1..) {
            let words: Vec<&str> = line.split(' ').collect();
            own.line(&words).with_context(|| {
                format!("line {number} of the profile cannot be read; run `make profile`")
            })?;
        }
        Ok(own)
    }

    fn line(&mut self, words: &[&str]) -> Result<()> {
        let [name, shape, bits @ ..] = words else { bail!("it has too few words") };
        let mut points = Vec::new();
        for digit in bits.iter().flat_map(|it| it.chars()) {
            let digit = digit.to_digit(16).context("a digit is none")?;
            points.extend((0..4).map(|it| digit & (8 >> it) != 0));
        }
        self.0.insert((u64::from_str_radix(name, 16)?, u32::from_str_radix(shape, 16)?), points);
        Ok(())
    }

    /// A profile of what ran: each function with its points.
    pub(crate) fn of(functions: &[(u64, u32, Vec<bool>)]) -> Self {
        let mut own = Self::default();
        for (name, shape, points) in functions {
            let noted = own.0.entry((*name, *shape)).or_insert_with(|| vec![false; points.len()]);
            noted.iter_mut().zip(points).for_each(|(noted, ran)| *noted |= ran);
        }
        own.0.retain(|_, points| points.contains(&false));
        own.0.values_mut().filter(|it| !it[0]).for_each(Vec::clear);
        own
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for ((name, shape), points) in &self.0 {
            let digit = |four: &[bool]| {
                four.iter().zip([8, 4, 2, 1]).filter(|it| *it.0).map(|it| it.1).sum::<u32>()
            };
            let bits: String = points.chunks(4).map(|it| format!("{:x}", digit(it))).collect();
            text += format!("{name:016x} {shape:08x} {bits}").trim_end();
            text.push('\n');
        }
        text
    }

    /// What is known of a function.
    pub(crate) fn points(&self, name: u64, shape: u32) -> Option<&[bool]> {
        self.0.get(&(name, shape)).map(Vec::as_slice)
    }
}

/// The module, made to note which points it comes to: each has a global variable, `p0`, `p1` and so on, all exported.
pub(crate) fn instrument(wasm: &[u8]) -> Result<Vec<u8>> {
    let bodies = body::all(wasm)?;
    let points = bodies.iter().map(|it| it.points().count()).sum::<usize>() as u32;
    let mut noting = Noting { first: body::globals(wasm)?, points, noted: 0, bodies, next: 0 };
    let mut module = wasm_encoder::Module::new();
    let copied = noting.parse_core_module(&mut module, Parser::new(0), wasm);
    copied.map_err(|error| anyhow!("the module cannot be made to note what runs: {error}"))?;
    Ok(module.finish())
}

struct Noting<'a> {
    /// The number of the first global variable for a point, how many there are, and how many are set by now.
    first: u32,
    points: u32,
    noted: u32,
    bodies: Vec<Body<'a>>,
    next: usize,
}

impl Reencode for Noting<'_> {
    type Error = Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_global_section(self, globals, section)?;
        let note = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        (0..self.points).for_each(|_| _ = globals.global(note, &ConstExpr::i32_const(0)));
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_export_section(self, exports, section)?;
        (0..self.points).for_each(|it| {
            _ = exports.export(&format!("p{it}"), ExportKind::Global, self.first + it)
        });
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error> {
        let points: BTreeSet<usize> = self.bodies[self.next].points().collect();
        self.next += 1;
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut operators = body.get_operators_reader()?;
        let mut at = 0;
        while !operators.eof() {
            if points.contains(&at) {
                function.instructions().i32_const(1).global_set(self.first + self.noted);
                self.noted += 1;
            }
            function.instruction(&self.parse_instruction(&mut operators)?);
            at += 1;
        }
        code.function(&function);
        Ok(())
    }
}
