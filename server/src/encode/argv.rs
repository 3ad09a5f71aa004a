//! PURE: ffmpeg's arguments for looking at a film and for encoding it.
//!
//! The same film gives the same bytes on every machine and in every run, so that a rung that is
//! made later fits those that are there. Measured on ffmpeg 5.1.9 (x264 164, libvpx 1.12):
//!
//! | option | without it |
//! |---|---|
//! | `-thread_type slice` with a fixed number (x264) | with a buffer (`-maxrate`), frame threads give other bytes in each run |
//! | `-flags bitexact -fflags bitexact` | WebM has random identifiers |
//! | `-force_key_frames` by time | key frames counted in pictures leave each other where a film has uneven times |
//! | `+cmaf` | the picture comes two frames late: decoding times are moved to zero, and no edit says so |
//! | `noise=drop=lt(pts\,0)` (AAC) | the sound comes 21 ms late: the encoder's first packet is moved to zero |
//! | `setpts`, `first_pts=0` | a track that begins later in the film would begin at zero |

use std::ffi::OsString;
use std::path::Path;

use super::job::{Form, GOP_S};
use super::ladder::Rung;
use crate::engine::argv::{file, words};

/// Slices, each with a thread: as many on every machine, for they change the bytes.
const SLICES: u32 = 4;

/// The encoder of the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SoundCodec {
    /// AAC, in MP4.
    Aac,
    /// Opus, in WebM.
    Opus,
    /// Vorbis, in WebM, where ffmpeg has no Opus.
    Vorbis,
}

/// The sound's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sound {
    /// By what.
    pub(super) codec: SoundCodec,
    /// One or two.
    pub(super) channels: u32,
}

impl Sound {
    /// Kilobits a second.
    pub(super) fn kbps(&self) -> u32 {
        64 * self.channels
    }
}

/// To look at a film: what its first picture and the first piece of its sound are, on stdout.
pub(super) fn look(film: &Path) -> Vec<OsString> {
    let mut args =
        words("-hide_banner -nostdin -loglevel level+info -protocol_whitelist file,pipe -i");
    args.push(file(film));
    args.extend(words(
        "-map 0:V:0? -map 0:a:0? -frames:v 1 -frames:a 1 -fflags +bitexact -f framecrc pipe:1",
    ));
    args
}

/// What stands before the output of a run.
pub(super) fn input(film: &Path) -> Vec<OsString> {
    let mut args = words(
        "-hide_banner -nostdin -nostats -progress pipe:1 -stats_period 0.5 -loglevel level+error -y \
         -protocol_whitelist file,pipe -i",
    );
    args.push(file(film));
    args
}

/// The options of a rung's output, without its file.
pub(super) fn picture(rung: &Rung, form: Form) -> Vec<String> {
    let Rung { width, height, kbps } = rung;
    // Whenever the first picture comes, it stands from the start.
    let filter = format!(
        "setpts='if(eq(N,0),0,PTS)',scale={width}:{height}:flags=bicubic,setsar=1,format=yuv420p"
    );
    let mut args =
        words("-map 0:V:0 -an -sn -dn -map_metadata -1 -map_chapters -1 -fps_mode vfr -vf");
    args.push(filter);
    args.extend(words(&format!(
        "-force_key_frames expr:gte(t,n_forced*{GOP_S}) -g 99999 -b:v {kbps}k"
    )));
    let codec = match form {
        Form::Cmaf => format!(
            "-c:v libx264 -preset fast -keyint_min 1 -sc_threshold 0 -threads {SLICES} \
             -thread_type slice -maxrate {}k -bufsize {}k -movflags \
             +cmaf+dash+global_sidx+frag_keyframe+empty_moov -f mp4",
            kbps * 5 / 4,
            kbps * 2
        ),
        Form::WebM => format!(
            "-c:v libvpx-vp9 -deadline good -cpu-used 4 -row-mt 1 -tile-columns 2 -threads {SLICES} \
             -dash 1 -f webm"
        ),
    };
    args.extend(words(&format!("-flags +bitexact -fflags +bitexact {codec}")));
    args
}

/// The options of the sound's output, without its file.
pub(super) fn sound(sound: &Sound) -> Vec<String> {
    let mut args = words("-map 0:a:0 -vn -sn -dn -map_metadata -1 -map_chapters -1");
    args.extend(words(&format!(
        "-af aresample=48000:async=1:first_pts=0 -ar 48000 -ac {} -b:a {}k -flags +bitexact -fflags +bitexact",
        sound.channels,
        sound.kbps()
    )));
    args.extend(words(&match sound.codec {
        SoundCodec::Aac => format!(
            "-c:a aac -bsf:a noise=drop=lt(pts\\,0) -frag_duration {GOP_S}000000 \
             -movflags +cmaf+dash+global_sidx+empty_moov -f mp4"
        ),
        SoundCodec::Opus => format!("-c:a libopus -cluster_time_limit {GOP_S}000 -dash 1 -f webm"),
        SoundCodec::Vorbis => {
            format!("-c:a libvorbis -cluster_time_limit {GOP_S}000 -dash 1 -f webm")
        }
    }));
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_taken_for_an_option_or_an_address() {
        for args in [look(Path::new("-y")), input(Path::new("http:x"))] {
            let at = args.iter().position(|a| a == "-i").expect("an input");
            let name = args[at + 1].to_string_lossy();
            assert!(name == "file:-y" || name == "file:http:x", "{name}");
        }
    }

    #[test]
    fn key_frames_are_set_by_time_and_by_nothing_else() {
        for form in [Form::Cmaf, Form::WebM] {
            let line = picture(&Rung { width: 640, height: 360, kbps: 700 }, form).join(" ");
            assert!(line.contains("expr:gte(t,n_forced*2) -g 99999"), "{line}");
        }
    }
}
