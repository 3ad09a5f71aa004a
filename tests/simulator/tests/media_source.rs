//! The model of MediaSource behaves as Chromium was measured to.
#![allow(clippy::unwrap_used, clippy::panic, clippy::single_range_in_vec_init)]

use nearlive::player::{Cue, TrackId};
use nearlive::time::{Position, Span};
use nearlive::units::Rate;
use nearlive_simulator::clock::{NEVER, Time, millis, secs};
use nearlive_simulator::mse::{Element, Rules};
use nearlive_simulator::origin::cmaf::{AUDIO_FRAME, Kind, Packer};

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);
const FIRST_HALF_SECOND: Span =
    Span { start: Position::from_millis(0), end: Position::from_millis(500) };

struct Page {
    element: Element,
    video: Packer,
    audio: Packer,
    now: Time,
}

impl Page {
    fn new(tracks: &[TrackId]) -> Self {
        let mut page = Self {
            element: Element::new(Rules::default()),
            video: Packer::new(Kind::Video { width: 640, height: 360 }),
            audio: Packer::new(Kind::Audio),
            now: 0,
        };
        page.element.open();
        for track in tracks {
            let mime = if *track == VIDEO { "video/mp4" } else { "audio/mp4" };
            page.element.add(*track, mime).unwrap();
        }
        for track in tracks {
            let init = if *track == VIDEO { page.video.init() } else { page.audio.init() };
            page.element.append(*track, init.into(), 0, 0).unwrap();
        }
        page.element.play(0);
        page
    }

    /// Appends frames of 40 ms, key frames on whole seconds.
    fn video(&mut self, from_ms: u64, to_ms: u64) {
        for ms in (from_ms..to_ms).step_by(40) {
            let chunk = self.video.chunk(&[(ms * 90, 3600, 1000, ms % 1000 == 0)], None);
            self.element.append(VIDEO, chunk, 0, self.now).unwrap();
        }
    }

    fn audio(&mut self, from_ms: u64, to_ms: u64) {
        self.sound(AUDIO, from_ms, to_ms);
    }

    fn sound(&mut self, track: TrackId, from_ms: u64, to_ms: u64) {
        let frame = u64::from(AUDIO_FRAME);
        for n in (from_ms * 48).div_ceil(frame)..(to_ms * 48).div_ceil(frame) {
            let chunk = self.audio.chunk(&[(n * frame, AUDIO_FRAME, 300, true)], None);
            self.element.append(track, chunk, 0, self.now).unwrap();
        }
    }

    fn cues(&mut self) -> Vec<Cue> {
        std::iter::from_fn(|| self.element.cue()).collect()
    }

    fn run(&mut self, to: Time) {
        while self.element.next() <= to {
            self.now = self.element.next();
            self.element.settle(self.now);
        }
        self.now = to;
    }
}

#[test]
fn a_picture_without_sound_starts_with_its_first_frame() {
    let mut page = Page::new(&[VIDEO]);
    assert!(!page.element.running());
    page.video(0, 40);
    assert!(page.element.running());
    assert_eq!(page.cues(), [Cue::Ready, Cue::Play, Cue::Ready, Cue::Playing]);
}

#[test]
fn with_sound_200_ms_of_it_have_to_be_there_again_after_a_seek() {
    let mut page = Page::new(&[VIDEO, AUDIO]);
    page.video(0, 2000);
    page.audio(0, 190);
    assert!(!page.element.running());
    page.audio(190, 220);
    assert!(page.element.running());
    page.element.seek(Position::from_millis(100), 0);
    page.run(millis(50));
    assert!(!page.element.running() && !page.element.seeking());
    page.audio(220, 330);
    assert!(page.element.running());
}

#[test]
fn it_plays_where_all_of_its_buffers_have_media_however_many_they_are() {
    const OTHER: TrackId = TrackId(7);
    let mut page = Page::new(&[VIDEO, AUDIO]);
    assert!(page.element.add(OTHER, "audio/mp4").is_err(), "the metadata are known");
    let mut page = Page::new(&[VIDEO, AUDIO, OTHER]);
    page.video(0, 2000);
    page.audio(0, 2000);
    assert!(page.element.buffered().is_empty() && !page.element.running());
    page.sound(OTHER, 0, 400);
    let end = page.element.buffered().last().unwrap().end.as_micros();
    assert!(page.element.running() && (380_000..430_000).contains(&end), "{end}");
}

