//! What live playback needs beyond the rest.

use crate::live::control::{Aim, Control, Sound};
use crate::player::cx::Cx;
use crate::presentation::{Kind, Presentation, Service};
use crate::time::{Instant, Span};
use crate::units::Rate;
use core::time::Duration;

/// How far behind the edge fetching starts where segments grow. A whole segment more, for the sake
/// of tenths of a second before it, costs a slow link more time than waiting for them.
pub(in crate::player) const ENTRY: Duration = Duration::from_millis(120);
/// Media that arrived this far behind the edge is the newest there is.
pub(super) const CAUGHT_UP: Duration = Duration::from_millis(250);
/// No drift below this is jumped over.
const LEAST_DRIFT: Duration = Duration::from_millis(500);

/// What live playback needs beyond the rest.
#[derive(Debug)]
pub(in crate::player) struct Live {
    pub(super) control: Control,
    /// It holds to the edge; off while the viewer is elsewhere in the window.
    pub(super) following: bool,
    /// Every track is read while it grows.
    pub(super) growing: bool,
    pub(super) rate: Rate,
    /// When media at the start's place was first seen.
    pub(super) waiting_since: Option<Instant>,
    /// The picture goes on after it stood: until then what came in the meantime is jumped over once it
    /// is there.
    pub(super) returning: Option<Instant>,
    pub(super) told_window: Option<Span>,
}

impl Live {
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

/// The latency that the operator wishes (`Latency` of a ServiceDescription, ISO/IEC 23009-1 annex K): the
/// target, else what is `suggested`, within what is allowed.
fn wished(service: &Service, suggested: Option<Duration>) -> Option<Duration> {
    let target = service.target_latency.or(suggested).or(service.min_latency)?;
    let most = service.max_latency.unwrap_or(Duration::MAX);
    Some(target.min(most).max(service.min_latency.unwrap_or_default()))
}

/// What the live control aims at.
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
    let target = cx.config.latency.or_else(|| wished(&p.service, suggested));
    let aim = if growing { Aim::growing(target, sound) } else { Aim::whole(target, segment) };
    let slowest = p.service.min_rate_permille.map_or(aim.slowest, Rate::from_permille);
    let fastest = p.service.max_rate_permille.map_or(aim.fastest, Rate::from_permille);
    Aim {
        // Less than this is what steering is for.
        max_drift: cx.config.max_drift.max(LEAST_DRIFT) + aim.unit,
        // What the operator allows, as far as it cannot be heard.
        slowest: slowest.max(aim.slowest).min(Rate::NORMAL),
        fastest: fastest.min(aim.fastest).max(Rate::NORMAL),
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
