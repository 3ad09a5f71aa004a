//! How dash.js 5.2 measures a segment that grows while it is fetched (`FetchLoader`, `ThroughputModel`,
//! `ThroughputController`), with its default settings: the bytes of each chunk over the time from the read in
//! which its `moof` was seen to the read in which its `mdat` ended.

/// A moment, milliseconds.
pub(crate) type Ms = f64;

/// Half-lives of the two means, seconds of weight.
const HALF_LIVES: [f64; 2] = [3.0, 8.0];
/// The weight of a segment: seconds of this for a millisecond of download.
const WEIGHT_PER_MS: f64 = 0.0015;
/// The share of the mean that counts as safe.
const SAFETY: f64 = 0.9;
/// A segment that came whole this soon after its request counts as from a cache.
const CACHED: Ms = 10.0;
/// Shorter times are added up until they are longer.
const SHORT: Ms = 1.0;

/// The chunks of one segment, as its reads show them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunks {
    begins: Vec<Ms>,
    ends: Vec<(Ms, f64)>,
    bytes: f64,
    handed: f64,
    /// A chunk is under way whose `moof` was seen.
    open: bool,
    /// The `moof` of the next one has come in a read that ended another chunk: the next read finds it.
    waits: bool,
}

/// What one read brought.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Read {
    pub(crate) at: Ms,
    pub(crate) bytes: f64,
    /// It has a `moof` before the last end, or without one.
    pub(crate) begins: bool,
    /// The last `mdat` that ends in it: offset of its end in the segment.
    pub(crate) ends: Option<f64>,
    /// It has a `moof` after that end.
    pub(crate) begins_after: bool,
}

impl Chunks {
    /// Notes a read.
    pub(crate) fn read(&mut self, it: &Read) {
        self.bytes += it.bytes;
        if !self.open && (it.begins || self.waits || (it.ends.is_none() && it.begins_after)) {
            self.begins.push(it.at);
            self.open = true;
            self.waits = false;
        }
        let Some(end) = it.ends else { return };
        if self.open {
            self.ends.push((it.at, end - self.handed));
            self.open = false;
        }
        self.handed = end;
        self.waits = it.begins_after;
    }

    /// The mean of the chunks' throughputs, kilobits a second; the last chunk does not count. `None` where fewer
    /// than two are left, or all take no time.
    pub(crate) fn kbps(&self) -> Option<f64> {
        let but_last = |n: usize| n.saturating_sub(1);
        let begins = &self.begins[..but_last(self.begins.len())];
        let ends = &self.ends[..but_last(self.ends.len())];
        if begins.len() <= 1 {
            return None;
        }
        let (mut rates, mut since, mut sum) = (Vec::new(), None, 0.0);
        for (begin, (end, bytes)) in begins.iter().zip(ends) {
            if end - begin > SHORT {
                rates.push(8.0 * bytes / (end - begin));
                since = None;
                continue;
            }
            let from = *since.get_or_insert_with(|| {
                sum = 0.0;
                *begin
            });
            sum += bytes;
            if end - from > SHORT {
                rates.push(8.0 * sum / (end - from));
                since = None;
            }
        }
        (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64)
    }

    /// The sample of the whole segment, from its request, first byte and end.
    pub(crate) fn sample(&self, asked: Ms, first: Ms, end: Ms) -> Option<Sample> {
        if end - asked < CACHED || self.bytes <= 0.0 {
            return None;
        }
        let kbps = self.kbps().unwrap_or_else(|| 8.0 * self.bytes / (end - first).max(1.0));
        Some(Sample { kbps: kbps.round(), takes: 8.0 * self.bytes / kbps })
    }
}

/// One segment's throughput, and the time that its bytes take by it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) kbps: f64,
    pub(crate) takes: Ms,
}

/// The means over the segments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Means {
    estimates: [f64; 2],
    weight: f64,
    last: Option<f64>,
}

impl Means {
    /// With one more segment.
    pub(crate) fn add(&mut self, it: Sample) {
        let weight = WEIGHT_PER_MS * it.takes;
        for (estimate, half) in self.estimates.iter_mut().zip(HALF_LIVES) {
            let keep = 0.5_f64.powf(weight / half);
            *estimate = (1.0 - keep) * it.kbps + keep * *estimate;
        }
        self.weight += weight;
        self.last = Some(it.kbps);
    }

