//! Edit lists (14496-12 8.6.6), taken out of initialization segments where browsers would read them differently.
//!
//! ffmpeg delays a track by an empty edit where it joins a camera between key frames, and means it in its manifest's times.
//! Firefox heeds it, Chromium does not: with it taken out and its effect put into `timestampOffset`, all present the
//! same.

use super::boxes::{boxes, child};
use super::init::InitTrack;
use crate::time::MediaTime;

/// Takes an edit list with an empty edit out of the initialization segment of a single track. Answers how much later the
/// browser has to present the track from now on, microseconds; the track's own times count that in already.
pub fn lift(bytes: &mut [u8], tracks: &mut [InitTrack]) -> i64 {
    let [track] = tracks else { return 0 };
    if track.edit_delay == 0 {
        return 0;
    }
    let Some(at) = edit_list(bytes) else { return 0 };
    let Some(kind) = bytes.get_mut(at..at + 4).filter(|kind| *kind == b"edts") else { return 0 };
    kind.copy_from_slice(b"free");
    track.edit_start -= core::mem::take(&mut track.edit_delay);
    -MediaTime::new(track.edit_start, track.timescale).as_micros()
}

/// Where the type of the `edts` stands.
fn edit_list(bytes: &[u8]) -> Option<usize> {
    let moov = child(bytes, b"moov")?;
    let trak = boxes(moov).find(|(kind, _)| kind == b"trak")?.1;
    let content = child(trak, b"edts")?;
    let from = bytes.as_ptr().addr();
    content.as_ptr().addr().checked_sub(from)?.checked_sub(4)
}
