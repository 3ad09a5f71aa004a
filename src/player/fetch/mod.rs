//! Fetching the tracks: which request comes next, what is done with an answer, and with a failure.
//!
//! A [`Fetch`] is made for one step. It changes the tracks, their requests, the choice of representations
//! and the list of types that play. It sees the other parts, and returns a [`Wish`] where one of them has
//! to change.
//!
//! | file | what |
//! |---|---|
//! | [`ask`] | requesting segments, and the inits and indexes before them |
//! | [`fill`] | silence for holes in the sound |
//! | [`receive`] | taking initialization segments, indexes, answers |
//! | [`fail`] | requests that fail, and answers that are not media |
//! | [`retry`] | trying again |
//! | [`missing`] | a live segment that is not there |
//! | [`film`] | a segment of a film that cannot be had |
//! | [`replace`] | fetching again, better, what is buffered low |
//! | [`rung`] | going to another representation |

mod ask;
mod fail;
mod fill;
mod film;
mod missing;
mod receive;
mod replace;
mod retry;
mod rung;

use super::error::Error;
use super::io::TrackId;
use super::quality::{self, Adaptation};
use super::requests::{Purpose, Requests};
use super::select::Types;
use super::sight::Sight;
use super::track::Tracks;
use super::track::stream::Stream;
use crate::presentation::{Representation, Resource, SegmentList};
use crate::time::{Duration, Instant, Position};
use alloc::vec::Vec;

/// The parts that fetching changes, and those that it only reads.
#[derive(Debug)]
pub(super) struct Fetch<'a> {
    pub(super) tracks: &'a mut Tracks,
    pub(super) requests: &'a mut Requests,
    pub(super) quality: &'a mut Adaptation,
    pub(super) types: &'a mut Types,
    /// How much media is fetched ahead.
    pub(super) goal: Duration,
    /// The parts that it only reads.
    pub(super) rest: Sight<'a>,
    /// What others are to do, in this order.
    pub(super) wishes: Vec<Wish>,
}

/// What a step of a track led to.
#[derive(Debug)]
pub(super) enum Step {
    /// A request was made; there may be more to do.
    Again,
    /// Nothing to do now.
    Rest,
    /// A newer manifest is wanted at this time; until then there is nothing to do.
    Newer(Instant),
    /// The track cannot be played, and nothing else of its kind.
    Unplayable(Error),
}

/// What another part is to do.
#[derive(Debug)]
pub(super) enum Wish {
    /// Load a newer manifest, or newer playlists.
    Newer,
    /// Tell the page.
    Say(Error),
    /// Go on without this track: it cannot be played.
    Without(TrackId, Error),
    /// Go on at this place or later, on a lower rung, as soon as media is there.
    GoOn(Position),
    /// Blame the next underflow on the origin, not on the link.
    Excuse,
    /// Find out why a live segment was refused `count` times in a row. `lost`: its age in microseconds, if the
    /// origin should have it by now.
    Refused { count: u32, lost: Option<i64> },
}

impl Fetch<'_> {
    fn wish(&mut self, wish: Wish) {
        self.wishes.push(wish);
    }

    fn is_live(&self) -> bool {
        self.rest.head.is_live()
    }

    fn falls_silent(&self, stream: &Stream) -> bool {
        self.rest.ways(self.tracks, self.types).falls_silent(stream)
    }

    /// What has to be known before the segments of a representation, and is not yet: its initialization segment, its
    /// index. In this order: WebM's index is read with what the former says. Both at once where they stand together.
    fn unknown(&self, track: TrackId, rep: &Representation) -> Option<(Purpose, Resource)> {
        let stream = self.tracks.get(track)?;
        let index = match &rep.segments {
            SegmentList::Indexed { index, .. } => {
                Some(index).filter(|index| self.rest.manifest.index(index).is_none())
            }
            _ => None,
        };
        if let Some(init) = rep.init.as_ref().filter(|init| stream.init(init).is_none()) {
            let together = index.and_then(|_| rep.beginning());
            return Some((Purpose::Init(track), together.unwrap_or_else(|| init.clone())));
        }
        Some((Purpose::Index(track), index?.clone()))
    }

    /// The choice of representations with what it is made from.
    fn quality_parts(
        &mut self,
        now: Instant,
    ) -> Option<(&mut Adaptation, &mut Requests, quality::View<'_>)> {
        let view = self.rest.quality_view(self.tracks, self.types, self.goal, now)?;
        Some((self.quality, self.requests, view))
    }
}
