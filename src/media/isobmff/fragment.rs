//! The `moof` of a movie fragment (14496-12 8.8): times and sizes of its samples.

use super::boxes::{Fields, boxes, child};
use super::init::InitTrack;

/// Flags of `tfhd` (8.8.7.1).
mod tfhd {
    pub(super) const BASE_DATA_OFFSET: u32 = 0x01;
    pub(super) const DESCRIPTION_INDEX: u32 = 0x02;
    pub(super) const DURATION: u32 = 0x08;
    pub(super) const SIZE: u32 = 0x10;
    pub(super) const FLAGS: u32 = 0x20;
}

/// Flags of `trun` (8.8.8.1).
mod trun {
    pub(super) const DATA_OFFSET: u32 = 0x001;
    pub(super) const FIRST_FLAGS: u32 = 0x004;
    pub(super) const DURATION: u32 = 0x100;
    pub(super) const SIZE: u32 = 0x200;
    pub(super) const FLAGS: u32 = 0x400;
    pub(super) const COMPOSITION_OFFSET: u32 = 0x800;
}

/// `sample_is_non_sync_sample` (8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// The content of one `traf`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) track: u32,
    /// `baseMediaDecodeTime`; `None` without a `tfdt`.
    pub(super) decode_time: Option<u64>,
    /// Composition offset of the first sample, ticks.
    pub(super) first_offset: i64,
    /// Sum of the durations, ticks.
    pub(super) duration: u64,
    pub(super) samples: u32,
    /// The first sample is a sync sample.
    pub(super) sync: bool,
    /// Where its samples end, in bytes from the start of the `moof`; 0 when the boxes do not
    /// say.
    pub(super) data_end: u64,
}

/// Reads the content of a `moof`; `None` when a field of it is missing. Returns its first
/// `traf`, with the `data_end` over all of them.
pub(super) fn read(moof: &[u8], tracks: &[InitTrack]) -> Option<Run> {
    let mut first: Option<Run> = None;
    let mut data_end = 0;
    for (_, traf) in boxes(moof).filter(|(kind, _)| kind == b"traf") {
        // A run without a data offset follows the run before it (8.8.7.1, 8.8.8.1).
        let run = track_fragment(traf, tracks, data_end)?;
        data_end = data_end.max(run.data_end);
        first.get_or_insert(run);
    }
    first.map(|run| Run { data_end, ..run })
}

fn track_fragment(traf: &[u8], tracks: &[InitTrack], data_start: u64) -> Option<Run> {
    let mut f = Fields::new(child(traf, b"tfhd")?);
    let (_, flags) = f.version_flags()?;
    let track = f.u32()?;
    let known = tracks.iter().find(|t| t.id == track);
    if flags & tfhd::BASE_DATA_OFFSET != 0 {
        f.u64()?;
    }
    if flags & tfhd::DESCRIPTION_INDEX != 0 {
        f.u32()?;
    }
    let mut or_default = |flag, default: Option<u32>| {
        if flags & flag != 0 { f.u32() } else { Some(default.unwrap_or(0)) }
    };
    let defaults = Defaults {
        duration: or_default(tfhd::DURATION, known.map(|t| t.default_sample_duration))?,
        size: or_default(tfhd::SIZE, known.map(|t| t.default_sample_size))?,
        flags: or_default(tfhd::FLAGS, known.map(|t| t.default_sample_flags))?,
        // With an absolute base, offsets do not count from the moof.
        relative: flags & tfhd::BASE_DATA_OFFSET == 0,
    };
    let mut run = Run { track, data_end: data_start, ..Run::default() };
    if let Some(tfdt) = child(traf, b"tfdt") {
        let mut f = Fields::new(tfdt);
        let (version, _) = f.version_flags()?;
        run.decode_time = Some(f.sized(version == 1)?);
    }
    for (_, content) in boxes(traf).filter(|(kind, _)| kind == b"trun") {
        track_run(content, &defaults, &mut run)?;
    }
    if !defaults.relative {
        run.data_end = 0;
    }
    Some(run)
}

struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
    relative: bool,
}

fn track_run(content: &[u8], defaults: &Defaults, run: &mut Run) -> Option<()> {
    let mut f = Fields::new(content);
    let (version, flags) = f.version_flags()?;
    let count = f.u32()?;
    let mut end = run.data_end;
    if flags & trun::DATA_OFFSET != 0 {
        end = u64::from(f.u32()?);
    }
    let mut first_flags = None;
    if flags & trun::FIRST_FLAGS != 0 {
        first_flags = Some(f.u32()?);
    }
    let per_sample = trun::DURATION | trun::SIZE | trun::FLAGS | trun::COMPOSITION_OFFSET;
    if flags & per_sample == 0 {
        // The box has no bytes per sample that would bound their number, so do not loop over it.
        run.begin(count, first_flags.unwrap_or(defaults.flags), 0);
        let times = |each: u32| u64::from(count).saturating_mul(u64::from(each));
        run.duration = run.duration.saturating_add(times(defaults.duration));
        run.data_end = end.saturating_add(times(defaults.size));
        run.samples = run.samples.saturating_add(count);
        return Some(());
    }
    for i in 0..count {
        let mut or = |flag, default| if flags & flag != 0 { f.u32() } else { Some(default) };
        let duration = or(trun::DURATION, defaults.duration)?;
        let size = or(trun::SIZE, defaults.size)?;
        let mut sample_flags = or(trun::FLAGS, defaults.flags)?;
        let offset = or(trun::COMPOSITION_OFFSET, 0)?;
        if i == 0 {
            sample_flags = first_flags.unwrap_or(sample_flags);
            let offset =
                if version == 0 { i64::from(offset) } else { i64::from(offset.cast_signed()) };
            run.begin(count, sample_flags, offset);
        }
        run.duration = run.duration.saturating_add(u64::from(duration));
        end = end.saturating_add(u64::from(size));
    }
    run.data_end = end;
    run.samples = run.samples.saturating_add(count);
    Some(())
}

