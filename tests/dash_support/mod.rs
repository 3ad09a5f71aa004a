//! What the tests of MPDs share.
#![allow(dead_code, reason = "each test takes what it needs of this module")]

use nearlive::dash::{read, resolve};
use nearlive::presentation::{Error, Kind, Live, Presentation, Representation, Resource, Segment};
use nearlive::time::{Position, WallTime};

pub(crate) const S: i64 = 1_000_000;
pub(crate) const URL: &str = "https://cam.example/a/live.mpd?token=x";

pub(crate) fn try_resolve(text: &str) -> Result<Presentation, Error> {
    resolve::resolve(&read::mpd(text.as_bytes())?, URL)
}

/// Of a text that has to be good.
pub(crate) fn resolved(text: &str) -> Presentation {
    let result = try_resolve(text);
    assert_eq!(result.as_ref().err(), None, "{text}");
    result.unwrap_or_else(|_| unreachable!())
}

pub(crate) fn live(p: &Presentation) -> Live {
    let Kind::Live(live) = &p.kind else { unreachable!("it is on demand") };
    live.clone()
}

pub(crate) fn representation(p: &Presentation, track: usize) -> &Representation {
    &p.periods[0].tracks[track].representations[0]
}

pub(crate) fn at(r: &Representation, us: i64) -> Option<(u64, i64, i64, String)> {
    r.segments.at(Position::from_micros(us)).map(span)
}

pub(crate) fn span(s: Segment) -> (u64, i64, i64, String) {
    (s.number, s.start.as_micros(), s.end.as_micros(), address(&s.resource))
}

/// Where it is at first.
pub(crate) fn address(resource: &Resource) -> String {
    resource.url(resource.base().url())
}

pub(crate) fn url(text: &str) -> String {
    format!("https://cam.example/a/{text}")
}

pub(crate) fn time(text: &str) -> WallTime {
    nearlive::presentation::date::parse_date_time(text).unwrap_or_default()
}

pub(crate) fn static_mpd(inside: &str) -> String {
    format!("<MPD mediaPresentationDuration='PT10S'><Period>{inside}</Period></MPD>")
}

pub(crate) fn set(inside: &str) -> String {
    format!("<AdaptationSet mimeType='video/mp4'>{inside}</AdaptationSet>")
}
