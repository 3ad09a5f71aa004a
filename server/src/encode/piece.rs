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

/// What one ffmpeg makes together, in the order in which it is begun: the sound, then the
/// pictures, the smallest first.
///
/// A run that is interrupted has made nothing, but each run decodes the film (5 % of all work for a
/// film of 1080p): rungs go together until they are a sixth of it, and the largest has a run of its
/// own.
pub(super) fn runs<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Vec<Vec<&'a Piece>> {
    let is_sound = |piece: &&Piece| matches!(piece.holds, Content::Sound(_));
    let (sound, mut pictures): (Vec<&Piece>, Vec<&Piece>) = pieces.partition(is_sound);
    pictures.sort_by_key(|piece| pixels(&[piece]));
    let largest = pictures.pop();
    let all = pixels(&pictures) + largest.map_or(0, |piece| pixels(&[piece]));
    let mut runs = vec![sound, Vec::new()];
    for piece in pictures {
        match runs.last_mut() {
            Some(run) if pixels(run) * 6 < all => run.push(piece),
            _ => runs.push(vec![piece]),
        }
    }
    runs.push(largest.into_iter().collect());
    runs.retain(|run| !run.is_empty());
    runs
}

/// About how much work a run is.
pub(super) fn pixels(run: &[&Piece]) -> u64 {
    let of = |piece: &&Piece| match piece.holds {
        Content::Picture(rung) => rung.pixels(),
        // It is little work beside a picture, and all that is left where there is none.
        Content::Sound(_) => 10_000,
    };
    run.iter().map(of).sum()
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
    fn small_rungs_share_a_run_and_the_sound_and_the_largest_have_their_own() {
        let encoders = Encoders::of("libx264 aac libvpx-vp9 libopus");
        for (size, form, expected) in [
            (
                (1920, 1080),
                Form::Cmaf,
                &["sound", "426x240 to 854x480", "1280x720", "1920x1080"][..],
            ),
            ((1280, 720), Form::Cmaf, &["sound", "426x240 to 640x360", "854x480", "1280x720"]),
            ((320, 180), Form::Cmaf, &["sound", "320x180"]),
            ((1280, 720), Form::WebM, &["sound", "160x90 to 640x360", "640x360", "1280x720"]),
        ] {
            let picture = ladder::Picture { width: size.0, height: size.1, rate: None };
            let film = Film { picture, channels: Some(2), lasts: None };
            let pieces = pieces(&film, form, &encoders).expect("pieces");
            let got: Vec<String> = runs(pieces.iter()).iter().map(|run| doing(run)).collect();
            assert_eq!(got, expected);
        }
        assert!(runs([].iter()).is_empty());
    }

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
