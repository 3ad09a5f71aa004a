//! What both models do with many runs: play them on two threads, and take the mean of a figure.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Plays over all links, on two threads; gives the runs in the order of the links.
pub(crate) fn play_all<Link: Sync, Run: Send>(
    links: &[Link],
    play: impl Fn(&Link) -> Result<Run, String> + Sync,
) -> Result<Vec<Run>, String> {
    let next = AtomicUsize::new(0);
    let part = || -> Result<Vec<(usize, Run)>, String> {
        let mut out = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(link) = links.get(i) else { return Ok(out) };
            out.push((i, play(link)?));
        }
    };
    let mut all = std::thread::scope(|scope| {
        let second = scope.spawn(part);
        let mut all = part()?;
        all.extend(second.join().map_err(|_| "a run panicked".to_owned())??);
        Ok::<_, String>(all)
    })?;
    all.sort_by_key(|it| it.0);
    Ok(all.into_iter().map(|it| it.1).collect())
}

/// The mean of a figure.
pub(crate) fn mean<T>(all: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    all.iter().map(figure).sum::<f64>() / all.len().max(1) as f64
}
