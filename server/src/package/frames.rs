//! Transport stream bytes of one track to frames ready for MP4.

use nearlive::media::es::aac::{self, SAMPLES_PER_FRAME};
use nearlive::media::es::h264;
use nearlive::media::isobmff::write::SampleEntry;
use nearlive::media::ts::{Demuxer, Event, StreamKind, Unit};

/// A timestamp above this, in the first packet of a run, is a negative one that has wrapped (the
/// encoder's priming).
const HALF_WRAP: i64 = 1 << 32;
const WRAP: i64 = 1 << 33;

/// One frame of picture or sound, as a track's transport stream has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Presentation time, 90 kHz.
    pub pts: i64,
    /// Decoding time, 90 kHz.
    pub dts: i64,
    /// When its last byte came, Unix microseconds.
    pub arrival_us: i64,
    /// As MP4 keeps it.
    pub data: Vec<u8>,
    /// Decoding can start here.
    pub key: bool,
    /// What a decoder needs to know, where the frame says it.
    pub entry: Option<SampleEntry>,
}

/// Reads one track of one run.
#[derive(Debug, Default)]
pub(super) struct FrameReader {
    demuxer: Demuxer,
    events: Vec<Event>,
    wrapped_start: Option<bool>,
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

    fn unit(&mut self, unit: &Unit, arrival_us: i64, out: &mut Vec<Frame>) {
        let Some(pts) = unit.pts else { return };
        let wrapped = *self.wrapped_start.get_or_insert(pts > HALF_WRAP);
        let shift = if wrapped { WRAP } else { 0 };
        let pts = pts - shift;
        let dts = unit.dts.map_or(pts, |t| t - shift);
        match unit.kind {
            StreamKind::H264 => {
                let sample = h264::access_unit(&unit.data);
                if sample.data.is_empty() {
                    return;
                }
                let entry = sample.config.map(SampleEntry::Avc);
                let key = sample.idr;
                out.push(Frame { pts, dts, arrival_us, data: sample.data, key, entry });
            }
            StreamKind::Aac => {
                let mut samples = 0i64;
                for (config, frame) in aac::adts_frames(&unit.data) {
                    let at = pts + samples * 90_000 / i64::from(config.sample_rate.max(1));
                    samples += i64::from(SAMPLES_PER_FRAME);
                    out.push(Frame {
                        pts: at,
                        dts: at,
                        arrival_us,
                        data: frame.data.to_vec(),
                        key: true,
                        entry: Some(SampleEntry::Aac(config)),
                    });
                }
            }
            _ => {}
        }
    }
}
