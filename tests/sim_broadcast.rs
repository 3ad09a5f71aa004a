//! HLS as small packagers write it: MPEG-TS with muxed sound and fMP4 with sound apart, live, growing
//! and on demand; what a steady broadcast costs, how it ends, and lists that are away.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::State;
use nearlive_simulator::clock::{millis, secs};
use nearlive_simulator::network::{Fault, Path, Trouble};
use nearlive_simulator::origin::broadcast::{
    Broadcast, BroadcastServer, Form, INDEX, LIST, Run, Wrong,
};
use nearlive_simulator::{Setup, Simulation};

/// Both forms, with the address at which a page loads them.
const FORMS: [(Form, &str); 2] = [(Form::Ts, LIST), (Form::Mp4, INDEX)];

fn start(live: Broadcast, url: &str) -> Simulation {
    let mut sim = Setup::new(BroadcastServer::new(live)).start();
    sim.load(url);
    sim
}

#[test]
fn a_live_list_is_played_steadily_with_the_requests_that_it_needs() {
    for (form, url) in FORMS {
        for seconds in [1, 2, 4, 10] {
            let runs = vec![Run::since(i64::try_from(seconds).unwrap() * 10)];
            let segment = secs(seconds);
            let mut sim = start(Broadcast { form, segment, runs, ..Broadcast::default() }, url);
            sim.run_for(secs(30));
            let (requests, seeks) = (sim.report().requests, sim.report().seeks);
            sim.run_for(secs(120));
            let report = sim.report();
            let name = format!("{form:?} {seconds} s");
            let requests = u64::from(report.requests - requests);
            // A segment, and a list that is seen to have grown at the second look at the latest.
            let lists = if form == Form::Ts { 1 } else { 2 };
            let needed = 120 / seconds * lists;
            assert!(requests <= needed * 3 + 2, "{name}: {requests} for {needed}: {report}");
            assert_eq!(report.stands, [], "{name}: {report}");
            assert_eq!(report.seeks, seeks, "{name}: {report}");
            assert_eq!(report.errors, [], "{name}: {report}");
            let played = report.played(secs(30)..secs(150));
            assert!((117_000_000..123_000_000).contains(&played), "{name}: {played} us of 120 s");
            sim.finish().sound().unwrap();
        }
    }
}

#[test]
fn variants_with_muxed_sound_are_switched_without_losing_the_edge() {
    for skew in [vec![0, 0], vec![0, 3], vec![7, 0]] {
        let live = Broadcast { kbps: vec![300, 2000], skew: skew.clone(), ..Broadcast::default() };
        let mut sim = start(live, INDEX);
        sim.run_for(secs(40));
        sim.kbps(900);
        sim.run_for(secs(60));
        sim.kbps(20_000);
        sim.run_for(secs(60));
        let report = sim.report();
        let rungs: Vec<_> = report.switches.iter().map(|s| s.1.to.id.as_str()).collect();
        assert!(rungs.len() >= 3, "{skew:?} {rungs:?} {report}");
        assert!(report.stood(0..secs(160)) < secs(1), "{skew:?} {report}");
        assert!(report.played(secs(10)..secs(160)) > 146_000_000, "{skew:?} {report}");
        assert!(report.requests < 330, "{skew:?} {report}");
        sim.finish().sound().unwrap();
    }
}

#[test]
fn a_broadcast_that_ends_and_begins_again_is_played_again() {
    for (form, url) in FORMS {
        for away in [5, 60, 900] {
            let (ends, resumes) = (secs(31), secs(31 + away));
            let runs = vec![Run::since(20), Run::anew(resumes)];
            let broadcast = Broadcast { form, ends, resumes, runs, ..Broadcast::default() };
            let mut sim = start(broadcast, url);
            sim.run_to(resumes + secs(60));
            let report = sim.finish();
            report.sound().unwrap();
            assert_eq!(report.errors, [], "{form:?} {away}: {report}");
            let played = report.played(resumes + secs(30)..resumes + secs(60));
            assert!(played > 29_000_000, "{form:?} {away}: {played} {report}");
        }
    }
}

