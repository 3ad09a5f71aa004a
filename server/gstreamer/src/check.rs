//! `--check`: whether GStreamer has what a camera needs.

use std::process::ExitCode;

use gstreamer as gst;

/// Elements, and Debian's package of each.
const NEEDED: [(&str, &str); 16] = [
    ("fdsink", "libgstreamer1.0-0"),
    ("rtspsrc", "gstreamer1.0-plugins-good"),
    ("rtpbin", "gstreamer1.0-plugins-good"),
    ("udpsrc", "gstreamer1.0-plugins-good"),
    ("rtph264depay", "gstreamer1.0-plugins-good"),
    ("rtph265depay", "gstreamer1.0-plugins-good"),
    ("h264parse", "gstreamer1.0-plugins-bad"),
    ("h265parse", "gstreamer1.0-plugins-bad"),
    ("mpegtsmux", "gstreamer1.0-plugins-bad"),
    ("decodebin", "gstreamer1.0-plugins-base"),
    ("videoscale", "gstreamer1.0-plugins-base"),
    ("audioresample", "gstreamer1.0-plugins-base"),
    ("avdec_h264", "gstreamer1.0-libav"),
    ("avdec_h265", "gstreamer1.0-libav"),
    ("avenc_aac", "gstreamer1.0-libav"),
    ("x264enc", "gstreamer1.0-plugins-ugly"),
];

/// Says the version, or what is missing, on stdout.
pub(crate) fn check() -> ExitCode {
    if let Err(e) = gst::init() {
        println!("GStreamer cannot begin: {e}");
        return ExitCode::FAILURE;
    }
    let missing: Vec<&(&str, &str)> =
        NEEDED.iter().filter(|(name, _)| gst::ElementFactory::find(name).is_none()).collect();
    if missing.is_empty() {
        let (major, minor, micro, _) = gst::version();
        println!(
            "nearlive-gstreamer {} GStreamer {major}.{minor}.{micro}",
            env!("CARGO_PKG_VERSION")
        );
        return ExitCode::SUCCESS;
    }
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    println!("lacks {}; Debian: apt-get install {}", names.join(", "), packages.join(" "));
    ExitCode::FAILURE
}
