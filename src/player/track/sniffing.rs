//! Which tracks a transport stream has, and of which codecs: known only from its bytes, and a
//! MediaSource wants to know it before anything is appended.
//!
//! ```text
//! first segment, as it comes --all that is wanted--> settled: buffers can be added
//!        |                                             ^
//!        +--all that its tables name, or its end--> the next one, then one more: its tables, and the
//!                                                   rest of it only where they name a missing track
//! ```
//! The request of the first segment goes on, and serves when its turn comes.
//! A push encoder may send sound before the camera delivers, or the other way round; RFC 8216bis 3.1
//! wants the same tracks throughout. What was read whole is kept for its turn.

use super::Tracks;
use super::sniff::{Begun, Found, Sniff, Sniffed, Whole, is_silent};
use super::transport::Transport;
use crate::player::cx::Cx;
use crate::player::error::{Code, Error, shown};
use crate::player::io::{FetchId, TrackId};
use crate::player::requests::{Patience, Purpose, Requests, Sent};
use crate::presentation::reads::Hls;
use crate::presentation::{Representation, Resource, Segment, TrackKind};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// After this many segments the tracks are settled, complete or not.
const LOOKED_AT: u32 = 3;
/// The tables (PAT, PMT) stand at a segment's start; they are searched in its first bytes only.
const TABLES: usize = 128 << 10;

impl Tracks {
    /// Finds out which tracks a transport stream has, beginning with `segment`. Answers whether that is
    /// known now.
    ///
    /// # Errors
    /// The stream has nothing that can be played.
    pub(in crate::player) fn sniff(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        track: TrackId,
        rep: &Representation,
        segment: &Segment,
    ) -> Result<bool, Error> {
        let Some(reads) = Hls::token() else { return Err(not_read(&segment.resource)) };
        let sound = self.list.iter().any(|s| s.kind == TrackKind::Audio);
        let Some(stream) = self.get_mut(track) else { return Ok(false) };
        let separate = stream.kind == TrackKind::Video && sound;
        let ask = match &mut stream.sniff {
            None => {
                stream.sniff = Some(Sniff::new(reads, segment.number));
                segment.clone()
            }
            Some(sniff) => {
                let next =
                    if sniff.looked == 0 { segment.number } else { sniff.number.saturating_add(1) };
                let over = sniff.looked >= LOOKED_AT || sniff.is_complete(stream.kind);
                match rep.segments.numbered(next).filter(|s| !over && !s.gap) {
                    Some(segment) => {
                        sniff.number = segment.number;
                        segment
                    }
                    None => return self.settle(track, separate, &segment.resource),
                }
            }
        };
        if let Some(sniff) = &mut stream.sniff {
            sniff.silent = separate || is_silent(rep);
            sniff.begin();
        }
        stream.ask_before(cx, requests, Purpose::Sniff(track), ask.resource);
        Ok(false)
    }

    /// More of a segment has come. When the first one has shown every track that its tables name, the rest of it
    /// can wait for its turn; when the tables of another name no missing track, its request is cancelled.
    pub(in crate::player) fn sniff_read(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        track: TrackId,
        id: FetchId,
    ) {
        let Some(stream) = self.get_mut(track).filter(|_| Hls::token().is_some()) else { return };
        let Some(sniff) = stream.sniff.as_mut().filter(|sniff| !sniff.has_begun(id)) else {
            return;
        };
        let Some(sent) = requests.get(id) else { return };
        let body = sent.body();
        let tables = body.get(..TABLES);
        let promises = |sniff: &Sniff| sniff.found.promises_more(tables.unwrap_or(body));
        if sniff.looked > 0 {
            if tables.is_none() && promises(sniff) == Some(false) {
                sniff.looked += 1;
                requests.give_up(cx, id);
                stream.fetching = None;
            }
        } else if !sent.is_page(body) {
            sniff.look(body, false);
            if sniff.is_complete(stream.kind) || promises(sniff) == Some(false) {
                sniff.looked = 1;
                let (number, resource) = (sniff.number, sent.resource.clone());
                sniff.begun = Some(Begun { number, resource, id });
                stream.fetching = None;
            }
        }
    }

