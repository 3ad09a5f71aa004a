//! The state that only live playback needs, and the settings of the live control.

use crate::live::control::{Aim, Control, Sound};
use crate::player::cx::Cx;
use crate::presentation::{Kind, Presentation, Service};
use crate::time::{Duration, Instant, Span};
use crate::units::Rate;

/// Where segments grow, fetching starts at least this far behind the edge. Not farther: it might
/// then need a whole segment more, which costs a slow link more time than waiting for as much
/// media.
pub(in crate::player) const ENTRY: Duration = Duration::from_millis(120);
/// Buffered media that ends this near to the edge is the newest there is.
pub(super) const CAUGHT_UP: Duration = Duration::from_millis(250);
/// A drift below this is corrected by rate, never by a jump, whatever the option says.
const LEAST_DRIFT: Duration = Duration::from_millis(500);

/// The state that only live playback needs.
#[derive(Debug)]
pub(in crate::player) struct LivePlayback {
    pub(super) control: Control,
    /// Playback follows the edge; false while the viewer is elsewhere in the window.
    pub(super) following: bool,
    /// The segments of every track are read while they grow.
    pub(super) growing: bool,
    /// The rate that the element was told last.
    pub(super) rate: Rate,
    /// When media at the start position was first seen.
    pub(super) waiting_since: Option<Instant>,
    /// Set after a stall: until then, playback jumps to the newest media once that has arrived.
    pub(super) returning: Option<Instant>,
    /// The seekable window that the driver was told last.
    pub(super) told_window: Option<Span>,
}

impl LivePlayback {
    pub(in crate::player) fn new(
        cx: &Cx<'_>,
        p: &Presentation,
        growing: bool,
        sound: Sound,
        segment: Duration,
    ) -> Self {
        Self {
            control: Control::new(aim(cx, p, growing, sound, segment), cx.now),
            following: true,
            growing,
            rate: Rate::NORMAL,
            waiting_since: None,
            returning: None,
            told_window: None,
        }
    }
}

/// The latency that the manifest asks for (`Latency` of a ServiceDescription, ISO/IEC 23009-1 annex
/// K): its target, else the `suggested` delay, within its minimum and maximum.
fn wished(service: &Service, suggested: Option<Duration>) -> Option<Duration> {
    let target = service.target_latency.or(suggested).or(service.min_latency)?;
    let most = service.max_latency.unwrap_or(Duration::MAX);
    Some(target.min(most).max(service.min_latency.unwrap_or_default()))
}

/// The settings of the live control, from the options and the manifest.
pub(super) fn aim(
    cx: &Cx<'_>,
    p: &Presentation,
    growing: bool,
    sound: Sound,
    segment: Duration,
) -> Aim {
    let suggested = match &p.kind {
        Kind::Live(live) => live.suggested_delay.filter(|_| !growing),
        Kind::OnDemand { .. } => None,
    };
    let config = cx.config;
    let counted = |permille: u32| Some(segment * permille / 1000).filter(|it| !it.is_zero());
    let asked = config.latency.or_else(|| counted(config.latency_segments));
    let target = asked.or_else(|| wished(&p.service, suggested));
    let loose = asked.or_else(|| wished(&p.service, None)).is_none();
    let aim = if growing { Aim::growing(target, sound) } else { Aim::whole(target, segment) };
    let slowest = p.service.min_rate_permille.unwrap_or_default().max(config.slowest);
    let fastest = p.service.max_rate_permille.unwrap_or(u32::MAX).min(config.fastest);
    let max_drift = counted(config.max_drift_segments).unwrap_or(config.max_drift);
    Aim {
        loose: loose && !growing,
        // A whole segment arrives at once, so the drift varies by its length.
        max_drift: max_drift.max(LEAST_DRIFT) + aim.unit,
        // The manifest and the page may narrow the range of rates; a wider one could be heard.
        slowest: Rate::from_permille(slowest).max(aim.slowest).min(Rate::NORMAL),
        fastest: Rate::from_permille(fastest).min(aim.fastest).max(Rate::NORMAL),
        ..aim
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_wish_is_kept_within_what_the_operator_allows() {
        let ms = |it: Option<u64>| it.map(Duration::from_millis);
        let cases = [
            // target, least, most, suggested
            ([None, None, None, None], None),
            ([Some(800), None, None, Some(4000)], Some(800)),
            ([None, None, None, Some(4000)], Some(4000)),
            ([None, Some(1000), None, None], Some(1000)),
            ([Some(800), Some(1000), None, None], Some(1000)),
            ([None, None, Some(2000), Some(4000)], Some(2000)),
            ([None, None, Some(2000), None], None),
            ([Some(500), Some(3000), Some(2000), None], Some(3000)),
        ];
        for (input, expected) in cases {
            let [target, least, most, suggested] = input.map(ms);
            let service = Service {
                target_latency: target,
                min_latency: least,
                max_latency: most,
                ..Service::default()
            };
            assert_eq!(wished(&service, suggested), ms(expected), "{input:?}");
        }
    }
}
