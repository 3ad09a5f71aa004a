//! The ceiling: the best course of rungs when the whole trace is known, by dynamic programming over segment, rung, time
//! and buffer. Each state carries its exact time, buffer and score; the bins only decide which of two like states stays.

use crate::line::{Line, Ms};
use crate::model::{BUFFER, Played};
use crate::score::{mbps, penalty};
use nearlive_simulator::origin::film::Film;
use std::collections::HashMap;

/// Of the states of one rung that lie in one bin of buffer and one of time, the best stays.
const BIN: Ms = 250.0;
/// The highest rung that the first segment may have.
const GUESS_KBPS: u64 = 2000;

#[derive(Clone, Copy, Debug)]
struct State {
    now: Ms,
    buffer: Ms,
    stalled: Ms,
    stalls: u32,
    score: f64,
    rung: usize,
    /// Its predecessor among the states of the segment before.
    from: usize,
}

fn step(film: &Film, line: &Line, segment: usize, s: &State, from: usize, rung: usize) -> State {
    let length = film.segment_ms as f64;
    let wait = (s.buffer + length - BUFFER).max(0.0);
    let start = s.now + wait;
    let end = line.whole(start, film.sizes[segment][rung] as f64 * 8.0);
    let stall = (end - start - (s.buffer - wait)).max(0.0);
    let buffer = (s.buffer - (end - s.now)).max(0.0) + length;
    let change = (mbps(film, rung) - mbps(film, s.rung)).abs();
    State {
        now: end,
        buffer,
        stalled: s.stalled + stall,
        stalls: s.stalls + u32::from(stall > 0.0),
        score: s.score + mbps(film, rung) - change - penalty(film) * stall / 1000.0,
        rung,
        from,
    }
}

fn first(film: &Film, line: &Line, rung: usize) -> State {
    State {
        now: line.whole(0.0, film.sizes[0][rung] as f64 * 8.0),
        buffer: film.segment_ms as f64,
        stalled: 0.0,
        stalls: 0,
        score: mbps(film, rung),
        rung,
        from: 0,
    }
}

/// The best way to play a film over a link.
pub(crate) fn best(film: &Film, line: &Line) -> Played {
    let rungs = film.kbps.len();
    // A wait before the start costs nothing here; so it may begin with what a player would guess, not with the top.
    let guessed = |&r: &usize| r == 0 || film.kbps[r] <= GUESS_KBPS;
    let begins = (0..rungs).filter(guessed).map(|r| first(film, line, r));
    let mut layers: Vec<Vec<State>> = vec![begins.collect()];
    for segment in 1..film.sizes.len() {
        let Some(before) = layers.last() else { break };
        let mut bins: HashMap<(usize, i64, i64), State> = HashMap::new();
        for (from, s) in before.iter().enumerate() {
            for rung in 0..rungs {
                let it = step(film, line, segment, s, from, rung);
                let bin = (rung, (it.buffer / BIN) as i64, (it.now / BIN) as i64);
                let kept = bins.entry(bin).or_insert(it);
                if it.score > kept.score {
                    *kept = it;
                }
            }
        }
        layers.push(prune(film, bins.into_values().collect()));
    }
    course(&layers)
}

/// Leaves out what a state beats that is earlier, has more buffered, and gains even after a change of rung.
fn prune(film: &Film, mut states: Vec<State>) -> Vec<State> {
    states.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.now.total_cmp(&b.now)));
    let mut kept: Vec<State> = Vec::new();
    for s in states {
        let beats = |k: &State| {
            let change = (mbps(film, k.rung) - mbps(film, s.rung)).abs();
            k.now <= s.now && k.buffer >= s.buffer && k.score - change >= s.score
        };
        if !kept.iter().any(beats) {
            kept.push(s);
        }
    }
    kept
}

fn course(layers: &[Vec<State>]) -> Played {
    let mut out = Played::default();
    let Some(last) = layers.last() else { return out };
    let Some(mut at) = (0..last.len()).max_by(|&a, &b| last[a].score.total_cmp(&last[b].score))
    else {
        return out;
    };
    (out.stalled, out.stalls) = (last[at].stalled, last[at].stalls);
    for layer in layers.iter().rev() {
        let s = layer[at];
        out.rungs.push(s.rung);
        out.course.push((s.now, s.buffer));
        at = s.from;
    }
    out.rungs.reverse();
    out.course.reverse();
    out.startup = out.course.first().map_or(0.0, |c| c.0);
    out
}
