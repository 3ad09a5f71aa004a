//! PURE: signs of a camera's life in one run, and how long it has been silent.
//!
//! The watchdog counts silence each time it looks, and counts at most [`LONGEST_LOOK`] per look: if
//! the watchdog itself was late, the tasks that read the pipes were late too, and frames are
//! waiting there. Time in which ffmpeg was ready but got no processor does not count either.

use std::collections::VecDeque;
use std::time::Duration;

use nearlive::time::{Instant, WallTime};

use super::status::State;
use crate::engine::spawn::Load;
use crate::engine::stderr::{Cause, VideoCodec};
use crate::package::Ailment;

/// No frame for this long means that the camera is away.
pub const QUIET: Duration = Duration::from_secs(3);

/// The first frame may take longer: some cameras are slow, or have a key frame every ten seconds.
pub const QUIET_AT_START: Duration = Duration::from_secs(15);

/// How often the watchdog looks.
pub(super) const WATCH: Duration = Duration::from_millis(200);

/// The most silence that one look counts.
const LONGEST_LOOK: Duration = Duration::from_millis(400);

/// Cameras have a key frame at least every ten seconds.
pub const KEYLESS_AT_START: Duration = Duration::from_secs(12);

/// If the last key frame is older than this, a new viewer does not see a picture soon.
const KEYLESS: Duration = Duration::from_secs(30);

/// A longer gap between frames does not count as usual.
const LONGEST_USUAL_GAP: Duration = Duration::from_secs(10);

/// Processor time that ffmpeg may take before it knows what the camera sends (it takes a tenth), and
/// from then on to the first frame: of what is copied, and of what has to be encoded first.
const UNTIL_DESCRIBED: Duration = Duration::from_secs(2);
const UNTIL_COPIED: Duration = Duration::from_secs(3);
const UNTIL_ENCODED: Duration = Duration::from_secs(10);

/// The result of reading the signs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// No frame yet.
    Waiting,
    /// Frames arrive.
    Alive,
    /// Frames arrive, but no viewer can begin with them: this is what viewers have.
    Keyless(State),
    /// No frames for too long, or unusable ones.
    Silent(Cause),
}

/// The signs of one run.
#[derive(Debug)]
pub(super) struct Signs {
    looked: Instant,
    silent: Duration,
    first: Option<Instant>,
    last: Option<(Instant, WallTime)>,
    /// The age, at the newest frame, of the last one that viewers can begin with.
    since_key: Option<Duration>,
    usual_gap: Duration,
    /// Frames by track.
    frames: Vec<u64>,
    ailment: Option<Ailment>,
    load: Option<(Instant, Load)>,
}

impl Signs {
    /// The signs of a run that begins now.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            looked: now,
            silent: Duration::ZERO,
            first: None,
            last: None,
            since_key: None,
            usual_gap: Duration::ZERO,
            frames: Vec::new(),
            ailment: None,
            load: None,
        }
    }

    /// Notes a frame of `track`.
    pub(super) fn beat(&mut self, track: usize, now: Instant, arrived: WallTime) {
        // Time that does not count as silence does not count as a gap.
        let looked = Duration::from(now.since(self.looked));
        let silent = std::mem::take(&mut self.silent) + looked.min(LONGEST_LOOK);
        self.first.get_or_insert(now);
        if let Some((last, _)) = self.last {
            // The longest recent gap: it falls by an eighth with each frame.
            let gap = Duration::from(now.since(last)).min(silent).min(LONGEST_USUAL_GAP);
            self.usual_gap = gap.max(self.usual_gap - self.usual_gap / 8);
        }
        self.last = Some((now, arrived));
        if self.frames.len() <= track {
            self.frames.resize(track + 1, 0);
        }
        if let Some(frames) = self.frames.get_mut(track) {
            *frames += 1;
        }
    }

    /// How long ago a frame came that viewers can begin with; `None`: none has come yet.
    pub(super) const fn keys(&mut self, since_key: Option<Duration>) {
        self.since_key = since_key;
    }

    /// The fault in the frames that arrive, as of now.
    pub(super) const fn ails(&mut self, ailment: Option<Ailment>) {
        self.ailment = ailment;
    }

    /// Whether [`look`](Self::look) needs ffmpeg's load.
    pub(super) fn asks_load(&self) -> bool {
        self.first.is_none() || self.silent > QUIET / 3
    }

    /// One look of the watchdog. `load`: ffmpeg's, where it is needed and known; `video`: the
    /// camera's video, once it is known.
    pub(super) fn look(
        &mut self,
        now: Instant,
        load: Option<Load>,
        video: Option<&VideoCodec>,
    ) -> Beat {
        let step = Duration::from(now.since(self.looked));
        self.looked = now;
        let before = std::mem::replace(&mut self.load, load.map(|l| (now, l)));
        if !is_starved(before, self.load) {
            self.silent += step.min(LONGEST_LOOK);
        }
        match self.ailment {
            Some(Ailment::StandsStill) => return Beat::Silent(Cause::ClockLeapt),
            Some(Ailment::TooBig(w, h)) => return Beat::Silent(Cause::PictureTooBig(w, h)),
            Some(Ailment::NoPictures { hevc }) => {
                let codec = hevc.then_some(VideoCodec::Hevc);
                return Beat::Silent(Cause::NotWhatItSaid(codec));
            }
            None => {}
        }
        match self.last {
            None if load.is_some_and(|l| l.processor > allowed(video)) => {
                Beat::Silent(video.map_or(Cause::NoRtsp, |_| Cause::NoPictureInIt))
            }
            None if self.silent > QUIET_AT_START => Beat::Silent(Cause::NothingCame),
            None => Beat::Waiting,
            Some((_, wall)) if self.silent > QUIET.max(self.usual_gap * 4) => {
                Beat::Silent(Cause::StoppedSending(wall))
            }
            Some(_) => self.with_keys(),
        }
    }

    /// Whether viewers can begin with some of the frames that arrive.
    fn with_keys(&self) -> Beat {
        match self.since_key {
            None if self.lived() > KEYLESS_AT_START => Beat::Keyless(State::Offline),
            None => Beat::Waiting,
            Some(since) if since > KEYLESS => Beat::Keyless(State::Live),
            Some(_) => Beat::Alive,
        }
    }

    /// Time from the first frame to the last.
    pub(super) fn lived(&self) -> Duration {
        match (self.first, self.last) {
            (Some(first), Some((last, _))) => last.since(first).into(),
            _ => Duration::ZERO,
        }
    }

    /// When the last frame came.
    pub(super) const fn last(&self) -> Option<(Instant, WallTime)> {
        self.last
    }

    /// Frames of the track that has the most.
    pub(super) fn frames(&self) -> u64 {
        self.frames.iter().copied().max().unwrap_or(0)
    }
}

