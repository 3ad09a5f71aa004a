//! The report of a run, measured from outside the player.

use crate::clock::{Time, secs};
use crate::log::{micros, seconds};
use nearlive::player::{Code, Error, Event, State, Switch};
use std::fmt;
use std::ops::Range;

/// The state at one moment; one every 250 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Time,
    /// The element's position, microseconds.
    pub position: i64,
    /// True time minus the capture time of what is shown, microseconds, where the origin has a
    /// clock.
    pub latency: Option<i64>,
    /// Whether the clock runs and there is a picture.
    pub moving: bool,
    /// Whether the viewer has paused it.
    pub paused: bool,
    /// `playbackRate`, thousandths.
    pub rate: u32,
    /// The rung on the screen.
    pub rung: Option<u8>,
    /// Picture ahead of the position, microseconds.
    pub video_ahead: Option<i64>,
    /// Sound ahead of the position, microseconds.
    pub audio_ahead: Option<i64>,
}

/// A time in which the picture stood still although it should have moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// Since when.
    pub at: Time,
    /// Its length; the length so far while it continues.
    pub lasted: Time,
}

/// Everything that was recorded.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The seed of the run.
    pub seed: u64,
    /// When the manifest was asked for.
    pub loaded: Option<Time>,
    /// When the picture moved for the first time.
    pub started: Option<Time>,
    /// Times of standing still after the start, oldest first.
    pub stands: Vec<Stand>,
    /// The picture stands still since then.
    pub(crate) standing: Option<Time>,
    /// The player's messages about itself.
    pub states: Vec<(Time, State)>,
    /// Its errors.
    pub errors: Vec<(Time, Error)>,
    /// Its switches.
    pub switches: Vec<(Time, Switch)>,
    /// Sentences about the source.
    pub sources: Vec<(Time, String)>,
    /// How often it changed the playback rate.
    pub rate_changes: u32,
    /// How often it set the position.
    pub seeks: u32,
    /// How often it opened a MediaSource.
    pub opens: u32,
    /// Requests made.
    pub requests: u32,
    /// Bytes of answers' bodies that reached the page.
    pub bytes: u64,
    /// Inputs given.
    pub inputs: u64,
    /// One every 250 ms.
    pub samples: Vec<Sample>,
    /// Violations: each breaks the contract of the player's border.
    pub violations: Vec<String>,
}

impl Report {
    pub(crate) fn event(&mut self, now: Time, event: Event) {
        match event {
            Event::State(state) => self.states.push((now, state)),
            Event::Error(error) => self.errors.push((now, error)),
            Event::Quality(switch) => self.switches.push((now, switch)),
            Event::Source { cause, .. } => self.sources.push((now, cause)),
            _ => {}
        }
    }

    /// Notes whether the picture stands still though it should move.
    pub(crate) fn watch(&mut self, now: Time, moving: bool, should: bool) {
        if moving && self.started.is_none() {
            self.started = Some(now);
        }
        let stands = self.started.is_some() && should && !moving;
        match self.standing {
            None if stands => self.standing = Some(now),
            Some(at) if !stands => {
                self.standing = None;
                // A jump removes the picture for a moment that no viewer notices.
                if now - at >= UNSEEN {
                    self.stands.push(Stand { at, lasted: now - at });
                }
            }
            _ => {}
        }
    }

    /// From loading to the first moving picture.
    pub fn startup(&self) -> Option<Time> {
        Some(self.started? - self.loaded?)
    }

    /// Times of standing still that begin in `span`.
    pub fn stands_in(&self, span: Range<Time>) -> Vec<Stand> {
        self.stands.iter().filter(|s| span.contains(&s.at)).copied().collect()
    }

    /// For how long the picture stood still in `span`.
    pub fn stood(&self, span: Range<Time>) -> Time {
        let part = |at: Time, end: Time| end.min(span.end).saturating_sub(at.max(span.start));
        let over: Time = self.stands.iter().map(|s| part(s.at, s.at + s.lasted)).sum();
        over + self.standing.map_or(0, |at| part(at, span.end))
    }

    /// How much media was played in `span`, microseconds; skipped media does not count.
    pub fn played(&self, span: Range<Time>) -> i64 {
        let pairs = self.samples_in(span).windows(2);
        let steps = pairs.filter_map(|pair| match pair {
            [a, b] if a.moving => Some(b.position - a.position),
            _ => None,
        });
        steps.filter(|step| (0..LONGEST_STEP).contains(step)).sum()
    }

    /// The samples of `span`.
    pub fn samples_in(&self, span: Range<Time>) -> &[Sample] {
        let index = |t: Time| self.samples.partition_point(|s| s.at < t);
        self.samples.get(index(span.start)..index(span.end)).unwrap_or_default()
    }

