//! One crate: its files as a tree of modules, and which file defines what a path names.

use std::collections::BTreeMap;

use crate::source::{Child, Mention, Scope, Source};

/// A crate, read from its root file on.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    pub(crate) files: Vec<File>,
    modules: BTreeMap<Vec<String>, Module>,
}

#[derive(Debug)]
pub(crate) struct File {
    /// From the project's root on, with `/`.
    pub(crate) name: String,
    /// The path of its module in the crate.
    pub(crate) module: Vec<String>,
    pub(crate) source: Source,
}

/// Where a module's code stands.
#[derive(Clone, Copy, Debug)]
struct Module {
    file: usize,
    scope: usize,
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meaning {
    Module(Vec<String>),
    /// An item, or something in it, that this file defines.
    Item(usize),
}

impl Crate {
    /// `text` gives a file's text. Files that are there for tests alone are not part of it.
    pub(crate) fn read(root: &str, text: &impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut read = Self::default();
        read.add(root.to_owned(), Vec::new(), text)?;
        Ok(read)
    }

    fn add(
        &mut self,
        name: String,
        module: Vec<String>,
        text: &impl Fn(&str) -> Option<String>,
    ) -> Result<(), String> {
        let content = text(&name).ok_or_else(|| format!("{name}:1: there is no such file"))?;
        let source =
            Source::read(&content).map_err(|e| format!("{name}:{}: {e}", e.span().start().line))?;
        let file = self.files.len();
        for (scope, it) in source.scopes.iter().enumerate() {
            let path = [module.as_slice(), &it.module].concat();
            self.modules.insert(path, Module { file, scope });
        }
        let children: Vec<(Option<String>, Vec<String>)> = source
            .children
            .iter()
            .map(|child| {
                let found = places(&name, child).into_iter().find(|it| text(it).is_some());
                (found, [module.as_slice(), &child.module].concat())
            })
            .collect();
        self.files.push(File { name: name.clone(), module, source });
        for (found, path) in children {
            let found = found
                .ok_or_else(|| format!("{name}:1: there is no file of mod {}", path.join("::")))?;
            self.add(found, path, text)?;
        }
        Ok(())
    }

    /// The file that defines what `mention` names in `module`: an item of this crate. A module is none.
    pub(crate) fn definer(&self, module: &[String], mention: &Mention) -> Option<usize> {
        match self.meaning(module, &mention.path, MOST_STEPS)? {
            Meaning::Item(file) => Some(file),
            Meaning::Module(_) => None,
        }
    }

    fn scope(&self, module: &[String]) -> Option<&Scope> {
        let at = self.modules.get(module)?;
        self.files.get(at.file)?.source.scopes.get(at.scope)
    }

    fn meaning(&self, module: &[String], path: &[String], steps: usize) -> Option<Meaning> {
        let mut at = module.to_vec();
        let mut names = path.iter().peekable();
        let mut absolute = false;
        while let Some(name) = names.peek() {
            match name.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => _ = at.pop()?,
                _ => break,
            }
            absolute = true;
            names.next();
        }
        if !absolute && names.peek().is_none() {
            return None;
        }
        while let Some(name) = names.next() {
            let more = names.peek().is_some();
            match self.lookup(&at, name, more, steps)? {
                Meaning::Module(path) => at = path,
                item @ Meaning::Item(_) => return Some(item),
            }
        }
        Some(Meaning::Module(at))
    }

    /// What `name` is in `module`; `more` of the path follows it. Re-exports and imports are followed.
    fn lookup(&self, module: &[String], name: &str, more: bool, steps: usize) -> Option<Meaning> {
        let steps = steps.checked_sub(1)?;
        let scope = self.scope(module)?;
        let child = [module, &[name.to_owned()]].concat();
        let is_module = self.modules.contains_key(&child);
        if is_module && more {
            return Some(Meaning::Module(child));
        }
        if scope.items.contains(name) {
            return Some(Meaning::Item(self.modules.get(module)?.file));
        }
        if is_module {
            return Some(Meaning::Module(child));
        }
        let named = scope.imports.iter().filter(|it| it.name == name);
        let mut found = named.filter_map(|it| self.meaning(module, &it.of.path, steps));
        found.next().or_else(|| {
            let globs = scope.imports.iter().filter(|it| it.name == "*");
            globs.filter_map(|it| self.meaning(module, &it.of.path, steps)).find_map(
                |it| match it {
                    Meaning::Module(all) if all != module => self.lookup(&all, name, more, steps),
                    _ => None,
                },
            )
        })
    }
}

