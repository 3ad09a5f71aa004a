//! Enforces how the parts of the project may know each other, by reading the sources.
//!
//! | code | may name |
//! |---|---|
//! | `time`, `units` | nothing |
//! | `media` | `time`, `units` |
//! | `presentation` | `media`, `time`, `units` |
//! | `dash`, `hls` | `presentation`, `media`, `time`, `units`; never each other |
//! | `live` | `time`, `presentation`, `units` |
//! | `abr`, `buffer`, `net` | all but `player` |
//! | `player` | all; and it is named only by the shell (`src/web`, `src/main.rs`), the simulator and tests |
//! | `server/src` | of the core `time`, `units`, `media`, `presentation`, `dash`, `hls` |
//!
//! Further, in `src`, `server/src` and `tests/simulator` files do not know each other in a circle, be it of two or of
//! more ([`circles`]). In `src` and `server/src` the methods of a type stand in its file or beside it
//! ([`sizes::homes`]), and a function has fewer than 60 lines. A file has at most 700 lines anywhere. Code under `#[cfg(test)]` is free of all
//! this.
//!
//! What the compiler can say better is said by clippy: floating point is for `src/web` alone (`src/lib.rs`), the
//! system's clocks are read in `src/web` and `server/src/clock.rs` alone (`server/clippy.toml`,
//! `tests/simulator/clippy.toml`; the core is `no_std`, and so has none).

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of a test may panic as the test may"
)]

mod circles;
mod krate;
mod layers;
mod rule;
mod sizes;
mod source;

use std::collections::BTreeMap;
use std::path::Path;

use krate::Crate;
use rule::Finding;

#[test]
fn the_sources_keep_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = BTreeMap::new();
    for folder in ["src", "server", "tests", "www", "benches", "fuzz"] {
        collect(root, &root.join(folder), &mut texts);
    }
    let many = texts.len();
    assert!(many > 20, "only {many} source files found: is the layout another one?");
    let report: String = all(&texts).iter().map(|it| format!("{it}\n")).collect();
    assert!(report.is_empty(), "\n{report}");
}

/// All that is against a rule.
fn all(texts: &BTreeMap<String, String>) -> Vec<Finding> {
    let read = |root: &str| Crate::read(root, &|name| texts.get(name).cloned());
    let read = |root: &str| read(root).unwrap_or_else(|e| panic!("{e}"));
    let core = read("src/lib.rs");
    let shell = read("src/main.rs");
    let server = read("server/src/lib.rs");
    let simulator = read("tests/simulator/src/lib.rs");

    let mut findings = [layers::core(&core), layers::server(&server)].concat();
    for read in [&core, &shell, &server] {
        findings.extend(sizes::functions(read));
        findings.extend(sizes::homes(read));
    }
    for read in [&core, &shell, &server, &simulator] {
        findings.extend(circles::check(read));
    }
    let read = [core, shell, server, simulator].into_iter().flat_map(|it| it.files);
    let tests: BTreeMap<String, usize> = read.map(|it| (it.name, it.source.test_lines)).collect();
    findings.extend(texts.iter().filter_map(|(name, text)| {
        sizes::file(name, text.lines().count(), tests.get(name).copied().unwrap_or(0))
    }));
    findings
}

fn collect(root: &Path, folder: &Path, texts: &mut BTreeMap<String, String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|it| it.expect("an entry").path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["node_modules", "target", "data"].contains(&name.as_str()) {
                collect(root, &path, texts);
            }
        } else if [".rs", ".js", ".mjs", ".css", ".html"].iter().any(|it| name.ends_with(it)) {
            let text = std::fs::read_to_string(&path).expect("text");
            let name = path.strip_prefix(root).expect("in the project");
            texts.insert(name.to_string_lossy().replace('\\', "/"), text);
        }
    }
}
