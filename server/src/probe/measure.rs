//! PURE: what the packets of some seconds tell.
//!
//! Pictures come in the order in which they are decoded. One that is shown before one that came
//! earlier is a B picture. A camera's times are compared with those at which its pictures came; a
//! first second is left out of that, for cameras often begin with what they have stored.

use std::collections::HashSet;

use serde::Serialize;

use super::packets::Packet;

/// A step between two pictures that is longer than this, and not the time that passed, is a jump.
const JUMP_US: i64 = 1_000_000;

/// What is left out of the comparison of clocks at the beginning.
const FIRST_US: i64 = 1_000_000;

/// How long the clocks are compared at least, to tell anything.
const LEAST_US: i64 = 3_000_000;

/// A picture, its time and the time at which it came in microseconds.
#[derive(Clone, Copy, Debug)]
struct Picture {
    pts: i64,
    /// It has a time.
    timed: bool,
    came: i64,
    bytes: u64,
    key: bool,
}

/// The packets of one stream so far.
#[derive(Debug)]
pub(super) struct Packets {
    pictures: Vec<Picture>,
    /// They come as time goes.
    live: bool,
    /// The times of those that do not.
    seen: HashSet<i64>,
}

/// A distance between key frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Gop {
    pub(super) pictures: usize,
    pub(super) ms: i64,
}

/// What they tell of video.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Measured {
    /// Pictures that were looked at.
    pub(super) pictures: usize,
    /// How much of the stream that is.
    pub(super) ms: i64,
    pub(super) fps_milli: Option<i64>,
    /// From key frame to key frame, the shortest.
    pub(super) gop_min: Option<Gop>,
    /// The longest; it may be one whose end was not seen.
    pub(super) gop_max: Option<Gop>,
    /// No second key frame came.
    pub(super) gop_open: bool,
    pub(super) key_frames: usize,
    pub(super) b_pictures: usize,
    pub(super) bits_per_second: Option<u64>,
}

/// How a camera's times go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Clock {
    /// By the camera's times.
    pub(super) media_ms: i64,
    /// By our clock.
    pub(super) wall_ms: i64,
    pub(super) jumps: usize,
    /// The biggest jump.
    pub(super) jump_ms: i64,
}

impl Clock {
    /// Whether its times go as the wall clock does: within one in a hundred, and what the network
    /// delays.
    pub(super) fn keeps_time(&self) -> bool {
        (self.media_ms - self.wall_ms).abs() <= self.wall_ms / 100 + 200
    }
}

impl Packets {
    /// None yet; `live`: they will come as time goes.
    pub(super) fn new(live: bool) -> Self {
        Self { pictures: Vec::new(), live, seen: HashSet::new() }
    }

    /// Takes a packet; `tick` is its time base, `came` when it came, microseconds.
    pub(super) fn push(&mut self, packet: Packet, (n, d): (u32, u32), came: i64) {
        let us = |pts| i128::from(pts) * i128::from(n) * 1_000_000 / i128::from(d.max(1));
        // ffmpeg writes 0 as well for a camera's first pictures whose time it does not know.
        let timed = packet.pts.is_some_and(|pts| pts != 0);
        let pts = i64::try_from(us(packet.pts.unwrap_or(0))).unwrap_or(i64::MAX);
        // Far from the ends of the numbers, so that differences have room.
        let pts = pts.clamp(i64::MIN / 4, i64::MAX / 4);
        // ffmpeg reads segments of a live DASH list more than once.
        if self.live || !timed || self.seen.insert(pts) {
            self.pictures.push(Picture { pts, timed, came, bytes: packet.bytes, key: packet.key });
        }
    }

    pub(super) fn len(&self) -> usize {
        self.pictures.len()
    }

    /// How many a viewer can begin at.
    pub(super) fn key_frames(&self) -> usize {
        self.pictures.iter().filter(|p| p.key).count()
    }

    /// How much of the stream there is, microseconds.
    pub(super) fn span_us(&self) -> i64 {
        self.stretches().iter().map(|s| span(s)).sum()
    }

