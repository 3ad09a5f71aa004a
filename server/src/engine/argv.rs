//! PURE: ffmpeg's argument list and its input list.
//!
//! Measured on ffmpeg 5.1.9 with an RTSP camera, each of these holds a frame or loses one:
//!
//! | option | without it |
//! |---|---|
//! | probing options inside the input list | 6 s to the first byte |
//! | no `-fflags nobuffer` | it throws the first GOP away |
//! | `-fps_mode passthrough -enc_time_base 1/90000` | encoded frames leave the copied ones' ticks |
//! | `-omit_video_pes_length 0` | a PES ends only where the next begins: one frame |
//! | `-pes_payload_size 0` (audio) | sixteen AAC frames in one PES |
//! | `-muxdelay 0 -muxpreload 0` | audio in clumps, a start at 1.4 s |
//! | `-threads 1` before the input | frame-threaded decoding: two frames |
//! | `-ar 48000` | AAC frames of 128 ms from 8 kHz cameras |
//! | no `setts` on a copy, but for cameras with B pictures | it looks one frame ahead |
//!
//! **Times.** RTSP has no decoding times. ffmpeg would invent them, and muxers adjust the
//! presentation times to them: one frame that is stamped hours ahead moves all frames after it
//! there. With `nofillin` ffmpeg invents none (`max_ts_probe` and the like: otherwise it waits for
//! one), so the camera's presentation times arrive unchanged, and [`crate::package`] corrects them.
//! The encoders do not accept uncorrected times, so a filter corrects theirs by the same rules.
//! (x264 then has to use the frames' times, because the frame rate is not known.) If the SPS says
//! that pictures are reordered, the muxer refuses the first one, to which ffmpeg's RTSP reader gives
//! no time: then `setts` is used.
//!
//! That first picture gets a time near 0 from the muxer, the decoder or `setts`. If a picture then
//! had an earlier time, the decoder would take times that it counts itself for all pictures from
//! there on (`guess_correct_pts` in libavcodec). So `-itsoffset` moves all true times far behind it,
//! and [`crate::package`] gives the first picture its place.
//!
//! **Sound.** It is not known beforehand whether a camera has sound, and ffmpeg ends at an output
//! without a stream. So the sound's output has a second stream, of which only the first picture
//! passes, with a time far in the future: it never leaves the muxer, so the muxer waits for nothing.
//!
//! One output with one pipe per track: on a shared pipe video freezes when audio stops. The input
//! list goes to stdin, so the address is in no argument list (ffmpeg's manual, "concat", `option`).

use std::ffi::OsString;
use std::path::Path;

use super::kind::Kind;
use super::limits::{MOST_AT_ONCE, MOST_PIXELS, MOST_STREAMS};
use crate::camera::address::Address;
use crate::config::{Audio, Rung, Transport};
use crate::package::steady;

/// The first file descriptor of the tracks in ffmpeg: 0, 1, 2 are taken.
pub const FIRST_FD: i32 = 3;

/// What one run of an engine makes of one camera. Tracks are in the order of their descriptors.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who does it.
    pub engine: Kind,
    /// The camera.
    pub address: Address,
    /// How RTP travels.
    pub transport: Transport,
    /// The camera sends B pictures.
    pub reordered: bool,
    /// One entry per track, in order.
    pub tracks: Vec<Output>,
}

/// The content of one pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The camera's video as it is.
    Copy,
    /// The camera's video, encoded again.
    Encode(Rung),
    /// The camera's audio as AAC.
    Audio(Audio),
}

/// The input list for ffmpeg's stdin. It contains the password: write it to the pipe only.
pub fn input_list(plan: &Plan) -> String {
    // Address guarantees that it has no quote, backslash or control character.
    let transport = match plan.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    format!(
        "ffconcat version 1.0\n\
         file '{}'\n\
         option rtsp_transport {transport}\n\
         option timeout 5000000\n\
         option analyzeduration 0\n\
         option probesize 32\n\
         option fpsprobesize 0\n\
         option max_streams {MOST_STREAMS}\n\
         option allowed_media_types video+audio\n\
         option fflags nofillin\n",
        plan.address.for_ffmpeg().expose()
    )
}

