//! Builds the browser files of Nearlive into `dist/`.
//!
//! ```text
//! nearlive-pack [player]    what `make player` runs
//! nearlive-pack size        what `make size` runs (feature `size`)
//!   --fast                  quick to build, large and slow: for developing with `make serve`
//! ```
//!
//! ```text
//! src/ --cargo--> nearlive.wasm --wasm-bindgen--> glue + wasm [--wasm-opt-->] dist/nearlive*.wasm
//!       (three times: DASH, HLS, both)              |
//! loader.js element.js nearlive.css ---------------+-> dist/nearlive.js (script), dist/nearlive.mjs (module)
//! figures.js controls.js controls.css --------------> dist/nearlive-controls.mjs
//! native.js, xhr.js --------------------------------> dist/nearlive-native.mjs, dist/nearlive-xhr.mjs
//! www/nearlive.d.ts --------------------------------> dist/nearlive.d.ts, dist/nearlive.d.mts
//! www/facades/shell.js and NAME.js -----------------> dist/nearlive-NAME.js
//! www/facades/NAME.d.ts ----------------------------> dist/nearlive-NAME.d.ts
//! ```
//!
//! What the pieces see of each other is written in [`bundle`]. When no input has changed since the last
//! run, nothing is written.

mod arrange;
mod bundle;
mod minify;
mod module;
mod press;
#[cfg(feature = "size")]
mod size;
mod stamp;
mod strip;

use anyhow::{Context, Result, anyhow, bail};
use module::Build;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Where things are, and how to build them.
struct Job {
    root: PathBuf,
    target: PathBuf,
    profile: &'static str,
}

impl Job {
    fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    fn source(&self, name: &str) -> Result<String> {
        let path = self.root.join("www").join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// The text of an optional source file; empty where there is none.
    fn optional(&self, name: &str) -> Result<String> {
        if self.root.join("www").join(name).exists() {
            self.source(name)
        } else {
            Ok(String::new())
        }
    }
}

/// What the facades share, in `www/facades/`.
const SHELL: &str = "shell.js";

/// How the name of a facade's types ends.
const TYPES: &str = ".d.ts";

/// The script of the element's controls, in `dist/`.
const CONTROLS: &str = "nearlive-controls.mjs";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nearlive-pack: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut command = None;
    let mut profile = "wasm";
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--fast" => profile = "wasm-fast",
            "player" | "size" if command.is_none() => command = Some(argument),
            other => bail!("unknown argument \"{other}\"; known are: player, size, --fast"),
        }
    }
    // Cargo sets it for `cargo run`; without it the working directory has to be the root.
    let root = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(crate_dir) => Path::new(&crate_dir).join("../..").canonicalize()?,
        None => std::env::current_dir()?,
    };
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root.join(dir),
        None => root.join("target"),
    };
    let job = Job { root, target, profile };
    match command.as_deref() {
        Some("size") => size(&job),
        _ => player(&job),
    }
}

#[cfg(feature = "size")]
fn size(job: &Job) -> Result<()> {
    player(job)?;
    size::report(job)
}

#[cfg(not(feature = "size"))]
fn size(_: &Job) -> Result<()> {
    bail!("run it as: make size (it needs the feature \"size\")")
}

