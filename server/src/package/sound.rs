//! Writes a frame of sound into the segment that the picture's grid gives.

use super::timeline::Timeline;
use super::track::Track;

/// Writes one frame that begins at `us`, Unix microseconds.
pub(super) fn write(t: &mut Track, timeline: &Timeline, data: &[u8], us: i64) {
    let Some(period) = timeline.period_at(us) else { return };
    let place = t.writer.place();
    let number = if period.listed {
        // Listed segments: sound goes on to the next one when the picture has.
        let (newest, current) = (timeline.grid.period(), timeline.grid.current());
        let number = current.filter(|_| newest == Some(period));
        number.or_else(|| place.map(|(_, n)| n)).unwrap_or(period.first)
    } else {
        period.number_at(us)
    };
    if place.is_none_or(|(p, n)| p != period && p.ms < period.ms || p == period && n < number) {
        t.writer.begin(&timeline.camera, period, number, us);
    }
    t.writer.sound(&timeline.camera, &[data], us);
}
