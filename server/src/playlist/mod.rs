//! A camera's window to MPD and m3u8: pure functions, through the core's writers.

mod dash;
mod hls;

pub use dash::mpd;
pub use hls::{media, multivariant};

use crate::store::{PeriodInfo, RenditionInfo, RenditionKind, Window};

/// The rate that manifests give a rendition before it is known, bits a second.
const UNKNOWN_VIDEO_BPS: u64 = 2_000_000;
const UNKNOWN_AUDIO_BPS: u64 = 64_000;

/// A rendition's rate for manifests: its highest in the window, rounded up to two digits so that it
/// does not change with every segment.
fn bandwidth_bps(window: &Window, track: usize) -> u64 {
    let spec = window.renditions.get(track);
    let measured = window
        .periods
        .iter()
        .flat_map(|p| &p.tracks)
        .filter(|t| t.track == track)
        .map(|t| t.peak_bps)
        .max()
        .unwrap_or(0);
    let nominal = spec.and_then(|s| s.nominal_bps).unwrap_or(0);
    let unknown = match spec.map(|s| s.kind) {
        Some(RenditionKind::Audio) => UNKNOWN_AUDIO_BPS,
        _ => UNKNOWN_VIDEO_BPS,
    };
    match measured.max(nominal) {
        0 => unknown,
        bps => round_up(bps),
    }
}

/// The type of stream access point with which every segment begins, or a lower one; `None` if one
/// begins without.
fn sap_type<'a>(tracks: impl IntoIterator<Item = &'a RenditionInfo>) -> Option<u8> {
    let mut types = tracks.into_iter().flat_map(|t| &t.segments).map(|s| s.sap_type);
    types.try_fold(1, |most: u8, t| (t > 0).then(|| most.max(t)))
}

/// Up to two significant digits.
fn round_up(bps: u64) -> u64 {
    let mut step = 1;
    while bps / step >= 100 {
        step *= 10;
    }
    bps.div_ceil(step) * step
}

/// The tracks of one kind in a Period.
fn of_kind<'a>(
    window: &'a Window,
    period: &'a PeriodInfo,
    kind: RenditionKind,
) -> impl Iterator<Item = &'a RenditionInfo> {
    period
        .tracks
        .iter()
        .filter(move |t| window.renditions.get(t.track).is_some_and(|r| r.kind == kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded_up_to_two_digits() {
        assert_eq!(round_up(1_913_377), 2_000_000);
        assert_eq!(round_up(64_000), 64_000);
        assert_eq!(round_up(641), 650);
    }
}