    /// A segment came, whole.
    pub(in crate::player) fn sniffed(&mut self, track: TrackId, sent: &Sent, bytes: Vec<u8>) {
        let Some(stream) = self.get_mut(track).filter(|_| Hls::token().is_some()) else { return };
        let Some(sniff) = &mut stream.sniff else { return };
        let mut number = sniff.number;
        match sniff.begun.take_if(|begun| begun.id == sent.id) {
            Some(begun) => number = begun.number,
            None => {
                stream.fetching = None;
                sniff.looked += 1;
                sniff.look(&bytes, true);
            }
        }
        sniff.bodies.push(Whole { number, resource: sent.resource.clone(), bytes });
    }

    /// A segment did not come; answers whether the others say enough.
    pub(in crate::player) fn sniff_failed(&mut self, track: TrackId, id: FetchId) -> bool {
        let Some(stream) = self.get_mut(track) else { return false };
        let known = match &mut stream.sniff {
            Some(sniff) if sniff.has_begun(id) => {
                // All of it is asked for again in its turn.
                sniff.begun = None;
                return true;
            }
            Some(sniff) if sniff.looked > 0 => {
                sniff.looked = LOOKED_AT;
                true
            }
            _ => false,
        };
        stream.fetching = None;
        known
    }

    /// The tracks are what was found.
    fn settle(
        &mut self,
        track: TrackId,
        separate: bool,
        resource: &Resource,
    ) -> Result<bool, Error> {
        let Some(stream) = self.get_mut(track) else { return Ok(false) };
        let Some(sniff) = &mut stream.sniff else { return Ok(false) };
        let kind = stream.kind;
        let Found { video, audio, sound, other } = core::mem::take(&mut sniff.found);
        let video = video.map(|codec| format!("video/mp4; codecs=\"{codec}\""));
        let audio = audio.map(|codec| format!("audio/mp4; codecs=\"{codec}\""));
        let own = if kind == TrackKind::Video { video } else { audio.clone() };
        // A playlist does not say whether a variant is sound alone.
        let (own, settled) = match (own, &audio) {
            (Some(own), _) => (own, kind),
            (None, Some(audio)) if !separate => (audio.clone(), TrackKind::Audio),
            _ => {
                let size = sniff.bodies.iter().map(|b| b.bytes.len()).sum::<usize>();
                return Err(nothing_known(other, size, resource));
            }
        };
        let muxed = audio.filter(|_| settled == TrackKind::Video && !separate);
        stream.kind = settled;
        stream.buffer.is_to_be(own);
        stream.transport = Some(Transport::new(sniff.reads, sound.filter(|_| muxed.is_some())));
        if let Some(audio) = muxed {
            let (place, at) = (stream.place, stream.cursor.position());
            self.add(TrackKind::Audio, place, audio, at).passive = true;
        }
        Ok(true)
    }

    /// What has come of a segment before its turn; what came of older ones is dropped. (Segments are told
    /// apart by address: another variant may use the same numbers.)
    pub(in crate::player) fn take_sniffed(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        track: TrackId,
        segment: &Segment,
        patience: Patience,
    ) -> Option<Sniffed> {
        let sniff = self.get_mut(track)?.sniff.as_mut()?;
        sniff.bodies.retain(|body| body.number >= segment.number);
        let of = |resource: &Resource| *resource == segment.resource;
        if let Some(begun) =
            sniff.begun.take_if(|it| it.number <= segment.number || of(&it.resource))
        {
            let id = begun.id;
            if of(&begun.resource) {
                let (bytes, since) = requests.turn_to(id, Purpose::Segment(track), patience)?;
                return Some(Sniffed::Begun { id, bytes, since });
            }
            requests.cancel(cx, id);
        }
        let i = sniff.bodies.iter().position(|body| of(&body.resource))?;
        Some(Sniffed::Whole(sniff.bodies.swap_remove(i).bytes))
    }
}

fn nothing_known(other: Option<String>, size: usize, resource: &Resource) -> Error {
    let what = other.unwrap_or_else(|| "nothing that is known".to_string());
    let message = format!(
        "The transport stream carries {what}, which cannot be played yet; encode it as H.264 \
         with AAC."
    );
    error(resource, message, format!("{size} bytes"))
}

fn not_read(resource: &Resource) -> Error {
    let message = "This build of the player reads no transport streams; use nearlive.wasm.";
    error(resource, message.to_string(), String::new())
}

fn error(resource: &Resource, message: String, detail: String) -> Error {
    let url = Some(shown(&resource.preferred()));
    Error { code: Code::NotYet, fatal: true, message, url, detail }
}
