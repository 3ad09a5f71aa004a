//! How much media to have before playback goes on after a stall.
//!
//! On a link that is slower than the media needs, a browser that gets each piece at once plays a
//! third of a second, stalls, plays another: thousands of stalls in a film. So arriving media is
//! withheld from the browser until there is a reserve.

use crate::time::Duration;
use crate::units::Bitrate;

/// The reserve on a link that is much faster than needed.
const LEAST: Duration = Duration::from_secs(1);
/// The reserve on a link that is no faster than needed.
const MOST: Duration = Duration::from_secs(5);
/// A link is much faster than needed if it carries this many thousandths of the need.
const AMPLE: u64 = 2000;

/// The reserve on a link with throughput `link` (`None`: not known) for media of bandwidth `need`.
pub fn wanted(link: Option<Bitrate>, need: Bitrate) -> Duration {
    let Some(link) = link else { return MOST };
    let part = link.as_bps().saturating_mul(1000) / need.as_bps().max(1);
    let scarce = AMPLE.saturating_sub(part.max(1000));
    LEAST + (MOST - LEAST) * u32::try_from(scarce).unwrap_or(0) / 1000
}

/// The state of a track.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Media received from the position on.
    pub ahead: Duration,
    /// How much is fetched ahead at most.
    pub goal: Duration,
    /// No more comes now: the rest of the film is there, the browser has no room, or sound waits for the picture.
    pub over: bool,
}

/// Every track has the `wanted` reserve, or cannot get it.
pub fn enough(tracks: impl IntoIterator<Item = View>, wanted: Duration) -> bool {
    tracks.into_iter().all(|track| track.over || track.ahead >= wanted.min(track.goal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_scarcer_the_link_the_more_is_waited_for() {
        let wanted = |kbps| wanted(Some(Bitrate::from_kbps(kbps)), Bitrate::from_kbps(1000));
        for (kbps, expected) in
            [(0, 5000), (300, 5000), (1000, 5000), (1500, 3000), (2000, 1000), (9000, 1000)]
        {
            assert_eq!(wanted(kbps), ms(expected), "{kbps} kb/s");
        }
        assert_eq!(super::wanted(None, Bitrate::default()), MOST);
    }

    #[test]
    fn nothing_is_waited_for_that_does_not_come() {
        let dry = View { ahead: ms(300), goal: ms(30_000), over: false };
        let full = View { ahead: ms(2000), goal: ms(2000), over: false };
        let over = View { over: true, ..dry };
        let held = View { ahead: ms(3000), ..dry };
        assert!(!enough([held, dry], ms(3000)));
        assert!(enough([held, over, full], ms(3000)));
        assert!(enough([full], ms(1999)));
    }
}
