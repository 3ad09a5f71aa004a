//! The `moov` of an initialization segment (14496-12 8.2): its tracks.

use super::boxes::{Fields, boxes, child};
use super::entry::codec_name;
use crate::time::{MediaTime, Timescale};
use crate::units::Resolution;
use alloc::string::String;
use alloc::vec::Vec;

/// The content of a `moov`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Init {
    /// Its tracks.
    pub tracks: Vec<InitTrack>,
}

/// One `trak`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitTrack {
    /// `track_ID`.
    pub id: u32,
    /// Of `mdhd`.
    pub timescale: Timescale,
    /// RFC 6381 name of its first sample entry, such as `avc1.64001f`.
    pub codec: String,
    /// `vide`, `soun`, ...
    pub handler: [u8; 4],
    /// Of `tkhd`; zero for a track that is not video.
    pub resolution: Resolution,
    /// `media_time` of the first edit, in ticks, 0 without one: MediaSource presents the track
    /// earlier by this much.
    pub edit_start: i64,
    /// Duration of the empty edit before it (`media_time` -1), in ticks of the track, 0 without one: the track
    /// is presented later by this much. Browsers differ: Firefox heeds it, Chromium does not.
    pub edit_delay: i64,
    /// `default_sample_duration` of `trex`, in ticks.
    pub default_sample_duration: u32,
    /// `default_sample_size` of `trex`, bytes.
    pub default_sample_size: u32,
    /// `default_sample_flags` of `trex` (8.8.3.1).
    pub default_sample_flags: u32,
    /// Nanoseconds a tick of a WebM file (`TimestampScale`); 0 in MP4.
    pub tick_ns: u32,
}

impl Init {
    /// Reads the content of a `moov`. Tracks that cannot be read are left out.
    pub(super) fn read(moov: &[u8]) -> Self {
        let scale = child(moov, b"mvhd").and_then(timescale_of);
        let mut tracks: Vec<InitTrack> = boxes(moov)
            .filter(|(kind, _)| kind == b"trak")
            .filter_map(|(_, trak)| track(trak, scale))
            .collect();
        let extends = child(moov, b"mvex").unwrap_or_default();
        for (_, trex) in boxes(extends).filter(|(kind, _)| kind == b"trex") {
            let mut f = Fields::new(trex);
            f.u32();
            let id = f.u32();
            f.u32();
            if let Some(track) = tracks.iter_mut().find(|t| Some(t.id) == id) {
                track.default_sample_duration = f.u32().unwrap_or(0);
                track.default_sample_size = f.u32().unwrap_or(0);
                track.default_sample_flags = f.u32().unwrap_or(0);
            }
        }
        Self { tracks }
    }
}

fn track(trak: &[u8], movie: Option<Timescale>) -> Option<InitTrack> {
    let (id, resolution) = track_header(child(trak, b"tkhd")?)?;
    let mdia = child(trak, b"mdia")?;
    let stbl = child(child(mdia, b"minf")?, b"stbl")?;
    let mut sample_description = Fields::new(child(stbl, b"stsd")?);
    sample_description.u64()?;
    let (kind, entry) = boxes(sample_description.rest()).next()?;
    let mut handler = Fields::new(child(mdia, b"hdlr")?);
    handler.u64()?;
    let timescale = timescale_of(child(mdia, b"mdhd")?)?;
    let edit = child(trak, b"edts").and_then(|edts| child(edts, b"elst")).and_then(first_edit);
    let (delay, edit_start) = edit.unwrap_or((0, 0));
    let edit_delay = movie.map_or(0, |it| MediaTime::new(delay, it).rescale(timescale).ticks);
    Some(InitTrack {
        id,
        timescale,
        codec: codec_name(kind, entry),
        handler: handler.u32()?.to_be_bytes(),
        resolution,
        edit_start,
        edit_delay,
        default_sample_duration: 0,
        default_sample_size: 0,
        default_sample_flags: 0,
        tick_ns: 0,
    })
}

/// `tkhd` (8.3.2): id, and the size in whole pixels.
fn track_header(content: &[u8]) -> Option<(u32, Resolution)> {
    let mut f = Fields::new(content);
    let (version, _) = f.version_flags()?;
    let wide = version == 1;
    f.sized(wide)?;
    f.sized(wide)?;
    let id = f.u32()?;
    f.u32()?;
    f.sized(wide)?;
    f.bytes(8 + 8 + 36)?;
    let (width, height) = (f.u32()? >> 16, f.u32()? >> 16);
    Some((id, Resolution { width, height }))
}

/// The timescale of `mdhd` (8.4.2) and of `mvhd` (8.2.2).
fn timescale_of(content: &[u8]) -> Option<Timescale> {
    let mut f = Fields::new(content);
    let (version, _) = f.version_flags()?;
    f.sized(version == 1)?;
    f.sized(version == 1)?;
    Timescale::new(f.u32()?)
}

/// `elst` (8.6.6): how long the empty edits before the first other one last, in ticks of the movie, and the
/// `media_time` of that one.
fn first_edit(content: &[u8]) -> Option<(i64, i64)> {
    let mut f = Fields::new(content);
    let (version, _) = f.version_flags()?;
    f.u32()?;
    let mut delay = 0_i64;
    loop {
        let lasts = i64::try_from(f.sized(version == 1)?).unwrap_or(0);
        let start =
            if version == 1 { f.u64()?.cast_signed() } else { i64::from(f.u32()?.cast_signed()) };
        f.u32()?;
        if start >= 0 {
            return Some((delay, start));
        }
        delay = delay.saturating_add(lasts);
    }
}
