//! What the link carries, by the reads that come; and giving up a segment that comes too slowly.

use super::adaptation::{Adaptation, BACKLOG, View};
use crate::abr::{Choice, abandon, cmsd};
use crate::player::io::{FetchId, TrackId};
use crate::player::place::{Place, rep_of, track_of};
use crate::player::requests::Requests;
use crate::player::track::download::middle;
use crate::presentation::TrackKind;
use crate::time::{Instant, Position};
use crate::units::Bitrate;
use core::time::Duration;

/// A join's backlog may take this long: the wait for a lower rung would be longer.
const JOIN: Duration = Duration::from_millis(400);

/// A read of a segment.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct Read {
    pub(in crate::player) track: TrackId,
    pub(in crate::player) id: FetchId,
    pub(in crate::player) len: u32,
    /// The camera is away: what comes is not at the link's pace.
    pub(in crate::player) away: bool,
    /// The picture has moved.
    pub(in crate::player) moved: bool,
}

impl Adaptation {
    /// `CMSD-Dynamic` of an answer (CTA-5006).
    pub(in crate::player) fn note_cmsd(&mut self, now: Instant, v: &View<'_>, header: &str) {
        if let Some(rate) = cmsd::estimated_throughput(header)
            && v.growing
            && v.late < BACKLOG
        {
            self.estimate.proven(now, rate);
        }
    }

    /// An answer began: what comes now takes as long as the link needs.
    pub(in crate::player) const fn answer_begins(&mut self, now: Instant, growing: bool) {
        if !growing {
            self.reads.last = Some(now);
        }
    }

    /// A segment is whole.
    pub(in crate::player) fn answer_ends(&mut self, now: Instant, growing: bool) {
        if !growing {
            self.estimate.flowing(now);
            self.reads.last = None;
        }
    }

    /// A read came: a sample where the link set the pace. Answers the lower rung for which the segment
    /// is to be given up, if it is.
    pub(in crate::player) fn read(
        &mut self,
        now: Instant,
        v: &View<'_>,
        requests: &Requests,
        read: &Read,
    ) -> Option<Choice> {
        let leads = v.is_picture(read.track) || v.tracks.len() == 1;
        self.reads.beside += u64::from(read.len);
        if v.growing && !leads {
            // Sound is small and may flow past a picture that is held back.
            return None;
        }
        let len = core::mem::take(&mut self.reads.beside);
        // The first read has no time of its own.
        let before = self.reads.last.replace(now)?;
        let after = now.since(before);
        if !v.growing {
            self.estimate.read(now, len, after, false);
            return self.give_up_whole(now, v, requests, read);
        }
        if read.away {
            return None;
        }
        if v.late <= BACKLOG {
            self.estimate.flowing(now);
            return None;
        }
        self.estimate.read(now, len, after, true);
        self.give_up_growing(now, v, read)
    }

    fn give_up_growing(&mut self, now: Instant, v: &View<'_>, read: &Read) -> Option<Choice> {
        // A join's backlog is no sign of weakness while it is young.
        let picture = v.tracks.of(TrackKind::Video).and_then(|s| s.downloads.front());
        let joins = || picture.is_none_or(|d| now.since(d.sent_at) < JOIN);
        if !v.is_picture(read.track) || !read.moved && joins() {
            return None;
        }
        // What is on its way, which the next segment may already have been decided to leave.
        let place = picture?.place;
        let track = track_of(v.presentation, place)?;
        if self.chosen(v.types, track).is_some() {
            return None;
        }
        let choice = abandon::growing(&abandon::Growing {
            rungs: &self.rungs(now, v.types, track),
            current: place.rep,
            late: v.late,
            link: self.estimate.recent(),
            others: v.others(),
        })?;
        self.probe.weak(now);
        self.rule.note_down(now);
        self.estimate.fallen();
        Some(choice)
    }

    fn give_up_whole(
        &mut self,
        now: Instant,
        v: &View<'_>,
        requests: &Requests,
        read: &Read,
    ) -> Option<Choice> {
        let stream = v.tracks.of(TrackKind::Video).filter(|s| s.id == read.track)?;
        let d = stream.downloads.front().filter(|d| d.id == read.id)?;
        let track = track_of(v.presentation, stream.place)?;
        let held = middle(&d.segment);
        if self.chosen(v.types, track).is_some()
            || stream.place != d.place
            || self.held == Some(held)
        {
            return None;
        }
        let answered = requests.get(read.id).and_then(|s| s.answered_at).unwrap_or(d.sent_at);
        let choice = abandon::whole(&abandon::Whole {
            rungs: &self.rungs(now, v.types, track),
            current: stream.place.rep,
            length: d.segment.end.since(d.segment.start),
            got: d.got,
            elapsed: now.since(answered),
            ahead: v.ahead,
        })?;
        self.held = Some(held);
        Some(choice)
    }

    /// Where a growing segment's lower rung is entered: its segment at the `edge` has to be fetched from
    /// its start, and the next one may be there sooner.
    pub(in crate::player) fn entry(
        &self,
        v: &View<'_>,
        place: Place,
        edge: Position,
    ) -> Option<Position> {
        let rep = rep_of(v.presentation, place)?;
        let segment = rep.segments.at(edge)?;
        let link = self.estimate.recent()?.as_bps();
        let rate = Bitrate::from_bps(link.saturating_sub(v.others().as_bps()));
        let made = rep.bandwidth.bytes_in(edge.since(segment.start));
        let next = rate.time_for(made)? > segment.end.since(edge);
        Some(if next { segment.end } else { segment.start })
    }
}
