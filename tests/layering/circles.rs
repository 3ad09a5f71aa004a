//! Which files of a crate know each other in a circle.
//!
//! A file knows another when its code, or a `use` that passes nothing on, names something that the other defines, and
//! when a method calls one on `self` that stands in the other.
//! `mod` and `pub use` are tables of contents, and make nobody known.

use std::collections::{BTreeMap, BTreeSet};

use crate::krate::{Crate, File};
use crate::rule::{Finding, Rule};
use crate::source::Mention;

/// What makes one file known to another: the first mention.
struct Known {
    line: usize,
    name: String,
}

/// A finding for each file that is in a circle and each next file of the circle.
pub(crate) fn check(read: &Crate) -> Vec<Finding> {
    let edges: Vec<BTreeMap<usize, Known>> =
        read.files.iter().enumerate().map(|(at, file)| knows(read, at, file)).collect();
    let reached: Vec<BTreeSet<usize>> = (0..edges.len()).map(|from| reach(&edges, from)).collect();
    let mut findings = Vec::new();
    for (from, known) in edges.iter().enumerate() {
        for (to, why) in known.iter().filter(|(to, _)| reached[**to].contains(&from)) {
            let (file, other) = (&read.files[from].name, &read.files[*to].name);
            let says = format!("names {} of {other}, and that leads back to this file", why.name);
            findings.push(Finding { rule: Rule::Circle, file: file.clone(), line: why.line, says });
        }
    }
    findings
}

fn knows(read: &Crate, at: usize, file: &File) -> BTreeMap<usize, Known> {
    let mut known = BTreeMap::new();
    for (module, scope) in file.scopes() {
        let imports = scope.imports.iter().filter(|it| !it.passed_on).map(|it| &it.of);
        for mention in imports.chain(&scope.mentions) {
            if let Some(other) = read.definer(&module, mention).filter(|it| *it != at) {
                let name = mention.path.join("::");
                known.entry(other).or_insert(Known { line: mention.line, name });
            }
        }
    }
    for (other, call) in calls(read, at, file) {
        let name = format!("self.{}", call.path.join("::"));
        known.entry(other).or_insert(Known { line: call.line, name });
    }
    known
}

/// The methods of one type that methods in this file call on `self`, where they stand in another.
fn calls<'a>(read: &'a Crate, at: usize, file: &'a File) -> Vec<(usize, &'a Mention)> {
    let of = |file: &'a File| {
        file.scopes().flat_map(|(module, scope)| {
            scope.inherent.iter().filter_map(move |it| {
                let name = it.of.path.last()?.as_str();
                Some(((read.definer(&module, &it.of)?, name), it))
            })
        })
    };
    let mut found = Vec::new();
    for (kind, methods) in of(file) {
        for (other, there) in read.files.iter().enumerate().filter(|it| it.0 != at) {
            for (_, theirs) in of(there).filter(|it| it.0 == kind) {
                let here = |call: &&Mention| theirs.names.contains(&call.path[0]);
                found.extend(methods.calls.iter().filter(here).map(|call| (other, call)));
            }
        }
    }
    found
}

fn reach(edges: &[BTreeMap<usize, Known>], from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = edges[from].keys().copied().collect();
    while let Some(at) = open.pop() {
        if reached.insert(at) {
            open.extend(edges[at].keys());
        }
    }
    reached
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    check(&crate::krate::made_up(files)).iter().map(ToString::to_string).collect()
}

#[test]
fn a_circle_is_found_through_reexports_imports_and_macros() {
    for (a, b) in [
        ("use crate::B;", "use crate::a::A;"),
        ("fn f(_: super::b::B) {}", "fn f() -> crate::a::A { loop {} }"),
        ("use super::*; fn f(_: B) {}", "use crate::a; fn f(_: a::A) {}"),
        ("fn f() { vec![crate::B] }", "fn f() { matches!(x, crate::a::A) }"),
        ("use crate::b::B as C;", "impl From<u8> for crate::a::A {}"),
        ("use crate::b; fn f() { b::B::new() }", "fn f() { use crate::a::A; }"),
        ("pub use crate::b::B; fn f(_: B) {}", "mod inner { use super::super::a::A; }"),
    ] {
        let findings = found(&[
            ("src/lib.rs", "mod a; mod b; pub use b::B;"),
            ("src/a.rs", &format!("pub struct A; {a}")),
            ("src/b.rs", &format!("pub struct B; {b}")),
        ]);
        assert_eq!(findings.len(), 2, "{a} {b}: {findings:?}");
    }
}

#[test]
fn a_circle_of_methods_is_found() {
    for (b, circle) in [("self.one()", 2), ("self.three()", 0), ("other.one()", 0)] {
        let findings = found(&[
            ("src/lib.rs", "mod a; mod b; pub struct T;"),
            ("src/a.rs", "impl crate::T { fn one(&self) { (|| self.two())() } }"),
            ("src/b.rs", &format!("use super::T; impl T {{ fn two(&self) {{ {b} }} }}")),
        ]);
        assert_eq!(findings.len(), circle, "{b}: {findings:?}");
    }
}

#[test]
fn a_circle_of_a_folder_and_its_file_and_of_three_are_found() {
    let findings = found(&[
        ("src/lib.rs", "mod a;"),
        ("src/a/mod.rs", "mod b; pub struct A(b::B);"),
        ("src/a/b.rs", "\nuse super::A; pub struct B;"),
    ]);
    assert_eq!(
        findings,
        [
            "src/a/mod.rs:1: names b::B of src/a/b.rs, and that leads back to this file",
            "src/a/b.rs:2: names super::A of src/a/mod.rs, and that leads back to this file"
        ]
    );
    let findings = found(&[
        ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
        ("src/a.rs", "pub struct A(crate::b::B, crate::d::D);"),
        ("src/b.rs", "pub struct B(crate::c::C);"),
        ("src/c.rs", "pub struct C(Box<crate::a::A>);"),
        ("src/d.rs", "pub struct D;"),
    ]);
    assert_eq!(findings.len(), 3, "{findings:?}");
}

#[test]
fn tables_of_contents_tests_and_one_way_are_no_circle() {
    for (a, b) in [
        ("", "use super::A;"),
        ("pub use b::B;", "use super::A;"),
        ("pub(crate) use b::B as C;", "fn f(_: super::A) {}"),
        ("#[cfg(test)] mod tests { use super::b::B; }", "use super::A;"),
        ("use b::B; use b::*;", "#[cfg(test)] mod tests { use crate::a::A; }"),
        ("use b;", "use super::A;"),
        ("/* b::B */ const X: &str = \"b::B\"; // b::B", "use super::A;"),
        ("use other::B; fn f(_: B, _: std::b::B) {}", "use super::A;"),
    ] {
        let findings = found(&[
            ("src/lib.rs", "mod a;"),
            ("src/a/mod.rs", &format!("mod b; pub struct A; {a}")),
            ("src/a/b.rs", &format!("pub struct B; {b}")),
        ]);
        assert!(findings.is_empty(), "{a} {b}: {findings:?}");
    }
}
