//! The command line.
//!
//! Every user of the machine can read our arguments (`ps`), and with them a camera's address. So
//! the program executes itself again at once, with `-` instead of the address, and passes the
//! address in a pipe on stdin: [`hand_over`].

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};

use crate::camera::address::Address;
use crate::encode::{Form, Job};
use crate::error::Error;
use crate::http::gate;
use crate::repeat;

/// The address to listen on by default.
pub const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// The output of `--help`.
pub const HELP: &str = r#"Shows cameras in web pages, at the live edge.

  nearlive-server rtsp://user:password@host:554/path   one camera
  nearlive-server -                                    its address from stdin
  nearlive-server serve nearlive.toml                  many cameras
  nearlive-server demo                                 a test camera
  nearlive-server files DIR                            what ffmpeg writes there
  nearlive-server probe ADDRESS (or FILE) [--json]     what it is, who plays it
  nearlive-server encode [--webm] in.mp4 out/          a film as DASH and HLS

  --listen ADDR:PORT     default 127.0.0.1:8080; 0.0.0.0:8080 lets others in
  --origin https://NAME  its pages may show the cameras, and the server answers
                         under this name; * for all (may stand several times)
  --ffmpeg PATH          which ffmpeg to run (5.1 or newer), default: as on PATH
  --verbose              log what ffmpeg says as well
  --help, --version

nearlive.toml looks like this:
    listen = "0.0.0.0:8080"
    origins = ["https://www.example"]   # as --origin
    memory_mb = 512                     # for media; this is the default
    limits = { connections = 512 }      # or [limits], as README.md shows it

    [[camera]]
    name = "Front door"
    id = "front-door"                   # in its address; default: from name
    url = "rtsp://user:password@192.168.1.9:554/stream1"

    [[camera]]
    name = "Yard"
    host = "192.168.1.10"               # instead of url
    user = "viewer"
    password = "taken literally"        # chmod 600 nearlive.toml
    path = "/h264/ch1/main/av_stream"
    transport = "udp"                   # default "tcp"
    engine = "gstreamer"                # default "ffmpeg"
    audio = { channels = 2, kbps = 160 }    # default "mono"; "stereo", "off"
    window = 60                         # seconds that are kept, default 30
    ladder = [{ width = 854, height = 480, kbps = 800 }]    # [] for none
"#;

const COMMANDS: [&str; 5] = ["serve", "demo", "files", "probe", "encode"];

const OPTIONS: [&str; 8] =
    ["--listen", "--origin", "--ffmpeg", "--json", "--webm", "--verbose", "--help", "--version"];

/// What the program should do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
    /// Serve one camera.
    Camera(Where),
    /// Serve the cameras of a file.
    Serve(PathBuf),
    /// Serve a test camera.
    Demo,
    /// Hand out a folder.
    Files(PathBuf),
    /// Say what an address sends.
    Probe(Where),
    /// Say what a file has in it.
    ProbeFile(PathBuf),
    /// Encode a film.
    Encode(Job),
}

/// Where an address was given.
#[derive(Debug, PartialEq, Eq)]
pub enum Where {
    /// In the arguments, at this index.
    Argument {
        /// Its index, counted without the program's name.
        index: usize,
        /// The address.
        address: Address,
    },
    /// On stdin.
    Stdin,
}

/// The parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Args {
    /// What the program should do.
    pub command: Command,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
    /// Each `--origin`.
    pub origins: Vec<String>,
    /// `--ffmpeg`.
    pub ffmpeg: PathBuf,
    /// `--json`.
    pub json: bool,
    /// `--verbose`.
    pub verbose: bool,
}

/// Parses the arguments after the program's name.
pub fn parse(arguments: &[OsString]) -> Result<Args, Error> {
    use lexopt::Arg;
    let mut parser = lexopt::Parser::from_args(arguments.iter().cloned());
    let mut words: Vec<OsString> = Vec::new();
    let mut form = Form::Cmaf;
    let mut args = Args {
        command: Command::Help,
        listen: None,
        origins: Vec::new(),
        ffmpeg: PathBuf::from("ffmpeg"),
        json: false,
        verbose: false,
    };
    while let Some(arg) = parser.next().map_err(usage)? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(args),
            Arg::Long("version") | Arg::Short('V') => {
                args.command = Command::Version;
                return Ok(args);
            }
            Arg::Long("listen") => args.listen = Some(listen(&parser.value().map_err(usage)?)?),
            Arg::Long("origin") => {
                let text = parser.value().map_err(usage)?;
                let origin = gate::origin(&text.to_string_lossy());
                args.origins.push(origin.map_err(|e| Error::Usage(format!("--origin: {e}")))?);
            }
            Arg::Long("ffmpeg") => args.ffmpeg = parser.value().map_err(usage)?.into(),
            Arg::Long("json") => args.json = true,
            Arg::Long("webm") => form = Form::WebM,
            Arg::Long("verbose") | Arg::Short('v') => args.verbose = true,
            Arg::Value(word) => words.push(word),
            other => return Err(usage(other.unexpected())),
        }
    }
    args.command = match words.split_first() {
        Some((first, rest)) if first == "encode" => Command::Encode(job(rest, form)?),
        _ if form == Form::WebM => return Err(Error::Usage("--webm goes with encode".into())),
        Some((first, _)) if args.json && first != "probe" => {
            return Err(Error::Usage("--json goes with probe".into()));
        }
        _ => command(&words, arguments)?,
    };
    Ok(args)
}

