//! What a peer sees of its element and of the segment that it fetches.

use super::throughput::{Chunks, Ms, Read, Sample};
use nearlive::media::scan::Fact;
use nearlive::player::Snapshot;
use nearlive::time::{Instant, Span};

/// The media element, between the looks at it. Positions are Unix microseconds.
#[derive(Debug)]
pub(crate) struct Element {
    position: i64,
    at: Instant,
    speed: f64,
    moving: bool,
    ranges: Vec<Span>,
}

impl Default for Element {
    fn default() -> Self {
        Self {
            position: 0,
            at: Instant::from_micros(0),
            speed: 1.0,
            moving: false,
            ranges: Vec::new(),
        }
    }
}

impl Element {
    /// `currentTime`, as it goes on between two looks.
    pub(crate) fn position(&self, now: Instant) -> i64 {
        let passed = if self.moving { now.since(self.at).as_micros() as f64 } else { 0.0 };
        let there = self.position + (passed * self.speed) as i64;
        let end = self.range(self.position).map_or(there, |r| r.end.as_micros());
        there.min(end.max(self.position))
    }

    fn range(&self, position: i64) -> Option<&Span> {
        let holds = |r: &&Span| (r.start.as_micros()..=r.end.as_micros()).contains(&position);
        self.ranges.iter().find(holds)
    }

    /// Media buffered without a hole ahead of the position, microseconds.
    pub(crate) fn ahead(&self, now: Instant) -> i64 {
        let position = self.position(now);
        self.range(position).map_or(0, |r| r.end.as_micros() - position)
    }

    /// Where the media begins.
    pub(crate) fn first(&self) -> Option<i64> {
        self.ranges.first().map(|r| r.start.as_micros())
    }

    pub(crate) const fn speed(&self) -> f64 {
        self.speed
    }

    pub(crate) fn buffered(&mut self, ranges: Vec<Span>) {
        self.ranges = ranges;
    }

    /// It was told to be there.
    pub(crate) const fn moved(&mut self, now: Instant, to: i64) {
        (self.position, self.at) = (to, now);
    }

    pub(crate) fn set_speed(&mut self, now: Instant, speed: f64) {
        let position = self.position(now);
        self.moved(now, position);
        self.speed = speed;
    }

    pub(crate) fn look(&mut self, now: Instant, it: &Snapshot) {
        self.moved(now, it.position.as_micros());
        self.moving = !it.paused && !it.seeking && it.ready >= 3;
    }
}

/// A segment under way.
#[derive(Debug)]
pub(crate) struct Segment {
    chunks: Chunks,
    asked: Ms,
    first: Option<Ms>,
    reads: u32,
}

impl Default for Segment {
    fn default() -> Self {
        Self::new(Instant::from_micros(0))
    }
}

fn millis(at: Instant) -> Ms {
    at.as_micros() as f64 / 1000.0
}

impl Segment {
    /// One that is asked for now.
    pub(crate) fn new(now: Instant) -> Self {
        Self { chunks: Chunks::default(), asked: millis(now), first: None, reads: 0 }
    }

    /// How many reads it has had.
    pub(crate) const fn reads(&self) -> u32 {
        self.reads
    }

    /// Notes a read of so many bytes.
    pub(crate) fn read(&mut self, now: Instant, len: u32, facts: &[Fact]) {
        let at = millis(now);
        self.first.get_or_insert(at);
        self.reads += 1;
        let mut it = Read { at, bytes: f64::from(len), ..Read::default() };
        for fact in facts {
            match fact {
                Fact::Fragment(_) if it.ends.is_none() => it.begins = true,
                Fact::Fragment(_) => it.begins_after = true,
                Fact::FragmentEnd { offset } => {
                    it.ends = Some(*offset as f64);
                    it.begins |= it.begins_after;
                    it.begins_after = false;
                }
                _ => {}
            }
        }
        self.chunks.read(&it);
    }

    /// The sample that it makes now that it is whole.
    pub(crate) fn sample(&self, now: Instant) -> Option<Sample> {
        self.chunks.sample(self.asked, self.first?, millis(now))
    }
}
