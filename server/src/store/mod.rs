//! All that can be served: per camera a bounded window of Periods, renditions and growing segments,
//! in RAM.
//! The packagers ([`crate::package`]) write. The HTTP handlers ([`crate::http`]) and the manifests
//! ([`crate::playlist`]) read, through a [`Window`]. A segment that is being read lives until its
//! last reader drops it, in the window or not.

mod budget;
mod segment;
mod spec;
mod window;

pub use budget::Budget;
pub use segment::{Reader, Segment};
pub use spec::{PeriodMs, RenditionKind, RenditionSpec};
pub use window::{PeriodInfo, RenditionInfo, SegmentInfo, SourceStatus, Window};

use bytes::Bytes;
use nearlive::time::WallTime;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How much of a camera is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Older media is dropped.
    pub window: Duration,
    /// The most bytes for one camera, whatever its window.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { window: Duration::from_secs(30), bytes: 64 << 20 }
    }
}

impl Limits {
    fn oldest_us(&self, now_us: i64) -> i64 {
        now_us.saturating_sub(i64::try_from(self.window.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Older Periods are dropped, whatever the window: in every manifest each costs every viewer a kilobyte.
const MOST_PERIODS: usize = 50;

/// The counters of HLS begin at the year 2026.
const COUNTERS_SINCE_MS: PeriodMs = 1_767_225_600_000;

/// The answer to a request for a segment.
#[derive(Debug)]
pub enum Lookup {
    /// It exists, finished or growing.
    Found(Reader),
    /// It will begin soon: wait with [`Camera::changed`].
    Soon,
    /// It has left the window.
    Gone,
    /// Its Period ended before it: a newer manifest has the Period that followed.
    Never,
    /// No such Period or rendition exists.
    Unknown,
}

/// The media of one camera.
#[derive(Debug)]
pub struct Camera {
    inner: Mutex<Inner>,
    version: watch::Sender<u64>,
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct Inner {
    renditions: Vec<RenditionSpec>,
    periods: VecDeque<Period>,
    limits: Limits,
    bytes: u64,
    /// By track: the HLS media sequence number of its oldest segment; 0 before there was a Period.
    media_sequences: Vec<u64>,
    /// The discontinuity sequence number of the oldest Period.
    oldest_sequence: u64,
    status: SourceStatus,
}

#[derive(Debug)]
struct Period {
    ms: PeriodMs,
    first_number: u64,
    duration_us: u64,
    listed: bool,
    published: bool,
    /// Its newest video segments replace all that should have followed.
    lasts: bool,
    tracks: BTreeMap<usize, Track>,
    sequence: u64,
}

#[derive(Debug)]
struct Track {
    init: Bytes,
    codec: String,
    size: Option<(u32, u32)>,
    channels: Option<u8>,
    timescale: u32,
    segments: VecDeque<Arc<Segment>>,
    peak_bps: u64,
    /// It has gone on to another Period.
    ended: bool,
}

/// A track of a new Period.
#[derive(Clone, Debug)]
pub struct TrackSetup {
    /// Initialization segment.
    pub init: Bytes,
    /// RFC 6381.
    pub codec: String,
    /// Width and height of a picture.
    pub size: Option<(u32, u32)>,
    /// Channels of sound.
    pub channels: Option<u8>,
    /// Ticks in a second.
    pub timescale: u32,
}

impl Camera {
    /// A camera with nothing yet. Its bytes count against `budget` as well.
    pub fn new(renditions: Vec<RenditionSpec>, limits: Limits, budget: Arc<Budget>) -> Arc<Self> {
        let media_sequences = vec![0; renditions.len()];
        Arc::new(Self {
            inner: Mutex::new(Inner {
                renditions,
                periods: VecDeque::new(),
                limits,
                bytes: 0,
                media_sequences,
                oldest_sequence: 0,
                status: SourceStatus::default(),
            }),
            version: watch::Sender::new(0),
            budget,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        self.version.send_modify(|v| *v = v.wrapping_add(1));
    }

    /// Resolves whenever a segment begins, a Period begins, or the status changes.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// The renditions, in order of track number.
    pub fn renditions(&self) -> Vec<RenditionSpec> {
        self.lock().renditions.clone()
    }

    /// Width and height of the camera's own picture in the newest Period in manifests; `None` if
    /// that does not have it.
    pub fn copied_size(&self) -> Option<(u32, u32)> {
        let inner = self.lock();
        let period = inner.periods.iter().rev().find(|p| p.published)?;
        let is_copied = |track: usize| inner.renditions.get(track).is_some_and(|r| r.copied);
        period.tracks.iter().filter(|(track, _)| is_copied(**track)).find_map(|(_, t)| t.size)
    }

    /// Bytes of media held.
    pub fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// Whether there is a manifest to serve.
    pub fn is_ready(&self) -> bool {
        self.lock().periods.iter().any(|p| p.published)
    }

    /// At `now_us`, media that ends before this is dropped; both in Unix microseconds.
    pub fn oldest_us(&self, now_us: i64) -> i64 {
        self.lock().limits.oldest_us(now_us)
    }

    /// The state of the source.
    pub fn status(&self) -> SourceStatus {
        self.lock().status.clone()
    }

    /// Sets the state of the source.
    pub fn set_status(&self, status: SourceStatus) {
        let mut inner = self.lock();
        if inner.status != status {
            inner.status = status;
            drop(inner);
            self.touch();
        }
    }

    /// Begins a Period at `ms` whose first segment has `first_number` and whose slots are
    /// `duration_us` long. `listed`: its segments are of uneven length and have to be listed.
    /// It is in no manifest until [`publish`](Self::publish) is called.
    pub fn begin_period(&self, ms: PeriodMs, first_number: u64, duration_us: u64, listed: bool) {
        let mut inner = self.lock();
        if inner.periods.is_empty() && inner.oldest_sequence == 0 {
            // The counters of HLS must not fall when the server is started again (RFC 8216bis
            // 6.2.2), so they count from the clock: no camera has two segments a second for long.
            // They stay far below 2^31, beyond which hls.js does not come to an end.
            let ms = ms.saturating_sub(COUNTERS_SINCE_MS);
            inner.oldest_sequence = ms / 60_000;
            inner.media_sequences.fill(ms / 500);
        }
        let sequence = inner.periods.back().map_or(inner.oldest_sequence, |p| p.sequence + 1);
        let tracks = BTreeMap::new();
        inner.periods.push_back(Period {
            ms,
            first_number,
            duration_us,
            listed,
            published: false,
            lasts: false,
            tracks,
            sequence,
        });
        drop(inner);
        self.touch();
    }

    /// Drops everything: time has gone back, and the media lies in the future. Readers of growing
    /// segments are at their end.
    pub fn forget(&self) {
        let mut inner = self.lock();
        let periods = std::mem::take(&mut inner.periods);
        inner.oldest_sequence = periods.back().map_or(inner.oldest_sequence, |p| p.sequence + 1);
        for (track, t) in periods.iter().flat_map(|p| &p.tracks) {
            for segment in &t.segments {
                segment.finish(0);
                segment.leave();
            }
            if let Some(n) = inner.media_sequences.get_mut(*track) {
                *n += t.segments.len() as u64;
            }
        }
        let freed = std::mem::take(&mut inner.bytes);
        drop(inner);
        self.budget.sub(freed);
        self.touch();
    }

    /// All tracks of the newest Period are set up, as far as they will be: manifests may have it.
    pub fn publish(&self) {
        let mut inner = self.lock();
        let Some(period) = inner.periods.back_mut().filter(|p| !p.published) else { return };
        period.published = true;
        drop(inner);
        self.touch();
    }

    /// The video segments of Period `ms` last longer than announced: a request for one that should
    /// have followed gets the newest, because no other has a picture to begin with. No segment
    /// follows them in this Period.
    pub fn lasts(&self, ms: PeriodMs) {
        let mut inner = self.lock();
        let Some(period) = inner.period_mut(ms).filter(|p| !p.lasts) else { return };
        period.lasts = true;
        drop(inner);
        self.touch();
    }

    /// How many tracks the newest Period has, when it is not published yet.
    pub fn unpublished(&self) -> Option<usize> {
        self.lock().periods.back().filter(|p| !p.published).map(|p| p.tracks.len())
    }

    /// Sets up `track` in Period `ms`; does nothing if it is set up already.
    pub fn set_up(&self, ms: PeriodMs, track: usize, setup: TrackSetup) {
        let mut inner = self.lock();
        let Some(period) = inner.period_mut(ms) else { return };
        period.tracks.entry(track).or_insert_with(|| Track {
            init: setup.init,
            codec: setup.codec,
            size: setup.size,
            channels: setup.channels,
            timescale: setup.timescale,
            segments: VecDeque::new(),
            peak_bps: 0,
            ended: false,
        });
        drop(inner);
        self.touch();
    }

    /// Begins a segment of `track` in Period `ms`; the one before it ends. Its start is in ticks of
    /// the track. `None` when there is no such Period or track.
    pub fn begin_segment(
        &self,
        ms: PeriodMs,
        track: usize,
        number: u64,
        start_ticks: u64,
    ) -> Option<Arc<Segment>> {
        let mut inner = self.lock();
        let period = inner.period_mut(ms)?;
        let least_us = period.least_telling_us();
        let t = period.tracks.get_mut(&track)?;
        if let Some(last) = t.segments.back() {
            last.finish(start_ticks);
            t.peak_bps = t.peak_bps.max(last.bps(t.timescale, least_us));
        }
        let segment = Arc::new(Segment::new(number, start_ticks));
        t.segments.push_back(Arc::clone(&segment));
        drop(inner);
        self.touch();
        Some(segment)
    }

    /// Ends the last segment of `track` in Period `ms` at `end_ticks`; none will follow it there.
    pub fn end_segment(&self, ms: PeriodMs, track: usize, end_ticks: u64) {
        let mut inner = self.lock();
        let Some(period) = inner.period_mut(ms) else { return };
        let least_us = period.least_telling_us();
        let Some(t) = period.tracks.get_mut(&track) else { return };
        t.ended = true;
        if let Some(last) = t.segments.back() {
            last.finish(end_ticks);
            t.peak_bps = t.peak_bps.max(last.bps(t.timescale, least_us));
        }
        drop(inner);
        self.touch();
    }

    /// Adds a chunk to `segment`.
    pub fn push_chunk(&self, segment: &Segment, bytes: Bytes, duration_ticks: u64) {
        let n = bytes.len() as u64;
        // Under the lock, so that the segment does not leave the window in between.
        let mut inner = self.lock();
        if segment.push(bytes, duration_ticks) {
            inner.bytes += n;
            self.budget.add(n);
        }
    }

    /// Drops media that is too old or too much at origin time `now`, but not the segments being written.
    pub fn evict(&self, now: WallTime) {
        let over_all = self.budget.over();
        let mut inner = self.lock();
        let before = inner.bytes;
        inner.evict(now, over_all);
        let freed = before - inner.bytes;
        drop(inner);
        if freed > 0 {
            self.budget.sub(freed);
        }
    }

    /// The initialization segment of a rendition in a Period.
    pub fn init(&self, ms: PeriodMs, rendition: &str) -> Option<Bytes> {
        let inner = self.lock();
        let track = inner.track_of(rendition)?;
        inner.periods.iter().find(|p| p.ms == ms)?.tracks.get(&track).map(|t| t.init.clone())
    }

    /// Finds a segment. One that is next in a Period that still goes on is [`Lookup::Soon`]. A Period
    /// goes on for each track until that has gone on to another, and until manifests show that one.
    pub fn segment(&self, ms: PeriodMs, rendition: &str, number: u64) -> Lookup {
        let inner = self.lock();
        let Some(track) = inner.track_of(rendition) else { return Lookup::Unknown };
        let Some(i) = inner.periods.iter().position(|p| p.ms == ms) else {
            let old = inner.periods.front().is_some_and(|p| ms < p.ms);
            return if old { Lookup::Gone } else { Lookup::Unknown };
        };
        let newest = inner.periods.iter().rposition(|p| p.published).is_none_or(|last| i >= last);
        let Some(t) = inner.periods[i].tracks.get(&track) else {
            return if newest { Lookup::Soon } else { Lookup::Unknown };
        };
        let current = newest || !t.ended && !t.segments.is_empty();
        if let Some(s) = t.segments.iter().rev().find(|s| s.number() == number) {
            return Lookup::Found(Reader::new(Arc::clone(s)));
        }
        match t.segments.back() {
            None if current => Lookup::Soon,
            Some(last) if current && inner.lasts(i, track) && number > last.number() => {
                Lookup::Found(Reader::new(Arc::clone(last)))
            }
            Some(last) if number <= last.number() => Lookup::Gone,
            Some(last) if current && number <= last.number() + 2 => Lookup::Soon,
            Some(_) if current => Lookup::Unknown,
            _ => Lookup::Never,
        }
    }

    /// All data for manifests, at one moment.
    pub fn window(&self) -> Window {
        let inner = self.lock();
        Window {
            renditions: inner.renditions.clone(),
            window: inner.limits.window,
            status: inner.status.clone(),
            periods: inner.periods.iter().filter(|p| p.published).map(Period::info).collect(),
            media_sequences: inner.media_sequences.clone(),
        }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let bytes = self.lock().bytes;
        self.budget.sub(bytes);
    }
}

impl Inner {
    fn track_of(&self, rendition: &str) -> Option<usize> {
        self.renditions.iter().position(|r| r.id == rendition)
    }

    fn lasts(&self, period: usize, track: usize) -> bool {
        self.periods.get(period).is_some_and(|p| p.lasts)
            && self.renditions.get(track).is_some_and(|r| r.kind == RenditionKind::Video)
    }

    fn period_mut(&mut self, ms: PeriodMs) -> Option<&mut Period> {
        self.periods.iter_mut().rev().find(|p| p.ms == ms)
    }

    fn evict(&mut self, now: WallTime, over_all: u64) {
        let oldest_us = self.limits.oldest_us(now.as_micros());
        let mut to_free =
            self.bytes.saturating_sub(self.limits.bytes).max(over_all.min(self.bytes));
        while let Some((p, track)) = self.oldest() {
            let periods = self.periods.len();
            let Some(t) = self.periods[p].tracks.get_mut(&track) else { break };
            let Some(s) = t.segments.front() else { break };
            let too_old = s.end_us(t.timescale).is_some_and(|end| end < oldest_us);
            if !too_old && to_free == 0 && p + MOST_PERIODS >= periods {
                break;
            }
            let bytes = s.leave();
            t.segments.pop_front();
            if let Some(n) = self.media_sequences.get_mut(track) {
                *n += 1;
            }
            self.bytes = self.bytes.saturating_sub(bytes);
            to_free = to_free.saturating_sub(bytes);
            while self.periods.len() > 1
                && self
                    .periods
                    .front()
                    .is_some_and(|p| p.tracks.values().all(|t| t.segments.is_empty()))
            {
                self.periods.pop_front();
                self.oldest_sequence = self.periods.front().map_or(0, |p| p.sequence);
            }
        }
    }

    /// The Period and track whose first segment is the oldest that may be dropped: segments being
    /// written stay, but do not keep older ones of other tracks.
    fn oldest(&self) -> Option<(usize, usize)> {
        self.periods.iter().enumerate().find_map(|(p, period)| {
            let kept = usize::from(p + 1 == self.periods.len());
            let (track, _) = period
                .tracks
                .iter()
                .filter(|(_, t)| t.segments.len() > kept)
                .filter_map(|(i, t)| Some((*i, t.segments.front()?.start_us(t.timescale))))
                .min_by_key(|(_, start)| *start)?;
            Some((p, track))
        })
    }
}

impl Period {
    /// Shorter segments were cut off, and do not tell a rendition's rate.
    fn least_telling_us(&self) -> u64 {
        /// The same where their lengths are uneven.
        const LEAST_US: u64 = 200_000;
        if self.listed { LEAST_US } else { LEAST_US.max(self.duration_us / 2) }
    }

    fn info(&self) -> PeriodInfo {
        PeriodInfo {
            ms: self.ms,
            first_number: self.first_number,
            duration_us: self.duration_us,
            listed: self.listed,
            sequence: self.sequence,
            tracks: self
                .tracks
                .iter()
                .map(|(i, t)| RenditionInfo {
                    track: *i,
                    codec: t.codec.clone(),
                    size: t.size,
                    channels: t.channels,
                    timescale: t.timescale,
                    peak_bps: t.peak_bps,
                    segments: t.segments.iter().map(|s| s.info()).collect(),
                })
                .collect(),
        }
    }
}
