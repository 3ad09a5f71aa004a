//! Why a film is not encoded, each as one sentence for the person at the terminal.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::repeat;

/// What is in the way.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The film is not there, or not for us.
    NoFilm {
        /// Its path.
        film: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The film's path is a folder or a device.
    NoFile(PathBuf),
    /// ffmpeg cannot read it, with its last words.
    NotAFilm {
        /// Its path.
        film: PathBuf,
        /// What ffmpeg said.
        said: String,
    },
    /// It has sound at most.
    NoVideo(PathBuf),
    /// The folder's path is the film's.
    SamePlace(PathBuf),
    /// The folder's path is a file.
    NoFolder(PathBuf),
    /// The folder cannot be made or written to.
    Unwritable {
        /// Its path.
        folder: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The folder holds something else; the name of one such file.
    Taken {
        /// The folder.
        folder: PathBuf,
        /// What is in it.
        found: String,
    },
    /// It was begun with other settings: with or without `--webm`, or by another version.
    OtherLadder(PathBuf),
    /// The film is not the one with which the folder was begun, or has changed since.
    FilmChanged {
        /// The film.
        film: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// Another run works on the folder.
    InUse(PathBuf),
    /// There is no room left for the files.
    NoRoom(PathBuf),
    /// A file may not become that long.
    TooLong(PathBuf),
    /// ffmpeg failed, with its last words.
    Failed {
        /// What it was making.
        making: String,
        /// What it said.
        said: String,
    },
    /// Key frames of two rungs stand at different times.
    Misaligned {
        /// The file of the rung.
        rung: String,
        /// What is different.
        why: String,
    },
    /// A file that should be whole is not.
    Damaged {
        /// Its path.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Ctrl-C, or another signal to end.
    Stopped {
        /// How many files are made.
        made: usize,
        /// Of how many.
        of: usize,
    },
}

impl Problem {
    /// 2 for a mistake of the person who started it, 130 after Ctrl-C, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Stopped { .. } => 130,
            Self::NoFilm { .. }
            | Self::NoFile(_)
            | Self::NotAFilm { .. }
            | Self::NoVideo(_)
            | Self::SamePlace(_)
            | Self::NoFolder(_)
            | Self::Taken { .. }
            | Self::OtherLadder(_) => 2,
            _ => 1,
        }
    }
}

fn film(path: &Path) -> String {
    repeat::path(path, "the film")
}

fn folder(path: &Path) -> String {
    repeat::path(path, "the folder")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFilm { .. } | Self::NoFile(_) | Self::NotAFilm { .. } | Self::NoVideo(_) => {
                self.of_the_film(f)
            }
            Self::NoRoom(_)
            | Self::TooLong(_)
            | Self::Failed { .. }
            | Self::Misaligned { .. }
            | Self::Damaged { .. }
            | Self::Stopped { .. } => self.of_the_work(f),
            _ => self.of_the_folder(f),
        }
    }
}

impl Problem {
    fn of_the_film(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFilm { film: path, source } => match source.kind() {
                io::ErrorKind::NotFound => write!(
                    f,
                    "there is no file {}; encode takes a film and a folder: encode in.mp4 out/",
                    film(path)
                ),
                io::ErrorKind::PermissionDenied => {
                    write!(f, "this user may not read {}; chown or chmod changes that", film(path))
                }
                _ => write!(f, "{} cannot be read: {source}", film(path)),
            },
            Self::NoFile(path) => {
                write!(f, "{} is no file; name the film in it: encode in.mp4 out/", film(path))
            }
            Self::NotAFilm { film: path, said } => {
                write!(f, "{} is no film that ffmpeg can read ({said})", film(path))
            }
            Self::NoVideo(path) => {
                write!(f, "{} has no video; a ladder needs a film with a picture", film(path))
            }
            _ => Ok(()),
        }
    }

    fn of_the_folder(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SamePlace(path) => write!(
                f,
                "{} is the film itself; name a folder for the result: encode in.mp4 out/",
                folder(path)
            ),
            Self::NoFolder(path) => write!(
                f,
                "{} is a file; name a folder for the result: encode in.mp4 out/",
                folder(path)
            ),
            Self::Unwritable { folder: path, source } => {
                let what = match source.kind() {
                    io::ErrorKind::PermissionDenied => "this user may not write there".into(),
                    io::ErrorKind::NotADirectory => "a part of this path is a file".into(),
                    io::ErrorKind::ReadOnlyFilesystem => "it can only be read".into(),
                    _ => source.to_string(),
                };
                write!(
                    f,
                    "nothing can be written into {}: {what}; name another folder",
                    folder(path)
                )
            }
            Self::Taken { folder: path, found } => write!(
                f,
                "{} holds something else ({found}), and nothing in it is touched; name a new or \
                 empty folder",
                folder(path)
            ),
            Self::OtherLadder(path) => write!(
                f,
                "{} was begun with other settings (--webm or not, another version, or another \
                 encoder); name another folder, or remove this one to begin anew",
                folder(path)
            ),
            Self::FilmChanged { film: path, folder: out } => write!(
                f,
                "{} is not the film with which {} was begun, or has changed since; name another \
                 folder, or remove this one to begin anew",
                film(path),
                folder(out)
            ),
            Self::InUse(path) => write!(
                f,
                "another run encodes into {} at this moment; wait for it, or name another folder",
                folder(path)
            ),
            _ => Ok(()),
        }
    }

    fn of_the_work(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom(path) => write!(
                f,
                "there is no room left on the disk of {}; make room, and the same command goes on \
                 from there",
                folder(path)
            ),
            Self::TooLong(path) => write!(
                f,
                "the system allows no file in {} to become that long (ulimit -f); raise that, and \
                 the same command goes on from there",
                folder(path)
            ),
            Self::Failed { making, said } => {
                write!(f, "ffmpeg failed at {making} ({said}); --verbose shows all that it says")
            }
            Self::Misaligned { rung, why } => write!(
                f,
                "the key frames of {rung} do not stand where the other rungs have them ({why}): a \
                 player could not change between them; remove the folder, and encode anew"
            ),
            Self::Damaged { file, why } => write!(
                f,
                "{} is damaged ({why}); delete it, and the same command makes it anew",
                repeat::path(file, "a file")
            ),
            Self::Stopped { made, of } => write!(
                f,
                "stopped; {made} of {of} files are made, and the same command makes the rest"
            ),
            _ => Ok(()),
        }
    }
}
