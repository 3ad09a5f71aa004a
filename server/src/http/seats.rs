//! PURE: which clients have connections, and which connection makes room for a new one.
//!
//! ```text
//!            first byte            whole head                    head of the answer
//! (new) Asking <──── Waiting    Asking ──────> Answered (held) ──────────────────> Answered (begun)
//!                       ^                                                                 │
//!                       └──────────────────────── answer taken ──────────────────────────┘
//! ```
//!
//! Many viewers may have one address: a household behind its router, all clients behind a proxy. So
//! a new client is not refused in favour of an idle connection, or of a client with far more
//! connections. A client that has used up its limit gives up one of its own: the one idle for the
//! longest, or one that has sent requests ahead of their turn, which no browser and no proxy does.
//! If no seat is free, the other client that uses most of its limit gives way: first an idle
//! connection, then one that is [`Doing::Answered`], if that client still has no less than the new
//! one afterwards; then an idle connection of the new client itself. The last seats are for clients
//! that have none.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nearlive::time::Instant;
use tokio::sync::{Notify, watch};

use super::limits::{Client, Limits};

/// All seats.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    limits: Arc<Limits>,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    taken: HashMap<u64, Taken>,
}

/// A seat that is taken.
#[derive(Debug)]
struct Taken {
    client: Client,
    /// How many seats the client may have.
    part: usize,
    doing: Doing,
    /// Complete requests that wait behind the one being answered.
    ahead: usize,
    heads: Heads,
    /// Some bytes of an answer could not be written yet.
    unsent: bool,
    /// The time by which the answer must be taken.
    until: Option<Instant>,
    /// It was told to leave, and does not count any more.
    leave: watch::Sender<bool>,
}

/// The activity of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// The client has to send the head of a request: it is new, or has sent a part of one.
    Asking(Instant),
    /// Idle since its last answer.
    Waiting(Instant),
    /// A request is being answered.
    Answered {
        /// Since when.
        since: Instant,
        /// The head of the answer is there; until then the request is held.
        begun: bool,
    },
}

/// A connection's seat, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    id: u64,
    seats: Seats,
    leave: watch::Receiver<bool>,
    rest: Notify,
}

/// The seat that a new connection gets.
#[derive(Debug)]
pub(super) enum Admission {
    /// A seat that was free.
    Free(Seat),
    /// The seat of an idle connection.
    InPlaceOfIdle(Seat),
    /// The seat of one of this client's that was being answered.
    InPlaceOfBusy(Seat, Client),
    /// None.
    Full,
}

impl Seats {
    /// As many seats as the limits say.
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        Self { limits, table: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a connection from `address`.
    pub(super) fn admit(&self, address: IpAddr, now: Instant) -> Admission {
        let (client, part) = self.limits.client(address);
        let mut table = self.lock();
        let clients = table.clients();
        let has = clients.get(&client).map_or(0, |holding| holding.count);
        let left = self.limits.connections.saturating_sub(table.present().count());
        let kept = if has == 0 { 0 } else { self.limits.reserved };
        let victim = if has >= part {
            table.own_victim(client)
        } else if left > kept {
            return Admission::Free(self.take(&mut table, (client, part), now));
        } else {
            table.victim(&clients, client, Holding { count: has, part, idle: false })
        };
        let Some(leaving) = victim.and_then(|id| table.taken.get(&id)) else {
            return Admission::Full;
        };
        leaving.leave.send_replace(true);
        let (idle, loser) = (leaving.idle_since().is_some(), leaving.client);
        let seat = self.take(&mut table, (client, part), now);
        match idle {
            true => Admission::InPlaceOfIdle(seat),
            false => Admission::InPlaceOfBusy(seat, loser),
        }
    }

    fn take(&self, table: &mut Table, (client, part): (Client, usize), now: Instant) -> Seat {
        let (tell, leave) = watch::channel(false);
        let id = table.next;
        table.next += 1;
        let taken = Taken {
            client,
            part,
            doing: Doing::Asking(now),
            ahead: 0,
            heads: Heads::default(),
            unsent: false,
            until: None,
            leave: tell,
        };
        table.taken.insert(id, taken);
        Seat { id, seats: self.clone(), leave, rest: Notify::new() }
    }
}

/// How much of its limit a client uses.
#[derive(Clone, Copy, Debug)]
struct Holding {
    count: usize,
    part: usize,
    idle: bool,
}

impl Holding {
    /// Whether its share is no smaller than `other`'s after `less` of its seats have gone to the other.
    fn no_less_than(self, other: Self, less: usize) -> bool {
        let Some(count) = self.count.checked_sub(less) else { return false };
        count * other.part >= (other.count + less) * self.part
    }
}

impl Taken {
    fn leaving(&self) -> bool {
        *self.leave.borrow()
    }

