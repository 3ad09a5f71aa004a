//! PURE: which rungs a film gets, by the size of its picture.
//!
//! A step is a frame that the picture is fitted into, with its rate. The picture keeps its
//! proportions and is never enlarged: the first step that is larger than the film is the film's own
//! size, at its part of that step's rate.

use super::job::Form;

/// The size of a picture as it is shown (square pixels), and its pictures a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// Columns.
    pub(super) width: u32,
    /// Lines.
    pub(super) height: u32,
    /// Pictures a second as a fraction; `None` where the film does not say.
    pub(super) rate: Option<(u32, u32)>,
}

/// One encoding of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rung {
    /// Columns, an even number.
    pub(super) width: u32,
    /// Lines, an even number.
    pub(super) height: u32,
    /// Kilobits a second.
    pub(super) kbps: u32,
}

/// Long side, short side, kilobits a second at up to 30 pictures a second.
type Step = (u32, u32, u32);

/// About twice the rate from step to step: what a player changes for.
const CMAF: [Step; 7] = [
    (426, 240, 300),
    (640, 360, 700),
    (854, 480, 1200),
    (1280, 720, 2500),
    (1920, 1080, 5000),
    (2560, 1440, 8000),
    (3840, 2160, 14_000),
];

/// What people make with ffmpeg's recipe for WebM and DASH.
const WEBM: [Step; 5] =
    [(160, 90, 250), (320, 180, 500), (640, 360, 750), (640, 360, 1000), (1280, 720, 1500)];

/// Above so many pictures a second a rung gets half as much again.
const USUAL_RATE: u32 = 31;

impl Rung {
    /// Its pixels: about how much work it is.
    pub(super) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// The rungs for a film, the smallest first.
pub(super) fn rungs(film: Picture, form: Form) -> Vec<Rung> {
    let steps: &[Step] = match form {
        Form::Cmaf => &CMAF,
        Form::WebM => &WEBM,
    };
    let own = u64::from(film.width) * u64::from(film.height);
    let mut rungs: Vec<Rung> = Vec::new();
    for step in steps {
        let (width, height, larger) = fitted(film, *step);
        // A rung of nearly the size of the one before is not worth its work.
        if larger && rungs.last().is_some_and(|last| last.pixels() * 5 > own * 4) {
            break;
        }
        let pixels = u64::from(width) * u64::from(height);
        let kbps = u64::from(step.2) * pixels / (u64::from(step.0) * u64::from(step.1));
        let quick =
            film.rate.is_some_and(|(n, d)| u64::from(n) > u64::from(USUAL_RATE) * u64::from(d));
        let kbps = if quick { kbps * 3 / 2 } else { kbps };
        let kbps = u32::try_from(kbps).unwrap_or(u32::MAX).max(LEAST_KBPS);
        let rung = Rung { width, height, kbps };
        if !rungs.contains(&rung) {
            rungs.push(rung);
        }
        if larger {
            break;
        }
    }
    rungs
}

/// For pictures of a few pixels.
const LEAST_KBPS: u32 = 50;

/// The film's picture inside a step's frame, in even numbers; and whether the frame is larger.
fn fitted(film: Picture, (long, short, _): Step) -> (u32, u32, bool) {
    let (w, h) = (u64::from(film.width.max(2)), u64::from(film.height.max(2)));
    let (frame_w, frame_h) = if w >= h { (long, short) } else { (short, long) };
    let (frame_w, frame_h) = (u64::from(frame_w), u64::from(frame_h));
    // The side that meets its frame first decides.
    let (num, den) = if w * frame_h > h * frame_w { (frame_w, w) } else { (frame_h, h) };
    let scaled = |side: u64| {
        let nearest = if num >= den { side } else { (side * num + den / 2) / den };
        let even = (nearest + 1) & !1;
        let most = (side & !1).max(2);
        u32::try_from(even.clamp(2, most)).unwrap_or(u32::MAX)
    };
    (scaled(w), scaled(h), num > den)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(width: u32, height: u32, form: Form) -> Vec<String> {
        let rungs = rungs(Picture { width, height, rate: Some((25, 1)) }, form);
        rungs.iter().map(|r| format!("{}x{} {}", r.width, r.height, r.kbps)).collect()
    }

    #[test]
    fn a_film_gets_the_rungs_below_its_size_and_its_own() {
        let hd = ["426x240 300", "640x360 700", "854x480 1200", "1280x720 2500", "1920x1080 5000"];
        for (size, rungs) in [
            ((1920, 1080), &hd[..]),
            ((1280, 720), &hd[..4]),
            // Upright, and 4 : 3 by its pixels.
            (
                (1080, 1920),
                &["240x426 300", "360x640 700", "480x854 1200", "720x1280 2500", "1080x1920 5000"],
            ),
            ((1024, 768), &["320x240 225", "480x360 525", "640x480 899", "960x720 1875"]),
            ((320, 180), &["320x180 169"]),
            ((64, 64), &["64x64 50"]),
            ((3, 3), &["2x2 50"]),
        ] {
            let got = of(size.0, size.1, Form::Cmaf);
            assert_eq!(got, rungs, "{size:?}");
        }
    }

    #[test]
    fn the_recipe_for_webm_is_kept_where_the_film_has_its_size() {
        let recipe = ["160x90 250", "320x180 500", "640x360 750", "640x360 1000", "1280x720 1500"];
        assert_eq!(of(1920, 1080, Form::WebM), recipe);
        assert_eq!(of(1280, 720, Form::WebM), recipe);
        assert_eq!(of(640, 360, Form::WebM), recipe[..4]);
        assert_eq!(of(320, 180, Form::WebM), recipe[..2]);
    }

    #[test]
    fn no_rung_is_larger_than_the_film_and_all_have_even_sides() {
        for (w, h) in [(641, 359), (1919, 801), (7680, 4320), (100, 4000), (2, 2), (1, 1)] {
            for form in [Form::Cmaf, Form::WebM] {
                let all = rungs(Picture { width: w, height: h, rate: None }, form);
                assert!(!all.is_empty());
                for r in all {
                    assert!(r.width <= w.max(2) && r.height <= h.max(2), "{w}x{h}: {r:?}");
                    assert!(r.width % 2 == 0 && r.height % 2 == 0 && r.pixels() > 0, "{r:?}");
                }
            }
        }
    }

    #[test]
    fn sixty_pictures_a_second_get_half_as_much_again() {
        let film = |rate| Picture { width: 1280, height: 720, rate: Some(rate) };
        let top = |rate| rungs(film(rate), Form::Cmaf).last().map(|r| r.kbps);
        assert_eq!((top((30_000, 1001)), top((60, 1))), (Some(2500), Some(3750)));
    }
}
