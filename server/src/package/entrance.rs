//! PURE: makes an IDR picture of an I picture that begins a segment.
//!
//! Some cameras send one IDR picture, and then only I pictures with a recovery point. ffmpeg can
//! begin at these; Chromium looks into the slices and begins only at an IDR picture. So an I
//! picture that begins a segment is rewritten as one ([`nearlive::media::es::idr`]), and the
//! pictures after it are renumbered. Pictures that come after it and are shown before it belong to
//! the GOP before, and are left out.
//!
//! A camera with regular IDR pictures is left as it is.

use super::frames::{Access, Frame};
use nearlive::media::es::idr::{Count, SliceReader};
use nearlive::media::isobmff::write::SampleEntry;

/// If IDR pictures come at least this often, viewers begin at them, 90 kHz ticks.
const REGULAR: i64 = 10 * 90_000;

/// Encoders number their own IDR pictures 0 and 1.
const IDS: [u32; 2] = [2, 3];

/// The copied pictures of one track in one run.
#[derive(Debug, Default)]
pub(super) struct Entrance {
    reader: Option<SliceReader>,
    /// When the camera's last IDR picture is shown.
    last_idr: Option<i64>,
    /// The last IDR picture came soon after another.
    is_regular: bool,
    /// The last IDR picture was made here: the pictures after it are renumbered from it.
    count: Option<Count>,
    /// When it is shown.
    made_at: Option<i64>,
    made: usize,
}

impl Entrance {
    /// Notes a picture, in the order of decoding. Returns whether to leave it out.
    pub(super) fn came(&mut self, frame: &Frame) -> bool {
        if let Some(SampleEntry::Avc(config)) = &frame.entry {
            self.reader = SliceReader::new(config);
        }
        if frame.access == Access::Closed {
            self.is_regular = self.last_idr.is_some_and(|last| is_soon(frame.pts, last));
            self.last_idr = Some(frame.pts);
            (self.count, self.made_at) = (None, None);
        }
        let is_leading = self.made_at.is_some_and(|at| frame.pts < at);
        if is_leading && let (Some(reader), Some(count)) = (&self.reader, &mut self.count) {
            reader.leave_out(&frame.data, count);
        }
        is_leading
    }

    /// Rewrites a picture that begins a segment or is inside one, if necessary. Returns whether it
    /// has become an IDR picture here.
    pub(super) fn write(&mut self, frame: &mut Frame, begins: bool) -> bool {
        let Some(reader) = &self.reader else { return false };
        let regular = self.is_regular && self.last_idr.is_some_and(|l| is_soon(frame.pts, l));
        if begins
            && frame.access == Access::Open
            && !regular
            && let Some((data, count)) = reader.close(&frame.data, IDS[self.made % IDS.len()])
        {
            frame.data = data;
            frame.access = Access::Closed;
            self.made += 1;
            (self.count, self.made_at) = (Some(count), Some(frame.pts));
            return true;
        }
        if let Some(data) = self.count.as_mut().and_then(|c| reader.follow(&frame.data, c)) {
            frame.data = data;
        }
        false
    }
}

fn is_soon(pts: i64, last: i64) -> bool {
    (pts - last).abs() <= REGULAR
}
