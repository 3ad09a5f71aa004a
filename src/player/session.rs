//! One loaded address, from the first request to the end: its states, and which part an input
//! concerns.
//!
//! ```text
//! Loading --manifest--> Opening --types known, source open--> Running --+--> (on demand) the end
//!    |                     ^                                     |      |
//!    +--> Failed <---------+------- decoder died: rebuilt -------+ <----+ nothing helps
//! ```
//! Every input changes facts only; then [`Session::advance`] looks at all facts and does what is
//! due. So nothing depends on the order in which answers come, and a wake-up is an input like any
//! other.
//!
//! Each part owns its state, is handed the time, the outbox and a view of what it needs, and answers
//! what others have to react to:
//!
//! | part | owns |
//! |---|---|
//! | [`requests`](super::requests) | open requests and their timeouts |
//! | [`manifest`](super::manifest) | the presentation and its loading |
//! | [`clock`](super::clock), [`edge`](super::edge) | the origin's time; where the live edge is |
//! | [`select::Types`](super::select) | what the browser can play |
//! | [`track`](super::track) | the tracks: what is on its way, what their buffers hold |
//! | [`playhead`](super::playhead) | where it plays |
//! | [`quality`](super::quality) | which representation is fetched, and why |
//! | [`camera`](super::camera), [`figures`](super::figures), [`again`](super::again) | what is told; a stream that begins again |
//!
//! What a step of one part means for the others stands beside it, by subject: `loading` (manifests),
//! `origin` (edge), `opening`, `sniffing` and `without` (which tracks, and the MediaSource), `fetching`,
//! `receiving`, `silence` and `failing` (segments), `driving` (playhead), `switching` (quality), `report`.

use super::again::Again;
use super::camera::Camera;
use super::clock::{Clock, SET_BACK};
use super::cx::Cx;
use super::edge::Edge;
use super::error::{Code, Error, shown};
use super::event::{Event, QualityChoice, State};
use super::figures::Figures;
use super::io::{BufferEvent, Cue, FetchEvent, FetchId, Output, Snapshot, SourceEvent};
use super::manifest::Manifest;
use super::playhead::Playhead;
use super::quality::Adaptation;
use super::requests::{Heard, Purpose, Requests, Sent};
use super::select::Types;
use super::sniff::Sniff;
use super::track::Tracks;
use crate::live::search::Answer;
use crate::net::Failure;
use crate::presentation::TrackKind;
use crate::time::{Instant, Position, WallTime};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// How far it has got.
#[derive(Debug)]
pub(super) enum Stage {
    /// Waiting for the first manifest.
    Loading,
    /// Waiting for the browser.
    Opening {
        /// The MediaSource is open.
        opened: bool,
        /// Go on here afterwards: set when the MediaSource is rebuilt.
        resume: Option<Position>,
    },
    /// Fetching and playing.
    Running,
    /// Over.
    Failed,
}

/// One loaded address.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) url: String,
    pub(super) began: Instant,
    pub(super) stage: Stage,
    pub(super) requests: Requests,
    pub(super) manifest: Manifest,
    pub(super) clock: Clock,
    pub(super) types: Types,
    pub(super) streams: Tracks,
    pub(super) head: Playhead,
    pub(super) camera: Camera,
    pub(super) figures: Figures,
    /// Its buffers were added once; the page knows what there is.
    pub(super) told_loaded: bool,
    /// Transport streams that were looked into before their turn.
    pub(super) sniffs: Vec<Sniff>,
    pub(super) quality: Adaptation,
    pub(super) edge: Edge,
    /// Media to fetch ahead.
    pub(super) goal: Duration,
    pub(super) again: Again,
}

impl Session {
    pub(super) fn load(
        cx: &mut Cx<'_>,
        url: String,
        wall: WallTime,
        choice: QualityChoice,
    ) -> Self {
        let mut session = Self {
            manifest: Manifest::new(url.clone()),
            url,
            began: cx.now,
            stage: Stage::Loading,
            requests: Requests::default(),
            clock: Clock::new(cx.now, wall),
            types: Types::default(),
            streams: Tracks::default(),
            head: Playhead::new(cx.now),
            camera: Camera::default(),
            figures: Figures::default(),
            told_loaded: false,
            sniffs: Vec::new(),
            quality: Adaptation::new(choice),
            edge: Edge::default(),
            goal: cx.config.buffer_ahead,
            again: Again::default(),
        };
        session.report_state(cx);
        session.advance(cx);
        session
    }

    /// Ends it; nothing of it is left on its way.
    pub(super) fn stop(mut self, cx: &mut Cx<'_>) {
        self.requests.cancel_all(cx);
        self.streams.stop(cx);
        cx.push(Output::CloseSource);
    }

