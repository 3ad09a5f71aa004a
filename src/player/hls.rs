//! Media playlists of HLS: loaded when a stream turns to them, again as they say, placed by
//! [`crate::hls::update`].
//!
//! Only the playlists of what is being fetched are kept fresh: a viewer of one rung does not load the
//! other rungs' lists every few seconds.

use super::cx::Cx;
use super::error::Error;
use super::io::{Body, Reason};
use super::opening::rep_of;
use super::protocol;
use super::requests::{Patience, Purpose, Sent};
use super::session::{Session, Stage};
use super::stream::Stream;
use crate::hls::syntax::{Media, Playlist};
use crate::hls::update::Placement;
use crate::hls::{self};
use crate::net::Failure;
use crate::net::retry::{self, Failed, InARow, Policy, REFUSALS, Verdict};
use crate::presentation::{self, Kind, Presentation, Refresh, Resource, TrackKind};
use crate::time::{Instant, Position};
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// However a playlist is wanted, it is not loaded more often than this.
const LEAST_BETWEEN: Duration = Duration::from_millis(500);

/// What is remembered of the playlists of one presentation.
#[derive(Debug, Default)]
pub(super) struct Lists {
    placement: Placement,
    /// Each with its address.
    states: Vec<(String, State)>,
}

impl Lists {
    fn state(&mut self, address: &str) -> &mut State {
        let known = self.states.iter().position(|it| it.0 == address);
        let at = known.unwrap_or(self.states.len());
        if known.is_none() {
            self.states.push((address.to_string(), State::default()));
        }
        &mut self.states[at].1
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    in_flight: bool,
    asked: Option<Instant>,
    /// When to load it next; `None`: it is complete, or was never loaded.
    due: Option<Instant>,
    failed: InARow,
}

impl Session {
    /// The manifest was an HLS playlist; `media` is there when it was a media playlist itself.
    pub(super) fn begin_hls(
        &mut self,
        cx: &Cx<'_>,
        presentation: &mut Presentation,
        url: &str,
        media: Option<&Media>,
    ) -> Result<(), presentation::Error> {
        let mut lists = Lists::default();
        if let Some(media) = media {
            let refresh = lists.placement.apply(presentation, url, url, media)?;
            *lists.state(url) = State::loaded(cx.now, refresh);
        }
        self.lists = Some(lists);
        Ok(())
    }

    /// Loads the playlists that are due, of the representations that are fetched.
    pub(super) fn advance_playlists(&mut self, cx: &mut Cx<'_>) {
        let (Some(p), Some(lists)) = (self.presentation.clone(), &mut self.lists) else { return };
        let mut due = Vec::new();
        for stream in self.streams.iter().filter(|s| !s.passive) {
            let Some(rep) = rep_of(&p, stream.place) else { continue };
            let Some(address) = &rep.playlist else { continue };
            let state = lists.state(address);
            if state.in_flight {
                continue;
            }
            match state.due {
                Some(at) if at > cx.now => cx.wake_at(at, Reason::ManifestRefresh),
                None if !rep.segments.is_pending() => {}
                _ => {
                    state.in_flight = true;
                    state.asked = Some(cx.now);
                    due.push(address.clone());
                }
            }
        }
        for url in due {
            let patience = Patience::even(cx.config.request_timeout);
            let resource = Resource { url, range: None };
            self.requests.send(cx, Purpose::Playlist, &resource, Body::Bytes, patience);
        }
    }

    pub(super) fn on_playlist(&mut self, cx: &mut Cx<'_>, sent: &Sent, body: &[u8]) {
        let address = sent.resource.url.clone();
        if let Some(date) = sent.head.date {
            self.clock.clock.learn_date(cx.now, date);
        }
        let from = match sent.head.url.as_str() {
            "" => address.as_str(),
            redirected => redirected,
        };
        let read = hls::read::playlist(body);
        let media = match read {
            Ok(Playlist::Media(media)) => media,
            Ok(Playlist::Multivariant(_)) => {
                let why = "a media playlist was expected, a multivariant one came";
                let error = presentation::Error::NothingToPlay(why.to_string());
                return self.playlist_trouble(cx, &address, protocol::refused(from, error), None);
            }
            Err(_) if sent.is_page(body) => {
                return self.on_playlist_failed(cx, sent, &Failure::Page);
            }
            Err(error) => {
                return self.playlist_trouble(cx, &address, protocol::refused(from, error), None);
            }
        };
        let last = self.last_listed(&address);
        let (Some(lists), Some(shared)) = (&mut self.lists, &mut self.presentation) else { return };
        let before = shared.kind.clone();
        let applied = lists.placement.apply(Rc::make_mut(shared), &address, from, &media);
        match applied {
            Ok(refresh) => {
                let asked = sent.sent_at;
                *lists.state(&address) = State::loaded(asked, refresh);
                self.figures.manifest_trouble = None;
                let grew = self.last_listed(&address) != last;
                self.on_listed(cx, &before, grew);
            }
            Err(error) => {
                self.playlist_trouble(cx, &address, protocol::refused(from, error), None);
            }
        }
    }