    fn idle_since(&self) -> Option<Instant> {
        match self.doing {
            Doing::Asking(since) | Doing::Waiting(since) if !self.unsent => Some(since),
            _ => None,
        }
    }

    /// The order in which answered connections give way: those that sent requests ahead of their
    /// turn, those that do not take ready bytes, held ones, growing ones; among equals the one with
    /// the least.
    fn busy_order(&self) -> (u8, Reverse<Instant>) {
        let (held, since) = match self.doing {
            Doing::Answered { since, begun } => (!begun, since),
            Doing::Asking(since) | Doing::Waiting(since) => (false, since),
        };
        let kind = match () {
            () if self.ahead > 0 => 0,
            () if self.unsent => 1,
            () if held => 2,
            () => 3,
        };
        (kind, Reverse(since))
    }
}

impl Table {
    fn present(&self) -> impl Iterator<Item = (u64, &Taken)> {
        self.taken.iter().filter(|(_, t)| !t.leaving()).map(|(id, t)| (*id, t))
    }

    fn of(&self, client: Client) -> impl Iterator<Item = (u64, &Taken)> {
        self.present().filter(move |(_, t)| t.client == client)
    }

    fn clients(&self) -> HashMap<Client, Holding> {
        let mut clients = HashMap::new();
        for (_, t) in self.present() {
            let none = Holding { count: 0, part: t.part, idle: false };
            let holding: &mut Holding = clients.entry(t.client).or_insert(none);
            holding.count += 1;
            holding.idle |= t.idle_since().is_some();
        }
        clients
    }

    /// The connection of `client` that has been idle for the longest.
    fn longest_idle(&self, client: Client) -> Option<u64> {
        self.of(client).filter_map(|(id, t)| Some((t.idle_since()?, id))).min().map(|(_, id)| id)
    }

    /// The connection that leaves for another one of the same client.
    fn own_victim(&self, client: Client) -> Option<u64> {
        let ahead = || self.of(client).filter(|(_, t)| t.ahead > 0);
        self.longest_idle(client)
            .or_else(|| ahead().map(|(id, t)| (t.busy_order(), id)).min().map(|(_, id)| id))
    }

    /// The connection that leaves for one of `client`, which has `new`.
    fn victim(
        &self,
        clients: &HashMap<Client, Holding>,
        client: Client,
        new: Holding,
    ) -> Option<u64> {
        let largest = |may: &dyn Fn(Holding) -> bool| {
            let found = clients.iter().filter(|(c, h)| **c != client && may(**h));
            let by_share = |(c, a): &(&Client, &Holding), (d, b): &(&Client, &Holding)| {
                (a.count * b.part).cmp(&(b.count * a.part)).then(c.cmp(d))
            };
            found.max_by(by_share).map(|(client, _)| *client)
        };
        let idle = largest(&|h| h.idle && h.no_less_than(new, 0));
        let busy = || {
            let busy = self.of(largest(&|h| h.no_less_than(new, 1))?);
            busy.map(|(id, t)| (t.busy_order(), id)).min().map(|(_, id)| id)
        };
        let idle = idle.and_then(|client| self.longest_idle(client));
        idle.or_else(busy).or_else(|| self.longest_idle(client))
    }
}

impl Seat {
    fn change<T>(&self, how: impl FnOnce(&mut Taken) -> T) -> Option<T> {
        self.seats.lock().taken.get_mut(&self.id).map(how)
    }

    /// Notes bytes that came.
    pub(super) fn heard(&self, bytes: &[u8], now: Instant) {
        self.change(|t| {
            t.ahead += t.heads.ends_in(bytes);
            if matches!(t.doing, Doing::Waiting(_)) {
                t.doing = Doing::Asking(now);
            }
        });
    }