/// ffmpeg's arguments. They contain no secret.
pub fn arguments(plan: &Plan) -> Vec<String> {
    let mut args = words("-hide_banner -nostdin -nostats -loglevel level+info -max_alloc");
    args.push(MOST_AT_ONCE.to_string());
    args.extend(words(&format!(
        "-max_pixels {MOST_PIXELS} -threads 1 -itsoffset {LATER_S} \
         -fflags nofillin -max_ts_probe 0 -fpsprobesize 0 -analyzeduration 0 \
         -f concat -safe 0 -protocol_whitelist pipe,file,rtsp,rtsps,rtp,tcp,udp,crypto,tls -i pipe:0"
    )));
    for (fd, output) in (FIRST_FD..).zip(&plan.tracks) {
        match output {
            Output::Copy => {
                args.extend(words("-map 0:v:0 -c copy -copyinkf -omit_video_pes_length 0 -bsf:v"));
                // If parameter sets are only in the SDP, this adds them at recovery points as well.
                let timed = if plan.reordered { TIMED } else { "" };
                args.push(format!("dump_extra{timed}"));
            }
            Output::Encode(rung) => encode(&mut args, rung),
            Output::Audio(audio) => {
                // A camera without sound has no such output.
                let Audio::Aac { channels, kbps } = audio else { continue };
                args.extend(words(&format!(
                    "-map 0:a:0? -c:a aac -ar 48000 -ac {channels} -b:a {kbps}k -pes_payload_size 0 \
                     -map 0:v:0 -c:v copy -copyinkf -bsf:v {STAND_IN}"
                )));
            }
        }
        args.extend(words("-f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1"));
        args.push(format!("pipe:{fd}"));
    }
    args
}

/// By how much all times but the first are later than the camera's, seconds. (Cameras say in RTP-Info
/// with which time they begin, and some begin up to a GOP before it.)
const LATER_S: u32 = 10;

/// The first picture has no time: it becomes the zero of all others. Decoding times count frames.
const TIMED: &str = r",setts=pts=if(eq(PTS\,NOPTS)\,0\,PTS):dts=N";

/// Passes one picture, with a time half a day in the future.
const STAND_IN: &str = r"setts=ts=4000000000,noise=drop=gt(n\,0)";

fn encode(args: &mut Vec<String>, rung: &Rung) {
    args.extend(words("-map 0:v:0 -fps_mode passthrough -enc_time_base 1/90000 -vf"));
    // 4:2:0 in 8 bits is what every browser decodes, whatever the camera sends.
    let times = steady_times();
    args.push(format!("setpts='{times}',scale={}:flags=bilinear,format=yuv420p", size(rung)));
    // One thread and no look-ahead: x264 gives each frame back before it takes the next. A rate
    // that fills its buffer within a second keeps key frames from delaying the frames after them.
    let kbps = rung.kbps;
    args.extend(words(&format!(
        "-c:v libx264 -preset superfast -tune zerolatency -bf 0 -force_key_frames source -g 99999 \
         -sc_threshold 0 -threads 1 -x264-params force-cfr=0:fps=25 -b:v {kbps}k -maxrate {kbps}k -bufsize {kbps}k \
         -omit_video_pes_length 0"
    )));
}

/// The rules of [`steady`] for a picture's time, as an ffmpeg expression (ffmpeg-utils, "Expression
/// Evaluation"; it has ten variables).
fn steady_times() -> String {
    use steady::{
        FIRST_STEP, FIRST_TOO_EARLY, FORGOTTEN_AFTER, LEAST_STEP, LONGEST_STEP, LONGEST_USUAL,
        SLOWEST, SOONER, STRANGE,
    };
    // 0: when the last picture came, microseconds. 1, 2: stamp and place of it. 3: the usual step.
    // 4: strange ones that came after the picture of 5, 6; 7: those that followed, -1 at the second
    // picture. 8: this one's stamp. 9: the longest step.
    let text = format!(
        "st(8,if(isnan(PTS),0,PTS));
         st(9,if(lt(ld(7),0),{FIRST_TOO_EARLY},max(max({LONGEST_STEP},4*ld(3)),(RTCTIME-ld(0))*9/100+{SOONER})));
         if(ld(0),
           if(gt(ld(4),0)*between(ld(8)-ld(5),{LEAST_STEP},ld(9))*gte(ld(6)+ld(8)-ld(5),ld(2)+{LEAST_STEP}),
             st(2,ld(6)+ld(8)-ld(5));st(4,0),
             if(between(ld(8)-ld(1),{LEAST_STEP},ld(9)),
               st(2,ld(2)+ld(8)-ld(1));st(7,ld(7)+1);
               if(lte(ld(8)-ld(1),{LONGEST_USUAL}),st(3,ld(8)-ld(1)));
               if(gt(ld(7),{FORGOTTEN_AFTER}),st(4,0)),
               if(not(ld(4)),st(5,ld(1));st(6,ld(2)));st(4,ld(4)+1);st(7,0);
               if(gte(ld(4),{STRANGE})*between(ld(8)-ld(1),{LEAST_STEP},{SLOWEST}),st(3,ld(8)-ld(1)));
               st(2,ld(2)+ld(3))));
           st(1,ld(8)),
           st(1,ld(8));st(2,ld(8));st(3,{FIRST_STEP});st(7,-1));
         st(0,RTCTIME);
         ld(2)"
    );
    text.split_whitespace().collect()
}