#[test]
fn a_broadcast_that_ends_is_played_to_its_end() {
    for (form, url) in FORMS {
        for ends in [secs(5), secs(31), secs(61)] {
            let mut sim = start(Broadcast { form, ends, ..Broadcast::default() }, url);
            let ended = sim.run_until(secs(120), |s| s.element().ended());
            let report = sim.report();
            assert!(ended, "{form:?} {ends}: {report}");
            assert!(sim.now() < ends + secs(20), "{form:?} {ends}: {report}");
            assert_eq!(report.stands, [], "{form:?} {ends}: {report}");
            assert_eq!(report.errors, [], "{form:?} {ends}: {report}");
            // It was 20 s old, and its first list began 10 s before.
            let end = i64::try_from((ends / 2_000_000) * 2_000_000).unwrap() + 10_000_000;
            let at = sim.element().position(sim.now());
            assert!((at - end).abs() < 100_000, "{form:?} {ends}: {at} for {end}");
            sim.run_for(secs(1));
            assert_eq!(sim.report().states.last().unwrap().1, State::Ended);
            // It is looked after now and then, for it may begin again.
            let requests = sim.report().requests;
            sim.run_for(secs(30));
            assert!(sim.report().requests <= requests + 11, "{form:?} {ends}");
            let requests = sim.report().requests;
            sim.run_for(secs(3600));
            assert!(sim.report().requests <= requests + 180, "{form:?} {ends}");
            let requests = sim.report().requests;
            sim.run_for(secs(600));
            assert_eq!(sim.report().requests, requests, "{form:?} {ends}");
            sim.finish().sound().unwrap();
        }
    }
}

#[test]
fn a_list_that_keeps_all_is_entered_at_its_end_and_can_be_sought_to_its_start() {
    for (form, url) in FORMS {
        let live = Broadcast {
            form,
            window: usize::MAX,
            event: true,
            runs: vec![Run::since(60)],
            ..Broadcast::default()
        };
        let mut sim = start(live, url);
        sim.run_for(secs(8));
        let at = sim.element().position(sim.now());
        assert!((54_000_000..66_000_000).contains(&at), "{form:?} {at} {}", sim.report());
        sim.seek(1_000_000);
        sim.run_for(secs(20));
        let at = sim.element().position(sim.now());
        assert!((19_000_000..22_000_000).contains(&at), "{form:?} {at} {}", sim.report());
        let report = sim.finish();
        report.sound().unwrap();
        assert!(report.stood(secs(2)..secs(28)) < secs(1), "{form:?} {report}");
        assert!(report.requests < 120, "{form:?} {report}");
    }
}

#[test]
fn a_list_that_is_away_or_no_list_for_a_while_is_waited_for() {
    let kinds = [
        None,
        Some(Wrong::Empty),
        Some(Wrong::Html),
        Some(Wrong::Nothing),
        Some(Wrong::CutOff),
        Some(Wrong::Frozen),
    ];
    for (form, url) in FORMS {
        for kind in kinds {
            for lasts in [6, 30, 60] {
                let during = secs(20)..secs(20 + lasts);
                let wrong = kind.map(|wrong| (during.clone(), wrong)).into_iter().collect();
                let mut sim = start(Broadcast { form, wrong, ..Broadcast::default() }, url);
                if kind.is_none() {
                    sim.fault(Fault::all(during.clone(), ".m3u8", Trouble::Status(404)));
                }
                sim.run_for(secs(20 + lasts + 60));
                let report = sim.report();
                let name = format!("{form:?} {kind:?} {lasts} s");
                let back = report.back(during.end).unwrap_or(u64::MAX);
                assert!(back <= during.end + secs(4), "{name}: {report}");
                // What was ahead is played meanwhile.
                let stood = report.stood(during.start..during.end + secs(60));
                assert!(stood <= secs(lasts), "{name}: {report}");
                assert_eq!(report.stands_in(back + secs(1)..secs(900)), [], "{name}: {report}");
                assert!(report.requests < 300, "{name}: {report}");
                assert!(report.errors.len() <= 2, "{name}: {report}");
                sim.finish().sound().unwrap();
            }
        }
    }
}

