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
//! Further: floating point is for `src/web` alone, the rest of the core counts in integers; the system's clocks are read in
//! `src/web` and `server/src/clock.rs` alone; no file has more than 700 lines. Code under `#[cfg(test)]` is free of all this.

#![allow(clippy::unwrap_used, reason = "a helper of a test may panic as the test may")]

use std::fmt::Write;
use std::path::{Path, PathBuf};

const MOST_LINES: usize = 700;

/// The modules of the core, and which others each may name.
const CORE: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("units", &[]),
    ("media", &["time", "units"]),
    ("presentation", &["media", "time", "units"]),
    ("dash", &["presentation", "media", "time", "units"]),
    ("hls", &["presentation", "media", "time", "units"]),
    ("live", &["time", "presentation", "units"]),
    ("abr", &["time", "units", "media", "presentation", "dash", "hls", "live", "buffer", "net"]),
    ("buffer", &["time", "units", "media", "presentation", "dash", "hls", "live", "abr", "net"]),
    ("net", &["time", "units", "media", "presentation", "dash", "hls", "live", "abr", "buffer"]),
    (
        "player",
        &["time", "units", "media", "presentation", "dash", "hls", "live", "abr", "buffer", "net"],
    ),
];

/// What the server may name of the core.
const FOR_SERVER: &[&str] = &["time", "units", "media", "presentation", "dash", "hls"];

#[test]
fn the_sources_keep_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "server", "tests", "www", "benches", "fuzz"] {
        collect(&root.join(folder), &mut files);
    }
    assert!(
        files.len() > 20,
        "only {} source files found: is the layout another one?",
        files.len()
    );
    let mut report = String::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(&file).unwrap();
        for finding in check(&name, &text) {
            writeln!(report, "{finding}").unwrap();
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|it| it.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["node_modules", "target", "data"].contains(&name.as_str()) {
                collect(&path, files);
            }
        } else if [".rs", ".js", ".mjs", ".css", ".html"].iter().any(|it| name.ends_with(it)) {
            files.push(path);
        }
    }
}

/// All that is wrong with one file, each as `file:line: rule`.
fn check(name: &str, text: &str) -> Vec<String> {
    if !name.ends_with(".rs") {
        return too_long(name, text.lines().count()).into_iter().collect();
    }
    let (code, test_lines) = without_tests(&tokens(text));
    let mut findings = Vec::new();
    findings.extend(too_long(name, text.lines().count() - test_lines));

    let in_web = name.starts_with("src/web/") || name == "src/web.rs" || name == "src/main.rs";
    let core = (!in_web).then(|| module_path(name)).flatten();
    if let Some(path) = &core {
        core_imports(name, path, &code, &mut findings);
        floats(name, &code, &mut findings);
    }
    if name.starts_with("server/src/") {
        for used in paths(&code, "nearlive") {
            if !FOR_SERVER.contains(&used.name) {
                findings.push(format!(
                    "{name}:{}: the server uses of the core only {}, not nearlive::{}",
                    used.line,
                    FOR_SERVER.join(", "),
                    used.name
                ));
            }
        }
    }
    let timeless = core.is_some()
        || name.starts_with("tests/simulator/")
        || (name.starts_with("server/src/") && name != "server/src/clock.rs");
    if timeless {
        clocks(name, &code, &mut findings);
    }
    findings
}

fn too_long(name: &str, lines: usize) -> Option<String> {
    (lines > MOST_LINES).then(|| {
        format!("{name}:{lines}: a file has at most {MOST_LINES} lines without its tests: split it by subject")
    })
}

/// `src/dash/read.rs` is `["dash", "read"]`, `src/lib.rs` is `[]`; none outside the core.
fn module_path(name: &str) -> Option<Vec<&str>> {
    let inside = name.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut path: Vec<&str> = inside.split('/').collect();
    if matches!(path.last(), Some(&("mod" | "lib"))) {
        path.pop();
    }
    Some(path)
}

