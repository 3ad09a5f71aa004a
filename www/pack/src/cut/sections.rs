//! What has to be known of a module before it is cut in two.

use anyhow::{Result, anyhow, bail};
use std::collections::{BTreeMap, BTreeSet};
use wasm_encoder::GlobalType;
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasmparser::{
    ElementItems, ElementKind, FuncType, FunctionBody, Operator, Parser, Payload, TypeRef,
};

/// What has to be known of the module. Functions have the numbers that they have in it.
#[derive(Default)]
pub(crate) struct Sections<'a> {
    pub(crate) types: Vec<FuncType>,
    /// The functions of others: their names and types.
    pub(crate) imports: Vec<(&'a str, &'a str, u32)>,
    /// The type of each function of its own, its body, and whether it comes later.
    pub(crate) own: Vec<u32>,
    pub(crate) bodies: Vec<FunctionBody<'a>>,
    pub(crate) later: &'a [bool],
    pub(crate) globals: Vec<GlobalType>,
    pub(crate) table: Option<wasmparser::TableType>,
    /// Where in the table a function is: all its places.
    pub(crate) placed: BTreeMap<u32, Vec<u32>>,
    pub(crate) exported: BTreeSet<u32>,
}

impl<'a> Sections<'a> {
    pub(crate) fn of(wasm: &'a [u8], later: &'a [bool]) -> Result<Self> {
        let mut read = Self { later, ..Self::default() };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        read.types.push(ty?);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let TypeRef::Func(ty) = import.ty else {
                            bail!("the module imports {}, which is no function", import.name)
                        };
                        read.imports.push((import.module, import.name, ty));
                    }
                }
                Payload::FunctionSection(section) => {
                    read.own = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::TableSection(section) => {
                    for table in section {
                        read.table = Some(table?.ty);
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        read.globals.push(
                            RoundtripReencoder
                                .global_type(global?.ty)
                                .map_err(|error| anyhow!("a global variable: {error}"))?,
                        );
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == wasmparser::ExternalKind::Func {
                            read.exported.insert(export.index);
                        }
                    }
                }
                Payload::ElementSection(section) => read.elements(section)?,
                Payload::CodeSectionEntry(body) => read.bodies.push(body),
                _ => {}
            }
        }
        if read.later.len() != read.own.len() {
            bail!("the module has {} functions, not {}", read.own.len(), read.later.len());
        }
        Ok(read)
    }

    fn elements(&mut self, section: wasmparser::ElementSectionReader<'_>) -> Result<()> {
        for element in section {
            let element = element?;
            let (ElementKind::Active { offset_expr, .. }, ElementItems::Functions(items)) =
                (element.kind, element.items)
            else {
                bail!("the module's table is filled in a way that this was not written for");
            };
            let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else {
                bail!("the table's place is not a number");
            };
            for (place, function) in (u32::try_from(value)?..).zip(items) {
                self.placed.entry(function?).or_default().push(place);
            }
        }
        Ok(())
    }

    pub(crate) fn imported(&self) -> u32 {
        self.imports.len() as u32
    }

    /// The function is its own, and comes later.
    pub(crate) fn is_later(&self, function: u32) -> bool {
        let own = function.checked_sub(self.imported());
        own.is_some_and(|own| self.later[own as usize])
    }

    pub(crate) fn type_of(&self, function: u32) -> u32 {
        match self.imports.get(function as usize) {
            Some(import) => import.2,
            None => self.own[(function - self.imported()) as usize],
        }
    }

    /// Its own functions, of the first part or of the second.
    pub(crate) fn all(&self, later: bool) -> impl Iterator<Item = u32> {
        (self.imported()..).zip(self.later).filter(move |it| *it.1 == later).map(|it| it.0)
    }

    pub(crate) fn body(&self, function: u32) -> &FunctionBody<'a> {
        &self.bodies[(function - self.imported()) as usize]
    }

    /// What a function names: calls `function` and `global` for each.
    pub(crate) fn named(
        &self,
        body: u32,
        mut function: impl FnMut(u32),
        mut global: impl FnMut(u32),
    ) -> Result<()> {
        for operator in self.body(body).get_operators_reader()? {
            match operator? {
                Operator::Call { function_index } => function(function_index),
                Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index } => {
                    global(global_index)
                }
                Operator::RefFunc { .. } => bail!("a function is taken by reference"),
                _ => {}
            }
        }
        Ok(())
    }
}
