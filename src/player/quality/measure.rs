//! Measures the throughput from the reads, and gives up a segment that arrives too slowly.

use super::adaptation::{Adaptation, LATE_BY_LINK, View};
use crate::abr::{Choice, abandon, cmsd, plan};
use crate::player::io::{FetchId, TrackId};
use crate::player::place::{Place, rep_of, track_of};
use crate::player::requests::Requests;
use crate::player::track::download::middle;
use crate::player::track::stream::Stream;
use crate::presentation::TrackKind;
use crate::time::{Duration, Instant, Position};
use crate::units::Bitrate;

/// At the start, the part of a segment that already exists may take this long to arrive. Before
/// that a lower rung would not show a picture sooner.
const JOIN: Duration = Duration::from_millis(400);

/// So much is left over when the end of the buffer is fetched anew on a lower rung.
const SPARE: Duration = Duration::from_millis(100);

/// A read of a segment.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct Read {
    pub(in crate::player) track: TrackId,
    pub(in crate::player) id: FetchId,
    pub(in crate::player) len: u32,
    /// The camera is away: filler arrives at the server's pace, not at the link's.
    pub(in crate::player) away: bool,
    /// The picture has moved.
    pub(in crate::player) moved: bool,
}

impl Adaptation {
    /// Takes the server's estimate from the `CMSD-Dynamic` header of an answer (CTA-5006).
    pub(in crate::player) fn note_cmsd(&mut self, now: Instant, v: &View<'_>, header: &str) {
        if let Some(rate) = cmsd::estimated_throughput(header)
            && v.growing
            && v.late < LATE_BY_LINK
        {
            self.estimate.raise_to(now, rate);
        }
    }

    /// An answer has begun: whole segments arrive as fast as the link can carry them.
    pub(in crate::player) const fn answer_begins(&mut self, now: Instant, growing: bool) {
        if !growing {
            self.reads.last = Some(now);
        }
    }

    /// A segment has arrived whole.
    pub(in crate::player) fn answer_ends(&mut self, now: Instant, growing: bool, id: FetchId) {
        if growing {
            return;
        }
        self.estimate.end_burst(now);
        self.reads.last = None;
        let Some(pace) = self.reads.came(id) else { return };
        for rate in [pace.whole(), pace.turned_to()].into_iter().flatten() {
            self.levels.observe(rate);
        }
    }

    /// Takes a read, which is a sample of the throughput if the link sets the pace. Answers a lower
    /// rung if the segment is to be given up for it.
    pub(in crate::player) fn read(
        &mut self,
        now: Instant,
        v: &View<'_>,
        requests: &Requests,
        read: &Read,
    ) -> Option<Choice> {
        let leads = v.is_picture(read.track) || v.tracks.len() == 1;
        // What is fetched ahead has a buffer, by which players take turns.
        let len = if v.growing { self.reads.share(read.len) } else { u64::from(read.len) };
        self.reads.bytes_since += len;
        if v.growing && !leads {
            // Sound is small: it may arrive in time while the picture is held back.
            return None;
        }
        let len = core::mem::take(&mut self.reads.bytes_since);
        // Without a read before it, the time that this one took is not known.
        let before = self.reads.last.replace(now)?;
        let after = now.since(before);
        if !v.growing {
            self.estimate.read(now, len, after, false);
            let stream = v.tracks.get(read.track).filter(|_| leads);
            let d = stream.and_then(|stream| stream.download(read.id));
            if let Some(d) = d {
                let again = stream.is_some_and(|s| s.replacement().is(read.id));
                self.reads.paced(now, requests, (read.id, (!again).then_some(d.place().rep)), len);
            }
            return self.give_up_whole(now, v, read);
        }
        if read.away {
            self.wants = false;
            return None;
        }
        if v.late <= LATE_BY_LINK {
            self.estimate.end_burst(now);
            return None;
        }
        self.held_back |= read.moved;
        self.estimate.read(now, len, after, true);
        self.give_up_growing(now, v, read)
    }

    fn give_up_growing(&mut self, now: Instant, v: &View<'_>, read: &Read) -> Option<Choice> {
        // At the start the existing part of a segment arrives late on any link.
        let picture = v.tracks.of(TrackKind::Video).and_then(Stream::coming);
        let joins = || picture.is_none_or(|d| now.since(d.sent_at()) < JOIN);
        if !v.is_picture(read.track) || !read.moved && joins() {
            return None;
        }
        // The representation under way: the stream may already be set to another one.
        let set_to = v.tracks.of(TrackKind::Video)?.place().rep;
        let place = picture?.place();
        let track = track_of(v.presentation, place)?;
        if self.chosen(v.types, track).is_some() {
            return None;
        }
        let mut choice = abandon::growing(&abandon::Growing {
            rungs: &self.rungs(now, v.types, track),
            current: place.rep,
            late: v.late,
            held: v.ahead,
            rest: picture?.segment().end.since(picture?.arrived_to()),
            link: self.estimate.recent(),
            others: v.others(),
        })?;
        // The stream may already be set to a lower one.
        choice.rep = choice.rep.min(set_to);
        self.probe.note_weak(now);
        self.rule.note_down(now, place.rep);
        self.estimate.lower_to_recent();
        Some(choice)
    }

    fn give_up_whole(&mut self, now: Instant, v: &View<'_>, read: &Read) -> Option<Choice> {
        let stream = v.tracks.of(TrackKind::Video).filter(|s| s.id() == read.track)?;
        let d = stream.coming().filter(|d| d.id() == read.id)?;
        let track = track_of(v.presentation, stream.place())?;
        let held = middle(d.segment());
        if self.chosen(v.types, track).is_some() || stream.place() != d.place() {
            return None;
        }
        let coming = self.reads.coming.as_ref().filter(|it| it.id == read.id)?;
        let rate = coming.pace.lately()?;
        let before = self.reads.before.or(coming.rep)?;
        let rungs = self.rungs(now, v.types, track);
        let length = d.segment().end.since(d.segment().start);
        let link = (&self.levels, self.reads.delay);
        let view = v.of_plan((&rungs, stream.place().rep), link, length);
        let view = plan::View { weight: self.reads.next.weight, ..view };
        let choice = self.plan.give_up(&view, &plan::UnderWay { got: d.got(), rate }, before)?;
        self.levels.settle(rate);
        self.kept_on_rung = Some(held);
        Some(choice)
    }

    /// Where to enter a lower rung when a growing segment was given up: at the `end` of the buffer, if
    /// what is held pays for that; else at the start of its segment at the `edge`, or at the next one if
    /// the link would need longer for what exists of the former.
    pub(in crate::player) fn entry(
        &self,
        v: &View<'_>,
        place: Place,
        (edge, end): (Position, Position),
    ) -> Option<Position> {
        let rep = rep_of(v.presentation, place)?;
        let segment = rep.segments.at(edge)?;
        let link = self.estimate.recent()?.as_bps();
        let rate = Bitrate::from_bps(link.saturating_sub(v.others().as_bps()));
        // What is held lasts until its segment has come anew up to its end: nothing is left out.
        if let Some(again) = rep.segments.at(end).map(|it| end.since(it.start))
            && v.ahead >= rate.time_for(rep.bandwidth.bytes_in(again))? + SPARE
        {
            return Some(end);
        }
        let made = rep.bandwidth.bytes_in(edge.since(segment.start));
        let next = rate.time_for(made)? > segment.end.since(edge);
        Some(if next { segment.end } else { segment.start })
    }
}
