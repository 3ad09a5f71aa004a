//! One SourceBuffer: the operations it was given, and the media it holds. Only this file makes the outputs
//! that change it (Media Source Extensions, section 5).
//!
//! A segment that breaks off leaves half a box in the browser's parser. So its appends are taken back
//! before anything else is appended.

use super::wrapping::Wrapping;
use crate::buffer::clip::Window;
use crate::buffer::evict;
use crate::buffer::inventory::Inventory;
use crate::buffer::ranges::Ranges;
use crate::media::codec;
use crate::player::cx::Cx;
use crate::player::io::{Append, BlobId, Output, TrackId};
use crate::presentation::Resource;
use crate::time::{Duration, Position, Span};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// When the browser has no room, media farther ahead of the element than this is removed.
const KEPT_AHEAD: Duration = Duration::from_secs(10);

/// A decoder may stop this long before the end of its data.
pub(super) const AT_THE_END: Duration = Duration::from_millis(250);

/// One SourceBuffer.
#[derive(Debug)]
pub(in crate::player) struct Buffer {
    id: TrackId,
    /// MIME type with codecs.
    mime: String,
    offset_us: i64,
    window: Window,
    /// The initialization segment that was appended last; `Some(None)`: one without an address of its own, or one that
    /// is to be given again.
    init: Option<Option<Resource>>,
    /// Another initialization segment was given since [`Self::take_changed`].
    changed: bool,
    /// A part of a segment was appended, and the rest is still to come.
    half: bool,
    /// Appends that were asked for the segment which is being appended.
    begun: u32,
    /// Appends and removals that the browser has not finished.
    open: u32,
    ranges: Ranges,
    qualities: Inventory<u32>,
    /// How often the browser had no room.
    squeezed: u32,
    /// It still has no room: the next append waits for a removal.
    full: bool,
    /// Everything before this was removed.
    evicted_to: Option<Position>,
    /// What follows needs a new MediaSource.
    outgrown: bool,
}

impl Buffer {
    pub(super) fn new(id: TrackId, mime: String) -> Self {
        Self {
            id,
            mime,
            offset_us: 0,
            window: Window::default(),
            init: None,
            changed: false,
            half: false,
            begun: 0,
            open: 0,
            ranges: Ranges::default(),
            qualities: Inventory::default(),
            squeezed: 0,
            full: false,
            evicted_to: None,
            outgrown: false,
        }
    }

    pub(in crate::player) fn mime(&self) -> &str {
        &self.mime
    }

    /// The type that it will be added with.
    pub(super) fn is_to_be(&mut self, mime: String) {
        self.mime = mime;
    }

    /// What is buffered, as the browser said last.
    pub(in crate::player) const fn ranges(&self) -> &Ranges {
        &self.ranges
    }

    /// The quality of the media at `at`, as the player numbers qualities.
    pub(in crate::player) fn quality_at(&self, at: Position) -> Option<u32> {
        self.qualities.at(at)
    }

    /// The browser has finished all that was asked.
    pub(in crate::player) const fn is_idle(&self) -> bool {
        self.open == 0
    }

    /// The next append waits for a removal.
    pub(in crate::player) const fn is_full(&self) -> bool {
        self.full
    }

    /// How often the browser had no room.
    pub(super) const fn squeezed(&self) -> u32 {
        self.squeezed
    }

    /// Everything before this was removed.
    pub(super) const fn evicted_to(&self) -> Option<Position> {
        self.evicted_to
    }

    /// Another initialization segment was given since this was asked last.
    pub(super) const fn take_changed(&mut self) -> bool {
        core::mem::replace(&mut self.changed, false)
    }

    /// It is added to a new MediaSource, empty.
    pub(super) fn add(&mut self, cx: &mut Cx<'_>) {
        self.renew();
        cx.push(Output::AddBuffer { buffer: self.id, mime: self.mime.clone() });
    }

    /// A new MediaSource comes: nothing is in its buffers.
    pub(super) fn renew(&mut self) {
        let mime = core::mem::take(&mut self.mime);
        let squeezed = self.squeezed;
        let changed = self.changed;
        *self = Self { squeezed, changed, ..Self::new(self.id, mime) };
    }