fn core_imports(name: &str, path: &[&str], code: &[Token<'_>], findings: &mut Vec<String>) {
    let Some(own) = path.first() else { return };
    let Some((_, allowed)) = CORE.iter().find(|(module, _)| module == own) else {
        findings.push(format!(
            "{name}:1: the core has no module \"{own}\" yet: give it a line in tests/layering.rs"
        ));
        return;
    };
    let mut used = paths(code, "crate");
    used.extend(super_paths(code, path.len()));
    for Used { name: module, line } in used {
        let known = CORE.iter().any(|(it, _)| *it == module);
        if known && module != *own && !allowed.contains(&module) {
            let may = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
            findings.push(format!("{name}:{line}: {own} may name {may} of the core, not {module}"));
        }
    }
}

fn floats(name: &str, code: &[Token<'_>], findings: &mut Vec<String>) {
    for (at, token) in code.iter().enumerate() {
        let number = token.text.starts_with(|c: char| c.is_ascii_digit());
        let field = at > 0 && code[at - 1].text == "."; // the `0.1` of `pair.0.1`
        let hex = token.text.starts_with("0x");
        let typed = number && !hex && (token.text.ends_with("f32") || token.text.ends_with("f64"));
        let literal = number && !field && token.text.contains('.');
        if matches!(token.text, "f32" | "f64") || literal || typed {
            findings.push(format!(
                "{name}:{}: floating point ({}) is for src/web alone; the core counts in integers",
                token.line, token.text
            ));
        }
    }
}

fn clocks(name: &str, code: &[Token<'_>], findings: &mut Vec<String>) {
    for (at, window) in code.windows(4).enumerate() {
        let [a, b, c, d] = [0, 1, 2, 3].map(|it| window[it].text);
        if (a, b, c, d) != ("std", "::", "time", "::") {
            continue;
        }
        for used in heads(&code[at + 4..]) {
            if matches!(used.name, "Instant" | "SystemTime") {
                findings.push(format!(
                    "{name}:{}: std::time::{} is read in src/web and server/src/clock.rs alone; \
                     elsewhere time is an argument",
                    used.line, used.name
                ));
            }
        }
    }
}

// ---- reading Rust, as far as it is needed here ---------------------------------------------------------------------------

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// A name that follows a path's start: `dash` in `crate::dash::read` and in `crate::{dash::read, hls}`.
struct Used<'a> {
    name: &'a str,
    line: usize,
}

/// Words, numbers, `::` and single punctuation marks; comments and the contents of strings are left out.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let (mut at, mut line) = (0, 1);
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
    while at < bytes.len() {
        let start = at;
        let first = line;
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        if rest.starts_with("/*") {
            at += block_comment(rest);
            line += text[start..at].matches('\n').count();
            continue;
        }
        if let Some(length) = string(rest) {
            at += length;
            line += text[start..at].matches('\n').count();
            out.push(Token { text: "\"", line: first });
            continue;
        }
        match bytes[at] {
            b'\n' => line += 1,
            b if b.is_ascii_whitespace() => {}
            b if b.is_ascii_digit() => {
                while at < bytes.len() && word(bytes[at]) {
                    at += 1;
                }
                // `1.5`, but neither `1..2` nor `pair.0.max()`.
                if bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
                {
                    at += 1;
                    while at < bytes.len() && word(bytes[at]) {
                        at += 1;
                    }
                }
                out.push(Token { text: &text[start..at], line });
                continue;
            }
            b if word(b) => {
                while at < bytes.len() && word(bytes[at]) {
                    at += 1;
                }
                out.push(Token { text: &text[start..at], line });
                continue;
            }
            b':' if rest.starts_with("::") => {
                out.push(Token { text: "::", line });
                at += 2;
                continue;
            }
            _ => out.push(Token { text: &text[start..start + 1], line }),
        }
        at += 1;
    }
    out
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text.as_bytes()[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if text.as_bytes()[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at.min(text.len())
}

/// The length of the string or character literal that starts here. A lifetime is none.
fn string(text: &str) -> Option<usize> {
    let prefix = text.find(|c: char| !matches!(c, 'b' | 'c' | 'r')).filter(|it| *it <= 2)?;
    let (kind, rest) = text.split_at(prefix);
    if kind.contains('r') && rest.starts_with(['"', '#']) {
        let marks = rest.len() - rest.trim_start_matches('#').len();
        let body = rest[marks..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(marks));
        return Some(prefix + marks + 1 + body.find(&end).map_or(body.len(), |it| it + end.len()));
    }
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    if quote == '\'' {
        let mut chars = rest[1..].char_indices();
        let (_, c) = chars.next()?;
        if c != '\\' && chars.next().is_none_or(|(_, c)| c != '\'') {
            return None;
        }
    }
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(prefix + at + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// The code without the items that stand under `#[cfg(test)]`, and how many lines those have.
fn without_tests<'a>(code: &[Token<'a>]) -> (Vec<Token<'a>>, usize) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut out, mut lines) = (Vec::new(), 0);
    let mut at = 0;
    while at < code.len() {
        let marked = code[at..].len() >= MARK.len()
            && MARK.iter().zip(&code[at..]).all(|(mark, it)| *mark == it.text);
        if !marked {
            out.push(code[at]);
            at += 1;
            continue;
        }
        let first = code[at].line;
        let mut depth = 0_usize;
        at += MARK.len();
        while at < code.len() {
            let text = code[at].text;
            at += 1;
            match text {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && matches!(text, "}" | ";") {
                break;
            }
        }
        lines += code[at - 1].line + 1 - first;
    }
    (out, lines)
}

/// What follows `root ::` anywhere.
fn paths<'a>(code: &[Token<'a>], root: &str) -> Vec<Used<'a>> {
    let mut out = Vec::new();
    for at in 0..code.len().saturating_sub(2) {
        let begins = at == 0 || code[at - 1].text != "::";
        if begins && code[at].text == root && code[at + 1].text == "::" {
            out.extend(heads(&code[at + 2..]));
        }
    }
    out
}

/// What follows a chain of `super ::` that ends at the crate's root. `depth` is that of the file's own module.
fn super_paths<'a>(code: &[Token<'a>], depth: usize) -> Vec<Used<'a>> {
    let mut out = Vec::new();
    let mut open: Vec<bool> = Vec::new(); // for each brace, whether it is a module's
    let mut at = 0;
    while at < code.len() {
        match code[at].text {
            "{" => open.push(at >= 2 && code[at - 2].text == "mod"),
            "}" => _ = open.pop(),
            "super" => {
                let mut supers = 0;
                while at + 1 < code.len() && code[at].text == "super" && code[at + 1].text == "::" {
                    supers += 1;
                    at += 2;
                }
                if supers == depth + open.iter().filter(|it| **it).count() {
                    out.extend(heads(&code[at..]));
                }
                if supers > 0 {
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    out
}

/// The first names of a path, or of each path in a group.
fn heads<'a>(code: &[Token<'a>]) -> Vec<Used<'a>> {
    let Some(first) = code.first() else { return Vec::new() };
    if first.text != "{" {
        return vec![Used { name: first.text, line: first.line }];
    }
    let mut out = Vec::new();
    let (mut depth, mut begins) = (0, false);
    for token in code {
        match token.text {
            "{" => {
                depth += 1;
                begins = depth == 1;
            }
            "}" => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            "," => begins = depth == 1,
            name if begins => {
                out.push(Used { name, line: token.line });
                begins = false;
            }
            _ => {}
        }
    }
    out
}