    /// Where the list at `address` ends.
    fn last_listed(&self, address: &str) -> Option<Position> {
        let tracks = self.presentation.iter().flat_map(|p| &p.periods).flat_map(|p| &p.tracks);
        let mut reps = tracks.flat_map(|track| &track.representations);
        let rep = reps.rfind(|rep| rep.playlist.as_deref() == Some(address))?;
        rep.segments.last().map(|segment| segment.end)
    }

    /// A list came; it `grew` if it names more than before.
    fn on_listed(&mut self, cx: &mut Cx<'_>, before: &Kind, grew: bool) {
        self.note_newest(cx.now);
        for stream in &mut self.streams {
            stream.ended = false;
            if grew {
                stream.hurry();
            }
        }
        let Some(p) = self.presentation.clone() else { return };
        if !matches!(self.stage, Stage::Loading) {
            self.ask_types(cx, &p);
        }
        if matches!(before, Kind::Live(_)) {
            self.settle_kind(cx, &p);
        }
    }

    pub(super) fn on_playlist_failed(&mut self, cx: &mut Cx<'_>, sent: &Sent, failure: &Failure) {
        let url = sent.resource.url.clone();
        let error = Error::of_request(failure, &url, "the playlist");
        self.playlist_trouble(cx, &url, error, Some(sent.failed(cx.now, failure)));
    }

    fn playlist_trouble(
        &mut self,
        cx: &mut Cx<'_>,
        address: &str,
        error: Error,
        failed: Option<Failed<'_>>,
    ) {
        let opening = !matches!(self.stage, Stage::Running);
        let live = self.is_live();
        let first = !live || opening;
        let Some(lists) = &mut self.lists else { return };
        let state = lists.state(address);
        state.in_flight = false;
        let count = state.failed.add(failed.map(|f| f.failure));
        let verdict = retry::manifest(first, failed, count, cx.prng);
        let why = failed.map_or(&Failure::Unreadable, |f| f.failure);
        let answered = matches!(why, Failure::Status(_) | Failure::Unreadable);
        let settled = matches!(verdict, Verdict::Settled) || count >= REFUSALS;
        if first && answered && settled && self.pass_over_playlist(cx, address, why) {
            self.figures.manifest_trouble = None;
            return;
        }
        let Some(lists) = &mut self.lists else { return };
        let state = lists.state(address);
        match verdict {
            Verdict::Again(wait) => state.due = Some(cx.now + wait),
            Verdict::Settled if !first => state.due = Some(cx.now + Policy::LIVE.cap),
            Verdict::Settled => {
                return match self.streams_of(address).first() {
                    Some(&kind) => self.go_without(cx, kind, error),
                    None => self.trouble(cx, Error { fatal: true, ..error }),
                };
            }
        }
        if self.figures.manifest_trouble.is_none() && count > 1 {
            self.figures.manifest_trouble = Some(error.message.clone());
            self.trouble(cx, error);
        }
    }

    /// The streams that a playlist is for go on with others; answers whether all of them can.
    fn pass_over_playlist(&mut self, cx: &Cx<'_>, address: &str, why: &Failure) -> bool {
        self.streams_of(address).into_iter().all(|kind| self.pass_over(cx, kind, why))
    }

    /// The kinds of the streams that a playlist is for.
    fn streams_of(&self, address: &str) -> Vec<TrackKind> {
        let Some(p) = &self.presentation else { return Vec::new() };
        let of = |s: &&Stream| {
            rep_of(p, s.place).is_some_and(|r| r.playlist.as_deref() == Some(address))
        };
        self.feeds().filter(of).map(|s| s.kind).collect()
    }

    /// A request for a playlist was given up: it is due at once.
    pub(super) fn playlist_lost(&mut self, now: Instant, address: &str) {
        if let Some(lists) = &mut self.lists {
            let state = lists.state(address);
            state.in_flight = false;
            state.due = Some(now);
        }
    }

    /// Playlists that failed are due at once.
    pub(super) fn hurry_playlists(&mut self, now: Instant) {
        let states = self.lists.iter_mut().flat_map(|lists| &mut lists.states);
        for (_, state) in states.filter(|(_, state)| state.failed.count() > 0 && !state.in_flight) {
            state.due = Some(now);
        }
    }

    /// A newer manifest, or newer playlists, are wanted at `at` or as soon after as is decent.
    pub(super) fn want_manifest(&mut self, at: Instant) {
        let Some(lists) = &mut self.lists else { return self.loader.want(at) };
        for state in lists.states.iter_mut().map(|it| &mut it.1) {
            let earliest = state.asked.map_or(at, |asked| at.max(asked + LEAST_BETWEEN));
            if let Some(due) = &mut state.due
                && state.failed.count() == 0
            {
                *due = (*due).min(earliest);
            }
        }
    }
}

impl State {
    fn loaded(asked: Instant, refresh: Refresh) -> Self {
        let due = match refresh {
            Refresh::Every(every) => Some(asked + every),
            Refresh::Never | Refresh::OnEvent => None,
        };
        Self { asked: Some(asked), due, ..Self::default() }
    }
}