    pub(super) fn on_fetch(&mut self, cx: &mut Cx<'_>, id: FetchId, event: FetchEvent) {
        let purpose = self.requests.get(id).map(|s| s.purpose);
        let Some((heard, sent)) = self.requests.hear(cx, id, event) else { return };
        match (heard, sent, purpose) {
            (Heard::Nothing, _, Some(Purpose::Sniff(kind))) => self.on_sniff_read(cx, kind, id),
            (Heard::Nothing, ..) => {}
            (Heard::Answered, _, Some(Purpose::Segment(_))) => {
                self.on_segment_answered(cx, id);
            }
            (Heard::Answered, _, Some(Purpose::Scout)) => {
                self.requests.cancel(cx, id);
                self.edge.answered(cx.now, id, Some(Answer::Exists));
            }
            (Heard::Answered, ..) => {}
            (Heard::Read { blob, len, facts }, _, Some(Purpose::Segment(kind))) => {
                self.on_read(cx, kind, id, blob, len, facts);
            }
            (Heard::Bytes(bytes), _, Some(Purpose::Segment(kind))) => {
                self.on_bytes(cx, kind, id, &bytes);
            }
            (Heard::Read { blob, len, .. }, ..) => {
                cx.push(Output::Release(blob));
                self.on_probe_read(cx, id, len);
            }
            (Heard::Whole(body), Some(sent), _) => self.on_whole(cx, &sent, body),
            (Heard::Done, Some(sent), _) => self.on_done(cx, &sent),
            (Heard::Failed(failure), Some(sent), _) => self.on_failed(cx, &sent, &failure),
            _ => {}
        }
    }

    fn on_whole(&mut self, cx: &mut Cx<'_>, sent: &Sent, body: Vec<u8>) {
        match sent.purpose {
            Purpose::Manifest => self.on_manifest(cx, sent, &body),
            Purpose::Clock => {
                if let Some(p) = self.manifest.presentation() {
                    self.clock.answered(cx.now, sent, &body, p);
                }
            }
            Purpose::Init(kind) => self.on_init(cx, kind, sent, body),
            Purpose::Index(kind) => self.on_index(cx, kind, sent, &body),
            Purpose::Playlist => self.on_playlist(cx, sent, &body),
            Purpose::Sniff(kind) => self.on_sniffed(cx, kind, sent, body),
            Purpose::Again => {
                self.again.answered(sent, Some(&body), self.head.snap().ended);
            }
            Purpose::Segment(_) | Purpose::Probe | Purpose::Scout => {}
        }
    }

    fn on_done(&mut self, cx: &mut Cx<'_>, sent: &Sent) {
        match sent.purpose {
            Purpose::Segment(kind) => self.on_segment_done(cx, kind, sent),
            Purpose::Probe => self.on_probe_over(cx.now, sent),
            _ => {}
        }
    }

    fn on_failed(&mut self, cx: &mut Cx<'_>, sent: &Sent, failure: &Failure) {
        match sent.purpose {
            Purpose::Manifest => self.on_manifest_failed(cx, sent, failure),
            Purpose::Clock => {
                if let Some(p) = self.manifest.presentation() {
                    self.clock.failed(cx.now, p);
                }
            }
            Purpose::Playlist => self.on_playlist_failed(cx, sent, failure),
            Purpose::Sniff(kind) if self.on_sniff_failed(kind) => {}
            Purpose::Init(kind) | Purpose::Index(kind) | Purpose::Sniff(kind) => {
                self.on_preliminary_failed(cx, kind, sent, failure);
            }
            Purpose::Segment(kind) => self.on_segment_failed(cx, kind, sent, failure),
            Purpose::Probe => self.on_probe_over(cx.now, sent),
            Purpose::Scout => self.edge.not_answered(cx.now, sent.id, failure),
            Purpose::Again => self.again.answered(sent, None, self.head.snap().ended),
        }
    }

    pub(super) fn on_buffer(&mut self, cx: &mut Cx<'_>, kind: TrackKind, event: BufferEvent) {
        match event {
            BufferEvent::Updated { ranges } => {
                if let Some(stream) = self.streams.of_mut(kind) {
                    stream.buffer.updated(ranges);
                }
            }
            BufferEvent::Full => self.on_full(cx, kind),
            BufferEvent::Failed(text) => self.on_append_failed(cx, kind, text),
        }
    }

    pub(super) fn on_source(&mut self, cx: &mut Cx<'_>, event: SourceEvent) {
        match event {
            SourceEvent::Opened => {
                if let Stage::Opening { opened, .. } = &mut self.stage {
                    *opened = true;
                }
            }
            SourceEvent::Supported(types) => self.types.answered(types),
            SourceEvent::Failed { code, message } => self.on_decoder_died(cx, code, message),
        }
    }

