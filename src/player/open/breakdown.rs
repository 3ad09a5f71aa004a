//! Decoder failures and refused segments, and what is played instead.

use super::without::{self, Fate, fate};
use super::{Opening, Resume};
use crate::player::cx::Cx;
use crate::player::error::{Code, Error};
use crate::player::io::{Output, Reason, TrackId};
use crate::player::place::Place;
use crate::player::select;
use crate::player::track::stream::Stream;
use crate::time::Position;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl Opening<'_> {
    /// `video.error`: the decoder failed, and the MediaSource cannot be used any more.
    pub(in crate::player) fn decoder_died(&mut self, cx: &mut Cx<'_>, code: u16, message: &str) {
        let track = without::culprit(message).and_then(|kind| self.tracks.of(kind)).map(Stream::id);
        self.break_down(cx, Code::Decode, track, format!("MediaError {code}: {message}"));
    }

    /// The browser refused an append.
    pub(in crate::player) fn append_failed(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        text: String,
    ) {
        self.break_down(cx, Code::BadSegment, Some(track), text);
    }

    fn break_down(&mut self, cx: &mut Cx<'_>, code: Code, track: Option<TrackId>, detail: String) {
        // If a source did not even open, another one would not either.
        let opening = code == Code::Decode && self.stage.is_opening();
        if !opening && !self.stage.is_running() {
            return;
        }
        let count = self.figures.note_breakdown(cx.now);
        let helped = !opening && (count == 1 || self.play_something_else(track));
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
        if let (false, false, Some(track)) = (helped, opening, track) {
            return self.go_without(cx, track, error);
        }
        self.report_error(cx, error);
        if helped {
            self.rebuild(cx, Resume::Near);
        }
    }

    /// This track cannot be played: the others go on without it; if there are none, playback has
    /// failed.
    pub(in crate::player) fn go_without(&mut self, cx: &mut Cx<'_>, track: TrackId, error: Error) {
        let tracks: Vec<_> = self.tracks.iter().map(|s| (s.id(), s.is_passive())).collect();
        let fate = fate(&tracks, track);
        let rest = match fate {
            Fate::GoesOn(rest) | Fate::TakesOver(rest) => rest,
            Fate::Ends => return self.report_error(cx, Error { fatal: true, ..error }),
        };
        let at = self.head.position(cx.now);
        let Some(kind) = self.tracks.get(rest).map(Stream::kind) else { return };
        let error = without::left_out(self.tracks, self.manifest, track, kind, error);
        let heir = (fate == Fate::TakesOver(rest)).then_some(rest);
        if !self.tracks.remove(cx, self.requests, track, heir, at) {
            return;
        }
        self.report_error(cx, error);
        if self.stage.is_running() {
            self.rebuild(cx, Resume::Near);
        } else {
            // No other input may come that completes the remaining tracks.
            cx.wake_at(cx.now, Reason::Retry);
        }
    }

    /// Opens a new MediaSource for the present tracks. Playing goes on at the present position, as
    /// exactly as `resume` says.
    pub(super) fn rebuild(&mut self, cx: &mut Cx<'_>, resume: impl FnOnce(Position) -> Resume) {
        let at = self.head.rebuilt(cx.now);
        self.tracks.rebuild(cx, self.requests, self.manifest.presentation(), at);
        self.stage.open(Some(resume(at)));
        cx.push(Output::OpenSource);
    }

    /// Changes to the next lower rung, else to another codec; answers whether there is one.
    fn play_something_else(&mut self, track: Option<TrackId>) -> bool {
        let Some(p) = self.manifest.presentation() else { return false };
        let stream = track.map_or_else(|| self.tracks.leading(), |track| self.tracks.get(track));
        // Sound that comes with the picture comes with each of its rungs.
        let stream = stream.filter(|s| !s.is_passive());
        let Some((id, place)) = stream.map(|s| (s.id(), s.place())) else { return false };
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
                self.types.decoder_failed(rep);
                let track = select::track(period, track.kind, self.types, Some(track));
                track.and_then(|t| {
                    let lowest = self.types.playable(period.tracks.get(t)?).first().copied()?;
                    Some((t, lowest))
                })
            }
        };
        let (Some((track, rep)), Some(stream)) = (next, self.tracks.get_mut(id)) else {
            return false;
        };
        stream.switch_to(Place { track, rep, ..place });
        true
    }
}
