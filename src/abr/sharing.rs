//! The players of one page that load from one server share one link. Each measures what its even share of it is, and
//! not what it gets at the moment: whoever finds the link idle would take it all, and the others give way for good.

use crate::media::text::parts;
use crate::time::{Duration, Instant};
use crate::units::Bitrate;
use alloc::vec::Vec;

/// Who has received nothing for longer does not use the link.
const LATELY: Duration = Duration::from_secs(3);

/// The players of a page.
#[derive(Debug, Default)]
pub struct Sharing {
    players: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    id: u32,
    /// Of what came last.
    host: u32,
    at: Instant,
    /// It would take more if the link carried more; what it takes its share to be, 0 where the link does not hold it back.
    wants: Option<Bitrate>,
    /// What the others who want more have received since.
    others: u32,
}

/// What came for the others while a read came for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Bytes, of those who want more.
    pub bytes: u32,
    /// How many want more.
    pub count: u32,
    /// What the most confident of them takes an even share to be; 0: the link holds none back.
    pub share: Bitrate,
    /// When they were told of.
    pub at: Instant,
}

impl Others {
    /// What an even share is, if it is known at `now`.
    pub(crate) fn even(self, now: Instant) -> Option<Bitrate> {
        (self.share > Bitrate::default() && now.since(self.at) < LATELY).then_some(self.share)
    }

    /// The same, and what came before and was not counted.
    pub(crate) const fn with(self, bytes: u32) -> Self {
        Self { bytes: self.bytes.saturating_add(bytes), ..self }
    }

    /// What an even share is when there is one player more.
    pub(crate) fn left(self) -> Option<Bitrate> {
        let sum = self.share.as_bps() * u64::from(self.count);
        (sum > 0).then(|| Bitrate::from_bps(sum / (u64::from(self.count) + 1)))
    }

    /// Which part of `len` bytes and of what came for the others is an even share of the link.
    pub(crate) fn share_of(self, len: u32) -> u64 {
        (u64::from(len) + u64::from(self.bytes)) / (u64::from(self.count) + 1)
    }
}

impl Sharing {
    /// Nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self { players: Vec::new() }
    }

    /// The player `id` is there no more.
    pub fn leave(&mut self, id: u32) {
        self.players.retain(|it| it.id != id);
    }

    /// `len` bytes of media came from `host` ([`host`]) for the player `id`; 0: something else did. `wants`: it would take more,
    /// and takes its share to be this. Answers what came for the others since the last call.
    pub fn came(
        &mut self,
        now: Instant,
        id: u32,
        host: u32,
        len: u32,
        wants: Option<Bitrate>,
    ) -> Others {
        let (mut count, mut share) = (0, Bitrate::default());
        for it in self.players.iter_mut().filter(|it| it.id != id && it.host == host) {
            if wants.is_some() {
                it.others = it.others.saturating_add(len);
            }
            if let Some(its) = it.wants.filter(|_| now.since(it.at) < LATELY) {
                count += 1;
                share = share.max(its);
            }
        }
        let mut bytes = 0;
        if len > 0 {
            let me = Member { id, host, at: now, wants, others: 0 };
            match self.players.iter_mut().find(|it| it.id == id) {
                Some(it) => bytes = core::mem::replace(it, me).others,
                None => self.players.push(me),
            }
        }
        Others { bytes, count, share, at: now }
    }
}

/// The host and port of an address, as a number that no other one of a page is likely to have.
pub fn host(url: &str) -> u32 {
    let host = parts(url, b'/').nth(2).unwrap_or_default();
    host.bytes().fold(0, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: u32 = 1;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    /// What a player is told at `ms`: bytes, how many, and their share in kb/s.
    fn came(page: &mut Sharing, ms: u64, id: u32, len: u32, wants: Option<u64>) -> (u32, u32, u64) {
        let seen = page.came(at(ms), id, A, len, wants.map(Bitrate::from_kbps));
        (seen.bytes, seen.count, seen.share.as_bps() / 1000)
    }

    #[test]
    fn a_share_is_an_even_part_of_what_came_for_all_who_want_more() {
        let mut page = Sharing::new();
        assert_eq!(came(&mut page, 0, 1, 500, Some(0)), (0, 0, 0), "it is alone");
        assert_eq!(came(&mut page, 1, 2, 700, Some(800)), (0, 1, 0));
        assert_eq!(came(&mut page, 2, 1, 300, Some(900)), (700, 1, 800));
        assert_eq!(came(&mut page, 3, 3, 300, Some(0)), (0, 2, 900), "the most confident");
        assert_eq!(came(&mut page, 3, 1, 1, Some(0)), (300, 2, 800), "told once");
        let others = Others { bytes: 700, count: 1, ..Others::default() };
        assert_eq!((others.share_of(300), Others::default().share_of(300)), (500, 300));
    }

    #[test]
    fn who_wants_no_more_or_is_silent_or_elsewhere_or_gone_takes_no_share() {
        let mut page = Sharing::new();
        came(&mut page, 0, 1, 1, Some(0));
        came(&mut page, 0, 2, 900, None);
        page.came(at(0), 3, 2, 900, Some(Bitrate::default()));
        came(&mut page, 0, 4, 800, Some(0));
        page.leave(4);
        assert_eq!(came(&mut page, 1, 1, 1, Some(0)), (800, 0, 0));
        came(&mut page, 2, 5, 9, Some(700));
        assert_eq!(came(&mut page, 2999, 1, 1, Some(0)), (9, 1, 700));
        assert_eq!(came(&mut page, 3001, 5, 0, Some(0)).0, 0, "what is no media does not count");
        assert_eq!(came(&mut page, 3002, 1, 1, Some(0)), (0, 0, 0));
    }

    #[test]
    fn a_share_is_known_for_a_while_and_one_more_gets_less_of_it() {
        let share = Bitrate::from_kbps(900);
        let others = Others { count: 2, share, at: at(5), ..Others::default() };
        assert_eq!(others.even(at(3004)), Some(share));
        assert_eq!(others.even(at(3005)), None);
        assert_eq!(others.left(), Some(Bitrate::from_kbps(600)));
        assert_eq!((Others::default().left(), Others::default().even(at(0))), (None, None));
        assert_eq!(others.with(7).with(8).bytes, 15);
    }

    #[test]
    fn an_address_is_of_its_host_and_port() {
        let of =
            ["https://a.example:1/x.mpd", "https://a.example:1/y/1.m4s?z", "https://a.example/"];
        let [one, other, port] = of.map(host);
        assert_eq!(one, other);
        assert_ne!(one, port);
    }
}
