//! AdaptationSets to tracks (23009-1 5.3.3, 5.3.7, 5.8.5).

use super::addressing::{Budget, Level, Place, address, made_id};
use super::syntax::{AdaptationSet, Common, Descriptor, Period, Representation as Written};
use crate::media::codec::Codec;
use crate::media::text::{cut, parts};
use crate::media::webm;
use crate::presentation::{Container, Error, Representation, Track, TrackKind};
use crate::time::{Position, WallTime};
use crate::units::{Bitrate, Resolution};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Essential properties that ask nothing of a player: they tell how the picture was made. Any
/// other unknown essential property forbids the use of the element (5.8.4.8).
const HARMLESS: [&str; 3] =
    ["urn:mpeg:mpegB:cicp:", "urn:mpeg:dash:14496:10:frame_packing", "urn:mpeg:dash:resync"];

/// Marks a set for trick play: its pictures are only for fast forward and rewind (DASH-IF IOP 4.3,
/// 3.2.9).
const TRICK_MODE: &str = "http://dashif.org/guidelines/trickmode";
const ROLE: &str = "urn:mpeg:dash:role:2011";
/// Names the sets that a player may switch to (ETSI TS 103 285 10.5.4): their ids, with commas.
const SWITCHING: &str = "urn:mpeg:dash:adaptation-set-switching:2016";

/// The reasons why sets cannot be played, for the message when nothing is left.
#[derive(Default)]
pub(super) struct Dropped {
    pub(super) encrypted: bool,
    pub(super) essential: Option<String>,
    pub(super) unaddressed: bool,
}

/// A Period's place on the timeline.
pub(super) struct Span {
    pub(super) start: Position,
    pub(super) end: Option<Position>,
    pub(super) closed: bool,
    pub(super) anchor: Option<WallTime>,
}

/// The tracks of a Period.
pub(super) fn tracks(
    period: &Period,
    span: &Span,
    level: &Level,
    budget: &mut Budget,
    dropped: &mut Dropped,
) -> Result<Vec<Track>, Error> {
    let level = level.descend(&period.base_urls);
    let mut reading = Reading { period, span, budget, dropped, ids: Vec::new() };
    let mut ids = Vec::new();
    let mut tracks: Vec<Track> = Vec::new();
    // The set that each track began with.
    let mut firsts: Vec<&AdaptationSet> = Vec::new();
    for (index, set) in period.adaptation_sets.iter().enumerate() {
        let Some(kind) = kind(set) else { continue };
        if !usable(&set.common, reading.dropped) {
            continue;
        }
        let mut representations = reading.representations(set, kind, &level)?;
        if representations.is_empty() {
            continue;
        }
        let mut known = firsts.iter().zip(&mut tracks).filter(|(_, track)| track.kind == kind);
        if let Some((_, track)) = known.find(|(first, track)| {
            let joined = names(first, set) || names(set, first);
            joined
                || (nothing_tells_apart(first, set)
                    && are_rungs(&track.representations, &representations))
        }) {
            track.representations.append(&mut representations);
            Representation::sort(&mut track.representations);
            continue;
        }
        Representation::sort(&mut representations);
        firsts.push(set);
        tracks.push(Track {
            id: unique(set.id.as_deref().unwrap_or(""), index, &mut ids),
            kind,
            language: set.language.clone().filter(|l| !l.is_empty() && l != "und"),
            label: set.common.labels.first().map(|label| label.text.clone()),
            default: set.roles.iter().any(|r| is(r, ROLE, "main")),
            representations,
        });
    }
    Ok(tracks)
}

/// The manifest allows switching from the one set to the other.
fn names(set: &AdaptationSet, other: &AdaptationSet) -> bool {
    let named = |ids: &str| parts(ids, b',').any(|id| Some(id.trim_ascii()) == other.id.as_deref());
    let all = &set.common.supplemental;
    all.iter().any(|it| it.scheme == SWITCHING && it.value.as_deref().is_some_and(named))
}

/// The sets say nothing that tells them apart. Then those of several sizes are one picture, as some packagers
/// write a ladder. (Those of one size may be two cameras.)
fn nothing_tells_apart(first: &AdaptationSet, other: &AdaptationSet) -> bool {
    let plain = |set: &AdaptationSet| {
        set.accessibility.is_empty()
            && set.common.labels.is_empty()
            && set.roles.iter().all(|role| is(role, ROLE, "main"))
    };
    plain(first) && plain(other) && first.language == other.language
}

/// They are of one picture in different sizes.
fn are_rungs(one: &[Representation], other: &[Representation]) -> bool {
    let fit = |a: &Representation, b: &Representation| {
        let sizes = a.resolution.zip(b.resolution);
        sizes.is_some_and(|(a, b)| a != b && same_shape(a, b))
            && a.container == b.container
            && Codec::list(&a.codecs).eq(Codec::list(&b.codecs))
    };
    one.iter().all(|a| other.iter().all(|b| fit(a, b)))
}

/// Width and height have the same ratio, but for what rounding to even numbers makes.
fn same_shape(a: Resolution, b: Resolution) -> bool {
    let cross = |a: Resolution, b: Resolution| u64::from(a.width) * u64::from(b.height);
    let (one, two) = (cross(a, b), cross(b, a));
    one.abs_diff(two) * 50 <= one.max(two)
}

