//! The on-demand model of Sabre (Spiteri, Sitaraman, Sparacio, MMSys 2018): one download after the other into a buffer
//! of 25 s; playing starts with the first segment; what of an abandoned segment has come is lost.

use crate::line::{Line, Ms};
use nearlive_simulator::origin::film::Film;

/// The largest buffer, with the segment that is asked for.
pub(crate) const BUFFER: Ms = 25_000.0;
/// A download says how far it is each time this much of it has come, and at least this time has passed.
const PROGRESS_BITS: f64 = 12_000.0;
const PROGRESS_TIME: Ms = 50.0;

/// What a rule sees before a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) film: &'a Film,
    /// Index of the segment that is asked for.
    pub(crate) segment: usize,
    /// Media buffered.
    pub(crate) buffer: Ms,
}

impl View<'_> {
    pub(crate) fn bits(&self, segment: usize, rung: usize) -> f64 {
        bits(self.film, segment, rung)
    }

    pub(crate) fn length(&self) -> Ms {
        self.film.segment_ms as f64
    }
}

fn bits(film: &Film, segment: usize, rung: usize) -> f64 {
    film.sizes[segment][rung] as f64 * 8.0
}

/// A download, so far or whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Download {
    pub(crate) rung: usize,
    pub(crate) bits: f64,
    pub(crate) got: f64,
    /// Since the request, and until its first bit.
    pub(crate) time: Ms,
    pub(crate) latency: Ms,
    /// When its last bit so far came.
    pub(crate) at: Ms,
    /// It was given up for this rung.
    pub(crate) left_for: Option<usize>,
}

/// A rule that chooses rungs.
pub(crate) trait Rule {
    /// The rung to fetch, and how long to wait before.
    fn choose(&mut self, view: &View<'_>) -> (usize, Ms);
    /// Nothing was fetched for this time, because the buffer was full.
    fn waited(&mut self, _time: Ms) {}
    /// A download is over: whole, or given up.
    fn downloaded(&mut self, view: &View<'_>, it: &Download);
    /// The rung that it is to be given up for, with what is buffered then.
    fn gives_up(&mut self, _view: &View<'_>, _so_far: &Download) -> Option<usize> {
        None
    }
}

/// How a film was played.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Played {
    /// The rung of each segment.
    pub(crate) rungs: Vec<usize>,
    /// How long the picture stood after the start, and how often.
    pub(crate) stalled: Ms,
    pub(crate) stalls: u32,
    /// Until the first picture.
    pub(crate) startup: Ms,
    /// When each segment had come, and what was buffered then.
    pub(crate) course: Vec<(Ms, Ms)>,
}

struct Session<'a> {
    film: &'a Film,
    line: &'a Line,
    now: Ms,
    buffer: Ms,
    out: Played,
}

impl Session<'_> {
    const fn view(&self, segment: usize) -> View<'_> {
        View { film: self.film, segment, buffer: self.buffer }
    }

    fn pass(&mut self, time: Ms) {
        self.now += time;
        if time > self.buffer {
            self.out.stalled += time - self.buffer;
            self.out.stalls += u32::from(self.buffer > 0.0);
        }
        self.buffer = (self.buffer - time).max(0.0);
    }

    /// Downloads a segment; true where it came whole.
    fn download(&mut self, rule: &mut dyn Rule, segment: usize, rung: usize, may: bool) -> bool {
        let bits = bits(self.film, segment, rung);
        let start = self.now;
        let first = self.line.answered(start);
        let mut it = Download {
            rung,
            bits,
            got: 0.0,
            time: first - start,
            latency: first - start,
            at: first,
            left_for: None,
        };
        // At the first report the latency counts with the time.
        let mut least_time = PROGRESS_TIME - it.latency;
        while it.got < bits {
            let by_time = it.at + least_time.max(0.0);
            let by_bits = self.line.arrived(it.at, PROGRESS_BITS);
            let whole = self.line.arrived(it.at, bits - it.got);
            let at = if may { by_time.max(by_bits).min(whole) } else { whole };
            let came = self.line.carried(at) - self.line.carried(it.at);
            it.got = if at >= whole { bits } else { it.got + came };
            it.at = at;
            it.time = at - start;
            least_time = PROGRESS_TIME;
            if it.got < bits && may {
                let buffer = (self.buffer - it.time).max(0.0);
                let view = View { buffer, ..self.view(segment) };
                it.left_for = rule.gives_up(&view, &it);
                if it.left_for.is_some() {
                    break;
                }
            }
        }
        if segment == 0 {
            self.now += it.time;
            self.out.startup = self.now;
        } else {
            self.pass(it.time);
        }
        let whole = it.got >= bits;
        if whole {
            self.buffer += self.film.segment_ms as f64;
            self.out.rungs.push(rung);
            self.out.course.push((self.now, self.buffer));
        }
        rule.downloaded(&self.view(segment), &it);
        whole
    }
}

/// Plays a film over a link by a rule.
pub(crate) fn play(film: &Film, line: &Line, rule: &mut dyn Rule) -> Played {
    let mut s = Session { film, line, now: 0.0, buffer: 0.0, out: Played::default() };
    let length = film.segment_ms as f64;
    let mut segment = 0;
    while segment < film.sizes.len() {
        let full = s.buffer + length - BUFFER;
        if full > 0.0 {
            s.pass(full);
            rule.waited(full);
        }
        let (rung, wait) = rule.choose(&s.view(segment));
        if wait > 0.0 {
            s.pass(wait);
        }
        if s.download(rule, segment, rung, segment > 0) {
            segment += 1;
        }
    }
    s.out
}