#[test]
fn a_stream_whose_list_was_taken_away_has_ended_until_it_is_back() {
    for (form, url) in FORMS {
        let mut sim = start(Broadcast { form, ..Broadcast::default() }, url);
        let end = url.rsplit_once('.').map_or("", |it| it.1);
        sim.run_for(secs(20));
        for (begins, trouble) in [(20, Trouble::Status(404)), (110, Trouble::Status(410))] {
            sim.fault(Fault::all(secs(begins)..secs(begins + 60), end, trouble));
            sim.run_for(secs(59));
            let stats = sim.player.stats(sim.instant());
            let report = sim.report();
            assert_eq!(report.states.last().unwrap().1, State::Ended, "{form:?} {report}");
            assert_eq!(stats.stalls, 0, "{form:?} what the server took away is not the link's");
            assert!(report.fatal().is_empty(), "{form:?} {report}");
            sim.run_for(secs(11));
            assert_eq!(sim.report().states.last().unwrap().1, State::Playing, "{form:?}");
            sim.run_for(secs(20));
        }
        sim.finish().sound().unwrap();
    }
}

#[test]
fn caches_that_lag_do_not_turn_the_list_back() {
    for (form, url) in FORMS {
        let old = |i: u64| (secs(20 + 3 * i)..secs(22 + 3 * i), Wrong::Old(secs(4)));
        let wrong = (0..20).map(old).collect();
        let mut sim = start(Broadcast { form, wrong, ..Broadcast::default() }, url);
        sim.run_for(secs(110));
        let report = sim.finish();
        report.sound().unwrap();
        assert_eq!(report.stands, [], "{form:?} {report}");
        assert_eq!(report.errors, [], "{form:?} {report}");
        assert!(report.played(secs(10)..secs(110)) > 97_000_000, "{form:?} {report}");
    }
}

#[test]
fn segments_that_are_listed_and_not_there_for_a_while_do_not_end_it() {
    for (form, url) in FORMS {
        for (status, lasts) in [(404, 6), (404, 30), (503, 6), (503, 30)] {
            let mut sim = start(Broadcast { form, ..Broadcast::default() }, url);
            let during = secs(20)..secs(20 + lasts);
            for suffix in [".ts", ".m4s"] {
                sim.fault(Fault::all(during.clone(), suffix, Trouble::Status(status)));
            }
            sim.run_for(secs(20 + lasts + 60));
            let report = sim.report();
            let name = format!("{form:?} {status} {lasts} s");
            let back = report.back(during.end).unwrap_or(u64::MAX);
            assert!(back <= during.end + secs(6), "{name}: {report}");
            assert_eq!(report.stands_in(back + secs(1)..secs(900)), [], "{name}: {report}");
            assert!(report.requests < 500, "{name}: {report}");
            sim.finish().sound().unwrap();
        }
    }
}

#[test]
fn a_wrong_target_duration_costs_requests_and_nothing_else() {
    for (form, url) in FORMS {
        for target in [1, 4, 10] {
            let live =
                Broadcast { form, target_s: Some(target), window: 10, ..Broadcast::default() };
            let mut sim = start(live, url);
            sim.run_for(secs(120));
            let report = sim.finish();
            report.sound().unwrap();
            assert_eq!(report.stands, [], "{form:?} {target} s: {report}");
            assert!(report.played(secs(10)..secs(120)) > 100_000_000, "{form:?} {target} {report}");
        }
    }
}

#[test]
fn on_demand_it_plays_from_start_to_end_and_where_it_is_sought() {
    for (form, url) in FORMS {
        let film = Broadcast { form, ..Broadcast::on_demand(20, secs(4)) };
        let mut sim = start(film, url);
        assert!(sim.run_until(secs(100), |s| s.element().ended()), "{form:?} {}", sim.report());
        let report = sim.report();
        assert_eq!(report.stands, [], "{form:?} {report}");
        assert_eq!(report.errors, [], "{form:?} {report}");
        assert!(report.requests < 50, "{form:?} {report}");
        for to in [70_000_000, 1_500_000, 39_000_000, 40_000_000] {
            sim.seek(to);
            sim.play();
            sim.run_for(secs(3));
            let at = sim.element().position(sim.now());
            assert!((to + 2_000_000..to + 3_100_000).contains(&at), "{form:?} {to}: {at}");
        }
        sim.finish().sound().unwrap();
    }
}