#[test]
fn each_underflow_doubles_what_is_wanted_and_a_seek_resets_it() {
    let mut page = Page::new(&[VIDEO, AUDIO]);
    page.video(0, 20_000);
    page.audio(0, 300);
    page.cues();
    page.run(secs(1));
    assert_eq!(page.cues(), [Cue::Waiting]);
    let at = page.element.position(page.now);
    // 40 ms of the 300 stay in the decoder.
    assert!((260_000..300_000).contains(&at), "{at}");
    page.audio(300, 500);
    assert!(!page.element.running(), "400 ms are wanted now");
    page.audio(500, 760);
    assert!(page.element.running());
    page.run(secs(3));
    assert_eq!(page.element.wants(), 800_000);
    page.element.seek(Position::from_millis(300), page.now);
    assert_eq!(page.element.wants(), 200_000);
    page.run(secs(3) + millis(20));
    assert!(page.element.running());
}

#[test]
fn the_clock_goes_on_with_the_sound_for_3_s_when_the_picture_runs_dry() {
    let mut page = Page::new(&[VIDEO, AUDIO]);
    page.video(0, 1000);
    page.audio(0, 10_000);
    page.cues();
    page.run(secs(2));
    assert!(page.element.running() && !page.element.moving());
    page.run(millis(4100));
    assert!(!page.element.running());
    assert_eq!(page.cues(), [Cue::Waiting]);
    assert_eq!(page.element.position(page.now) / 1000, 4000);
    page.video(1000, 5000);
    assert!(page.element.moving());
}

#[test]
fn a_hole_stops_the_position_at_its_edge_until_a_seek_over_it() {
    let mut page = Page::new(&[VIDEO]);
    page.video(0, 1000);
    page.video(2000, 4000);
    page.run(secs(3));
    assert_eq!((page.element.position(page.now), page.element.running()), (1_000_000, false));
    page.element.seek(Position::from_millis(2000), page.now);
    page.run(secs(3) + millis(20));
    assert!(page.element.moving());
    assert_eq!(page.element.buffered().len(), 2);
}

#[test]
fn a_seek_to_where_nothing_is_waits_and_ends_when_something_is() {
    let mut page = Page::new(&[VIDEO]);
    page.video(0, 1000);
    page.cues();
    page.element.seek(Position::from_millis(5000), 0);
    page.run(secs(5));
    assert_eq!(page.cues(), [Cue::Seeking]);
    page.video(5000, 5200);
    assert_eq!(page.cues(), [Cue::Seeked, Cue::Ready, Cue::Playing]);
}

#[test]
fn the_rate_decides_how_far_the_position_comes() {
    let mut page = Page::new(&[VIDEO]);
    page.video(0, 60_000);
    page.element.set_rate(Rate::from_permille(1080), 0);
    page.run(secs(10));
    assert_eq!(page.element.position(page.now), 10_800_000);
    page.element.set_rate(Rate::from_permille(950), page.now);
    page.run(secs(20));
    assert_eq!(page.element.position(page.now), 20_300_000);
}

#[test]
fn the_end_comes_at_the_end_of_the_longer_track() {
    let mut page = Page::new(&[VIDEO, AUDIO]);
    page.video(0, 1000);
    page.audio(0, 1100);
    page.element.end_of_stream(0);
    page.cues();
    page.run(secs(5));
    assert_eq!(page.cues(), [Cue::Ended]);
    assert!(
        page.element.ended() && (1_100_000..1_130_000).contains(&page.element.position(page.now))
    );
    assert_eq!(page.element.next(), NEVER);
}

#[test]
fn an_ended_source_is_opened_again_by_whatever_changes_its_buffers() {
    type Change = fn(&mut Page);
    let changes: [(Change, bool); 5] = [
        (|p| p.element.remove(AUDIO, FIRST_HALF_SECOND, p.now), false),
        (|p| p.element.change_type(VIDEO, "video/mp4"), false),
        (|p| p.element.set_offset(AUDIO, 0).unwrap(), false),
        (|p| p.video(2000, 2040), false),
        (|p| p.element.abort(VIDEO), true),
    ];
    for (i, (change, ended)) in changes.into_iter().enumerate() {
        let mut page = Page::new(&[VIDEO, AUDIO]);
        page.video(0, 2000);
        page.audio(0, 2000);
        page.element.end_of_stream(0);
        page.run(secs(1));
        change(&mut page);
        page.run(secs(5));
        assert_eq!((page.element.complete(), page.element.ended()), (ended, ended), "{i}");
        page.element.end_of_stream(page.now);
        page.run(secs(8));
        assert!(page.element.ended(), "{i}");
    }
}

#[test]
fn frames_are_counted_as_they_are_passed() {
    let mut page = Page::new(&[VIDEO]);
    page.video(0, 4000);
    page.element.set_drops(100);
    page.run(secs(2));
    assert_eq!(page.element.frames(page.now), (50, 5));
}
