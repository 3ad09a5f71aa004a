//! Trouble in the page: wrong clocks, sleep, hidden tabs, decoders and buffers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod sim_support;

use nearlive::player::{Code, Config, State};
use nearlive::presentation::TrackKind;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::origin::live::{LOW_LATENCY, Live, LiveServer};
use nearlive_simulator::origin::{Head, HttpRequest, Origin, Reply, Timeline};
use nearlive_simulator::{Page, Setup};
use sim_support::{playing as start, recovered, shows};

#[test]
fn a_wall_clock_that_is_2_minutes_wrong_changes_nothing() {
    for error in [-120_000_000, 120_000_000] {
        let sim = start(Page { wall_error_us: error, ..Page::default() });
        let report = recovered(sim, secs(20), secs(1));
        assert!(report.startup().unwrap() < millis(1500), "{report}");
    }
}

#[test]
fn a_wall_clock_that_is_set_while_it_plays_is_seen_through() {
    // Set forward it looks like a sleep, until the origin has been asked.
    for (error, within) in [(-3_600_000_000, 500), (2_500_000, 2000), (120_000_000, 2000)] {
        let mut sim = start(Page::default());
        sim.set_wall_error(error);
        let report = recovered(sim, secs(20), millis(within));
        assert!(report.stood(secs(20)..secs(60)) < millis(within), "{error}: {report}");
    }
}

#[test]
fn clocks_that_drift_apart_do_not_add_up() {
    for (ppm, sound) in [(200, -200), (-200, 200)] {
        let mut page = Page { drift_ppm: ppm, ..Page::default() };
        page.rules.drift_ppm = sound;
        let mut sim = start(page);
        sim.run_for(secs(900));
        let report = sim.finish();
        report.sound().unwrap();
        shows(&report, secs(5)..secs(920));
        let median = report.latency(secs(880)..secs(920), 500).unwrap();
        assert!(median < 450_000, "{report}");
        assert!(report.stood(secs(20)..secs(920)) < secs(1), "{report}");
    }
}

#[test]
fn a_machine_that_slept_is_back_at_the_edge() {
    for lasts in [5, 60, 3600] {
        let mut sim = start(Page::default());
        sim.sleep(secs(lasts));
        recovered(sim, secs(20 + lasts), secs(5));
    }
}

#[test]
fn a_hidden_page_plays_on_and_is_at_the_edge_when_it_is_shown() {
    let mut sim = start(Page::default());
    sim.hide(true);
    sim.run_for(secs(120));
    sim.hide(false);
    let report = recovered(sim, secs(140), secs(2));
    assert!(report.stood(secs(25)..secs(140)) < secs(3), "{report}");
}

#[test]
fn a_decode_error_is_got_over_by_a_new_source() {
    let mut sim = start(Page::default());
    sim.decode_error();
    let report = recovered(sim, secs(20), secs(5));
    assert_eq!(report.opens, 2);
}

#[test]
fn a_small_quota_is_lived_with() {
    let mut page = Page::default();
    page.rules.video_quota = 3_000_000;
    page.rules.audio_quota = 100_000;
    let mut sim = start(page);
    sim.run_for(secs(60));
    let report = sim.finish();
    report.sound().unwrap();
    shows(&report, secs(5)..secs(80));
    assert!(report.stood(secs(10)..secs(80)) < millis(500), "{report}");
}

#[test]
fn a_quota_that_shrinks_while_it_plays_is_lived_with() {
    let mut sim = start(Page::default());
    sim.quota(TrackKind::Video, 1_500_000);
    sim.run_for(secs(40));
    let report = sim.finish();
    report.sound().unwrap();
    shows(&report, secs(5)..secs(60));
    assert!(report.stood(secs(22)..secs(60)) < secs(1), "{report}");
}

