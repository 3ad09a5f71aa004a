//! Every quality that was fetched so far, and why the last time. Tracks name a quality by its index here.

use crate::player::event::Quality;
use crate::player::select;
use crate::presentation::{Representation, Track};
use alloc::string::String;
use alloc::vec::Vec;

#[derive(Debug, Default)]
pub(super) struct Known(Vec<(Quality, String)>);

impl Known {
    /// The index of a representation; it is added if it is new.
    pub(super) fn index_of(&mut self, rep: &Representation) -> u32 {
        let quality = select::quality(rep);
        let i = self.0.iter().position(|it| it.0 == quality).unwrap_or_else(|| {
            self.0.push((quality, String::new()));
            self.0.len() - 1
        });
        u32::try_from(i).unwrap_or(0)
    }

    /// The representation of the quality with this index.
    pub(super) fn rep_of(&self, track: &Track, index: u32) -> Option<usize> {
        let id = &self.get(index)?.0.id;
        track.representations.iter().position(|it| it.id == *id)
    }

    /// The quality with this index is fetched for this reason.
    pub(super) fn fetched(&mut self, index: u32, why: &str) {
        if let Some(known) = self.0.get_mut(index as usize) {
            known.1 = why.into();
        }
    }

    /// The quality with this index, and its last reason.
    pub(super) fn get(&self, index: u32) -> Option<&(Quality, String)> {
        self.0.get(index as usize)
    }
}
