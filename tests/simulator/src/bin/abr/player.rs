//! The real player over the simulator's network, in the same model.

use crate::line::Ms;
use crate::model::{BUFFER, Played};
use nearlive::time::Duration;
use nearlive_simulator::clock::{Time, secs};
use nearlive_simulator::network::{Path, Trace};
use nearlive_simulator::origin::film::{Film, FilmServer};
use nearlive_simulator::report::{Report, Sample};
use nearlive_simulator::{Setup, Simulation};

/// After this long a run is given up.
const LONGEST: Time = secs(4 * 3600);

fn millis(us: Time) -> Ms {
    us as f64 / 1000.0
}

/// What of each segment was on the screen first.
fn shown(film: &Film, report: &Report) -> Option<Vec<Sample>> {
    let length = i64::try_from(film.segment_ms * 1000).ok()?;
    let mut all = report.samples.iter().filter(|s| s.moving && s.rung.is_some()).peekable();
    let mut out = Vec::new();
    for segment in 0..i64::try_from(film.sizes.len()).ok()? {
        while all.peek().is_some_and(|s| s.position < segment * length) {
            all.next();
        }
        out.push(**all.peek().filter(|s| s.position < (segment + 1) * length)?);
    }
    Some(out)
}

/// Plays a film, at `url`, over a link. Errors: what the player did that it must not, or that it did not reach the end.
pub(crate) fn play(film: &Film, url: &str, trace: &Trace) -> Result<Played, String> {
    let path = Path { trace: trace.clone(), ..Path::steady(0) };
    let mut setup = Setup { path, ..Setup::new(FilmServer::new(film.clone())) };
    // With the segment that is asked for, that is the whole buffer.
    let ahead = BUFFER as u64 - film.segment_ms;
    setup.config.buffer_ahead = Duration::from_millis(ahead);
    let mut sim: Simulation = setup.start();
    sim.load(url);
    let end = sim.run_until(LONGEST, |s| s.element().ended());
    let now = sim.now();
    let report = sim.finish();
    report.sound()?;
    if !end {
        return Err(format!("the end is not reached: {report}"));
    }
    let shown = shown(film, &report).ok_or_else(|| format!("a segment is not shown: {report}"))?;
    let course = |s: &Sample| (millis(s.at), s.video_ahead.map_or(0.0, |us| us as f64 / 1000.0));
    Ok(Played {
        rungs: shown.iter().filter_map(|s| s.rung).map(usize::from).collect(),
        stalled: millis(report.stood(0..now)),
        stalls: u32::try_from(report.stands.len()).unwrap_or(u32::MAX),
        startup: report.startup().map_or(0.0, millis),
        course: shown.iter().map(course).collect(),
    })
}
