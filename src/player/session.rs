//! One loaded address, from the first request to the end: which part an input concerns, and what the answer of one
//! part means for the others.
//!
//! Every input changes facts only; then [`Session::advance`] looks at all facts and does what is due. So nothing
//! depends on the order in which answers come, and a wake-up is an input like any other.
//!
//! [`crate::player`] lists the parts and what each owns. A step that needs several of them borrows these, some to
//! change and some to read: [`Fetch`] changes tracks, requests and quality; [`Drive`] playhead, camera and tracks;
//! [`Opening`] all that goes with the MediaSource; [`Report`] only reads. No other file makes these borrows.

use super::again::Again;
use super::camera::Camera;
use super::clock::{Clock, SET_BACK};
use super::cx::Cx;
use super::edge::{self, Edge, Found};
use super::error::Error;
use super::event::{Event, QualityChoice, State};
use super::fetch::{Fetch, Step, Wish};
use super::figures::Figures;
use super::io::{
    BlobId, BufferEvent, Cue, FetchEvent, FetchId, Output, Snapshot, SourceEvent, TrackId,
};
use super::manifest::{Loaded, Manifest};
use super::open::{Opening, Stage, set_duration};
use super::playhead::{Drive, Playhead};
use super::quality::Adaptation;
use super::report::Report;
use super::requests::{Heard, Purpose, Requests, SILENT, Sent};
use super::retries::Need;
use super::select::Types;
use super::sight::Sight;
use super::track::Tracks;
use super::track::download::News;
use crate::live::search::Answer;
use crate::media::scan::Fact;
use crate::net::Failure;
use crate::net::retry::Failed;
use crate::presentation::{Kind, Presentation};
use crate::time::{Duration, Instant, WallTime};
use alloc::string::String;
use alloc::vec::Vec;

/// The most steps of a track in one go: a manifest may list gaps without end.
const MOST_STEPS: u32 = 64;

/// One loaded address.
#[derive(Debug)]
pub(super) struct Session {
    url: String,
    began: Instant,
    stage: Stage,
    requests: Requests,
    manifest: Manifest,
    clock: Clock,
    types: Types,
    tracks: Tracks,
    head: Playhead,
    camera: Camera,
    figures: Figures,
    pub(super) quality: Adaptation,
    edge: Edge,
    again: Again,
}

impl Session {
    pub(super) fn load(
        cx: &mut Cx<'_>,
        url: String,
        wall: WallTime,
        choice: QualityChoice,
    ) -> Self {
        let limits = cx.config.limits.clone();
        let mut session = Self {
            manifest: Manifest::new(url.clone()),
            url,
            began: cx.now,
            stage: Stage::default(),
            requests: Requests::default(),
            clock: Clock::new(cx.now, wall),
            types: Types::default(),
            tracks: Tracks::default(),
            head: Playhead::new(cx.now),
            camera: Camera::default(),
            figures: Figures::default(),
            quality: Adaptation::new(choice, limits),
            edge: Edge::default(),
            again: Again::default(),
        };
        session.report_state(cx);
        session.advance(cx);
        session
    }

    /// Ends it: cancels its requests, frees its bytes.
    pub(super) fn stop(mut self, cx: &mut Cx<'_>) {
        self.requests.cancel_all(cx);
        self.tracks.stop(cx);
        cx.push(Output::CloseSource);
    }

    /// The address to load again, if the stream had ended and is live again.
    pub(super) fn begun_again(&self) -> Option<String> {
        self.again.has_begun().then(|| self.url.clone())
    }

    /// Plays as soon as it can.
    pub(super) const fn play(&mut self) {
        self.head.play_when_placed();
    }

    /// Notes what the next step waits for, for the statistics.
    pub(super) const fn waits_for(&mut self, words: &'static str) {
        self.figures.waiting_for = words;
    }

    // What an input means.

    /// An input comes, which the page's own script may have kept.
    pub(super) fn on_input(&mut self, cx: &Cx<'_>) {
        if self.head.page_was_busy(cx) {
            self.requests.page_was_busy(cx);
        }
    }