    pub(super) fn on_snapshot(&mut self, cx: &mut Cx<'_>, snap: Snapshot) {
        if let Some(slept) = self.clock.slept(cx.now, snap.wall) {
            self.on_woke(cx, slept);
        }
        if snap.cue == Cue::Online {
            self.on_online(cx);
        }
        let shown_again = snap.cue == Cue::Visibility && !snap.hidden;
        let turned = snap.muted != self.head.snap().muted;
        let change = self.head.look(cx.now, snap);
        if turned {
            self.on_configured(cx);
        }
        self.on_change(cx, change, shown_again);
        self.note_frames(cx.now);
    }

    /// Looks at everything and does what is due.
    pub(super) fn advance(&mut self, cx: &mut Cx<'_>) {
        for sent in self.requests.expire(cx) {
            self.on_failed(cx, &sent, &Failure::Timeout);
        }
        self.types.forgive(cx.now);
        if !matches!(self.stage, Stage::Failed) {
            self.manifest.poll(cx, &mut self.requests);
            if let Some(p) = self.manifest.presentation() {
                self.clock.ask(cx, &mut self.requests, p);
            }
            let moved = self.clock.moved(cx.now);
            self.edge.clock_moved(moved);
            if moved < -SET_BACK {
                self.on_clock_set_back(cx);
            }
            self.advance_opening(cx);
        }
        if matches!(self.stage, Stage::Running) {
            self.advance_edge(cx);
            self.advance_start(cx);
            self.advance_streams(cx);
            self.streams.follow_feeds();
            self.advance_head(cx);
            self.advance_probe(cx);
            self.advance_buffers(cx);
            let (manifest, streams, url) = (&self.manifest, &self.streams, &self.url);
            let list = || manifest.list_address(streams).unwrap_or_else(|| url.clone());
            self.again.poll(cx, &mut self.requests, self.head.snap().ended, list);
        }
        if !matches!(self.stage, Stage::Failed) {
            // By now it is known which of them the streams are on.
            self.manifest.poll_lists(cx, &mut self.requests, &self.streams);
        }
        self.report(cx);
    }

    pub(super) fn is_live(&self) -> bool {
        self.head.is_live()
    }

    /// A stream that had ended is live anew: all of it is to be loaded again.
    pub(super) const fn has_begun_again(&self) -> bool {
        self.again.has_begun()
    }

    /// Eviction, room, the end of the stream.
    fn advance_buffers(&mut self, cx: &mut Cx<'_>) {
        let position = self.head.position(cx.now);
        if self.head.is_placed() {
            self.streams.keep(cx, &mut self.requests, position);
        }
        let over = self.streams.all_over();
        if over && !self.is_live() && self.streams.hold_nothing() {
            let message = "None of the film's media is there; check the address, and what the \
                           encoder wrote.";
            return self.trouble(
                cx,
                Error {
                    code: Code::NothingToPlay,
                    fatal: true,
                    message: message.into(),
                    url: Some(shown(&self.url)),
                    detail: String::new(),
                },
            );
        }
        if over && !cx.end_said() {
            cx.push(Output::EndOfStream);
        }
    }

    /// The browser has no room for what was to be appended.
    fn on_full(&mut self, cx: &mut Cx<'_>, kind: TrackKind) {
        let Some(stream) = self.streams.of_mut(kind) else { return };
        if stream.buffer.has_no_room() {
            let error = Error {
                code: Code::Quota,
                fatal: false,
                message: "The browser has no room for more media; less is kept from now on.".into(),
                url: None,
                detail: alloc::format!("{kind:?}"),
            };
            self.trouble(cx, error);
        }
    }

    /// Media ahead of the element.
    pub(super) fn ahead(&self, now: Instant) -> Duration {
        let at = self.head.position(now);
        self.streams.buffered_to(at).since(at)
    }

    /// Says that something went wrong, and ends everything if nothing helps.
    pub(super) fn trouble(&mut self, cx: &mut Cx<'_>, error: Error) {
        self.figures.errors = self.figures.errors.saturating_add(1);
        let fatal = error.fatal;
        cx.emit(Event::Error(error));
        if fatal {
            self.requests.cancel_all(cx);
            self.stage = Stage::Failed;
            self.head.give_up(cx);
        }
    }

    pub(super) fn state(&self) -> State {
        match self.stage {
            Stage::Failed => State::Failed,
            Stage::Loading => State::Starting,
            Stage::Opening { .. } if self.head.moved().is_some() => State::Stalled,
            Stage::Opening { .. } | Stage::Running => self.head.state(),
        }
    }
}