// ---- the checker itself --------------------------------------------------------------------------------------------------

#[test]
fn a_forbidden_import_is_found_however_it_is_written() {
    for text in [
        "use crate::hls::read;",
        "use crate::{time::Instant, hls};",
        "use crate::{\n    media::{self, ts},\n    hls::{read, write},\n};",
        "fn f() { crate::hls::read() }",
        "use super::super::hls;",
        "mod inner { use super::super::super::hls; }",
    ] {
        let findings = check("src/dash/read.rs", text);
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        assert!(
            findings[0]
                .contains("dash may name presentation, media, time, units of the core, not hls")
        );
    }
    let findings = check("src/dash/read.rs", "\n\nuse crate::{\n    time,\n    player,\n};\n");
    assert!(findings[0].starts_with("src/dash/read.rs:5: "), "{findings:?}");
}

#[test]
fn what_is_allowed_is_not_found() {
    for (name, text) in [
        (
            "src/dash/read.rs",
            "use crate::{dash::syntax, presentation::Period, time::Instant, units};",
        ),
        ("src/dash/read.rs", "use super::{hls, syntax}; // its own submodule may have any name"),
        (
            "src/dash/read.rs",
            "/* crate::hls */ const A: &str = \"crate::hls 1.5 f64\"; // crate::hls f64",
        ),
        (
            "src/dash/read.rs",
            "const A: &str = r#\"\" crate::hls \"#; const B: char = '\"'; fn f<'a>(x: &'a str) {}",
        ),
        (
            "src/dash/read.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::hls;\n    const X: f64 = 1.5;\n}",
        ),
        ("src/media/ts/mod.rs", "mod tests { use super::super::es; }"),
        ("src/web/shell.rs", "use nearlive::player::Player; const X: f64 = 1.5;"),
        ("src/main.rs", "use nearlive::player::Player;"),
        ("server/src/clock.rs", "use std::time::{Instant, SystemTime};"),
        (
            "server/src/http/mod.rs",
            "use std::time::Duration; use tokio::time::Instant; use nearlive::dash;",
        ),
        ("server/tests/live.rs", "use nearlive::player::Player;"),
        ("tests/simulator/src/lib.rs", "use nearlive::player::Player; fn f() -> f64 { 1.5 }"),
        ("src/units.rs", "fn f(a: ((u8, u8), u8)) -> u8 { for _ in 1..2 {} a.0.1 + 0x1f32 }"),
    ] {
        let findings = check(name, text);
        assert!(findings.is_empty(), "{name}: {text}: {findings:?}");
    }
}