#[test]
fn a_decoder_that_dies_and_a_buffer_that_is_full_are_lived_with() {
    let mut setup = Setup::new(BroadcastServer::new(Broadcast {
        kbps: vec![1000],
        ..Broadcast::on_demand(20, secs(4))
    }));
    setup.page.rules.video_quota = 2_500_000;
    setup.page.rules.audio_quota = 150_000;
    setup.path = Path::steady(20_000);
    let mut sim = setup.start();
    sim.load(LIST);
    sim.run_for(secs(20));
    sim.decode_error();
    sim.run_for(millis(1500));
    assert!(sim.element().moving(), "{}", sim.report());
    assert!(sim.run_until(secs(100), |s| s.element().ended()), "{}", sim.report());
    let report = sim.finish();
    report.sound().unwrap();
    assert!(report.stood(0..secs(100)) < secs(2), "{report}");
}

#[test]
fn an_encoder_that_has_just_begun_in_the_middle_of_a_group_of_pictures_plays_without_a_stall() {
    for form in [Form::Ts, Form::Mp4] {
        for (length, age, blind) in
            [(4, 4, 800), (4, 5, 800), (2, 2, 900), (2, 3, 900), (10, 10, 1500)]
        {
            let live = Broadcast {
                form,
                segment: secs(length),
                runs: vec![Run::since(age)],
                blind: std::iter::once(0..blind).collect(),
                ..Broadcast::default()
            };
            let mut sim = Setup::new(BroadcastServer::new(live)).start();
            sim.load(LIST);
            sim.run_for(secs(60));
            let report = sim.report();
            let what = format!("{form:?} {length} s, {age} s old: {report}");
            assert!(report.samples.iter().any(|s| s.position > 40_000_000), "{what}");
            assert_eq!(report.stands, [], "{what}");
            sim.finish().sound().unwrap();
        }
    }
}

#[test]
fn a_short_list_is_played_nearer_to_its_end_as_long_as_the_buffer_lasts() {
    // The list's default is three target durations, 30 s.
    let live = Broadcast { segment: secs(10), runs: vec![Run::since(14)], ..Broadcast::default() };
    let mut sim = Setup::new(BroadcastServer::new(live)).start();
    sim.load(LIST);
    sim.run_for(secs(300));
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.stands, [], "{report}");
    let behind = 314_000_000 - report.samples.last().unwrap().position;
    assert!(behind < 18_000_000, "{behind}: {report}");
}

#[test]
fn a_decoder_that_dies_again_and_again_is_not_given_the_same_again() {
    let words = ["audio decode error!", "video decode error!", "decode error!"];
    for (words, fatal) in words.into_iter().zip([0, 0, 1]) {
        for form in [Form::Ts, Form::Mp4] {
            let live = Broadcast { form, ..Broadcast::default() };
            let mut sim = Setup::new(BroadcastServer::new(live)).start();
            sim.load(LIST);
            for _ in 0..20 {
                sim.run_for(millis(500));
                sim.decoder_gives_up(words);
            }
            let report = sim.finish();
            let what = format!("{words} {form:?}: {report}");
            assert!(report.opens <= 4, "{what}");
            assert!((2..5).contains(&report.errors.len()), "{what}");
            assert!(report.fatal().len() <= 1.max(fatal), "{what}");
        }
    }
}

#[test]
fn a_server_in_trouble_is_not_asked_without_a_pause() {
    for (form, url) in FORMS {
        for (trouble, most) in [(Trouble::Status(503), 90), (Trouble::Busy(20), 40)] {
            let what = format!("{form:?} {trouble:?}");
            let mut sim = start(Broadcast { form, segment: secs(6), ..Broadcast::default() }, url);
            sim.run_to(secs(20));
            let before = sim.report().requests;
            for kind in [".ts", ".m4s"] {
                sim.fault(Fault::all(secs(20)..secs(60), kind, trouble.clone()));
            }
            sim.run_to(secs(60));
            let asked = sim.report().requests - before;
            assert!(asked < most, "{what}: {asked} requests in 40 s");
            sim.run_to(secs(130));
            let report = sim.finish();
            report.sound().unwrap();
            assert!(report.played(secs(100)..secs(130)) > 29_000_000, "{what}: {report}");
        }
    }
}