    /// Notes a complete request.
    pub(super) fn answers(&self, now: Instant) {
        self.change(|t| {
            t.ahead = t.ahead.saturating_sub(1);
            t.until = None;
            t.doing = Doing::Answered { since: now, begun: false };
        });
    }

    /// Notes the head of the answer; the rest must be taken by `until`.
    pub(super) fn begins(&self, until: Option<Instant>) {
        self.change(|t| {
            t.until = until;
            if let Doing::Answered { begun, .. } = &mut t.doing {
                *begun = true;
            }
        });
    }

    /// Notes that the answer has been handed over.
    pub(super) fn waits(&self, now: Instant) {
        self.change(|t| t.doing = Doing::Waiting(now));
        self.rest.notify_one();
    }

    /// Resolves after [`Self::waits`].
    pub(super) async fn rested(&self) {
        self.rest.notified().await;
    }

    /// Whether some bytes could not be written yet.
    pub(super) fn unsent(&self, some: bool) {
        self.change(|t| t.unsent = some);
    }

    /// The time by which a byte must come, given how long the head of a request may take, and how
    /// long a connection may be idle; `None` while a request is answered.
    pub(super) fn deadline(&self, head: Duration, idle: Duration) -> Option<Instant> {
        self.change(|t| match t.doing {
            Doing::Asking(since) => Some(since + head),
            Doing::Waiting(since) => Some(since + idle),
            Doing::Answered { .. } => None,
        })?
    }

    /// The time by which the newest answer must be taken.
    pub(super) fn until(&self) -> Option<Instant> {
        self.change(|t| t.until)?
    }

    /// Whether a request is held: it has no answer yet.
    pub(super) fn holds(&self) -> bool {
        let held = |t: &mut Taken| matches!(t.doing, Doing::Answered { begun: false, .. });
        self.change(held).unwrap_or(false)
    }

