//! Multivariant playlist to model (RFC 8216bis 4.4.6, 6.3): its renditions. Their segments come
//! from the media playlists, through [`super::update`].
//!
//! Variants become one video track, lowest bandwidth first. `EXT-X-MEDIA` of TYPE=AUDIO with a URI
//! becomes an audio track per language and name; then the variants' codecs are divided between
//! audio and video. Without such renditions, sound is muxed into the video track. Variants with
//! sound only are left out if others have pictures.

use super::syntax::{Media, Multivariant, Rendition, RenditionKind, Variant};
use crate::media::codec::Codec;
use crate::media::text::{cut, last_of, parts};
use crate::presentation::{
    Base, Container, Error, Kind, Live, Mapping, Period, Presentation, Refresh, Representation,
    Resource, SegmentList, Service, Track, TrackKind,
};
use crate::time::Position;
use crate::units::Bitrate;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// More variants or renditions than any real ladder has; the rest of a hostile list is left out.
const MOST: usize = 500;

/// The presentation of a multivariant playlist that was loaded from `manifest_url`.
pub fn multivariant(playlist: &Multivariant, manifest_url: &str) -> Result<Presentation, Error> {
    let kinds: Vec<TrackKind> = playlist.variants.iter().map(variant_kind).collect();
    let pictures = kinds.contains(&TrackKind::Video);
    let kind = if pictures { TrackKind::Video } else { TrackKind::Audio };
    let base = Base::new(manifest_url.into());
    let below = |uri: &str| Resource::new(Rc::clone(&base), uri.into(), None);
    let mut main = Vec::new();
    for (index, variant) in playlist.variants.iter().enumerate().take(MOST) {
        let list = below(&variant.uri);
        // The same playlist again, with another group of renditions.
        let known = main.iter().any(|r: &Representation| r.playlist.as_ref() == Some(&list));
        if kinds.get(index) == Some(&kind) && !known {
            let apart = audio_group(playlist, variant).is_some();
            main.push(of_variant(variant, index, list, apart));
        }
    }
    Representation::sort(&mut main);
    let mut tracks = Vec::new();
    if !main.is_empty() {
        tracks.push(track("main", kind, main));
    }
    for (index, rendition) in playlist.renditions.iter().enumerate().take(MOST) {
        let (Some(uri), Some(kind)) = (&rendition.uri, rendition_kind(rendition.kind)) else {
            continue;
        };
        add_rendition(&mut tracks, playlist, rendition, kind, below(uri), index);
    }
    if tracks.is_empty() {
        return Err(Error::NothingToPlay("the playlist lists no variant".into()));
    }
    Ok(presentation(tracks))
}

/// The presentation of a media playlist that was loaded in place of a multivariant one: one track,
/// muxed or not. [`super::update`] adds its segments, as for any other.
pub fn single(media: &Media, manifest_url: &str) -> Presentation {
    let list = Resource::at(manifest_url);
    let container = media.segments.first().map(|s| container(&s.uri, s.map.is_some()));
    let kind = match container {
        Some(Container::PackedAudio) => TrackKind::Audio,
        Some(Container::Text) => TrackKind::Text,
        _ => TrackKind::Video,
    };
    presentation(alloc::vec![track("main", kind, alloc::vec![pending("v0".into(), list)])])
}

/// How a segment is wrapped. Media that needs an initialization segment is MP4 (3.3); for the rest
/// the file name decides, because the bytes are not loaded yet.
pub(super) fn container(uri: &str, has_map: bool) -> Container {
    let (path, _) = cut(uri, b"?#");
    let behind = |text, mark| last_of(text, mark).and_then(|at| text.get(at + 1..));
    let name = behind(path, b'/').unwrap_or(path);
    let suffix = behind(name, b'.').unwrap_or("");
    let any = |list: &[&str]| list.iter().any(|s| suffix.eq_ignore_ascii_case(s));
    if any(&["vtt", "webvtt", "ttml"]) {
        Container::Text
    } else if has_map || any(&["mp4", "m4s", "m4v", "m4a", "cmfv", "cmfa"]) {
        Container::Mp4
    } else if any(&["aac", "mp3", "ac3", "ec3"]) {
        Container::PackedAudio
    } else {
        Container::Ts
    }
}

