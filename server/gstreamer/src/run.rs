//! One run: the pipeline, and what its parts share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gstreamer as gst;

use gst::prelude::*;

use crate::plan::Plan;
use crate::source;
use crate::times::{LipSync, Ns, Report};
use crate::trouble::{End, Trouble};

/// A run.
pub(crate) struct Run {
    pub(crate) plan: Plan,
    pub(crate) pipeline: gst::Pipeline,
    /// All of the sound, whose errors end nothing.
    pub(crate) sound: gst::Bin,
    pub(crate) end: End,
    began: Instant,
    streams: Mutex<Streams>,
}

/// What is known about the camera's streams.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Codecs by the names that the camera's description has.
    pub(crate) video: Option<String>,
    pub(crate) audio: Option<String>,
    /// The server has been told.
    pub(crate) told: bool,
    /// Of each kind the first one is taken.
    pub(crate) has_video: bool,
    pub(crate) has_audio: bool,
    /// Sound cannot be made of what the camera sends.
    pub(crate) mute: bool,
    /// Sender reports that no packet has followed yet, by SSRC.
    pub(crate) reports: HashMap<u32, Report>,
    pub(crate) sync: LipSync,
}

impl Run {
    /// What is known about the streams.
    pub(crate) fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nanoseconds since it began.
    pub(crate) fn now(&self) -> Ns {
        Ns::try_from(self.began.elapsed().as_nanos()).unwrap_or(Ns::MAX)
    }

    /// Says goodbye to the camera.
    pub(crate) fn stop(&self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Starts a run; how it ends is told to `end`.
pub(crate) fn start(plan: Plan, end: &End) -> Result<Arc<Run>, Trouble> {
    let run = Arc::new(Run {
        plan,
        pipeline: gst::Pipeline::new(),
        sound: gst::Bin::new(),
        end: end.clone(),
        began: Instant::now(),
        streams: Mutex::default(),
    });
    run.pipeline.add(&run.sound).map_err(|e| Trouble::failed(&e))?;
    listen(&run)?;
    source::add(&run)?;
    run.pipeline.set_state(gst::State::Playing).map_err(|e| {
        // The error itself, if there is one, was told before.
        Trouble::failed(&e)
    })?;
    Ok(run)
}

/// Each message is looked at in the thread that sends it: an error of sound must be known before
/// the source hears that a stream has failed.
fn listen(run: &Arc<Run>) -> Result<(), Trouble> {
    let bus = run.pipeline.bus().ok_or_else(|| Trouble::failed(&"no bus"))?;
    let weak = Arc::downgrade(run);
    bus.set_sync_handler(move |_, message| {
        let Some(run) = weak.upgrade() else { return gst::BusSyncReply::Drop };
        match message.view() {
            gst::MessageView::Error(error) => {
                let of_sound = error.src().is_some_and(|src| src.has_as_ancestor(&run.sound));
                if of_sound {
                    run.streams().mute = true;
                    eprintln!("note of the sound: {}", Trouble::failed(&error.error()));
                } else {
                    // To find out what is wrong may take seconds, in which others need the streams.
                    let has_video = run.streams().video.is_some();
                    run.end.because(Some(Trouble::of(error, &run.plan.location, has_video)));
                }
            }
            gst::MessageView::Warning(warning) => {
                eprintln!("note {}", Trouble::failed(&warning.error()));
            }
            gst::MessageView::Eos(_) => run.end.because(Some(Trouble::Closed)),
            _ => {}
        }
        gst::BusSyncReply::Drop
    });
    Ok(())
}