impl Run {
    /// Notes the first sample's values, if it is the first of the whole fragment.
    fn begin(&mut self, count: u32, flags: u32, offset: i64) {
        if self.samples == 0 && count > 0 {
            self.sync = flags & NON_SYNC == 0;
            self.first_offset = offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timescale;
    use alloc::string::String;
    use alloc::vec::Vec;

    fn boxed(kind: &[u8; 4], words: &[u32]) -> Vec<u8> {
        let mut b = u32::try_from(8 + 4 * words.len()).unwrap().to_be_bytes().to_vec();
        b.extend_from_slice(kind);
        for w in words {
            b.extend_from_slice(&w.to_be_bytes());
        }
        b
    }

    fn traf(boxes: &[Vec<u8>]) -> Vec<u8> {
        let content = boxes.concat();
        let mut b = u32::try_from(8 + content.len()).unwrap().to_be_bytes().to_vec();
        b.extend_from_slice(b"traf");
        b.extend_from_slice(&content);
        b
    }

    fn known() -> InitTrack {
        InitTrack {
            id: 1,
            timescale: Timescale::NINETY_KHZ,
            codec: String::new(),
            handler: *b"vide",
            resolution: Default::default(),
            edit_start: 0,
            edit_delay: 0,
            default_sample_duration: 512,
            default_sample_size: 7,
            default_sample_flags: NON_SYNC,
            tick_ns: 0,
        }
    }

    #[test]
    fn defaults_come_from_trex_then_tfhd_then_the_first_flags() {
        let bare = traf(&[
            boxed(b"tfhd", &[0x02_0000, 1]),
            boxed(b"tfdt", &[0, 1000]),
            boxed(b"trun", &[0x01, 10, 100]),
        ]);
        let run = read(&bare, &[known()]).unwrap();
        let expected = Run {
            track: 1,
            decode_time: Some(1000),
            first_offset: 0,
            duration: 5120,
            samples: 10,
            sync: false,
            data_end: 170,
        };
        assert_eq!(run, expected);
        let own = traf(&[
            boxed(b"tfhd", &[0x02_0038, 1, 600, 9, NON_SYNC]),
            boxed(b"tfdt", &[0x0100_0000, 1, 0]),
            boxed(b"trun", &[0x05, 2, 100, 0]),
        ]);
        let run = read(&own, &[known()]).unwrap();
        assert_eq!((run.duration, run.data_end, run.sync), (1200, 118, true));
        assert_eq!(run.decode_time, Some(1 << 32));
    }

    #[test]
    fn offsets_are_signed_in_version_1_and_several_runs_add_up() {
        let t = traf(&[
            boxed(b"tfhd", &[0, 1]),
            boxed(b"trun", &[0x0100_0b01, 2, 200, 10, 5, 0xffff_fffe, 10, 6, 7]),
            boxed(b"trun", &[0x0000_0200, 1, 100]),
        ]);
        let run = read(&t, &[known()]).unwrap();
        assert_eq!((run.first_offset, run.duration, run.samples), (-2, 532, 3));
        assert_eq!((run.data_end, run.decode_time), (311, None));
    }

    #[test]
    fn a_count_that_the_box_does_not_hold_is_refused_or_costs_nothing() {
        let huge =
            |flags| traf(&[boxed(b"tfhd", &[0, 1]), boxed(b"trun", &[flags, u32::MAX, 0, 0])]);
        assert_eq!(read(&huge(0x200), &[known()]), None);
        let run = read(&huge(0), &[known()]).unwrap();
        assert_eq!(run.duration, 512 * u64::from(u32::MAX));
    }

    #[test]
    fn the_end_of_the_data_is_that_of_the_last_track() {
        let two = [
            traf(&[boxed(b"tfhd", &[0, 1]), boxed(b"trun", &[0x201, 1, 100, 50])]),
            traf(&[boxed(b"tfhd", &[0, 2]), boxed(b"trun", &[0x201, 1, 150, 25])]),
        ]
        .concat();
        let run = read(&two, &[known()]).unwrap();
        assert_eq!((run.track, run.data_end), (1, 175));
    }
}