/// Even numbers throughout, as 4:2:0 wants them; never more than the camera has.
fn size(rung: &Rung) -> String {
    use crate::config::Height;
    match (rung.width, rung.height) {
        (Some(width), Height::Pixels(height)) => {
            let own = |side: &str, to: u32| {
                format!("'if(gt({width},iw)+gt({height},ih),max(2,trunc({side}/2)*2),{to})'")
            };
            format!("{}:{}", own("iw", width), own("ih", height))
        }
        (None, Height::Pixels(height)) => format!("-2:'min({height},max(2,trunc(ih/2)*2))'"),
        (_, Height::Fraction(n)) => format!("-2:'max(2,trunc(ih/{})*2)'", u64::from(n) * 2),
    }
}

/// A file as ffmpeg is told it: a name with a colon or a hyphen is taken for nothing else.
pub(crate) fn file(path: &Path) -> OsString {
    let mut name = OsString::from("file:");
    name.push(path);
    name
}

/// Arguments that have no space in them.
pub(crate) fn words<'a, T: From<&'a str>>(text: &'a str) -> Vec<T> {
    text.split_whitespace().map(T::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Height;

    fn plan() -> Plan {
        Plan {
            engine: Kind::Ffmpeg,
            address: Address::parse("rtsp://admin:Ab@2018!@h/ch").expect("valid"),
            transport: Transport::Tcp,
            reordered: false,
            tracks: vec![
                Output::Copy,
                Output::Encode(Rung { height: Height::Fraction(2), width: None, kbps: 800 }),
                Output::Audio(Audio::MONO),
            ],
        }
    }

    #[test]
    fn the_password_is_in_the_input_list_and_in_no_argument() {
        let plan = plan();
        assert!(input_list(&plan).contains("file 'rtsp://admin:Ab%402018%21@h/ch'\n"));
        let line = arguments(&plan).join(" ");
        assert!(!line.contains("2018") && !line.contains("rtsp://"), "{line}");
    }

    #[test]
    fn each_track_has_a_pipe_of_its_own() {
        let args = arguments(&plan());
        let pipes: Vec<&String> = args.iter().filter(|a| a.starts_with("pipe:")).collect();
        assert_eq!(pipes, ["pipe:0", "pipe:3", "pipe:4", "pipe:5"]);
    }

    #[test]
    fn encoded_rungs_keep_the_cameras_key_frames_and_ticks() {
        let line = arguments(&plan()).join(" ");
        assert!(line.contains("-fps_mode passthrough -enc_time_base 1/90000"));
        assert!(line.contains("-force_key_frames source -g 99999 -sc_threshold 0"));
        assert!(line.contains("scale=-2:'max(2,trunc(ih/4)*2)':flags=bilinear"));
    }

    #[test]
    fn a_fixed_size_holds_where_the_camera_has_as_much() {
        let rung = |width| Rung { height: Height::Pixels(480), width, kbps: 800 };
        let larger = "gt(854,iw)+gt(480,ih)";
        let both = format!(
            "'if({larger},max(2,trunc(iw/2)*2),854)':'if({larger},max(2,trunc(ih/2)*2),480)'"
        );
        assert_eq!(size(&rung(Some(854))), both);
        assert_eq!(size(&rung(None)), "-2:'min(480,max(2,trunc(ih/2)*2))'");
    }

    #[test]
    fn sound_has_the_channels_and_the_rate_that_are_asked_for() {
        let audio = Audio::Aac { channels: 2, kbps: 160 };
        let plan = Plan { tracks: vec![Output::Copy, Output::Audio(audio)], ..plan() };
        let line = arguments(&plan).join(" ");
        assert!(line.contains("-c:a aac -ar 48000 -ac 2 -b:a 160k"), "{line}");
    }
}
