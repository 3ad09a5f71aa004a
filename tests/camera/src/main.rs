//! The test camera as a command: options, commands on standard input or a control port, an end.

use std::process::ExitCode;

use nearlive_camera::{
    Auth, Camera, CameraConfig, Codec, Coding, Control, FAULTS, Fault, Law, Start, Transports,
};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "\
A small RTSP camera for tests and demos.

Usage: nearlive-camera [OPTIONS]

  --listen ADDR:PORT   where to listen                       [127.0.0.1:8554; port 0: a free one]
  --path PATH          path of the stream                    [live]
  --name NAME          name in the picture                   [Test camera]
  --size WxH           size of the picture                   [1280x720]
  --fps N or N/D       frames a second                       [25]
  --gop SECONDS        from key frame to key frame           [1]
  --gop-frames N       the same in frames
  --bitrate KBPS       video, kilobits a second              [2000]
  --codec h264|h265    video codec                           [h264]
  --coding forward|b1|b2|b3|open|refresh|unmarked (H.264)      [forward]
                       b: with so many B pictures; open: no IDR picture but the first,
                       then I pictures with a recovery point; refresh: that and no I picture,
                       unmarked: and no recovery point
  --audio ulaw|alaw|none                                     [ulaw]
  --clock-ppm N        how much too fast its clock runs      [0]
  --auth none|basic|digest                                   [none; digest with --user]
  --user NAME  --password TEXT
  --transports tcp,udp which ones it offers                  [tcp,udp]
  --start now|key      a client's first frame: any, or a key frame  [now]
  --fault FAULT        begin with a fault; may be repeated
  --control ADDR:PORT  take commands there as well, a line each
  --ffmpeg PROGRAM     the ffmpeg to run                     [ffmpeg]

Commands, a line each, on standard input or the control port; the answer is a line:
  fault FAULT          let a fault begin
  clear                end all faults
  quit                 end the camera
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("nearlive-camera: {message}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line says.
struct Options {
    config: CameraConfig,
    faults: Vec<Fault>,
    control: Option<String>,
}

fn run() -> Result<(), String> {
    let Some(options) = options(std::env::args().skip(1))? else {
        print!("{HELP}\nFaults: {FAULTS}\n");
        return Ok(());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let result = runtime.block_on(serve(options));
    // A read of standard input may never return.
    runtime.shutdown_background();
    result
}

async fn serve(options: Options) -> Result<(), String> {
    let camera = Camera::start(options.config).await.map_err(|error| error.to_string())?;
    let control = camera.control();
    options.faults.into_iter().for_each(|fault| control.set(fault));
    println!("{}", camera.url_without_password());
    let (quit, mut quitting) = tokio::sync::mpsc::channel(1);
    if let Some(address) = options.control {
        let listener = TcpListener::bind(&address)
            .await
            .map_err(|error| format!("cannot take commands on {address}: {error}"))?;
        if let Ok(address) = listener.local_addr() {
            println!("control {address}");
        }
        let (control, quit) = (control.clone(), quit.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (reader, writer) = stream.into_split();
                let (control, quit) = (control.clone(), quit.clone());
                tokio::spawn(commands(BufReader::new(reader), writer, control, quit));
            }
        });
    }
    tokio::spawn(commands(BufReader::new(tokio::io::stdin()), tokio::io::stdout(), control, quit));
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| format!("cannot start: {error}"))?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => (),
        _ = terminate.recv() => (),
        // The end of standard input is no command to end: a service has none.
        Some(()) = quitting.recv() => (),
    }
    camera.stop().await;
    Ok(())
}

/// Follows commands until the input ends.
async fn commands(
    input: impl AsyncBufRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    control: Control,
    quit: tokio::sync::mpsc::Sender<()>,
) {
    let mut lines = input.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let line = line.trim();
        let answer = match line.split_once(' ') {
            None if line == "clear" => {
                control.clear();
                "ok".to_owned()
            }
            None if line == "quit" => {
                let _ = quit.send(()).await;
                "ok".to_owned()
            }
            Some(("fault", fault)) => match fault.parse() {
                Ok(fault) => {
                    control.set(fault);
                    "ok".to_owned()
                }
                Err(error) => format!("{error}"),
            },
            _ => "commands are: fault FAULT, clear, quit".to_owned(),
        };
        if output.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
            return;
        }
        let _ = output.flush().await;
    }
}