fn job(words: &[OsString], form: Form) -> Result<Job, Error> {
    let [film, folder] = words else {
        let e = "encode takes a film and a folder: encode in.mp4 out/";
        return Err(Error::Usage(e.into()));
    };
    if words.iter().any(|word| word.to_string_lossy().contains("://")) {
        let e = "encode takes a film that is a file, and a folder: encode in.mp4 out/";
        return Err(Error::Usage(e.into()));
    }
    Ok(Job { film: film.into(), folder: folder.into(), form })
}

fn command(words: &[OsString], arguments: &[OsString]) -> Result<Command, Error> {
    let (first, rest) = match words.split_first() {
        None => return Ok(Command::Help),
        Some((first, rest)) => (first.to_string_lossy(), rest),
    };
    let alone = |command| match rest {
        [] => Ok(command),
        _ => Err(Error::Usage("there is one argument too many".into())),
    };
    match first.as_ref() {
        "demo" => alone(Command::Demo),
        "-" => alone(Command::Camera(Where::Stdin)),
        "serve" => match rest {
            [file] => Ok(Command::Serve(file.into())),
            _ => Err(Error::Usage("serve needs one file: serve nearlive.toml".into())),
        },
        "files" => match rest {
            [folder] => Ok(Command::Files(folder.into())),
            _ => Err(Error::Usage("files needs one folder: files /srv/hls".into())),
        },
        "probe" => match rest {
            [one] => probed(one, arguments),
            _ => Err(Error::Usage("probe needs one address or file: probe rtsp://...".into())),
        },
        word if word.contains("://") => {
            let address = Address::parse(word)?;
            alone(Command::Camera(at(word, arguments, address)))
        }
        word if repeat::may_be_address(word) || word.parse::<std::net::IpAddr>().is_ok() => {
            Err(Error::Usage("the address has to begin with rtsp:// or rtsps://".into()))
        }
        word if word.ends_with(".toml") => {
            Err(Error::Usage(format!("a file goes with `serve`: serve {word}")))
        }
        word => Err(Error::Usage(match repeat::nearest(word, COMMANDS) {
            Some(meant) => format!("there is no such command; is `{meant}` meant?"),
            None => "the first argument is no command and no address".into(),
        })),
    }
}

fn at(word: &str, arguments: &[OsString], address: Address) -> Where {
    let index = arguments.iter().position(|a| a.to_string_lossy() == word).unwrap_or(0);
    Where::Argument { index, address }
}

fn probed(word: &OsString, arguments: &[OsString]) -> Result<Command, Error> {
    match word.to_string_lossy().as_ref() {
        "-" => Ok(Command::Probe(Where::Stdin)),
        text if text.contains("://") => {
            Ok(Command::Probe(at(text, arguments, Address::parse_any(text)?)))
        }
        _ => Ok(Command::ProbeFile(word.into())),
    }
}

fn listen(value: &OsString) -> Result<SocketAddr, Error> {
    let text = value.to_string_lossy();
    text.parse().map_err(|_| {
        // Not for a camera's address: the text after its last colon may be a password.
        let digits = text.rsplit(':').next().filter(|_| !repeat::may_be_address(&text));
        let port = digits.and_then(|p| p.parse().ok()).filter(|p| *p > 0);
        let port = port.unwrap_or(DEFAULT_LISTEN.port());
        Error::Usage(format!(
            "--listen takes an address in digits and a port: 127.0.0.1:{port} for this machine alone, \
             0.0.0.0:{port} (or [::]:{port}) for all"
        ))
    })
}

