//! PURE: an IDR picture where a segment begins with an I picture that is none.
//!
//! Some cameras send an IDR picture once, and then only I pictures with a recovery point. ffmpeg begins at
//! these; Chromium looks into the slices and takes only an IDR picture for a place to begin at. So an
//! I picture that begins a segment becomes one ([`nearlive::media::es::idr`]), and what follows it counts
//! from it. Pictures that come after it and are shown before it belong to the GOP before, and are left out.
//!
//! A camera whose IDR pictures come regularly is left as it is.

use super::frames::{Access, Frame};
use nearlive::media::es::idr::{Count, SliceReader};
use nearlive::media::isobmff::write::SampleEntry;

/// IDR pictures that come no rarer than this are what viewers begin with, 90 kHz ticks.
const REGULAR: i64 = 10 * 90_000;

/// Encoders give their own IDR pictures 0 and 1.
const IDS: [u32; 2] = [2, 3];

/// The copied pictures of one track in one run.
#[derive(Debug, Default)]
pub(super) struct Entrance {
    reader: Option<SliceReader>,
    /// When the camera's last IDR picture is shown.
    last_idr: Option<i64>,
    /// It came soon after another.
    is_regular: bool,
    /// The last IDR picture was made here: what follows is counted from it.
    count: Option<Count>,
    /// When it is shown.
    made_at: Option<i64>,
    made: usize,
}

impl Entrance {
    /// A picture has come, in the order of decoding. Says whether it is to be left out.
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

    /// The picture begins a segment, or stands inside of one: it becomes what it is to be there. Says
    /// whether it is an IDR picture now that was none.
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
