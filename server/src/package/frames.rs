//! Transport stream bytes of one track to frames ready for MP4.

use super::Ailment;
use nearlive::media::es::aac::{self, SAMPLES_PER_FRAME};
use nearlive::media::es::h264::{self, AvcSample, Slices, sample_units};
use nearlive::media::isobmff::write::SampleEntry;
use nearlive::media::ts::{Demuxer, Event, StreamKind, Unit, Unwrap};

/// Timestamps are 33 bits wide.
const WRAP: i64 = 1 << 33;

/// While marked pictures come at least this often, 90 kHz ticks, unmarked intra pictures are not
/// entry points.
const MARKS_PATIENCE: i64 = 10 * 90_000;

/// Units in a row without a picture, and over which time, before the stream is taken for another
/// codec than announced.
const STRANGE_UNITS: u32 = 10;
const STRANGE_US: i64 = 1_000_000;

/// A slice of a picture, IDR or not (ISO/IEC 14496-10 table 7-1). No browser decodes partitioned
/// slices (2 to 4), and to H.264's eyes H.265 has nothing but even types.
fn is_slice(nal: &[u8]) -> bool {
    matches!(nal.first().map(|b| b & 0x1f), Some(1 | 5))
}

/// A video, sequence or picture parameter set of H.265 (ISO/IEC 23008-2 table 7-1), layer 0.
fn is_hevc_set(nal: &[u8]) -> bool {
    matches!(nal, [0x40 | 0x42 | 0x44, 1, ..])
}

/// Whether decoding can start at a frame, and how well (types of stream access points, ISO/IEC
/// 14496-12 annex I).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It needs earlier frames.
    None,
    /// Type 1: all frames from here on can be decoded. IDR, and every frame of sound.
    Closed,
    /// Type 3: all frames shown from here on can be decoded. An I picture.
    Open,
    /// Type 4: the picture builds up from here on. A recovery point without an I picture.
    Gradual,
}

impl Access {
    /// The type; 0 where there is none.
    pub const fn sap_type(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Closed => 1,
            Self::Open => 3,
            Self::Gradual => 4,
        }
    }
}

/// One frame of picture or sound from a track's transport stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Presentation time, 90 kHz.
    pub pts: i64,
    /// When its last byte arrived, Unix microseconds.
    pub arrival_us: i64,
    /// In the form that MP4 stores.
    pub data: Vec<u8>,
    /// Whether decoding can start here.
    pub access: Access,
    /// It may be shown before pictures that come before it.
    pub bidirectional: bool,
    /// The decoder configuration, if the frame has it.
    pub entry: Option<SampleEntry>,
}

impl Frame {
    /// Decoding can start here.
    pub fn is_key(&self) -> bool {
        self.access != Access::None
    }
}

/// Reads one track of one run.
#[derive(Debug)]
pub(super) struct FrameReader {
    demuxer: Demuxer,
    events: Vec<Event>,
    /// Only presentation times are used: the decoding times were made up on the way.
    clock: Unwrap,
    /// When a picture was last marked as an entry point.
    marked: Option<i64>,
    strange: Option<Strange>,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self {
            demuxer: Demuxer::default(),
            events: Vec::new(),
            // The encoder's priming may come before zero.
            clock: Unwrap::near(0),
            marked: None,
            strange: None,
        }
    }
}

/// Units in a row that have no picture.
#[derive(Clone, Copy, Debug)]
struct Strange {
    since_us: i64,
    last_us: i64,
    units: u32,
    hevc: bool,
}

impl FrameReader {
    /// Appends the frames that `bytes` complete to `out`.
    pub(super) fn read(&mut self, bytes: &[u8], arrival_us: i64, out: &mut Vec<Frame>) {
        let mut events = std::mem::take(&mut self.events);
        self.demuxer.push(bytes, &mut events);
        for event in events.drain(..) {
            if let Event::Unit(unit) = event {
                self.unit(&unit, arrival_us, out);
            }
        }
        self.events = events;
    }

    /// Notes that the stream has changed.
    pub(super) fn strange(&self) -> Option<Ailment> {
        let strange = self.strange?;
        (strange.units >= STRANGE_UNITS && strange.last_us - strange.since_us >= STRANGE_US)
            .then_some(Ailment::NoPictures { hevc: strange.hevc })
    }

    /// Notes a unit without a picture.
    fn wonder(&mut self, sample: &[u8], arrival_us: i64) {
        let first = Strange { since_us: arrival_us, last_us: arrival_us, units: 0, hevc: false };
        let strange = self.strange.get_or_insert(first);
        strange.units = strange.units.saturating_add(1);
        strange.last_us = arrival_us;
        strange.hevc |= sample_units(sample).any(is_hevc_set);
    }