    /// Prepares the buffer for media of this wrapping, and takes back a broken segment before that.
    pub(super) fn prepare(&mut self, cx: &mut Cx<'_>, wrapping: &Wrapping) {
        self.take_back(cx);
        self.begun = 0;
        let anew = self.mime != wrapping.mime || self.init.as_ref() != Some(&wrapping.init);
        if anew {
            self.turn_to(cx, &wrapping.mime);
        }
        self.shift(cx, wrapping.offset_us.unwrap_or_default() + wrapping.data.shift_us);
        if self.window != wrapping.window {
            self.window = wrapping.window;
            cx.push(Output::Window { buffer: self.id, window: wrapping.window });
        }
        if anew {
            self.init = Some(wrapping.init.clone());
            self.changed = true;
            if !wrapping.data.bytes.is_empty() {
                self.begun = self.begun.saturating_add(1);
                self.append(cx, Append::Bytes(wrapping.data.bytes.clone()));
            }
        }
    }

    /// Another initialization segment follows, of this type: announces it (`changeType`, which resets the parser), unless
    /// it is the first of the parser.
    fn turn_to(&mut self, cx: &mut Cx<'_>, mime: &str) {
        if self.mime != mime || self.init.is_some() {
            let needed = !codec::same_families(&self.mime, mime);
            self.mime = mime.to_string();
            self.init = None;
            cx.push(Output::ChangeType { buffer: self.id, mime: mime.to_string(), needed });
        }
    }

    /// Moves the media that follows by `offset_us` microseconds (`timestampOffset`).
    pub(super) fn shift(&mut self, cx: &mut Cx<'_>, offset_us: i64) {
        if self.offset_us != offset_us {
            self.offset_us = offset_us;
            cx.push(Output::Offset { buffer: self.id, micros: offset_us });
        }
    }

    /// Appends a part of a segment, which may still break off.
    pub(super) fn put_part(&mut self, cx: &mut Cx<'_>, part: BlobId) {
        self.half = true;
        self.begun = self.begun.saturating_add(1);
        self.append(cx, Append::Blob(part));
    }

    /// Appends an initialization segment that has no address of its own.
    pub(super) fn put_init(&mut self, cx: &mut Cx<'_>, mime: &str, bytes: Vec<u8>) {
        self.turn_to(cx, mime);
        self.init = Some(None);
        self.put(cx, bytes);
    }

    /// Appends whole fragments.
    pub(super) fn put(&mut self, cx: &mut Cx<'_>, bytes: Vec<u8>) {
        self.append(cx, Append::Bytes(bytes));
    }

    fn append(&mut self, cx: &mut Cx<'_>, data: Append) {
        self.open = self.open.saturating_add(1);
        cx.push(Output::Append { buffer: self.id, data });
    }

    /// Notes that the appended media covers `span` in this quality, as the player numbers qualities.
    pub(super) fn note(&mut self, span: Span, quality: u32) {
        self.qualities.appended(span, quality);
    }

    /// All of a segment has been appended.
    pub(super) const fn segment_done(&mut self) {
        self.half = false;
        self.begun = 0;
    }

    /// Takes back what was appended of a broken segment.
    pub(super) fn take_back(&mut self, cx: &mut Cx<'_>) {
        if core::mem::take(&mut self.half) {
            let appends = core::mem::take(&mut self.begun);
            self.open = self.open.saturating_sub(appends);
            cx.push(Output::Abort { buffer: self.id, appends });
            // After an abort the browser still has the last init, unless that was cut off as well. (If all of it was
            // still in the queue, no parser was reset.)
            self.init = Some(None);
        }
    }

    /// The next media belongs elsewhere: takes back a segment that is not whole, and with `all` every append
    /// that still waits for room.
    pub(super) fn leave(&mut self, cx: &mut Cx<'_>, all: bool) {
        if all {
            self.half = true;
            self.begun = u32::MAX;
        }
        if self.half {
            self.full = false;
        }
        self.take_back(cx);
        // What follows may lie before what the parser has read, and WebKitGTK drops sound before the first that came
        // since its parser was reset: it gets its initialization segment again.
        if let Some(init) = &mut self.init {
            *init = None;
        }
        self.evicted_to = None;
    }

    /// Removes media that lies farther behind `position` than the settings keep.
    pub(super) fn evict(&mut self, cx: &mut Cx<'_>, position: Position) {
        if let Some(span) = evict::behind(&self.ranges, position, cx.config.buffer_behind)
            && self.evicted_to.is_none_or(|to| span.end.since(to) >= evict::LEAST_REMOVAL)
        {
            self.remove(cx, span);
        }
    }

