//! Answers of the live server: texts, initialization segments, growing and held segments.

use super::camera::{Camera, Period, Rendition, signed, time_of, unix};
use super::slots::{Chunk, Slot};
use crate::clock::{Clock, Time};
use crate::origin::cmaf::{AUDIO_FRAME, Packer, message};
use crate::origin::{Head, HttpRequest, Reply, Step, Timeline, status};
use nearlive::time::WallTime;

/// The head of a good answer, with the `Date` that HTTP servers give: whole seconds.
fn head(now: Time, kind: &str) -> Head {
    let date = Clock::truth(now).as_micros().div_euclid(1_000_000) * 1_000_000;
    Head { date: Some(WallTime::from_micros(date)), ..Head::new(200, kind) }
}

/// A text, or 503 where there is none yet.
pub(super) fn text(
    now: Time,
    request: &HttpRequest,
    kind: &str,
    text: Option<String>,
) -> Box<dyn Reply> {
    match text {
        Some(text) => Box::new(Timeline::answer(now, request, head(now, kind), text)),
        None => status(now, 503),
    }
}

/// An initialization or media segment.
pub(super) fn media(
    cam: &std::rc::Rc<Camera>,
    now: Time,
    request: &HttpRequest,
    (period, rendition, name): (&str, &str, &str),
) -> Box<dyn Reply> {
    let id: Option<i64> = period.parse().ok();
    let found = cam.known(now).find(|p| Some(p.id()) == id);
    let (Some(period), Some(rendition)) = (found, Rendition::read(rendition)) else {
        return status(now, 404);
    };
    let Some(packer) = cam.packer(period, rendition) else { return status(now, 404) };
    if name == "init.mp4" {
        return Box::new(Timeline::answer(now, request, head(now, "video/mp4"), packer.init()));
    }
    let by_time = name.starts_with('t');
    let Some(number) = number(cam, period, rendition, name) else { return status(now, 404) };
    let Some((start, end)) = cam.place(period, number) else { return status(now, 404) };
    let too_early = start > unix(now) + 2 * signed(cam.live.segment);
    let too_old = end < unix(now) - signed(cam.live.depth) - 5_000_000;
    let lost = cam.live.lost.iter().any(|l| l.contains(&time_of(start)));
    if too_early || too_old || lost {
        return status(now, 404);
    }
    // The gaps of a Period are known when the next one begins.
    if let Some(next) = cam.periods.iter().find(|p| Some(p.start) == period.end)
        && start >= next.start
    {
        return Box::new(Timeline::new(now.max(next.known), Head::new(404, "text/plain")));
    }
    let Some(slot) = cam.slot(period, number, rendition) else { return status(now, 404) };
    let begun = slot.chunks.first().is_some_and(|c| c.at <= now);
    if (by_time && slot.complete > now) || (!cam.live.holds && !begun) {
        return status(now, 404);
    }
    let packer = packer.clone();
    if slot.complete <= now || request.range.is_some() || request.head_only {
        let mut body = crate::payload::Payload::default();
        for chunk in &slot.chunks {
            body.append(bytes(cam, &packer, chunk));
        }
        return Box::new(Timeline::answer(now, request, head(now, "video/mp4"), body));
    }
    Box::new(Growing { cam: std::rc::Rc::clone(cam), slot, packer, next: 0, head: false })
}

/// The number in a segment's name: itself, or that of the segment that begins at a media time.
fn number(cam: &Camera, period: &Period, rendition: Rendition, name: &str) -> Option<u64> {
    let name = name.strip_suffix(".m4s")?;
    let packer = cam.packer(period, rendition)?;
    let Some(ticks) = name.strip_prefix('t') else { return name.parse().ok() };
    let at = cam.epoch() + packer.timescale().to_micros(ticks.parse().ok()?);
    // Sound begins with the first frame in its slot, up to a frame after the slot's start.
    let start = period.start + signed(cam.shift(rendition));
    let index = (at - start).div_euclid(signed(cam.live.segment));
    u64::try_from(index).ok()?.checked_add(period.first_number)
}

/// A frame that is finished this late after its capture says when it was finished, as from the
/// server.
const SAID_LATE_US: i64 = 120_000;

/// The bytes of one chunk.
fn bytes(cam: &Camera, packer: &Packer, chunk: &Chunk) -> crate::payload::Payload {
    let epoch = cam.epoch();
    let scale = packer.timescale();
    let ticks = |us: i64| u64::try_from(scale.from_micros(us - epoch)).unwrap_or(0);
    let wall = Some(WallTime::from_micros(chunk.captured));
    if scale == nearlive::time::Timescale::AUDIO_48K {
        let frame = u64::from(AUDIO_FRAME);
        let first = (ticks(chunk.captured) + frame / 2) / frame * frame;
        let first = if epoch == 0 { first } else { ticks(chunk.captured) };
        let each = chunk.bytes / u32::try_from(chunk.frames).unwrap_or(1).max(1);
        let frames: Vec<_> =
            (0..chunk.frames).map(|i| (first + i * frame, AUDIO_FRAME, each, true)).collect();
        return packer.chunk(&frames, wall);
    }
    let start = ticks(chunk.captured);
    let lasts = ticks(chunk.captured + chunk.lasts) - start;
    let lasts = u32::try_from(lasts).unwrap_or(u32::MAX);
    let mut payload = crate::payload::Payload::default();
    if let Some(word) = cam.word(chunk) {
        payload = message(SOURCE, "", start, scale.hz(), lasts, word.as_bytes()).into();
    }
    let finalized = Some(unix(chunk.at)).filter(|at| at - chunk.captured >= SAID_LATE_US);
    let finalized = finalized.map(WallTime::from_micros);
    payload.append(packer.late_chunk(&[(start, lasts, chunk.bytes, chunk.sync)], wall, finalized));
    payload
}

/// Scheme of messages about the camera.
const SOURCE: &str = "urn:nearlive:source:2026";

impl Camera {
    /// What a chunk of the picture says about the camera, if anything.
    fn word(&self, chunk: &Chunk) -> Option<&'static str> {
        let live = &self.live;
        if !live.speaks || !chunk.sync {
            return None;
        }
        if chunk.lasts > signed(live.frame) {
            return Some("the camera does not answer");
        }
        let boot = live.down.iter().map(|d| d.end).filter(|end| unix(*end) <= chunk.captured).max();
        let owes = |a: &std::ops::Range<Time>| unix(a.end) <= chunk.captured && Some(a.end) > boot;
        live.away.iter().any(owes).then_some("")
    }
}

/// A segment that is sent while it is made; its head comes with its first chunk.
struct Growing {
    cam: std::rc::Rc<Camera>,
    slot: Slot,
    packer: Packer,
    next: usize,
    head: bool,
}

impl Reply for Growing {
    fn poll(&mut self, now: Time) -> Step {
        let Some(chunk) = self.slot.chunks.get(self.next) else {
            let end = self.slot.complete;
            return if end > now { Step::Later(end) } else { Step::End };
        };
        if chunk.at > now {
            return Step::Later(chunk.at);
        }
        if !self.head {
            self.head = true;
            return Step::Head(head(now, "video/mp4"));
        }
        self.next += 1;
        Step::Data(bytes(&self.cam, &self.packer, chunk))
    }
}
