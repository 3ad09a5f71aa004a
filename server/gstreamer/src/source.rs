//! The camera: its connection, which of its streams are taken, and their times.

use std::sync::Arc;

use gstreamer as gst;

use gst::glib;
use gst::prelude::*;

use crate::parts::make;
use crate::plan::Track;
use crate::run::Run;
use crate::times::{Report, Stamps};
use crate::trouble::Trouble;
use crate::{picture, sound};

/// For how long packets that overtook others wait for them, milliseconds. By TCP none does.
const REORDERED_MS: &str = "100";

/// Adds the source to the pipeline.
pub(crate) fn add(run: &Arc<Run>) -> Result<(), Trouble> {
    let (protocols, latency) = if run.plan.udp { ("udp", REORDERED_MS) } else { ("tcp", "0") };
    let source = make(
        "rtspsrc",
        &[
            ("protocols", protocols),
            ("latency", latency),
            ("drop-on-latency", "false"),
            // The camera's times, as they are.
            ("buffer-mode", "none"),
            ("tcp-timeout", "5000000"),
            ("timeout", "5000000"),
            ("udp-reconnect", "false"),
            ("user-agent", "nearlive"),
            // Cameras sign their certificates themselves.
            ("tls-validation-flags", "0"),
        ],
    )?;
    source.set_property("location", &run.plan.location);
    if let Some(user) = &run.plan.user {
        source.set_property("user-id", user);
        source.set_property("user-pw", run.plan.password.as_deref().unwrap_or_default());
    }
    select(run, &source);
    let weak = Arc::downgrade(run);
    source.connect_pad_added(move |_, pad| {
        if let Some(run) = weak.upgrade()
            && let Err(trouble) = take(&run, pad)
        {
            run.end.because(Some(trouble));
        }
    });
    reports(run, &source);
    run.pipeline.add(&source).map_err(|e| Trouble::failed(&e))
}

/// Of each kind the first stream is asked for; cameras have others too, such as text.
fn select(run: &Arc<Run>, source: &gst::Element) {
    let weak = Arc::downgrade(run);
    let hears = run.plan.tracks.iter().any(|track| matches!(track, Track::Audio { .. }));
    source.connect_closure(
        "select-stream",
        false,
        glib::closure!(move |_: gst::Element, _: u32, caps: gst::Caps| -> bool {
            let Some(run) = weak.upgrade() else { return false };
            let mut streams = run.streams();
            let (kind, codec) = described(&caps);
            match kind.as_str() {
                "video" if streams.video.is_none() => {
                    streams.video = Some(codec);
                    true
                }
                "audio" if streams.audio.is_none() => {
                    streams.audio = Some(codec);
                    hears
                }
                _ => false,
            }
        }),
    );
}

/// The kind of a stream, and its codec.
fn described(caps: &gst::CapsRef) -> (String, String) {
    let text =
        |name| caps.structure(0).and_then(|s| s.get::<String>(name).ok()).unwrap_or_default();
    (text("media"), text("encoding-name"))
}

/// A stream has sent its first packet.
fn take(run: &Arc<Run>, pad: &gst::Pad) -> Result<(), Trouble> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let (kind, codec) = described(&caps);
    let rate = caps.structure(0).and_then(|s| s.get::<i32>("clock-rate").ok()).unwrap_or(90_000);
    tell(run);
    let is_sound = match kind.as_str() {
        "video" if !std::mem::replace(&mut run.streams().has_video, true) => false,
        "audio" if !std::mem::replace(&mut run.streams().has_audio, true) => true,
        _ => {
            let sink = make("fakesink", &[("sync", "false"), ("async", "false")])?;
            crate::parts::chain(&run.pipeline, &[&sink])?;
            return link(pad, &sink);
        }
    };
    time(run, pad, rate, is_sound);
    if !is_sound {
        return picture::attach(run, pad, &codec);
    }
    sound::attach(run, pad);
    Ok(())
}

/// Links a pad of the source to an element.
pub(crate) fn link(pad: &gst::Pad, to: &gst::Element) -> Result<(), Trouble> {
    let sink = crate::parts::pad(to, "sink")?;
    pad.link(&sink).map(|_| ()).map_err(|e| Trouble::failed(&e))
}