/// ffmpeg was ready to run between two looks, and got less than half of a processor.
fn is_starved(before: Option<(Instant, Load)>, after: Option<(Instant, Load)>) -> bool {
    let (Some((from, old)), Some((to, new))) = (before, after) else { return false };
    let had = new.processor.saturating_sub(old.processor);
    // Times are in hundredths of a second, so two looks close together tell nothing.
    let between = Duration::from(to.since(from));
    old.wants_more && new.wants_more && between > WATCH / 2 && had * 2 < between
}

const fn allowed(video: Option<&VideoCodec>) -> Duration {
    match video {
        None => UNTIL_DESCRIBED,
        Some(VideoCodec::H264) => UNTIL_COPIED,
        Some(_) => UNTIL_ENCODED,
    }
}

/// Notices when most pictures are damaged: at least half of those in [`Self::WINDOW`]. The state
/// ends when it is less than a quarter.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// Time, damaged pictures and frames up to then.
    looks: VecDeque<(Instant, u64, u64)>,
    most: bool,
}

impl Damage {
    const WINDOW: Duration = Duration::from_secs(4);
    /// With fewer, it may be just the camera's start.
    const LEAST: u64 = 10;

    /// `spoilt` pictures of `frames` were damaged so far. Returns whether most are.
    pub(super) fn look(&mut self, now: Instant, spoilt: u64, frames: u64) -> bool {
        self.looks.push_back((now, spoilt, frames));
        while self.looks.get(1).is_some_and(|l| now.since(l.0) >= Self::WINDOW) {
            self.looks.pop_front();
        }
        let Some((since, spoilt_then, frames_then)) = self.looks.front().copied() else {
            return false;
        };
        let (spoilt, frames) = (spoilt - spoilt_then, frames - frames_then);
        if now.since(since) >= Self::WINDOW {
            self.most = match self.most {
                false => spoilt >= Self::LEAST && spoilt * 2 >= frames,
                true => spoilt * 4 >= frames && spoilt > 0,
            };
        }
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    /// A frame of the first track, with a key frame of late.
    fn frame(signs: &mut Signs, ms: u64) {
        signs.beat(0, at(ms), WallTime::from_millis(0));
        signs.keys(Some(Duration::ZERO));
    }

    /// Looks at these times, after a frame at 0: when it is silent.
    fn silent_at(looks: impl IntoIterator<Item = u64>, load: Option<Load>) -> Option<u64> {
        let mut signs = Signs::new(at(0));
        frame(&mut signs, 0);
        looks.into_iter().find(|ms| signs.look(at(*ms), load, None) != Beat::Alive)
    }

    #[test]
    fn silence_is_counted_while_the_watchdog_comes_in_time() {
        let silent = silent_at((0..10_000).step_by(200), None);
        assert_eq!(silent, Some(3200));
    }

    #[test]
    fn time_in_which_the_watchdog_came_late_is_not_counted() {
        // Nothing ran from 1 s to 9 s, nor from 10 s to 30 s.
        let looks = (0..=1000).step_by(200).chain((9000..=10_000).step_by(200));
        let silent = silent_at(looks.clone().chain((30_000..40_000).step_by(200)), None);
        assert_eq!(silent, Some(30_400));
        let mut signs = Signs::new(at(0));
        frame(&mut signs, 0);
        for ms in looks {
            assert_eq!(signs.look(at(ms), None, None), Beat::Alive, "{ms}");
        }
        // The frames that had waited end the silence.
        frame(&mut signs, 10_010);
        let silent = (10_200..20_000).step_by(200).find(|ms| {
            matches!(signs.look(at(*ms), None, None), Beat::Silent(Cause::StoppedSending(_)))
        });
        assert!(silent.is_some(), "and a silence after them is one");
    }

    #[test]
    fn time_in_which_ffmpeg_was_not_let_run_is_not_counted() {
        let starved = Load { processor: Duration::from_secs(1), wants_more: true };
        assert_eq!(silent_at((0..60_000).step_by(200), Some(starved)), None);
        let idle = Load { wants_more: false, ..starved };
        assert_eq!(silent_at((0..60_000).step_by(200), Some(idle)), Some(3200));
    }

    #[test]
    fn a_camera_of_a_frame_in_two_seconds_is_not_silent() {
        let mut signs = Signs::new(at(0));
        for ms in (0..30_000).step_by(200) {
            if ms % 2000 == 0 {
                frame(&mut signs, ms);
            }
            assert_eq!(signs.look(at(ms), None, None), Beat::Alive, "{ms}");
        }
    }

    #[test]
    fn frames_without_a_key_frame_are_told_after_a_while() {
        let mut signs = Signs::new(at(0));
        let mut seen = vec![Beat::Waiting];
        for ms in (0..80_000).step_by(200) {
            signs.beat(0, at(ms), WallTime::from_millis(0));
            // One, at 20 s.
            signs.keys(ms.checked_sub(20_000).map(Duration::from_millis));
            let beat = signs.look(at(ms), None, None);
            if seen.last() != Some(&beat) {
                seen.push(beat);
            }
        }
        let (none, rare) = (Beat::Keyless(State::Offline), Beat::Keyless(State::Live));
        assert_eq!(seen, [Beat::Waiting, none, Beat::Alive, rare]);
    }

    #[test]
    fn processor_time_without_a_frame_ends_a_run_the_sooner_the_more_is_taken() {
        // A whole core, half of one, and a twentieth.
        for (percent, video, end, cause) in [
            (100, None, 2200, Cause::NoRtsp),
            (50, None, 4200, Cause::NoRtsp),
            (100, Some(VideoCodec::H264), 3200, Cause::NoPictureInIt),
            (100, Some(VideoCodec::Hevc), 10_200, Cause::NoPictureInIt),
            (5, Some(VideoCodec::H264), 15_200, Cause::NothingCame),
        ] {
            let mut signs = Signs::new(at(0));
            let ended = (0..20_000).step_by(200).find_map(|ms| {
                let processor = Duration::from_millis(ms * percent / 100);
                // One that has less than it wants would not be counted as silent.
                let load = Load { processor, wants_more: percent == 100 };
                match signs.look(at(ms), Some(load), video.as_ref()) {
                    Beat::Silent(cause) => Some((ms, cause)),
                    _ => None,
                }
            });
            assert_eq!(ended, Some((end, cause)));
        }
    }

    #[test]
    fn what_ails_the_stream_is_told_at_once() {
        for (ailment, cause) in [
            (Ailment::StandsStill, Cause::ClockLeapt),
            (Ailment::NoPictures { hevc: true }, Cause::NotWhatItSaid(Some(VideoCodec::Hevc))),
            (Ailment::TooBig(9000, 9000), Cause::PictureTooBig(9000, 9000)),
        ] {
            let mut signs = Signs::new(at(0));
            signs.ails(Some(ailment));
            assert_eq!(signs.look(at(200), None, None), Beat::Silent(cause));
        }
    }

    #[test]
    fn most_pictures_are_damaged_when_half_are_for_seconds() {
        let mut damage = Damage::default();
        let (mut spoilt, mut frames) = (0, 0);
        let mut seen = Vec::new();
        for i in 0..150 {
            // 5 frames a look; from 6 s to 14 s four of them are damaged.
            frames += 5;
            spoilt += if (30..70).contains(&i) { 4 } else { u64::from(i % 10 == 0) };
            let most = damage.look(at(i * 200), spoilt, frames);
            if most != seen.last().is_some_and(|(_, before)| *before) {
                seen.push((i * 200, most));
            }
        }
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!((7_000..9_500).contains(&seen[0].0) && (15_000..18_500).contains(&seen[1].0));
    }
}