    /// The media to remove for an append that waits for room; segments last `length`.
    pub(super) fn room_to_make(&self, position: Position, length: Duration) -> Option<Span> {
        let pressed = || evict::under_pressure(&self.ranges, position, KEPT_AHEAD, length);
        self.full.then(pressed).flatten()
    }

    /// Takes `span` out, so that the append which waits has room.
    pub(super) fn make_room(&mut self, cx: &mut Cx<'_>, span: Span) {
        self.full = false;
        self.remove(cx, span);
    }

    fn remove(&mut self, cx: &mut Cx<'_>, span: Span) {
        self.evicted_to = Some(span.end);
        self.qualities.removed(span);
        self.open = self.open.saturating_add(1);
        cx.push(Output::Remove { buffer: self.id, span });
    }

    /// The browser has finished an append or a removal.
    pub(super) fn updated(&mut self, ranges: Vec<Span>) {
        self.open = self.open.saturating_sub(1);
        self.changed(ranges);
    }

    /// The browser holds this.
    pub(super) fn changed(&mut self, ranges: Vec<Span>) {
        self.ranges = Ranges::new(ranges);
    }

    /// What follows needs a new MediaSource.
    pub(super) const fn outgrow(&mut self) {
        self.outgrown = true;
    }

    /// Where the media ends that this MediaSource can play from `at` on, if playback has come so far.
    pub(super) fn spent(&self, at: Position) -> Option<Position> {
        let end = self.ranges.end_from(at);
        (self.outgrown && end.since(at) <= AT_THE_END).then_some(end)
    }

    /// The browser has no room for what was to be appended; answers whether that is new.
    pub(super) const fn has_no_room(&mut self) -> bool {
        self.full = true;
        self.squeezed = self.squeezed.saturating_add(1);
        self.squeezed == 1
    }
}

#[cfg(test)]
mod tests {
    use super::super::wrapping::InitData;
    use super::*;
    use crate::player::cx::Surroundings;
    use crate::time::Instant;
    use alloc::rc::Rc;
    use alloc::vec;

    const V: TrackId = TrackId(0);
    const MIME: &str = "video/mp4; codecs=\"avc1.640028\"";

    fn buffer() -> Buffer {
        Buffer::new(V, MIME.into())
    }

    fn wrapping(url: &str) -> Wrapping {
        Wrapping {
            init: Some(Resource::at(url)),
            data: Rc::new(InitData { bytes: vec![7], ..InitData::default() }),
            mime: MIME.into(),
            offset_us: Some(0),
            window: Window::default(),
        }
    }

    fn at(ms: i64) -> Position {
        Position::from_millis(ms)
    }

    fn span(from: i64, to: i64) -> Span {
        Span { start: at(from), end: at(to) }
    }

    const fn init() -> Output {
        Output::Append { buffer: V, data: Append::Bytes(Vec::new()) }
    }

    /// What is put out, the bytes of initialization segments left out.
    fn out(around: &mut Surroundings) -> Vec<Output> {
        let bare = |output| match output {
            Output::Append { buffer, data: Append::Bytes(_) } => {
                Output::Append { buffer, data: Append::Bytes(Vec::new()) }
            }
            other => other,
        };
        around.drain().into_iter().map(bare).collect()
    }

    #[test]
    fn only_what_changes_is_said_before_a_segment() {
        let (mut around, mut b) = (Surroundings::default(), buffer());
        let cx = &mut around.at(Instant::default());
        b.prepare(cx, &wrapping("a"));
        assert_eq!(out(&mut around), [init()]);
        b.segment_done();
        b.prepare(&mut around.at(Instant::default()), &wrapping("a"));
        assert_eq!(out(&mut around), []);
        let moved = Wrapping { offset_us: Some(5), ..wrapping("a") };
        b.prepare(&mut around.at(Instant::default()), &moved);
        assert_eq!(out(&mut around), [Output::Offset { buffer: V, micros: 5 }]);
        b.prepare(
            &mut around.at(Instant::default()),
            &Wrapping { offset_us: Some(5), ..wrapping("b") },
        );
        let announced = Output::ChangeType { buffer: V, mime: MIME.into(), needed: false };
        assert_eq!(out(&mut around), [announced, init()], "the parser is reset before its second");
        let other = Wrapping { mime: "video/mp4".into(), offset_us: Some(5), ..wrapping("b") };
        b.prepare(&mut around.at(Instant::default()), &other);
        let turned = Output::ChangeType { buffer: V, mime: "video/mp4".into(), needed: true };
        assert_eq!(out(&mut around), [turned, init()], "another type wants its init again");
    }

