//! The parts that change when a MediaSource is opened, fails or is rebuilt; and reporting errors.

use super::Stage;
use crate::player::cx::Cx;
use crate::player::error::Error;
use crate::player::event::Event;
use crate::player::figures::Figures;
use crate::player::io::Output;
use crate::player::manifest::Manifest;
use crate::player::playhead::Playhead;
use crate::player::quality::Adaptation;
use crate::player::requests::Requests;
use crate::player::select::Types;
use crate::player::track::Tracks;
use crate::presentation::Presentation;

/// The parts that change (`&mut`) or are read (`&`) when a MediaSource is opened, fails or is
/// rebuilt. Made for one step.
#[derive(Debug)]
pub(in crate::player) struct Opening<'a> {
    pub(in crate::player) stage: &'a mut Stage,
    pub(in crate::player) tracks: &'a mut Tracks,
    pub(in crate::player) requests: &'a mut Requests,
    pub(in crate::player) head: &'a mut Playhead,
    pub(in crate::player) quality: &'a mut Adaptation,
    pub(in crate::player) types: &'a mut Types,
    pub(in crate::player) figures: &'a mut Figures,
    pub(in crate::player) manifest: &'a Manifest,
    /// The address that was loaded.
    pub(in crate::player) url: &'a str,
}

impl Opening<'_> {
    /// Asks the browser about types that it was not asked about before.
    pub(in crate::player) fn ask_types(&mut self, cx: &mut Cx<'_>, p: &Presentation) {
        let mimes = self.types.unasked(p);
        if !mimes.is_empty() {
            cx.push(Output::Probe(mimes));
        }
    }

    /// Tells the page of an error; a fatal one ends all requests.
    pub(in crate::player) fn report_error(&mut self, cx: &mut Cx<'_>, error: Error) {
        self.figures.errors = self.figures.errors.saturating_add(1);
        let fatal = error.fatal;
        cx.emit(Event::Error(error));
        if fatal {
            self.requests.cancel_all(cx);
            self.stage.fail();
            self.head.give_up(cx);
        }
    }
}
