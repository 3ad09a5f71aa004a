//! From a manifest to a MediaSource with its buffers: types, tracks, and what to do when it breaks.
//!
//! The MediaSource is opened while the browser is asked for its types: neither waits for the other.
//! When the decoder dies the whole MediaSource is built anew, as MSE has no other way back: once as
//! it was, then without the codec or on a lower rung, then it is over.

use super::cx::Cx;
use super::error::{Code, Error, shown};
use super::event::Event;
use super::io::{Output, Reason};
use super::place::{Place, moved_place, rep_of};
use super::playhead::Live;
use super::select;
use super::session::{Session, Stage};
use super::track::stream::Stream;
use super::track::wrapping::InitData;
use super::without;
use crate::presentation::{
    Container, Kind, Presentation, Representation, SegmentList, Track, TrackKind,
};
use crate::time::Position;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

impl Session {
    pub(super) fn begin_opening(&mut self, cx: &mut Cx<'_>, presentation: &Presentation) {
        let mimes = self.types.unasked(presentation);
        self.stage = Stage::Opening { opened: false, resume: None };
        cx.push(Output::Probe(mimes));
        cx.push(Output::OpenSource);
    }

    pub(super) fn advance_opening(&mut self, cx: &mut Cx<'_>) {
        let Stage::Opening { opened: true, resume } = self.stage else { return };
        if self.types.supported.is_none() {
            return;
        }
        let Some(presentation) = self.manifest.shared() else { return };
        if self.streams.is_empty()
            && let Err(error) = self.choose_streams(cx, &presentation)
        {
            return self.trouble(cx, error);
        }
        if !self.told_loaded && !self.complete_streams(cx, &presentation) {
            return;
        }
        for stream in self.streams.iter_mut() {
            stream.renewed();
            stream.buffer.add(cx);
        }
        self.set_duration(cx, &presentation);
        self.head.leave();
        self.stage = Stage::Running;
        if let Some(at) = resume {
            self.start_over(cx, Some(at));
        }
    }

    /// Sees to what has to be known of the chosen streams before their buffers can be added:
    /// playlists, and codecs where no manifest names them. Answers whether all is there.
    fn complete_streams(&mut self, cx: &mut Cx<'_>, p: &Presentation) -> bool {
        let mut complete = true;
        for i in (0..self.streams.len()).rev() {
            while self.unwrap(cx, p, i) {}
        }
        for i in 0..self.streams.len() {
            complete &= self.complete_stream(cx, p, i);
        }
        if !complete || matches!(self.stage, Stage::Failed) || !self.types_found(cx) {
            return false;
        }
        if matches!(p.kind, Kind::Live(_)) {
            let reps = || self.streams.feeds().filter_map(|s| rep_of(p, s.place));
            let growing = reps().all(|r| r.growing);
            let sound = self.streams.sound(self.head.snap().muted);
            let segment = self.streams.segment_length(p);
            self.head.goes_live(Live::new(cx, p, growing, sound, segment));
        }
        self.told_loaded = true;
        self.tell_loaded(cx, p);
        true
    }

    /// The browser has been asked about what was found in the media, and can play it.
    fn types_found(&mut self, cx: &mut Cx<'_>) -> bool {
        let mut unknown = Vec::new();
        let mut refused = None;
        for stream in self.streams.iter() {
            match self.types.found(stream.buffer.mime()) {
                None => unknown.push(stream.buffer.mime().to_string()),
                Some(false) => refused = Some((stream.kind, stream.buffer.mime().to_string())),
                Some(true) => {}
            }
        }
        if let Some((kind, mime)) = refused {
            let error = cannot_play(&self.url, mime);
            self.go_without(cx, kind, error);
            return !matches!(self.stage, Stage::Failed) && self.types_found(cx);
        }
        let known = unknown.is_empty();
        let ask = self.types.unasked_of(unknown);
        if !ask.is_empty() {
            cx.push(Output::Probe(ask));
        }
        known
    }