    /// The smaller of the two means with its margin, kilobits a second.
    pub(crate) fn safe(&self) -> Option<f64> {
        let mean = |i: usize| self.estimates[i] / (1.0 - 0.5_f64.powf(self.weight / HALF_LIVES[i]));
        (self.weight > 0.0).then(|| mean(0).min(mean(1)).round() * SAFETY)
    }

    /// That of the last segment.
    pub(crate) const fn last(&self) -> Option<f64> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(begin: Ms, end: Ms, bytes: f64, from: f64) -> [Read; 2] {
        [
            Read { at: begin, bytes: bytes / 2.0, begins: true, ..Read::default() },
            Read { at: end, bytes: bytes / 2.0, ends: Some(from + bytes), ..Read::default() },
        ]
    }

    /// By `_calculateThroughputByMoofMdatTimes`: of four chunks the last is left out; 1000 bytes in 10, 20 and 40 ms
    /// are 800, 400 and 200 kb/s, in the mean 466.67.
    #[test]
    fn a_segment_counts_with_the_mean_of_its_chunks_but_the_last() {
        let mut it = Chunks::default();
        for (i, takes) in [10.0, 20.0, 40.0, 1.5].into_iter().enumerate() {
            let at = 100.0 * i as f64;
            chunk(at, at + takes, 1000.0, 1000.0 * i as f64).iter().for_each(|r| it.read(r));
        }
        assert!((it.kbps().unwrap() - 1400.0 / 3.0).abs() < 1e-9);
        // 4000 bytes at that rate.
        let sample = it.sample(0.0, 5.0, 302.0).unwrap();
        assert_eq!(sample.kbps, 467.0);
        assert!((sample.takes - 32_000.0 * 3.0 / 1400.0).abs() < 1e-9);
    }

    /// Chunks that come in one read each have no time of their own: two of them are counted over the time from one
    /// read to the next, 2 x 1000 bytes in 32 ms, which is the camera's rate and not the link's.
    #[test]
    fn chunks_of_one_read_show_the_cameras_rate() {
        let mut it = Chunks::default();
        for i in 0..5 {
            let (at, ends) = (32.0 * f64::from(i), Some(1000.0 * f64::from(i + 1)));
            it.read(&Read { at, bytes: 1000.0, begins: true, ends, begins_after: false });
        }
        assert!((it.kbps().unwrap() - 500.0).abs() < 1e-9);
    }

    #[test]
    fn a_segment_that_came_at_once_is_no_sample() {
        let mut it = Chunks::default();
        chunk(1.0, 4.0, 1000.0, 0.0).iter().for_each(|r| it.read(r));
        assert_eq!(it.sample(0.0, 1.0, 9.0), None);
        // One chunk: over the time from the first byte to the end.
        let sample = it.sample(0.0, 4.0, 12.0).unwrap();
        assert_eq!(sample, Sample { kbps: 1000.0, takes: 8.0 });
    }

    /// By `_updateEwmaValues` and `getEwma`: a download of 2000 ms weighs 3.0. After 1000 and 500 kb/s the fast mean is
    /// (0.5 * 500 + 0.5 * 500) / (1 - 0.25) = 666.67; the slow one, with keep = 2^(-3/8) = 0.77111, is
    /// (114.447 + 0.77111 * 228.894) / (1 - 0.59460) = 717.67. The smaller, rounded, times 0.9: 600.3.
    #[test]
    fn the_smaller_of_two_means_counts_with_a_margin() {
        let mut it = Means::default();
        assert_eq!(it.safe(), None);
        it.add(Sample { kbps: 1000.0, takes: 2000.0 });
        assert!((it.safe().unwrap() - 900.0).abs() < 1e-9);
        it.add(Sample { kbps: 500.0, takes: 2000.0 });
        assert!((it.safe().unwrap() - 667.0 * 0.9).abs() < 1e-9);
        assert_eq!(it.last(), Some(500.0));
    }
}
