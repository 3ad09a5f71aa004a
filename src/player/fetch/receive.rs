//! Taking what was asked for: initialization segments, indexes, media.

use super::cx::Cx;
use super::error::Error;
use super::io::{BlobId, FetchId};
use super::place::rep_of;
use super::requests::Sent;
use super::session::Session;
use super::track::download::News;
use super::track::wrapping::InitData;
use crate::media::isobmff::scan::{Fact, Scanner};
use crate::net::Failure;
use crate::net::retry::InARow;
use crate::presentation::TrackKind;
use alloc::format;
use alloc::vec::Vec;

impl Session {
    pub(super) fn on_init(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        bytes: Vec<u8>,
    ) {
        let mut facts = Vec::new();
        Scanner::new(&[]).feed(&bytes, &mut facts);
        let init = facts.into_iter().find_map(|f| match f {
            Fact::Init(init) => Some(init),
            _ => None,
        });
        let Some(stream) = self.streams.of_mut(kind) else { return };
        stream.fetching = None;
        match init {
            Some(init) => {
                stream.trouble.failed = InARow::default();
                let data = InitData { bytes, tracks: init.tracks };
                stream.keep_init(sent.resource.clone(), data);
            }
            None => self.unreadable(cx, kind, sent, &bytes, "an initialization segment (moov)"),
        }
    }

    pub(super) fn on_index(&mut self, cx: &mut Cx<'_>, kind: TrackKind, sent: &Sent, body: &[u8]) {
        let place = match self.streams.of_mut(kind) {
            Some(stream) => {
                stream.fetching = None;
                stream.place
            }
            None => return,
        };
        let rep = self.manifest.presentation().and_then(|p| {
            let period_start = p.periods.get(place.period)?.start;
            Some((rep_of(p, place)?.clone(), period_start))
        });
        let Some((rep, period_start)) = rep else { return };
        match super::manifest::index::read(body, &sent.resource, &rep, period_start) {
            Some(list) => self.manifest.index_read(sent.resource.clone(), list),
            None => self.unreadable(cx, kind, sent, body, "a segment index (sidx, indexRange)"),
        }
    }

    /// What came in place of `what` is not what a representation begins with.
    pub(super) fn unreadable(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        body: &[u8],
        what: &str,
    ) {
        let failure = if sent.is_page(body) { Failure::Page } else { Failure::Unreadable };
        let mut error = Error::of_request(&failure, &sent.resource.url, what);
        error.detail = format!("{} bytes", body.len());
        self.preliminary_trouble(cx, kind, error, sent.failed(cx.now, &failure));
    }

    pub(super) fn on_segment_answered(&mut self, cx: &mut Cx<'_>, id: FetchId) {
        let cmsd = self.requests.get(id).and_then(|s| s.head.cmsd.clone());
        let sent_at = self.requests.get(id).map_or(cx.now, |s| s.sent_at);
        self.note_had(cx, id, sent_at);
        self.note_cmsd(cx.now, cmsd.as_deref());
        self.quality.answer_begins(cx.now, self.head.is_growing());
    }

    pub(super) fn on_read(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        id: FetchId,
        blob: BlobId,
        len: u32,
        facts: Vec<Fact>,
    ) {
        self.note_level(cx.now);
        let news = self.streams.read(cx, kind, id, (blob, len), facts);
        let stream = self.streams.of_mut(kind);
        let changed = stream.is_some_and(|s| s.buffer.take_changed()) && kind == TrackKind::Video;
        if changed {
            self.head.relearn(cx.now);
        }
        self.on_news(cx, kind, id, news);
        self.note_read(cx, kind, id, len);
    }

    /// A read of a segment that is transmuxed here.
    pub(super) fn on_bytes(&mut self, cx: &mut Cx<'_>, kind: TrackKind, id: FetchId, bytes: &[u8]) {
        if let Some(sent) = self.requests.get(id).filter(|sent| sent.is_page(bytes)) {
            let url = sent.resource.url.clone();
            return self.on_damaged(cx, kind, id, "a web page", &url);
        }
        self.note_level(cx.now);
        self.streams.bytes(cx, kind, id, bytes);
        self.note_read(cx, kind, id, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    }

    /// All media of a segment is there.
    pub(super) fn on_segment_done(&mut self, cx: &mut Cx<'_>, kind: TrackKind, sent: &Sent) {
        if !self.streams.bytes_end(cx, kind, sent.id) {
            let (why, url) = ("no picture and no sound", &sent.resource.url);
            return self.on_damaged(cx, kind, sent.id, why, url);
        }
        self.quality.answer_ends(cx.now, self.head.is_growing());
        self.manifest.calm();
        let Some(stream) = self.streams.of(kind) else { return };
        let breaks_off = stream.breaks_off(sent.id);
        let news = self.streams.done(cx, kind, sent.id);
        self.on_news(cx, kind, sent.id, news);
        if breaks_off && self.head.is_growing() {
            // It grew to its end, and that is the Period's: the next one has begun.
            self.manifest.want(cx.now);
        }
    }

    pub(super) fn on_news(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        id: FetchId,
        news: Vec<News>,
    ) {
        for item in news {
            match item {
                News::Fragment { span, fresh } => {
                    if fresh && let Some((head, scene)) = self.head_parts(cx.now) {
                        head.note_arrival(cx.now, &scene, span.end);
                    }
                    if kind == TrackKind::Video && self.camera.picture(span) {
                        self.camera_changed(cx.now);
                    }
                }
                News::Captured { at, wall } if kind == TrackKind::Video => {
                    let found = self.camera.captured(at, wall);
                    if found.changed {
                        self.camera_changed(cx.now);
                    }
                    if found.new {
                        self.head.mark_new_picture();
                    }
                }
                News::Captured { .. } => {}
                News::Message { at, until, scheme, data } => {
                    self.manifest.message(cx.now, &scheme, &data);
                    if self.camera.message(at, until, &scheme, &data) {
                        self.camera_changed(cx.now);
                    }
                }
                News::Damaged { why, url } => self.on_damaged(cx, kind, id, why, &url),
            }
        }
    }
}
