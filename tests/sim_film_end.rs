//! The end of a film: said however long the film is, whatever opens the source again, and as often as
//! the end is reached.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::{Command, QualityChoice};
use nearlive::presentation::TrackKind;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::network::Path;
use nearlive_simulator::origin::film::{DASH, FILES, Film, FilmServer, HLS, TS};
use nearlive_simulator::{Setup, Simulation};

const LADDER: [u64; 3] = [400, 1200, 3000];
const FORMS: [&str; 4] = [DASH, FILES, HLS, TS];

fn start(url: &str, film: Film) -> Simulation {
    let mut sim = Setup { path: Path::steady(8000), ..Setup::new(FilmServer::new(film)) }.start();
    sim.load(url);
    sim
}

/// Of so many segments of 4 s.
fn film(segments: usize) -> Film {
    Film::steady(segments, 4000, &LADDER)
}

/// Runs until the element has ended, and answers where it stands.
fn ended(sim: &mut Simulation, within: Time, what: &str) -> i64 {
    let until = sim.now() + within;
    let end = sim.run_until(until, |s| s.element().ended());
    assert!(end, "{what} does not end: {}", sim.report());
    sim.report().sound().unwrap_or_else(|why| panic!("{what}: {why}"));
    sim.element().position(sim.now())
}

#[test]
fn films_of_every_length_and_form_end() {
    for url in FORMS {
        // Shorter than what is kept, and longer by a little and by much.
        for segments in [1, 4, 6, 7, 12, 19, 45] {
            let mut sim = start(url, film(segments));
            let length = i64::try_from(segments).unwrap() * 4_000_000;
            let within = secs(4 * segments as u64 + 3);
            let at = ended(&mut sim, within, &format!("{url} of {segments}"));
            assert!((length..length + 30_000).contains(&at), "{url} {segments}: {at}");
            assert_eq!(sim.report().stands, [], "{url} {segments}: {}", sim.report());
            assert_eq!(sim.report().errors, []);
            sim.finish().sound().unwrap();
        }
    }
}

#[test]
fn a_film_of_several_periods_ends() {
    let mut sim = start(DASH, Film { period: 5, ..film(19) });
    ended(&mut sim, secs(80), "five Periods");
    sim.finish().sound().unwrap();
}

#[test]
fn a_film_that_is_not_heard_ends() {
    let mut sim = start(DASH, film(19));
    sim.mute(true);
    ended(&mut sim, secs(80), "muted");
    let mut sim = start(DASH, Film { audio: false, ..film(19) });
    ended(&mut sim, secs(80), "without sound");
}

#[test]
fn the_longer_of_picture_and_sound_says_where_the_end_is() {
    for url in FORMS {
        for lacks in [1000, 3000] {
            let shorter = [
                Film { sound_lacks_ms: lacks, ..film(19) },
                Film { picture_lacks_ms: lacks, ..film(19) },
            ];
            for film in shorter {
                let what = format!("{url} {} {}", film.sound_lacks_ms, film.picture_lacks_ms);
                let mut sim = start(url, film);
                let at = ended(&mut sim, secs(80), &what);
                assert!((75_900_000..76_030_000).contains(&at), "{what}: {at}");
                sim.finish().sound().unwrap();
            }
        }
    }
}

#[test]
fn what_was_played_to_its_end_is_played_to_its_end_again() {
    for url in FORMS {
        // Back to what is still there, to what was removed, and to the very beginning.
        let mut sim = start(url, film(19));
        ended(&mut sim, secs(80), url);
        for to in [66_000_000, 30_000_000, 0, 75_500_000] {
            sim.seek(to);
            sim.play();
            let left = u64::try_from(76_000_000 - to).unwrap();
            ended(&mut sim, left + secs(4), &format!("{url} after a seek to {to}"));
        }
        sim.finish().sound().unwrap();
    }
}

#[test]
fn a_film_that_loops_begins_again_and_again() {
    let mut sim = start(DASH, film(10));
    sim.looping(true);
    for round in 0..3 {
        let again = sim.now();
        let late = |s: &Simulation| s.element().position(s.now()) > 39_000_000;
        assert!(sim.run_until(again + secs(45), late), "round {round}: {}", sim.report());
        let early = |s: &Simulation| {
            s.element().moving() && (500_000..5_000_000).contains(&s.element().position(s.now()))
        };
        let end = sim.now();
        assert!(sim.run_until(end + secs(4), early), "round {round}: {}", sim.report());
    }
    sim.finish().sound().unwrap();
}