    #[test]
    fn a_segment_that_breaks_off_is_taken_back_with_its_init() {
        let (mut around, mut b) = (Surroundings::default(), buffer());
        let cx = &mut around.at(Instant::default());
        b.prepare(cx, &wrapping("a"));
        b.put_part(cx, BlobId(1));
        b.put_part(cx, BlobId(2));
        assert!(!b.is_idle());
        out(&mut around);
        b.prepare(&mut around.at(Instant::default()), &wrapping("a"));
        let taken = Output::Abort { buffer: V, appends: 3 };
        let reset = Output::ChangeType { buffer: V, mime: MIME.into(), needed: false };
        assert_eq!(out(&mut around), [taken, reset, init()]);
        b.updated(Vec::new());
        assert!(b.is_idle(), "nobody waits for what was taken back");
    }

    #[test]
    fn a_whole_segment_is_not_taken_back() {
        let (mut around, mut b) = (Surroundings::default(), buffer());
        let cx = &mut around.at(Instant::default());
        b.put_part(cx, BlobId(1));
        b.segment_done();
        b.leave(cx, false);
        let appended = Output::Append { buffer: V, data: Append::Blob(BlobId(1)) };
        assert_eq!(around.drain(), [appended]);
    }

    #[test]
    fn without_room_what_is_behind_goes_first_and_then_what_is_far_ahead() {
        let (mut around, mut b) = (Surroundings::default(), buffer());
        assert!(b.has_no_room() && !b.has_no_room(), "it is new once");
        b.updated(vec![span(0, 30_000)]);
        let length = Duration::from_secs(4);
        let cases = [(20_000, Some(span(0, 16_000))), (1_000, Some(span(11_000, 30_000)))];
        for (position, expected) in cases {
            assert_eq!(b.room_to_make(at(position), length), expected, "at {position} ms");
        }
        b.make_room(&mut around.at(Instant::default()), span(0, 16_000));
        assert_eq!(around.drain(), [Output::Remove { buffer: V, span: span(0, 16_000) }]);
        assert_eq!(b.room_to_make(at(20_000), length), None, "the append is tried again first");
        assert_eq!(b.squeezed(), 2);
    }

    #[test]
    fn what_is_behind_is_removed_in_pieces_worth_it_and_only_once() {
        let (mut around, mut b) = (Surroundings::default(), buffer());
        let kept = around.config.buffer_behind;
        b.updated(vec![span(0, 100_000)]);
        let mut gone = |position: Duration| {
            b.evict(&mut around.at(Instant::default()), Position::default() + position);
            around.drain().len()
        };
        assert_eq!(gone(kept + Duration::from_secs(4)), 0);
        assert_eq!(gone(kept + Duration::from_secs(6)), 1);
        assert_eq!(
            gone(kept + Duration::from_secs(7)),
            0,
            "the browser has not said yet that it is gone"
        );
    }

    #[test]
    fn in_a_new_source_it_is_empty_and_wants_all_again() {
        let (mut around, mut b) = (Surroundings::default(), buffer());
        let cx = &mut around.at(Instant::default());
        b.prepare(cx, &Wrapping { offset_us: Some(9), ..wrapping("a") });
        b.note(span(0, 40), 3);
        b.updated(vec![span(0, 40)]);
        out(&mut around);
        b.add(&mut around.at(Instant::default()));
        assert_eq!(around.drain(), [Output::AddBuffer { buffer: V, mime: MIME.into() }]);
        assert!(b.ranges().is_empty() && b.is_idle() && b.quality_at(at(10)).is_none());
        b.prepare(
            &mut around.at(Instant::default()),
            &Wrapping { offset_us: Some(9), ..wrapping("a") },
        );
        assert_eq!(out(&mut around), [Output::Offset { buffer: V, micros: 9 }, init()]);
    }
}
