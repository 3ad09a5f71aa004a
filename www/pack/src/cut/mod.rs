//! Cuts a module in two: what a page needs until its first picture, and what can follow. That is the functions that a
//! [`profile`] says never ran, and what never ran in other functions, which [`outline`] makes functions of.

mod body;
mod extract;
mod live;
mod outline;
mod profile;
mod sections;
mod shape;
mod split;

pub(crate) use self::profile::{Profile, instrument};

use self::body::Body;
use self::outline::{Pool, outline};
use anyhow::{Result, anyhow, bail};
use std::collections::BTreeMap;
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, Function, FunctionSection, GlobalSection, GlobalType, TypeSection,
};
use wasmparser::{
    FuncType, FunctionBody, FunctionSectionReader, GlobalSectionReader, Parser, Payload, TypeRef,
    TypeSectionReader, ValType,
};

/// The first part of a module that has its functions' names, and the second. What is exported stays in the first: a function
/// that is exported and never ran is a call of what it was.
pub(crate) fn parts(wasm: &[u8], profile: &Profile) -> Result<(Vec<u8>, Vec<u8>)> {
    let names: Vec<u64> = body::names(wasm)?.iter().map(|it| body::hash(it.as_bytes())).collect();
    let mut changed = Changed::of(wasm)?;
    let mut later = Vec::new();
    for (at, body) in body::all(wasm)?.iter().enumerate() {
        let known = profile.points(names[at], body.shape);
        let never = known.is_some_and(<[bool]>::is_empty);
        later.push(never && !changed.exported[at]);
        match known {
            Some(_) if never && changed.exported[at] => {
                changed.function(at, body, &vec![false; body.points().count()])?;
            }
            Some(points) if !never => changed.function(at, body, points)?,
            _ => {}
        }
    }
    later.resize(later.len() + changed.pool.functions.len(), true);
    let mut module = wasm_encoder::Module::new();
    let copied = changed.parse_core_module(&mut module, Parser::new(0), wasm);
    copied.map_err(|error| anyhow!("what comes later cannot be taken out: {error}"))?;
    let (first, second) = split::split(&module.finish(), &later)?;
    wasmparser::validate(&first)?;
    wasmparser::validate(&second)?;
    Ok((first, second))
}

/// The module with new functions at its end.
struct Changed {
    pool: Pool,
    /// The types that there were, and of each function its own.
    types: usize,
    own: Vec<u32>,
    exported: Vec<bool>,
    /// The functions that are another now.
    bodies: BTreeMap<usize, Vec<u8>>,
    next: usize,
}

impl Changed {
    fn of(wasm: &[u8]) -> Result<Self> {
        let mut types: Vec<FuncType> = Vec::new();
        let (mut own, mut exported, mut imported) = (Vec::new(), Vec::new(), 0);
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(section) => {
                    types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::FunctionSection(section) => {
                    own = section.into_iter().collect::<Result<_, _>>()?;
                    exported.resize(own.len(), false);
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == wasmparser::ExternalKind::Func
                            && let Some(at) = export.index.checked_sub(imported)
                        {
                            exported[at as usize] = true;
                        }
                    }
                }
                _ => {}
            }
        }
        let pool = Pool {
            first_global: body::globals(wasm)?,
            globals: Vec::new(),
            first_function: imported + own.len() as u32,
            functions: Vec::new(),
            types: types.clone(),
        };
        Ok(Self { pool, types: types.len(), own, exported, bodies: BTreeMap::new(), next: 0 })
    }

    fn function(&mut self, at: usize, body: &Body<'_>, points: &[bool]) -> Result<()> {
        let ty = self.pool.types[self.own[at] as usize].clone();
        let result = match ty.results() {
            [] => None,
            [one] => Some(*one),
            _ => return Ok(()),
        };
        let never: Vec<usize> =
            body.points().zip(points).filter(|it| !it.1).map(|it| it.0).collect();
        let ran = |at: usize| never.binary_search(&at).is_err();
        let Some(code) = outline(body, result, &mut self.pool, &ran)? else { return Ok(()) };
        let mut locals = Vec::new();
        for local in &body.locals[ty.params().len()..] {
            locals.push(encoded(*local)?);
        }
        let mut function = Function::new_with_locals_types(locals);
        code.iter().for_each(|it| _ = function.instruction(it));
        self.bodies.insert(at, function.into_raw_body());
        Ok(())
    }
}

fn encoded(ty: ValType) -> Result<wasm_encoder::ValType> {
    RoundtripReencoder.val_type(ty).map_err(|error| anyhow!("{error}"))
}

impl Reencode for Changed {
    type Error = Infallible;

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_type_section(self, types, section)?;
        for ty in self.pool.types.clone().split_off(self.types) {
            types.ty().func_type(&self.func_type(ty)?);
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        _: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        let new = self.pool.functions.iter().map(|it| it.0);
        self.own.iter().copied().chain(new).for_each(|it| _ = functions.function(it));
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_global_section(self, globals, section)?;
        for ty in self.pool.globals.clone() {
            let none = match ty {
                ValType::I64 => ConstExpr::i64_const(0),
                ValType::F32 => ConstExpr::f32_const(0.0.into()),
                ValType::F64 => ConstExpr::f64_const(0.0.into()),
                _ => ConstExpr::i32_const(0),
            };
            globals.global(
                GlobalType { val_type: self.val_type(ty)?, mutable: true, shared: false },
                &none,
            );
        }
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error> {
        match self.bodies.get(&self.next) {
            Some(body) => _ = code.raw(body),
            None => utils::parse_function_body(self, code, body)?,
        }
        self.next += 1;
        if self.next == self.own.len() {
            self.pool.functions.iter().for_each(|it| _ = code.raw(&it.1));
        }
        Ok(())
    }
}

/// A profile from what a browser noted: the points in order, `1` for those that were come to.
pub(crate) fn profile_of(wasm: &[u8], noted: &str) -> Result<Profile> {
    let mut noted = noted.trim().bytes().map(|it| it == b'1');
    let mut functions = Vec::new();
    for (name, body) in body::names(wasm)?.iter().zip(body::all(wasm)?) {
        let count = body.points().count();
        let points: Vec<bool> = noted.by_ref().take(count).collect();
        if points.len() < count {
            bail!(
                "the browser noted fewer points than the module has: run `make profile` as a whole"
            );
        }
        functions.push((body::hash(name.as_bytes()), body.shape, points));
    }
    Ok(Profile::of(&functions))
}

#[cfg(test)]
mod tests;