/// Tells the server what the camera sends: all that it has was asked for before the first packet.
fn tell(run: &Run) {
    let mut streams = run.streams();
    if !std::mem::replace(&mut streams.told, true) {
        let mut line = String::from("source");
        for (name, codec) in [("video", &streams.video), ("audio", &streams.audio)] {
            if let Some(codec) = codec {
                let codec = codec.replace(|c: char| !c.is_ascii_graphic(), "_");
                line.push_str(&format!(" {name}={codec}"));
            }
        }
        eprintln!("{line}");
    }
    if streams.video.is_none() {
        run.end.because(Some(Trouble::NoVideo));
    }
}

/// Gives each packet the time of its stamp, and ends the run when the stream ends.
fn time(run: &Arc<Run>, pad: &gst::Pad, rate: i32, is_sound: bool) {
    let weak = Arc::downgrade(run);
    let stamps = std::sync::Mutex::new(Stamps::new(rate));
    let all = gst::PadProbeType::BUFFER
        | gst::PadProbeType::BUFFER_LIST
        | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(all, move |_, info| {
        let Some(run) = weak.upgrade() else { return gst::PadProbeReturn::Drop };
        let mut stamps = stamps.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => {
                stamp(&run, &mut stamps, buffer.make_mut(), is_sound);
            }
            Some(gst::PadProbeData::BufferList(list)) => {
                list.make_mut().foreach_mut(|mut buffer, _| {
                    stamp(&run, &mut stamps, buffer.make_mut(), is_sound);
                    std::ops::ControlFlow::Continue(Some(buffer))
                });
            }
            Some(gst::PadProbeData::Event(event))
                if !is_sound && event.type_() == gst::EventType::Eos =>
            {
                run.end.because(Some(Trouble::Closed));
            }
            _ => {}
        }
        if is_sound && run.streams().mute {
            return gst::PadProbeReturn::Drop;
        }
        gst::PadProbeReturn::Ok
    });
}

/// The time of one packet (RFC 3550 5.1).
fn stamp(run: &Run, stamps: &mut Stamps, buffer: &mut gst::BufferRef, is_sound: bool) {
    let mut head = [0; 12];
    if buffer.copy_to_slice(0, &mut head).is_err() {
        return;
    }
    let [_, _, _, _, a, b, c, d, e, f, g, h] = head;
    let mut time = stamps.time(u32::from_be_bytes([a, b, c, d]), run.now());
    let mut streams = run.streams();
    if let Some(report) = streams.reports.remove(&u32::from_be_bytes([e, f, g, h]))
        && let Some(time) = stamps.near(report.stamp)
    {
        streams.sync.report(is_sound, report.clock, time);
    }
    if is_sound {
        time += streams.sync.moved();
    }
    buffer.set_pts(gst::ClockTime::from_nseconds(time.max(0).unsigned_abs()));
    buffer.set_dts(gst::ClockTime::NONE);
}

/// Notes the camera's sender reports: rtspsrc has an rtpbin, and that an element for each stream,
/// which gets them.
fn reports(run: &Arc<Run>, source: &gst::Element) {
    let weak = Arc::downgrade(run);
    source.connect_closure(
        "new-manager",
        false,
        glib::closure!(move |_: gst::Element, manager: gst::Element| {
            let weak = weak.clone();
            manager.connect_closure(
                "new-jitterbuffer",
                false,
                glib::closure!(move |_: gst::Element, jitter: gst::Element, _: u32, ssrc: u32| {
                    let weak = weak.clone();
                    jitter.connect_closure(
                        "handle-sync",
                        false,
                        glib::closure!(move |_: gst::Element, sync: gst::Structure| {
                            let report = sync
                                .get::<gst::Buffer>("sr-buffer")
                                .ok()
                                .and_then(|b| Report::read(b.map_readable().ok()?.as_slice()));
                            if let (Some(run), Some(report)) = (weak.upgrade(), report) {
                                run.streams().reports.insert(ssrc, report);
                            }
                        }),
                    );
                }),
            );
        }),
    );
}
