//! Open requests, and the scanner that reads media bodies as in the browser.

use crate::payload::Payload;
use nearlive::abr::sharing;
use nearlive::media::scan::{Fact, Scanner, Want};
use nearlive::player::{Body, Request};

/// One request.
#[derive(Debug)]
pub(super) struct Fetch {
    /// `None`: all bytes go to the core.
    scanner: Option<Scanner>,
    /// Bytes that the scanner has asked for and that have not all arrived.
    pending: Vec<u8>,
    /// Where it goes.
    pub(super) host: u32,
    /// The rung of its media.
    pub(super) label: u32,
}

impl Fetch {
    pub(super) fn new(request: &Request, label: u32) -> Self {
        let scanner = match &request.body {
            Body::Bytes => None,
            Body::Media(tracks) | Body::Growing(tracks) => Some(Scanner::new(tracks)),
        };
        Self { scanner, pending: Vec::new(), host: sharing::host(&request.url), label }
    }

    pub(super) const fn is_media(&self) -> bool {
        self.scanner.is_some()
    }

    /// Runs the scanner over one read.
    pub(super) fn scan(&mut self, read: &Payload) -> Vec<Fact> {
        let mut facts = Vec::new();
        let Some(scanner) = &mut self.scanner else { return facts };
        let mut rest = read.clone();
        loop {
            match scanner.want() {
                Want::Nothing => return facts,
                Want::Need(n) => {
                    let missing = n.saturating_sub(self.pending.len());
                    rest.read(missing, &mut self.pending);
                    if self.pending.len() < n {
                        return facts;
                    }
                    let bytes = std::mem::take(&mut self.pending);
                    scanner.take(&bytes, &mut facts);
                    self.pending = bytes;
                    self.pending.clear();
                }
                Want::Skip(n) => {
                    if rest.is_empty() {
                        return facts;
                    }
                    let skipped = rest.take(n).len();
                    scanner.skip(skipped, &mut facts);
                }
            }
        }
    }
}
