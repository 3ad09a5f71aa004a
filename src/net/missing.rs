//! What to do about a segment of a film that the server refuses or that is unreadable: retry, leave
//! it out, or give up.
//!
//! A hole is better than the end of a film. If a manifest says that a film is longer than it is,
//! the segments behind its real end are absent one by one. They look like a hole until nothing
//! follows; so each of them is asked for once, and the film is played to its real end. A server
//! that refuses access, or has less than half of the film, is at fault: then playback fails, and
//! the page is told.

use super::retry::REFUSALS;
use crate::time::Duration;

/// The most segments in a row that are left out, except near the film's end.
pub const MOST_LEFT_OUT: u32 = 3;
/// A segment this near to the end may be one behind the real end: manifests are wrong by a few
/// segments.
const NEAR_END: Duration = Duration::from_secs(60);
/// A segment is asked for in at most this many other qualities.
const MOST_QUALITIES: u32 = 2;

/// The state of the segment.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// How often requests for it have failed.
    pub tries: u32,
    /// The number of other qualities in which it could be asked for.
    pub others: u32,
    /// How many segments were left out right before it.
    pub left_out: u32,
    /// From the start of the film to its start.
    pub before: Duration,
    /// From its start to the end of the film, as the manifest says.
    pub left: Duration,
    /// The server says that there is no such segment (404, 410).
    pub absent: bool,
    /// Some media of its track was received.
    pub held: bool,
}

/// What to do about a missing segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Ask for it again.
    Again,
    /// Go on behind it.
    LeaveOut,
    /// Playback has failed.
    GiveUp,
}

/// What to do about the segment.
pub fn verdict(view: &View) -> Verdict {
    let tries = if view.left_out == 0 { REFUSALS + view.others.min(MOST_QUALITIES) } else { 1 };
    if view.tries < tries {
        Verdict::Again
    } else if view.left_out < MOST_LEFT_OUT || behind_the_end(view) {
        Verdict::LeaveOut
    } else {
        Verdict::GiveUp
    }
}

fn behind_the_end(view: &View) -> bool {
    view.held && view.absent && view.left <= NEAR_END.min(view.before)
}

/// After this many failures, the segment is asked for in another quality: perhaps only this file is
/// damaged.
pub const fn tries_other_quality(tries: u32) -> bool {
    tries >= REFUSALS && (tries < REFUSALS + MOST_QUALITIES || tries.is_multiple_of(REFUSALS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(tries: u32, left_out: u32, left: Duration, held: bool) -> Verdict {
        let before = HOUR.saturating_sub(left);
        verdict(&View { tries, others: 5, left_out, before, left, absent: true, held })
    }

    #[test]
    fn a_refused_segment_is_asked_for_again_then_elsewhere_then_left_out() {
        let verdicts =
            [1, 2, 3, 4, 5].map(|tries| (at(tries, 0, HOUR, true), tries_other_quality(tries)));
        use Verdict::{Again, LeaveOut};
        let expected = [(Again, false), (Again, false), (Again, true), (Again, true)];
        assert_eq!(verdicts[..4], expected);
        assert_eq!(verdicts[4].0, LeaveOut);
        let (before, left) = (Duration::ZERO, HOUR);
        let alone =
            View { tries: 3, others: 0, left_out: 0, before, left, absent: true, held: true };
        assert_eq!(verdict(&alone), LeaveOut);
    }

    #[test]
    fn a_row_of_holes_is_the_end_in_mid_film_and_not_at_its_end() {
        for held in [true, false] {
            assert_eq!(at(1, 2, HOUR, held), Verdict::LeaveOut);
            assert_eq!(at(1, 3, HOUR, held), Verdict::GiveUp);
        }
        assert_eq!(at(1, 20, Duration::from_secs(30), true), Verdict::LeaveOut);
        assert_eq!(at(1, 3, Duration::from_secs(30), false), Verdict::GiveUp);
    }

    #[test]
    fn most_of_a_film_that_is_absent_or_not_allowed_is_not_its_end() {
        let seconds = Duration::from_secs;
        let end = |before, absent| {
            let (before, left) = (seconds(before), seconds(30));
            verdict(&View { tries: 1, others: 0, left_out: 3, before, left, absent, held: true })
        };
        assert_eq!(end(30, true), Verdict::LeaveOut);
        assert_eq!(end(29, true), Verdict::GiveUp);
        assert_eq!(end(3000, false), Verdict::GiveUp);
    }
}