    /// Resolves when another connection needs the seat.
    pub(super) async fn told_to_leave(&self) {
        // Cannot fail: the table keeps the sender as long as the seat exists.
        let _ = self.leave.clone().wait_for(|leave| *leave).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().taken.remove(&self.id);
    }
}

/// Counts the ends of heads in a client's bytes: empty lines (RFC 9112, 2.1 and 2.2). A request's
/// body, which no resource here takes, may count as more.
#[derive(Debug, Default)]
struct Heads {
    line_is_empty: bool,
}

impl Heads {
    fn ends_in(&mut self, bytes: &[u8]) -> usize {
        let mut ends = 0;
        for byte in bytes {
            match byte {
                b'\n' if self.line_is_empty => (ends, self.line_is_empty) = (ends + 1, false),
                b'\n' => self.line_is_empty = true,
                b'\r' => {}
                _ => self.line_is_empty = false,
            }
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Instant {
        Instant::from_micros(s * 1_000_000)
    }

    fn seats(connections: usize, per_client: usize, reserved: usize) -> Seats {
        let limits = Limits { connections, per_client, reserved, ..Limits::default() };
        Seats::new(Arc::new(limits))
    }

    fn admit(seats: &Seats, address: &str, s: u64) -> Admission {
        seats.admit(address.parse().expect("an address"), at(s))
    }

    fn free(seats: &Seats, address: &str, s: u64) -> Seat {
        let Admission::Free(seat) = admit(seats, address, s) else { panic!("{address}: no seat") };
        seat
    }

    fn told(seat: &Seat) -> bool {
        seat.change(|t| t.leaving()).expect("a seat")
    }

    fn is_full(seats: &Seats, address: &str) -> bool {
        matches!(admit(seats, address, 99), Admission::Full)
    }

    /// Takes a seat and is answered on it.
    fn held(seats: &Seats, address: &str, s: u64) -> Seat {
        let seat = free(seats, address, s);
        seat.answers(at(s));
        seat
    }

    fn growing(seats: &Seats, address: &str, s: u64) -> Seat {
        let seat = held(seats, address, s);
        seat.begins(None);
        seat
    }

    #[test]
    fn one_client_has_no_more_than_its_part_of_the_connections() {
        let seats = seats(100, 2, 0);
        for (first, second, third, other) in [
            ("10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"),
            ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"),
        ] {
            let (_one, two) = (held(&seats, first, 0), held(&seats, second, 0));
            assert!(is_full(&seats, third));
            free(&seats, other, 0);
            drop(two);
            free(&seats, third, 0);
        }
        assert!(seats.lock().taken.is_empty());
    }

    #[test]
    fn a_network_of_the_owners_choice_has_a_part_of_its_own() {
        let own = vec![("10.1.0.0/16".parse().expect("a network"), 3)];
        let limits = Limits { connections: 100, per_client: 1, own, ..Limits::of(100) };
        let seats = Seats::new(Arc::new(limits));
        let _three = ["10.1.0.1", "10.1.0.1", "10.1.9.9"].map(|a| held(&seats, a, 0));
        assert!(is_full(&seats, "10.1.0.2"));
        let _one = held(&seats, "10.2.0.1", 0);
        assert!(is_full(&seats, "10.2.0.1"));
    }

    #[test]
    fn the_longest_idle_connection_of_the_same_client_leaves() {
        let seats = seats(100, 3, 0);
        let other = free(&seats, "10.0.0.2", 0);
        let [busy, idle, fresh] = [1, 2, 3].map(|s| free(&seats, "10.0.0.1", s));
        busy.answers(at(3));
        idle.answers(at(3));
        idle.waits(at(5));
        let new = admit(&seats, "10.0.0.1", 6);
        // `fresh` has sent no byte since second 3.
        assert!(matches!(new, Admission::InPlaceOfIdle(_)));
        assert_eq!([&other, &busy, &idle, &fresh].map(told), [false, false, false, true]);
        let newer = admit(&seats, "10.0.0.1", 7);
        assert!(matches!(newer, Admission::InPlaceOfIdle(_)) && told(&idle) && !told(&busy));
    }

    #[test]
    fn what_is_being_answered_or_sent_stays_for_others_of_the_same_client() {
        let seats = seats(100, 1, 0);
        let seat = held(&seats, "10.0.0.1", 0);
        assert!(is_full(&seats, "10.0.0.1"));
        seat.waits(at(2));
        seat.unsent(true);
        assert!(is_full(&seats, "10.0.0.1"));
        seat.unsent(false);
        assert!(matches!(admit(&seats, "10.0.0.1", 4), Admission::InPlaceOfIdle(_)));
    }

    #[test]
    fn who_asks_ahead_of_its_turn_gives_way_to_others_of_the_same_client() {
        let seats = seats(100, 2, 0);
        let (one, two) = (free(&seats, "10.0.0.1", 0), free(&seats, "10.0.0.1", 0));
        for (seat, sent) in [(&one, "GET / HTTP/1.1\r\n\r\n"), (&two, "GET /\n\nGET /\r\n\r\n")] {
            seat.heard(sent.as_bytes(), at(1));
            seat.answers(at(1));
        }
        let new = admit(&seats, "10.0.0.1", 2);
        assert!(matches!(new, Admission::InPlaceOfBusy(..)) && told(&two) && !told(&one));
        assert!(matches!(admit(&seats, "10.0.0.1", 3), Admission::InPlaceOfIdle(_)), "the new one");
        // The second request comes while the first is answered.
        one.heard(b"GET / HT", at(4));
        one.heard(b"TP/1.1\r\nHost: a\r\n\r", at(4));
        assert_eq!(one.change(|t| t.ahead), Some(0));
        one.heard(b"\n", at(4));
        assert_eq!(one.change(|t| t.ahead), Some(1));
        // Its turn comes.
        one.waits(at(5));
        one.answers(at(5));
        assert_eq!(one.change(|t| t.ahead), Some(0));
    }

    #[test]
    fn a_full_house_makes_room_at_the_cost_of_who_has_the_most() {
        let seats = seats(4, 3, 0);
        let many = [1, 2, 3].map(|s| free(&seats, "10.0.0.1", s));
        let one = free(&seats, "10.0.0.2", 0);
        let Admission::InPlaceOfIdle(new) = admit(&seats, "10.0.0.3", 9) else { panic!("no seat") };
        assert!(told(&many[0]) && !told(&one));
        for seat in many[1..].iter().chain([&one, &new]) {
            seat.answers(at(9));
        }
        let Admission::InPlaceOfBusy(newer, loser) = admit(&seats, "10.0.0.4", 9) else {
            panic!("no seat")
        };
        assert_eq!(loser.to_string(), "10.0.0.1");
        newer.answers(at(9));
        // All have one now: nobody has to go for another.
        assert!(is_full(&seats, "10.0.0.5") && is_full(&seats, "10.0.0.2"));
    }

    #[test]
    fn those_that_are_answered_give_way_in_their_order() {
        let seats = seats(5, 5, 0);
        let one = |s| growing(&seats, "10.0.0.1", s);
        let (old, new, behind, ahead) = (one(1), one(2), one(3), one(4));
        let held = held(&seats, "10.0.0.1", 5);
        behind.unsent(true);
        ahead.heard(b"\n\n", at(4));
        let mut newcomers = Vec::new();
        for leaves in [&ahead, &behind, &held] {
            assert!(!told(leaves));
            let address = format!("10.0.1.{}", newcomers.len());
            let Admission::InPlaceOfBusy(seat, _) = admit(&seats, &address, 6) else {
                panic!("no seat")
            };
            assert!(told(leaves));
            seat.answers(at(6));
            newcomers.push(seat);
        }
        assert!(matches!(admit(&seats, "10.0.1.9", 7), Admission::InPlaceOfBusy(..)));
        assert!(told(&new) && !told(&old), "the one that has had less of its answer");
    }

    #[test]
    fn a_client_with_many_takes_nothing_from_one_with_few() {
        let seats = seats(6, 5, 0);
        let few = [1, 2].map(|s| free(&seats, "10.0.0.2", s));
        let many = [3, 4, 5, 6].map(|s| growing(&seats, "10.0.0.1", s));
        // Those of the smaller one do nothing, and stay.
        assert!(is_full(&seats, "10.0.0.1"));
        drop(many);
        drop(few);
    }

    #[test]
    fn what_counts_is_how_much_of_its_part_a_client_has() {
        let own = vec![("10.0.0.1/32".parse().expect("an address"), 8)];
        let limits = Limits { connections: 6, per_client: 2, reserved: 0, own, ..Limits::of(6) };
        let seats = Seats::new(Arc::new(limits));
        let many = [3, 4, 5, 6].map(|s| growing(&seats, "10.0.0.1", s));
        let few = [1, 2].map(|s| growing(&seats, "10.0.0.2", s));
        assert!(matches!(admit(&seats, "10.0.0.3", 7), Admission::InPlaceOfBusy(..)));
        // It had both of its two, the other half of its eight.
        assert!(few.iter().any(told) && !many.iter().any(told));
    }

    #[test]
    fn two_new_ones_of_a_client_do_not_trade_places_while_others_have_more() {
        let seats = seats(6, 6, 0);
        let many = [1, 2, 3, 4, 5].map(|s| growing(&seats, "10.0.0.1", s));
        let fresh = free(&seats, "10.0.0.2", 6);
        assert!(matches!(admit(&seats, "10.0.0.2", 6), Admission::InPlaceOfBusy(..)));
        assert!(!told(&fresh) && many.iter().any(told));
    }

    #[test]
    fn the_last_seats_are_for_those_who_have_none() {
        let seats = seats(6, 6, 2);
        let _many = [1, 2, 3, 4].map(|s| growing(&seats, "10.0.0.1", s));
        assert!(is_full(&seats, "10.0.0.1"));
        let (_one, _two) = (held(&seats, "10.0.0.2", 5), held(&seats, "10.0.0.3", 5));
        // Full altogether: the largest gives way.
        assert!(matches!(admit(&seats, "10.0.0.4", 6), Admission::InPlaceOfBusy(..)));
    }

    #[test]
    fn a_head_has_less_time_than_a_pause_between_requests() {
        let (head, idle) = (Duration::from_secs(10), Duration::from_secs(60));
        let seats = seats(1, 1, 0);
        let seat = free(&seats, "10.0.0.1", 5);
        seat.heard(b"G", at(8));
        assert_eq!(seat.deadline(head, idle), Some(at(15)), "from the start, not from each byte");
        seat.answers(at(9));
        assert_eq!(seat.deadline(head, idle), None);
        seat.waits(at(20));
        assert_eq!(seat.deadline(head, idle), Some(at(80)));
        seat.heard(b"G", at(30));
        assert_eq!(seat.deadline(head, idle), Some(at(40)));
    }
}
