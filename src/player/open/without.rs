//! Leaves out a track that cannot be played, and tells the page. The other tracks go on; if there
//! are none, playback has failed.

use crate::player::error::Error;
use crate::player::io::TrackId;
use crate::player::manifest::Manifest;
use crate::player::place::track_of;
use crate::player::track::Tracks;
use crate::presentation::{Track, TrackKind};
use alloc::format;
use alloc::string::String;

/// What becomes of playback without a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The other tracks go on; this one, which makes its own requests, is named to the viewer.
    GoesOn(TrackId),
    /// This one takes over the requests, which the lost track made for both.
    TakesOver(TrackId),
    /// There is no other track.
    Ends,
}

/// What becomes of playback without `lost`. Each of `tracks` says whether it is fed by another
/// track's requests.
pub(super) fn fate(tracks: &[(TrackId, bool)], lost: TrackId) -> Fate {
    let leads = tracks.iter().any(|&(track, fed)| track == lost && !fed);
    let mut others = tracks.iter().filter(|it| it.0 != lost);
    if let Some(&(track, _)) = others.clone().find(|it| !it.1) {
        return Fate::GoesOn(track);
    }
    match others.next() {
        Some(&(track, _)) if leads => Fate::TakesOver(track),
        _ => Fate::Ends,
    }
}

const fn word(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => "picture",
        TrackKind::Audio => "sound",
        TrackKind::Text => "text",
    }
}

/// `error` in the words for a viewer, when playback goes on with `rest`.
pub(super) fn as_left_out(
    kind: TrackKind,
    track: Option<&Track>,
    rest: TrackKind,
    error: Error,
) -> Error {
    let mut name = String::from(word(kind));
    if let Some(label) = track.and_then(|t| t.label.as_deref()) {
        name.push_str(&format!(" \"{label}\""));
    }
    if let Some(language) = track.and_then(|t| t.language.as_deref()) {
        name.push_str(&format!(" ({language})"));
    }
    let message =
        format!("The {name} is left out. {} The {} plays without it.", error.message, word(rest));
    Error { fatal: false, message, ..error }
}

/// Which track's decoder gave up, by the browser's words for it (Chromium: "audio decode error!",
/// "Failed to send video packet for decoding").
pub(super) fn culprit(message: &str) -> Option<TrackKind> {
    let says = |word: &str| {
        let mut places = message.as_bytes().windows(word.len());
        places.any(|it| it.eq_ignore_ascii_case(word.as_bytes()))
    };
    match (says("video"), says("audio")) {
        (true, false) => Some(TrackKind::Video),
        (false, true) => Some(TrackKind::Audio),
        _ => None,
    }
}

/// `error` of the track `lost` in the words for a viewer, when playback goes on with `rest`.
pub(in crate::player) fn left_out(
    tracks: &Tracks,
    manifest: &Manifest,
    lost: TrackId,
    rest: TrackKind,
    error: Error,
) -> Error {
    let Some(lost) = tracks.get(lost) else { return error };
    let track = manifest.presentation().and_then(|p| track_of(p, lost.place()));
    as_left_out(lost.kind(), track.filter(|t| t.kind == lost.kind()), rest, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::error::Code;
    use alloc::vec::Vec;

    const V: TrackKind = TrackKind::Video;
    const A: TrackKind = TrackKind::Audio;

    #[test]
    fn what_can_be_played_goes_on() {
        const P: TrackId = TrackId(0);
        const S: TrackId = TrackId(1);
        type Tracks<'a> = &'a [(TrackId, bool)];
        let cases: [(Tracks<'_>, TrackId, Fate); 6] = [
            (&[(P, false), (S, false)], S, Fate::GoesOn(P)),
            (&[(P, false), (S, false)], P, Fate::GoesOn(S)),
            (&[(P, false), (S, true)], S, Fate::GoesOn(P)),
            (&[(P, false), (S, true)], P, Fate::TakesOver(S)),
            (&[(S, false)], S, Fate::Ends),
            (&[(P, false)], P, Fate::Ends),
        ];
        for (tracks, lost, expected) in cases {
            assert_eq!(fate(tracks, lost), expected, "{tracks:?} without {lost:?}");
        }
    }

    #[test]
    fn the_decoder_that_gave_up_is_known_by_what_the_browser_says() {
        assert_eq!(culprit("PIPELINE_ERROR_DECODE: audio decode error!"), Some(A));
        assert_eq!(culprit("PIPELINE_ERROR_DECODE: Failed to send video packet"), Some(V));
        assert_eq!(culprit("CHUNK_DEMUXER_ERROR_APPEND_FAILED"), None);
    }

    #[test]
    fn the_track_and_the_reason_and_what_plays_are_named() {
        let error = Error {
            code: Code::NotYet,
            fatal: true,
            message: "It is not there.".into(),
            url: None,
            detail: String::new(),
        };
        let track = Track {
            id: "a".into(),
            kind: A,
            language: Some("fr".into()),
            label: Some("Main".into()),
            default: false,
            representations: Vec::new(),
        };
        let said = as_left_out(A, Some(&track), V, error.clone());
        let words =
            "The sound \"Main\" (fr) is left out. It is not there. The picture plays without it.";
        assert_eq!((said.message.as_str(), said.fatal), (words, false));
        let said = as_left_out(V, None, A, error);
        let words = "The picture is left out. It is not there. The sound plays without it.";
        assert_eq!(said.message, words);
    }
}