#[test]
fn a_browser_that_can_play_nothing_of_it_is_told_so() {
    let unsupported = vec!["avc1".into(), "mp4a".into()];
    let sim = start(Page { unsupported, ..Page::default() });
    let report = sim.report();
    assert_eq!(report.fatal().len(), 1, "{report}");
    assert_eq!(report.count(Code::UnsupportedCodec), 1, "{report}");
    assert!(report.states.iter().any(|s| s.1 == State::Failed));
}

#[test]
fn a_decoder_that_cannot_keep_up_gets_a_lower_rung() {
    let mut sim = start(Page::default());
    sim.drops(400);
    sim.run_for(secs(20));
    let report = sim.finish();
    shows(&report, secs(5)..secs(40));
    assert!(report.samples_in(secs(38)..secs(40)).iter().all(|s| s.rung < Some(2)), "{report}");
}

#[test]
fn without_autoplay_nothing_moves_until_the_viewer_plays() {
    let mut setup = Setup::new(LiveServer::new(Live::default()));
    setup.config = Config::default();
    setup.config.autoplay = false;
    let mut sim = setup.start();
    sim.load(LOW_LATENCY);
    sim.run_for(secs(5));
    assert_eq!(sim.report().started, None);
    sim.play();
    sim.run_for(secs(30));
    let report = sim.finish();
    report.sound().unwrap();
    assert!(report.started.unwrap() < secs(7), "{report}");
    assert!(report.latency(secs(25)..secs(35), 500).unwrap() < 600_000, "{report}");
}

#[test]
fn a_browser_without_the_pictures_codec_plays_the_sound_and_says_so() {
    let sim = start(Page { unsupported: vec!["avc1".into()], ..Page::default() });
    let report = sim.report();
    report.sound().unwrap();
    let heard = |s: &nearlive_simulator::report::Sample| s.moving && s.audio_ahead > Some(0);
    assert!(report.samples_in(secs(5)..secs(20)).iter().all(heard), "{report}");
    assert_eq!(report.count(Code::UnsupportedCodec), 1, "{report}");
}

/// A server that answers every request with all of a file: a manifest, or something else.
struct Files(&'static str);

impl Origin for Files {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let manifest = request.path().starts_with("/index.");
        let body = if manifest { self.0 } else { "a file" };
        Box::new(Timeline::whole(now, Head::new(200, ""), body))
    }
}

#[test]
fn a_server_without_byte_ranges_is_named_as_such() {
    let list = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n\
                    #EXT-X-MAP:URI=\"film.mp4\",BYTERANGE=\"1354@0\"\n#EXTINF:4,\n\
                    #EXT-X-BYTERANGE:116421@1354\nfilm.mp4\n#EXT-X-ENDLIST\n";
    let mut sim = Setup::new(Files(list)).start();
    sim.load("http://host/index.m3u8");
    sim.run_for(secs(3));
    let fatal = sim.report().fatal();
    assert_eq!(fatal.len(), 1, "{}", sim.report());
    assert!(fatal[0].message.contains("byte ranges"), "{}", fatal[0].message);
}

#[test]
fn a_media_source_that_cannot_be_opened_is_said_to_be_so() {
    let mut sim = Setup::new(LiveServer::new(Live::default())).start();
    sim.load(LOW_LATENCY);
    assert!(sim.run_until(secs(2), |s| s.report().opens > 0));
    sim.decode_error();
    sim.run_for(secs(5));
    let fatal = sim.report().fatal();
    assert_eq!(fatal.len(), 1, "{}", sim.report());
    assert_eq!(fatal[0].code, Code::Decode);
}

#[test]
fn webm_that_is_not_there_is_named_and_no_password_is_shown() {
    let mut sim = Setup::new(Files(include_str!("data/ffmpeg_webm.mpd"))).start();
    sim.load("http://me:secret@host/index.mpd");
    sim.run_for(secs(20));
    let report = sim.report();
    let fatal = report.fatal();
    assert_eq!(fatal.len(), 1, "{report}");
    assert_eq!(fatal[0].code, Code::Status, "{report}");
    let all = format!("{report} {:?}", report.errors);
    assert!(all.contains(".webm") && !all.contains("secret"), "{all}");
}