impl File {
    /// Every module that stands in it, by its path in the crate.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = (Vec<String>, &Scope)> {
        let path = |it: &Scope| [self.module.as_slice(), &it.module].concat();
        self.source.scopes.iter().map(move |it| (path(it), it))
    }
}

/// Longer chains of re-exports are circles of them.
const MOST_STEPS: usize = 16;

/// Where the file of a module may be that `parent` declares.
fn places(parent: &str, child: &Child) -> Vec<String> {
    let (folder, stem) = match parent.rsplit_once('/') {
        Some((folder, file)) => (folder, file.trim_end_matches(".rs")),
        None => ("", parent.trim_end_matches(".rs")),
    };
    if let Some(file) = &child.file {
        return vec![format!("{folder}/{file}")];
    }
    let mut base = folder.to_owned();
    if !["lib", "main", "mod"].contains(&stem) {
        base = format!("{base}/{stem}");
    }
    let path = child.module.join("/");
    vec![format!("{base}/{path}.rs"), format!("{base}/{path}/mod.rs")]
}

pub(crate) fn made_up(files: &[(&str, &str)]) -> Crate {
    let text =
        |name: &str| files.iter().find(|it| it.0 == name).map(|(_, text)| (*text).to_owned());
    Crate::read(files[0].0, &text).expect("Rust")
}

#[test]
fn a_name_leads_to_the_file_that_defines_it() {
    let made_up = made_up(&[
        ("src/lib.rs", "pub mod a; mod b; pub use b::deep::{Deep as Renamed};"),
        (
            "src/a.rs",
            "use crate::b::{self, Passed}; use super::Renamed; use crate::b::deep as d; use all::*;
             mod all { pub use crate::b::*; }
             use http::Response; struct Own;",
        ),
        (
            "src/b/mod.rs",
            "pub mod deep; mod deeper; pub use deeper::*; pub(crate) use self::deep::Passed; pub struct B;",
        ),
        (
            "src/b/deep.rs",
            "pub enum Passed { One } pub struct Deep; pub mod deep { pub struct Inner; }",
        ),
        ("src/b/deeper.rs", "pub struct Deeper; pub fn deep() {}"),
    ]);
    let module = ["a".to_owned()];
    for (path, file) in [
        ("crate::b::B", Some("src/b/mod.rs")),
        ("b::B", Some("src/b/mod.rs")),
        ("b::Passed::One", Some("src/b/deep.rs")),
        ("Passed::One", Some("src/b/deep.rs")),
        ("Renamed::new", Some("src/b/deep.rs")),
        ("d::Deep", Some("src/b/deep.rs")),
        ("d::deep::Inner", Some("src/b/deep.rs")),
        ("crate::b::Deeper", Some("src/b/deeper.rs")),
        ("self::b::Deeper", Some("src/b/deeper.rs")),
        ("Deeper", Some("src/b/deeper.rs")),
        ("super::b::deeper::Deeper", Some("src/b/deeper.rs")),
        ("Own::x", Some("src/a.rs")),
        ("b", None),
        ("crate::b::deep", None),
        ("Response", None),
        ("Vec::new", None),
        ("crate::c::D", None),
    ] {
        let path = path.split("::").map(str::to_owned).collect();
        let found = made_up.definer(&module, &Mention { path, line: 1 });
        let found = found.map(|it| made_up.files[it].name.as_str());
        assert_eq!(found, file);
    }
}

#[test]
fn a_crate_is_read_along_its_modules() {
    let made_up = made_up(&[
        (
            "src/main.rs",
            "mod a; #[cfg(test)] mod never; mod inner { mod c; } #[path = \"x.rs\"] mod y;",
        ),
        ("src/a.rs", "mod b;"),
        ("src/a/b.rs", ""),
        ("src/inner/c/mod.rs", ""),
        ("src/x.rs", ""),
    ]);
    let mut names: Vec<&str> = made_up.files.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["src/a.rs", "src/a/b.rs", "src/inner/c/mod.rs", "src/main.rs", "src/x.rs"]);
}
