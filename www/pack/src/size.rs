//! `make size`: what a visitor downloads, against what the project allows itself, and what the module is made of.
//!
//! Only the script, the module and the style (which is in the script) count; the ES module and the facades are
//! alternatives to it. The contributors are sizes before compression: code by the crate (ours: by module) whose function it
//! is, and the data section, which holds strings and tables of all of them.

use crate::module::{self, Build};
use crate::press::brotli;
use crate::{CONTROLS, Job};
use anyhow::{Result, bail};
use std::collections::HashMap;
use std::io::Write;
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// What a page downloads before its first picture, by what it plays, and how much it never exceeds:
/// today's with wasm-opt, rounded up. It becomes higher only by what something new weighs that the player does. (hls.js has 155 kB.)
const PAGES: [(&str, Build, usize); 3] = [
    ("page of DASH", Build::Dash, 139_200),
    ("page of HLS", Build::Hls, 134_400),
    ("page of both, or by create()", Build::Whole, 165_200),
];
/// The download that is aimed at: hls.js light.
const AIM: usize = 101_000;

pub(crate) fn report(job: &Job) -> Result<()> {
    println!("{:<28} {:>9} {:>9} {:>9}", "file, page", "raw", "gzip -9", "brotli 11");
    let script = file(job, "nearlive.js")?;
    let mut over = Vec::new();
    for (page, build, limit) in PAGES {
        let module = file(job, build.file())?;
        let mut sum = script;
        sum.iter_mut().zip(module).for_each(|(sum, size)| *sum += size);
        line(page, sum);
        let [.., download] = sum;
        if download > limit {
            over.push(format!("{page}: {download}, which is {} over its limit", download - limit));
        }
    }

    println!("after the first picture, for the controls:");
    file(job, CONTROLS)?;

    let compiled = module::compile(job, Build::Whole)?;
    let (_, wasm) = module::bind(&compiled, true)?;
    println!("\nthe module's largest contributors (uncompressed, before wasm-opt):");
    let contributors = contributors(&wasm)?;
    let all: usize = contributors.iter().map(|(_, size)| size).sum();
    for (name, size) in contributors.into_iter().take(10) {
        println!("{size:>9}  {:>4.1} %  {name}", size as f32 * 100.0 / all as f32);
    }
    println!("\nthe aim for a page with a DASH camera is {AIM}");
    if !over.is_empty() {
        bail!("a download is too large (the limits are those with wasm-opt): {}", over.join("; "));
    }
    Ok(())
}

/// A file of `dist/`: its size, by gzip, by brotli.
fn file(job: &Job, name: &str) -> Result<[usize; 3]> {
    let bytes = std::fs::read(job.dist().join(name))?;
    let sizes = [bytes.len(), gzip(&bytes)?, brotli(&bytes)?];
    line(name, sizes);
    Ok(sizes)
}

fn line(name: &str, [raw, gzip, brotli]: [usize; 3]) {
    println!("{name:<28} {raw:>9} {gzip:>9} {brotli:>9}");
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

/// Bytes by contributor, largest first.
fn contributors(wasm: &[u8]) -> Result<Vec<(String, usize)>> {
    let mut names = HashMap::new();
    let mut bodies = Vec::new();
    let mut imported = 0;
    let mut sizes: HashMap<String, usize> = HashMap::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if matches!(import?.ty, wasmparser::TypeRef::Func(_)) {
                        imported += 1;
                    }
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.range().len()),
            Payload::DataSection(section) => {
                *sizes.entry("data: strings and tables".into()).or_default() +=
                    section.range().len();
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(section) = section.as_known() {
                    for name in section {
                        if let Name::Function(map) = name? {
                            for naming in map {
                                let naming = naming?;
                                names.insert(naming.index, naming.name);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
    for (index, size) in (imported..).zip(bodies) {
        let name = names.get(&index).map_or_else(|| "without a name".into(), |it| owner(it));
        *sizes.entry(name).or_default() += size;
    }
    let mut sizes: Vec<_> = sizes.into_iter().collect();
    sizes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(sizes)
}

/// The crate whose function has this symbol; ours with the module: `nearlive::dash`.
fn owner(symbol: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(symbol));
    // `<nearlive::time::Instant as core::fmt::Debug>::fmt`, `<&mut alloc::..>`, `nearlive::dash::read`.
    let start = name.find(|c: char| c.is_alphanumeric() || c == '_').unwrap_or(0);
    let path = name[start..].trim_start_matches("mut ").trim_start_matches("dyn ");
    let path = &path[..path
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(path.len())];
    let mut segments = path.split("::").filter(|it| !it.is_empty());
    match (segments.next(), segments.next(), segments.next()) {
        (Some("nearlive"), Some(module), Some(_)) => format!("nearlive::{module}"),
        (Some(name), Some(_), _) => name.to_owned(),
        _ => "exported functions".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn functions_belong_to_crates_and_ours_to_modules() {
        for (symbol, expected) in [
            ("nearlive::dash::read::mpd", "nearlive::dash"),
            ("<nearlive::time::Instant as core::fmt::Debug>::fmt", "nearlive::time"),
            ("<&mut alloc::vec::Vec<u8> as core::fmt::Write>::write_str", "alloc"),
            ("nearlive::main", "nearlive"),
            ("__wbindgen_malloc", "exported functions"),
        ] {
            assert_eq!(owner(symbol), expected, "{symbol}");
        }
    }
}
