//! What the parts are tested with: a film or a camera as a manifest names them, a track on it, and
//! the surroundings of one step.

use super::camera::Camera;
use super::clock::Clock;
use super::cx::Surroundings;
use super::edge::{self, Edge};
use super::io::{Cue, Output, Snapshot};
use super::manifest::Manifest;
use super::manifest::protocol::{self, Manifest as Read};
use super::place::Place;
use super::playhead::{LivePlayback, Playhead, Scene};
use super::retries::Retries;
use super::select::Types;
use super::track::Tracks;
use super::track::way::Ways;
use crate::live::control::Sound;
use crate::presentation::{Presentation, TrackKind};
use crate::time::{Duration, Instant, Position, Span, WallTime};
use crate::units::Rate;
use alloc::format;
use alloc::vec::Vec;

/// `ms` milliseconds on the timeline.
pub(super) const fn at(ms: i64) -> Position {
    Position::from_millis(ms)
}

/// `ms` milliseconds after the beginning.
pub(super) const fn now(ms: u64) -> Instant {
    Instant::from_micros(ms * 1000)
}

pub(super) fn span(from: i64, to: i64) -> Span {
    Span { start: at(from), end: at(to) }
}

/// A picture in three rungs (v0 to v2: 180, 360 and 720 lines; 300, 800 and 2500 kb/s) in segments
/// of 2 s, 60 s of it.
pub(super) fn film() -> Presentation {
    read("type='static' mediaPresentationDuration='PT60S'", "")
}

/// The same from a camera, in segments that grow; it began at Unix time zero.
pub(super) fn camera() -> Presentation {
    let attributes = "type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z'";
    read(attributes, "availabilityTimeOffset='1.96' availabilityTimeComplete='false'")
}

/// What a browser says that can play all of it.
pub(super) fn types(presentation: &Presentation) -> Types {
    let mut types = Types::default();
    let asked = types.unasked(presentation);
    types.answered(asked);
    types
}

/// The film twice, one Period after the other.
pub(super) fn two_periods() -> Presentation {
    let mut twice = film();
    let mut second = twice.periods.first().cloned().expect("a Period");
    (second.id, second.start) = ("q".into(), at(60_000));
    if let Some(first) = twice.periods.first_mut() {
        first.end = Some(at(60_000));
    }
    twice.periods.push(second);
    twice
}

fn read(mpd: &str, template: &str) -> Presentation {
    let rung = |i, w, h, kbps| {
        format!("<Representation id='v{i}' width='{w}' height='{h}' bandwidth='{kbps}000'/>")
    };
    let rungs = [rung(0, 320, 180, 300), rung(1, 640, 360, 800), rung(2, 1280, 720, 2500)];
    let text = format!(
        "<MPD {mpd}><Period id='p' start='PT0S'><AdaptationSet mimeType='video/mp4' \
         codecs='avc1.640028'><SegmentTemplate duration='2' media='$RepresentationID$-$Number$' \
         {template}/>{}</AdaptationSet></Period></MPD>",
        rungs.concat()
    );
    match protocol::read(text.as_bytes(), "https://host/a.mpd", None) {
        Ok(Read::Dash(_, presentation, _)) => presentation,
        _ => unreachable!("the MPD of the tests can be read"),
    }
}

/// A playhead, and what it sees: one track of a [`film`] or a [`camera`].
pub(super) struct World {
    pub(super) head: Playhead,
    pub(super) tracks: Tracks,
    pub(super) camera: Camera,
    pub(super) around: Surroundings,
    pub(super) retries: Retries,
    /// The live edge.
    pub(super) edge: Option<Position>,
    manifest: Manifest,
    types: Types,
}

impl World {
    pub(super) fn new(presentation: Presentation) -> Self {
        let mut tracks = Tracks::default();
        let place = Place { period: 0, track: 0, rep: 0 };
        tracks.add(TrackKind::Video, place, "video/mp4".into(), at(0));
        Self {
            head: Playhead::new(now(0)),
            tracks,
            camera: Camera::default(),
            around: Surroundings::default(),
            retries: Retries::default(),
            edge: None,
            manifest: Manifest::of(presentation),
            types: Types::default(),
        }
    }

    /// It is played live, in segments that grow, with the edge at `edge`.
    pub(super) fn live(edge: Position) -> Self {
        let mut world = Self::new(camera());
        let presentation = world.manifest.shared().expect("a presentation");
        let cx = world.around.at(now(0));
        let live = LivePlayback::new(&cx, &presentation, true, Sound::None, Duration::from_secs(2));
        world.head.goes_live(live);
        world.edge = Some(edge);
        world
    }

    /// The browser holds these; all up to `asked` was asked for in one run, and has come.
    pub(super) fn holds(&mut self, spans: &[Span], asked: Position) {
        let stream = self.tracks.of_mut(TrackKind::Video).expect("the track");
        stream.holds(spans, asked);
    }

    /// A step of the playhead; answers what it says, and what was put out.
    pub(super) fn step<T>(
        &mut self,
        when: Instant,
        step: impl FnOnce(&mut Playhead, &mut super::cx::Cx<'_>, &Scene<'_>) -> T,
    ) -> (T, Vec<Output>) {
        let presentation = self.manifest.shared().expect("a presentation");
        // The clock shows what puts the edge where it is.
        let wall = WallTime::default().offset(self.edge.unwrap_or_default().as_micros());
        let (edge, clock) = (Edge::default(), Clock::new(when, wall));
        let scene = Scene {
            now: when,
            ways: Ways::new(
                &self.tracks,
                &self.manifest,
                &self.types,
                self.head.is_live(),
                self.head.is_at_edge(),
            ),
            camera: &self.camera,
            edge: &edge,
            view: edge::View {
                presentation: &presentation,
                tracks: &self.tracks,
                clock: &clock,
                camera: &self.camera,
                url: "",
                whole: self.head.is_whole(),
                published: None,
            },
            retries: &self.retries,
        };
        let said = step(&mut self.head, &mut self.around.at(when), &scene);
        (said, self.around.drain())
    }

    /// The element stands at `ms`, as `cue` says.
    pub(super) fn observe(&mut self, when: Instant, cue: Cue, position: Position) {
        let ready = if cue == Cue::Waiting { 2 } else { 4 };
        let rate = Rate::NORMAL;
        self.head.observe(when, Snapshot { cue, position, ready, rate, ..Snapshot::default() });
    }
}
