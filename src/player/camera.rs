//! The camera behind the media: the origin's messages about it, the capture times of its pictures,
//! and whether the pictures are new.
//!
//! While a camera is away, the companion server repeats the last picture. It marks this *filler*
//! twice: its capture time (`prft`, ISO/IEC 14496-12 8.16.5) stands still, and an event message
//! (`emsg`, 14496-12 with DASH-IF) carries a sentence for the viewer, the *cause*. A sentence
//! belongs to a position: the page is told of it when that position is shown.

use crate::buffer::inventory::Captures;
use crate::time::{Duration, Instant, Position, Span, WallTime};
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};

/// Scheme of the companion server's messages about its camera: the data is a sentence, empty when
/// all is well.
const SCHEME: &str = "urn:nearlive:source:2026";
/// The sentence for a camera whose media repeats an old picture without any message.
const NO_NEW_PICTURE: &str = "no new picture comes from the camera";
/// While a cause lasts, the page is told it this often, with the picture's age.
const REPEAT_EVERY: Duration = Duration::from_secs(1);
/// Fragments that follow each other are apart by less than this, from rounding.
const ROUNDING: Duration = Duration::from_millis(1);

/// What is known of the camera.
#[derive(Debug, Default)]
pub(super) struct Camera {
    captures: Captures,
    /// Sentences for positions that the element has not reached.
    coming: VecDeque<(Position, String)>,
    /// The sentence for the position that is shown; empty when all is well.
    cause: String,
    /// The sentence that arrived last.
    newest: String,
    /// Up to where that one holds; `None`: until another arrives.
    until: Option<Position>,
    /// The newest media repeats an old picture.
    repeats: bool,
    /// The cause that the page was told, and when.
    told: String,
    told_at: Option<Instant>,
}

/// What a new capture time shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Captured {
    /// The camera went away or came back.
    pub(super) changed: bool,
    /// The picture is new.
    pub(super) new: bool,
}

impl Camera {
    /// The camera is away: the newest media repeats an old picture, or the origin says so.
    pub(super) fn away(&self) -> bool {
        !self.newest.is_empty() || self.repeats
    }

    /// Media arrives on another timeline: the cause holds until media arrives without a message.
    pub(super) fn new_timeline(&mut self) {
        self.captures.clear();
        self.coming.clear();
        self.newest.clone_from(&self.cause);
        self.until = Some(Position::default());
    }

    /// Takes an event message for `at` that holds up to `until`. Answers whether the camera went
    /// away or came back.
    pub(super) fn message(
        &mut self,
        at: Position,
        until: Option<Position>,
        scheme: &str,
        data: &[u8],
    ) -> bool {
        if scheme != SCHEME {
            return false;
        }
        self.until = until;
        self.set_sentence(at, String::from_utf8_lossy(data).into_owned())
    }

    /// A fragment of the picture arrived. If no message has renewed the newest sentence by now, the
    /// camera is back: a restarted server does not know which sentence to withdraw. Answers whether
    /// the camera came back.
    pub(super) fn picture(&mut self, span: Span) -> bool {
        let over = self.until.take_if(|until| span.end > *until + ROUNDING).is_some();
        over && self.set_sentence(span.start, String::new())
    }

    fn set_sentence(&mut self, at: Position, sentence: String) -> bool {
        let changed = sentence != self.newest;
        if changed {
            self.newest.clone_from(&sentence);
            self.coming.push_back((at, sentence));
        }
        changed
    }

    /// The picture at `at` was taken at `wall`.
    pub(super) fn captured(&mut self, at: Position, wall: WallTime) -> Captured {
        let newer = self.captures.newest().is_none_or(|newest| newest < wall);
        let repeats = self.captures.note(at, wall);
        let changed = core::mem::replace(&mut self.repeats, repeats) != repeats;
        Captured { changed, new: newer && !repeats }
    }

    /// When the picture at `at` was captured.
    pub(super) fn capture_time(&self, at: Position) -> Option<WallTime> {
        self.captures.at(at, !self.cause.is_empty())
    }

    /// Where on the timeline the camera is at the wall-clock time `now`, by the newest picture.
    pub(super) fn is_at(&self, now: WallTime) -> Option<Position> {
        let (at, taken) = self.captures.newest_picture()?;
        Some(at.offset(now.micros_from(taken)))
    }

    /// The media at `at` is filler: it repeats an old picture.
    pub(super) fn repeats_at(&self, at: Position) -> bool {
        self.captures.is_filler_at(at)
    }

    /// Where the first new picture after `at` begins.
    pub(super) fn next_new(&self, at: Position) -> Option<Position> {
        self.captures.next_new(at)
    }

