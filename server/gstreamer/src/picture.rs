//! The camera's pictures: as they are, and decoded for what is encoded of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;

use gst::prelude::*;

use crate::encode;
use crate::parts::{chain, filter, make, output, pad, plain_segments, queue};
use crate::plan::{Rung, Track};
use crate::run::Run;
use crate::source::link;
use crate::trouble::Trouble;

/// Level 6.2 of H.264 (ISO/IEC 14496-10 table A-1), as the server has it.
const MOST_PIXELS: u64 = 139_264 * 256;

/// Connects the camera's pictures, of this codec, with the tracks.
pub(crate) fn attach(run: &Arc<Run>, from: &gst::Pad, codec: &str) -> Result<(), Trouble> {
    let rungs: Vec<(i32, Rung)> = run
        .plan
        .outputs()
        .filter_map(|(fd, track)| match track {
            Track::Encode(rung) => Some((fd, rung)),
            _ => None,
        })
        .collect();
    let (depay, parse, caps, decoder) = match codec {
        "H264" => ("rtph264depay", "h264parse", "video/x-h264", "avdec_h264"),
        "H265" => ("rtph265depay", "h265parse", "video/x-h265", "avdec_h265"),
        _ => return any(run, from, rungs),
    };
    let form = format!("{caps},stream-format=byte-stream,alignment=au");
    let depay = make(depay, &[])?;
    plain_segments(&pad(&depay, "src")?);
    let parse = make(parse, &[("config-interval", "-1")])?;
    let tee = make("tee", &[("allow-not-linked", "true")])?;
    let parsed = filter(&form)?;
    look_at_size(run, &pad(&parsed, "src")?);
    chain(&run.pipeline, &[&depay, &filter(&form)?, &parse, &parsed, &tee])?;
    // Not every browser shows another codec.
    let copied = run.plan.outputs().find(|(_, track)| *track == Track::Copy);
    if let (Some((fd, _)), "H264") = (copied, codec) {
        let [mux, sink] = output(fd)?;
        let queue = queue()?;
        chain(&run.pipeline, &[&queue, &mux, &sink])?;
        tee.link(&queue).map_err(|e| Trouble::failed(&e))?;
    }
    if !rungs.is_empty() {
        let queue = queue()?;
        // Threads decode a picture each, and hold one each.
        let decoder = make(decoder, &[("max-threads", "1")])?;
        let keys = Arc::new(Keys::default());
        watch_keys(&decoder, &keys)?;
        let raw = make("tee", &[("allow-not-linked", "true")])?;
        chain(&run.pipeline, &[&queue, &decoder, &raw])?;
        for (fd, rung) in rungs {
            encode::attach(run, &raw, fd, rung, &keys)?;
        }
        tee.link(&queue).map_err(|e| Trouble::failed(&e))?;
    }
    link(from, &depay)
}

/// Any other codec, which can only be encoded again.
fn any(run: &Arc<Run>, from: &gst::Pad, rungs: Vec<(i32, Rung)>) -> Result<(), Trouble> {
    let decode = make("decodebin", &[])?;
    let weak = Arc::downgrade(run);
    decode.connect_pad_added(move |_, from| {
        let Some(run) = weak.upgrade() else { return };
        let attach = || {
            let raw = make("tee", &[("allow-not-linked", "true")])?;
            chain(&run.pipeline, &[&raw])?;
            plain_segments(from);
            let keys = Arc::new(Keys::default());
            number(from, &keys);
            for (fd, rung) in &rungs {
                encode::attach(&run, &raw, *fd, *rung, &keys)?;
            }
            link(from, &raw)
        };
        if let Err(trouble) = attach() {
            run.end.because(Some(trouble));
        }
    });
    chain(&run.pipeline, &[&decode])?;
    link(from, &decode)
}

/// A picture larger than any that is decoded ends the run.
fn look_at_size(run: &Arc<Run>, pad: &gst::Pad) {
    let weak = Arc::downgrade(run);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let size = info.event().and_then(size_of);
        if let (Some(run), Some((width, height))) = (weak.upgrade(), size)
            && u64::from(width) * u64::from(height) > MOST_PIXELS
        {
            run.end.because(Some(Trouble::TooBig(width, height)));
            return gst::PadProbeReturn::Drop;
        }
        gst::PadProbeReturn::Ok
    });
}

/// The size of a picture that an event announces.
pub(crate) fn size_of(event: &gst::Event) -> Option<(u32, u32)> {
    let gst::EventView::Caps(caps) = event.view() else { return None };
    let structure = caps.caps().structure(0)?;
    let side = |name| structure.get::<i32>(name).ok().and_then(|n| u32::try_from(n).ok());
    Some((side("width")?, side("height")?))
}

/// Writes the camera's time of a picture on it. Decoders change times that go back; what is written
/// here passes them, and encoders too.
fn label(buffer: &mut gst::BufferRef, time: gst::ClockTime) {
    let caps = gst::Caps::new_empty_simple(LABEL);
    gst::ReferenceTimestampMeta::add(buffer, &caps, time, gst::ClockTime::NONE);
}

