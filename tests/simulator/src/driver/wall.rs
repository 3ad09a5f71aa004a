//! Several players on one page: they share a network, and know of each other what the driver tells them.

use super::simulation::{Machine, Simulation};
use crate::clock::Time;
use nearlive::player::FetchEvent;

impl<M: Machine> Simulation<M> {
    /// Puts this player on the page of another one that loads over the same network, before either plays.
    #[must_use]
    pub fn beside(mut self, other: &Self) -> Self {
        self.network = other.network.beside();
        self
    }

    /// Runs several that share a network until this time.
    pub fn run_together(all: &mut [Self], end: Time) {
        loop {
            let next = all.iter_mut().min_by_key(|it| it.next());
            let Some(it) = next.filter(|it| it.next() <= end) else { break };
            let at = it.next();
            it.run_to(at);
        }
        for it in all {
            it.run_to(end);
        }
    }

    /// Tells what came for the page's other players in the meantime.
    pub(super) fn share(&mut self, host: u32, event: &FetchEvent) {
        let Some(len) = event.shared_len() else { return };
        let (now, wants) = (self.clock.monotonic(self.now), self.player.wants_more());
        let others = self.network.came(now, host, len, wants);
        self.player.others_came(others);
    }
}
