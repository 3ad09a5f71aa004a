//! Which module may name which.

use crate::krate::Crate;
use crate::rule::{Finding, Rule};
use crate::source::Mention;

/// The modules of the core, and which others each may name.
const CORE: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("units", &["time"]),
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

/// What is wrong in the core.
pub(crate) fn core(read: &Crate) -> Vec<Finding> {
    findings(read, |module, mention| {
        let own = module.first()?;
        let Some((_, allowed)) = CORE.iter().find(|(it, _)| it == own) else {
            return Some(format!(
                "the core has no module \"{own}\" yet: give it a line in tests/layering/layers.rs"
            ));
        };
        let used = of_root(module, mention)?;
        let known = CORE.iter().any(|(it, _)| *it == used);
        let may = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        (known && used != own && !allowed.contains(&used))
            .then(|| format!("{own} may name {may} of the core, not {used}"))
    })
}

/// What is wrong in the server.
pub(crate) fn server(read: &Crate) -> Vec<Finding> {
    findings(read, |_, mention| match mention.path.as_slice() {
        [first, used, ..] if first == "nearlive" && !FOR_SERVER.contains(&used.as_str()) => {
            let may = FOR_SERVER.join(", ");
            Some(format!("the server uses of the core only {may}, not nearlive::{used}"))
        }
        _ => None,
    })
}

/// What `wrong` says of each path that is imported or named, given the module that does.
fn findings(read: &Crate, wrong: impl Fn(&[String], &Mention) -> Option<String>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for file in &read.files {
        for (module, scope) in file.scopes() {
            let imports = scope.imports.iter().map(|it| &it.of);
            for mention in imports.chain(&scope.mentions) {
                let Some(says) = wrong(&module, mention) else { continue };
                let (file, line) = (file.name.clone(), mention.line);
                findings.push(Finding { rule: Rule::Layer, file, line, says });
            }
        }
    }
    findings.dedup();
    findings
}

/// The module of the crate's root that a path goes through which begins with `crate` or leads there by `super`.
fn of_root<'a>(module: &[String], mention: &'a Mention) -> Option<&'a str> {
    let supers = mention.path.iter().take_while(|it| *it == "super").count();
    let from = match mention.path.first()?.as_str() {
        "crate" => 1,
        "super" if supers == module.len() => supers,
        _ => return None,
    };
    mention.path.get(from).map(String::as_str)
}

fn in_dash(text: &str) -> Vec<String> {
    let files =
        [("src/lib.rs", "mod dash;"), ("src/dash/mod.rs", "mod read;"), ("src/dash/read.rs", text)];
    core(&crate::krate::made_up(&files)).iter().map(ToString::to_string).collect()
}

#[test]
fn a_forbidden_import_is_found_however_it_is_written() {
    for text in [
        "use crate::hls::read;",
        "pub use crate::hls::read;",
        "use crate::{time::Instant, hls};",
        "use crate::{\n    media::{self, ts},\n    hls::{read, write},\n};",
        "fn f() { crate::hls::read() }",
        "fn f() { vec![crate::hls::read()] }",
        "use super::super::hls;",
        "mod inner { use super::super::super::hls; }",
    ] {
        let findings = in_dash(text);
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        let rule = "dash may name presentation, media, time, units of the core, not hls";
        assert!(findings[0].contains(rule), "{findings:?}");
    }
    let findings = in_dash("\n\nuse crate::{\n    time,\n    player,\n};\n");
    assert!(findings[0].starts_with("src/dash/read.rs:5: "), "{findings:?}");
}

#[test]
fn what_is_allowed_is_not_found() {
    for text in [
        "use crate::{dash::syntax, presentation::Period, time::Instant, units};",
        "use super::{hls, syntax}; // its own submodule may have any name",
        "/* crate::hls */ const A: &str = \"crate::hls\"; // crate::hls",
        "#[cfg(test)]\nmod tests {\n    use crate::hls;\n}",
        "mod tests { use super::super::hls; }",
    ] {
        let findings = in_dash(text);
        assert!(findings.is_empty(), "{text}: {findings:?}");
    }
}

#[test]
fn the_player_is_named_by_its_drivers_alone() {
    for module in ["abr", "buffer", "net", "live", "units"] {
        let (lib, file) = (format!("mod {module};"), format!("src/{module}.rs"));
        let files = [("src/lib.rs", lib.as_str()), (&file, "use crate::player::Input;")];
        assert_eq!(core(&crate::krate::made_up(&files)).len(), 1, "{module}");
    }
    for module in ["player", "live", "abr", "buffer", "net"] {
        let text = format!("use nearlive::{module}::X;");
        let files = [("server/src/lib.rs", text.as_str())];
        assert_eq!(server(&crate::krate::made_up(&files)).len(), 1, "{module}");
    }
    assert!(server(&crate::krate::made_up(&[("lib.rs", "use nearlive::dash;")])).is_empty());
}

#[test]
fn a_new_module_of_the_core_needs_a_rule() {
    let files = [("src/lib.rs", "mod cast;"), ("src/cast.rs", "fn f() { g() }")];
    let findings = core(&crate::krate::made_up(&files));
    assert!(findings[0].says.contains("no module \"cast\""), "{findings:?}");
}