    /// What the page is to be told while `at` is shown: the cause, empty when all is well. `None`:
    /// nothing is due. `stands`: playback stands there, which it may do before it comes to the filler: then the
    /// cause is what has arrived.
    pub(super) fn due_cause(&mut self, now: Instant, at: Position, stands: bool) -> Option<String> {
        let waits = stands && self.away();
        while let Some((_, sentence)) = self.coming.pop_front_if(|it| waits || it.0 <= at) {
            self.cause = sentence;
        }
        let silent = self.cause.is_empty();
        let filler = waits || self.captures.is_filler_at(at);
        let cause = if silent && filler { NO_NEW_PICTURE } else { &self.cause };
        let due = self.told_at.is_none_or(|told| now.since(told) >= REPEAT_EVERY);
        if cause == self.told && (cause.is_empty() || !due) {
            return None;
        }
        let cause = cause.to_string();
        self.told.clone_from(&cause);
        self.told_at = Some(now);
        Some(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: i64) -> Position {
        Position::from_millis(ms)
    }

    const fn now(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn span(from: i64, to: i64) -> Span {
        Span { start: at(from), end: at(to) }
    }

    #[test]
    fn playback_that_stands_before_the_filler_is_told_the_cause_as_well() {
        for (stands, expected) in [(false, None), (true, Some("the cable is out"))] {
            let mut camera = Camera::default();
            camera.message(at(2000), None, SCHEME, b"the cable is out");
            assert_eq!(camera.due_cause(now(0), at(1900), stands).as_deref(), expected);
        }
    }

    #[test]
    fn a_sentence_is_told_when_its_place_is_shown_and_again_each_second() {
        let mut camera = Camera::default();
        assert!(camera.message(at(1000), None, SCHEME, b"the plug is out"));
        assert!(!camera.message(at(1040), None, SCHEME, b"the plug is out"), "the same again");
        assert!(camera.away());
        let told = [
            (900, 0, None),
            (1000, 100, Some("the plug is out")),
            (1100, 200, None),
            (2100, 1100, Some("the plug is out")),
        ];
        for (place, when, expected) in told {
            assert_eq!(
                camera.due_cause(now(when), at(place), false).as_deref(),
                expected,
                "at {place} ms"
            );
        }
        assert!(camera.message(at(2200), None, SCHEME, b""));
        assert!(!camera.away());
        assert_eq!(camera.due_cause(now(1200), at(2200), false).as_deref(), Some(""));
        assert_eq!(
            camera.due_cause(now(9000), at(9000), false),
            None,
            "that all is well is said once"
        );
    }

    #[test]
    fn a_sentence_that_is_not_repeated_is_over_with_its_time() {
        let mut camera = Camera::default();
        camera.message(at(1000), Some(at(1500)), SCHEME, b"away");
        assert!(!camera.picture(span(1460, 1500)));
        assert!(camera.away());
        assert!(camera.picture(span(1500, 1540)));
        assert!(!camera.away());
    }

    #[test]
    fn other_messages_say_nothing_of_the_camera() {
        let mut camera = Camera::default();
        assert!(!camera.message(at(0), None, "urn:scte:scte35:2013:bin", b"x"));
        assert!(!camera.away());
    }

    #[test]
    fn a_capture_time_that_stands_still_is_a_camera_that_is_away() {
        let mut camera = Camera::default();
        let wall = |ms: i64| WallTime::default().offset(ms * 1000);
        let found = |camera: &mut Camera, place: i64, taken: i64| {
            let it = camera.captured(at(place), wall(taken));
            (it.changed, it.new, camera.away())
        };
        assert_eq!(found(&mut camera, 0, 5000), (false, true, false));
        assert_eq!(found(&mut camera, 400, 5000), (true, false, true));
        assert_eq!(found(&mut camera, 800, 5000), (false, false, true));
        assert!(camera.repeats_at(at(500)));
        assert_eq!(found(&mut camera, 840, 5840), (true, true, false));
        assert_eq!(camera.next_new(at(500)), Some(at(840)));
        assert_eq!(camera.due_cause(now(0), at(500), false).as_deref(), Some(NO_NEW_PICTURE));
    }

    #[test]
    fn on_another_timeline_what_was_said_holds_until_media_comes_without_it() {
        let mut camera = Camera::default();
        camera.message(at(1000), None, SCHEME, b"away");
        camera.due_cause(now(0), at(1000), false);
        camera.new_timeline();
        assert!(camera.away());
        assert_eq!(camera.capture_time(at(1000)), None);
        assert!(camera.picture(span(0, 40)));
        assert!(!camera.away());
    }
}
