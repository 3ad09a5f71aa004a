//! PURE: the manifests of a ladder, through the core's writers.
//!
//! DASH names each file's own index (SegmentBase), HLS lists the same pieces as byte ranges. ffmpeg
//! could write both, but less well (5.1.9): its DASH muxer makes all rungs and their manifest in one
//! go, so that none that is there already could be left out, and gives them the rates that were
//! asked for instead of those that came; that for WebM leaves out rates of pictures and channels, and
//! names VP9 without its profile and level, by which browsers say whether they play it.

use std::num::NonZeroU32;

use nearlive::dash::syntax::{
    AdaptationSet, Common, Descriptor, Mpd, Period, Representation, SegmentInfo, Segments, UrlRange,
};
use nearlive::dash::{syntax::BaseUrl, write as dash};
use nearlive::hls::syntax as hls;
use nearlive::hls::write;
use nearlive::time::Duration;
use nearlive::units::{FrameRate, Resolution};

use super::job::Form;
use super::track::{Segment, Track};

/// A file of the ladder, as manifests tell it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its name.
    pub(super) file: String,
    /// What was read of it.
    pub(super) track: Track,
    /// What it holds.
    pub(super) holds: Holds,
}

/// What a file holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Holds {
    /// A picture of this size and rate.
    Picture {
        /// Columns and lines.
        size: (u32, u32),
        /// Pictures a second, as a fraction.
        rate: Option<(u32, u32)>,
    },
    /// Sound of so many channels.
    Sound {
        /// One or two.
        channels: u32,
    },
}

impl Entry {
    fn is_picture(&self) -> bool {
        matches!(self.holds, Holds::Picture { .. })
    }

    /// Its codec's name. In WebM nothing says VP9's profile (0: 8 bits, 4:2:0) and level.
    fn codec(&self) -> String {
        match self.holds {
            Holds::Picture { size: (width, height), rate } if self.track.codec == "vp9" => {
                let (n, d) = rate.filter(|(_, d)| *d > 0).unwrap_or((30, 1));
                let pixels = u64::from(width) * u64::from(height);
                format!("vp09.00.{}.08", vp9_level(pixels, pixels * u64::from(n) / u64::from(d)))
            }
            _ => self.track.codec.clone(),
        }
    }

    /// Its name without its ending.
    fn id(&self) -> &str {
        self.file.rsplit_once('.').map_or(&self.file, |(id, _)| id)
    }

    /// The name of its playlist.
    pub(super) fn playlist(&self) -> String {
        format!("{}.m3u8", self.id())
    }
}

/// The lowest level of VP9 that has so many pixels, in a picture and in a second (webmproject.org,
/// "VP9 Levels"), times ten.
fn vp9_level(picture: u64, second: u64) -> u32 {
    const LEVELS: [(u32, u64, u64); 9] = [
        (10, 36_864, 829_440),
        (11, 73_728, 2_764_800),
        (20, 122_880, 4_608_000),
        (21, 245_760, 9_216_000),
        (30, 552_960, 20_736_000),
        (31, 983_040, 36_864_000),
        (40, 2_228_224, 83_558_400),
        (41, 2_228_224, 160_432_128),
        (50, 8_912_896, 311_951_360),
    ];
    let fits = LEVELS.iter().find(|(_, most, each)| picture <= *most && second <= *each);
    fits.map_or(51, |(level, ..)| *level)
}

/// `manifest.mpd`.
pub(super) fn mpd(entries: &[Entry], form: Form) -> String {
    let end = entries.iter().map(|e| e.track.end_us()).max().unwrap_or(0);
    let (profiles, ending) = match form {
        Form::Cmaf => {
            ("urn:mpeg:dash:profile:isoff-on-demand:2011,urn:mpeg:dash:profile:cmaf:2019", "mp4")
        }
        Form::WebM => ("urn:webm:dash:profile:webm-on-demand:2012", "webm"),
    };
    let sets = [("video", true), ("audio", false)].into_iter().enumerate().filter_map(
        |(id, (content, pictures))| {
            let of: Vec<&Entry> = entries.iter().filter(|e| e.is_picture() == pictures).collect();
            (!of.is_empty()).then(|| set(id, content, ending, &of))
        },
    );
    dash::mpd(&Mpd {
        profiles: profiles.into(),
        duration: Some(micros(end)),
        min_buffer_time: Some(Duration::from_secs(super::job::GOP_S)),
        periods: vec![Period {
            id: Some("0".into()),
            start: Some(Duration::default()),
            adaptation_sets: sets.collect(),
            ..Period::default()
        }],
        ..Mpd::default()
    })
}

