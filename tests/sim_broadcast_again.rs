//! HLS whose encoder begins again: numbers, times and names as it likes, announced or not.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive_simulator::Setup;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::origin::broadcast::{Broadcast, BroadcastServer, Form, INDEX, LIST, Run};

/// When the encoder dies.
const DIES: Time = secs(30);

/// Both forms, with the address at which a page loads them.
const FORMS: [(Form, &str); 2] = [(Form::Ts, LIST), (Form::Mp4, INDEX)];

/// What was wrong with a run in which the encoder begins again at `runs[1].from`.
fn trouble(form: Form, url: &str, segment: Time, runs: Vec<Run>) -> Result<(), String> {
    let again = u64::try_from(runs[1].from).unwrap();
    let later = millis(runs[1].sound_later_ms);
    let announced = runs[1].tag && again == DIES;
    let mut sim =
        Setup::new(BroadcastServer::new(Broadcast { form, segment, runs, ..Broadcast::default() }))
            .start();
    sim.load(url);
    sim.run_for(again + secs(60));
    let report = sim.report();
    report.sound()?;
    // Its first segment is listed, seen at the next look, and fetched.
    let there = again + segment + later;
    let back = report.back(there).unwrap_or(Time::MAX);
    if back > there + segment + secs(2) {
        return Err(format!("there at {there}, back at {back}: {report}"));
    }
    let stood = report.stood(0..again + secs(60));
    // What was ahead is played meanwhile; the media that the pause took is missing.
    let most = if announced { 0 } else { again - DIES + later + segment + secs(1) };
    if stood > most {
        return Err(format!("stood for {stood} of {most}: {report}"));
    }
    let quiet = back + secs(10)..again + secs(60);
    // Whoever waits for segments of 10 s has nothing in hand at first.
    if report.stood(quiet.clone()) > segment / 10 {
        return Err(format!("stands long after it: {report}"));
    }
    let played = report.played(quiet.clone());
    if played * 100 < i64::try_from(quiet.end - quiet.start).unwrap() * 94 {
        return Err(format!("{played} us were played after it: {report}"));
    }
    // The lists of sound and picture are not looked at together.
    let lists = if form == Form::Ts { 0 } else { segment + later };
    let most = i64::try_from(lists).unwrap() + 300_000;
    let apart = report
        .samples_in(quiet)
        .iter()
        .filter_map(|s| Some((s.video_ahead? - s.audio_ahead?).abs()));
    match apart.max() {
        Some(us) if us < most => {}
        us => return Err(format!("sound and picture are {us:?} us apart: {report}")),
    }
    if report.requests > 250 {
        return Err(format!("{} requests: {report}", report.requests));
    }
    if report.errors.len() > 1 {
        return Err(format!("{} errors: {report}", report.errors.len()));
    }
    Ok(())
}

/// A first run that is so old, and its clock.
fn first(age: i64, clock_ms: u64) -> Run {
    Run { until: DIES, clock_ms, ..Run::since(age) }
}

const PAUSES: [Time; 6] = [0, millis(500), secs(2), secs(4), secs(10), secs(30)];
/// Half a second, 14 h, and the last minute before 33 bits are full.
const CLOCKS: [u64; 3] = [1_400, 50_000_000, 95_383_000];

#[test]
fn numbers_and_times_that_begin_at_zero_without_a_word_are_gone_on_with() {
    for (form, url) in FORMS {
        for age in [20, -22, -26] {
            for clock in CLOCKS {
                for pause in PAUSES {
                    let runs = vec![first(age, clock), Run::anew(DIES + pause)];
                    let name = format!("{form:?} {age} s old, clock {clock}, away {pause}");
                    trouble(form, url, secs(2), runs).unwrap_or_else(|e| panic!("{name}: {e}"));
                }
            }
        }
    }
}

#[test]
fn times_that_leap_without_a_word_while_numbers_go_on_are_gone_on_with() {
    for (form, url) in FORMS {
        for from in CLOCKS {
            for to in [1_400, 20_000, 10_000_000, 95_440_000] {
                for pause in PAUSES {
                    let again = i64::try_from(DIES + pause).unwrap();
                    let next = Run { from: again, clock_ms: to, ..Run::since(0) };
                    let name = format!("{form:?} {from} to {to}, away {pause}");
                    trouble(form, url, secs(2), vec![first(20, from), next])
                        .unwrap_or_else(|e| panic!("{name}: {e}"));
                }
            }
        }
    }
}

#[test]
fn an_announced_new_beginning_is_played_into_without_a_stall() {
    for (form, url) in FORMS {
        for keeps in [true, false] {
            for clock in CLOCKS {
                for pause in PAUSES {
                    let again = i64::try_from(DIES + pause).unwrap();
                    let next = Run { from: again, tag: true, keeps, ..Run::since(0) };
                    let name = format!("{form:?} clock {clock}, keeps {keeps}, away {pause}");
                    trouble(form, url, secs(2), vec![first(20, clock), next])
                        .unwrap_or_else(|e| panic!("{name}: {e}"));
                }
            }
        }
    }
}

#[test]
fn long_segments_come_back_as_well() {
    for (form, url) in FORMS {
        for pause in [secs(2), secs(5), secs(30)] {
            let runs = vec![first(100, 1_400), Run::anew(DIES + pause)];
            trouble(form, url, secs(10), runs)
                .unwrap_or_else(|e| panic!("{form:?} away {pause}: {e}"));
        }
    }
}

#[test]
fn sound_that_comes_back_later_than_the_picture_is_waited_for() {
    for later in [1_000, 3_000, 6_000] {
        for tag in [true, false] {
            let again = i64::try_from(DIES + secs(2)).unwrap();
            let next = Run { from: again, tag, sound_later_ms: later, ..Run::since(0) };
            trouble(Form::Mp4, INDEX, secs(2), vec![first(20, 50_000_000), next])
                .unwrap_or_else(|e| panic!("{later} ms, tag {tag}: {e}"));
        }
    }
}
