//! Reading manifests: a long on-demand one, and the one that a live player reads again and again.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod measure;

use measure::measure;
use nearlive::dash::read;
use std::fmt::Write;

const SEGMENTS: usize = 20_000;

/// A static MPD whose timeline names every segment, as encoders with uneven key frames write it.
fn timeline_mpd() -> String {
    let mut mpd = String::from(
        r#"<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011" mediaPresentationDuration="PT11H6M40S" minBufferTime="PT2S"><Period><AdaptationSet contentType="video" mimeType="video/mp4"><SegmentTemplate timescale="90000" media="$RepresentationID$/$Time$.m4s" initialization="$RepresentationID$/init.mp4"><SegmentTimeline>"#,
    );
    for i in 0..SEGMENTS {
        write!(mpd, "<S d=\"{}\"/>", 180_000 + (i * 7919) % 3600).unwrap();
    }
    mpd.push_str(r#"</SegmentTimeline></SegmentTemplate><Representation id="v" codecs="avc1.64001f" bandwidth="1000000" width="1280" height="720"/></AdaptationSet></Period></MPD>"#);
    mpd
}

fn main() {
    let mpd = timeline_mpd();
    measure("MPD, a timeline of 20000 segments", mpd.len(), SEGMENTS, "segment", || {
        read::mpd(mpd.as_bytes()).unwrap()
    });
}
