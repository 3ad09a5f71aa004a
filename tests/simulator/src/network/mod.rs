//! Between page and origin: connections, delay, and the link that all answers share.
//!
//! ```text
//! start -> queue (six connections a host) -> one way to the origin -> Reply
//!                  page <- delay, jitter <- Link, piece by piece <- what the reply has
//! ```
//! It models the effects of TCP that players notice: a handshake for a new connection, a lost
//! packet that holds back all packets behind it, and retransmission timers. These wait in doubling
//! steps (RFC 6298 5.5), so an old connection may sleep long after the link is back.
//!
//! No threads, no callbacks: [`Network::next`] says when something happens, [`Network::advance`]
//! lets it happen.

mod fault;
mod link;
mod port;

pub use fault::{Fault, Trouble};
pub use link::{Link, Trace, TraceStep};
pub use port::Port;

use crate::clock::{NEVER, Time, millis};
use crate::origin::{Head, HttpRequest, Origin, Reply, Step, Timeline};
use crate::payload::Payload;
use crate::rng::Rng;
use nearlive::player::FetchId;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// The network to the origin.
#[derive(Clone, Debug)]
pub struct Path {
    /// The rate of the link, over time.
    pub trace: Trace,
    /// One way, where the trace does not say.
    pub delay: Time,
    /// A piece may take this much longer.
    pub jitter: Time,
    /// This many of a thousand pieces are lost and sent again.
    pub loss_permille: u32,
    /// How much later a lost piece comes; all behind it waits.
    pub resent: Time,
    /// Bytes that the link carries, and the page reads, at a time. 0: 20 ms of the link.
    pub piece: u64,
    /// Connections to one host.
    pub connections: usize,
    /// Faults of single requests.
    pub faults: Vec<Fault>,
}

impl Path {
    /// A good network.
    pub fn good() -> Self {
        Self::steady(20_000)
    }

    /// A network of this rate with a round trip of 10 ms and no faults; six connections, as
    /// HTTP/1.1 in browsers.
    pub fn steady(kbps: u64) -> Self {
        Self {
            trace: Trace::steady(kbps),
            delay: millis(5),
            jitter: 0,
            loss_permille: 0,
            resent: millis(200),
            piece: 0,
            connections: 6,
            faults: Vec::new(),
        }
    }
}

/// What the page gets for a request.
#[derive(Debug)]
pub enum Arrival {
    /// The head.
    Head(Head),
    /// A read.
    Data(Payload),
    /// The end.
    Done,
    /// It failed, with the browser's words.
    Failed(&'static str),
}

#[derive(Debug)]
enum Piece {
    Head(Head),
    Data(Payload),
}

struct Transfer {
    id: FetchId,
    request: HttpRequest,
    started: Time,
    /// When the request reaches the origin.
    arrives: Time,
    reply: Option<Box<dyn Reply>>,
    /// When to ask the reply again.
    poll: Time,
    ready: VecDeque<Piece>,
    trouble: Option<Trouble>,
    /// Body bytes that were given to the link.
    sent: u64,
    /// No piece goes out before this time.
    hold: Time,
    /// No piece reaches the page before this time.
    last_arrival: Time,
    /// What comes after the last piece.
    end: Option<Arrival>,
}

/// Orders arrivals by time, then by when they were sent.
struct Flight {
    at: Time,
    order: u64,
    id: FetchId,
    what: Arrival,
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Flight {}
impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Flight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// The network of one page.
pub struct Network {
    path: Path,
    origin: Box<dyn Origin>,
    rng: Rng,
    link: Link,
    /// The piece on the link.
    carried: Option<(FetchId, Piece)>,
    transfers: Vec<Transfer>,
    queue: VecDeque<(FetchId, HttpRequest, Time)>,
    flights: BinaryHeap<Reverse<Flight>>,
    order: u64,
    /// Whose turn it is on the link.
    turn: usize,
    /// Open connections without a request: host, how many.
    idle: Vec<(String, usize)>,
    /// Since when nothing flows.
    outage: Option<Time>,
    offline: bool,
    /// How many of the origin's times down have begun.
    downs: usize,
}

impl Network {
    /// A network with nothing under way.
    pub fn new(path: Path, origin: Box<dyn Origin>, rng: Rng) -> Self {
        let link = Link::new(path.trace.clone());
        Self {
            path,
            origin,
            rng,
            link,
            carried: None,
            transfers: Vec::new(),
            queue: VecDeque::new(),
            flights: BinaryHeap::new(),
            order: 0,
            turn: 0,
            idle: Vec::new(),
            outage: None,
            offline: false,
            downs: 0,
        }
    }

