//! Media playlists of HLS: loaded when a track turns to them, again as they say, placed by
//! [`crate::hls::update`].
//!
//! Only the playlists of what is being fetched are kept fresh: a viewer of one rung does not load the
//! other rungs' lists every few seconds.

use crate::hls::syntax::Media;
use crate::hls::update::Placement;
use crate::net::retry::{self, Failed, Policy, REFUSALS, Verdict};
use crate::player::cx::Cx;
use crate::player::io::{Body, Reason};
use crate::player::place::rep_of;
use crate::player::requests::{Patience, Purpose, Requests};
use crate::player::retries::{Need, Retries};
use crate::player::track::Tracks;
use crate::presentation::reads::Hls;
use crate::presentation::{self, Presentation, Refresh, Resource};
use crate::time::{Duration, Instant};
use alloc::vec::Vec;

/// However a playlist is wanted, it is not loaded more often than this.
const LEAST_BETWEEN: Duration = Duration::from_millis(500);

/// What is remembered of the playlists of one presentation.
#[derive(Debug)]
pub(super) struct Lists {
    placement: Placement,
    states: Vec<(Resource, State)>,
    _reads: Hls,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    in_flight: bool,
    asked: Option<Instant>,
    /// When to load it next; `None`: it is complete, or was never loaded.
    due: Option<Instant>,
}

/// What is to be done about a playlist that cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::player) struct Refused {
    /// When it is asked for again, if it is.
    verdict: Verdict,
    /// How often in a row it could not be had.
    pub(in crate::player) count: u32,
    /// What it lists may be replaced by something else.
    pub(in crate::player) replaceable: bool,
}

impl Lists {
    /// Nothing is known yet.
    pub(super) fn new(reads: Hls) -> Self {
        Self { placement: Placement::default(), states: Vec::new(), _reads: reads }
    }

    fn index(&mut self, list: &Resource) -> usize {
        let known = self.states.iter().position(|it| it.0 == *list);
        known.unwrap_or_else(|| {
            self.states.push((list.clone(), State::default()));
            self.states.len() - 1
        })
    }

    fn state(&mut self, list: &Resource) -> &mut State {
        let at = self.index(list);
        &mut self.states[at].1
    }

    /// `media`, which is what `list` names, was asked for at `asked` and came from `from`: its segments go
    /// into the presentation.
    pub(super) fn apply(
        &mut self,
        asked: Instant,
        retries: &mut Retries,
        presentation: &mut Presentation,
        (list, from): (&Resource, &str),
        media: &Media,
    ) -> Result<(), presentation::Error> {
        let refresh = self.placement.apply(presentation, list, from, media)?;
        let due = match refresh {
            Refresh::Every(every) => Some(asked + every),
            Refresh::Never | Refresh::OnEvent => None,
        };
        *self.state(list) = State { asked: Some(asked), due, in_flight: false };
        retries.had(Need::List(self.index(list)));
        Ok(())
    }

    /// Loads the playlists that are due, of the representations that are fetched.
    pub(super) fn poll(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        p: &Presentation,
        tracks: &Tracks,
    ) {
        let mut due = Vec::new();
        for rep in tracks.feeds().filter_map(|s| rep_of(p, s.place())) {
            let Some(list) = &rep.playlist else { continue };
            let state = self.state(list);
            if state.in_flight {
                continue;
            }
            match state.due {
                Some(at) if at > cx.now => cx.wake_at(at, Reason::ManifestRefresh),
                due if !rep.segments.is_pending() && (due.is_none() || !cx.config.fetching) => {}
                _ => {
                    state.in_flight = true;
                    state.asked = Some(cx.now);
                    due.push(list.clone());
                }
            }
        }
        for list in due {
            let patience = Patience::even(cx.config.request_timeout);
            requests.send(cx, Purpose::Playlist, &list, Body::Bytes, patience);
        }
    }

    /// A playlist cannot be had, or not be read. `first`: nothing of it plays yet.
    pub(super) fn refused(
        &mut self,
        cx: &mut Cx<'_>,
        retries: &mut Retries,
        list: &Resource,
        failed: Option<Failed<'_>>,
        first: bool,
    ) -> Refused {
        use crate::net::Failure;
        self.state(list).in_flight = false;
        let need = Need::List(self.index(list));
        let count = retries.failed(need, failed.map(|f| f.failure));
        let verdict = retry::manifest(first, failed, count, cx.prng);
        let why = failed.map_or(&Failure::Unreadable, |f| f.failure);
        let answered = matches!(why, Failure::Status(_) | Failure::Unreadable);
        let settled = matches!(verdict, Verdict::Settled) || count >= REFUSALS;
        Refused { verdict, count, replaceable: first && answered && settled }
    }

    /// It is asked for again, if that is of use; answers whether it is.
    pub(super) fn again(
        &mut self,
        now: Instant,
        list: &Resource,
        refused: Refused,
        first: bool,
    ) -> bool {
        let wait = match refused.verdict {
            Verdict::Again(wait) => wait,
            Verdict::Settled if !first => Policy::LIVE.cap,
            Verdict::Settled => return false,
        };
        self.state(list).due = Some(now + wait);
        true
    }

    /// A request was given up: the playlist is due at once.
    pub(super) fn dropped(&mut self, now: Instant, list: &Resource) {
        let state = self.state(list);
        state.in_flight = false;
        state.due = Some(now);
    }

    /// Playlists that failed are due at once.
    pub(super) fn hurry(&mut self, retries: &Retries, now: Instant) {
        for (i, (_, state)) in self.states.iter_mut().enumerate() {
            if retries.count(Need::List(i)) > 0 && !state.in_flight {
                state.due = Some(now);
            }
        }
    }

    /// Newer ones are wanted at `at`, or as soon after as is decent.
    pub(super) fn want(&mut self, retries: &Retries, at: Instant) {
        for (i, (_, state)) in self.states.iter_mut().enumerate() {
            let earliest = state.asked.map_or(at, |asked| at.max(asked + LEAST_BETWEEN));
            if let Some(due) = &mut state.due
                && retries.count(Need::List(i)) == 0
            {
                *due = (*due).min(earliest);
            }
        }
    }
}
