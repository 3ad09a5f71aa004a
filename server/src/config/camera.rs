//! PURE: `[[camera]]`, one camera and its settings.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::ladder::{self, DEFAULT_LADDER, Rung, Step};
use super::limits::within_at;
use super::problem::Misfit;
use super::sound::Audio;
use crate::camera::address::{Address, Part};
use crate::camera::secret::Secret;
use crate::engine::kind::Kind;
use crate::repeat;

/// Names that the server itself uses in URLs.
const RESERVED: [&str; 5] = ["api", "time", "metrics", "healthz", "static"];

/// One camera.
#[derive(Clone, Debug)]
pub struct Camera {
    /// Its place in addresses: `/{id}/`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// How RTP travels.
    pub transport: Transport,
    /// The program that reads it.
    pub engine: Kind,
    /// What to do with its sound.
    pub audio: Audio,
    /// Rungs to encode below the copied one, the biggest first.
    pub ladder: Vec<Rung>,
    /// How far back a viewer can seek.
    pub window: Duration,
}

/// How RTP travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Inside the RTSP connection: no loss, and every camera supports it.
    #[default]
    Tcp,
    /// In datagrams, for the few cameras that refuse the other.
    Udp,
}

/// How far back a viewer can seek by default.
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(30);

impl Camera {
    /// A camera with everything by default.
    pub(super) fn new(id: &str, name: &str, address: Address) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            address,
            transport: Transport::default(),
            engine: Kind::default(),
            audio: Audio::default(),
            ladder: DEFAULT_LADDER.to_vec(),
            window: DEFAULT_WINDOW,
        }
    }
}

/// One `[[camera]]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// What people call it.
    name: Spanned<String>,
    /// Its place in addresses; made from the name by default ("Front door": `front-door`).
    id: Option<Spanned<String>>,
    /// The whole address, as it works elsewhere: `rtsp://user:password@host:port/path`.
    url: Option<Spanned<Secret>>,
    /// Instead of `url`: host, or host:port.
    host: Option<Spanned<String>>,
    /// With `host`: the user.
    user: Option<Spanned<String>>,
    /// With `host`: the password, taken literally.
    password: Option<Spanned<Secret>>,
    /// With `host`: path and query. Default `/`.
    path: Option<Spanned<String>>,
    /// `"tcp"` (default) or `"udp"`.
    #[serde(default)]
    transport: Transport,
    /// `"ffmpeg"` (default) or `"gstreamer"`.
    #[serde(default)]
    engine: Kind,
    /// `"mono"` (default), `"stereo"`, `"off"`, or channels (1 or 2, default 1) and kilobits a second (16
    /// to 256 for each, default 64): `{ channels = 2, kbps = 160 }`.
    #[serde(default)]
    audio: Audio,
    /// Rungs to encode, `[]` for none. Default: half the height at 800 kb/s, a quarter at 250.
    ladder: Option<Spanned<Vec<Step>>>,
    /// How far back a viewer can go, in seconds, 5 to 3600. Default 30.
    window: Option<Spanned<i64>>,
}

impl Entry {
    /// The camera, or what is wrong; it begins at byte `begins` of the file.
    /// No sentence repeats what stands in the file: it may be an address in the wrong setting.
    pub(super) fn resolve(self, begins: usize) -> Result<Camera, Misfit> {
        let name_at = self.name.span().start;
        if repeat::is_address(self.name.get_ref()) {
            let e = "`name` is what people call the camera, and pages show it; its address is its `url`";
            return Err((name_at, e.into()));
        }
        let (id, id_at) = match &self.id {
            Some(id) => (id.get_ref().clone(), id.span().start),
            None => (slug(self.name.get_ref()), name_at),
        };
        if id.is_empty() {
            let e = "the camera's name makes no address; choose one: id = \"front-door\"";
            return Err((id_at, e.into()));
        }
        if slug(&id) != id || RESERVED.contains(&id.as_str()) {
            let reserved = RESERVED.join(", ");
            let e = format!("an `id` is made of a-z, 0-9 and -, and is none of {reserved}");
            return Err((id_at, e));
        }
        let address = self.address(begins)?;
        let window = self.window.map(|s| within_at("window", &s, 5..=3600)).transpose()?;
        let window = window.map_or(DEFAULT_WINDOW, |s| Duration::from_secs(u64::from(s)));
        let ladder = self.ladder.map_or_else(|| Ok(DEFAULT_LADDER.to_vec()), ladder::rungs)?;
        Ok(Camera {
            id,
            name: self.name.into_inner(),
            address,
            transport: self.transport,
            engine: self.engine,
            audio: self.audio,
            ladder,
            window,
        })
    }

    fn address(&self, begins: usize) -> Result<Address, Misfit> {
        let (user, path) = (self.user.as_ref(), self.path.as_ref());
        let password = self.password.as_ref();
        let (user_at, path_at) = (user.map(|s| s.span().start), path.map(|s| s.span().start));
        let password_at = password.map(|s| s.span().start);
        match (&self.url, &self.host) {
            (Some(url), None) => {
                if let Some(at) = [user_at, password_at, path_at].into_iter().flatten().min() {
                    return Err((
                        at,
                        "`user`, `password` and `path` go with `host`, not `url`".into(),
                    ));
                }
                Address::parse(url.get_ref().expose())
                    .map_err(|e| (url.span().start, e.to_string()))
            }
            (None, Some(host)) => Address::from_parts(
                host.get_ref(),
                user.map(|s| s.get_ref().as_str()),
                password.map(Spanned::get_ref),
                path.map_or("/", |s| s.get_ref()),
            )
            .map_err(|(part, e)| {
                let at = match part {
                    Part::Host => None,
                    Part::User => user_at,
                    Part::Password => password_at,
                    Part::Path => path_at,
                };
                (at.unwrap_or_else(|| host.span().start), e.to_string())
            }),
            (Some(url), Some(host)) => {
                let at = url.span().start.max(host.span().start);
                Err((at, "give `url` or `host`, not both".into()))
            }
            (None, None) => Err((begins, "`url` or `host` is missing".into())),
        }
    }
}

/// `Front door` to `front-door`.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}
