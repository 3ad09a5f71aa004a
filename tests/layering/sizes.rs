//! How long files and functions may be, and where the methods of a type stand.

use crate::krate::Crate;
use crate::rule::{Finding, Rule};

/// Lines of a file, its tests not counted.
const FILE: usize = 700;

/// A function is shorter than this, from its signature to its end.
const FUNCTION: usize = 60;

/// `lines` of a file, of which `tests` are tests.
pub(crate) fn file(name: &str, lines: usize, tests: usize) -> Option<Finding> {
    let line = lines.saturating_sub(tests);
    (line > FILE).then(|| Finding {
        rule: Rule::LongFile,
        file: name.to_owned(),
        line,
        says: format!("a file has at most {FILE} lines without its tests: split it by subject"),
    })
}

pub(crate) fn functions(read: &Crate) -> Vec<Finding> {
    let all =
        read.files.iter().flat_map(|file| file.source.functions.iter().map(move |it| (file, it)));
    all.filter(|(_, it)| it.lines >= FUNCTION)
        .map(|(file, it)| Finding {
            rule: Rule::LongFunction,
            file: file.name.clone(),
            line: it.line,
            says: format!(
                "{} has {} lines, and a function fewer than {FUNCTION}: cut it by subject",
                it.name, it.lines
            ),
        })
        .collect()
}

/// Methods stand in the file of their type, or beside it in a folder without folders: a type whose methods are spread
/// over more has no inside.
pub(crate) fn homes(read: &Crate) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, file) in read.files.iter().enumerate() {
        for (module, scope) in file.scopes() {
            for it in scope.inherent.iter().map(|it| &it.of) {
                let home = read.definer(&module, it).filter(|home| *home != at);
                if let Some(home) = home.filter(|home| !beside(read, at, *home)) {
                    let says = format!(
                        "impl {} stands in the file of the type, {}",
                        it.path.join("::"),
                        read.files[home].name
                    );
                    let (file, line) = (file.name.clone(), it.line);
                    findings.push(Finding { rule: Rule::Home, file, line, says });
                }
            }
        }
    }
    findings
}

/// Both files are in one folder, and it has no folders.
fn beside(read: &Crate, a: usize, b: usize) -> bool {
    let folder = |name: &str| name.rsplit_once('/').map(|it| it.0.to_owned());
    let (one, other) = (folder(&read.files[a].name), folder(&read.files[b].name));
    let deeper = |name: &str, of: &str| {
        name.strip_prefix(of).is_some_and(|rest| rest.matches('/').count() > 1)
    };
    one == other && one.is_some_and(|of| !read.files.iter().any(|file| deeper(&file.name, &of)))
}

#[test]
fn a_long_file_is_found_but_its_tests_do_not_count() {
    assert!(file("src/a.rs", FILE, 0).is_none());
    assert!(file("src/a.rs", FILE + 1, 0).is_some());
    assert!(file("src/a.rs", FILE + 9, 9).is_none());
}

#[test]
fn a_long_function_is_found_wherever_it_stands() {
    for (before, after) in [("", ""), ("struct A; impl A {", "}"), ("trait A {", "}")] {
        let of = |lines| {
            let body = "\n".repeat(lines - 1);
            let text = format!("{before} fn f() {{{body}}} {after}");
            functions(&crate::krate::made_up(&[("src/lib.rs", &text)])).len()
        };
        assert_eq!((of(FUNCTION - 1), of(FUNCTION)), (0, 1), "{before}");
    }
}

#[test]
fn methods_away_from_their_type_are_found_but_not_those_beside_it_in_its_folder() {
    let findings = homes(&crate::krate::made_up(&[
        ("src/lib.rs", "mod a; mod b; mod c; pub use a::A;"),
        ("src/a.rs", "pub struct A; impl A {} impl Clone for A {}"),
        ("src/b.rs", "use crate::A; impl A {} impl Copy for A {} struct B; impl B {}"),
        ("src/c/mod.rs", "mod d; pub struct C;"),
        ("src/c/d.rs", "impl super::C {} impl crate::A {}"),
    ]));
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let says = "impl A stands in the file of the type, src/a.rs";
    let deeper = "impl crate::A stands in the file of the type, src/a.rs";
    assert_eq!(shown, [format!("src/b.rs:1: {says}"), format!("src/c/d.rs:1: {deeper}")]);
}