    /// The server.
    pub fn origin(&self) -> &(dyn Origin + 'static) {
        self.origin.as_ref()
    }

    /// Requests that have not ended.
    pub fn open(&self) -> usize {
        self.transfers.len() + self.queue.len()
    }

    /// Adds a fault.
    pub fn fault(&mut self, fault: Fault) {
        self.path.faults.push(fault);
    }

    /// From now on pieces may take this much longer, and this many of a thousand are lost.
    pub fn roughen(&mut self, jitter: Time, loss_permille: u32) {
        self.path.jitter = jitter;
        self.path.loss_permille = loss_permille;
    }

    /// From now on the link follows this trace.
    pub fn set_trace(&mut self, now: Time, trace: Trace) {
        self.link.set(now, trace);
        self.after_rate(now);
        self.pump(now);
    }

    /// All connections break.
    pub fn cut(&mut self, now: Time) {
        self.idle.clear();
        let ids: Vec<FetchId> = self.transfers.iter().map(|t| t.id).collect();
        for id in ids {
            self.finish(id, now, Arrival::Failed("the connection was reset"));
        }
    }

    /// A server dies: its connections break, and from now on it refuses new ones.
    pub fn kill(&mut self, now: Time, host: &str) {
        self.idle.retain(|(idle, _)| idle != host);
        self.fault(Fault::all(now..NEVER, &["//", host, "/"].concat(), Trouble::Refused));
        let of_host = self.transfers.iter().filter(|t| t.request.host() == host);
        for id in of_host.map(|t| t.id).collect::<Vec<_>>() {
            self.finish(id, now, Arrival::Failed("the connection was reset"));
        }
    }

    /// The machine's network goes or comes back.
    pub fn set_offline(&mut self, now: Time, offline: bool) {
        self.offline = offline;
        if offline {
            self.cut(now);
            for (id, ..) in std::mem::take(&mut self.queue) {
                self.fly(now, id, Arrival::Failed("the machine is offline"));
            }
        }
    }

    /// Makes a request.
    pub fn start(&mut self, now: Time, id: FetchId, request: HttpRequest) {
        if self.offline {
            self.fly(now + millis(1), id, Arrival::Failed("the machine is offline"));
            return;
        }
        self.queue.push_back((id, request, now));
        self.dequeue(now);
    }

    /// Cancels a request: the page gets nothing more of it.
    pub fn cancel(&mut self, now: Time, id: FetchId) {
        // A connection with half an answer on it is closed: it does not become idle.
        self.transfers.retain(|t| t.id != id);
        self.queue.retain(|(queued, ..)| *queued != id);
        self.flights.retain(|f| f.0.id != id);
        self.dequeue(now);
    }

    fn dequeue(&mut self, now: Time) {
        let mut at = 0;
        while let Some((_, request, _)) = self.queue.get(at) {
            let host = request.host();
            let busy = self.transfers.iter().filter(|t| t.request.host() == host).count();
            if busy >= self.path.connections {
                at += 1;
                continue;
            }
            let Some((id, request, _)) = self.queue.remove(at) else { break };
            let one_way = self.delay();
            let warm = self.idle.iter_mut().find(|(h, n)| h == request.host() && *n > 0);
            // A new connection costs a round trip before the request can leave (RFC 9293 3.5).
            let way = if let Some((_, n)) = warm {
                *n -= 1;
                one_way
            } else {
                3 * one_way
            };
            self.transfers.push(Transfer {
                id,
                request,
                started: now,
                arrives: now + way,
                reply: None,
                poll: NEVER,
                ready: VecDeque::new(),
                trouble: None,
                sent: 0,
                hold: 0,
                last_arrival: 0,
                end: None,
            });
        }
    }

    fn delay(&self) -> Time {
        self.link.delay().unwrap_or(self.path.delay)
    }

    /// When something happens next.
    pub fn next(&self) -> Time {
        let flight = self.flights.peek().map_or(NEVER, |f| f.0.at);
        let transfer = |t: &Transfer| {
            let held = if t.ready.is_empty() || self.link.busy() { NEVER } else { t.hold };
            t.arrives.min(t.poll).min(held)
        };
        let down = self.origin.down().get(self.downs).map_or(NEVER, |d| d.start);
        self.transfers.iter().map(transfer).fold(flight.min(self.link.next()).min(down), Time::min)
    }

