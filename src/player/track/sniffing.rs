//! Which tracks a transport stream has, and of which codecs: known only from its bytes, and a
//! MediaSource wants to know it before anything is appended.
//!
//! ```text
//! first segment, whole --all there--> settled: buffers can be added
//!        |                               ^
//!        +--a track is missing--> the next one, then one more: its tables, and the rest of it only
//!                                 where they name the missing track
//! ```
//! A push encoder may send sound before the camera delivers, or the other way round; RFC 8216bis 3.1
//! wants the same tracks throughout. What was read whole is kept for its turn.

use super::cx::Cx;
use super::error::{Code, Error, shown};
use super::io::{Body, FetchId};
use super::requests::{Patience, Purpose, Sent};
use super::session::Session;
use super::sniff::{Found, Sniff, Whole, complete};
use super::track::stream::Stream;
use super::track::transport::Transport;
use crate::presentation::{Representation, Resource, Segment, TrackKind};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// So many segments are looked at before the tracks are settled.
const LOOKED_AT: u32 = 3;
/// The tables stand at a segment's start; behind so many bytes they are not looked for.
const TABLES: usize = 128 << 10;

impl Session {
    /// Sees to it that the tracks of a transport stream get known; answers whether they are.
    /// `segment` is the one to begin with.
    pub(super) fn advance_sniff(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        rep: &Representation,
        segment: Segment,
    ) -> bool {
        let separate =
            kind == TrackKind::Video && self.streams.iter().any(|s| s.kind == TrackKind::Audio);
        let Some(sniff) = self.sniffs.iter().find(|s| s.kind == kind) else {
            let (found, bodies) = (Found::default(), Vec::new());
            let number = segment.number;
            self.sniffs.push(Sniff { kind, found, looked: 0, number, bodies });
            self.send_sniff(cx, kind, &segment.resource);
            return false;
        };
        let next = if sniff.looked == 0 { segment.number } else { sniff.number.saturating_add(1) };
        let over = sniff.looked >= LOOKED_AT || complete(&sniff.found, kind, rep, separate);
        match rep.segments.numbered(next).filter(|s| !over && !s.gap) {
            Some(segment) => {
                if let Some(sniff) = self.sniffs.iter_mut().find(|s| s.kind == kind) {
                    sniff.number = segment.number;
                }
                self.send_sniff(cx, kind, &segment.resource);
                false
            }
            None => self.settle_tracks(cx, kind, separate, &segment.resource),
        }
    }

    fn send_sniff(&mut self, cx: &mut Cx<'_>, kind: TrackKind, resource: &Resource) {
        let patience = Patience::even(cx.config.request_timeout);
        let id = self.requests.send(cx, Purpose::Sniff(kind), resource, Body::Bytes, patience);
        if let Some(stream) = self.streams.of_mut(kind) {
            stream.fetching = Some((id, resource.clone()));
        }
    }

    /// More of a segment has come: where its tables name nothing new, the rest is not read.
    pub(super) fn on_sniff_read(&mut self, cx: &mut Cx<'_>, kind: TrackKind, id: FetchId) {
        let Some(sniff) = self.sniffs.iter_mut().find(|s| s.kind == kind) else { return };
        let beginning = self.requests.get(id).map_or(&[][..], Sent::body);
        if sniff.looked == 0
            || beginning.len() > TABLES
            || sniff.found.promises_more(beginning) != Some(false)
        {
            return;
        }
        sniff.looked += 1;
        self.requests.give_up(cx, id);
        if let Some(stream) = self.streams.of_mut(kind) {
            stream.fetching = None;
        }
    }

    pub(super) fn on_sniffed(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        bytes: Vec<u8>,
    ) {
        if sent.is_page(&bytes) {
            if !self.on_sniff_failed(kind) {
                if let Some(stream) = self.streams.of_mut(kind) {
                    stream.fetching = None;
                }
                self.unreadable(cx, kind, sent, &bytes, "the start of the media");
            }
            return;
        }
        if let Some(stream) = self.streams.of_mut(kind) {
            stream.fetching = None;
        }
        if let Some(sniff) = self.sniffs.iter_mut().find(|s| s.kind == kind) {
            sniff.looked += 1;
            sniff.found.look(&bytes);
            let (number, resource) = (sniff.number, sent.resource.clone());
            sniff.bodies.push(Whole { number, resource, bytes });
        }
    }

    /// A segment did not come; answers whether the others say enough.
    pub(super) fn on_sniff_failed(&mut self, kind: TrackKind) -> bool {
        let Some(sniff) = self.sniffs.iter_mut().find(|s| s.kind == kind) else { return false };
        if sniff.looked == 0 {
            return false;
        }
        sniff.looked = LOOKED_AT;
        if let Some(stream) = self.streams.of_mut(kind) {
            stream.fetching = None;
        }
        true
    }

    fn settle_tracks(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        separate: bool,
        resource: &Resource,
    ) -> bool {
        let Some(sniff) = self.sniffs.iter_mut().find(|s| s.kind == kind) else { return false };
        let found = core::mem::take(&mut sniff.found);
        let video = found.video.as_ref().map(|c| format!("video/mp4; codecs=\"{c}\""));
        let audio = found.audio.as_ref().map(|c| format!("audio/mp4; codecs=\"{c}\""));
        let own = if kind == TrackKind::Video { video } else { audio.clone() };
        // A variant with sound alone looks like one with a picture until it is read.
        let (own, settled) = match (own, &audio) {
            (Some(own), _) => (own, kind),
            (None, Some(audio)) if !separate => (audio.clone(), TrackKind::Audio),
            _ => {
                let size = sniff.bodies.iter().map(|b| b.bytes.len()).sum::<usize>();
                let error = nothing_known(found.other, size, resource);
                self.go_without(cx, kind, error);
                return false;
            }
        };
        sniff.kind = settled;
        let muxed = audio.filter(|_| settled == TrackKind::Video && !separate);
        let Some(stream) = self.streams.of_mut(kind) else { return false };
        stream.kind = settled;
        stream.buffer.is_to_be(settled, own);
        stream.transport = Some(Transport::new(found.sound.filter(|_| muxed.is_some())));
        if let Some(audio) = muxed {
            let mut sound =
                Stream::new(TrackKind::Audio, stream.place, audio, stream.cursor.position());
            sound.passive = true;
            self.streams.push(sound);
        }
        true
    }

    /// The bytes of a segment, if it was read before its turn. Those before it are wanted no more.
    /// (Another variant may number its own alike.)
    pub(super) fn take_sniffed(&mut self, kind: TrackKind, segment: &Segment) -> Option<Vec<u8>> {
        let sniff = self.sniffs.iter_mut().find(|s| s.kind == kind)?;
        sniff.bodies.retain(|body| body.number >= segment.number);
        let i = sniff.bodies.iter().position(|body| body.resource == segment.resource)?;
        Some(sniff.bodies.swap_remove(i).bytes)
    }
}

fn nothing_known(other: Option<String>, size: usize, resource: &Resource) -> Error {
    let what = other.unwrap_or_else(|| "nothing that is known".to_string());
    Error {
        code: Code::NotYet,
        fatal: true,
        message: format!(
            "The transport stream carries {what}, which cannot be played yet; encode it as H.264 \
             with AAC."
        ),
        url: Some(shown(&resource.url)),
        detail: format!("{size} bytes"),
    }
}
