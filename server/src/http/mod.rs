//! HTTP: what stands behind each address.
//!
//! [`route`] says what a path means, [`media`] answers for manifests and segments, [`api`] for
//! facts, [`files`] for pages and player, [`serve`] holds the connections. Everything is there for
//! GET and HEAD; nothing can be changed from outside. [`gate`] says who may ask.

mod api;
mod body;
mod files;
pub mod gate;
mod media;
pub mod range;
pub mod route;
mod seats;
pub mod serve;
pub mod still;
mod stream;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use crate::app::App;
use gate::Verdict;
use route::{Of, Route};

/// What a page of another origin may read.
const EXPOSED: &str = "accept-ranges, cmsd-dynamic, cmsd-static, content-length, content-range, \
                       date, etag, retry-after, server-timing";
/// What a page of another origin may send: ranges, and CMCD (CTA-5004) as headers.
const ALLOWED: &str = "cmcd-object, cmcd-request, cmcd-session, cmcd-status, content-type, range";
/// What it may do.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// The router; tests call it without a socket.
pub fn router(app: Arc<App>) -> Router {
    Router::new().fallback(handle).with_state(app)
}

async fn handle(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    app.requests.fetch_add(1, Ordering::Relaxed);
    let (request, _) = request.into_parts();
    let text = |name| request.headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    // RFC 9112, 3.2: a second Host, or one that is no name, could pass one name for another.
    let mut hosts = request.headers.get_all(header::HOST).iter();
    if hosts.next().is_some_and(|host| host.to_str().is_err()) || hosts.next().is_some() {
        return sentence(StatusCode::BAD_REQUEST, "a request has one Host, in letters of ASCII");
    }
    // A proxy may ask in the absolute form: then that name counts (RFC 9112, 3.2.2).
    let name = request.uri.authority().map(|a| a.as_str()).or_else(|| text(header::HOST));
    if let Some(name) = name.filter(|n| !app.gate.answers_to(n)) {
        return sentence(
            StatusCode::MISDIRECTED_REQUEST,
            format!(
                "this server does not answer under the name `{name}`; if that is its name, start it \
                 with --origin http://{name}, or put that into `origins` in its file"
            ),
        );
    }
    let method = request.method.clone();
    let route = route::route(request.uri.path());
    let mut response = match method {
        Method::GET | Method::HEAD => answer(&app, route, &request.headers).await,
        Method::OPTIONS => preflight(),
        _ => {
            let mut r = sentence(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered");
            set(&mut r, header::ALLOW, METHODS);
            r
        }
    };
    // The player's own files are the same for all the world.
    let verdict = match route {
        Route::File(_) => Verdict::Everybody,
        _ => app.gate.judge(text(header::ORIGIN).unwrap_or_default()),
    };
    allow(&mut response, verdict, request.headers.get(header::ORIGIN));
    set(
        &mut response,
        header::HeaderName::from_static("cross-origin-resource-policy"),
        "cross-origin",
    );
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // The router leaves the body of an answer to HEAD out, and its length stands.
    response
}

/// Says whether the page that asked may read the answer (Fetch standard, 3.2).
fn allow(response: &mut Response<Body>, verdict: Verdict, origin: Option<&HeaderValue>) {
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

async fn answer(app: &App, route: Route<'_>, headers: &HeaderMap) -> Response<Body> {
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
                Of::Snapshot => still::answer(app, camera).await,
                Of::Init { period_ms, rendition } => {
                    media::init(app, camera, period_ms, rendition, headers)
                }
                Of::Segment { period_ms, rendition, number } => {
                    let wanted = media::Wanted { period_ms, rendition, number };
                    media::segment(app, camera, wanted, headers).await
                }
            },
            None => no_camera(id, "../", headers),
        },
        Route::Unknown => sentence(StatusCode::NOT_FOUND, "there is nothing at this address"),
    }
}

/// Pages of other origins ask first when they send headers of their own (Fetch standard, 4.8).
fn preflight() -> Response<Body> {
    let mut r = Response::new(Body::empty());
    *r.status_mut() = StatusCode::NO_CONTENT;
    set(&mut r, header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    set(&mut r, header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED);
    set(&mut r, header::ACCESS_CONTROL_MAX_AGE, "86400");
    r
}

fn slash(id: &str) -> Response<Body> {
    let mut r = Response::new(Body::empty());
    *r.status_mut() = StatusCode::PERMANENT_REDIRECT;
    // Relative, so that it is right behind a proxy that adds a prefix. An id has only letters,
    // digits, - and _.
    if let Ok(place) = HeaderValue::try_from(format!("{id}/")) {
        r.headers_mut().insert(header::LOCATION, place);
    }
    r
}

/// A page for people, a sentence for programs. `root` leads from the address to the wall.
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

/// A plain sentence that nobody keeps.
fn sentence(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut r = Response::new(Body::from(text.into() + "\n"));
    *r.status_mut() = status;
    set(&mut r, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set(&mut r, header::CACHE_CONTROL, "no-store");
    r
}

fn set(response: &mut Response<Body>, name: header::HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