    /// Lets happen what happens until `now`; what reaches the page is added to `out`.
    pub fn advance(&mut self, now: Time, out: &mut Vec<(FetchId, Arrival)>) {
        loop {
            let at = self.next();
            if at > now {
                self.link.advance(now);
                return;
            }
            self.step(at);
            while let Some(f) = self.flights.peek() {
                if f.0.at > at {
                    break;
                }
                if let Some(Reverse(f)) = self.flights.pop() {
                    out.push((f.id, f.what));
                }
            }
        }
    }

    fn step(&mut self, at: Time) {
        if self.origin.down().get(self.downs).is_some_and(|d| d.start <= at) {
            self.downs += 1;
            self.cut(at);
        }
        if self.link.advance(at) {
            self.land(at);
        }
        self.after_rate(at);
        for i in 0..self.transfers.len() {
            if self.transfers.get(i).is_some_and(|t| t.arrives <= at) {
                self.reach(at, i);
            }
            if self.transfers.get(i).is_some_and(|t| t.poll <= at) {
                self.ask(at, i);
            }
        }
        let over: Vec<FetchId> =
            self.transfers.iter().filter(|t| t.is_over(self)).map(|t| t.id).collect();
        for id in over {
            let end = self.transfer(id).and_then(|t| t.end.take()).unwrap_or(Arrival::Done);
            self.finish(id, at, end);
        }
        self.pump(at);
    }

    fn transfer(&mut self, id: FetchId) -> Option<&mut Transfer> {
        self.transfers.iter_mut().find(|t| t.id == id)
    }

    /// A request reaches the origin.
    fn reach(&mut self, at: Time, index: usize) {
        let stuck = self.outage;
        let Some(t) = self.transfers.get_mut(index) else { return };
        t.arrives = NEVER;
        if stuck.is_some() {
            t.arrives = retransmission(t.started, millis(1000), at + 1);
            return;
        }
        let trouble = fault::meets(&self.path.faults, at, &t.request, &mut self.rng);
        let down = self.origin.down().iter().any(|d| d.contains(&at));
        if down || trouble == Some(Trouble::Refused) {
            t.end = Some(Arrival::Failed("the connection was refused"));
            return;
        }
        let mut reply = match trouble {
            Some(Trouble::Status(status)) => crate::origin::status(at, status),
            Some(Trouble::Page) => Box::new(Timeline::whole(
                at,
                Head::new(200, "text/html; charset=utf-8"),
                "<!doctype html><title>Sign in</title><p>This network wants a login.",
            )),
            Some(Trouble::Busy(seconds)) => {
                let retry_after = Some(nearlive::time::Duration::from_secs(seconds));
                let head = Head { retry_after, ..Head::new(429, "text/plain") };
                Box::new(Timeline::whole(at, head, "later"))
            }
            _ => self.origin.open(at, &t.request),
        };
        let late = if let Some(Trouble::Late(late)) = trouble { late } else { 0 };
        if let Some(Trouble::Damaged) = trouble {
            reply = Box::new(Zeroed(reply));
        }
        t.poll = at + late;
        t.reply = Some(reply);
        t.trouble = trouble;
    }

    /// Asks a reply for what it has.
    fn ask(&mut self, at: Time, index: usize) {
        let Some(t) = self.transfers.get_mut(index) else { return };
        t.poll = NEVER;
        let Some(reply) = &mut t.reply else { return };
        loop {
            match reply.poll(at) {
                Step::Head(head) => t.ready.push_back(Piece::Head(head)),
                Step::Data(data) => {
                    let data = match t.trouble {
                        Some(Trouble::CutAfter(n) | Trouble::StallAfter(n)) => {
                            let mut data = data;
                            let kept = data.take(n.saturating_sub(t.sent));
                            t.sent += kept.len();
                            kept
                        }
                        _ => data,
                    };
                    if !data.is_empty() {
                        t.ready.push_back(Piece::Data(data));
                    }
                    match t.trouble {
                        Some(Trouble::CutAfter(n)) if t.sent >= n => {
                            t.end = Some(Arrival::Failed("the connection was reset"));
                            return;
                        }
                        Some(Trouble::StallAfter(n)) if t.sent >= n => return,
                        _ => {}
                    }
                }
                Step::Later(later) => {
                    t.poll = later.max(at + 1);
                    return;
                }
                Step::End if t.trouble == Some(Trouble::Overrun) => {
                    t.end = Some(Arrival::Failed("ERR_CONTENT_LENGTH_MISMATCH"));
                    return;
                }
                Step::End => {
                    t.end = Some(Arrival::Done);
                    return;
                }
                Step::Cut => {
                    t.end = Some(Arrival::Failed("the connection was reset"));
                    return;
                }
            }
        }
    }

