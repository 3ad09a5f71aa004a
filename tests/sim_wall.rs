//! Several players on one page, which load from one server over one link.
#![allow(clippy::unwrap_used)]

use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::network::Path;
use nearlive_simulator::origin::live::{LOW_LATENCY, Live, LiveServer};
use nearlive_simulator::{Setup, Simulation};

/// `count` players of a camera that begin so long after each other, on a link of `kbps`. (More than six connections, as
/// servers of several names or HTTP/2 have.)
fn wall(count: usize, kbps: u64, apart: Time) -> Vec<Simulation> {
    let player = || {
        let path = Path { connections: 64, ..Path::steady(kbps) };
        Setup { path, ..Setup::new(LiveServer::new(Live::default())) }.start()
    };
    let mut all = vec![player()];
    while all.len() < count {
        all.push(player().beside(&all[0]));
    }
    for i in 0..count {
        all[i].load(LOW_LATENCY);
        let now = all[i].now();
        Simulation::run_together(&mut all, now + apart);
    }
    all
}

/// Jain's index of fairness, permille: 1000 where all are equal.
fn jain(all: &[u64]) -> u64 {
    let squares: u64 = all.iter().map(|it| it * it).sum();
    all.iter().sum::<u64>().pow(2) * 1000 / (squares * all.len() as u64)
}

/// What each received in this time, kb/s, and for how long it stood, ms.
fn watch(all: &mut [Simulation], time: Time) -> (Vec<u64>, Vec<u64>) {
    let now = all[0].now();
    let before: Vec<u64> = all.iter().map(|it| it.report().bytes).collect();
    Simulation::run_together(all, now + time);
    let rate = |(it, before): (&Simulation, &u64)| (it.report().bytes - before) * 8000 / time;
    let rates = all.iter().zip(&before).map(rate).collect();
    (rates, all.iter().map(|it| it.report().stood(now..now + time) / 1000).collect())
}

#[test]
fn four_players_share_a_link_evenly_within_ten_seconds_and_do_not_push_each_other_into_stalls() {
    let aparts = [50, 1130, 3000, 9000].map(millis);
    for kbps in [2500, 3000, 3500, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 11_000, 12_000] {
        let (mut fair, mut stood) = (0, 0);
        for apart in aparts {
            let mut all = wall(4, kbps, apart);
            watch(&mut all, secs(10));
            let (rates, stands) = watch(&mut all, secs(30));
            fair += jain(&rates);
            stood += stands.iter().sum::<u64>();
            assert!(jain(&rates) >= 930, "{kbps} kb/s, {apart}: {rates:?}");
            all.iter_mut().for_each(|it| it.report().sound().unwrap());
        }
        let runs = aparts.len() as u64;
        assert!(fair / runs >= 950, "{kbps} kb/s: {}", fair / runs);
        // Where the link is all but full, they still do: half a second at most.
        assert!(stood / runs / 4 < 500, "{kbps} kb/s: {} ms of 30 s", stood / runs / 4);
    }
}

#[test]
fn who_is_on_the_top_rung_of_a_link_that_is_large_enough_stays_there_when_another_one_comes() {
    for delay in [5, 50].map(millis) {
        let path = || Path { connections: 64, delay, ..Path::steady(50_000) };
        let player =
            || Setup { path: path(), ..Setup::new(LiveServer::new(Live::default())) }.start();
        let first = player();
        let second = player().beside(&first);
        let mut both = [first, second];
        both[0].load(LOW_LATENCY);
        let now = both[0].now();
        Simulation::run_together(&mut both, now + secs(15));
        let before = both[0].report().switches.len();
        both[1].load(LOW_LATENCY);
        Simulation::run_together(&mut both, now + secs(45));
        assert_eq!(both[0].report().switches.len(), before, "{}", both[0].report());
        let rung = |it: &Simulation| it.report().samples.last().unwrap().rung;
        assert_eq!((rung(&both[0]), rung(&both[1])), (Some(2), Some(2)), "{delay}");
    }
}
