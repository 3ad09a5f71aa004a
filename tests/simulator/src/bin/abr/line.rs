//! The link of the on-demand model: a request waits one latency, then its bits flow at the trace's rate. A trace
//! repeats when it ends.

use nearlive_simulator::network::Trace;

/// Milliseconds.
pub(crate) type Ms = f64;

#[derive(Clone, Copy, Debug)]
struct Step {
    /// When it begins, and how many bits have flowed by then if all was used.
    at: Ms,
    bits: f64,
    kbps: f64,
    latency: Ms,
}

/// A trace, for questions from any moment.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    steps: Vec<Step>,
    lasts: Ms,
    bits: f64,
}

impl Line {
    /// Of this trace; `None` where it carries nothing at all.
    pub(crate) fn new(trace: &Trace) -> Option<Self> {
        let (mut at, mut bits, mut latency) = (0.0, 0.0, 0.0);
        let steps = trace.steps.iter().map(|s| {
            latency = s.delay.map_or(latency, |one_way| one_way as f64 / 500.0);
            let step = Step { at, bits, kbps: s.kbps as f64, latency };
            at += s.lasts as f64 / 1000.0;
            bits += s.kbps as f64 * s.lasts as f64 / 1000.0;
            step
        });
        let steps = steps.collect();
        (bits > 0.0).then_some(Self { steps, lasts: at, bits })
    }

    fn step_at(&self, within: Ms) -> &Step {
        let after = self.steps.partition_point(|s| s.at <= within);
        &self.steps[after.max(1) - 1]
    }

    /// The rate at this moment.
    pub(crate) fn kbps(&self, at: Ms) -> f64 {
        self.step_at(at % self.lasts).kbps
    }

    /// How many bits have flowed by then if all was used.
    pub(crate) fn carried(&self, at: Ms) -> f64 {
        let (rounds, within) = ((at / self.lasts).floor(), at % self.lasts);
        let step = self.step_at(within);
        rounds * self.bits + step.bits + (within - step.at) * step.kbps
    }

    /// When a request of that moment gets its first bit.
    pub(crate) fn answered(&self, at: Ms) -> Ms {
        // The latency may change while it is waited for: its rest is then a share of the new one.
        let (mut now, mut share) = (at, 1.0);
        loop {
            let (rounds, within) = ((now / self.lasts).floor(), now % self.lasts);
            let after = self.steps.partition_point(|s| s.at <= within).max(1);
            let end = rounds * self.lasts + self.steps.get(after).map_or(self.lasts, |s| s.at);
            let latency = self.steps[after - 1].latency;
            let wait = share * latency;
            if wait <= end - now || end <= now {
                return now + wait;
            }
            share -= (end - now) / latency;
            now = end;
        }
    }

    /// When that many bits have come that begin to flow at `from`.
    pub(crate) fn arrived(&self, from: Ms, bits: f64) -> Ms {
        let total = self.carried(from) + bits;
        let mut rounds = (total / self.bits).floor();
        let mut rest = total - rounds * self.bits;
        if rest <= 0.0 {
            rounds -= 1.0;
            rest = self.bits;
        }
        // The last step that begins with less than that: before it, the bits cannot be whole.
        let after = self.steps.partition_point(|s| s.bits < rest);
        let step = &self.steps[after.max(1) - 1];
        (rounds * self.lasts + step.at + (rest - step.bits) / step.kbps).max(from)
    }

    /// When a download that is asked for at that moment is whole.
    pub(crate) fn whole(&self, at: Ms, bits: f64) -> Ms {
        self.arrived(self.answered(at), bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(csv: &str) -> Line {
        Line::new(&Trace::from_csv(csv)).unwrap()
    }

    #[test]
    fn bits_flow_at_the_rates_they_meet_and_the_trace_repeats() {
        let it = line("1000,800,20\n500,0,20\n500,80,60\n");
        assert_eq!(it.whole(0.0, 80_000.0), 120.0);
        assert_eq!(it.whole(980.0, 4_000.0), 1550.0);
        assert_eq!(it.arrived(0.0, 840_000.0 + 8_000.0), 2010.0);
        assert_eq!(it.carried(3000.0), 840_000.0 + 800_000.0);
        assert_eq!(it.arrived(1000.0, 40_000.0), 2000.0);
    }

    #[test]
    fn a_latency_that_changes_while_it_is_waited_for_is_waited_for_in_shares() {
        let it = line("10,800,20\n1000,800,60\n");
        assert_eq!(it.answered(0.0), 40.0);
    }

    #[test]
    fn a_trace_without_a_bit_is_none() {
        assert!(Line::new(&Trace::from_csv("1000,0,20\n")).is_none());
    }
}