    /// Bits a second of sound, or of pictures.
    pub(super) fn bits_per_second(&self) -> Option<u64> {
        let us = u64::try_from(self.span_us()).ok().filter(|us| *us > 100_000)?;
        // The last one has no length in this.
        let sizes = self.timed().rev().skip(1).map(|p| p.bytes);
        let bytes = sizes.fold(0, u64::saturating_add);
        Some(bytes.saturating_mul(8_000_000) / us)
    }

    /// What the pictures tell.
    pub(super) fn measured(&self) -> Measured {
        let stretches = self.stretches();
        let us = self.span_us();
        let steps: usize = stretches.iter().map(|s| s.len().saturating_sub(1)).sum();
        let steps = i64::try_from(steps).unwrap_or(i64::MAX);
        let fps_milli = (us > 0).then(|| steps.saturating_mul(1_000_000_000) / us);
        let gops = self.gops(fps_milli);
        let longest = gops.iter().copied().max_by_key(|g| (g.ms, g.pictures));
        let open = self.unfinished(fps_milli);
        Measured {
            pictures: self.pictures.len(),
            ms: us / 1000,
            fps_milli,
            gop_min: gops.iter().copied().min_by_key(|g| (g.ms, g.pictures)),
            gop_max: [longest, open].into_iter().flatten().max_by_key(|g| (g.pictures, g.ms)),
            gop_open: gops.is_empty(),
            key_frames: self.key_frames(),
            b_pictures: stretches.iter().map(|s| earlier(s)).sum(),
            bits_per_second: self.bits_per_second(),
        }
    }

    /// How a camera's times go; `None` if it was too short to tell.
    pub(super) fn clock(&self) -> Option<Clock> {
        let first = self.timed().next()?.came;
        let stretches = self.stretches();
        let (mut media, mut wall) = (0, 0);
        for stretch in &stretches {
            let settled: Vec<Picture> =
                stretch.iter().filter(|p| p.came - first >= FIRST_US).copied().collect();
            media += span(&settled);
            let (Some(a), Some(b)) = (settled.first(), settled.last()) else { continue };
            wall += b.came - a.came;
        }
        let jumps: Vec<i64> = stretches
            .windows(2)
            .filter_map(|two| Some(two.last()?.first()?.pts - two.first()?.last()?.pts))
            .collect();
        let biggest = jumps.iter().copied().max_by_key(|us| us.abs()).unwrap_or(0);
        (wall >= LEAST_US).then_some(Clock {
            media_ms: media / 1000,
            wall_ms: wall / 1000,
            jumps: jumps.len(),
            jump_ms: biggest / 1000,
        })
    }

    fn timed(&self) -> impl DoubleEndedIterator<Item = &Picture> + Clone {
        self.pictures.iter().filter(|p| p.timed)
    }

    /// The pictures between jumps of their times. Where they come as time goes, a step that took as long
    /// as it says is none; elsewhere one that is not much longer than most is none.
    fn stretches(&self) -> Vec<Vec<Picture>> {
        let usual = if self.live { 0 } else { self.usual_step() };
        let mut all: Vec<Vec<Picture>> = Vec::new();
        let mut last: Option<Picture> = None;
        for picture in self.timed() {
            let jumps = last.is_some_and(|last| {
                let step = picture.pts - last.pts;
                let strange = if self.live {
                    (step - (picture.came - last.came)).abs() > JUMP_US
                } else {
                    step.abs() > usual.saturating_mul(10)
                };
                step.abs() > JUMP_US && strange
            });
            match all.last_mut().filter(|_| !jumps) {
                Some(stretch) => stretch.push(*picture),
                None => all.push(vec![*picture]),
            }
            last = Some(*picture);
        }
        all
    }

    /// The step between pictures that most have.
    fn usual_step(&self) -> i64 {
        let times = self.timed().map(|p| p.pts);
        let mut steps: Vec<i64> =
            times.clone().zip(times.skip(1)).map(|(a, b)| (b - a).abs()).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied().unwrap_or(0)
    }