    fn complete_stream(&mut self, cx: &mut Cx<'_>, p: &Presentation, i: usize) -> bool {
        let Some(stream) = self.streams.get(i) else { return true };
        let Some(rep) = rep_of(p, stream.place) else { return true };
        let kind = stream.kind;
        if stream.passive {
            return true;
        }
        if matches!(rep.segments, SegmentList::Playlist { .. }) || stream.fetching.is_some() {
            return false;
        }
        if let Some(until) = stream.trouble.until
            && until > cx.now
        {
            cx.wake_at(until, Reason::Retry);
            return false;
        }
        let ts = rep.container == Container::Ts;
        if (ts && stream.transport.is_some()) || (!ts && !rep.codecs.is_empty()) {
            return true;
        }
        // Live, the segment that will be started with, as near as can be told now.
        let last = rep.segments.last();
        let segment = match (&p.kind, last) {
            (Kind::Live(_), Some(last)) => {
                let length = last.end.since(last.start);
                // What the origin does not have yet is no reason to give up: an older one.
                let older = length * ((1 << stream.trouble.failed.count().min(5)) - 1);
                rep.segments.at(last.end - length * 3 / 2 - Duration::from_millis(500) - older)
            }
            _ => rep.segments.at(p.periods.first().map(|p| p.start).unwrap_or_default()),
        };
        // An encoder that has just begun lists nothing yet.
        let Some(segment) = segment else { return !rep.segments.grows_by_reload() };
        if ts {
            return self.advance_sniff(cx, kind, rep, segment);
        }
        let Some(init) = segment.init.or_else(|| rep.init.clone()) else { return true };
        let Some(data) = stream.init(&init) else {
            self.fetch_init(cx, i, init);
            return false;
        };
        if let (Some(mime), Some(stream)) = (mime_of(rep, kind, &data), self.streams.get_mut(i)) {
            stream.buffer.is_to_be(stream.kind, mime);
        }
        true
    }

    fn set_duration(&mut self, cx: &mut Cx<'_>, presentation: &Presentation) {
        let duration = match &presentation.kind {
            Kind::Live(_) => None,
            Kind::OnDemand { duration: None } => return,
            Kind::OnDemand { duration: Some(d) } => Some(*d),
        };
        cx.push(Output::Duration(duration));
    }

    fn choose_streams(&mut self, cx: &mut Cx<'_>, p: &Presentation) -> Result<(), Error> {
        let live = matches!(p.kind, Kind::Live(_));
        // A live presentation is entered at its end.
        let period_index = if live { p.periods.len().saturating_sub(1) } else { 0 };
        let Some(period) = p.periods.get(period_index) else {
            return Err(nothing_to_play(&self.url));
        };
        let mut refused = Vec::new();
        for kind in [TrackKind::Video, TrackKind::Audio] {
            let Some(track) = select::track(period, kind, &self.types, None) else {
                refused.extend(period.tracks.iter().filter(|t| t.kind == kind));
                continue;
            };
            let Some(t) = period.tracks.get(track) else { continue };
            // An HLS presentation is not known to be live before its playlists are there.
            let sure = live && !self.manifest.is_hls();
            let Some(rep) = self.quality.first(cx.now, &self.types, t, sure) else { continue };
            let Some(mime) = t.representations.get(rep).and_then(|r| r.mime(kind)) else {
                continue;
            };
            let place = Place { period: period_index, track, rep };
            let mut stream = Stream::new(kind, place, mime, period.start);
            stream.wanted = Some(Rc::new(Track { representations: Vec::new(), ..t.clone() }));
            self.streams.push(stream);
        }
        if self.streams.is_empty() {
            return Err(self.why_nothing_plays(period.tracks.iter()));
        }
        if let (Some(lost), Some(rest)) = (refused.first(), self.streams.first()) {
            let error = self.why_nothing_plays(refused.iter().copied());
            let error = without::told(lost.kind, Some(lost), rest.kind, error);
            self.trouble(cx, error);
        }
        Ok(())
    }

