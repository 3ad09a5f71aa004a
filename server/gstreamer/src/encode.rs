//! One size of the picture, encoded again with the camera's key frames and times.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;

use gst::prelude::*;

use crate::parts::{chain, filter, make, output, pad, plain_segments};
use crate::picture::{Keys, labelled, size_of};
use crate::plan::Rung;
use crate::run::Run;
use crate::times::Disguise;
use crate::trouble::Trouble;

/// Where the camera's key frames cannot be known, one begins this often.
const OWN_KEYS: Duration = Duration::from_secs(2);

/// Pictures that wait for an encoder may take this many bytes.
const MOST_WAITING: &str = "64000000";

/// What is known about one encoder.
#[derive(Debug)]
struct Encoding {
    disguise: Disguise,
    /// Of the newest picture.
    number: u64,
    keyed: Instant,
}

/// Encodes what comes from `raw` to `fd`.
pub(crate) fn attach(
    run: &Arc<Run>,
    raw: &gst::Element,
    fd: i32,
    rung: Rung,
    keys: &Arc<Keys>,
) -> Result<(), Trouble> {
    // If the encoder is too slow, pictures are left out in front of it; it takes its time to begin.
    let queue = make(
        "queue",
        &[
            ("leaky", "downstream"),
            ("max-size-buffers", "16"),
            ("max-size-bytes", MOST_WAITING),
            ("max-size-time", "0"),
        ],
    )?;
    let scale = make("videoscale", &[("add-borders", "false"), ("n-threads", "1")])?;
    let convert = make("videoconvert", &[("n-threads", "1")])?;
    let size = filter("video/x-raw,format=I420")?;
    let (kbps, mut options) = (rung.kbps.to_string(), vec![("threads", "1"), ("bframes", "0")]);
    // A rate that fills its buffer within a second keeps key frames from delaying the frames after
    // them; without look-ahead each picture comes out before the next goes in.
    options.extend([
        ("tune", "zerolatency"),
        ("speed-preset", "superfast"),
        ("key-int-max", "100000"),
        ("option-string", "scenecut=0"),
        ("bitrate", &kbps),
        ("vbv-buf-capacity", "1000"),
    ]);
    let encoder = make("x264enc", &options)?;
    resize(&pad(&queue, "src")?, &size, rung);
    disguise(&encoder, keys)?;
    let form = filter("video/x-h264,stream-format=byte-stream,alignment=au")?;
    let [mux, sink] = output(fd)?;
    chain(&run.pipeline, &[&queue, &scale, &convert, &size, &encoder, &form, &mux, &sink])?;
    raw.link(&queue).map_err(|e| Trouble::failed(&e))
}

/// What is encoded has the size that the rung says of the camera's picture.
fn resize(before: &gst::Pad, filter: &gst::Element, rung: Rung) {
    let filter = filter.downgrade();
    before.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let (Some((width, height)), Some(filter)) =
            (info.event().and_then(size_of), filter.upgrade())
        {
            let (width, height) = rung.size(width, height);
            // 4:2:0 in 8 bits is what every browser decodes, whatever the camera sends.
            let caps = gst::Caps::builder("video/x-raw")
                .field("format", "I420")
                .field("width", width.cast_signed())
                .field("height", height.cast_signed())
                .build();
            filter.set_property("caps", caps);
        }
        gst::PadProbeReturn::Ok
    });
}

/// Gives the encoder steady times and the camera's key frames, and its output the camera's times.
fn disguise(encoder: &gst::Element, keys: &Arc<Keys>) -> Result<(), Trouble> {
    let encoding =
        Mutex::new(Encoding { disguise: Disguise::default(), number: 0, keyed: Instant::now() });
    let keys = Arc::clone(keys);
    pad(encoder, "sink")?.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(buffer) = info.buffer_mut() else { return gst::PadProbeReturn::Ok };
        let mut encoding = encoding.lock().unwrap_or_else(PoisonError::into_inner);
        let number = buffer.offset();
        let has_key = keys.between(encoding.number, number);
        if has_key || encoding.keyed.elapsed() >= OWN_KEYS && !keys.are_known() {
            encoding.keyed = Instant::now();
            force_key(pad);
        }
        encoding.number = number;
        let time = buffer.pts().map_or(0, |t| t.nseconds().cast_signed());
        let given = encoding.disguise.put_on(time);
        let buffer = buffer.make_mut();
        buffer.set_pts(gst::ClockTime::from_nseconds(given.unsigned_abs()));
        buffer.set_dts(gst::ClockTime::NONE);
        gst::PadProbeReturn::Ok
    });
    let src = pad(encoder, "src")?;
    // x264enc begins 1000 hours later.
    plain_segments(&src);
    src.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        let Some(buffer) = info.buffer_mut() else { return gst::PadProbeReturn::Ok };
        let buffer = buffer.make_mut();
        let Some(time) = labelled(buffer) else { return gst::PadProbeReturn::Drop };
        buffer.set_pts(time);
        buffer.set_dts(time);
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// The next picture becomes a key frame (GStreamer's video library, `force key unit`).
fn force_key(sink: &gst::Pad) {
    let structure = gst::Structure::builder("GstForceKeyUnit")
        .field("timestamp", gst::ClockTime::NONE)
        .field("stream-time", gst::ClockTime::NONE)
        .field("running-time", gst::ClockTime::NONE)
        .field("all-headers", true)
        .field("count", 0_u32)
        .build();
    if let Some(before) = sink.peer() {
        before.push_event(gst::event::CustomDownstream::new(structure));
    }
}