    /// The `permille`th latency of the moving picture in `span`, microseconds.
    pub fn latency(&self, span: Range<Time>, permille: usize) -> Option<i64> {
        let moving = self.samples_in(span).iter().filter(|s| s.moving);
        let mut all: Vec<i64> = moving.filter_map(|s| s.latency).collect();
        all.sort_unstable();
        all.get((all.len() * permille / 1000).min(all.len().checked_sub(1)?)).copied()
    }

    /// The first sample from `from` on that meets the condition.
    pub fn first(&self, from: Time, so: impl Fn(&Sample) -> bool) -> Option<Time> {
        let index = self.samples.partition_point(|s| s.at < from);
        let rest = self.samples.get(index..).unwrap_or_default();
        rest.iter().find(|s| so(s)).map(|s| s.at)
    }

    /// When this rung is on the screen for the first time from `from` on.
    pub fn rung_at(&self, from: Time, rung: u8) -> Option<Time> {
        self.first(from, |s| s.moving && s.rung == Some(rung))
    }

    /// When playback is back from `from` on: the picture moves then and in all samples of the next
    /// second.
    pub fn back(&self, from: Time) -> Option<Time> {
        let mut since: Option<Time> = None;
        let index = self.samples.partition_point(|s| s.at < from);
        for s in self.samples.get(index..).unwrap_or_default() {
            match since {
                _ if !s.moving => since = None,
                None => since = Some(s.at),
                Some(at) if s.at - at >= secs(1) => return since,
                Some(_) => {}
            }
        }
        None
    }

    /// Whether the player kept its contract and did not give up; else the faults.
    pub fn sound(&self) -> Result<(), String> {
        let fatal = self.fatal().first().map(|e| format!("{:?} {}", e.code, e.message));
        self.violations.first().cloned().or(fatal).map_or(Ok(()), Err)
    }

    /// The faults after a disturbance that ended at `end`: it must play again `within` this time,
    /// and be at its latency 25 s later.
    pub fn recovered(&self, end: Time, within: Time) -> Result<(), String> {
        self.sound()?;
        match self.back(end) {
            Some(back) if back <= end + within => {}
            back => return Err(format!("over at {end}, back at {back:?}")),
        }
        match self.latency(end + secs(25)..end + secs(40), 500) {
            Some(us) if us < 600_000 => Ok(()),
            us => Err(format!("{us:?} us behind half a minute later")),
        }
    }

    /// Fatal errors.
    pub fn fatal(&self) -> Vec<&Error> {
        self.errors.iter().map(|(_, e)| e).filter(|e| e.fatal).collect()
    }

    /// Errors of this kind.
    pub fn count(&self, code: Code) -> usize {
        self.errors.iter().filter(|(_, e)| e.code == code).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = 0..Time::MAX;
        let latency = |p| self.latency(all.clone(), p).map_or(-1.0, seconds);
        let last = self.samples.last();
        writeln!(
            f,
            "seed {}: start {:.3} s, latency p50 {:.3} p95 {:.3} max {:.3} s, {} stands of {:.3} s",
            self.seed,
            self.startup().map_or(-1.0, micros),
            latency(500),
            latency(950),
            latency(1000),
            self.stands.len(),
            micros(self.stood(0..last.map_or(0, |s| s.at))),
        )?;
        writeln!(
            f,
            "  {} switches, {} rates, {} seeks, {} sources, {} requests, {} bytes, {} inputs, {} errors",
            self.switches.len(),
            self.rate_changes,
            self.seeks,
            self.opens,
            self.requests,
            self.bytes,
            self.inputs,
            self.errors.len(),
        )?;
        for (at, e) in self.errors.iter().rev().take(12).rev() {
            writeln!(
                f,
                "  {:10.3} {:?} fatal {} {} {:?} [{}]",
                micros(*at),
                e.code,
                e.fatal,
                e.message,
                e.url,
                e.detail
            )?;
        }
        for (at, s) in self.switches.iter().rev().take(12).rev() {
            writeln!(f, "  {:10.3} {} {}", micros(*at), s.to.id, s.reason)?;
        }
        for s in self.stands.iter().rev().take(12).rev() {
            writeln!(f, "  {:10.3} stood for {:.3} s", micros(s.at), micros(s.lasted))?;
        }
        for v in self.violations.iter().take(12) {
            writeln!(f, "  VIOLATION {v}")?;
        }
        if let Some(s) = last {
            writeln!(f, "  last: {s:?}")?;
        }
        Ok(())
    }
}

/// More than this is not played from one sample to the next, microseconds.
const LONGEST_STEP: i64 = 400_000;

/// A shorter stop does not count: the frame before it stays on the screen that long anyway.
const UNSEEN: Time = 100_000;
