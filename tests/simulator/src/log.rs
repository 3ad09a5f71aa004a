//! The newest events, for the trace that a failing test prints.
//!
//! Events of every frame (reads, appends) have a short memory of their own, so that they do not
//! push out others. Only rare events are formatted before they are printed.
//!
//! `NEARLIVE_TRACE=20..22` prints all of the 20th to the 22nd second as it happens.

use crate::clock::Time;
use nearlive::player::{
    Append, BufferEvent, Command, Cue, FetchEvent, Input, Output, Snapshot, SourceEvent, TrackId,
};
use std::collections::VecDeque;
use std::fmt::{self, Write as _};

#[derive(Debug)]
enum Note {
    Text(String),
    Read { id: u32, len: u64, facts: usize },
    Append { track: TrackId, blob: u32 },
    Updated { track: TrackId, ranges: usize, end_us: i64 },
    Look { cue: Cue, at_us: i64, permille: u32, flags: [bool; 3], ready: u8 },
    Wake,
    Wait { until_us: Option<u64>, why: &'static str },
}

#[derive(Debug)]
struct Line {
    at: Time,
    order: u64,
    out: bool,
    note: Note,
}

/// The newest events.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The time in which events are printed as they happen.
    aloud: Option<std::ops::Range<Time>>,
    rare: VecDeque<Line>,
    bulk: VecDeque<Line>,
    order: u64,
}

const RARE: usize = 250;
const BULK: usize = 60;

impl Log {
    pub(crate) fn new() -> Self {
        let second = |s: &str| Some(crate::clock::secs(s.trim().parse().ok()?));
        let aloud = std::env::var("NEARLIVE_TRACE").ok().and_then(|span| {
            let (from, to) = span.split_once("..")?;
            Some(second(from)?..second(to)?)
        });
        Self { aloud, ..Self::default() }
    }

    fn push(&mut self, at: Time, out: bool, note: Note) {
        self.order += 1;
        if self.aloud.as_ref().is_some_and(|span| span.contains(&at)) {
            eprintln!("{:12.6} {} {note}", micros(at), if out { "<-" } else { "->" });
        }
        let bulk = match &note {
            Note::Text(_) => false,
            Note::Look { cue, .. } => *cue == Cue::Timer,
            _ => true,
        };
        let (ring, most) = if bulk { (&mut self.bulk, BULK) } else { (&mut self.rare, RARE) };
        if ring.len() >= most {
            ring.pop_front();
        }
        ring.push_back(Line { at, order: self.order, out, note });
    }

    /// Notes an event outside the border.
    pub(crate) fn note(&mut self, at: Time, text: impl Into<String>) {
        self.push(at, false, Note::Text(text.into()));
    }

    pub(crate) fn input(&mut self, at: Time, input: &Input) {
        let note = match input {
            Input::Fetch(id, FetchEvent::Media { len, facts, .. }) => {
                Note::Read { id: id.0, len: u64::from(*len), facts: facts.len() }
            }
            Input::Fetch(id, FetchEvent::Data(data)) => {
                Note::Read { id: id.0, len: crate::payload::count(data.len()), facts: 0 }
            }
            Input::Fetch(id, FetchEvent::Head(head)) => {
                Note::Text(format!("Head {} status {}", id.0, head.status))
            }
            Input::Fetch(id, FetchEvent::Done) => Note::Text(format!("Done {}", id.0)),
            Input::Fetch(id, FetchEvent::Failed(why)) => {
                Note::Text(format!("Failed {}: {why}", id.0))
            }
            Input::Buffer(track, BufferEvent::Updated { ranges }) => Note::Updated {
                track: *track,
                ranges: ranges.len(),
                end_us: ranges.last().map_or(0, |r| r.end.as_micros()),
            },
            Input::Media(s) => look(s),
            Input::Wake => Note::Wake,
            Input::Command(Command::Load { url }) => Note::Text(format!("Load {url}")),
            Input::Source(SourceEvent::Opened) => Note::Text("Opened".into()),
            other => Note::Text(format!("{other:?}")),
        };
        self.push(at, false, note);
    }

    pub(crate) fn output(&mut self, at: Time, output: &Output) {
        let note = match output {
            Output::Fetch(r) => Note::Text(format!("Fetch {} {} {:?}", r.id.0, r.url, r.range)),
            Output::Append { buffer, data: Append::Blob(blob) } => {
                Note::Append { track: *buffer, blob: blob.0 }
            }
            Output::Append { buffer, data: Append::Bytes(bytes) } => {
                Note::Text(format!("Append {buffer:?} {} bytes of the core", bytes.len()))
            }
            Output::Wait { until, why } => Note::Wait {
                until_us: until.map(nearlive::time::Instant::as_micros),
                why: why.words(),
            },
            Output::Seek(at) => Note::Text(format!("Seek {:.3}", seconds(at.as_micros()))),
            Output::Rate(rate) => Note::Text(format!("Rate {}", rate.permille())),
            Output::Release(_) => return,
            other => Note::Text(format!("{other:?}")),
        };
        self.push(at, true, note);
    }

    /// All remembered events, oldest first.
    pub(crate) fn print(&self) -> String {
        let mut lines: Vec<&Line> = self.rare.iter().chain(&self.bulk).collect();
        lines.sort_by_key(|l| l.order);
        let mut text = String::new();
        for line in lines {
            let arrow = if line.out { "<-" } else { "->" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:12.6} {arrow} {}", micros(line.at), line.note);
        }
        text
    }
}

fn look(s: &Snapshot) -> Note {
    Note::Look {
        cue: s.cue,
        at_us: s.position.as_micros(),
        permille: s.rate.permille(),
        flags: [s.paused, s.seeking, s.ended],
        ready: s.ready,
    }
}

/// A time of the run in seconds, for people.
pub(crate) fn micros(t: Time) -> f64 {
    f64::from(u32::try_from(t / 1000).unwrap_or(u32::MAX)) / 1000.0
        + f64::from(u32::try_from(t % 1000).unwrap_or(0)) / 1e6
}

/// Microseconds in seconds, for people; of a Unix time the last million seconds.
pub(crate) fn seconds(us: i64) -> f64 {
    let us = if us.abs() > 1_000_000_000_000 { us % 1_000_000_000_000 } else { us };
    let ms = i32::try_from(us / 1000).unwrap_or(i32::MAX);
    f64::from(ms) / 1000.0
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Read { id, len, facts } => write!(f, "Read {id} {len} bytes, {facts} facts"),
            Self::Append { track, blob } => write!(f, "Append {track:?} blob {blob}"),
            Self::Updated { track, ranges, end_us } => {
                write!(f, "Updated {track:?} {ranges} ranges to {:.3}", seconds(*end_us))
            }
            Self::Look { cue, at_us, permille, flags: [paused, seeking, ended], ready } => {
                let flag = |on: bool, name: &'static str| if on { name } else { "" };
                write!(
                    f,
                    "Media {cue:?} at {:.3} rate {permille} ready {ready}{}{}{}",
                    seconds(*at_us),
                    flag(*paused, " paused"),
                    flag(*seeking, " seeking"),
                    flag(*ended, " ended"),
                )
            }
            Self::Wake => f.write_str("Wake"),
            Self::Wait { until_us, why } => match until_us {
                Some(us) => write!(f, "Wait until {:.6} of the page: {why}", micros(*us)),
                None => write!(f, "Wait: {why}"),
            },
        }
    }
}