#[test]
fn the_player_is_named_by_its_drivers_alone() {
    for name in [
        "src/abr/rules.rs",
        "src/buffer/mod.rs",
        "src/net/mod.rs",
        "src/live/mod.rs",
        "src/units.rs",
    ] {
        assert_eq!(check(name, "use crate::player::Input;").len(), 1, "{name}");
    }
    for module in ["player", "live", "abr", "buffer", "net"] {
        assert_eq!(
            check("server/src/lib.rs", &format!("use nearlive::{module}::X;")).len(),
            1,
            "{module}"
        );
    }
}

#[test]
fn floating_point_is_found_in_the_core() {
    for text in ["fn f(x: f64) {}", "let x = 1.5;", "let x = 2f32;", "let x = y as f32;"] {
        let findings = check("src/live/mod.rs", text);
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        assert!(findings[0].starts_with("src/live/mod.rs:1: floating point"), "{findings:?}");
    }
}

#[test]
fn clocks_are_found_where_time_is_an_argument() {
    for text in [
        "use std::time::Instant;",
        "use std::time::{Duration, SystemTime};",
        "std::time::Instant::now()",
    ] {
        for name in ["server/src/store/ring.rs", "tests/simulator/src/lib.rs", "src/net/mod.rs"] {
            let findings = check(name, text);
            assert_eq!(findings.len(), 1, "{name}: {text}: {findings:?}");
        }
    }
}

#[test]
fn a_long_file_is_found_but_its_tests_do_not_count() {
    let lines = "fn a() {}\n".repeat(MOST_LINES);
    assert!(check("src/lib.rs", &lines).is_empty());
    assert_eq!(check("src/lib.rs", &format!("{lines}fn b() {{}}\n")).len(), 1);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{lines}}}\n");
    assert!(
        check("src/lib.rs", &format!("{}{tests}", "fn a() {}\n".repeat(MOST_LINES))).is_empty()
    );
    assert_eq!(check("www/element.js", &lines.repeat(2)).len(), 1);
}

#[test]
fn a_new_module_of_the_core_needs_a_rule() {
    assert!(
        check("src/cast/mod.rs", "").first().is_some_and(|it| it.contains("no module \"cast\""))
    );
}
