//! PURE: who has a connection, and which one makes room for a new one.
//!
//! ```text
//!            first byte            whole head               answer taken
//! (new) Asking <──── Waiting    Asking ──────> Answered ──────────────> Waiting
//! ```
//!
//! Many viewers may come from one address: a household behind its router, everybody behind a proxy.
//! So nobody is refused for the sake of a connection that does nothing. Where there is no seat left,
//! the one that has done nothing for the longest leaves: of the client's own where it has its part,
//! else of the client that has the most. Only where all are being answered is there none.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nearlive::time::Instant;
use tokio::sync::Notify;

/// All seats.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    all: usize,
    from_one: usize,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    taken: HashMap<u64, Taken>,
}

/// One that is taken.
#[derive(Debug)]
struct Taken {
    client: IpAddr,
    doing: Doing,
    /// Bytes of an answer could not be written yet.
    unsent: bool,
    /// Told to leave: it does not count any more.
    leaving: bool,
    leave: Arc<Notify>,
}

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// It has to send the head of a request: it is new, or has sent a part of one.
    Asking(Instant),
    /// Nothing since its last answer.
    Waiting(Instant),
    /// A request is being answered.
    Answered,
}

/// A connection's seat, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    id: u64,
    seats: Seats,
    leave: Arc<Notify>,
    rest: Notify,
}

/// What a new connection gets.
#[derive(Debug)]
pub(super) enum Admission {
    /// A seat that was free.
    Free(Seat),
    /// That of one that did nothing.
    InPlaceOfIdle(Seat),
    /// None.
    Full,
}