    /// The piece on the link is through.
    fn land(&mut self, at: Time) {
        let Some((id, piece)) = self.carried.take() else { return };
        let mut way = self.delay();
        if self.path.jitter > 0 {
            way += self.rng.below(self.path.jitter);
        }
        if self.rng.chance(self.path.loss_permille) {
            way += self.path.resent;
        }
        let what = match piece {
            Piece::Head(head) => Arrival::Head(head),
            Piece::Data(data) => Arrival::Data(data),
        };
        let Some(t) = self.transfer(id) else { return };
        let arrival = (at + way).max(t.last_arrival);
        t.last_arrival = arrival;
        self.fly(arrival, id, what);
    }

    fn fly(&mut self, at: Time, id: FetchId, what: Arrival) {
        self.order += 1;
        self.flights.push(Reverse(Flight { at, order: self.order, id, what }));
    }

    /// A transfer is over: `end` follows what is still on its way.
    fn finish(&mut self, id: FetchId, at: Time, end: Arrival) {
        let Some(index) = self.transfers.iter().position(|t| t.id == id) else { return };
        let t = self.transfers.remove(index);
        if matches!(end, Arrival::Done) {
            match self.idle.iter_mut().find(|(h, _)| h == t.request.host()) {
                Some((_, n)) => *n += 1,
                None => self.idle.push((t.request.host().to_owned(), 1)),
            }
        }
        let arrival = (at + self.delay()).max(t.last_arrival);
        self.fly(arrival, id, end);
        self.dequeue(at);
    }

    /// Keeps the link busy.
    fn pump(&mut self, now: Time) {
        let n = self.transfers.len();
        if n == 0 || self.link.busy() {
            return;
        }
        // A turn is 20 ms of the link: no connection waits longer for another one.
        let quantum = match self.path.piece {
            0 => (self.link.kbps() * 5 / 2).clamp(1460, 65_536),
            piece => piece,
        };
        for i in 0..n {
            let at = (self.turn + i) % n;
            let Some(t) = self.transfers.get_mut(at) else { continue };
            if t.hold > now {
                continue;
            }
            let Some(piece) = t.ready.pop_front() else { continue };
            let (piece, size) = match piece {
                Piece::Head(head) => (Piece::Head(head), HEAD_BYTES),
                Piece::Data(mut data) => {
                    let cut = data.take(quantum);
                    if !data.is_empty() {
                        t.ready.push_front(Piece::Data(data));
                    }
                    let size = cut.len();
                    (Piece::Data(cut), size)
                }
            };
            self.carried = Some((t.id, piece));
            self.link.send(size);
            self.turn = at + 1;
            return;
        }
    }

    /// Notes the beginning of an outage; at its end, lets old connections wait for their timers.
    fn after_rate(&mut self, now: Time) {
        match (self.outage, self.link.kbps()) {
            (None, 0) => self.outage = Some(now),
            (Some(since), kbps) if kbps > 0 => {
                self.outage = None;
                for t in self.transfers.iter_mut().filter(|t| t.reply.is_some()) {
                    t.hold = t.hold.max(retransmission(since, millis(200), now));
                }
            }
            _ => {}
        }
    }
}

impl Transfer {
    /// All of it is on its way to the page.
    fn is_over(&self, network: &Network) -> bool {
        self.end.is_some()
            && self.ready.is_empty()
            && network.carried.as_ref().is_none_or(|(id, _)| *id != self.id)
    }
}

/// The first time after `from`, in steps that begin with `first` and double (to a minute), that is
/// not before `earliest`.
fn retransmission(from: Time, first: Time, earliest: Time) -> Time {
    let (mut at, mut wait) = (from + first, first);
    while at < earliest {
        wait = (wait * 2).min(millis(60_000));
        at += wait;
    }
    at
}

/// A reply whose body is zeros.
struct Zeroed(Box<dyn Reply>);

impl Reply for Zeroed {
    fn poll(&mut self, now: Time) -> Step {
        match self.0.poll(now) {
            Step::Data(data) => Step::Data(Payload::zeros(data.len())),
            other => other,
        }
    }
}

/// What an answer's head takes on the link.
const HEAD_BYTES: u64 = 300;