/// The parser's own message, which never contains a value that could be an address.
fn usage(e: lexopt::Error) -> Error {
    use lexopt::Error as E;
    Error::Usage(match e {
        E::MissingValue { option: Some(option) } => format!("{option} needs a value"),
        E::UnexpectedOption(option) => {
            let name = option.split('=').next().unwrap_or_default();
            match repeat::nearest(name, OPTIONS) {
                Some(meant) => format!("there is no such option; is {meant} meant?"),
                None => format!("there is no such option; there are {}", OPTIONS.join(", ")),
            }
        }
        E::UnexpectedValue { option, .. } => format!("{option} takes no value"),
        _ => "the arguments cannot be understood".into(),
    })
}

/// Executes this program again with `-` for the argument at `index` and `address` on stdin. Returns
/// only if that fails.
pub fn hand_over(arguments: &[OsString], index: usize, address: &Address) -> Error {
    let failed = |source| Error::Io { doing: "taking the address out of the arguments", source };
    let (reader, mut writer) = match io::pipe() {
        Ok(pipe) => pipe,
        Err(e) => return failed(e),
    };
    // A pipe holds 64 KiB, which is more than any argument of ours, so this does not block.
    if let Err(e) = writer.write_all(address.for_ffmpeg().expose().as_bytes()) {
        return failed(e);
    }
    drop(writer);
    let program = match std::env::current_exe() {
        Ok(path) => path,
        Err(e) => return failed(e),
    };
    let own_name = std::env::args_os().next().unwrap_or_else(|| program.clone().into());
    let rest = arguments
        .iter()
        .enumerate()
        .map(|(i, a)| if i == index { OsString::from("-") } else { a.clone() });
    failed(Process::new(program).arg0(own_name).args(rest).stdin(Stdio::from(reader)).exec())
}

