//! The search for the clusters of a WebM file: it ends after no more parts than the file has bytes, and what it finds is in
//! the order of time and inside the file.
#![no_main]
use libfuzzer_sys::fuzz_target;
use nearlive::media::webm::search::{BEGINNING, Search};

fuzz_target!(|data: &[u8]| {
    let part = |first: u64, last: u64| {
        let at = |offset: u64| usize::try_from(offset).map_or(data.len(), |at| at.min(data.len()));
        &data[at(first)..at(last.saturating_add(1))]
    };
    let Some(mut search) = Search::begin(part(0, BEGINNING - 1)) else { return };
    for _ in 0..data.len() + 4 {
        let Some(range) = search.wants() else { break };
        search.read(range.first, part(range.first, range.last.unwrap_or(u64::MAX)));
    }
    assert!(search.wants().is_none(), "it never ends");
    assert!(search.found.is_sorted_by(|a, b| a.ticks < b.ticks && a.cluster < b.cluster));
    assert!(search.head.inside <= data.len() as u64);
});