/// A Period whose sets are being read.
struct Reading<'a> {
    period: &'a Period,
    span: &'a Span,
    budget: &'a mut Budget,
    dropped: &'a mut Dropped,
    /// Ids of the Representations so far.
    ids: Vec<String>,
}

impl Reading<'_> {
    /// The Representations of a set that can be played, in the order of the manifest.
    fn representations(
        &mut self,
        set: &AdaptationSet,
        kind: TrackKind,
        level: &Level,
    ) -> Result<Vec<Representation>, Error> {
        let level = level.descend(&set.base_urls);
        let mut representations = Vec::new();
        for written in &set.representations {
            if written.dependency_id.is_some() || !usable(&written.common, self.dropped) {
                continue;
            }
            let id = unique(&written.id, self.ids.len(), &mut self.ids);
            let described = describe(set, written, kind);
            let place = Place {
                start: self.span.start,
                end: self.span.end,
                closed: self.span.closed,
                anchor: self.span.anchor,
                level: &level.descend(&written.base_urls),
                id: &written.id,
                bandwidth_bps: written.bandwidth_bps,
                webm: webm::Reads::token().filter(|_| described.container == Container::WebM),
            };
            let levels = [&self.period.segments, &set.segments, &written.segments];
            let Some(addressed) = address(&place, &levels, self.budget)? else {
                self.dropped.unaddressed = true;
                continue;
            };
            representations.push(Representation {
                id,
                bandwidth: Bitrate::from_bps(written.bandwidth_bps),
                codecs: described.codecs,
                container: described.container,
                resolution: described.resolution,
                init: addressed.init,
                segments: addressed.segments,
                playlist: None,
                mapping: addressed.mapping,
                growing: addressed.growing,
            });
        }
        Ok(representations)
    }
}

/// The id, or one made from the index; changed if the Period has it already.
fn unique(id: &str, index: usize, taken: &mut Vec<String>) -> String {
    let mut own = if id.is_empty() { made_id(index) } else { id.to_owned() };
    while taken.contains(&own) {
        own.push_str(&made_id(index));
    }
    taken.push(own.clone());
    own
}

fn is(descriptor: &Descriptor, scheme: &str, value: &str) -> bool {
    descriptor.scheme == scheme && descriptor.value.as_deref() == Some(value)
}

fn usable(common: &Common, dropped: &mut Dropped) -> bool {
    if common.supplemental.iter().any(|property| property.scheme == TRICK_MODE) {
        return false;
    }
    let unknown = |p: &&Descriptor| !HARMLESS.iter().any(|known| p.scheme.starts_with(known));
    if let Some(property) = common.essential.iter().find(unknown) {
        dropped.essential = Some(property.scheme.clone());
        return false;
    }
    if !common.content_protection.is_empty() {
        dropped.encrypted = true;
        return false;
    }
    true
}

/// The kind of media in the set; `None` for kinds that are not played (thumbnails, metadata).
fn kind(set: &AdaptationSet) -> Option<TrackKind> {
    let first = set.representations.first()?;
    let mime = mime(set, first);
    let codecs = first.common.codecs.as_deref().or(set.common.codecs.as_deref()).unwrap_or("");
    let top = cut(mime, b"/").0;
    for named in [set.content_type.as_deref().unwrap_or(""), top] {
        match named {
            "video" => return Some(TrackKind::Video),
            "audio" => return Some(TrackKind::Audio),
            "text" => return Some(TrackKind::Text),
            "image" => return None,
            _ => {}
        }
    }
    let text = ["stpp", "wvtt"].iter().any(|c| codecs.starts_with(c));
    (text || mime == "application/ttml+xml").then_some(TrackKind::Text)
}

fn mime<'a>(set: &'a AdaptationSet, written: &'a Written) -> &'a str {
    written.common.mime_type.as_deref().or(set.common.mime_type.as_deref()).unwrap_or("")
}

struct Described {
    codecs: String,
    container: Container,
    resolution: Option<Resolution>,
}

fn describe(set: &AdaptationSet, written: &Written, kind: TrackKind) -> Described {
    let codecs = written.common.codecs.as_deref().or(set.common.codecs.as_deref());
    // GStreamer's `dashsink` names sample entries alone, which say too little to be asked for: the media
    // tells the rest.
    let says =
        |name: &str| !matches!(name.trim_ascii(), "avc1" | "avc3" | "hvc1" | "hev1" | "mp4a");
    let codecs = codecs.filter(|all| parts(all, b',').all(says));
    let mime = mime(set, written);
    let container = match mime {
        "video/webm" | "audio/webm" => Container::WebM,
        "video/mp2t" | "video/MP2T" => Container::Ts,
        "application/ttml+xml" => Container::Text,
        _ if mime.starts_with("text/") => Container::Text,
        _ => Container::Mp4,
    };
    let size =
        written.common.width.or(set.common.width).zip(written.common.height.or(set.common.height));
    let size = size.filter(|(w, h)| kind == TrackKind::Video && *w > 0 && *h > 0);
    Described {
        codecs: codecs.unwrap_or("").trim_ascii().to_string(),
        container,
        resolution: size.map(|(width, height)| Resolution { width, height }),
    }
}
