//! HTTP: the answer at each address.
//!
//! [`route`] parses a path, [`media`] answers with manifests and segments, [`api`] with facts,
//! [`files`] with pages and the player, [`serve`] owns the connections. Only GET and HEAD are
//! allowed; clients cannot change anything. [`gate`] says which sites may ask, [`limits`] how much
//! a client may take, [`seats`] which connection makes room for another, [`pace`] which reader is
//! too slow. [`folder`] answers in the place of cameras where a folder is handed out.

mod api;
mod body;
mod disk;
mod files;
pub mod folder;
pub mod gate;
pub mod limits;
mod media;
mod pace;
pub mod range;
mod reply;
pub mod route;
mod seats;
pub mod serve;
pub mod still;
mod stream;

use std::sync::atomic::Ordering;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::Body as _;

pub use body::Body;

use crate::app::App;
use folder::Folder;
use gate::{Gate, Verdict};
use range::Ranges;
use reply::{sentence, set};
use route::{Of, Route};

/// The header fields that a page of another origin may read.
const EXPOSED: &str = "accept-ranges, cmsd-dynamic, cmsd-static, content-length, content-range, \
                       date, etag, last-modified, retry-after, server-timing";
/// The header fields that it may send: ranges, and CMCD (CTA-5004).
const ALLOWED: &str = "cmcd-object, cmcd-request, cmcd-session, cmcd-status, content-type, range";
/// The methods that it may use.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// The answer to a request, whose body is not read. Tests call it without a socket.
pub async fn answer<B>(app: &App, request: Request<B>) -> Response<Body> {
    app.requests.fetch_add(1, Ordering::Relaxed);
    let (request, _) = request.into_parts();
    let text = |name: &str| request.headers.get(name).and_then(|v| v.to_str().ok());
    let place = Place::of(app, &request);
    // The player's own files may be read by every page.
    let verdict = match place {
        Place::Camera(Route::File(name)) if !name.ends_with(".html") => Verdict::Everybody,
        _ => app.gate.judge(text("origin").unwrap_or_default()),
    };
    let mut response = if let Some(wrong) = misdirected(&app.gate, &request) {
        wrong
    } else if Gate::refuses(verdict, text("sec-fetch-site"), text("sec-fetch-mode")) {
        let why = "a page of another site asks: name the site with --origin, and ask with CORS \
                   (crossorigin)";
        sentence(StatusCode::FORBIDDEN, why)
    } else {
        match request.method {
            Method::GET | Method::HEAD => match &place {
                Place::Camera(route) => resource(app, *route, &request).await,
                Place::Folder(folder, route) => {
                    folder.answer(route, &request, app.clock.now()).await
                }
            },
            Method::OPTIONS => preflight(),
            _ => {
                let why = "only GET and HEAD are answered";
                let mut r = sentence(StatusCode::METHOD_NOT_ALLOWED, why);
                set(&mut r, header::ALLOW, METHODS);
                r
            }
        }
    };
    allow(&mut response, verdict, request.headers.get(header::ORIGIN));
    frame(&mut response, &app.gate, text("referer"));
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    measure(&mut response);
    if request.method == Method::HEAD {
        *response.body_mut() = Body::default();
    }
    response
}

/// What an address leads to.
enum Place<'a> {
    /// The cameras, the player or facts.
    Camera(Route<'a>),
    /// The folder that is handed out.
    Folder(&'a Folder, folder::Route),
}

impl<'a> Place<'a> {
    fn of(app: &'a App, request: &'a http::request::Parts) -> Self {
        let path = request.uri.path();
        let Some(folder) = &app.folder else { return Self::Camera(route::route(path)) };
        match Folder::route(request) {
            folder::Route::Time => Self::Camera(Route::Time),
            folder::Route::Health => Self::Camera(Route::Health),
            folder::Route::Metrics => Self::Camera(Route::Metrics),
            route => match path.strip_prefix('/').and_then(files::for_folder) {
                Some(name) => Self::Camera(Route::File(name)),
                None => Self::Folder(folder, route),
            },
        }
    }
}

/// Sets the length of the answer where it is known, also for HEAD, whose body is left out.
fn measure(response: &mut Response<Body>) {
    // RFC 9110, 8.6: not where there is no content to measure.
    let without = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status());
    if let Some(length) = response.body().size_hint().exact().filter(|_| !without) {
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert_with(|| length.into());
    }
}

/// Refuses a request for another server, or one that does not name its server.
fn misdirected(gate: &Gate, request: &http::request::Parts) -> Option<Response<Body>> {
    let bad = |why: &str| Some(sentence(StatusCode::BAD_REQUEST, why));
    // RFC 9112, 3.2: with no name, two names or an invalid one, a request could pass one name for
    // another. HTTP/1.0 has no such field.
    let mut hosts = request.headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => match host.to_str() {
            Ok(host) if gate::is_host(host) => Some(host),
            _ => return bad("Host is a name or an address, and perhaps a port"),
        },
        (None, _) if request.version < Version::HTTP_11 => None,
        _ => return bad("a request has one Host"),
    };
    // A proxy may use the absolute form: then the name in it counts (RFC 9112, 3.2.2). A target
    // that is only a name is for CONNECT.
    let name = match (request.uri.scheme_str(), request.uri.authority()) {
        (None, None) => host,
        (Some("http" | "https"), Some(name)) if gate::is_host(name.as_str()) => Some(name.as_str()),
        _ => return bad("the target is a path, or an address that begins with http://"),
    };
    let name = name.filter(|name| !gate.answers_to(name))?;
    Some(sentence(
        StatusCode::MISDIRECTED_REQUEST,
        format!(
            "this server does not answer under the name `{name}`; if that is its name, start it with \
             --origin http://{name}, or put that into `origins` in its file"
        ),
    ))
}