fn player(job: &Job) -> Result<()> {
    let started = Instant::now();
    let compile = |build| Ok((build, module::compile(job, build)?));
    // Quick to build: one module stands for all.
    let builds = if job.profile == "wasm" { &Build::ALL[..] } else { &[Build::Whole] };
    let compiled = builds.iter().copied().map(compile).collect::<Result<Vec<_>>>()?;
    let sources = bundle::Sources {
        version: env!("CARGO_PKG_VERSION"),
        loader: job.source("loader.js")?,
        native: job.source("native.js")?,
        xhr: job.source("xhr.js")?,
        element: job.source("element.js")?,
        style: job.optional("nearlive.css")?,
        controls: job.source("figures.js")? + &job.source("controls.js")?,
        controls_style: job.optional("controls.css")?,
    };
    let types = job.optional("nearlive.d.ts")?;
    let facades = facades(job)?;
    let optimizer = if job.profile == "wasm" { module::optimizer(job) } else { None };

    let mut stamp = stamp::Stamp::new();
    stamp.file(&std::env::current_exe()?)?;
    compiled.iter().for_each(|(_, wasm)| _ = stamp.bytes(wasm));
    stamp
        .text(&sources.loader)
        .text(&sources.native)
        .text(&sources.xhr)
        .text(&sources.element)
        .text(&sources.style)
        .text(&sources.controls)
        .text(&sources.controls_style)
        .text(&types);
    facades.iter().for_each(|(name, text)| _ = stamp.text(name).text(text));
    stamp.text(&format!("{optimizer:?}"));
    let record = job.target.join("pack/stamp");
    let dist = job.dist();
    if stamp.matches(&record)
        && dist.join("nearlive.js").exists()
        && Build::ALL.iter().all(|build| dist.join(build.file()).exists())
    {
        return Ok(());
    }

    std::fs::create_dir_all(&dist)?;
    let glue = modules(job, &compiled, optimizer.as_deref())?;
    let small = |text: String, minify: fn(&str) -> Result<String>| {
        let text = if job.profile == "wasm" { minify(&text)? } else { text };
        Ok::<_, anyhow::Error>(bundle::banner(&sources) + &text)
    };
    let script = small(bundle::script(&sources, &glue), minify::script)?;
    write(&dist, "nearlive.js", script.as_bytes())?;
    let module = small(bundle::module(&sources, &glue), minify::module)?;
    write(&dist, "nearlive.mjs", module.as_bytes())?;
    let native = small(sources.native.clone(), minify::module)?;
    write(&dist, "nearlive-native.mjs", native.as_bytes())?;
    let xhr = small(sources.xhr.clone(), minify::module)?;
    write(&dist, "nearlive-xhr.mjs", xhr.as_bytes())?;
    let controls = small(bundle::controls(&sources), minify::module)?;
    write(&dist, CONTROLS, controls.as_bytes())?;
    if !types.is_empty() {
        write(&dist, "nearlive.d.ts", types.as_bytes())?;
        write(&dist, "nearlive.d.mts", types.as_bytes())?;
    }
    let shell = facades.iter().find(|it| it.0 == SHELL).map_or("", |it| it.1.as_str());
    for (name, text) in facades.iter().filter(|it| it.0 != SHELL) {
        let facade = if name.ends_with(TYPES) {
            text.clone()
        } else {
            small(bundle::facade(shell, text), minify::script)?
        };
        write(&dist, &format!("nearlive-{name}"), facade.as_bytes())?;
    }
    stamp.write(&record)?;
    let how = match (&optimizer, job.profile) {
        (Some(_), _) => "with wasm-opt",
        (None, "wasm") => "without wasm-opt",
        (None, _) => "not optimized",
    };
    let kb = |name| Ok::<_, anyhow::Error>(std::fs::metadata(dist.join(name))?.len() / 1000);
    println!(
        "dist/: nearlive.wasm {} kB ({how}; DASH alone {}, HLS alone {}), nearlive.js {} kB, in {:.1} s",
        kb(Build::Whole.file())?,
        kb(Build::Dash.file())?,
        kb(Build::Hls.file())?,
        kb("nearlive.js")?,
        started.elapsed().as_secs_f32()
    );
    Ok(())
}

/// Writes the modules and returns the glue, which serves each of them.
fn modules(job: &Job, compiled: &[(Build, Vec<u8>)], optimizer: Option<&Path>) -> Result<String> {
    let finished: Vec<_> = std::thread::scope(|scope| {
        let one = |it| scope.spawn(move || finish(job, it, optimizer));
        let all: Vec<_> = compiled.iter().map(one).collect();
        all.into_iter().map(|it| it.join()).collect()
    });
    let mut glue: Option<String> = None;
    for ((build, _), finished) in compiled.iter().zip(finished) {
        let (own, wasm) = finished.map_err(|_| anyhow!("{} was not finished", build.file()))??;
        if code(glue.get_or_insert_with(|| own.clone())) != code(&own) {
            bail!("{} needs another script than the other modules do", build.file());
        }
        let stands_for = |it: &&Build| *it == build || compiled.len() == 1;
        for build in Build::ALL.iter().filter(stands_for) {
            write(&job.dist(), build.file(), &wasm)?;
        }
    }
    glue.context("there is no module")
}

/// The glue of a compiled module, and the module as it is handed out.
fn finish(
    job: &Job,
    (build, wasm): &(Build, Vec<u8>),
    optimizer: Option<&Path>,
) -> Result<(String, Vec<u8>)> {
    let (glue, wasm) = module::bind(wasm, false)?;
    let wasm = match optimizer {
        Some(program) => {
            module::optimize(program, &job.target.join("pack").join(build.file()), &wasm)?
        }
        None => wasm,
    };
    Ok((glue, if job.profile == "wasm" { arrange::arrange(&wasm)? } else { wasm }))
}

/// The lines of a script without its comments, which have numbers of the module's functions in them.
fn code(script: &str) -> Vec<&str> {
    script.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect()
}

/// The facades for other players' APIs, and their types: file name and text, by name.
fn facades(job: &Job) -> Result<Vec<(String, String)>> {
    let Ok(folder) = std::fs::read_dir(job.root.join("www/facades")) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in folder {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(|it| it.to_str())
            && (name.ends_with(".js") || name.ends_with(TYPES))
        {
            found.push((name.to_owned(), std::fs::read_to_string(&path)?));
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a file of `dist/` unless it is there with the same bytes: the server embeds these files, and a new
/// modification time would build it anew.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    if std::fs::read(&path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
