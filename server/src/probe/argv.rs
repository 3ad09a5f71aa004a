//! PURE: the arguments and input lists of ffprobe and ffmpeg.
//!
//! An address is in no argument: it goes through an ffconcat list on stdin, as a camera's does in
//! [`crate::engine::argv`]. A file's name is no secret, and is an argument.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::camera::address::Address;
use crate::engine::argv::{file, words};
use crate::engine::limits::{MOST_AT_ONCE, MOST_PIXELS, MOST_STREAMS};

/// What is looked at.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A camera, or something on the web.
    Address(Address),
    /// A file.
    File(PathBuf),
}

impl Target {
    /// A camera sends what there is now, as time goes.
    pub(super) fn is_camera(&self) -> bool {
        matches!(self, Self::Address(address) if !address.is_web())
    }

    /// The text for ffmpeg's stdin. It has the password in it. `at_once`: what the streams are is not
    /// asked again; otherwise ffmpeg would hold a camera's pictures back until it knew.
    pub(super) fn list(&self, at_once: bool) -> String {
        let Self::Address(address) = self else { return String::new() };
        let options = if address.is_web() {
            "option rw_timeout 10000000\n".to_owned()
        } else {
            format!(
                "option rtsp_transport tcp\noption timeout 5000000\noption max_streams {MOST_STREAMS}\n\
                 option allowed_media_types video+audio\n{}",
                if at_once { AT_ONCE } else { "" }
            )
        };
        // Address guarantees that it has no quote, backslash or control character.
        format!("ffconcat version 1.0\nfile '{}'\n{options}", address.for_ffmpeg().expose())
    }

    /// The input's arguments.
    fn input(&self) -> Vec<OsString> {
        let mut args = words(&format!(
            "-max_alloc {MOST_AT_ONCE} -max_pixels {MOST_PIXELS} -format_whitelist {FORMATS}"
        ));
        match self {
            Self::Address(address) => {
                // A list on the web may not lead to the files of this machine.
                let protocols = if address.is_web() {
                    "pipe,http,https,tcp,tls,crypto,data"
                } else {
                    "pipe,rtsp,rtsps,rtp,tcp,udp,crypto,tls"
                };
                args.extend(words(&format!(
                    "-protocol_whitelist {protocols} -f concat -safe 0 -i pipe:0"
                )));
            }
            Self::File(path) => {
                args.extend(words("-protocol_whitelist file,http,https,tcp,tls,crypto,data -i"));
                args.push(file(path));
            }
        }
        args
    }
}

/// Also that times are left as they come.
const AT_ONCE: &str = "option analyzeduration 0\noption probesize 32\noption fpsprobesize 0\noption fflags nofillin\n";

/// What holds pictures or sound, or names files that do. Without this list ffmpeg takes a text for
/// a picture made of letters.
const FORMATS: &str = "concat,rtsp,rtp,sdp,mov,matroska,webm,mpegts,mpeg,mpegvideo,avi,flv,asf,ogg,hls,dash,\
     webm_dash_manifest,h264,hevc,av1,obu,ivf,mjpeg,mpjpeg,aac,mp3,flac,wav,ac3,eac3,mxf,nut,rm,live_flv";

/// Asks ffprobe for the streams, as JSON.
pub(super) fn streams(target: &Target) -> Vec<OsString> {
    let mut args = words(
        "-hide_banner -loglevel level+error -threads 1 -of json -show_data -show_entries \
         stream=codec_name,codec_type,profile,level,width,height,pix_fmt,field_order,has_b_frames,\
         avg_frame_rate,r_frame_rate,sample_rate,channels,bit_rate,extradata:\
         stream_disposition=attached_pic",
    );
    args.extend(target.input());
    args
}

/// Has ffmpeg write a line for each packet of the first stream of a `kind` (`v` or `a`): when it is
/// to be shown, its size, and whether it is a key frame (the muxer "framecrc").
pub(super) fn packets(target: &Target, kinds: &[char]) -> Vec<OsString> {
    let mut args = words("-hide_banner -nostdin -nostats -loglevel level+error -copyts");
    if target.is_camera() {
        args.extend(words("-fflags nofillin -max_ts_probe 0 -fpsprobesize 0 -analyzeduration 0"));
    }
    args.extend(target.input());
    for (kind, fd) in kinds.iter().zip(FIRST_FD..) {
        args.extend(words(&format!(
            "-map 0:{kind}:0 -c copy -copyinkf -flush_packets 1 -f framecrc pipe:{fd}"
        )));
    }
    args
}

/// The descriptor of the first kind's lines.
pub(super) const FIRST_FD: i32 = 3;

/// The ffprobe that belongs to this ffmpeg: beside it, and named like it.
pub(super) fn ffprobe(ffmpeg: &Path) -> PathBuf {
    let name = ffmpeg.file_name().unwrap_or_default().to_string_lossy();
    match name.rfind("ffmpeg") {
        Some(at) => {
            let (before, after) = (&name[..at], &name[at + "ffmpeg".len()..]);
            ffmpeg.with_file_name(format!("{before}ffprobe{after}"))
        }
        None => ffmpeg.with_file_name("ffprobe"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(args: &[OsString]) -> String {
        args.iter().map(|a| a.to_string_lossy() + " ").collect()
    }

    #[test]
    fn an_address_is_in_the_list_and_in_no_argument() {
        for (typed, sent) in [
            ("rtsp://admin:Ab@2018!@h/ch", "file 'rtsp://admin:Ab%402018%21@h/ch'\n"),
            (
                "https://u:Ab@2018!@h/a'b.m3u8?k=2018",
                "file 'https://u:Ab%402018%21@h/a%27b.m3u8?k=2018'\n",
            ),
        ] {
            let target = Target::Address(Address::parse_any(typed).unwrap());
            assert!(target.list(true).contains(sent), "{}", target.list(true));
            for args in [streams(&target), packets(&target, &['v', 'a'])] {
                let line = line(&args);
                assert!(!line.contains("2018") && !line.contains("://"), "{line}");
                assert!(
                    !line.contains(" file,")
                        && !line.contains(",file,")
                        && line.contains("-i pipe:0"),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn a_file_is_one_whatever_its_name() {
        let target = Target::File("-y http:x.mp4".into());
        assert_eq!(target.list(false), "");
        let args = packets(&target, &['v']);
        assert!(args.contains(&"file:-y http:x.mp4".into()), "{args:?}");
        assert!(!line(&args).contains("nofillin") && line(&args).ends_with("framecrc pipe:3 "));
    }

    #[test]
    fn ffprobe_stands_beside_ffmpeg() {
        for (ffmpeg, found) in [
            ("ffmpeg", "ffprobe"),
            ("/opt/ff/bin/ffmpeg", "/opt/ff/bin/ffprobe"),
            ("/usr/bin/ffmpeg-6.1", "/usr/bin/ffprobe-6.1"),
            ("/ffmpeg/bin/run.sh", "/ffmpeg/bin/ffprobe"),
        ] {
            assert_eq!(ffprobe(Path::new(ffmpeg)), Path::new(found));
        }
    }
}
