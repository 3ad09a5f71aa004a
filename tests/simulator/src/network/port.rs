//! One player's side of a network that several players of a page may share.

use super::{Arrival, Fault, Network, Trace};
use crate::clock::{NEVER, Time};
use crate::origin::{HttpRequest, Origin};
use nearlive::abr::sharing::{Others, Sharing};
use nearlive::player::FetchId;
use nearlive::time::Instant;
use nearlive::units::Bitrate;
use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;

/// The numbers of one player's requests begin with a multiple of this.
const MOST_REQUESTS: u32 = 1 << 24;

struct Line {
    network: Network,
    /// The last player's number.
    last: u32,
    /// What came for each player, and when, and was not taken.
    came: Vec<Vec<(Time, FetchId, Arrival)>>,
    /// What the players know of each other.
    sharing: Sharing,
}

/// A network, as one player sees it.
pub struct Port {
    line: Rc<RefCell<Line>>,
    player: u32,
}

impl Port {
    /// The only player on this network.
    pub fn new(network: Network) -> Self {
        let line = Line { network, last: 0, came: vec![Vec::new()], sharing: Sharing::new() };
        Self { line: Rc::new(RefCell::new(line)), player: 0 }
    }

    /// Another player on this one's network.
    #[must_use]
    pub fn beside(&self) -> Self {
        let mut line = self.line.borrow_mut();
        line.came.push(Vec::new());
        line.last += 1;
        Self { line: self.line.clone(), player: line.last }
    }

    fn network(&self) -> RefMut<'_, Network> {
        RefMut::map(self.line.borrow_mut(), |it| &mut it.network)
    }

    fn id(&self, id: FetchId) -> FetchId {
        assert!(id.0 < MOST_REQUESTS);
        FetchId(self.player * MOST_REQUESTS + id.0)
    }

    /// The server.
    pub fn origin(&self) -> Ref<'_, dyn Origin + 'static> {
        Ref::map(self.line.borrow(), |it| it.network.origin())
    }

    /// Requests that have not ended.
    pub fn open(&self) -> usize {
        self.network().open()
    }

    /// See [`Network::fault`].
    pub fn fault(&mut self, fault: Fault) {
        self.network().fault(fault);
    }

    /// See [`Network::roughen`].
    pub fn roughen(&mut self, jitter: Time, loss_permille: u32) {
        self.network().roughen(jitter, loss_permille);
    }

    /// See [`Network::set_trace`].
    pub fn set_trace(&mut self, now: Time, trace: Trace) {
        self.network().set_trace(now, trace);
    }

    /// See [`Network::cut`].
    pub fn cut(&mut self, now: Time) {
        self.network().cut(now);
    }

    /// See [`Network::kill`].
    pub fn kill(&mut self, now: Time, host: &str) {
        self.network().kill(now, host);
    }

    /// See [`Network::set_offline`].
    pub fn set_offline(&mut self, now: Time, offline: bool) {
        self.network().set_offline(now, offline);
    }

    /// Makes a request.
    pub fn start(&mut self, now: Time, id: FetchId, request: HttpRequest) {
        self.network().start(now, self.id(id), request);
    }

    /// Cancels a request: the player gets nothing more of it.
    pub fn cancel(&mut self, now: Time, id: FetchId) {
        let id = self.id(id);
        self.network().cancel(now, id);
        let mut line = self.line.borrow_mut();
        line.came[self.player as usize].retain(|it| it.1 != id);
    }

    /// When something happens next.
    pub fn next(&self) -> Time {
        let line = self.line.borrow();
        let came = line.came[self.player as usize].first().map_or(NEVER, |it| it.0);
        line.network.next().min(came)
    }

    /// Lets happen what happens until `now`; what reaches this player is added to `out`.
    pub fn advance(&mut self, now: Time, out: &mut Vec<(FetchId, Arrival)>) {
        let mut line = self.line.borrow_mut();
        let mut arrivals = Vec::new();
        line.network.advance(now, &mut arrivals);
        for (id, arrival) in arrivals {
            line.came[(id.0 / MOST_REQUESTS) as usize].push((now, id, arrival));
        }
        let own = line.came[self.player as usize].drain(..);
        out.extend(own.map(|(_, id, arrival)| (FetchId(id.0 % MOST_REQUESTS), arrival)));
    }

    /// What came for the others: see [`Sharing::came`].
    pub fn came(&self, now: Instant, host: u32, len: u32, wants: Option<Bitrate>) -> Others {
        self.line.borrow_mut().sharing.came(now, self.player, host, len, wants)
    }
}