    pub(super) fn on_fetch(&mut self, cx: &mut Cx<'_>, id: FetchId, event: FetchEvent) {
        let purpose = self.requests.get(id).map(|s| s.purpose);
        let Some((heard, sent)) = self.requests.hear(cx, id, event) else { return };
        match (heard, sent, purpose) {
            (Heard::Nothing, _, Some(Purpose::Sniff(track))) => {
                self.tracks.sniff_read(cx, &mut self.requests, track, id);
            }
            (Heard::Answered, _, Some(Purpose::Segment(track))) => {
                self.on_segment_answered(cx, track, id);
            }
            (Heard::Answered, _, Some(Purpose::Scout)) => {
                self.requests.cancel(cx, id);
                self.edge.scout_answered(cx.now, id, Some(Answer::Exists));
            }
            (Heard::Nothing | Heard::Answered, ..) => {}
            (Heard::Read { blob, len, facts }, _, Some(Purpose::Segment(track))) => {
                self.on_read(cx, (track, id), (blob, len), facts);
            }
            (Heard::Bytes(bytes), _, Some(Purpose::Segment(track))) => {
                self.on_bytes(cx, track, id, &bytes);
            }
            (Heard::Read { blob, len, .. }, ..) => {
                cx.push(Output::Release(blob));
                self.fetch(cx, |fetch, cx| fetch.probe_read(cx, id, len));
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
            Purpose::Clock => self.clock.answered(cx.now, sent, &body),
            Purpose::Index(_) if self.manifest.index_goes_on(&mut self.tracks, sent, &body) => {}
            Purpose::Init(track) | Purpose::Index(track) => {
                let index = self.fetch(cx, |fetch, cx| fetch.preliminary(cx, track, sent, body));
                self.manifest.index_read(index);
            }
            Purpose::Playlist => self.on_playlist(cx, sent, &body),
            Purpose::Sniff(track) => {
                self.fetch(cx, |fetch, cx| fetch.sniffed(cx, track, sent, body))
            }
            Purpose::Again => self.again.answered(sent, Some(&body), self.head.snap().ended),
            Purpose::Segment(_) | Purpose::Probe | Purpose::Scout => {}
        }
    }

    fn on_done(&mut self, cx: &mut Cx<'_>, sent: &Sent) {
        match sent.purpose {
            Purpose::Segment(track) => self.on_segment_done(cx, track, sent),
            Purpose::Probe => self.fetch(cx, |fetch, cx| fetch.probe_over(cx.now, sent.id)),
            _ => {}
        }
    }

    fn on_failed(&mut self, cx: &mut Cx<'_>, sent: &Sent, failure: &Failure) {
        match sent.purpose {
            Purpose::Manifest => {
                let error = Error::of_request(failure, &sent.url, "the manifest");
                let error = error.with_reason(sent.reason());
                self.manifest_trouble(cx, error, Some(sent.failed(cx.now, failure)));
            }
            Purpose::Clock => self.clock.failed(cx.now),
            Purpose::Playlist => {
                let error = Error::of_request(failure, &sent.url, "the playlist");
                self.playlist_trouble(cx, sent, error, Some(failure));
            }
            // The connection broke, or the length was said wrong; the media is whole.
            Purpose::Segment(track) if self.tracks.has_all_of(track, sent.id) => {
                self.on_segment_done(cx, track, sent);
            }
            Purpose::Index(_) if self.manifest.index_ends(&mut self.tracks, sent, failure) => {}
            _ if self.requests.moves_on(sent) => self.on_dropped(cx, sent),
            Purpose::Sniff(track) if self.tracks.sniff_failed(track, sent.id) => {}
            Purpose::Init(track) | Purpose::Index(track) | Purpose::Sniff(track) => {
                self.fetch(cx, |fetch, cx| fetch.preliminary_failed(cx, track, sent, failure));
            }
            Purpose::Segment(track) => {
                self.fetch(cx, |fetch, cx| fetch.segment_failed(cx, track, sent, failure));
            }
            Purpose::Probe => self.fetch(cx, |fetch, cx| fetch.probe_over(cx.now, sent.id)),
            Purpose::Scout => self.edge.scout_failed(cx.now, sent.id, failure),
            Purpose::Again => self.again.answered(sent, None, self.head.snap().ended),
        }
    }

    pub(super) fn on_buffer(&mut self, cx: &mut Cx<'_>, track: TrackId, event: BufferEvent) {
        match event {
            BufferEvent::Updated { ranges } => self.tracks.updated(track, ranges),
            BufferEvent::Changed { ranges } => {
                let position = self.head.position(cx.now);
                self.tracks.changed(cx, &mut self.requests, track, ranges, position);
            }
            BufferEvent::Full => {
                if let Some(error) = self.tracks.full(track) {
                    self.trouble(cx, error);
                }
            }
            BufferEvent::Outgrown => self.tracks.outgrown(track),
            BufferEvent::Failed(text) => self.opening().append_failed(cx, track, text),
        }
    }

    pub(super) fn on_source(&mut self, cx: &mut Cx<'_>, event: SourceEvent) {
        match event {
            SourceEvent::Opened => self.stage.opened(),
            SourceEvent::Supported(types) => self.types.answered(types),
            SourceEvent::Failed { code, message } => {
                self.opening().decoder_died(cx, code, &message);
            }
        }
    }

    pub(super) fn on_snapshot(&mut self, cx: &mut Cx<'_>, snap: Snapshot) {
        if let Some(slept) = self.clock.slept(cx.now, snap.wall) {
            // The machine slept: its sockets are dead, the world went on. Or the clock was set, by as much.
            self.edge.clock_doubtful(i64::try_from(slept.as_micros()).ok());
            self.renew(cx, SILENT);
        }
        if snap.cue == Cue::Online {
            self.renew(cx, SILENT);
        }
        let shown_again = snap.cue == Cue::Visibility && !snap.hidden;
        let turned = snap.muted != self.head.snap().muted;
        let change = self.head.observe(cx.now, snap);
        if turned {
            self.on_configured(cx, false);
        }
        if change.started {
            self.figures.startup.get_or_insert_with(|| cx.now.since(self.began));
        }
        self.drive().changed(cx, change, shown_again);
        self.fetch(cx, |fetch, cx| fetch.frames(cx.now));
    }

    /// The settings changed, or the sound was turned off or on. `stops`: nothing is fetched any more.
    pub(super) fn on_configured(&mut self, cx: &mut Cx<'_>, stops: bool) {
        self.quality.limit(&cx.config.limits);
        self.drive().configured(cx);
        if stops {
            self.renew(cx, Duration::ZERO);
        }
    }

    pub(super) fn set_quality(&mut self, cx: &mut Cx<'_>, choice: QualityChoice) {
        let offered = self.report().qualities();
        self.quality.choose(choice, &offered);
        self.fetch(cx, |fetch, cx| fetch.replace_ahead(cx));
    }

    /// To the live edge, at once.
    pub(super) fn go_live(&mut self, cx: &mut Cx<'_>) {
        self.drive().go_live(cx);
    }

    /// Every backoff ends; requests that were silent for so long are made again, once it is allowed.
    fn renew(&mut self, cx: &mut Cx<'_>, silence: Duration) {
        for id in self.requests.silent(cx.now, silence) {
            if let Some(sent) = self.requests.give_up(cx, id) {
                self.on_dropped(cx, &sent);
            }
        }
        self.requests.retries.hurry_all();
        self.manifest.hurry(&mut self.requests.retries, cx.now, self.head.is_live());
    }

    fn on_dropped(&mut self, cx: &mut Cx<'_>, sent: &Sent) {
        match sent.purpose {
            Purpose::Manifest => self.manifest.dropped(cx.now),
            Purpose::Clock => self.clock.dropped(),
            Purpose::Playlist => self.manifest.list_dropped(cx.now, &sent.resource),
            Purpose::Init(track)
            | Purpose::Index(track)
            | Purpose::Sniff(track)
            | Purpose::Segment(track) => {
                self.tracks.dropped(cx, &mut self.requests, track, sent);
            }
            Purpose::Probe => self.fetch(cx, |fetch, cx| fetch.probe_over(cx.now, sent.id)),
            Purpose::Scout => self.edge.scout_answered(cx.now, sent.id, None),
            Purpose::Again => self.again.answered(sent, None, self.head.snap().ended),
        }
    }

    /// Does all that is due, by the facts as they are.
    pub(super) fn advance(&mut self, cx: &mut Cx<'_>) {
        for sent in self.requests.expire(cx) {
            self.on_failed(cx, &sent, &Failure::Timeout);
        }
        self.types.retry_missing(cx.now);
        if !self.stage.has_failed() {
            self.manifest.poll(cx, &mut self.requests);
            if let Some(p) = self.manifest.presentation() {
                self.clock.ask(cx, &mut self.requests, p);
            }
            let moved = self.clock.moved(cx.now);
            self.edge.clock_moved(moved);
            if moved < -SET_BACK {
                self.drive().clock_set_back(cx);
            }
            if let Some(resume) = self.opening().advance(cx) {
                self.drive().resume(cx, resume);
            }
        }
        if self.stage.is_running() {
            self.advance_edge(cx);
            self.advance_start(cx);
            self.advance_tracks(cx);
            self.tracks.follow_feeds();
            let rate = self.quality.rate();
            self.drive().advance(cx, rate);
            self.fetch(cx, |fetch, cx| fetch.advance_probe(cx));
            self.opening().advance_buffers(cx);
            let list = || self.manifest.first_list(&self.tracks, &self.url);
            self.again.poll(cx, &mut self.requests, self.head.snap().ended, list);
        }
        if !self.stage.has_failed() {
            // Only now: the steps before decide which playlists the tracks use.
            self.manifest.poll_lists(cx, &mut self.requests, &self.tracks);
        }
        self.report_state(cx);
        self.report_shown(cx);
    }

    fn advance_edge(&mut self, cx: &mut Cx<'_>) {
        if self.edge.take_went_back() && self.head.is_live() {
            // Another timeline: everything begins anew at its edge.
            self.drive().start_over(cx);
        }
        let Some((edge, requests, view)) = self.edge_parts() else { return };
        let (found, late) = (edge.step(cx, requests, &view), edge.listed_late(&view, cx.now));
        self.head.list_is_late(late);
        for found in found {
            match found {
                Found::Said(error) => self.trouble(cx, error),
                Found::Edge { late_us } => {
                    self.tracks.found_late(late_us);
                    self.note_late(cx);
                    self.drive().edge_found(cx);
                }
            }
        }
    }

    fn advance_start(&mut self, cx: &mut Cx<'_>) {
        if self.head.has_start() {
            return;
        }
        self.note_lists(cx);
        if !self.drive().begin(cx)
            && let Some((edge, _, view)) = self.edge_parts()
        {
            edge.seek_beginning(cx, &view);
        }
    }

    fn advance_tracks(&mut self, cx: &mut Cx<'_>) {
        let Some(presentation) = self.manifest.shared() else { return };
        let mut last = None;
        while let Some(track) = self.tracks.after(last) {
            last = Some(track);
            for _ in 0..MOST_STEPS {
                match self.fetch(cx, |fetch, cx| fetch.step(cx, &presentation, track)) {
                    Step::Again => {}
                    Step::Rest => break,
                    Step::Newer(at) => {
                        self.manifest.want_woken(cx, &self.requests.retries, at);
                        break;
                    }
                    Step::Unplayable(error) => self.opening().go_without(cx, track, error),
                }
            }
        }
    }

    // Manifests and playlists.

    fn on_manifest(&mut self, cx: &mut Cx<'_>, sent: &Sent, body: &[u8]) {
        self.clock.learn_date(cx.now, sent.head.date);
        let loaded = match self.manifest.answered(cx.now, &mut self.requests.retries, sent, body) {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return,
            Err(error) => return self.manifest_trouble(cx, error, None),
        };
        if let Some(made) = loaded.made {
            self.edge.note_made(&self.clock, cx.now, made);
        }
        self.clock.learn_direct(sent.sent_at, cx.now, &loaded.now);
        match &loaded.before {
            None => self.opening().begin(cx, &loaded.now),
            Some(before) => self.on_newer(cx, &loaded, before),
        }
        self.note_lists(cx);
    }

    fn on_newer(&mut self, cx: &mut Cx<'_>, loaded: &Loaded, before: &Presentation) {
        self.opening().ask_types(cx, &loaded.now);
        let retries = &mut self.requests.retries;
        self.tracks.renamed(retries, before, &loaded.now, &self.types);
        self.settle_kind(cx, &loaded.now);
        if loaded.begins_anew() && self.stage.is_running() {
            // Position zero is another time now: the buffered media is of another timeline.
            self.drive().start_over(cx);
        }
    }

    fn manifest_trouble(&mut self, cx: &mut Cx<'_>, error: Error, failed: Option<Failed<'_>>) {
        let (first, retries) = (self.stage.is_loading(), &mut self.requests.retries);
        if let Some(error) = self.manifest.refused(cx, retries, error, failed, first) {
            self.trouble(cx, error);
        }
    }

    fn on_playlist(&mut self, cx: &mut Cx<'_>, sent: &Sent, body: &[u8]) {
        self.clock.learn_date(cx.now, sent.head.date);
        let listed = match self.manifest.listed(&mut self.requests.retries, sent, body) {
            Ok(Some(listed)) => listed,
            Ok(None) => return,
            Err((error, why)) => return self.playlist_trouble(cx, sent, error, why.as_ref()),
        };
        self.note_lists(cx);
        self.tracks.listed(&mut self.requests.retries, listed.grew);
        let Some(p) = self.manifest.shared() else { return };
        if !self.stage.is_loading() {
            self.opening().ask_types(cx, &p);
        }
        if listed.was_live {
            self.settle_kind(cx, &p);
        }
    }

    fn playlist_trouble(
        &mut self,
        cx: &mut Cx<'_>,
        sent: &Sent,
        error: Error,
        why: Option<&Failure>,
    ) {
        let list = &sent.resource;
        let failed = why.map(|why| sent.failed(cx.now, why));
        let first = !self.head.is_live() || !self.stage.is_running();
        let retries = &mut self.requests.retries;
        let refused = self.manifest.list_refused(cx, retries, list, failed, first);
        let Some(refused) = refused else { return };
        let p = self.manifest.presentation();
        let tracks = p.map(|p| self.tracks.of_list(p, list)).unwrap_or_default();
        let why = why.unwrap_or(&Failure::Unreadable);
        let mut pass = |track: &_| self.fetch(cx, |fetch, cx| fetch.pass_over(cx, *track, why));
        if refused.replaceable && tracks.iter().all(&mut pass) {
            return self.requests.retries.had(Need::Manifest);
        }
        if !self.manifest.list_again(cx.now, list, refused, first) {
            return match tracks.first() {
                Some(&track) => self.opening().go_without(cx, track, error),
                None => self.trouble(cx, Error { fatal: true, ..error }),
            };
        }
        // It is said once, and not at the first failure.
        if refused.count > 1 && self.requests.retries.tell(Need::Manifest, &error.message) {
            self.trouble(cx, error);
        }
    }

    /// Notes when a live stream has ended.
    fn settle_kind(&mut self, cx: &mut Cx<'_>, p: &Presentation) {
        if matches!(p.kind, Kind::OnDemand { .. }) && self.head.live_ends(cx) {
            self.again.live_ended();
            set_duration(cx, p);
        }
    }

    // Segments.

    fn on_segment_answered(&mut self, cx: &mut Cx<'_>, track: TrackId, id: FetchId) {
        if let Some((segment, age)) = self.fetch(cx, |fetch, cx| fetch.had(cx.now, track, id)) {
            if let Some((edge, _, view)) = self.edge_parts() {
                edge.segment_exists(&view, cx.now, &segment, age);
            }
            self.note_late(cx);
        }
        self.fetch(cx, |fetch, cx| fetch.answer_begins(cx.now, id));
    }

    fn on_read(
        &mut self,
        cx: &mut Cx<'_>,
        (track, id): (TrackId, FetchId),
        (blob, len): (BlobId, u32),
        facts: Vec<Fact>,
    ) {
        self.head.note_level(cx.now, &self.tracks);
        let news = self.tracks.read(cx, track, id, (blob, len), facts);
        if self.tracks.take_another_init(track) && self.tracks.is_picture(track) {
            self.head.relearn(cx.now);
        }
        self.on_news(cx, track, id, news);
        self.fetch(cx, |fetch, cx| fetch.read(cx, track, id, len));
    }

    /// A read of a transport stream's segment.
    fn on_bytes(&mut self, cx: &mut Cx<'_>, track: TrackId, id: FetchId, bytes: &[u8]) {
        if self.fetch(cx, |fetch, cx| fetch.page(cx, track, id, bytes)) {
            return;
        }
        self.head.note_level(cx.now, &self.tracks);
        self.tracks.bytes(cx, track, id, bytes);
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.fetch(cx, |fetch, cx| fetch.read(cx, track, id, len));
    }

    /// All media of a segment is there.
    fn on_segment_done(&mut self, cx: &mut Cx<'_>, track: TrackId, sent: &Sent) {
        if !self.tracks.bytes_end(cx, track, sent.id) {
            let why = "no picture and no sound";
            return self.fetch(cx, |fetch, cx| fetch.damaged(cx, track, sent.id, why));
        }
        self.quality.answer_ends(cx.now, self.head.is_growing(), sent.id);
        self.manifest.calm();
        let Some(stream) = self.tracks.get(track) else { return };
        let breaks_off = stream.breaks_off(sent.id);
        let replaces = stream.replacement().is(sent.id);
        let news = self.tracks.done(cx, track, sent.id);
        if !replaces {
            self.requests.retries.had_media(track);
        }
        self.on_news(cx, track, sent.id, news);
        if breaks_off && self.head.is_growing() {
            // It ended early, so its Period has ended and the next one has begun.
            self.manifest.want(&self.requests.retries, cx.now);
        }
    }

    fn on_news(&mut self, cx: &mut Cx<'_>, track: TrackId, id: FetchId, news: Vec<News>) {
        for item in news {
            if let News::Message { scheme, data, .. } = &item {
                self.manifest.message(cx.now, &self.requests.retries, scheme, data);
            }
            match item {
                News::Damaged { why } => {
                    self.fetch(cx, |fetch, cx| fetch.damaged(cx, track, id, why));
                }
                item => self.drive().news(cx.now, track, item),
            }
        }
    }

    // What parts ask of each other.

    fn grant(&mut self, cx: &mut Cx<'_>, wish: Wish) {
        match wish {
            Wish::Newer => self.manifest.want(&self.requests.retries, cx.now),
            Wish::Say(error) => self.trouble(cx, error),
            Wish::Without(track, error) => self.opening().go_without(cx, track, error),
            Wish::GoOn(at) => {
                if self.head.slowed(cx.now) == Some(true) {
                    self.head.leave_for(at);
                }
            }
            Wish::Excuse => self.head.excuse(cx.now),
            Wish::Refused { count, lost } => self.on_refused(cx, count, lost),
        }
    }

    /// The same live segment was refused `count` times in a row: finds out why. `lost`: how old it is, in
    /// microseconds, if the origin should have it; then the live edge may be elsewhere.
    fn on_refused(&mut self, cx: &mut Cx<'_>, count: u32, lost: Option<i64>) {
        if count == 1 || count.is_multiple_of(8) {
            self.clock.doubt(cx.now);
        }
        if count >= 3 {
            // The server was not just asked too early: an underflow now is not the link's fault.
            self.drive().camera_changed(cx.now);
        }
        self.note_late(cx);
        self.manifest.want(&self.requests.retries, cx.now);
        self.drive().refused(cx);
        if let Some(age) = lost
            && let Some((edge, _, view)) = self.edge_parts()
        {
            edge.segment_refused(&view, cx.now, age);
        }
    }

    /// Notes how far the lists go now, and how long their segments are.
    fn note_lists(&mut self, cx: &Cx<'_>) {
        if self.edge_parts().is_some_and(|(edge, _, view)| edge.note_list(&view, cx.now)) {
            self.drive().configured(cx);
        }
    }

    /// Passes on how late the origin publishes, and tells the page.
    fn note_late(&mut self, cx: &mut Cx<'_>) {
        self.head.origin_is_late(self.tracks.late());
        let known = self.tracks.known_late();
        if let Some(error) = self.edge.note_late(cx.now, known, &self.url) {
            self.trouble(cx, error);
        }
    }

    fn trouble(&mut self, cx: &mut Cx<'_>, error: Error) {
        self.opening().report_error(cx, error);
    }

    // What the page is told.

    fn report_state(&mut self, cx: &mut Cx<'_>) {
        let state = match self.stage.state(&self.head) {
            // All that there was has been played.
            State::Stalled if self.drive().is_gone() => State::Ended,
            state => state,
        };
        self.figures.tell_state(cx, state);
    }

    fn report_shown(&mut self, cx: &mut Cx<'_>) {
        let at = self.head.position(cx.now);
        let shown = self.tracks.leading().and_then(|s| s.buffer().quality_at(at));
        if let Some(shown) = shown {
            self.figures.tell_quality(cx, shown, |it| self.quality.known(it));
        }
        if let Some(cause) = self.camera.due_cause(cx.now, at, self.head.stands()) {
            cx.emit(Event::Source { cause, age: self.report().latency(cx.now) });
        }
    }

    // The parts, borrowed for one step.

    /// The statistics and qualities.
    pub(super) fn report(&self) -> Report<'_> {
        let Self { tracks, requests, quality, types, figures, .. } = self;
        let Self { manifest, clock, edge, head, camera, url, .. } = self;
        let rest = Sight { manifest, clock, edge, head, camera, url };
        Report { tracks, requests, quality, types, figures, rest }
    }