    /// Every whole distance between key frames.
    fn gops(&self, fps_milli: Option<i64>) -> Vec<Gop> {
        let keys: Vec<usize> =
            self.pictures.iter().enumerate().filter(|(_, p)| p.key).map(|(i, _)| i).collect();
        keys.iter().zip(keys.iter().skip(1)).map(|(a, b)| gop(b - a, fps_milli)).collect()
    }

    /// The pictures after the last key frame.
    fn unfinished(&self, fps_milli: Option<i64>) -> Option<Gop> {
        let after = self.pictures.iter().rev().take_while(|p| !p.key).count();
        (after > 0).then(|| gop(after, fps_milli))
    }
}

fn gop(pictures: usize, fps_milli: Option<i64>) -> Gop {
    let many = i64::try_from(pictures).unwrap_or(i64::MAX);
    let ms = fps_milli.and_then(|fps| many.saturating_mul(1_000_000).checked_div(fps));
    Gop { pictures, ms: ms.unwrap_or(0) }
}

/// From the first to the last that is shown.
fn span(pictures: &[Picture]) -> i64 {
    let times = || pictures.iter().map(|p| p.pts);
    times().max().unwrap_or(0) - times().min().unwrap_or(0)
}

/// How many are shown before one that came earlier.
fn earlier(pictures: &[Picture]) -> usize {
    let mut latest = i64::MIN;
    pictures
        .iter()
        .filter(|p| {
            let before = p.pts < latest;
            latest = latest.max(p.pts);
            before
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures: when each is shown, when it came (milliseconds), whether it is a key frame.
    fn packets(of: impl IntoIterator<Item = (i64, i64, bool)>) -> Packets {
        let mut packets = Packets::new(true);
        for (pts, came, key) in of {
            packets.push(
                Packet { pts: Some(pts * 90), bytes: 1000, key },
                (1, 90_000),
                came * 1000,
            );
        }
        packets
    }

    fn steady(n: i64, gop: i64) -> impl Iterator<Item = (i64, i64, bool)> {
        (0..n).map(move |i| (1000 + i * 40, i * 40, i % gop == 0))
    }

    #[test]
    fn a_steady_camera_is_told_as_it_is() {
        let packets = packets(steady(251, 25));
        let m = packets.measured();
        assert_eq!((m.pictures, m.ms, m.fps_milli), (251, 10_000, Some(25_000)));
        let gop = Some(Gop { pictures: 25, ms: 1000 });
        assert_eq!((m.gop_min, m.gop_max, m.gop_open, m.b_pictures), (gop, gop, false, 0));
        assert_eq!(m.bits_per_second, Some(200_000));
        let clock = packets.clock().unwrap();
        assert!(clock.keeps_time() && clock.jumps == 0, "{clock:?}");
    }

    #[test]
    fn b_pictures_are_those_shown_before_earlier_ones() {
        // I P B B P B B in the order of decoding.
        let order = [0, 120, 40, 80, 240, 160, 200];
        let of = order.iter().enumerate().map(|(i, pts)| (1000 + pts, i as i64 * 40, i == 0));
        let m = packets(of).measured();
        assert_eq!((m.b_pictures, m.fps_milli), (4, Some(25_000)));
    }

    #[test]
    fn uneven_and_endless_groups_are_seen() {
        let keys = [0, 25, 125, 150];
        let of = (0..160).map(|i| (i * 40, i * 40, keys.contains(&i)));
        let m = packets(of).measured();
        assert_eq!(m.gop_min.map(|g| g.pictures), Some(25));
        assert_eq!(m.gop_max, Some(Gop { pictures: 100, ms: 4000 }));
        let m = packets((0..400).map(|i| (i * 40, i * 40, i == 10))).measured();
        assert!(m.gop_open && m.gop_min.is_none());
        assert_eq!(m.gop_max.map(|g| g.pictures), Some(389));
    }

    #[test]
    fn a_clock_that_jumps_or_runs_wrong_is_seen() {
        let fast = packets((0..250).map(|i| (i * 44, i * 40, i % 25 == 0)));
        assert!(!fast.clock().unwrap().keeps_time());
        let leap =
            packets((0..250).map(|i| (i * 40 + if i > 100 { 3_600_000 } else { 0 }, i * 40, true)));
        let clock = leap.clock().unwrap();
        assert_eq!((clock.jumps, clock.jump_ms), (1, 3_600_040));
        assert!(clock.keeps_time(), "{clock:?}");
        assert_eq!(leap.measured().fps_milli.map(|f| f / 1000), Some(25));
        // A pause in which nothing came is none.
        let pause = packets((0..250).map(|i| {
            let at = i * 40 + if i > 100 { 5000 } else { 0 };
            (at, at, true)
        }));
        assert_eq!(pause.clock().unwrap().jumps, 0);
        // Stored pictures come at once, at first.
        let burst = packets((0..300).map(|i| (i * 40, (i * 40 - 2000).max(0), i % 25 == 0)));
        assert!(burst.clock().unwrap().keeps_time(), "{:?}", burst.clock());
    }

    #[test]
    fn pictures_without_a_time_are_left_out() {
        // As a camera with B pictures begins; then its times go on far from 0.
        let mut all = Packets::new(true);
        let unknown = [None, Some(0), Some(0), Some(905_400), Some(0), Some(901_800)];
        let known = (3..60).map(|i| Some(901_800 + i * 3600));
        for (i, pts) in unknown.into_iter().chain(known).enumerate() {
            all.push(Packet { pts, bytes: 9, key: i == 1 }, (1, 90_000), i as i64 * 40_000);
        }
        assert_eq!((all.measured().b_pictures, all.stretches().len()), (1, 1));
    }

    #[test]
    fn a_segment_that_is_read_again_counts_once() {
        let mut all = Packets::new(false);
        for i in (0..50).chain(25..50).chain(25..75) {
            all.push(
                Packet { pts: Some(i * 3600 + 3600), bytes: 9, key: i % 25 == 0 },
                (1, 90_000),
                0,
            );
        }
        let m = all.measured();
        assert_eq!((m.pictures, m.fps_milli, m.b_pictures), (75, Some(25_000), 0));
        assert_eq!(m.gop_max.map(|g| g.pictures), Some(25));
    }

    #[test]
    fn a_list_with_a_hole_has_its_rate_and_a_slow_film_has_no_holes() {
        let mut all = Packets::new(false);
        for i in (1..50).chain(2000..2050) {
            all.push(Packet { pts: Some(i * 3600), bytes: 9, key: true }, (1, 90_000), 0);
        }
        assert_eq!(all.measured().fps_milli, Some(25_000));
        let mut slow = Packets::new(false);
        for i in 1..20 {
            slow.push(Packet { pts: Some(i * 450_000), bytes: 9, key: true }, (1, 90_000), 0);
        }
        assert_eq!((slow.measured().fps_milli, slow.stretches().len()), (Some(200), 1));
    }

    #[test]
    fn the_first_time_that_is_none_is_left_out_and_nothing_is_no_panic() {
        let of = steady(100, 25)
            .enumerate()
            .map(|(i, (p, c, k))| (if i == 0 { 0 } else { p + 9_000_000 }, c, k));
        assert_eq!(packets(of).measured().fps_milli, Some(25_000));
        for few in [packets([]), packets([(0, 0, true)]), packets([(0, 0, true), (0, 0, false)])] {
            let m = few.measured();
            assert!(m.fps_milli.is_none() && m.bits_per_second.is_none() && few.clock().is_none());
        }
        let mut wild = Packets::new(true);
        for pts in [i64::MIN, i64::MAX, 0, 1] {
            wild.push(
                Packet { pts: Some(pts), bytes: u64::MAX, key: true },
                (u32::MAX, 1),
                i64::MAX / 2,
            );
        }
        let _ = (wild.measured(), wild.clock());
    }
}