impl Seats {
    /// So many in all, and so many of them for one client.
    pub(super) fn new(all: usize, from_one: usize) -> Self {
        Self { all, from_one, table: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a connection from `address`.
    pub(super) fn admit(&self, address: IpAddr, now: Instant) -> Admission {
        let client = client(address);
        let mut table = self.lock();
        let full = if table.counts(client) >= self.from_one {
            Some(client)
        } else if table.present().count() >= self.all {
            table.largest_with_idle()
        } else {
            return Admission::Free(self.take(&mut table, client, now));
        };
        let victim = full.and_then(|client| table.longest_idle(client));
        match victim.and_then(|id| table.taken.get_mut(&id)) {
            Some(idle) => {
                idle.leaving = true;
                idle.leave.notify_one();
                Admission::InPlaceOfIdle(self.take(&mut table, client, now))
            }
            None => Admission::Full,
        }
    }

    fn take(&self, table: &mut Table, client: IpAddr, now: Instant) -> Seat {
        let leave = Arc::new(Notify::new());
        let id = table.next;
        table.next += 1;
        let (doing, unsent, leaving) = (Doing::Asking(now), false, false);
        table.taken.insert(id, Taken { client, doing, unsent, leaving, leave: Arc::clone(&leave) });
        Seat { id, seats: self.clone(), leave, rest: Notify::new() }
    }
}

/// The household of an address.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        // It has a network of addresses (RFC 6177).
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

impl Taken {
    fn idle_since(&self) -> Option<Instant> {
        match self.doing {
            Doing::Asking(since) | Doing::Waiting(since) if !self.unsent => Some(since),
            _ => None,
        }
    }
}

impl Table {
    fn present(&self) -> impl Iterator<Item = (u64, &Taken)> {
        self.taken.iter().filter(|(_, t)| !t.leaving).map(|(id, t)| (*id, t))
    }

    fn counts(&self, client: IpAddr) -> usize {
        self.present().filter(|(_, t)| t.client == client).count()
    }

    /// The connection of `client` that has done nothing for the longest.
    fn longest_idle(&self, client: IpAddr) -> Option<u64> {
        let own = self.present().filter(|(_, t)| t.client == client);
        own.filter_map(|(id, t)| Some((t.idle_since()?, id))).min().map(|(_, id)| id)
    }

    /// The client with the most connections, of those that have an idle one.
    fn largest_with_idle(&self) -> Option<IpAddr> {
        let mut clients: HashMap<IpAddr, (usize, bool)> = HashMap::new();
        for (_, t) in self.present() {
            let (count, idle) = clients.entry(t.client).or_default();
            *count += 1;
            *idle |= t.idle_since().is_some();
        }
        let idle = clients.into_iter().filter(|(_, (_, idle))| *idle);
        idle.max_by_key(|(client, (count, _))| (*count, *client)).map(|(client, _)| client)
    }
}

impl Seat {
    fn change<T>(&self, how: impl FnOnce(&mut Taken) -> T) -> Option<T> {
        self.seats.lock().taken.get_mut(&self.id).map(how)
    }

    /// Bytes came.
    pub(super) fn heard(&self, now: Instant) {
        self.change(|t| {
            if matches!(t.doing, Doing::Waiting(_)) {
                t.doing = Doing::Asking(now);
            }
        });
    }

    /// A request is whole.
    pub(super) fn answers(&self) {
        self.change(|t| t.doing = Doing::Answered);
    }

    /// The answer has been handed over.
    pub(super) fn waits(&self, now: Instant) {
        self.change(|t| t.doing = Doing::Waiting(now));
        self.rest.notify_one();
    }

    /// Resolves after [`Self::waits`].
    pub(super) async fn rested(&self) {
        self.rest.notified().await;
    }

    /// Whether there are bytes that could not be written yet.
    pub(super) fn unsent(&self, some: bool) {
        self.change(|t| t.unsent = some);
    }

    /// Until when a byte has to come, given how long the head of a request may take, and how long a
    /// connection may do nothing; `None` while a request is answered.
    pub(super) fn deadline(&self, head: Duration, idle: Duration) -> Option<Instant> {
        self.change(|t| match t.doing {
            Doing::Asking(since) => Some(since + head),
            Doing::Waiting(since) => Some(since + idle),
            Doing::Answered => None,
        })?
    }

    /// Whether nothing is lost when the connection is closed.
    pub(super) fn is_idle(&self) -> bool {
        self.change(|t| t.idle_since().is_some()).unwrap_or(true)
    }

    /// Resolves when another one needs the seat.
    pub(super) async fn told_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().taken.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Instant {
        Instant::from_micros(s * 1_000_000)
    }

    fn admit(seats: &Seats, address: &str, s: u64) -> Admission {
        seats.admit(address.parse().expect("an address"), at(s))
    }

    fn free(seats: &Seats, address: &str, s: u64) -> Seat {
        let Admission::Free(seat) = admit(seats, address, s) else { panic!("{address}: no seat") };
        seat
    }

    fn told(seat: &Seat) -> bool {
        seat.change(|t| t.leaving).expect("a seat")
    }

    #[test]
    fn one_client_has_no_more_than_its_part_of_the_connections() {
        let seats = Seats::new(100, 2);
        for (first, second, third, other) in [
            ("10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"),
            ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"),
        ] {
            let (one, two) = (free(&seats, first, 0), free(&seats, second, 0));
            one.answers();
            two.answers();
            assert!(matches!(admit(&seats, third, 0), Admission::Full));
            free(&seats, other, 0);
            drop(two);
            free(&seats, third, 0);
        }
        assert!(seats.lock().taken.is_empty());
    }

    #[test]
    fn the_longest_idle_connection_of_the_same_client_leaves() {
        let seats = Seats::new(100, 3);
        let other = free(&seats, "10.0.0.2", 0);
        let [busy, idle, fresh] = [1, 2, 3].map(|s| free(&seats, "10.0.0.1", s));
        busy.answers();
        idle.answers();
        idle.waits(at(5));
        let new = admit(&seats, "10.0.0.1", 6);
        // `fresh` has sent no byte since second 3.
        assert!(matches!(new, Admission::InPlaceOfIdle(_)));
        assert_eq!([&other, &busy, &idle, &fresh].map(told), [false, false, false, true]);
        let newer = admit(&seats, "10.0.0.1", 7);
        assert!(matches!(newer, Admission::InPlaceOfIdle(_)) && told(&idle) && !told(&busy));
    }

    #[test]
    fn what_is_being_answered_or_sent_stays() {
        let seats = Seats::new(100, 1);
        let seat = free(&seats, "10.0.0.1", 0);
        seat.answers();
        assert!(!seat.is_idle() && matches!(admit(&seats, "10.0.0.1", 1), Admission::Full));
        seat.waits(at(2));
        seat.unsent(true);
        assert!(!seat.is_idle() && matches!(admit(&seats, "10.0.0.1", 3), Admission::Full));
        seat.unsent(false);
        assert!(matches!(admit(&seats, "10.0.0.1", 4), Admission::InPlaceOfIdle(_)));
    }

    #[test]
    fn a_full_house_makes_room_at_the_cost_of_who_has_the_most() {
        let seats = Seats::new(4, 3);
        let many = [1, 2, 3].map(|s| free(&seats, "10.0.0.1", s));
        let one = free(&seats, "10.0.0.2", 0);
        let new = admit(&seats, "10.0.0.3", 9);
        assert!(matches!(new, Admission::InPlaceOfIdle(_)));
        assert!(told(&many[0]) && !told(&one));
        for seat in many.iter().chain([&one]) {
            seat.answers();
        }
        let Admission::InPlaceOfIdle(new) = new else { return };
        new.answers();
        assert!(matches!(admit(&seats, "10.0.0.4", 9), Admission::Full));
    }

    #[test]
    fn a_head_has_less_time_than_a_pause_between_requests() {
        let (head, idle) = (Duration::from_secs(10), Duration::from_secs(60));
        let seats = Seats::new(1, 1);
        let seat = free(&seats, "10.0.0.1", 5);
        seat.heard(at(8));
        assert_eq!(seat.deadline(head, idle), Some(at(15)), "from the start, not from each byte");
        seat.answers();
        assert_eq!(seat.deadline(head, idle), None);
        seat.waits(at(20));
        assert_eq!(seat.deadline(head, idle), Some(at(80)));
        seat.heard(at(30));
        assert_eq!(seat.deadline(head, idle), Some(at(40)));
    }
}
