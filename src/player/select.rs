//! PURE choices: which track of a Period to play, and which representations this browser can play.

use super::error::{Code, Error, shown};
use super::event::Quality;
use super::track::silence;
use crate::media::webm;
use crate::presentation::{Container, Period, Presentation, Representation, Track, TrackKind};
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What the browser says it can play, and which representations failed nevertheless.
#[derive(Clone, Debug, Default)]
pub(super) struct Types {
    /// MIME types that the browser was asked about.
    asked: Vec<String>,
    /// How many of them, from the first, it has answered about.
    answered_about: usize,
    /// The number of types in each question that is not answered yet.
    open_questions: VecDeque<usize>,
    /// Types that it can play; `None` until it has answered.
    pub(super) supported: Option<Vec<String>>,
    /// Codecs that it said it could play, and whose decoder failed.
    failed: Vec<String>,
    /// Ids of representations that the server refuses, or whose decoder failed where their codecs are not
    /// named, and when they are tried again (`None`: never).
    missing: Vec<(String, Option<Instant>)>,
}

impl Types {
    /// The server refuses this representation: it is not tried again, or not before `until`.
    pub(super) fn lost(&mut self, id: String, until: Option<Instant>) {
        self.missing.push((id, until));
    }

    /// The decoder failed with this representation, and would with others of its codecs.
    pub(super) fn decoder_failed(&mut self, rep: &Representation) {
        if rep.codecs.is_empty() {
            self.lost(rep.id.clone(), None);
        } else {
            self.failed.push(rep.codecs.clone());
        }
    }

    /// Takes the last call of [`Self::lost`] back.
    pub(super) fn found_again(&mut self) {
        self.missing.pop();
    }

    /// Representations whose time has come may be tried again.
    pub(super) fn retry_missing(&mut self, now: Instant) {
        self.missing.retain(|it| it.1.is_none_or(|until| until > now));
    }

    /// The types of `presentation` that the browser was not asked about; they count as asked from
    /// now on.
    pub(super) fn unasked(&mut self, presentation: &Presentation) -> Vec<String> {
        let tracks = presentation.periods.iter().flat_map(|p| &p.tracks);
        let mut mimes: Vec<String> = Vec::new();
        if presentation.periods.iter().flat_map(|p| &p.tracks).any(|t| t.kind == TrackKind::Audio) {
            mimes.push(silence::MIME.into());
        }
        for mime in tracks.flat_map(|t| t.representations.iter().filter_map(|r| r.mime(t.kind))) {
            if !mimes.contains(&mime) {
                mimes.push(mime);
            }
        }
        self.unasked_of(mimes)
    }

    /// Whether the browser can play this type; `None` before it has answered.
    pub(super) fn can_play(&self, mime: &str) -> Option<bool> {
        let told = self.asked.iter().take(self.answered_about).any(|m| m == mime);
        let supported = self.supported.as_ref().filter(|_| told)?;
        Some(supported.iter().any(|m| m == mime))
    }

    /// Those of `mimes` that the browser was not asked about; they count as asked from now on.
    pub(super) fn unasked_of(&mut self, mimes: Vec<String>) -> Vec<String> {
        let new: Vec<String> = mimes.into_iter().filter(|m| !self.asked.contains(m)).collect();
        self.asked.extend(new.iter().cloned());
        if !new.is_empty() {
            self.open_questions.push_back(new.len());
        }
        new
    }

    /// The browser's answer to the oldest open question: the types that it can play.
    pub(super) fn answered(&mut self, types: Vec<String>) {
        self.answered_about += self.open_questions.pop_front().unwrap_or(0);
        self.supported.get_or_insert_default().extend(types);
    }

    /// This representation can be played, as far as is known. One without named codecs may be
    /// anything.
    pub(super) fn plays(&self, kind: TrackKind, rep: &Representation) -> bool {
        let Some(mime) = rep.mime(kind) else { return false };
        if unreadable(rep.container).is_some() || self.missing.iter().any(|it| it.0 == rep.id) {
            return false;
        }
        if rep.codecs.is_empty() {
            return true;
        }
        !self.failed.contains(&rep.codecs)
            && self.supported.as_ref().is_none_or(|types| types.contains(&mime))
    }

    /// The representations of a track that play, lowest bandwidth first, by index.
    pub(super) fn playable(&self, track: &Track) -> Vec<usize> {
        let reps = track.representations.iter().enumerate();
        reps.filter(|(_, rep)| self.plays(track.kind, rep)).map(|(i, _)| i).collect()
    }
}

/// Why the media's file format cannot be played; `None`: it can.
fn unreadable(container: Container) -> Option<&'static str> {
    match container {
        Container::PackedAudio => Some(
            "Sound in .aac, .mp3 or .ac3 files (packed audio) cannot be played yet; offer it as \
             fragmented MP4 or in a transport stream.",
        ),
        Container::WebM if webm::Reads::token().is_none() => Some(
            "This player was made for one protocol and plays no WebM; call create() without the \
             address.",
        ),
        _ => None,
    }
}

/// The error for media in a file format that cannot be played.
pub(super) fn unplayable(rep: &Representation, url: &str) -> Option<Error> {
    unreadable(rep.container).map(|message| Error {
        code: Code::NotYet,
        fatal: true,
        message: message.to_string(),
        url: Some(shown(url)),
        detail: rep.codecs.clone(),
    })
}

/// The track of a kind to play in a Period, of those with a playable representation: the one most
/// similar to `before` (of its language; if there are several, with its id or label), else the
/// default, else the first.
pub(super) fn track(
    period: &Period,
    kind: TrackKind,
    types: &Types,
    before: Option<&Track>,
) -> Option<usize> {
    let mut best: Option<(usize, (u8, usize, u64))> = None;
    for (i, track) in period.tracks.iter().enumerate() {
        if track.kind != kind || types.playable(track).is_empty() {
            continue;
        }
        let likeness = match before {
            // An id alone says little: it may be just the index in the list.
            Some(b) if b.language == track.language && b.id == track.id => 6,
            Some(b) if b.language == track.language && b.label == track.label => 4,
            Some(b) if b.language == track.language => 2,
            _ => 0,
        } + u8::from(track.default);
        // Among video tracks that are otherwise equal (an encoder may put each rung into a set of
        // its own): the one with the most representations, then the one with the highest bandwidth.
        let (mut count, mut top) = (0, 0);
        if kind == TrackKind::Video {
            count = track.representations.len();
            top = track.representations.last().map_or(0, |r| r.bandwidth.as_bps());
        }
        let rank = (likeness, count, top);
        if best.is_none_or(|(_, most)| rank > most) {
            best = Some((i, rank));
        }
    }
    best.map(|(i, _)| i)
}

/// The representation of `track` most similar to `before`: the same id, else the nearest bandwidth.
pub(super) fn most_similar(
    track: &Track,
    playable: &[usize],
    before: &Representation,
) -> Option<usize> {
    let distance = |i: &usize| {
        let rep = track.representations.get(*i)?;
        let same = rep.id == before.id && rep.codecs == before.codecs;
        Some((!same, rep.bandwidth.as_bps().abs_diff(before.bandwidth.as_bps())))
    };
    playable.iter().copied().min_by_key(|i| distance(i))
}

/// A representation as the page is told it.
pub(super) fn quality(rep: &Representation) -> Quality {
    Quality {
        id: rep.id.clone(),
        bandwidth: rep.bandwidth,
        resolution: rep.resolution,
        codecs: rep.codecs.clone(),
    }
}
