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

/// Methods stand in the file of their type: a call of a method names no file, so a type whose methods are spread over
/// many is a circle that [`crate::circles`] cannot see.
pub(crate) fn homes(read: &Crate) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, file) in read.files.iter().enumerate() {
        for (module, scope) in file.scopes() {
            for it in &scope.inherent {
                if let Some(home) = read.definer(&module, it).filter(|home| *home != at) {
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
fn methods_away_from_their_type_are_found() {
    let findings = homes(&crate::krate::made_up(&[
        ("src/lib.rs", "mod a; mod b; pub use a::A;"),
        ("src/a.rs", "pub struct A; impl A {} impl Clone for A {}"),
        ("src/b.rs", "use crate::A; impl A {} impl Copy for A {} struct B; impl B {}"),
    ]));
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["src/b.rs:1: impl A stands in the file of the type, src/a.rs"]);
}
