//! A folder that is handed out: what ffmpeg or another program writes there plays in a page.
//!
//! [`route`] reads an address, [`open`] opens the file and none outside of the folder, [`condition`]
//! tells whether the client has it already, [`list`] finds what can be played, [`page`] shows it.
//!
//! Other programs change the folder all the time, and reuse names: a manifest is always asked for
//! again, as is a file that changed a moment ago; any other file after some seconds.

mod condition;
mod list;
mod names;
mod open;
mod page;
mod route;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header, request};
use nearlive::time::Instant;
use tokio::sync::Mutex;

use super::body::Body;
use super::disk::Disk;
use super::files;
use super::range::{self, Ranges};
use super::reply::{insert, sentence, set};
use condition::Asked;
use list::List;
use names::Kind;
use open::{NoFile, Opened};
pub use route::Route;

/// How long a list of the folder is shown again before the folder is walked anew.
const LISTED_FOR: Duration = Duration::from_secs(1);

/// How long a segment is not asked for again. The same name may soon have other bytes: ffmpeg counts
/// from the beginning when it is started again.
const KEPT: &str = "max-age=3";

/// What was found last, and when.
#[derive(Debug, Default)]
struct Listed {
    at: Option<Instant>,
    list: Arc<List>,
}

/// The folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    name: String,
    listed: Arc<Mutex<Listed>>,
}

impl Folder {
    /// The folder at this path, or why it cannot be handed out.
    pub fn new(path: &Path) -> Result<Self, String> {
        use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
        let root = std::path::absolute(path).map_err(|e| e.to_string())?;
        std::fs::read_dir(&root).map_err(|e| match e.kind() {
            NotFound => "there is no such folder; create it, or name another".into(),
            NotADirectory => "this is a file; name the folder that it is in".into(),
            PermissionDenied => "this user may not read the folder".into(),
            _ => e.to_string(),
        })?;
        let whole = root.canonicalize().unwrap_or_else(|_| root.clone());
        let name = whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { root, name, listed: Arc::default() })
    }

    /// The meaning of an address.
    pub(super) fn route(request: &request::Parts) -> Route {
        route::route(request.uri.path(), request.uri.query())
    }

    /// A page or a file.
    pub(super) async fn answer(
        &self,
        route: &Route,
        request: &request::Parts,
        now: Instant,
    ) -> Response<Body> {
        match route {
            Route::Front => html(StatusCode::OK, page::front(&self.name, &*self.list(now).await)),
            Route::Play(path) => self.play(path, request).await,
            Route::File(path) => match self.open(path).await {
                Ok(opened) => file(path, opened, request),
                Err(e) => no_file(path, e),
            },
            _ => sentence(
                StatusCode::NOT_FOUND,
                "there is nothing at this address; / lists what can be played",
            ),
        }
    }

    async fn play(&self, path: &Path, request: &request::Parts) -> Response<Body> {
        if let Err(e) = self.open(path).await {
            return no_file(path, e);
        }
        let named = request.uri.authority().map(|name| name.as_str());
        let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let player = files::has_player();
        html(StatusCode::OK, page::play(path, named.or(host).unwrap_or("localhost"), player))
    }

    async fn open(&self, path: &Path) -> Result<Opened, NoFile> {
        let (root, path) = (self.root.clone(), path.to_owned());
        let opened = tokio::task::spawn_blocking(move || open::open(&root, &path)).await;
        opened.unwrap_or(Err(NoFile::Trouble))
    }

    /// What can be played. However many ask, the folder is walked once at a time.
    async fn list(&self, now: Instant) -> Arc<List> {
        let mut listed = Arc::clone(&self.listed).lock_owned().await;
        if listed.at.is_some_and(|at| now < at + LISTED_FOR) {
            return Arc::clone(&listed.list);
        }
        let root = self.root.clone();
        // A client that leaves does not let the next one begin another walk before this one's end.
        let walk = tokio::task::spawn_blocking(move || {
            *listed = Listed { at: Some(now), list: Arc::new(list::list(&root)) };
            Arc::clone(&listed.list)
        });
        walk.await.unwrap_or_default()
    }
}

/// The file, or the part of it that was asked for, or that the client has it already.
fn file(path: &Path, opened: Opened, request: &request::Parts) -> Response<Body> {
    let Opened { file, length, validators } = opened;
    let ranges =
        Ranges::of_same(&request.method, &request.headers, |it| validators.is_range_of(it));
    let mut r = match validators.asked(&request.headers) {
        Asked::NotModified => {
            let mut r = Response::new(Body::default());
            *r.status_mut() = StatusCode::NOT_MODIFIED;
            r
        }
        Asked::Failed => sentence(StatusCode::PRECONDITION_FAILED, "the file is another one now"),
        Asked::File => part(file, length, ranges.as_ref()),
    };
    if r.status().is_success() {
        set(&mut r, header::CONTENT_TYPE, names::content_type(path));
    }
    if r.status().is_success() || r.status() == StatusCode::NOT_MODIFIED {
        let asked_again = Kind::of(path).is_manifest() || !validators.settled;
        set(&mut r, header::CACHE_CONTROL, if asked_again { "no-cache" } else { KEPT });
        insert(&mut r, header::ETAG, validators.tag);
        insert(&mut r, header::LAST_MODIFIED, validators.changed.to_string());
        set(&mut r, header::ACCEPT_RANGES, "bytes");
    }
    r
}

fn part(file: std::fs::File, length: u64, ranges: Option<&Ranges>) -> Response<Body> {
    match ranges.map_or(range::Asked::Whole, |ranges| ranges.asked(length)) {
        range::Asked::Whole => Response::new(Body::disk(Disk::new(file, 0..length))),
        range::Asked::Part(part) => {
            let last = part.end.saturating_sub(1);
            let place = format!("bytes {}-{last}/{length}", part.start);
            let mut r = Response::new(Body::disk(Disk::new(file, part)));
            *r.status_mut() = StatusCode::PARTIAL_CONTENT;
            insert(&mut r, header::CONTENT_RANGE, place);
            r
        }
        range::Asked::Outside => {
            let mut r = sentence(StatusCode::RANGE_NOT_SATISFIABLE, "it has no such bytes");
            insert(&mut r, header::CONTENT_RANGE, format!("bytes */{length}"));
            r
        }
    }
}

fn no_file(path: &Path, why: NoFile) -> Response<Body> {
    let (status, text) = why.answer(&path.to_string_lossy());
    sentence(status, text)
}

fn html(status: StatusCode, text: String) -> Response<Body> {
    let mut r = Response::new(Body::from(text));
    *r.status_mut() = status;
    r.headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    set(&mut r, header::CACHE_CONTROL, "no-cache");
    r
}
