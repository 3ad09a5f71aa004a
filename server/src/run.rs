//! From the command line to a running server, and to its orderly end.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;

use crate::args::{self, Args, Command, Where};
use crate::camera::address::Address;
use crate::camera::secret::Redactor;
use crate::camera::supervisor::Surroundings;
use crate::clock::Clock;
use crate::config::Config;
use crate::demo::Demo;
use crate::descriptors;
use crate::encode;
use crate::engine::kind::Kind;
use crate::engine::spawn::Launcher;
use crate::engine::{self, Engine, limits, version, wrapper};
use crate::error::Error;
use crate::hand_out;
use crate::http::gate::Gate;
use crate::http::serve;
use crate::http::still::Stills;
use crate::log;
use crate::probe;
use crate::shutdown::Shutdown;
use crate::start::start;

/// The whole program.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    for name in [wrapper::NAME, wrapper::TOOL] {
        if arguments.first().is_some_and(|a| a == name) {
            eprintln!("[fatal] {}", wrapper::become_engine(name, arguments.into_iter().skip(1)));
            return ExitCode::from(1);
        }
    }
    // Our memory contains passwords, and so does that of our children.
    limits::no_core();
    log::clean_panics(Redactor::default());
    match act(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("nearlive-server: {e}");
            e.exit_code()
        }
    }
}

fn act(arguments: &[OsString]) -> Result<(), Error> {
    let args = args::parse(arguments)?;
    match &args.command {
        Command::Help => {
            log::say(args::HELP);
            Ok(())
        }
        Command::Version => {
            log::say(concat!("nearlive-server ", env!("CARGO_PKG_VERSION"), "\n"));
            Ok(())
        }
        Command::Camera(Where::Argument { index, address })
        | Command::Probe(Where::Argument { index, address }) => {
            Err(args::hand_over(arguments, *index, address))
        }
        Command::Camera(Where::Stdin) => {
            let address = Address::parse(&args::line_from_stdin()?)?;
            serve_until_the_end(&args, Some(Config::single("camera", "Camera", address)))
        }
        Command::Serve(file) => {
            let config = Config::read(file)?;
            serve_until_the_end(&args, Some(config))
        }
        Command::Demo => serve_until_the_end(&args, None),
        Command::Probe(Where::Stdin) => {
            probe::address(&args, Address::parse_any(&args::line_from_stdin()?)?)
        }
        Command::ProbeFile(file) => probe::file(&args, file),
        Command::Files(folder) => {
            log::start(Redactor::default(), args.verbose);
            let viewers = runtime("viewers")?;
            let done = viewers.block_on(hand_out::serve(&args, folder));
            viewers.shutdown_background();
            done
        }
        Command::Encode(job) => encode_film(&args, job),
    }
}

/// Encodes a film, on this thread: while it lives, its ffmpeg does. Signals have a thread of their own:
/// writing a film out to a slow disk takes this one for a while.
fn encode_film(args: &Args, job: &encode::Job) -> Result<(), Error> {
    log::start(Redactor::default(), args.verbose);
    let starting = |source| Error::Io { doing: "starting", source };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(starting)?;
    let told = runtime.block_on(async {
        let shutdown = Shutdown::default();
        shutdown.on_signals().map_err(|source| Error::Io { doing: "handling signals", source })?;
        encode::encode(job, &args.ffmpeg, &shutdown).await
    })?;
    log::say(&told);
    Ok(())
}

/// Serves the cameras of `config`, or the demo's without one.
fn serve_until_the_end(args: &Args, config: Option<Config>) -> Result<(), Error> {
    let redactor = Redactor::default();
    log::clean_panics(redactor.clone());
    log::start(redactor.clone(), args.verbose);
    for warning in config.iter().flat_map(|c| &c.warnings) {
        tracing::warn!("{warning}");
    }
    // However many clients ask for pages, the cameras' pipes are read.
    let (cameras, viewers) = (runtime("cameras")?, runtime("viewers")?);
    let done = viewers.block_on(serve_all(args, config, redactor, cameras.handle()));
    // A task that is left (a read of a pipe, say) must not keep the program running.
    viewers.shutdown_background();
    cameras.shutdown_background();
    done
}

/// Threads of this name, one per processor.
fn runtime(name: &str) -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name(name)
        .enable_all()
        .build()
        .map_err(|source| Error::Io { doing: "starting", source })
}

async fn serve_all(
    args: &Args,
    config: Option<Config>,
    redactor: Redactor,
    cameras: &Handle,
) -> Result<(), Error> {
    let shutdown = Shutdown::default();
    shutdown.on_signals().map_err(|source| Error::Io { doing: "handling signals", source })?;
    let address = args
        .listen
        .or_else(|| config.as_ref().and_then(|c| c.listen))
        .unwrap_or(args::DEFAULT_LISTEN);
    engines(args, config.as_ref())?;
    let listener = serve::listen(address).await?;
    let address = listener.local_addr().unwrap_or(address);
    let (config, demo) = match config {
        Some(config) => (config, None),
        None => {
            let ffmpeg = args.ffmpeg.clone();
            let demo = cameras.spawn(async move { Demo::start(&ffmpeg).await });
            let demo = demo.await.map_err(|e| Error::Demo(e.to_string()))??;
            (demo.config()?, Some(demo))
        }
    };
    let (connections, many) = (config.limits.connections, config.cameras.len());
    if let Err((has, needs)) = descriptors::provide(connections, many) {
        tracing::warn!(
            "{connections} connections (and cameras: {many}) may need {needs} open files; \
             the system allows this process {has}: raise that (ulimit -n, or LimitNOFILE= of systemd), or lower \
             `connections` in [limits]"
        );
    }
    let engine = Engine::new(&args.ffmpeg);
    let launcher = Launcher::new(engine.clone(), cameras)
        .map_err(|source| Error::Io { doing: "starting", source })?;
    let around = Surroundings { launcher, redactor, clock: Clock::start(), shutdown };
    let mut supervisors = JoinSet::new();
    let mut app = start(&config, &around, &mut supervisors, cameras);
    app.gate = Gate::new(config.origins.iter().chain(&args.origins).cloned());
    app.stills = Some(Stills::new(engine, config.limits.stills));
    log::say(&serve::greeting(address));
    if let Some(demo) = &demo {
        demo.listen_to_commands();
    }
    serve::run(listener, Arc::new(app), config.limits, around.shutdown.clone()).await;
    // Each supervisor logs off from its camera and waits for its ffmpeg.
    while supervisors.join_next().await.is_some() {}
    if let Some(demo) = demo {
        demo.stop().await;
    }
    Ok(())
}

/// Looks whether the engines of the cameras can do the work. The demo's is ffmpeg.
fn engines(args: &Args, config: Option<&Config>) -> Result<(), Error> {
    let is_demo = config.is_none();
    let cameras = config.map_or(&[][..], |c| c.cameras.as_slice());
    let of = |kind| cameras.iter().filter(move |c| c.engine == kind);
    let encodes = is_demo || of(Kind::Ffmpeg).any(|c| !c.ladder.is_empty());
    if let Err(e) = version::check(&args.ffmpeg, encodes) {
        if is_demo || of(Kind::Ffmpeg).next().is_some() {
            return Err(e);
        }
        tracing::warn!("{e}. No camera needs it, but without it there are no stills");
    }
    if of(Kind::Gstreamer).next().is_some() {
        version::check_gstreamer(&engine::gstreamer())?;
    }
    Ok(())
}