fn presentation(tracks: Vec<Track>) -> Presentation {
    let period = Period { id: "0".into(), start: Position::default(), end: None, tracks };
    Presentation {
        // Not known before the first media playlist.
        kind: Kind::Live(Live { anchor: None, time_shift: None, suggested_delay: None }),
        periods: alloc::vec![period],
        refresh: Refresh::Never,
        location: None,
        clocks: Vec::new(),
        service: Service::default(),
    }
}

fn track(id: &str, kind: TrackKind, representations: Vec<Representation>) -> Track {
    Track { id: id.into(), kind, language: None, label: None, default: true, representations }
}

fn pending(id: String, list: Resource) -> Representation {
    Representation {
        id,
        bandwidth: Bitrate::default(),
        codecs: String::new(),
        container: Container::Mp4,
        resolution: None,
        init: None,
        segments: SegmentList::Playlist,
        playlist: Some(list),
        mapping: Mapping::Learn,
        growing: false,
    }
}

fn of_variant(variant: &Variant, index: usize, list: Resource, apart: bool) -> Representation {
    let codecs = variant.codecs.as_deref().unwrap_or("");
    Representation {
        bandwidth: Bitrate::from_bps(variant.bandwidth_bps),
        codecs: if apart { only(codecs, Codec::is_video) } else { only(codecs, |c| !c.is_text()) },
        resolution: variant.resolution,
        ..pending(["v", &index.to_string()].concat(), list)
    }
}

fn variant_kind(variant: &Variant) -> TrackKind {
    let codecs = || Codec::list(variant.codecs.as_deref().unwrap_or(""));
    let audio_only = codecs().any(Codec::is_audio) && !codecs().any(|c| !c.is_audio());
    if variant.resolution.is_none() && audio_only { TrackKind::Audio } else { TrackKind::Video }
}

const fn rendition_kind(kind: RenditionKind) -> Option<TrackKind> {
    match kind {
        RenditionKind::Audio => Some(TrackKind::Audio),
        RenditionKind::Subtitles => Some(TrackKind::Text),
        RenditionKind::Video | RenditionKind::ClosedCaptions => None,
    }
}

/// The variant's group of audio renditions, if they have playlists of their own.
fn audio_group<'a>(playlist: &Multivariant, variant: &'a Variant) -> Option<&'a str> {
    let group = variant.audio.as_deref()?;
    let apart = playlist
        .renditions
        .iter()
        .any(|r| r.kind == RenditionKind::Audio && r.group == group && r.uri.is_some());
    apart.then_some(group)
}

/// Adds a rendition to the track of its language and name: the same sound in another group is
/// another quality of that track.
fn add_rendition(
    tracks: &mut Vec<Track>,
    playlist: &Multivariant,
    rendition: &Rendition,
    kind: TrackKind,
    list: Resource,
    index: usize,
) {
    if tracks.iter().flat_map(|t| &t.representations).any(|r| r.playlist.as_ref() == Some(&list)) {
        return;
    }
    let mut own = pending(["r", &index.to_string()].concat(), list);
    match kind {
        TrackKind::Text => own.container = Container::Text,
        _ => {
            let of_group = |v: &&Variant| v.audio.as_ref() == Some(&rendition.group);
            let all = playlist.variants.iter().filter(of_group);
            let mut lists = all.filter_map(|v| v.codecs.as_deref());
            own.codecs = lists
                .find_map(|list| {
                    Some(only(list, Codec::is_audio)).filter(|audio| !audio.is_empty())
                })
                .unwrap_or_default();
        }
    }
    let language = rendition.language.clone().filter(|l| !l.is_empty() && l != "und");
    let same = |t: &&mut Track| {
        t.kind == kind && t.language == language && t.label.as_ref() == Some(&rendition.name)
    };
    match tracks.iter_mut().find(same) {
        Some(track) => track.representations.push(own),
        None => tracks.push(Track {
            id: own.id.clone(),
            kind,
            language,
            label: Some(rendition.name.clone()),
            default: rendition.default,
            representations: alloc::vec![own],
        }),
    }
}

/// The codecs of a list for which `keep` holds.
fn only(list: &str, keep: impl Fn(Codec) -> bool) -> String {
    let mut out = String::new();
    for name in parts(list, b',').map(str::trim_ascii).filter(|name| !name.is_empty()) {
        if keep(Codec::of(name)) {
            if !out.is_empty() {
                out.push(',');
            }
            out.push_str(name);
        }
    }
    out
}