#[test]
fn the_end_is_said_although_the_browser_has_little_room() {
    let mut setup = Setup::new(FilmServer::new(film(19)));
    setup.path = Path::steady(20_000);
    setup.page.rules.video_quota = 6_000_000;
    setup.page.rules.audio_quota = 400_000;
    let mut sim = setup.start();
    sim.load(DASH);
    ended(&mut sim, secs(85), "small quota");
    // It shrinks when all is there and the end is said.
    let mut sim = start(DASH, film(19));
    sim.run_for(secs(60));
    sim.quota(TrackKind::Video, 3_000_000);
    ended(&mut sim, secs(25), "a quota that shrinks");
}

#[test]
fn a_quality_chosen_near_the_end_does_not_take_the_end_away() {
    for at in [50, 60, 66, 70, 73, 74] {
        for ms in [0, 400, 800] {
            let mut sim = start(DASH, film(19));
            sim.run_for(secs(at) + millis(ms));
            sim.command(Command::SetQuality(QualityChoice::Fixed("v0".into())));
            ended(&mut sim, secs(80 - at) + secs(4), &format!("chosen at {at} s {ms} ms"));
            sim.finish().sound().unwrap();
        }
    }
}

#[test]
fn a_pause_at_the_end_does_not_take_the_end_away() {
    for at in [55, 74] {
        let mut sim = start(DASH, film(19));
        sim.run_for(secs(at));
        sim.pause();
        sim.run_for(secs(60));
        sim.play();
        ended(&mut sim, secs(80 - at), &format!("paused at {at} s"));
    }
}

#[test]
fn who_seeks_to_the_very_end_of_what_is_held_is_left_there() {
    for url in FORMS {
        let mut sim = start(url, film(19));
        sim.run_for(secs(74));
        let before = sim.report().seeks;
        sim.seek(76_000_000);
        ended(&mut sim, secs(2), url);
        assert_eq!(sim.report().seeks, before, "{url}: {}", sim.report());
    }
}

#[test]
fn a_film_that_is_shorter_than_its_manifest_says_ends_where_its_media_does() {
    // A segment or two too many by rounding, and by much; of both tracks, and of one.
    for longer in [500, 4500, 30_000, 55_000] {
        let sim = start(DASH, Film { said_longer_ms: longer, ..film(19) });
        ends_at(sim, 76_000_000, &format!("said to be {longer} ms longer"));
    }
    for url in FORMS {
        for lacks in [4000, 7000] {
            let both = Film { picture_lacks_ms: lacks, sound_lacks_ms: lacks, ..film(19) };
            let end = 76_000_000 - i64::try_from(lacks).unwrap() * 1000;
            ends_at(start(url, both), end, &format!("{url}: both lack {lacks} ms"));
            let picture = Film { picture_lacks_ms: lacks, ..film(19) };
            ends_at(start(url, picture), 76_000_000, &format!("{url}: picture lacks {lacks} ms"));
            let sound = Film { sound_lacks_ms: lacks, ..film(19) };
            ends_at(start(url, sound), 76_000_000, &format!("{url}: sound lacks {lacks} ms"));
        }
    }
    // A short one, all of which is near the end.
    ends_at(start(DASH, Film { said_longer_ms: 30_000, ..film(2) }), 8_000_000, "a short one");
}

#[test]
fn a_film_that_is_longer_than_its_manifest_says_ends_where_that_says() {
    let sim = start(DASH, Film { said_longer_ms: -10_000, ..film(19) });
    ends_at(sim, 66_020_000, "said to be 10 s shorter");
}

#[test]
fn a_film_of_which_nothing_is_there_is_not_taken_for_an_end() {
    let nothing = Film { picture_lacks_ms: 76_000, sound_lacks_ms: 76_000, ..film(19) };
    let mut sim = start(DASH, nothing);
    sim.run_for(secs(30));
    assert_eq!(sim.report().fatal().len(), 1, "{}", sim.report());
    let nothing = Film { picture_lacks_ms: 8_000, sound_lacks_ms: 8_000, ..film(2) };
    let mut sim = start(DASH, nothing);
    sim.run_for(secs(30));
    assert_eq!(sim.report().fatal().len(), 1, "{}", sim.report());
}

/// The film ends at this position, without a seek of the player's own.
fn ends_at(mut sim: Simulation, end: i64, what: &str) {
    let at = ended(&mut sim, secs(85), what);
    assert!((end - 50_000..end + 50_000).contains(&at), "{what}: ends at {at} for {end}");
    assert!(sim.report().errors.len() <= 2, "{what}: {}", sim.report());
    assert_eq!(sim.report().seeks, 0, "{what}: {}", sim.report());
    sim.finish().sound().unwrap();
}