    fn unit(&mut self, unit: &Unit, arrival_us: i64, out: &mut Vec<Frame>) {
        let Some(pts) = unit.pts else { return };
        let pts = self.clock.unwrap(pts.rem_euclid(WRAP).unsigned_abs());
        match unit.kind {
            StreamKind::H264 => {
                let sample = h264::access_unit(&unit.data);
                if !sample_units(&sample.data).any(is_slice) {
                    self.wonder(&sample.data, arrival_us);
                    return;
                }
                self.strange = None;
                let access = self.access(&sample, pts);
                out.push(Frame {
                    pts,
                    arrival_us,
                    access,
                    bidirectional: sample.slices == Slices::Bidirectional,
                    entry: sample.config.map(SampleEntry::Avc),
                    data: sample.data,
                });
            }
            StreamKind::Aac => {
                let mut samples = 0i64;
                for (config, frame) in aac::adts_frames(&unit.data) {
                    let at = pts + samples * 90_000 / i64::from(config.sample_rate.max(1));
                    samples += i64::from(SAMPLES_PER_FRAME);
                    out.push(Frame {
                        pts: at,
                        arrival_us,
                        data: frame.data.to_vec(),
                        access: Access::Closed,
                        bidirectional: false,
                        entry: Some(SampleEntry::Aac(config)),
                    });
                }
            }
            _ => {}
        }
    }

    /// Some cameras send an IDR picture once, or never: then a recovery point is an entry point
    /// (ISO/IEC 14496-10 D.2.8), and without recovery points an I picture.
    fn access(&mut self, sample: &AvcSample, pts: i64) -> Access {
        let intra = sample.slices == Slices::Intra;
        if sample.idr || sample.recovery_point {
            self.marked = Some(pts);
        }
        let marks_come = self.marked.is_some_and(|at| (pts - at).abs() < MARKS_PATIENCE);
        match () {
            () if sample.idr => Access::Closed,
            () if sample.recovery_point && !intra => Access::Gradual,
            () if sample.recovery_point || intra && !marks_come => Access::Open,
            () => Access::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(slices: Slices, idr: bool, recovery_point: bool) -> AvcSample {
        AvcSample { data: vec![0, 0, 0, 1, 0x41], idr, recovery_point, slices, config: None }
    }

    #[test]
    fn what_the_camera_marks_is_where_decoding_starts_and_else_any_intra_picture() {
        let mut reader = FrameReader::default();
        let (intra, predicted) = (Slices::Intra, Slices::Predicted);
        for (at, sample, access) in [
            (0, sample(predicted, false, false), Access::None),
            (1, sample(intra, false, false), Access::Open),
            (2, sample(intra, true, false), Access::Closed),
            (3, sample(intra, false, false), Access::None),
            (5, sample(intra, false, true), Access::Open),
            (6, sample(predicted, false, true), Access::Gradual),
            (15, sample(intra, false, false), Access::None),
            (17, sample(intra, false, false), Access::Open),
        ] {
            assert_eq!(reader.access(&sample, at * 90_000), access, "at {at}");
        }
    }

    /// Access units of these NAL units, 40 ms apart; says which made a frame, and what is strange.
    fn read(units: &[&[&[u8]]]) -> (usize, Option<Ailment>) {
        let mut reader = FrameReader::default();
        let mut frames = Vec::new();
        for (i, nals) in (0..).zip(units) {
            let data = nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect();
            let pts = Some(i * 3600);
            let kind = StreamKind::H264;
            let unit = Unit { pid: 256, kind, pts, dts: None, data, random_access: false };
            reader.unit(&unit, i * 40_000, &mut frames);
        }
        (frames.len(), reader.strange())
    }

    const SLICE: &[&[u8]] = &[&[0x41, 0x9a, 1]];
    const HEVC: &[&[u8]] = &[&[0x40, 1, 0x0c], &[0x42, 1, 1], &[0x44, 1, 0xc0], &[0x26, 1, 0xaf]];
    const HEVC_P: &[&[u8]] = &[&[0x02, 1, 0xd0]];
    const JUNK: &[&[u8]] = &[&[0x7e, 9, 9]];

    #[test]
    fn h265_inside_h264_is_no_picture_and_is_recognized() {
        let units: Vec<_> = [SLICE, SLICE, HEVC].into_iter().chain([HEVC_P; 40]).collect();
        assert_eq!(read(&units), (2, Some(Ailment::NoPictures { hevc: true })));
    }

    #[test]
    fn units_without_a_picture_are_strange_when_nothing_else_comes_for_a_second() {
        assert_eq!(read(&[JUNK; 40]), (0, Some(Ailment::NoPictures { hevc: false })));
        assert_eq!(read(&[JUNK; 20]), (0, None));
        let between: Vec<_> = (0..100).map(|i| if i % 20 == 0 { SLICE } else { JUNK }).collect();
        assert_eq!(read(&between), (5, None));
    }
}
