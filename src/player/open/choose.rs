//! Chooses the tracks that are played: one video and one audio track, if the browser can play them.

use super::{Opening, without};
use crate::player::cx::Cx;
use crate::player::error::{Code, Error, shown};
use crate::player::place::Place;
use crate::player::select;
use crate::presentation::{Kind, Presentation, Track, TrackKind};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl Opening<'_> {
    /// Chooses a video and an audio track.
    pub(super) fn choose(&mut self, cx: &mut Cx<'_>, p: &Presentation) -> Result<(), Error> {
        let live = matches!(p.kind, Kind::Live(_));
        // A live presentation starts in its last Period.
        let period_index = if live { p.periods.len().saturating_sub(1) } else { 0 };
        let Some(period) = p.periods.get(period_index) else {
            return Err(nothing_to_play(self.url));
        };
        let mut refused = Vec::new();
        for kind in [TrackKind::Video, TrackKind::Audio] {
            let Some(track) = select::track(period, kind, self.types, None) else {
                refused.extend(period.tracks.iter().filter(|t| t.kind == kind));
                continue;
            };
            let Some(t) = period.tracks.get(track) else { continue };
            // An HLS presentation is known to be live only once its playlists have arrived.
            let sure = live && !self.manifest.is_hls();
            let Some(rep) = self.quality.first(cx.now, self.types, t, sure) else { continue };
            let Some(mime) = t.representations.get(rep).and_then(|r| r.mime(kind)) else {
                continue;
            };
            let place = Place { period: period_index, track, rep };
            let wanted = Track { representations: Vec::new(), ..t.clone() };
            self.tracks.add(kind, place, mime, period.start).wants(wanted);
        }
        if self.tracks.is_empty() {
            return Err(self.why_nothing_plays(period.tracks.iter()));
        }
        if let (Some(lost), Some(rest)) = (refused.first(), self.tracks.first()) {
            let error = self.why_nothing_plays(refused.iter().copied());
            let error = without::as_left_out(lost.kind, Some(lost), rest.kind(), error);
            self.report_error(cx, error);
        }
        Ok(())
    }

    fn why_nothing_plays<'a>(&self, tracks: impl Iterator<Item = &'a Track>) -> Error {
        let mut codecs: Vec<&str> = Vec::new();
        for rep in tracks.flat_map(|t| &t.representations) {
            if let Some(error) = select::unplayable(rep, self.url) {
                return error;
            }
            if !rep.codecs.is_empty() && !codecs.contains(&rep.codecs.as_str()) {
                codecs.push(&rep.codecs);
            }
        }
        if codecs.is_empty() {
            return nothing_to_play(self.url);
        }
        cannot_play(self.url, codecs.join(", "))
    }
}

/// The error for codecs that the browser cannot play.
pub(super) fn cannot_play(url: &str, codecs: String) -> Error {
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

/// The error for a film that was fetched to its end without receiving any media.
pub(super) fn nothing_came(url: &str) -> Error {
    let message =
        "None of the film's media is there; check the address, and what the encoder wrote.";
    Error {
        code: Code::NothingToPlay,
        fatal: true,
        message: message.into(),
        url: Some(shown(url)),
        detail: String::new(),
    }
}
