//! The clock of the native benches: runs a piece of work over and over for half a second and prints its median.
//!
//! Comparing two states of the code: run both on an idle machine, one after the other, and only believe ratios.

use std::hint::black_box;
use std::time::{Duration, Instant};

const LONG_ENOUGH: Duration = Duration::from_millis(500);
const FEWEST: usize = 10;

/// Measures `work`, which goes through `bytes` bytes and `items` of what `unit` names.
pub(crate) fn measure<T>(
    name: &str,
    bytes: usize,
    items: usize,
    unit: &str,
    mut work: impl FnMut() -> T,
) {
    let mut times = Vec::new();
    let began = Instant::now();
    while began.elapsed() < LONG_ENOUGH || times.len() < FEWEST {
        let start = Instant::now();
        black_box(work());
        times.push(start.elapsed());
    }
    times.sort();
    let median = times[times.len() / 2].as_secs_f64();
    println!(
        "{name:<44} {:>9.3} ms  {:>8.1} MB/s  {:>9.3} us a {unit}",
        median * 1e3,
        bytes as f64 / median / 1e6,
        median * 1e6 / items as f64,
    );
}
