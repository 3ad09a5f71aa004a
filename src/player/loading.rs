//! What follows from a manifest that came, or did not: [`super::manifest`] keeps it, here the rest is
//! moved by it.

use super::cx::Cx;
use super::error::Error;
use super::place::rep_of;
use super::requests::{Purpose, Sent};
use super::session::{Session, Stage};
use super::track::stream::Stream;
use crate::net::Failure;
use crate::net::retry::Failed;
use crate::presentation::TrackKind;
use alloc::vec::Vec;
use core::time::Duration;

/// Requests that have been silent for so long when the network comes back are dead more often than slow.
const SILENT: Duration = Duration::from_secs(1);

impl Session {
    pub(super) fn on_manifest(&mut self, cx: &mut Cx<'_>, sent: &Sent, body: &[u8]) {
        self.clock.learn_date(cx.now, sent.head.date);
        let loaded = match self.manifest.answered(cx.now, sent, body) {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return,
            Err(error) => return self.manifest_trouble(cx, error, None),
        };
        if let Some(made) = loaded.made {
            self.edge.note_made(&self.clock, cx.now, made);
        }
        self.clock.learn_direct(sent.sent_at, cx.now, &loaded.now);
        match &loaded.before {
            None => self.begin_opening(cx, &loaded.now),
            Some(before) => self.on_refreshed(cx, before, &loaded.now),
        }
        self.note_lists(cx.now);
    }

    pub(super) fn on_manifest_failed(&mut self, cx: &mut Cx<'_>, sent: &Sent, failure: &Failure) {
        let error = Error::of_request(failure, &sent.resource.url, "the manifest")
            .with_reason(sent.reason());
        self.manifest_trouble(cx, error, Some(sent.failed(cx.now, failure)));
    }

    fn manifest_trouble(&mut self, cx: &mut Cx<'_>, error: Error, failed: Option<Failed<'_>>) {
        let first = matches!(self.stage, Stage::Loading);
        if let Some(error) = self.manifest.refused(cx, error, failed, first) {
            self.trouble(cx, error);
        }
    }

    pub(super) fn on_playlist(&mut self, cx: &mut Cx<'_>, sent: &Sent, body: &[u8]) {
        self.clock.learn_date(cx.now, sent.head.date);
        let listed = match self.manifest.listed(sent, body) {
            Ok(Some(listed)) => listed,
            Ok(None) => return,
            Err((error, failure)) => {
                let failed = failure.as_ref().map(|it| sent.failed(cx.now, it));
                return self.playlist_trouble(cx, &sent.resource.url, error, failed);
            }
        };
        self.note_lists(cx.now);
        for stream in self.streams.iter_mut() {
            stream.ended = false;
            if listed.grew {
                stream.hurry();
            }
        }
        let Some(p) = self.manifest.shared() else { return };
        if !matches!(self.stage, Stage::Loading) {
            self.ask_types(cx, &p);
        }
        if listed.was_live {
            self.settle_kind(cx, &p);
        }
    }

    pub(super) fn on_playlist_failed(&mut self, cx: &mut Cx<'_>, sent: &Sent, failure: &Failure) {
        let url = &sent.resource.url;
        let error = Error::of_request(failure, url, "the playlist");
        self.playlist_trouble(cx, url, error, Some(sent.failed(cx.now, failure)));
    }

    fn playlist_trouble(
        &mut self,
        cx: &mut Cx<'_>,
        address: &str,
        error: Error,
        failed: Option<Failed<'_>>,
    ) {
        let first = !self.is_live() || !matches!(self.stage, Stage::Running);
        let Some(refused) = self.manifest.list_refused(cx, address, failed, first) else { return };
        let why = failed.map_or(&Failure::Unreadable, |f| f.failure);
        if refused.replaceable && self.pass_over_playlist(cx, address, why) {
            return self.manifest.list_replaced();
        }
        if !self.manifest.list_again(cx.now, address, refused, first) {
            return match self.streams_of(address).first() {
                Some(&kind) => self.go_without(cx, kind, error),
                None => self.trouble(cx, Error { fatal: true, ..error }),
            };
        }
        if let Some(error) = self.manifest.list_said(error, refused.count) {
            self.trouble(cx, error);
        }
    }

    /// The streams that a playlist is for go on with others; answers whether all of them can.
    fn pass_over_playlist(&mut self, cx: &Cx<'_>, address: &str, why: &Failure) -> bool {
        self.streams_of(address).into_iter().all(|kind| self.pass_over(cx, kind, why))
    }

    /// The kinds of the streams that a playlist is for.
    fn streams_of(&self, address: &str) -> Vec<TrackKind> {
        let Some(p) = self.manifest.presentation() else { return Vec::new() };
        let of = |s: &&Stream| {
            rep_of(p, s.place).is_some_and(|r| r.playlist.as_deref() == Some(address))
        };
        self.streams.feeds().filter(of).map(|s| s.kind).collect()
    }

    /// The machine slept: its sockets are dead, the world went on.
    pub(super) fn on_woke(&mut self, cx: &mut Cx<'_>, slept: Duration) {
        // Or the clock was set: then it is off by as much as before, the other way round.
        self.edge.clock_doubtful(i64::try_from(slept.as_micros()).ok());
        self.on_online(cx);
    }

    /// The network is back: nothing waits out its backoff, and what has been silent is asked anew.
    pub(super) fn on_online(&mut self, cx: &mut Cx<'_>) {
        for id in self.requests.silent(cx.now, SILENT) {
            if let Some(sent) = self.requests.give_up(cx, id) {
                self.on_dropped(cx, &sent);
            }
        }
        for stream in self.streams.iter_mut() {
            stream.trouble.until = None;
        }
        self.manifest.hurry(cx.now, self.is_live());
    }

    fn on_dropped(&mut self, cx: &mut Cx<'_>, sent: &Sent) {
        match sent.purpose {
            Purpose::Manifest => self.manifest.dropped(cx.now),
            Purpose::Clock => self.clock.dropped(),
            Purpose::Playlist => self.manifest.list_dropped(cx.now, &sent.resource.url),
            Purpose::Init(kind) | Purpose::Index(kind) | Purpose::Sniff(kind) => {
                if let Some(stream) = self.streams.of_mut(kind) {
                    stream.fetching = None;
                }
            }
            Purpose::Segment(kind) => {
                let requests = &mut self.requests;
                if let Some(stream) = self.streams.of_mut(kind) {
                    stream.lost(cx, requests, sent.id);
                }
            }
            Purpose::Probe => self.on_probe_over(cx.now, sent),
            Purpose::Scout => self.edge.answered(cx.now, sent.id, None),
            Purpose::Again => self.again.answered(sent, None, self.head.snap().ended),
        }
    }
}