/// Reads an address from stdin: its first line.
pub fn line_from_stdin() -> Result<String, Error> {
    let mut text = String::new();
    let mut byte = [0];
    let mut stdin = io::stdin().lock();
    let mut bytes = Vec::new();
    // Byte by byte up to the end of the line, so that the user need not close the terminal's input.
    while bytes.len() < 4096 {
        match stdin.read(&mut byte) {
            Ok(1) if byte[0] != b'\n' => bytes.push(byte[0]),
            Ok(_) => break,
            Err(source) => {
                return Err(Error::Io { doing: "reading the address from stdin", source });
            }
        }
    }
    text.push_str(&String::from_utf8_lossy(&bytes));
    if text.trim().is_empty() {
        return Err(Error::Usage("- reads the camera's address from stdin; none came".into()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &[&str]) -> Result<Args, Error> {
        parse(&line.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_forms_of_the_command_line() {
        let one = args(&["--listen", "0.0.0.0:80", "rtsp://u:p@h/x"]).expect("valid");
        assert_eq!(one.listen, Some(SocketAddr::from(([0, 0, 0, 0], 80))));
        assert!(matches!(one.command, Command::Camera(Where::Argument { index: 2, .. })));
        assert_eq!(args(&["-"]).expect("valid").command, Command::Camera(Where::Stdin));
        let serve = args(&["serve", "a.toml", "--verbose"]).expect("valid");
        assert!(serve.verbose && serve.command == Command::Serve("a.toml".into()));
        assert_eq!(args(&["demo"]).expect("valid").command, Command::Demo);
        assert_eq!(args(&["files", "hls"]).expect("valid").command, Command::Files("hls".into()));
        let probe = args(&["probe", "--json", "https://u:p@h/a.mpd"]).expect("valid");
        assert!(matches!(probe.command, Command::Probe(Where::Argument { index: 2, .. })));
        assert!(probe.json);
        assert_eq!(args(&["probe", "-"]).expect("valid").command, Command::Probe(Where::Stdin));
        let film = args(&["probe", "a.mp4"]).expect("valid").command;
        assert_eq!(film, Command::ProbeFile("a.mp4".into()));
        let named = args(&["demo", "--origin", "https://A.example/", "--origin=*"]).expect("valid");
        assert_eq!(named.origins, ["https://a.example", "*"]);
        assert_eq!(args(&[]).expect("valid").command, Command::Help);
    }

    #[test]
    fn a_mistake_is_told_with_what_to_write_instead() {
        for (line, part) in [
            (&["--listen", "8090", "demo"][..], "0.0.0.0:8090"),
            (&["--listen", "localhost:81", "demo"], "127.0.0.1:81 "),
            (&["--listen", "::1:81", "demo"], "[::]:81"),
            (&["--listen", "pi", "demo"], "127.0.0.1:8080"),
            (&["nearlive.toml"], "serve nearlive.toml"),
            (&["192.168.1.9"], "begin with rtsp://"),
            (&["sreve", "nearlive.toml"], "is `serve` meant?"),
            (&["--lisen", "0.0.0.0:80"], "is --listen meant?"),
            (&["--adress"], "there are --listen, --origin"),
            (&["files"], "files needs one folder"),
            (&["file", "hls"], "is `files` meant?"),
            (&["probe", "a.mp4", "b.mp4"], "probe needs one address or file"),
            (&["probe", "ftp://h/a.mp4"], "http://"),
        ] {
            let e = args(line).expect_err("a mistake").to_string();
            assert!(e.contains(part), "{e}");
        }
    }

    #[test]
    fn the_help_fits_a_screen_and_its_file_is_a_configuration() {
        assert!(HELP.lines().count() < 40 && HELP.lines().all(|l| l.len() <= 80), "{HELP}");
        let (_, file) = HELP.split_once("nearlive.toml looks like this").expect("an example");
        let lines = file.lines().skip(1).take_while(|l| l.is_empty() || l.starts_with("    "));
        let text: String = lines.map(|l| l.trim_start().to_owned() + "\n").collect();
        let config = crate::config::Config::parse(&text).expect("valid");
        assert!(config.listen.is_some() && config.cameras.len() == 2, "{text}");
        // What there is, the parser says where something else is written.
        let known = |wrong: &str| {
            let problem = crate::config::Config::parse(wrong).expect_err("no such setting");
            let (_, all) = problem.rsplit_once("there are ").expect("a list");
            all.replace(" or ", ", ").split(", ").map(str::to_owned).collect::<Vec<_>>()
        };
        let all = [known("hunter=1"), known("[[camera]]\nhunter=1")].concat();
        assert!(all.len() > 12, "{all:?}");
        for setting in all {
            let written = [format!("{setting} = "), format!("[{setting}]")];
            assert!(written.iter().any(|w| text.contains(w)), "{setting} is not in {text}");
        }
    }

    #[test]
    fn encode_takes_a_film_and_a_folder() {
        let job = |form| Job { film: "in.mp4".into(), folder: "out/".into(), form };
        let parsed = |line: &[&str]| args(line).expect("valid").command;
        assert_eq!(parsed(&["encode", "in.mp4", "out/"]), Command::Encode(job(Form::Cmaf)));
        let webm = parsed(&["encode", "--webm", "in.mp4", "out/"]);
        assert_eq!(webm, Command::Encode(job(Form::WebM)));
        for (line, part) in [
            (&["encode", "in.mp4"][..], "a film and a folder"),
            (&["encode", "a", "b", "c"], "a film and a folder"),
            (&["encode", "rtsp://u:hunter2@h/", "out"], "a film that is a file"),
            (&["encode", "in.mp4", "rtsp://u:hunter2@h/"], "and a folder"),
            (&["demo", "--json"], "--json goes with probe"),
            (&["demo", "--webm"], "--webm goes with encode"),
        ] {
            let e = args(line).expect_err("a mistake").to_string();
            assert!(e.contains(part) && !e.contains("hunter2"), "{e}");
        }
    }

    #[test]
    fn no_mistake_repeats_an_address() {
        for line in [
            &["http://u:hunter2@h/"][..],
            &["u:hunter2@h/"],
            &["rtsp://u:hunter2@h/", "again"],
            &["rtsp://u:hunter2@:x/"],
            &["--adress=rtsp://u:hunter2@h/"],
            &["--verbose=rtsp://u:hunter2@h/"],
            &["demo", "rtsp://u:hunter2@h/"],
            &["demo", "--origin", "rtsp://u:hunter2@h/"],
            &["demo", "--listen", "rtsp://u:hunter2@h/"],
            &["demo", "--listen", "rtsp://h/u:2018"],
            &["--rtsp://u:hunter2@h/"],
            &["--hunter2"],
            &["-phunter2", "rtsp://h/"],
            &["hunter2"],
            &["probe", "ftp://u:hunter2@h/"],
            &["probe", "rtsp://u:hunter2@h/", "again"],
            &["probe", "http://u:hunter2@:x/"],
            &["files", "x", "rtsp://u:hunter2@h/"],
            &["demo", "--ffmpeg=rtsp://u:hunter2@h/", "--hunter2"],
            &["u:hunter2@h.toml"],
        ] {
            let e = args(line).expect_err("a mistake").to_string();
            assert!(!e.contains("hunter2") && !e.contains("2018"), "{e}");
        }
    }
}
