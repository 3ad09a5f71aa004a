//! PURE: what ffprobe says of the streams.

use serde::Deserialize;
use serde::Serialize;

use super::codec;

/// The streams of a camera or film.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Streams {
    pub(super) video: Vec<Video>,
    pub(super) audio: Vec<Audio>,
}

/// A video stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Video {
    /// ffmpeg's name: `h264`.
    pub(super) codec: String,
    /// RFC 6381, where the stream says enough: `avc1.64001f`.
    pub(super) codecs: Option<String>,
    pub(super) profile: Option<String>,
    /// As people write it: `3.1`.
    pub(super) level: Option<String>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixel_format: Option<String>,
    pub(super) interlaced: bool,
    /// The stream says that pictures may be reordered.
    pub(super) reordered: bool,
    /// As announced, in thousandths.
    #[serde(skip)]
    pub(super) fps_milli: Option<u64>,
}

/// An audio stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Audio {
    /// ffmpeg's name: `pcm_mulaw`.
    pub(super) codec: String,
    /// RFC 6381, where browsers have a name for it.
    pub(super) codecs: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) sample_rate: u32,
    pub(super) channels: u32,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    streams: Vec<Stream>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stream {
    codec_name: String,
    codec_type: String,
    profile: Option<String>,
    level: Option<i32>,
    width: u32,
    height: u32,
    pix_fmt: Option<String>,
    field_order: Option<String>,
    has_b_frames: u32,
    avg_frame_rate: String,
    r_frame_rate: String,
    sample_rate: String,
    channels: u32,
    extradata: String,
    disposition: Disposition,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Disposition {
    attached_pic: u8,
}

impl Streams {
    /// Reads ffprobe's JSON; `None` if it is none.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let said: Said = serde_json::from_slice(json).ok()?;
        let mut streams = Self::default();
        for stream in said.streams {
            match stream.codec_type.as_str() {
                // The cover of a record is no video.
                "video" if stream.disposition.attached_pic == 0 => {
                    streams.video.push(stream.video())
                }
                "audio" => streams.audio.push(stream.audio()),
                _ => {}
            }
        }
        Some(streams)
    }
}

impl Video {
    /// Whether every picture stands alone. ffmpeg does not always mark those.
    pub(super) fn is_intra(&self) -> bool {
        ["mjpeg", "jpeg2000", "prores", "rawvideo"].contains(&self.codec.as_str())
    }
}

impl Stream {
    fn video(self) -> Video {
        let extradata = hexdump(&self.extradata);
        let level = self.level.filter(|level| *level > 0);
        let codecs = codec::video(&self.codec_name, &extradata, self.profile.as_deref(), level);
        Video {
            codecs,
            level: level.and_then(|level| codec::level(&self.codec_name, level)),
            profile: self.profile.filter(|p| p != "unknown"),
            width: self.width,
            height: self.height,
            pixel_format: self.pix_fmt,
            interlaced: self.field_order.is_some_and(|o| ["tt", "bb", "tb", "bt"].contains(&&*o)),
            reordered: self.has_b_frames > 0,
            fps_milli: rate(&self.avg_frame_rate).or_else(|| rate(&self.r_frame_rate)),
            codec: self.codec_name,
        }
    }

    fn audio(self) -> Audio {
        Audio {
            codecs: codec::audio(&self.codec_name, self.profile.as_deref()),
            profile: self.profile.filter(|p| p != "unknown"),
            sample_rate: self.sample_rate.parse().unwrap_or(0),
            channels: self.channels,
            codec: self.codec_name,
        }
    }
}

/// `25/1` in thousandths.
fn rate(text: &str) -> Option<u64> {
    let (n, d) = text.split_once('/')?;
    let (n, d): (u64, u64) = (n.parse().ok()?, d.parse().ok()?);
    // 90000 is the clock of RTP, not a rate of pictures.
    n.checked_mul(1000)?.checked_div(d).filter(|rate| (1..1_000_000).contains(rate))
}

/// The bytes of `00000000: 0000 0001 6764 ...  ....gd`, sixteen a line.
fn hexdump(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .lines()
        .filter_map(|line| line.get(10..line.len().min(50)))
        .flat_map(str::chars)
        .filter_map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    digits.chunks_exact(2).map(|two| two.iter().fold(0, |byte, d| byte << 4 | d)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_of_h264_and_g711_is_read() {
        let json = r#"{ "streams": [
            { "codec_name": "h264", "profile": "High", "codec_type": "video", "width": 1280, "height": 720,
              "has_b_frames": 0, "pix_fmt": "yuv420p", "level": 31, "field_order": "progressive",
              "r_frame_rate": "25/1", "avg_frame_rate": "0/0", "extradata":
              "\n00000000: 0000 0001 6764 001f acb4 0280 2dd0 8000  ....gd......-...\n00000010: 0003 0080 0000 1947 8c19 5000 0000 0168  .......G..P....h\n00000020: ef3c b0                                  .<.\n",
              "disposition": { "attached_pic": 0 } },
            { "codec_name": "pcm_mulaw", "codec_type": "audio", "sample_rate": "8000", "channels": 1 },
            { "codec_name": "mjpeg", "codec_type": "video", "disposition": { "attached_pic": 1 } },
            { "codec_type": "data" } ] }"#;
        let streams = Streams::read(json.as_bytes()).unwrap();
        let [video] = streams.video.as_slice() else { panic!("{streams:?}") };
        assert_eq!(video.codecs.as_deref(), Some("avc1.64001f"));
        assert_eq!(video.level.as_deref(), Some("3.1"));
        assert_eq!((video.width, video.height, video.fps_milli), (1280, 720, Some(25_000)));
        assert!(!video.interlaced && !video.reordered);
        let [audio] = streams.audio.as_slice() else { panic!("{streams:?}") };
        assert_eq!(
            (audio.codec.as_str(), audio.sample_rate, audio.channels),
            ("pcm_mulaw", 8000, 1)
        );
        assert_eq!(audio.codecs, None);
    }

    #[test]
    fn what_is_no_json_or_lacks_everything_is_no_panic() {
        assert_eq!(Streams::read(b"not json"), None);
        assert_eq!(Streams::read(b"{}"), Some(Streams::default()));
        let odd =
            br#"{"streams":[{"codec_type":"video","avg_frame_rate":"x/0","r_frame_rate":"90000/1",
            "extradata":"\nzz"}]}"#;
        assert_eq!(Streams::read(odd).unwrap().video[0].fps_milli, None);
    }

    #[test]
    fn a_hexdump_gives_its_bytes_and_not_its_letters() {
        assert_eq!(
            hexdump("\n00000000: 0164 00ab                                .d..\n"),
            [1, 0x64, 0, 0xab]
        );
        let two = "00000000: 0102 0304 0506 0708 090a 0b0c 0d0e 0f10  abcdef0123456789\n00000010: 11   f\n";
        assert_eq!(hexdump(two).len(), 17);
    }
}
