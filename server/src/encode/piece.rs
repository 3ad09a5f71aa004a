//! PURE: the files of a ladder before they are made.

use super::argv::{self, Sound, SoundCodec};
use super::job::Form;
use super::ladder::{self, Rung};
use super::source::Film;
use crate::engine::version::Encoders;
use crate::error::Error;

/// A file of the ladder before it is made.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Its name.
    pub(super) name: String,
    /// ffmpeg's arguments for it.
    pub(super) args: Vec<String>,
    /// What it holds.
    pub(super) holds: Content,
}

/// What a file holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// A picture.
    Picture(Rung),
    /// The sound.
    Sound(Sound),
}

/// The files of the ladder, the smallest picture first, the sound last.
pub(super) fn pieces(film: &Film, form: Form, encoders: &Encoders) -> Result<Vec<Piece>, Error> {
    let (video, lacks) = match form {
        Form::Cmaf => ("libx264", "the encoder libx264"),
        Form::WebM => ("libvpx-vp9", "the encoder libvpx-vp9 (--webm needs it)"),
    };
    if !encoders.has(video) {
        return Err(Error::FfmpegLacks(lacks));
    }
    let ending = match form {
        Form::Cmaf => "mp4",
        Form::WebM => "webm",
    };
    let mut pieces: Vec<Piece> = ladder::rungs(film.picture, form)
        .into_iter()
        .map(|rung| Piece {
            name: format!("video_{}x{}_{}k.{ending}", rung.width, rung.height, rung.kbps),
            args: argv::picture(&rung, form),
            holds: Content::Picture(rung),
        })
        .collect();
    if let Some(channels) = film.channels {
        let codec = match form {
            Form::Cmaf if encoders.has("aac") => SoundCodec::Aac,
            Form::Cmaf => return Err(Error::FfmpegLacks("the encoder aac")),
            // Safari plays Opus in WebM, and no Vorbis.
            Form::WebM if encoders.has("libopus") => SoundCodec::Opus,
            Form::WebM if encoders.has("libvorbis") => SoundCodec::Vorbis,
            Form::WebM => return Err(Error::FfmpegLacks("the encoders libopus and libvorbis")),
        };
        let sound = Sound { codec, channels };
        let name = format!("audio_{}k.{ending}", sound.kbps());
        pieces.push(Piece { name, args: argv::sound(&sound), holds: Content::Sound(sound) });
    }
    Ok(pieces)
}

/// About how much work a file is.
pub(super) fn pixels(piece: &Piece) -> u64 {
    match piece.holds {
        Content::Picture(rung) => rung.pixels(),
        // It is little work beside a picture, and all that is left where there is none.
        Content::Sound(_) => 10_000,
    }
}

/// What is made at this moment, for people: short, for a line that is longer than the terminal cannot be
/// written over.
pub(super) fn doing(pieces: &[&Piece]) -> String {
    let size = |piece: &&&Piece| match piece.holds {
        Content::Picture(rung) => Some(format!("{}x{}", rung.width, rung.height)),
        Content::Sound(_) => None,
    };
    let mut sizes: Vec<String> = pieces.iter().filter_map(|piece| size(&piece)).collect();
    let sound = sizes.len() < pieces.len();
    // Some rungs differ by their rates alone.
    sizes.dedup();
    let pictures = match sizes.as_slice() {
        [] => return "sound".into(),
        [one] => one.clone(),
        [first, .., last] => format!("{first} to {last}"),
    };
    if sound { pictures + ", sound" } else { pictures }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_named_in_a_few_words() {
        let film = |channels| Film {
            picture: ladder::Picture { width: 7680, height: 4320, rate: None },
            channels,
            lasts: None,
        };
        let encoders = Encoders::of("libx264 aac");
        let all = pieces(&film(Some(2)), Form::Cmaf, &encoders).expect("pieces");
        let all: Vec<&Piece> = all.iter().collect();
        assert_eq!(doing(&all), "426x240 to 3840x2160, sound");
        assert_eq!(doing(&all[..2]), "426x240 to 640x360");
        assert_eq!(doing(&all[..1]), "426x240");
        assert_eq!(doing(&all[all.len() - 1..]), "sound");
        assert_eq!(doing(&[all[0], all[0]]), "426x240");
    }
}
