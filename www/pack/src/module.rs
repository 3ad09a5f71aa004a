//! The WebAssembly module: Cargo compiles it, wasm-bindgen gives it its JavaScript side, wasm-opt shrinks it
//! where it is installed.

use crate::Job;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

/// What a module reads: the features that it is compiled with, and its file in `dist/`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    Dash,
    Hls,
    /// Both.
    Whole,
}

impl Build {
    /// The whole one is compiled last: other tools find it where Cargo puts it.
    pub(crate) const ALL: [Self; 3] = [Self::Dash, Self::Hls, Self::Whole];

    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Dash => "nearlive-dash.wasm",
            Self::Hls => "nearlive-hls.wasm",
            Self::Whole => "nearlive.wasm",
        }
    }

    const fn features(self) -> &'static str {
        match self {
            Self::Dash => "dash",
            Self::Hls => "hls",
            Self::Whole => "dash,hls,webm",
        }
    }
}

/// Compiles the root package's binary and returns the module.
pub(crate) fn compile(job: &Job, build: Build) -> Result<Vec<u8>> {
    let toolchain = toolchain(job)?;
    // Neither places of panics in the sources nor Debug texts: every viewer would download them.
    let mut flags = "-Zlocation-detail=none -Zfmt-debug=none".to_owned();
    if job.profile == "wasm" {
        // With these two wasm-bindgen puts a wrapper into the module around each function that takes or gives a value of
        // JavaScript's: more to download than the tables of values that it keeps in the script without them. (Without
        // link-time optimisation the module keeps those of the standard library, which has both.)
        flags += " -Ctarget-feature=-reference-types,-multivalue";
        // What both sides of a branch begin with is written once, before it.
        flags += " -Cllvm-args=-hoist-common-insts=true";
    }
    let mut own_std: &[&str] = &[];
    if job.profile == "wasm" && has_std_sources(&toolchain) {
        // A standard library of our own, whose panics are a bare trap: a tenth less to download.
        own_std = &["-Zbuild-std=std", "-Zbuild-std-features=optimize_for_size"];
        flags += " -Zunstable-options -Cpanic=immediate-abort";
    }
    let status = Command::new("cargo")
        .args([
            "build",
            "-q",
            "--target",
            "wasm32-unknown-unknown",
            "-p",
            "nearlive",
            "--bin",
            "nearlive",
        ])
        .args(["--profile", job.profile])
        .args(["--no-default-features", "--features", build.features()])
        .args(own_std)
        .current_dir(&job.root)
        .env("CARGO_TARGET_DIR", &job.target)
        // A compiler takes unstable flags only when it is told that they may be.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", flags)
        .env("RUSTUP_TOOLCHAIN", toolchain)
        // Set by the `cargo run` around us for its own toolchain, which need not be the one that is called here.
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("the player does not compile for wasm32-unknown-unknown");
    }
    let path = job.target.join("wasm32-unknown-unknown").join(job.profile).join("nearlive.wasm");
    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The rustup toolchain that has the standard library for WebAssembly.
