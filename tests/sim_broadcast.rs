//! HLS as small packagers write it: MPEG-TS with muxed sound and fMP4 with sound apart, live, growing
//! and on demand, with encoders that start again and lists that are away.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive_simulator::clock::{Time, secs};
use nearlive_simulator::origin::broadcast::{Broadcast, BroadcastServer, Form, INDEX, LIST, Run};
use nearlive_simulator::{Setup, Simulation};

/// Both forms, with the address at which a page loads them.
const FORMS: [(Form, &str); 2] = [(Form::Ts, LIST), (Form::Mp4, INDEX)];

fn start(live: Broadcast, url: &str) -> Simulation {
    let mut sim = Setup::new(BroadcastServer::new(live)).start();
    sim.load(url);
    sim
}

/// Seconds of media that were played between two times of the run.
fn played(sim: &Simulation, from: Time, to: Time) -> f64 {
    let samples = sim.report().samples_in(from..to);
    let moved = samples.windows(2).map(|w| (w[1].position - w[0].position, w[0].moving));
    // A jump is not played.
    let us: i64 =
        moved.filter(|(us, moving)| *moving && (0..400_000).contains(us)).map(|m| m.0).sum();
    us as f64 / 1e6
}

#[test]
fn a_live_list_is_played_steadily_with_the_requests_that_it_needs() {
    for (form, url) in FORMS {
        for seconds in [1, 2, 4, 10] {
            let segment = secs(seconds);
            let live = Broadcast {
                form,
                segment,
                runs: vec![Run::since(i64::try_from(seconds).unwrap() * 10)],
                ..Broadcast::default()
            };
            let mut sim = start(live, url);
            sim.run_for(secs(30));
            let before = sim.report().requests;
            let seeks = sim.report().seeks;
            sim.run_for(secs(120));
            let report = sim.report();
            let lists = if form == Form::Ts { 1 } else { 2 };
            let requests = u64::from(report.requests - before);
            // A list and a segment for each segment; a list may come before it has grown.
            let needed = 120 / seconds * lists;
            assert!(
                requests <= needed * 3 + 2,
                "{form:?} {seconds} s: {requests} requests for {needed} segments: {report}"
            );
            assert_eq!(report.stands, [], "{form:?} {seconds} s: {report}");
            assert_eq!(report.seeks, seeks, "{form:?} {seconds} s: {report}");
            assert_eq!(report.errors, [], "{form:?} {seconds} s: {report}");
            let played = played(&sim, secs(30), secs(150));
            assert!(played > 117.0, "{form:?} {seconds} s: {played} s of 120");
            sim.finish().sound().unwrap();
        }
    }
}
