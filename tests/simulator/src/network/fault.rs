//! Faults of single requests, on a schedule.

use crate::clock::Time;
use crate::origin::HttpRequest;
use crate::rng::Rng;
use std::ops::Range;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The connection is refused.
    Refused,
    /// Another status than the origin's.
    Status(u16),
    /// The answer breaks off after this many bytes of its body.
    CutAfter(u64),
    /// The answer stops after this many bytes of its body, and the connection stays open.
    StallAfter(u64),
    /// The answer comes this much later.
    Late(Time),
    /// The body is zeros.
    Damaged,
    /// A web page with status 200, as from a network that requires a login.
    Page,
    /// 429, with a request to wait this many seconds.
    Busy(u64),
    /// The whole body comes; then the connection breaks, because a greater length was
    /// announced.
    Overrun,
}

/// A fault, and the requests that it affects.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Requests that reach the server in this time.
    pub during: Range<Time>,
    /// Requests whose URL contains this.
    pub matching: String,
    /// This many of a thousand.
    pub permille: u32,
    /// What happens to them.
    pub trouble: Trouble,
}

impl Fault {
    /// All requests whose URL contains `matching`.
    pub fn all(during: Range<Time>, matching: &str, trouble: Trouble) -> Self {
        Self { during, matching: matching.to_owned(), permille: 1000, trouble }
    }

    /// Some of them.
    #[must_use]
    pub fn sometimes(mut self, permille: u32) -> Self {
        self.permille = permille;
        self
    }
}

/// The fault that a request meets, if any.
pub(super) fn meets(
    faults: &[Fault],
    now: Time,
    r: &HttpRequest,
    rng: &mut Rng,
) -> Option<Trouble> {
    let hit = |f: &&Fault| f.during.contains(&now) && r.url.contains(&f.matching);
    let fault = faults.iter().filter(hit).find(|f| rng.chance(f.permille))?;
    Some(fault.trouble.clone())
}
