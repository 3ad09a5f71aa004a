//! Fetches what has to be known of the chosen tracks before their buffers can be added: playlists,
//! and the codecs where no manifest names them.

use super::Opening;
use super::choose::cannot_play;
use crate::player::cx::Cx;
use crate::player::event::Event;
use crate::player::io::{Output, TrackId};
use crate::player::place::{qualities, rep_of};
use crate::player::playhead::LivePlayback;
use crate::player::retries::Need;
use crate::player::track::stream::Stream;
use crate::player::track::wrapping::mime_of;
use crate::presentation::{Container, Kind, Presentation, SegmentList};
use crate::time::Duration;
use alloc::string::ToString;
use alloc::vec::Vec;

impl Opening<'_> {
    /// Fetches what is missing; answers whether all is known. Once it is, the page is told the
    /// qualities.
    pub(super) fn complete(&mut self, cx: &mut Cx<'_>, p: &Presentation) -> bool {
        let mut complete = true;
        for track in self.tracks.ids().into_iter().rev() {
            while self.replace_unplayable(cx, p, track) {}
        }
        for track in self.tracks.ids() {
            complete &= self.complete_track(cx, p, track);
        }
        if !complete || self.stage.has_failed() || !self.types_found(cx) {
            return false;
        }
        let live = matches!(p.kind, Kind::Live(_));
        if live {
            let reps = || self.tracks.feeds().filter_map(|s| rep_of(p, s.place()));
            let growing = reps().all(|r| r.growing);
            let sound = self.tracks.sound(self.head.snap().muted);
            let segment = self.tracks.segment_length(p);
            self.head.goes_live(LivePlayback::new(cx, p, growing, sound, segment));
        }
        self.stage.mark_announced();
        let place = self.tracks.leading().map(Stream::place);
        let offered = place.map(|place| qualities(p, self.types, place)).unwrap_or_default();
        cx.emit(Event::Loaded { qualities: offered, live });
        true
    }

    /// If a track's file format cannot be played, changes to another representation or leaves the
    /// track out. Answers whether it did.
    fn replace_unplayable(&mut self, cx: &mut Cx<'_>, p: &Presentation, track: TrackId) -> bool {
        let Some(stream) = self.tracks.get_mut(track) else { return false };
        match stream.replace_unplayable(p, self.types, self.url) {
            Ok(changed) => changed,
            Err(error) => {
                self.go_without(cx, track, error);
                true
            }
        }
    }

    /// The browser can play the types that were found in the media. Asks it, and answers false
    /// until then.
    fn types_found(&mut self, cx: &mut Cx<'_>) -> bool {
        let mut unknown = Vec::new();
        let mut refused = None;
        for stream in self.tracks.iter() {
            match self.types.can_play(stream.buffer().mime()) {
                None => unknown.push(stream.buffer().mime().to_string()),
                Some(false) => refused = Some((stream.id(), stream.buffer().mime().to_string())),
                Some(true) => {}
            }
        }
        if let Some((track, mime)) = refused {
            let error = cannot_play(self.url, mime);
            self.go_without(cx, track, error);
            return !self.stage.has_failed() && self.types_found(cx);
        }
        let known = unknown.is_empty();
        let ask = self.types.unasked_of(unknown);
        if !ask.is_empty() {
            cx.push(Output::Probe(ask));
        }
        known
    }

    /// Fetches what is missing of a track; answers whether all is known.
    fn complete_track(&mut self, cx: &mut Cx<'_>, p: &Presentation, track: TrackId) -> bool {
        let Some(stream) = self.tracks.get(track) else { return true };
        let Some(rep) = rep_of(p, stream.place()) else { return true };
        let kind = stream.kind();
        if stream.is_passive() {
            return true;
        }
        if matches!(rep.segments, SegmentList::Playlist) || stream.is_preparing() {
            return false;
        }
        if self.requests.retries.holds_back(cx, Need::Track(track)) {
            return false;
        }
        let ts = rep.container == Container::Ts;
        if (ts && stream.is_transmuxed()) || (!ts && !rep.codecs.is_empty()) {
            return true;
        }
        // Live, the segment that playback will probably start with.
        let last = rep.segments.last();
        let segment = match (&p.kind, last) {
            (Kind::Live(_), Some(last)) => {
                let length = last.end.since(last.start);
                // After each failure an older one: the origin may not have the newest yet.
                let failed = self.requests.retries.count(Need::Track(track));
                let older = length * ((1 << failed.min(5)) - 1);
                rep.segments.at(last.end - length * 3 / 2 - Duration::from_millis(500) - older)
            }
            _ => rep.segments.at(p.periods.first().map(|p| p.start).unwrap_or_default()),
        };
        // The list of an encoder that has just begun is empty.
        let Some(segment) = segment else { return !rep.segments.grows_by_reload() };
        if ts {
            return match self.tracks.sniff(cx, self.requests, track, rep, &segment) {
                Ok(known) => known,
                Err(error) => {
                    self.go_without(cx, track, error);
                    false
                }
            };
        }
        let Some(init) = segment.init.or_else(|| rep.init.clone()) else { return true };
        let Some(stream) = self.tracks.get_mut(track) else { return true };
        let Some(data) = stream.init(&init) else {
            stream.ask_init(cx, self.requests, init);
            return false;
        };
        if let Some(mime) = mime_of(rep, kind, &data) {
            stream.found_type(mime);
        }
        true
    }
}
