//! The camera's sound, whatever it is, as AAC.

use std::sync::Arc;

use gstreamer as gst;

use gst::prelude::*;

use crate::parts::{chain, filter, make, output, pad, plain_segments, queue};
use crate::plan::Track;
use crate::run::Run;
use crate::trouble::Trouble;

/// Connects the camera's sound with its track. What goes wrong here ends nothing: a picture without
/// sound is better than none.
pub(crate) fn attach(run: &Arc<Run>, from: &gst::Pad) {
    if let Err(trouble) = connect(run, from) {
        without(run, &trouble);
    }
}

fn without(run: &Run, trouble: &Trouble) {
    run.streams().mute = true;
    eprintln!("note of the sound: {trouble}");
}

fn connect(run: &Arc<Run>, from: &gst::Pad) -> Result<(), Trouble> {
    let track = run.plan.outputs().find_map(|(fd, track)| match track {
        Track::Audio { channels, kbps } => Some((fd, channels, kbps)),
        _ => None,
    });
    let Some((fd, channels, kbps)) = track else {
        run.streams().mute = true;
        return Ok(());
    };
    let queue = queue()?;
    let decode = make("decodebin", &[])?;
    let weak = Arc::downgrade(run);
    decode.connect_pad_added(move |_, from| {
        if let Some(run) = weak.upgrade()
            && let Err(trouble) = encode(&run, from, fd, channels, kbps)
        {
            without(&run, &trouble);
        }
    });
    run.sound.sync_state_with_parent().map_err(|e| Trouble::failed(&e))?;
    chain(&run.sound, &[&queue, &decode])?;
    let door =
        gst::GhostPad::with_target(&pad(&queue, "sink")?).map_err(|e| Trouble::failed(&e))?;
    door.set_active(true).map_err(|e| Trouble::failed(&e))?;
    run.sound.add_pad(&door).map_err(|e| Trouble::failed(&e))?;
    from.link(&door).map(|_| ()).map_err(|e| Trouble::failed(&e))
}

/// Encodes decoded sound. At 48 kHz a frame of AAC is 21 ms; at a camera's 8 kHz it would be 128.
fn encode(run: &Run, from: &gst::Pad, fd: i32, channels: i32, kbps: u32) -> Result<(), Trouble> {
    let convert = make("audioconvert", &[])?;
    let resample = make("audioresample", &[])?;
    let form = filter(&format!("audio/x-raw,rate=48000,channels={channels}"))?;
    let encoder = make("avenc_aac", &[("bitrate", &(kbps * 1000).to_string())])?;
    let [mux, sink] = output(fd)?;
    plain_segments(from);
    chain(&run.sound, &[&convert, &resample, &form, &encoder, &mux, &sink])?;
    from.link(&pad(&convert, "sink")?).map(|_| ()).map_err(|e| Trouble::failed(&e))
}
