//! How much to have in hand before a picture that ran dry goes on.
//!
//! On a link that carries less than the media needs, a browser that is given each piece at once shows
//! a third of a second, stands, shows another: thousands of stalls in a film, none of which can be
//! watched. So what arrives is kept back until it lasts for a while.

use crate::units::Bitrate;
use core::time::Duration;

/// On a link that carries much more than is needed.
const LEAST: Duration = Duration::from_secs(1);
/// On a link that carries no more than is needed.
const MOST: Duration = Duration::from_secs(5);
/// So many times what is needed is much more, thousandths.
const AMPLE: u64 = 2000;

/// The media to have, on a link that carries `link` (`None`: not known) where `need` is played.
pub fn wanted(link: Option<Bitrate>, need: Bitrate) -> Duration {
    let Some(link) = link else { return MOST };
    let part = link.as_bps().saturating_mul(1000) / need.as_bps().max(1);
    let scarce = AMPLE.saturating_sub(part.max(1000));
    LEAST + (MOST - LEAST) * u32::try_from(scarce).unwrap_or(0) / 1000
}

/// How a track stands.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Media of it that was received, from the position on.
    pub ahead: Duration,
    /// So much of it is fetched ahead, and no more.
    pub goal: Duration,
    /// No more of it comes: the rest of the film is there, or the browser takes nothing.
    pub over: bool,
}

/// All tracks have what is `wanted`, or cannot get it.
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