    /// Makes a step of fetching, and grants its wishes.
    fn fetch<T>(
        &mut self,
        cx: &mut Cx<'_>,
        step: impl FnOnce(&mut Fetch<'_>, &mut Cx<'_>) -> T,
    ) -> T {
        let Self { tracks, requests, quality, types, .. } = self;
        let Self { manifest, clock, edge, head, camera, url, .. } = self;
        let rest = Sight { manifest, clock, edge, head, camera, url };
        let goal = head.goal(cx.config.buffer_ahead);
        let mut fetch = Fetch { tracks, requests, quality, types, goal, rest, wishes: Vec::new() };
        let said = step(&mut fetch, cx);
        for wish in fetch.wishes {
            self.grant(cx, wish);
        }
        said
    }

    fn drive(&mut self) -> Drive<'_> {
        let Self { head, tracks, requests, manifest, types, clock, edge, camera, url, .. } = self;
        Drive { head, tracks, requests, manifest, types, clock, edge, camera, url }
    }

    fn opening(&mut self) -> Opening<'_> {
        let Self { stage, tracks, requests, head, quality, types, figures, manifest, url, .. } =
            self;
        Opening { stage, tracks, requests, head, quality, types, figures, manifest, url }
    }

    /// The edge, and what it is computed from.
    fn edge_parts(&mut self) -> Option<(&mut Edge, &mut Requests, edge::View<'_>)> {
        let whole = self.head.is_whole();
        let Self { manifest, tracks, clock, camera, url, edge, requests, .. } = self;
        let view = edge::View::new((manifest, url), tracks, clock, camera, whole)?;
        Some((edge, requests, view))
    }
}