/// Sets which pages may show the answer in a frame.
fn frame(response: &mut Response<Body>, gate: &Gate, referer: Option<&str>) {
    let headers = response.headers_mut();
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    // Only pages are meant to be framed, and other answers are kept in caches.
    let page = kind.starts_with(b"text/html");
    if let Some(policy) = gate.framing(referer.filter(|_| page)) {
        if page {
            headers.append(header::VARY, HeaderValue::from_static("referer"));
        }
        // It consists of origins, which have only letters, digits and marks of ASCII.
        if let Ok(policy) = HeaderValue::try_from(policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// Sets whether the page that asked may read and show the answer (Fetch standard, 3.2 and 3.6).
fn allow(response: &mut Response<Body>, verdict: Verdict, origin: Option<&HeaderValue>) {
    let policy = if verdict == Verdict::Stranger { "same-origin" } else { "cross-origin" };
    set(response, header::HeaderName::from_static("cross-origin-resource-policy"), policy);
    let headers = response.headers_mut();
    if verdict != Verdict::Everybody {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    let whom = match (verdict, origin) {
        (Verdict::Everybody, _) => HeaderValue::from_static("*"),
        (Verdict::Named | Verdict::Local, Some(origin)) => origin.clone(),
        _ => return,
    };
    headers.insert(header::HeaderName::from_static("timing-allow-origin"), whom.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, whom);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    if verdict == Verdict::Named && headers.contains_key(header::ACCESS_CONTROL_MAX_AGE) {
        // A page from the internet that shows a camera of the local network.
        let name = header::HeaderName::from_static("access-control-allow-private-network");
        headers.insert(name, HeaderValue::from_static("true"));
    }
}

async fn resource(app: &App, route: Route<'_>, request: &http::request::Parts) -> Response<Body> {
    let headers = &request.headers;
    let ranges = Ranges::of(&request.method, headers);
    match route {
        Route::Wall => files::wall(headers),
        Route::Cameras => api::cameras(app),
        Route::Time => api::time(app),
        Route::Health => sentence(StatusCode::OK, "ok"),
        Route::Metrics => api::metrics(app),
        Route::File(name) => files::file(name, headers).unwrap_or_else(|| not_there(name)),
        Route::Slash(id) => match app.camera(id) {
            Some(_) => slash(id),
            None => no_camera(id, "./", headers),
        },
        Route::Camera(id, of) => match app.camera(id) {
            Some(camera) => match of {
                Of::Page => files::camera(headers),
                Of::Mpd => media::mpd(app, camera).await,
                Of::Multivariant => media::multivariant(app, camera).await,
                Of::Playlist(rendition) => media::playlist(app, camera, rendition).await,
                Of::Snapshot => media::snapshot(app, camera).await,
                Of::Init { period_ms, rendition } => {
                    media::init(app, camera, period_ms, rendition, ranges.as_ref())
                }
                Of::Segment { period_ms, rendition, number } => {
                    let wanted = media::Wanted { period_ms, rendition, number };
                    media::segment(app, camera, wanted, ranges.as_ref()).await
                }
            },
            None => no_camera(id, "../", headers),
        },
        Route::Unknown => sentence(StatusCode::NOT_FOUND, "there is nothing at this address"),
    }
}

/// Pages of other origins ask first when they send headers of their own (Fetch standard, 4.8).
fn preflight() -> Response<Body> {
    let mut r = Response::new(Body::default());
    *r.status_mut() = StatusCode::NO_CONTENT;
    set(&mut r, header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    set(&mut r, header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED);
    set(&mut r, header::ACCESS_CONTROL_MAX_AGE, "86400");
    r
}

fn slash(id: &str) -> Response<Body> {
    let mut r = Response::new(Body::default());
    *r.status_mut() = StatusCode::PERMANENT_REDIRECT;
    // Relative, so that it is right behind a proxy that adds a prefix. An id has only letters,
    // digits, - and _.
    if let Ok(place) = HeaderValue::try_from(format!("{id}/")) {
        r.headers_mut().insert(header::LOCATION, place);
    }
    r
}

/// A page for people, a sentence for programs. `root` is the way from the address to the wall.
fn no_camera(id: &str, root: &str, headers: &HeaderMap) -> Response<Body> {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !accept.contains("text/html") {
        let text = format!("there is no camera `{id}`; /api/cameras lists those that there are");
        return sentence(StatusCode::NOT_FOUND, text);
    }
    // An id has only letters, digits, - and _.
    let page = include_str!("no-camera.html").replace("{id}", id).replace("{root}", root);
    let mut r = sentence(StatusCode::NOT_FOUND, page);
    set(&mut r, header::CONTENT_TYPE, "text/html; charset=utf-8");
    r
}

fn not_there(name: &str) -> Response<Body> {
    let player = name.starts_with("nearlive");
    let why =
        if player { "; `make player` builds the player, before the server is built" } else { "" };
    sentence(StatusCode::NOT_FOUND, format!("there is no file `{name}`{why}"))
}