    fn why_nothing_plays<'a>(&self, tracks: impl Iterator<Item = &'a Track>) -> Error {
        let mut codecs: Vec<&str> = Vec::new();
        for rep in tracks.flat_map(|t| &t.representations) {
            if let Some(error) = without::unplayable(rep, &self.url) {
                return error;
            }
            if rep.container == Container::WebM {
                return Error {
                    code: Code::NotYet,
                    fatal: true,
                    message: "WebM files cannot be played yet; offer the film as fragmented MP4."
                        .to_string(),
                    url: Some(shown(&self.url)),
                    detail: rep.codecs.clone(),
                };
            }
            if !rep.codecs.is_empty() && !codecs.contains(&rep.codecs.as_str()) {
                codecs.push(&rep.codecs);
            }
        }
        if codecs.is_empty() {
            return nothing_to_play(&self.url);
        }
        cannot_play(&self.url, codecs.join(", "))
    }

    fn tell_loaded(&mut self, cx: &mut Cx<'_>, p: &Presentation) {
        let qualities = self.qualities();
        cx.emit(Event::Loaded { qualities, live: matches!(p.kind, Kind::Live(_)) });
    }

    /// A newer manifest came: the same places, by their names.
    pub(super) fn on_refreshed(&mut self, cx: &mut Cx<'_>, old: &Presentation, new: &Presentation) {
        let anchor = |p: &Presentation| match &p.kind {
            Kind::Live(live) => live.anchor,
            Kind::OnDemand { .. } => None,
        };
        // An encoder that was started again begins at zero. Packagers that compute it anew each time
        // are off by little.
        let moved = anchor(new).is_some_and(|now| {
            anchor(old).is_none_or(|before| now.micros_from(before).unsigned_abs() > 1_000_000)
        });
        self.ask_types(cx, new);
        for stream in self.streams.iter_mut() {
            if old != new {
                // It may well be there by what the new one says.
                stream.hurry();
            }
            for d in &mut stream.downloads {
                let start = d.segment.start;
                let place = moved_place(old, new, &self.types, d.place, stream.kind, start);
                d.place = place.unwrap_or(d.place);
            }
            let at = stream.cursor.position();
            if let Some(place) = moved_place(old, new, &self.types, stream.place, stream.kind, at) {
                stream.place = place;
            }
            stream.ended = false;
        }
        self.settle_kind(cx, new);
        if moved && matches!(self.stage, Stage::Running) {
            // Another time at position zero: what is buffered belongs to another timeline.
            self.start_over(cx, None);
        }
    }

    /// Asks about types that were not there before.
    pub(super) fn ask_types(&mut self, cx: &mut Cx<'_>, p: &Presentation) {
        let mimes = self.types.unasked(p);
        if !mimes.is_empty() {
            cx.push(Output::Probe(mimes));
        }
    }

    /// What was live may have ended.
    pub(super) fn settle_kind(&mut self, cx: &mut Cx<'_>, p: &Presentation) {
        if matches!(p.kind, Kind::OnDemand { .. }) && self.head.live_ends(cx) {
            self.again.live_ended();
            self.set_duration(cx, p);
        }
    }

    /// Everything is fetched anew from `at`, or from where a start would be.
    pub(super) fn start_over(&mut self, cx: &mut Cx<'_>, at: Option<Position>) {
        self.head.leave_for_unknown();
        let requests = &mut self.requests;
        for stream in self.streams.iter_mut() {
            stream.retarget(cx, requests, stream.cursor.position());
        }
        self.camera.renewed();
        if let Some(at) = at.filter(|_| !self.head.follows()) {
            self.set_start(cx, at);
        }
    }

    /// `video.error`: the MediaSource is gone.
    pub(super) fn on_decoder_died(&mut self, cx: &mut Cx<'_>, code: u16, message: String) {
        let kind = without::culprit(&message);
        self.break_down(cx, Code::Decode, kind, format!("MediaError {code}: {message}"));
    }

    pub(super) fn on_append_failed(&mut self, cx: &mut Cx<'_>, kind: TrackKind, text: String) {
        self.break_down(cx, Code::BadSegment, Some(kind), text);
    }

    fn break_down(&mut self, cx: &mut Cx<'_>, code: Code, kind: Option<TrackKind>, detail: String) {
        // A source that does not even open is not helped by another one.
        let opening = code == Code::Decode && matches!(self.stage, Stage::Opening { .. });
        if !opening && !matches!(self.stage, Stage::Running) {
            return;
        }
        let count = self.figures.breaks_down(cx.now);
        let helped =
            !opening && (count == 1 || self.play_something_else(kind.unwrap_or(TrackKind::Video)));
        let what =
            if code == Code::Decode { "The decoder gave up" } else { "A segment was refused" };
        let then = match (helped, count) {
            (false, _) => {
                "and nothing else can be played here: reload the page, or check the encoder"
            }
            (true, 1) => "playback is being rebuilt",
            (true, _) => "another quality is tried",
        };
        let error =
            Error { code, fatal: !helped, message: format!("{what}; {then}."), url: None, detail };
        if let (false, false, Some(kind)) = (helped, opening, kind) {
            return self.go_without(cx, kind, error);
        }
        self.trouble(cx, error);
        if helped {
            self.rebuild(cx);
        }
    }

    /// A new MediaSource, for the streams as they are now; playing goes on where it is.
    pub(super) fn rebuild(&mut self, cx: &mut Cx<'_>) {
        let at = self.head.rebuilt(cx.now);
        for stream in self.streams.iter_mut() {
            stream.retarget(cx, &mut self.requests, at);
            // The rung may have been changed, and AddBuffer takes the stream's type.
            stream.renewed();
        }
        self.refresh_mimes();
        self.stage = Stage::Opening { opened: false, resume: Some(at) };
        cx.push(Output::OpenSource);
    }

    fn refresh_mimes(&mut self) {
        let Some(p) = self.manifest.shared() else { return };
        for stream in self.streams.iter_mut().filter(|s| s.transport.is_none() && !s.passive) {
            if let Some(mime) = rep_of(&p, stream.place).and_then(|r| r.mime(stream.kind)) {
                stream.buffer.is_to_be(stream.kind, mime);
            }
        }
    }

    /// Takes the next lower rung, or another codec; answers whether there is one.
    fn play_something_else(&mut self, kind: TrackKind) -> bool {
        let Some(p) = self.manifest.shared() else { return false };
        let Some(place) = self.streams.of(kind).or_else(|| self.streams.first()).map(|s| s.place)
        else {
            return false;
        };
        let Some(period) = p.periods.get(place.period) else { return false };
        let Some(track) = period.tracks.get(place.track) else { return false };
        let Some(rep) = track.representations.get(place.rep) else { return false };
        let playable = self.types.playable(track);
        let lower = playable.iter().copied().filter(|&i| i < place.rep).max();
        let next = match lower {
            Some(lower) => {
                self.quality.forbid_above(lower);
                Some((place.track, lower))
            }
            None => {
                self.types.failed.push(rep.codecs.clone());
                let track = select::track(period, track.kind, &self.types, Some(track));
                track.and_then(|t| {
                    let lowest = self.types.playable(period.tracks.get(t)?).first().copied()?;
                    Some((t, lowest))
                })
            }
        };
        let (Some((track, rep)), Some(stream)) = (next, self.streams.of_mut(kind)) else {
            return false;
        };
        stream.place = Place { track, rep, ..place };
        true
    }
}

