//! The log line for a new Period, with its cause, because viewers notice it.

use std::time::Duration;

use nearlive::media::isobmff::write::SampleEntry;
use nearlive::time::Instant;

use super::grid::{Period, Why};
use crate::rarely::Rarely;

/// A camera that makes one Period after another gets one line a minute.
const EVERY: Duration = Duration::from_secs(60);

/// Why pictures must begin a new Period, regardless of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afresh {
    /// Another run of the engine.
    Run,
    /// Timestamps that are unrelated to those before.
    Leap,
    /// A replacement filled the gap of missing pictures.
    Gap,
}

/// Logs the Periods of one camera.
#[derive(Debug)]
pub(super) struct News {
    pub(super) camera: String,
    rarely: Rarely,
}

impl Default for News {
    fn default() -> Self {
        Self { camera: String::new(), rarely: Rarely::new(EVERY) }
    }
}

impl News {
    /// `period` began at `us`. `changed`: with these new parameter sets.
    pub(super) fn period(
        &mut self,
        (period, why): (Period, Why),
        afresh: Option<Afresh>,
        changed: Option<&SampleEntry>,
        us: i64,
    ) {
        if matches!(why, Why::First | Why::Learnt) {
            return;
        }
        let now = Instant::from_micros(u64::try_from(us).unwrap_or(0));
        let Some(count) = self.rarely.happened(now) else { return };
        let why = cause(period, why, afresh, changed);
        let more = match count {
            1 => String::new(),
            n => format!(" (it is the last of {n} since such a line)"),
        };
        tracing::info!("{}: a new Period begins: {why}{more}", self.camera);
    }
}

fn cause(
    period: Period,
    why: Why,
    afresh: Option<Afresh>,
    changed: Option<&SampleEntry>,
) -> String {
    let seconds = Duration::from_micros(u64::try_from(period.slot_us).unwrap_or(0)).as_secs_f32();
    match (why, changed, afresh) {
        (Why::Afresh, Some(SampleEntry::Avc(c)), _) => {
            let (width, height) = (c.resolution.width, c.resolution.height);
            format!("the camera's picture is another now ({width}x{height})")
        }
        (Why::Afresh, _, Some(Afresh::Leap)) => "the camera's timestamps leapt".into(),
        (Why::Afresh, _, Some(Afresh::Gap)) => "the picture comes again".into(),
        (Why::Afresh, ..) => "the camera was connected anew".into(),
        (Why::Length | Why::Learnt, ..) => {
            format!("the camera's key frames come otherwise: segments of {seconds} s from now on")
        }
        (Why::Listed, ..) => {
            "the camera's key frames come at no regular times: one begins each segment".into()
        }
        (Why::Strayed, ..) => {
            "the camera's key frames have strayed from where segments begin".into()
        }
        (Why::First, ..) => "it is the first".into(),
    }
}
