//! `nearlive-server probe`: what a camera, a film or a list of segments is made of, which browsers
//! play it, and what to change.
//!
//! ```text
//! Target -- argv --> ffprobe -- JSON --> streams ---+
//!              \---> ffmpeg -- a line a packet --> measure --+--> advice --> report
//!                      \-- stderr --> Cause --> failure
//! ```
//!
//! All but [`look`], which runs the programs, is pure. No address is in an argument, in the report
//! or in an error.

mod advice;
mod argv;
mod codec;
mod failure;
mod look;
mod measure;
mod packets;
mod report;
mod streams;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::args::Args;
use crate::camera::address::Address;
use crate::camera::secret::Redactor;
use crate::clock::Clock;
use crate::engine::version;
use crate::error::Error;
use crate::log;
use crate::repeat;
use argv::Target;
use look::Look;
use report::Report;

/// Probes what stands at an address.
pub(crate) fn address(args: &Args, address: Address) -> Result<(), Error> {
    probe(args, &Target::Address(address))
}

/// Probes a file.
pub(crate) fn file(args: &Args, path: &Path) -> Result<(), Error> {
    told(args, readable(path))?;
    probe(args, &Target::File(path.to_owned()))
}

fn probe(args: &Args, target: &Target) -> Result<(), Error> {
    let redactor = Redactor::default();
    if let Target::Address(address) = target {
        address.teach(&redactor);
    }
    log::clean_panics(redactor.clone());
    log::start(redactor.clone(), args.verbose);
    let report = programs(&args.ffmpeg).and_then(|()| {
        // The kernel ends ffmpeg with the thread that started it: the one that waits here.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| Error::Io { doing: "starting", source })?;
        let look =
            Look { ffmpeg: &args.ffmpeg, target, redactor: &redactor, clock: Clock::start() };
        runtime.block_on(look_at(&look)).map_err(|e| Error::Probe(redactor.clean(&e)))
    });
    let report = told(args, report)?;
    log::say(&if args.json { report.json() } else { report.text() });
    Ok(())
}

/// An error that programs can read as well, where they asked for that.
fn told<T>(args: &Args, result: Result<T, Error>) -> Result<T, Error> {
    result.inspect_err(|e| {
        if args.json {
            log::say(&report::problem(&e.to_string()));
        }
    })
}

async fn look_at(look: &Look<'_>) -> Result<Report, String> {
    let target = look.target;
    let of = match target {
        Target::Address(address) => address.to_string(),
        Target::File(path) => repeat::path(path, "the file to probe"),
    };
    let streams = look.streams().await.map_err(|cause| failure::sentence(target, cause))?;
    if streams.video.is_empty() {
        let sound = streams.audio.first().map(|audio| codec::name(&audio.codec));
        return Err(failure::no_video(&of, sound.as_deref()));
    }
    let (packets, ended) =
        look.packets(&streams).await.map_err(|cause| failure::sentence(target, cause))?;
    let [video, audio] = &packets;
    let camera = target.is_camera();
    Ok(Report {
        of,
        camera,
        measured: Some(video.measured()),
        clock: if camera { video.clock() } else { None },
        hung_up: camera && ended,
        audio_bits_per_second: audio.bits_per_second(),
        streams,
    })
}

/// Whether both programs are there.
fn programs(ffmpeg: &Path) -> Result<(), Error> {
    version::look(ffmpeg)?;
    let ffprobe = argv::ffprobe(ffmpeg);
    let quiet = || Stdio::null();
    let ran = Command::new(&ffprobe)
        .arg("-version")
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .status();
    match ran {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Error::FfprobeMissing(ffprobe)),
    }
}

/// Whether it is a file that can be read and has something in it.
fn readable(path: &Path) -> Result<(), Error> {
    let wrong = |problem: &str| Error::File { path: path.to_owned(), problem: problem.to_owned() };
    let about = fs::metadata(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => wrong("there is no such file"),
        std::io::ErrorKind::PermissionDenied => wrong("this user may not read it"),
        _ => wrong(&e.to_string()),
    })?;
    if about.is_dir() {
        return Err(wrong("this is a folder; name a file in it"));
    }
    if !about.is_file() {
        return Err(wrong("this is no file"));
    }
    fs::File::open(path).map_err(|_| wrong("this user may not read it"))?;
    if about.len() == 0 { Err(wrong("the file is empty")) } else { Ok(()) }
}
