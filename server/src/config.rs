//! What to serve: the cameras and their settings, from a file or from one address.
//!
//! The file is TOML. Every field is documented below; an unknown field is an error that names the
//! line, so that a typing mistake does not silently do nothing.
//!
//! ```toml
//! listen = "0.0.0.0:8080"
//! origins = ["https://www.example"]
//! memory_mb = 1024
//! limits = { connections = 200, own = { "203.0.113.7" = 150 } }
//!
//! [[camera]]
//! name = "Front door"
//! url = "rtsp://admin:pa@ss!word@192.168.1.9:554/stream1"
//!
//! [[camera]]
//! name = "Yard"
//! host = "192.168.1.10:554"
//! user = "viewer"
//! password = "any text, taken literally"
//! path = "/h264/ch1/main/av_stream"
//! engine = "gstreamer"
//! audio = { channels = 2, kbps = 160 }
//! window = 60
//! ladder = [{ width = 854, height = 480, kbps = 800 }, { height = 240, kbps = 250 }]
//! ```

mod camera;
mod exposure;
mod ladder;
mod limits;
mod problem;
mod sound;

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

pub use self::camera::{Camera, DEFAULT_WINDOW, Transport};
pub use self::ladder::{DEFAULT_LADDER, Height, Rung};
pub use self::sound::Audio;

use self::camera::Entry;
use self::limits::within_at;
use self::problem::Misfit;
use crate::camera::address::Address;
use crate::error::Error;
use crate::http::gate;
use crate::http::limits::Limits;
use crate::repeat;

/// Everything to serve.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen, if the file says so.
    pub listen: Option<SocketAddr>,
    /// Sites whose pages may show the cameras; the server also answers under their names.
    pub origins: Vec<String>,
    /// At most this many bytes of media in memory, over all cameras.
    pub memory_bytes: u64,
    /// The limits for clients.
    pub limits: Limits,
    /// The cameras, at least one.
    pub cameras: Vec<Camera>,
    /// Warnings for the owner of the file, a sentence each, logged at the start.
    pub warnings: Vec<String>,
}

/// Memory for media over all cameras by default.
pub const DEFAULT_MEMORY_BYTES: u64 = 512 << 20;

/// Less is too small for one camera's window; more than 1 TiB is a mistake.
const MEMORY_MB: RangeInclusive<i64> = 16..=1 << 20;