fn set(id: usize, content: &str, ending: &str, entries: &[&Entry]) -> AdaptationSet {
    AdaptationSet {
        id: Some(id.to_string()),
        content_type: Some(content.into()),
        subsegment_alignment: Some(true),
        subsegment_starts_with_sap: Some(1),
        common: Common { mime_type: Some(format!("{content}/{ending}")), ..Common::default() },
        representations: entries.iter().map(|e| representation(e)).collect(),
        ..AdaptationSet::default()
    }
}

fn representation(entry: &Entry) -> Representation {
    let track = &entry.track;
    let mut common = Common { codecs: Some(entry.codec()), ..Common::default() };
    match entry.holds {
        Holds::Picture { size: (width, height), rate } => {
            (common.width, common.height) = (Some(width), Some(height));
            common.sar = Some("1:1".into());
            common.frame_rate = rate.and_then(|(frames, seconds)| {
                Some(FrameRate { frames, seconds: NonZeroU32::new(seconds)? })
            });
        }
        Holds::Sound { channels } => {
            common.audio_sampling_rate = Some(super::job::SOUND_HZ);
            let scheme = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011";
            common.audio_channels = vec![Descriptor::new(scheme, &channels.to_string())];
        }
    }
    Representation {
        id: entry.id().into(),
        bandwidth_bps: track.rates().0,
        common,
        base_urls: vec![BaseUrl { url: entry.file.clone(), ..BaseUrl::default() }],
        segments: Segments {
            base: Some(SegmentInfo {
                timescale: Some(track.timescale.hz()),
                index_range: Some(track.index),
                initialization: Some(UrlRange { url: None, range: Some(track.init) }),
                ..SegmentInfo::default()
            }),
            ..Segments::default()
        },
        ..Representation::default()
    }
}

/// Version 6 of the protocol: `EXT-X-MAP` in a playlist of whole segments (RFC 8216bis section 8).
const VERSION: Option<u32> = Some(6);
const SOUND: &str = "sound";

/// `index.m3u8`.
pub(super) fn multivariant(entries: &[Entry]) -> String {
    let sound = entries.iter().find(|e| !e.is_picture());
    let sound_rates = sound.map_or((0, 0), |s| s.track.rates());
    let rendition = sound.map(|sound| hls::Rendition {
        kind: hls::RenditionKind::Audio,
        group: SOUND.into(),
        name: SOUND.into(),
        default: true,
        autoselect: true,
        channels: match sound.holds {
            Holds::Sound { channels } => Some(channels.to_string()),
            Holds::Picture { .. } => None,
        },
        uri: Some(sound.playlist()),
        ..hls::Rendition::default()
    });
    let variant = |entry: &Entry| {
        let Holds::Picture { size: (width, height), rate } = entry.holds else { return None };
        let (peak, whole) = entry.track.rates();
        let codecs = [Some(entry.codec()), sound.map(Entry::codec)];
        Some(hls::Variant {
            uri: entry.playlist(),
            bandwidth_bps: peak + sound_rates.0,
            average_bandwidth_bps: Some(whole + sound_rates.1),
            codecs: Some(codecs.into_iter().flatten().collect::<Vec<_>>().join(",")),
            resolution: Some(Resolution { width, height }),
            frame_rate_milli: rate
                .and_then(|(n, d)| u32::try_from(u64::from(n) * 1000 / u64::from(d.max(1))).ok()),
            audio: sound.map(|_| SOUND.into()),
            ..hls::Variant::default()
        })
    };
    write::multivariant(&hls::Multivariant {
        version: VERSION,
        independent_segments: true,
        renditions: rendition.into_iter().collect(),
        variants: entries.iter().filter_map(variant).collect(),
    })
}

/// The playlist of a file.
pub(super) fn media(entry: &Entry) -> String {
    let track = &entry.track;
    let map = hls::Map { uri: entry.file.clone(), byte_range: Some(track.init) };
    let segment = |s: &Segment| hls::Segment {
        uri: entry.file.clone(),
        duration: micros(s.lasts_us),
        byte_range: Some(s.bytes),
        map: Some(map.clone()),
        ..hls::Segment::default()
    };
    let longest = track.segments.iter().map(|s| s.lasts_us).max().unwrap_or(0);
    write::media(&hls::Media {
        version: VERSION,
        independent_segments: true,
        target_duration: micros(longest),
        kind: Some(hls::MediaKind::Vod),
        ended: true,
        segments: track.segments.iter().map(segment).collect(),
        ..hls::Media::default()
    })
}

fn micros(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_the_lowest_level_of_vp9_that_holds_it() {
        for (width, height, rate, level) in [
            (160, 90, 25, 10),
            (320, 180, 25, 11),
            (640, 360, 25, 21),
            (640, 360, 60, 30),
            (1280, 720, 25, 31),
            (1280, 720, 60, 40),
            (7680, 4320, 60, 51),
        ] {
            let pixels = width * height;
            assert_eq!(vp9_level(pixels, pixels * rate), level, "{width}x{height} {rate}");
        }
    }
}
