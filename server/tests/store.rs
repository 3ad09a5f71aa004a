//! What the store keeps and what it counts, where segments do not end as they should.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nearlive::time::WallTime;
use nearlive_server::store::{
    Budget, Camera, Limits, Lookup, RenditionKind, RenditionSpec, Segment, TrackSetup,
};

const PERIOD: u64 = 1_795_491_661_000;

fn store() -> (Arc<Camera>, Arc<Budget>) {
    let budget = Arc::new(Budget::new(1 << 30));
    let spec =
        |id: &str, kind| RenditionSpec { id: id.into(), kind, copied: true, nominal_bps: None };
    let specs = vec![spec("v0", RenditionKind::Video), spec("a0", RenditionKind::Audio)];
    let limits = Limits { window: Duration::from_secs(30), bytes: 64 << 20 };
    (Camera::new(specs, limits, Arc::clone(&budget)), budget)
}

fn begin_period(store: &Camera, ms: u64) {
    store.begin_period(ms, 0, 1_000_000, false);
    for track in [0, 1] {
        let (init, codec, timescale) = (Bytes::from_static(b"init"), "avc1".into(), 1000);
        let setup = TrackSetup { init, codec, size: None, channels: None, timescale };
        store.set_up(ms, track, setup);
    }
    store.publish();
}

fn push(store: &Camera, segment: &Segment) {
    store.push_chunk(segment, Bytes::from_static(b"0123456789"), 1000);
}

#[test]
fn sound_leaves_the_window_although_a_picture_segment_does_not_end() {
    let (store, _) = store();
    begin_period(&store, PERIOD);
    let picture = store.begin_segment(PERIOD, 0, 0, PERIOD).unwrap();
    push(&store, &picture);
    for second in 0..60 {
        let start = PERIOD + second * 1000 + 5;
        let sound = store.begin_segment(PERIOD, 1, second, start).unwrap();
        push(&store, &sound);
        store.evict(WallTime::from_millis(i64::try_from(start).unwrap()));
    }
    assert!(matches!(store.segment(PERIOD, "v0", 0), Lookup::Found(_)), "it is being written");
    assert!(matches!(store.segment(PERIOD, "a0", 5), Lookup::Gone));
    assert!(matches!(store.segment(PERIOD, "a0", 40), Lookup::Found(_)));
    assert!(store.bytes() < 40 * 10, "{}", store.bytes());
}

#[test]
fn what_is_written_to_a_segment_that_has_left_the_window_is_not_counted() {
    let (store, budget) = store();
    begin_period(&store, PERIOD);
    let old = store.begin_segment(PERIOD, 0, 0, PERIOD).unwrap();
    push(&store, &old);
    store.end_segment(PERIOD, 0, PERIOD + 1000);
    begin_period(&store, PERIOD + 1000);
    let new = store.begin_segment(PERIOD + 1000, 0, 1, PERIOD + 1000).unwrap();
    push(&store, &new);
    store.evict(WallTime::from_millis(i64::try_from(PERIOD).unwrap() + 60_000));
    assert_eq!((store.bytes(), budget.used()), (10, 10));
    push(&store, &old);
    assert_eq!((store.bytes(), budget.used()), (10, 10));
}

#[test]
fn a_segment_that_was_cut_off_does_not_tell_what_a_rendition_takes() {
    let (store, _) = store();
    begin_period(&store, PERIOD);
    let peak = |store: &Camera| {
        let window = store.window();
        window.periods[0].tracks.iter().find(|r| r.track == 0).unwrap().peak_bps
    };
    // A key frame of 100 kB, and a millisecond later another segment; then one of 499 ms.
    for (number, start, end) in [(0, 0, 1), (1, 1, 500)] {
        let cut = store.begin_segment(PERIOD, 0, number, PERIOD + start).unwrap();
        store.push_chunk(&cut, Bytes::from(vec![0; 100_000]), 1);
        store.end_segment(PERIOD, 0, PERIOD + end);
    }
    assert_eq!(peak(&store), 0);
    let whole = store.begin_segment(PERIOD, 0, 2, PERIOD + 500).unwrap();
    store.push_chunk(&whole, Bytes::from(vec![0; 100_000]), 1000);
    store.end_segment(PERIOD, 0, PERIOD + 1500);
    assert_eq!(peak(&store), 800_000);
}
