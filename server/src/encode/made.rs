//! What is made of a ladder so far: each file that has its name, read and checked.

use std::collections::BTreeMap;

use super::argv::Sound;
use super::folder::Folder;
use super::job::Form;
use super::ladder::Rung;
use super::manifest::{self, Entry, Holds};
use super::piece::{Content, Piece};
use super::problem::Problem;
use super::source::Film;
use super::track::{self, Track};

/// What is made so far.
pub(super) struct Made {
    /// By the file's name.
    pub(super) tracks: BTreeMap<String, Track>,
    /// Where they are.
    pub(super) folder: Folder,
}

impl Made {
    /// Reads a file that has its name.
    pub(super) fn read(&mut self, piece: &Piece, all: &[Piece]) -> Result<(), Problem> {
        let file = self.folder.file(&piece.name);
        let track = track::read(&file).map_err(|why| Problem::Damaged { file, why })?;
        self.fits(piece, &track, all)?;
        self.tracks.insert(piece.name.clone(), track);
        Ok(())
    }

    /// Refuses a track whose key frames do not stand where the other rungs have theirs.
    pub(super) fn fits(&self, piece: &Piece, track: &Track, all: &[Piece]) -> Result<(), Problem> {
        let picture = |p: &&Piece| matches!(p.holds, Content::Picture(_));
        let other = all.iter().filter(picture).find_map(|p| self.tracks.get(&p.name));
        if let (Content::Picture(_), Some(other)) = (piece.holds, other)
            && let Some(why) = track::misfit(other, track)
        {
            return Err(Problem::Misaligned { rung: piece.name.clone(), why });
        }
        Ok(())
    }

    /// Writes what players open first, when all files are there.
    pub(super) fn write_manifests(
        &self,
        pieces: &[Piece],
        film: &Film,
        form: Form,
    ) -> Result<(), Problem> {
        let entry = |piece: &Piece| {
            let holds = match piece.holds {
                Content::Picture(Rung { width, height, .. }) => {
                    Holds::Picture { size: (width, height), rate: film.picture.rate }
                }
                Content::Sound(Sound { channels, .. }) => Holds::Sound { channels },
            };
            let track = self.tracks.get(&piece.name)?.clone();
            Some(Entry { file: piece.name.clone(), track, holds })
        };
        let entries: Vec<Entry> = pieces.iter().filter_map(entry).collect();
        if form == Form::Cmaf {
            for entry in &entries {
                self.folder.put(&entry.playlist(), manifest::media(entry).as_bytes())?;
            }
            self.folder.put("index.m3u8", manifest::multivariant(&entries).as_bytes())?;
        }
        self.folder.put("manifest.mpd", manifest::mpd(&entries, form).as_bytes())
    }
}