/// The type of what a representation holds: as the manifest says, else as its initialization segment
/// does.
pub(super) fn mime_of(rep: &Representation, kind: TrackKind, data: &InitData) -> Option<String> {
    let mime = rep.mime(kind)?;
    if !rep.codecs.is_empty() || data.tracks.is_empty() {
        return Some(mime);
    }
    let codecs: Vec<&str> = data.tracks.iter().map(|t| t.codec.as_str()).collect();
    Some(format!("{mime}; codecs=\"{}\"", codecs.join(",")))
}

fn cannot_play(url: &str, codecs: String) -> Error {
    let hevc = codecs.as_bytes().windows(4).any(|it| matches!(it, b"hvc1" | b"hev1"));
    let help = if hevc {
        "H.265 needs hardware support: set the camera to H.264, or let the server transcode"
    } else {
        "try another browser, or encode it as H.264 with AAC"
    };
    Error {
        code: Code::UnsupportedCodec,
        fatal: true,
        message: format!("This browser cannot play {codecs}; {help}."),
        url: Some(shown(url)),
        detail: codecs,
    }
}

fn nothing_to_play(url: &str) -> Error {
    Error {
        code: Code::NothingToPlay,
        fatal: true,
        message: "The manifest names no picture and no sound; check what the encoder writes."
            .to_string(),
        url: Some(shown(url)),
        detail: String::new(),
    }
}