impl Config {
    /// One camera with everything by default.
    pub fn single(id: &str, name: &str, address: Address) -> Self {
        Self {
            listen: None,
            origins: Vec::new(),
            memory_bytes: DEFAULT_MEMORY_BYTES,
            limits: Limits::default(),
            cameras: vec![Camera::new(id, name, address)],
            warnings: Vec::new(),
        }
    }

    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let named = |problem| Error::Config { path: path.to_owned(), problem };
        let opened = File::open(path).map_err(|e| {
            // A file that does not exist may be an address instead of a name.
            let path = repeat::path(path, "the file to serve").into();
            Error::Config { path, problem: problem::unreadable(&e) }
        })?;
        let readers = opened.metadata().ok().and_then(|m| exposure::of(&m));
        let mut bytes = Vec::new();
        // Some files have no end.
        opened
            .take(problem::LONGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| named(problem::unreadable(&e)))?;
        let mut config = problem::text(bytes).and_then(|text| Self::parse(&text)).map_err(named)?;
        if config.cameras.iter().any(|c| c.address.holds_secret()) {
            config.warnings.extend(readers.map(|who| exposure::warning(who, path)));
        }
        Ok(config)
    }

    /// Reads the text of a configuration file.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Some editors begin a file with a mark (BOM).
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let file: Written = toml::from_str(text).map_err(|e| problem::in_text(text, &e))?;
        let mut cameras: Vec<Camera> = Vec::with_capacity(file.camera.len());
        let line = |at: usize| problem::line_of(text, at);
        let placed = |(at, e): Misfit| format!("line {}: {e}", line(at));
        let mut lines: Vec<usize> = Vec::with_capacity(file.camera.len());
        for entry in file.camera {
            let begins = entry.span().start;
            let camera = entry.into_inner().resolve(begins).map_err(placed)?;
            if let Some(other) = cameras.iter().position(|other| other.id == camera.id) {
                return Err(format!(
                    "line {}: this camera's place in addresses is that of the one in line {}; give \
                     one an `id` of its own: id = \"front-door-2\"",
                    line(begins),
                    lines.get(other).copied().unwrap_or(1)
                ));
            }
            lines.push(line(begins));
            cameras.push(camera);
        }
        if cameras.is_empty() {
            return Err("there is no [[camera]] in it; nearlive-server --help shows one".into());
        }
        let memory_mb = file.memory_mb.map(|mb| within_at("memory_mb", &mb, MEMORY_MB));
        let origin = |written: &Spanned<String>| {
            let misfit = |e| (written.span().start, format!("`origins`: {e}"));
            gate::origin(written.get_ref()).map_err(misfit)
        };
        let origins: Result<_, _> = file.origins.iter().map(origin).collect();
        Ok(Self {
            listen: file.listen,
            origins: origins.map_err(placed)?,
            memory_bytes: memory_mb
                .transpose()
                .map_err(placed)?
                .map_or(DEFAULT_MEMORY_BYTES, |mb| u64::from(mb) << 20),
            limits: file.limits.resolve().map_err(placed)?,
            cameras,
            warnings: Vec::new(),
        })
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Address and port to listen on; `--listen` wins over it. Default 127.0.0.1:8080.
    listen: Option<SocketAddr>,
    /// Sites on the internet whose pages may show the cameras, such as `https://www.example`; the
    /// server answers under their names too. `"*"`: all. Default: none. Pages of the server itself,
    /// of this machine and of private networks may always.
    #[serde(default)]
    origins: Vec<Spanned<String>>,
    /// Memory for media over all cameras, in MiB, 16 to 1048576. Default 512.
    memory_mb: Option<Spanned<i64>>,
    /// What clients may take.
    #[serde(default)]
    limits: limits::Written,
    /// The cameras.
    #[serde(default)]
    camera: Vec<Spanned<Entry>>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_example_of_the_documentation_is_read() {
        let example: String = include_str!("config.rs")
            .lines()
            .filter_map(|l| l.strip_prefix("//!").map(|l| l.trim_start().to_owned() + "\n"))
            .skip_while(|l| !l.starts_with("```toml"))
            .skip(1)
            .take_while(|l| !l.starts_with("```"))
            .collect();
        let config = Config::parse(&example).expect("valid");
        assert_eq!(config.listen, Some(SocketAddr::from(([0, 0, 0, 0], 8080))));
        assert_eq!(config.origins, ["https://www.example"]);
        assert_eq!((config.memory_bytes, config.limits.connections), (1 << 30, 200));
        let ids: Vec<&str> = config.cameras.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, ["front-door", "yard"]);
        assert_eq!(config.cameras[0].ladder, DEFAULT_LADDER);
        assert_eq!(config.cameras[1].engine, crate::engine::kind::Kind::Gstreamer);
        assert_eq!(config.cameras[1].audio, Audio::Aac { channels: 2, kbps: 160 });
        assert_eq!(config.cameras[1].ladder[0].width, Some(854));
        assert_eq!(config.cameras[1].ladder[1].height, Height::Pixels(240));
        assert_eq!(config.cameras[1].window, Duration::from_secs(60));
    }

    #[test]
    fn mistakes_are_told_with_their_place_and_without_secrets() {
        for (text, part) in [
            ("", "no [[camera]]"),
            (
                "[[camera]]\nname='a'\nurl='rtsp://h/'\nwindwo=3",
                "line 4: there is no such setting; is `window` meant? There are name, id",
            ),
            (
                "origins=['rtsp://u:hunter2@h/']\n[[camera]]\nname='a'\nurl='rtsp://h/'",
                "an origin is https://name",
            ),
            (
                "memory_mb=0\n[[camera]]\nname='a'\nurl='rtsp://h/'",
                "`memory_mb` is a whole number from 16",
            ),
            ("memory_mb=-1\n[[camera]]\nname='a'\nurl='rtsp://h/'", "from 16 to 1048576"),
            ("memory_mb=5000000000\n[[camera]]\nname='a'\nurl='rtsp://h/'", "from 16 to 1048576"),
            ("memory_mb=99999999999999999999\n[[camera]]\nname='a'\nurl='rtsp://h/'", "line 1"),
            (
                "memory_mb=512.5\n[[camera]]\nname='a'\nurl='rtsp://h/'",
                "line 1: the value has to be a whole",
            ),
            (
                "[limits]\nconnections=5\n[[camera]]\nname='a'\nurl='rtsp://h/'",
                "`connections` is a whole",
            ),
            (
                "[limits]\nconections=5\n[[camera]]\nname='a'\nurl='rtsp://h/'",
                "line 2: there is no such setting; is `connections` meant",
            ),
            (
                "[[camera]]\nname='a'\nurl='rtsp://h/'\nwindow=-1",
                "`window` is a whole number from 5 to 3600",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[{height=480,kbps=-5}]",
                "`kbps` is a whole number from 16",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[{height=-480,kbps=500}]",
                "`height` is 16 to 8640",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[{height='1/2',width=640,kbps=500}]",
                "`width` goes with a height in lines",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[{height=480,width=4294967295,kbps=500}]",
                "`width` is a whole number from 16 to 15360",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[{height=480,width=853,kbps=500}]",
                "line 4: in a ladder, `width` is an even number: 852 or 854",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[\n{height=481,kbps=500}]",
                "line 5: in a ladder, `height` is an even number: 480 or 482",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[{height=480,width=0,kbps=500}]",
                "`width` is a whole number from 16",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\naudio={channels=7}",
                "line 4: `channels` of `audio` is 1 or 2",
            ),
            ("[[camera]]\nname='a'", "line 1: `url` or `host` is missing"),
            ("[[camera]]\nname='api'\nurl='rtsp://h/'", "line 2: an `id` is made of a-z"),
            ("[[camera]]\nname='a'\nurl='rtsp://h/'\nhost='h'", "not both"),
            ("[[camera]]\nname='a'\nurl='http://u:hunter2@h/'", "begins with rtsp://"),
            ("[[camera]]\nname='a'\nurl='rtsp://h/'\nwindow='hunter2'", "line 4"),
            (
                "[[camera]]\nname='a'\nhost='h'\npassword=98761234",
                "line 4: the value has to be a text in quotation marks",
            ),
            ("[[camera]]\nname='a'\nhost='h'\npassword=98761234.5", "line 4"),
            ("[[camera]]\nname='a'\nhost='h'\npassword=[98761234]", "line 4"),
            (
                "[[camera]]\nname='a'\nurl='rtsp://h/'\naudio='hunter2, expected'",
                "line 4: `audio` is \"mono\", \"stereo\", \"off\" or {",
            ),
            ("[[camera]]\nname='a'\nurl='rtsp://h/'\nladder=[{height='1/0',kbps=9}]", "height"),
            (
                "[[camera]]\nname='a'\nurl='rtsp://h/'\n[[camera]]\nname='A'\nurl='rtsp://h/'",
                "line 4: this camera's place in addresses is that of the one in line 1",
            ),
            ("[[camera]]\nname='a'\npassword='hunter2\nurl='rtsp://h/'", "line 3: the text has no"),
            ("[[camera]]\nname='a'\npassword=\"hunter2", "line 3: the text has no closing"),
            ("[[camera]]\nname='a'\npassword=hunter2", "line 3: texts stand in quotation marks"),
            ("[[camera]]\nname='a'\npassword=\"hun\\ter2\\q\"", "line 3: in a text in double"),
            ("[[camera]]\nname='a'\npassword='a' hunter2", "line 3: there is too much"),
            (
                "[[camera]]\npassword='hunter2'\npassword='hunter2'",
                "line 3: this stands there twice",
            ),
            ("[[camera]]\nname='a'\nhost", "line 3: there is no value"),
            ("[[camera]\nname='a'", "line 1: a camera begins with a line [[camera]]"),
            ("[camera]\nname='a'", "line 1: this has to be a list: [[camera]]"),
            ("[[camera]]\nhost='h'", "line 1: `name` is missing"),
            ("listen=8080", "line 1: `listen` takes an address and a port"),
            ("listen='8080'", "line 1: `listen` takes an address and a port"),
            (
                "[[camera]]\nname='a'\nhost='h'\nwindow='x'",
                "line 4: the value has to be a whole number",
            ),
            ("[[camera]]\nname='門'\nhost='h'", "line 2: the camera's name makes no address"),
            // An address, or the secret in it, where something else belongs.
            (
                "[[camera]]\nname='rtsp://u:hunter2@h/'\nhost='h'",
                "line 2: `name` is what people call",
            ),
            ("[[camera]]\nname='u:hunter2@h'\nhost='h'", "line 2: `name` is what people call"),
            (
                "[[camera]]\nname='a'\nid='rtsp://u:hunter2@h/'\nhost='h'",
                "line 3: an `id` is made of a-z",
            ),
            ("[[camera]]\nname='a'\nhost='rtsp://u:hunter2@h/'", "line 3: the port in"),
            (
                "[[camera]]\nname='hunter2'\nhost='h'\n\n[[camera]]\nname='Hunter2'\nhost='h'",
                "line 5: this camera's place in addresses is that of the one in line 1",
            ),
            ("[[camera]]\nname='hunter2'", "line 1: `url` or `host` is missing"),
            ("[[camera]]\nname='a'\nhunter2='x'", "line 3: there is no such setting; there are"),
            ("[[camera]]\nname='a'\n'rtsp://u:hunter2@h'=1", "line 3: there is no such setting"),
            ("[[camera]]\nname='a'\n'x`, expected hunter2'=1", "line 3: there is no such setting"),
            ("[[camera]]\nname='a'\n\"hunter2\\n\"=1", "line 3: there is no such setting"),
            ("rtsp://u:hunter2@h/", "line 1: "),
            ("url=rtsp://u:hunter2@h/", "line 1: "),
            ("url='hunter2", "line 1: "),
            ("[hunter2]\na=1", "line 1: there is no such setting"),
            ("[[hunter2]]\na=1", "line 1: there is no such setting"),
            ("hunter2", "line 1: there is no value"),
            ("hunter2.x=1\nhunter2='y'", "line 2: "),
            ("[camera.hunter2]\nname='a'", "line 1: this has to be a list"),
            ("[[camera]]\nname='a'\n[camera.hunter2]\nx=1", "line 3: there is no such setting"),
            (
                "[[camera]]\nname='a'\nhost='h'\ntransport=\"x, expected hunter2\\nhunter2\"",
                "line 4: the value does not fit; it has to be `tcp` or `udp`",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\naudio=\"x, expected hunter2\\nhunter2\"",
                "line 4: `audio` is",
            ),
            ("[[camera]]\nname='a'\nhost='h'\nladder=['rtsp://u:hunter2@h']", "line 4: "),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[{height='hunter2',kbps=9}]",
                "line 4: `height` is",
            ),
            ("[[camera]]\nname='a'\nhost='h'\nladder=[{hunter2=1}]", "line 4: there is no such"),
            ("[[camera]]\nname='a'\nhost='h'\nuser=['hunter2']", "line 4: "),
            ("[[camera]]\nname='a'\nhost='h'\npath={a='hunter2'}", "line 4: "),
            ("[[camera]]\nname='a'\nhost='h'\npassword={a='hunter2'", "line 4: "),
            // A mistake inside a value has the value's line.
            ("[[camera]]\nname='a'\nhost='h:70000'", "line 3: the port in"),
            ("[[camera]]\nname='a'\n\nurl='rtsp://h:x/'", "line 4: the port in"),
            ("[[camera]]\nname='a'\nhost='h'\nwindow=4", "line 4: `window` is a whole"),
            (
                "[[camera]]\nname='a'\nhost='h'\n\npath='/\\x'\npassword=\"hunter2\\n\"",
                "line 6: there is",
            ),
            ("[[camera]]\nname='a'\npath=\"\\n\"\nhost='h'", "line 3: there is"),
            ("[[camera]]\nname='a'\nhost='h'\nuser=\"hunter2\\n\"", "line 4: there is"),
            (
                "[[camera]]\nname='a'\nurl='rtsp://h/'\nuser='u'\npath='/'",
                "line 4: `user`, `password`",
            ),
            ("[[camera]]\nname='a'\nurl='rtsp://h/'\n\npath='/'", "line 5: `user`, `password`"),
            ("[[camera]]\nname='a'\nurl='rtsp://h/'\nhost='h'", "line 4: give `url` or"),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[\n{height=480,kbps=500},\n{height=480,kbps=1}]",
                "line 6: in a ladder, `kbps` is",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[\n{height=480,kbps=500},\n{height='1/2',width=9,kbps=500}]",
                "line 6: in a ladder, `width` goes",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\n[[camera.ladder]]\nheight='1/2'\nkbps=90\nwidth=640",
                "line 7: in a ladder, `width` goes",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\n[[camera.ladder]]\nheight=480\nkbps=1",
                "line 6: in a ladder, `kbps` is",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\nladder=[{height=1,kbps=9},\n{height=480,kbps=1}]",
                "line 4: `height` is",
            ),
            (
                "listen='[::]:80'\nmemory_mb=0\n[[camera]]\nname='a'\nhost='h'",
                "line 2: `memory_mb`",
            ),
            ("origins=['*',\n'http://a b']\n[[camera]]\nname='a'\nhost='h'", "line 2: `origins`: "),
            (
                "[limits]\n\nper_client=9999\n[[camera]]\nname='a'\nhost='h'",
                "line 3: `per_client` is a whole",
            ),
            (
                "[limits.own]\n'10.0.0.1'=9\n'u:hunter2'=1\n[[camera]]\nname='a'\nhost='h'",
                "line 3: `[limits.own]` has",
            ),
            (
                "[limits.own]\n'10.0.0.1'=9\n'10.0.0.2'=0\n[[camera]]\nname='a'\nhost='h'",
                "line 3: \"10.0.0.2/32\" in",
            ),
            // What goes over several lines.
            (
                "[[camera]]\nname='a'\nurl='''rtsp://u:hunter2@h/x\nhunter2'''",
                "there is a line break or another control character in",
            ),
            (
                "[[camera]]\nname='a'\nurl=\"rtsp://u:hunter2@h/\\u0007\"",
                "there is a line break or",
            ),
            (
                "[[camera]]\nname='a'\nhost='h'\nuser='u'\npassword='''hunter2\n'''",
                "there is a line break or",
            ),
            ("listen='rtsp://u:hunter2@h:554'", "line 1: `listen` takes an address"),
            ("memory_mb='rtsp://u:hunter2@h:554'", "line 1: the value has to be a whole number"),
            ("camera='rtsp://u:hunter2@h:554'", "line 1: this has to be a list"),
            ("origins='rtsp://u:hunter2@h:554'", "line 1: this has to be a list"),
        ] {
            let problem = Config::parse(text).expect_err(text);
            assert!(problem.contains(part), "{problem}");
            assert!(
                !problem.to_lowercase().contains("hunter2") && !problem.contains("://u"),
                "{problem}"
            );
            assert!(!problem.contains('@') && !problem.contains("9876"), "{problem}");
            assert!(!problem.contains('\n'), "{problem}");
        }
    }

    #[test]
    fn the_mark_that_some_editors_put_before_a_text_is_no_mistake() {
        let config = Config::parse("\u{feff}[[camera]]\r\nname='a'\r\nurl='rtsp://h/'\r\n");
        assert_eq!(config.expect("valid").cameras.len(), 1);
    }

    #[test]
    fn what_is_no_text_file_is_told_apart_from_what_is_no_toml() {
        for (bytes, part) in [
            (&b"\x7fELF\x02\0\0"[..], "not a text file"),
            (b"[[camera]]\nname='caf\xe9'", "line 2: a letter there is not in UTF-8"),
            (&[b'#'; (1 << 20) + 1], "longer than any configuration"),
        ] {
            let problem = problem::text(bytes.to_vec()).expect_err("no text");
            assert!(problem.contains(part), "{problem}");
        }
    }
}