/// Reads the command line; `None` asks for help.
fn options(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let listen = ([127, 0, 0, 1], 8554).into();
    let mut config = CameraConfig { listen, ..CameraConfig::default() };
    let (mut faults, mut control, mut gop_seconds) = (Vec::new(), None, None::<f64>);
    let (mut scheme, mut user, mut password) = (None, None, String::new());
    while let Some(name) = args.next() {
        if matches!(name.as_str(), "--help" | "-h") {
            return Ok(None);
        }
        let value = args.next().ok_or_else(|| {
            format!("{name} needs a value, or is no option; --help lists all options")
        })?;
        let bad = || format!("{name} cannot be {value:?}; --help says what it can be");
        match name.as_str() {
            "--listen" => config.listen = value.parse().map_err(|_| bad())?,
            "--path" => config.path = value.trim_matches('/').to_owned(),
            "--name" => config.name = value,
            "--size" => config.size = value.parse()?,
            "--fps" => config.fps = value.parse()?,
            "--gop" => gop_seconds = Some(value.parse().map_err(|_| bad())?),
            "--gop-frames" => config.gop_frames = Some(value.parse().map_err(|_| bad())?),
            "--bitrate" => config.bitrate_kbps = value.parse().map_err(|_| bad())?,
            "--clock-ppm" => config.clock_ppm = value.parse().map_err(|_| bad())?,
            "--codec" => {
                config.codec = match value.as_str() {
                    "h264" => Codec::H264,
                    "h265" => Codec::H265,
                    _ => return Err(bad()),
                }
            }
            "--coding" => {
                config.coding = match value.as_str() {
                    "forward" => Coding::Forward,
                    "b1" => Coding::Reordered(1),
                    "b2" => Coding::Reordered(2),
                    "b3" => Coding::Reordered(3),
                    "open" => Coding::OpenGop(2),
                    "refresh" => Coding::IntraRefresh,
                    "unmarked" => Coding::Unmarked,
                    _ => return Err(bad()),
                }
            }
            "--audio" => {
                config.audio = match value.as_str() {
                    "ulaw" => Some(Law::Mu),
                    "alaw" => Some(Law::A),
                    "none" => None,
                    _ => return Err(bad()),
                }
            }
            "--auth" => scheme = Some(value),
            "--user" => user = Some(value),
            "--password" => password = value,
            "--transports" => {
                let has = |name| value.split(',').any(|t| t == name);
                config.transports = Transports { tcp: has("tcp"), udp: has("udp") };
                if value.split(',').any(|t| !matches!(t, "tcp" | "udp")) {
                    return Err(bad());
                }
            }
            "--start" => {
                config.start = match value.as_str() {
                    "now" => Start::AtOnce,
                    "key" => Start::KeyFrame,
                    _ => return Err(bad()),
                }
            }
            "--fault" => faults.push(value.parse::<Fault>().map_err(|error| error.to_string())?),
            "--control" => control = Some(value),
            "--ffmpeg" => config.ffmpeg = value.into(),
            _ => return Err(format!("{name} is no option; --help lists all options")),
        }
    }
    if let Some(seconds) = gop_seconds {
        let rate = f64::from(config.fps.num()) / f64::from(config.fps.den());
        config.gop_frames = Some((seconds * rate).round().max(1.0) as u32);
    }
    config.auth = match (scheme.as_deref(), user) {
        (None, None) | (Some("none"), _) => Auth::None,
        (Some("basic"), Some(user)) => Auth::Basic { user, password },
        (None | Some("digest"), Some(user)) => Auth::Digest { user, password },
        (Some("basic" | "digest"), None) => return Err("--auth needs --user".to_owned()),
        (Some(other), _) => return Err(format!("--auth cannot be {other:?}")),
    };
    Ok(Some(Options { config, faults, control }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Options>, String> {
        options(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_make_a_configuration() {
        let line = "--size 640x360 --fps 10 --gop 2.5 --audio none --user u --password p@!:% \
                    --transports udp --start key --fault stall --codec h265";
        let options = read(line).unwrap().unwrap();
        let config = options.config;
        assert_eq!((config.gop_frames, config.audio), (Some(25), None));
        assert_eq!(config.auth.credentials(), Some(("u", "p@!:%")));
        assert!(!config.transports.tcp && config.transports.udp);
        assert_eq!(options.faults, [Fault::Stall]);
        assert!(read("--help").unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (line, named) in [
            ("--size 5", "\"5\""),
            ("--transports tcp,sctp", "--transports"),
            ("--auth basic", "--user"),
            ("--nonsense 1", "--nonsense"),
            ("--fps", "--fps"),
            ("--fault fire", "fire"),
        ] {
            let error = read(line).err().unwrap();
            assert!(error.contains(named), "{error}");
        }
    }
}
