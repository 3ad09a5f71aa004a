//! Answers that are only text, and the header fields of any answer.

use http::{HeaderValue, Response, StatusCode, header};

use super::body::Body;

/// The text for a request that gives way to another client's.
pub(super) fn busy() -> Response<Body> {
    let mut r = sentence(StatusCode::SERVICE_UNAVAILABLE, "there are too many; come back");
    set(&mut r, header::RETRY_AFTER, "1");
    set(&mut r, header::CONNECTION, "close");
    set(&mut r, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    r
}

/// A plain sentence that caches do not keep.
pub(super) fn sentence(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut r = Response::new(Body::from(text.into() + "\n"));
    *r.status_mut() = status;
    set(&mut r, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set(&mut r, header::CACHE_CONTROL, "no-store");
    r
}

pub(super) fn set(response: &mut Response<Body>, name: header::HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Sets a field whose value consists of digits and fixed words: always a valid one.
pub(super) fn insert(response: &mut Response<Body>, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