fn toolchain(job: &Job) -> Result<String> {
    let output = Command::new("bash")
        .arg(job.root.join(".ci/wasm-toolchain"))
        .output()
        .context("cannot run .ci/wasm-toolchain")?;
    if !output.status.success() {
        bail!(
            "no toolchain here builds for wasm32-unknown-unknown: run `make setup`, it installs one"
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The toolchain can build the standard library anew.
fn has_std_sources(toolchain: &str) -> bool {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .env("RUSTUP_TOOLCHAIN", toolchain)
        .env_remove("LD_LIBRARY_PATH")
        .output();
    output.is_ok_and(|output| {
        let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Path::new(&sysroot).join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file()
    })
}

/// The glue serves one module, and notes the address of its script, for which nobody asks. It is made to begin as a function
/// that gives the glue of one more.
const HEAD: &str = "let wasm_bindgen = (function(exports) {
            let script_src;
            if (typeof document !== 'undefined' && document.currentScript !== null) {
                script_src = new URL(document.currentScript.src, location.href).toString();
            }
";
const OWN_HEAD: &str = "const wasm_bindgen = () => (function(exports) {\n";
/// What the module imports: before the first, after the last, and between two.
const IMPORTS: [&str; 3] =
    ["const import0 = {\n            __proto__: null,\n", "},\n};\n", "},\n"];
/// From here on the glue fetches and starts the module, in every way that there may be.
const START: &str = "let wasmModule, wasmInstance, wasm;\n";
/// The one way that is needed: from an address, with the loader watching the exports. A server that serves the module under
/// another type than `application/wasm` is read to the end first, as browsers want it.
const OWN_START: &str = r#"let wasm;
const start = async (url) => {
const response = await fetch(url);
if (!response.ok) throw new Error(`status ${response.status}`);
const streams = WebAssembly.instantiateStreaming && response.headers.get("content-type") === "application/wasm";
const imports = __wbg_get_imports();
const { instance } = await (streams
? WebAssembly.instantiateStreaming(response, imports)
: WebAssembly.instantiate(await response.arrayBuffer(), imports));
wasm = guarded(instance.exports);
wasm.__wbindgen_start();
};
return Object.assign(start, exports);
})({ __proto__: null });
"#;

/// Runs wasm-bindgen: returns the glue (a script that declares `wasm_bindgen`) and the module that belongs to it.
pub(crate) fn bind(compiled: &[u8], keep_names: bool) -> Result<(String, Vec<u8>)> {
    let mut output = Bindgen::new()
        .input_bytes("nearlive", compiled.to_vec())
        .no_modules(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(!keep_names)
        .demangle(false)
        .remove_producers_section(true)
        .generate_output()
        .context("wasm-bindgen failed")?;
    let mut snippets = output.snippets().values();
    if snippets.any(|it| !it.is_empty()) || !output.local_modules().is_empty() {
        bail!("the module brings JavaScript snippets along, which one script cannot hold");
    }
    let parts = output.js().trim_start().strip_prefix(HEAD).and_then(|it| it.split_once(START));
    let parts = parts.and_then(|(glue, start)| Some((alike_together(glue)?, start)));
    let mut glue = match parts {
        Some((glue, start)) if start.trim_end().ends_with("})({ __proto__: null });") => {
            [OWN_HEAD, &glue, OWN_START].concat()
        }
        _ => bail!("wasm-bindgen's script is another than the one that this was written for"),
    };
    let module = output.wasm_mut();
    drop_described(module);
    import_in_order(module, &glue);
    shorten(module.imports.iter_mut().map(|it| &mut it.name), "i", &mut glue);
    shorten(module.exports.iter_mut().map(|it| &mut it.name), "e", &mut glue);
    Ok((glue, module.emit_wasm()))
}

/// The glue with the functions that the module imports in the order of what they do: alike ones compress better beside each
/// other. `None` if it is not written as [`IMPORTS`] says.
fn alike_together(glue: &str) -> Option<String> {
    let [start, end, between] = IMPORTS;
    let (head, rest) = glue.split_once(start)?;
    let (imports, tail) = rest.split_once(end)?;
    let imports = imports.split(between).map(|it| it.trim_start().split_once(": function("));
    let mut imports: Vec<(&str, &str)> = imports.collect::<Option<_>>()?;
    imports.sort_by_key(|(name, does)| (*does, *name));
    let imports: Vec<String> =
        imports.iter().map(|(name, does)| format!("{name}: function({does}")).collect();
    Some([head, start, &imports.join(between), end, tail].concat())
}

/// Gives the module's imports the order in which the glue names them: their short names count up in both then.
fn import_in_order(module: &mut walrus::Module, glue: &str) {
    let places = module.imports.iter().map(|it| (glue.find(&it.name), it.id()));
    let mut places: Vec<_> = places.collect();
    places.sort();
    for (_, id) in places {
        let import = module.imports.get(id);
        let (from, name, kind) = (import.module.clone(), import.name.clone(), import.kind.clone());
        let walrus::ImportKind::Function(function) = kind else { continue };
        module.imports.delete(id);
        let added = module.imports.add(&from, &name, function);
        if let walrus::FunctionKind::Import(it) = &mut module.funcs.get_mut(function).kind {
            it.import = added;
        }
    }
}

/// js-sys describes to wasm-bindgen every function that takes a callback, and with each what calls such a callback. The
/// descriptions are gone by now, but the callers stand in the table of functions yet, where only JavaScript could reach
/// them: by an export, which those that are needed have.
fn drop_described(module: &mut walrus::Module) {
    let calls_back = |symbol: &str| {
        let name = format!("{:#}", rustc_demangle::demangle(symbol));
        name.starts_with("wasm_bindgen::convert::closures::_::invoke")
    };
    let functions = module.funcs.iter();
    let callers: Vec<_> = functions
        .filter(|it| it.name.as_deref().is_some_and(calls_back))
        .map(|it| it.id())
        .collect();
    for element in module.elements.iter_mut() {
        if let walrus::ElementItems::Functions(functions) = &mut element.items
            && let Some(other) = functions.iter().copied().find(|it| !callers.contains(it))
        {
            // The places of the others must not change.
            functions.iter_mut().filter(|it| callers.contains(it)).for_each(|it| *it = other);
        }
    }
    walrus::passes::gc::run(module);
}

/// Gives short names to what the module and its glue call each other by: the long ones are hashes and mangled paths, which
/// no compression makes small.
fn shorten<'a>(names: impl Iterator<Item = &'a mut String>, prefix: &str, glue: &mut String) {
    for (index, name) in names.filter(|it| ends_in_hash(it) || it.starts_with("_R")).enumerate() {
        let short = format!("{prefix}{index}");
        *glue = glue.replace(name.as_str(), &short);
        *name = short;
    }
}

/// Sixteen hexadecimal digits end the names that wasm-bindgen made up.
fn ends_in_hash(name: &str) -> bool {
    name.len() > 16 && name.bytes().rev().take(16).all(|it| it.is_ascii_hexdigit())
}

/// The path of wasm-opt, where there is one: on PATH, or npm's `binaryen` in `node_modules`.
pub(crate) fn optimizer(job: &Job) -> Option<PathBuf> {
    let local = job.root.join("node_modules/.bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([local])
        .map(|folder| folder.join("wasm-opt"))
        .find(|program| program.is_file())
}

/// Runs wasm-opt over the module. `scratch` is a folder for its files.
pub(crate) fn optimize(program: &Path, scratch: &Path, wasm: &[u8]) -> Result<Vec<u8>> {
    std::fs::create_dir_all(scratch)?;
    let (before, after) = (scratch.join("before.wasm"), scratch.join("after.wasm"));
    std::fs::write(&before, wasm)?;
    let status = Command::new(program)
        // For size, again and again until nothing becomes smaller; compressed, what "-Oz" makes is larger. The features are those that rustc turns on by default: older
        // wasm-opts do not read the target_features section.
        .args([
            "-Os",
            "--converge",
            "--enable-bulk-memory",
            "--enable-sign-ext",
            "--enable-mutable-globals",
        ])
        .args([
            "--enable-nontrapping-float-to-int",
            "--enable-reference-types",
            "--enable-multivalue",
        ])
        .arg(&before)
        .arg("-o")
        .arg(&after)
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !status.success() {
        eprintln!("wasm-opt failed ({}); going on without it", program.display());
        return Ok(wasm.to_vec());
    }
    Ok(std::fs::read(&after)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_that_do_alike_are_beside_each_other_and_all_are_there() {
        let [start, end, between] = IMPORTS;
        let glue = |of: [&str; 3]| {
            let imports = of.map(|it| format!("{}: function({}", &it[..1], &it[1..]));
            ["let a;\n", start, &imports.join(between), end, "let b;\n"].concat()
        };
        let sorted = alike_together(&glue(["xb) {1", "ya) {1", "zb) {1"]));
        assert_eq!(sorted, Some(glue(["ya) {1", "xb) {1", "zb) {1"])));
        assert_eq!(alike_together("let a;"), None);
    }
}
