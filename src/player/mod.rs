//! Composes the parts into a player without clock, network or browser.
//!
//! The contract: the driver calls [`Player::handle`] with one input, then [`Player::poll`] until it
//! answers [`Output::Wait`], collecting the outputs; only then does it perform them, and only then
//! gives the next input. `Wait` says when to come back with [`Input::Wake`] at the latest, and why.
//! `handle` never fails and never panics: bad data becomes [`Event::Error`].
//!
//! [`session`] composes the parts. Each part owns its state; it is handed the time, the outbox and
//! a view of what it needs, and returns what other parts have to react to:
//!
//! | part | owns |
//! |---|---|
//! | [`requests`](requests) | open requests and their timeouts |
//! | [`manifest`](manifest) | the presentation and its loading |
//! | [`clock`](clock), [`edge`](edge) | the origin's time; the live edge and the search for it |
//! | [`select`](select) | which types the browser can play, and which track of a kind is taken |
//! | [`track`](track) | the tracks: their downloads and their buffers |
//! | [`playhead`](playhead) | the playback position: start, live edge, stalls, seeks |
//! | [`quality`](quality) | which representation is fetched, and why |
//! | [`open`](open) | opening the MediaSource, choosing tracks, rebuilding after a failure |
//! | [`camera`](camera) | the camera's absence, and capture times |
//! | [`figures`](figures) | counters for the page |
//! | [`reads`](reads) | which protocols this build reads |
//! | [`again`](again) | a live stream that ended and begins again |

mod again;
mod camera;
mod clock;
mod config;
mod cx;
mod edge;
mod error;
mod event;
mod fetch;
mod figures;
mod io;
mod manifest;
mod open;
mod place;
mod playhead;
mod quality;
mod report;
mod requests;
mod retries;
mod select;
mod session;
mod sight;
#[cfg(test)]
mod testing;
mod track;

pub use config::Config;
pub use error::{Category, Code, Error};
pub use event::{Event, Quality, QualityChoice, State, Stats, Switch};
pub use io::{
    Append, BlobId, Body, BufferEvent, Command, Cue, FetchEvent, FetchId, Head, Input, Output,
    Reason, Request, Snapshot, SourceEvent, Span, TrackId, Window,
};

use crate::abr::sharing::Others;
use crate::net::prng::Prng;
use crate::time::{Instant, WallTime};
use crate::units::Bitrate;
use alloc::string::String;
use alloc::vec::Vec;
use cx::{Agenda, Cx, Outbox};
use session::Session;

/// The player.
#[derive(Debug)]
pub struct Player {
    config: Config,
    now: Instant,
    /// The local wall clock's reading at instant zero, as last seen.
    epoch: WallTime,
    choice: QualityChoice,
    session: Option<Session>,
    out: Outbox,
    agenda: Agenda,
    prng: Prng,
}

impl Player {
    /// A player with nothing loaded. `wall` is the local clock's reading at `now`.
    pub fn new(config: Config, now: Instant, wall: WallTime) -> Self {
        Self {
            config,
            now,
            epoch: wall - now.since(Instant::default()),
            choice: QualityChoice::Auto,
            session: None,
            out: Outbox::new(),
            agenda: Agenda::default(),
            prng: Prng::new(wall.as_micros().unsigned_abs()),
        }
    }

    /// Takes one input at time `now`. A `now` before the last one counts as the last one.
    pub fn handle(&mut self, now: Instant, input: Input) {
        let idle = now.since(self.now);
        self.now = self.now.max(now);
        self.agenda = Agenda::default();
        let wall = self.epoch + self.now.since(Instant::default());
        let fetched = self.config.fetching;
        if let Input::Command(Command::Configure(config)) = &input {
            self.config = config.clone();
        }
        let stops = fetched && !self.config.fetching;
        let mut cx = Cx {
            now: self.now,
            idle,
            config: &self.config,
            out: &mut self.out,
            agenda: &mut self.agenda,
            prng: &mut self.prng,
        };
        match input {
            Input::Command(Command::Load { url }) => {
                replace(&mut self.session, &mut cx, url, wall, self.choice.clone());
                return;
            }
            Input::Command(Command::Stop) => {
                if let Some(old) = self.session.take() {
                    old.stop(&mut cx);
                    cx.emit(Event::State(State::Idle));
                }
                return;
            }
            _ => {}
        }
        if let Input::Command(Command::SetQuality(choice)) = &input {
            self.choice = choice.clone();
        }
        if let Input::Media(snap) = &input
            && snap.wall != WallTime::default()
        {
            self.epoch = snap.wall - self.now.since(Instant::default());
        }
        let Some(session) = &mut self.session else { return };
        session.on_input(&cx);
        match input {
            Input::Command(Command::SetQuality(choice)) => session.set_quality(&mut cx, choice),
            Input::Command(Command::Configure(_)) => session.on_configured(&mut cx, stops),
            Input::Command(Command::GoLive) => session.go_live(&mut cx),
            Input::Command(_) | Input::Wake => {}
            Input::Fetch(id, event) => session.on_fetch(&mut cx, id, event),
            Input::Buffer(track, event) => session.on_buffer(&mut cx, track, event),
            Input::Source(event) => session.on_source(&mut cx, event),
            Input::Media(snap) => session.on_snapshot(&mut cx, snap),
        }
        session.advance(&mut cx);
        if let Some(url) = session.begun_again() {
            replace(&mut self.session, &mut cx, url, wall, self.choice.clone()).play();
        }
    }

    /// For the page's other players this has come since the last read, which is told with the next one ([`Input::Fetch`]).
    pub fn others_came(&mut self, others: Others) {
        if let Some(session) = &mut self.session {
            session.quality.others_came(others);
        }
    }

    /// If it would take more of a better link: what it takes its share of the link to be, 0 where that does
    /// not hold it back.
    pub fn wants_more(&self) -> Option<Bitrate> {
        self.session.as_ref()?.quality.wants_more(self.now)
    }

    /// The next output; [`Output::Wait`] when there are no more.
    pub fn poll(&mut self) -> Output {
        self.out.pop().unwrap_or_else(|| {
            let (until, why) = self.agenda.next();
            if let Some(session) = &mut self.session {
                session.waits_for(why.words());
            }
            Output::Wait { until, why }
        })
    }

    /// Figures for the page, as of `now`.
    pub fn stats(&self, now: Instant) -> Stats {
        self.session.as_ref().map(|s| s.report().stats(now.max(self.now))).unwrap_or_default()
    }

    /// The qualities that can be chosen now, best first.
    pub fn qualities(&self) -> Vec<Quality> {
        self.session.as_ref().map(|s| s.report().qualities()).unwrap_or_default()
    }
}

/// Stops the loaded session, if there is one, and loads `url`.
fn replace<'s>(
    session: &'s mut Option<Session>,
    cx: &mut Cx<'_>,
    url: String,
    wall: WallTime,
    choice: QualityChoice,
) -> &'s mut Session {
    if let Some(old) = session.take() {
        old.stop(cx);
    }
    session.insert(Session::load(cx, url, wall, choice))
}