/// The camera's time of a picture.
pub(crate) fn labelled(buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
    let mut labels = buffer.iter_meta::<gst::ReferenceTimestampMeta>();
    let ours = |meta: &gst::MetaRef<'_, gst::ReferenceTimestampMeta>| {
        meta.reference().structure(0).is_some_and(|s| s.name() == LABEL)
    };
    labels.find(ours).map(|meta| meta.timestamp())
}

const LABEL: &str = "timestamp/x-nearlive-camera";

/// Which decoded pictures were the camera's key frames. Pictures are known by their time before the
/// decoder, and by a number after it.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Any has come.
    come: bool,
    times: VecDeque<gst::ClockTime>,
    decoded: u64,
    /// Pictures that went in since the first key frame.
    entered: u64,
    /// What these two were when they were last compared.
    looked: (u64, u64),
    numbers: VecDeque<u64>,
}

/// Key frames inside a decoder or an encoder.
const INSIDE: usize = 32;

/// So many pictures are looked at together.
const LOOK: u64 = 30;

impl Keys {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the camera's key frames can be known at all.
    pub(crate) fn are_known(&self) -> bool {
        self.known().come
    }

    /// Whether one is among the pictures after number `after`, up to `number`.
    pub(crate) fn between(&self, after: u64, number: u64) -> bool {
        self.known().numbers.iter().any(|n| after < *n && *n <= number)
    }
}

impl Known {
    /// A picture goes into the decoder. Returns how many of the last ones were too damaged to come
    /// out of it; two that make one (fields) are none of them.
    fn enters(&mut self) -> Option<u64> {
        let (entered, decoded) = self.looked;
        self.entered += u64::from(self.come);
        if self.entered < entered + LOOK {
            return None;
        }
        self.looked = (self.entered, self.decoded);
        let out = self.decoded.saturating_sub(decoded);
        (out * 3 < LOOK).then_some(LOOK.saturating_sub(out))
    }

    fn came(&mut self, time: gst::ClockTime) {
        self.come = true;
        self.times.push_back(time);
        if self.times.len() > INSIDE {
            self.times.pop_front();
        }
    }

    /// The number of the next decoded picture.
    fn number(&mut self, time: Option<gst::ClockTime>) -> u64 {
        self.decoded += 1;
        if let Some(at) = self.times.iter().position(|t| Some(*t) == time) {
            self.times.drain(..=at);
            self.numbers.push_back(self.decoded);
            if self.numbers.len() > INSIDE {
                self.numbers.pop_front();
            }
        }
        self.decoded
    }
}

fn watch_keys(decoder: &gst::Element, keys: &Arc<Keys>) -> Result<(), Trouble> {
    let noted = Arc::clone(keys);
    pad(decoder, "sink")?.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let mut known = noted.known();
        if let Some(lost) = known.enters() {
            eprintln!("spoilt {lost}");
        }
        if let Some(buffer) = info.buffer_mut()
            && let Some(time) = buffer.pts()
        {
            if !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
                known.came(time);
            }
            label(buffer.make_mut(), time);
        }
        gst::PadProbeReturn::Ok
    });
    number(&pad(decoder, "src")?, keys);
    Ok(())
}

/// Numbers decoded pictures, and tells the server of damaged ones.
fn number(pad: &gst::Pad, keys: &Arc<Keys>) {
    let keys = Arc::clone(keys);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer_mut() {
            let mut known = keys.known();
            // Before the first key frame none can be whole.
            if known.come && buffer.flags().contains(gst::BufferFlags::CORRUPTED) {
                eprintln!("spoilt 1");
            }
            let buffer = buffer.make_mut();
            let time = labelled(buffer).or_else(|| {
                let time = buffer.pts()?;
                label(buffer, time);
                Some(time)
            });
            buffer.set_offset(known.number(time));
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_frame_is_due_until_a_picture_from_it_on_is_encoded() {
        let keys = Keys::default();
        let at = gst::ClockTime::from_mseconds;
        keys.known().came(at(40));
        // Shown in another order than they are decoded in.
        for (number, time) in [(1, 0), (2, 20), (3, 40), (4, 60)] {
            assert_eq!(keys.known().number(Some(at(time))), number);
        }
        assert!(!keys.between(0, 2) && keys.between(2, 3) && !keys.between(3, 4));
        assert!(keys.between(2, 4), "the key frame itself was left out");
    }

    #[test]
    fn pictures_are_damaged_where_few_come_out_of_the_decoder() {
        for (every, lost) in [(1, 0), (2, 0), (5, 72), (1000, 87)] {
            let mut known = Known { come: true, ..Known::default() };
            let told: u64 = (0..90)
                .map(|i| {
                    let lost = known.enters().unwrap_or(0);
                    if i % every == 0 {
                        known.number(None);
                    }
                    lost
                })
                .sum();
            assert!(told.abs_diff(lost) <= 3, "one of {every}: {told}");
        }
    }
}
