//! Tests whether the link carries the next rung: fetches a finished segment of it beside the
//! picture, and throws it away.

use super::adaptation::{Adaptation, FRESH, LATE_BY_LINK, View};
use super::state::RunningProbe;
use crate::abr::Rung;
use crate::abr::{live, probe};
use crate::player::cx::Cx;
use crate::player::io::{Body, FetchId};
use crate::player::place::track_of;
use crate::player::requests::{Patience, Purpose, Requests};
use crate::presentation::{Segment, TrackKind};
use crate::time::{Duration, Instant};
use crate::units::Bitrate;
use alloc::vec::Vec;

/// A probe that takes longer than this has failed.
const PATIENCE: Patience = Patience::even(Duration::from_secs(2));
/// The least time over which the throughput of the other requests is measured during a probe.
const LEAST_BESIDE: Duration = Duration::from_millis(100);

impl Adaptation {
    /// A probe is running.
    pub(in crate::player) const fn is_probing(&self) -> bool {
        self.probe.run.is_some()
    }

    /// Ends the running probe if the picture is late: the picture needs the link.
    pub(in crate::player) fn probe_unless_late(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        v: &View<'_>,
    ) {
        if let Some(run) = self.probe.run.as_ref().filter(|_| v.late > LATE_BY_LINK) {
            requests.cancel(cx, run.id);
            self.finish(cx.now, v);
        }
    }

    /// Starts a probe for the next rung, if one is due and its answer is not known.
    pub(in crate::player) fn probe(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        v: &View<'_>,
    ) {
        let due = self.probe.prober.due(v.ahead);
        if due.is_some_and(|due| cx.now < due) {
            return;
        }
        let Some((target, segment)) = self.target(cx.now, v) else { return };
        if self.rule.held_until(target.rep, v.ahead).is_some_and(|t| cx.now < t) {
            return;
        }
        let body = Body::Growing(Vec::new());
        let id = requests.send(cx, Purpose::Probe, &segment.resource, body, PATIENCE);
        self.probe.prober.begun(cx.now);
        let media_before = self.reads.shared;
        self.probe.run = Some(RunningProbe { id, target, bytes: 0, first: None, media_before });
    }

    /// The next rung and its newest finished segment; `None`: no probe is needed.
    fn target(&self, now: Instant, v: &View<'_>) -> Option<(Rung, Segment)> {
        let stream = v.tracks.of(TrackKind::Video)?;
        let track = track_of(v.presentation, stream.place())?;
        if self.chosen(v.types, track).is_some() {
            return None;
        }
        let target = probe::next_rung(&self.rungs(now, v.types, track), stream.place().rep)?;
        // A fresh measurement already shows that the link carries it.
        let need = target.bandwidth.as_bps() + v.others().as_bps();
        let known = self
            .estimate
            .fresh(now, FRESH)
            .map_or(0, |r| r.scaled(live::up_permille(v.ahead)).as_bps());
        if known >= need {
            return None;
        }
        let list = &track.representations.get(target.rep)?.segments;
        let current = stream.coming()?.segment().number;
        let segment = list.numbered(current.checked_sub(1)?)?;
        Some((target, segment))
    }

    /// Takes a read of the probe.
    pub(in crate::player) fn probe_read(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        v: &View<'_>,
        id: FetchId,
        len: u32,
    ) {
        let Some(run) = self.probe.run.as_mut().filter(|r| r.id == id) else { return };
        run.bytes += self.reads.share(len);
        let (first, _) = *run.first.get_or_insert((cx.now, run.bytes));
        let lasted = cx.now.since(first);
        // At less than a third of the rung's bandwidth, waiting longer changes nothing.
        let hopeless = lasted >= probe::LEAST_PROBE
            && Bitrate::of(run.bytes, lasted).is_none_or(|r| r < run.target.bandwidth.scaled(333));
        if hopeless || run.bytes >= probe::MOST_BYTES || lasted >= probe::LONGEST_PROBE {
            requests.cancel(cx, id);
            self.finish(cx.now, v);
        }
    }

    /// The probe's request ended.
    pub(in crate::player) fn probe_over(&mut self, now: Instant, v: &View<'_>, id: FetchId) {
        if self.probe.run.as_ref().is_some_and(|r| r.id == id) {
            self.finish(now, v);
        }
    }

    fn finish(&mut self, now: Instant, v: &View<'_>) {
        let Some(run) = self.probe.run.take() else { return };
        let Some((first, first_bytes)) = run.first else {
            return self.probe.prober.note_result(false);
        };
        let time = now.since(first);
        // If all arrived in one read, its time is too short to be measured: the floor below is
        // used.
        let bytes = if run.bytes == first_bytes { run.bytes } else { run.bytes - first_bytes };
        let all = self.reads.shared.saturating_sub(run.media_before);
        let beside = Bitrate::of(all.saturating_sub(run.bytes), time.max(LEAST_BESIDE));
        let proven = self.probe.prober.throughput(bytes, time, beside.unwrap_or_default());
        let need = run.target.bandwidth.as_bps() + v.others().as_bps();
        let sufficed =
            proven.is_some_and(|r| r.scaled(live::up_permille(v.ahead)).as_bps() >= need);
        self.probe.prober.note_result(sufficed);
        if let Some(rate) = proven.filter(|_| sufficed) {
            self.estimate.raise_to(now, rate);
        }
    }
}
