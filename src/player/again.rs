//! Notices that a live stream which has ended begins again: ffmpeg ends its playlist when it is
//! stopped, and writes a new one to the same address when it is restarted. A client need not look
//! for that (RFC 8216bis 4.4.3.4), but the viewer of a camera wants to see the new pictures. So
//! while the element stands at the end, the manifest is loaded now and then.

use super::cx::Cx;
use super::io::{Body, Reason};
use super::manifest::protocol::{self, Manifest};
use super::requests::{Patience, Purpose, Requests, Sent};
use crate::presentation::{Kind, Resource};
use crate::time::{Duration, Instant};

/// The wait before the manifest is loaded the first time. It becomes longer by as much after each [`SAME`] looks,
/// up to [`LONGEST_WAIT`]: an encoder that is started anew is mostly back within some seconds.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const SAME: u32 = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The manifest is loaded at most this often: for about half an hour.
const MOST_LOOKS: u32 = 180;

/// Whether the stream has begun again.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// The stream was live before it ended.
    was_live: bool,
    /// The stream is live again: the address is to be loaded anew.
    begun: bool,
    /// A request is open.
    asking: bool,
    /// How many were answered since the element reached the end.
    asked: u32,
    /// When the next one is sent.
    due: Option<Instant>,
}

impl Again {
    /// The live stream has ended.
    pub(super) const fn live_ended(&mut self) {
        self.was_live = true;
    }

    /// The stream is live again: the address is to be loaded anew.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Loads the manifest or playlist `list` when that is due. `at_end`: the element stands at its
    /// end.
    pub(super) fn poll(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        at_end: bool,
        list: impl FnOnce() -> Resource,
    ) {
        if !self.was_live || !at_end {
            // The viewer has sought back: the count starts anew at the end.
            (self.due, self.asked) = (None, 0);
            return;
        }
        if self.asking || self.asked >= MOST_LOOKS || !cx.config.fetching {
            return;
        }
        let wait = (FIRST_WAIT * (1 + self.asked / SAME)).min(LONGEST_WAIT);
        let due = *self.due.get_or_insert(cx.now + wait);
        if due > cx.now {
            return cx.wake_at(due, Reason::ManifestRefresh);
        }
        let patience = Patience::even(cx.config.request_timeout);
        requests.send(cx, Purpose::Again, &list(), Body::Bytes, patience);
        self.asking = true;
    }

    /// The request was answered with `body`; `None`: it failed.
    pub(super) fn answered(&mut self, sent: &Sent, body: Option<&[u8]>, at_end: bool) {
        (self.asking, self.due) = (false, None);
        self.asked += 1;
        let live = match body.map(|body| protocol::read(body, &sent.url, None)) {
            Some(Ok(Manifest::Dash(_, p, _))) => matches!(p.kind, Kind::Live(_)),
            Some(Ok(Manifest::Hls(_, _, Some(media)))) => {
                !media.ended && !media.segments.is_empty()
            }
            _ => false,
        };
        // A viewer who has sought back in the meantime is not interrupted.
        self.begun = live && at_end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::cx::Surroundings;
    use crate::player::io::Output;

    const LIVE: &[u8] = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n";
    const ENDED: &[u8] = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n";
    const EMPTY: &[u8] = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n";

    /// One that has ended, and what it asks for.
    struct Test {
        again: Again,
        around: Surroundings,
        requests: Requests,
        now: Instant,
    }

    impl Test {
        fn ended() -> Self {
            let mut again = Again::default();
            again.live_ended();
            let (around, requests) = (Surroundings::default(), Requests::default());
            Self { again, around, requests, now: Instant::default() }
        }

        /// What it asks for now; its answer is `body`.
        fn look(&mut self, body: Option<&[u8]>, at_end: bool) -> bool {
            let cx = &mut self.around.at(self.now);
            self.again.poll(cx, &mut self.requests, at_end, || Resource::at("https://host/a.m3u8"));
            let asked = self.around.drain().into_iter().find_map(|output| match output {
                Output::Fetch(request) => Some(request.id),
                _ => None,
            });
            let cx = &mut self.around.at(self.now);
            let sent = asked.and_then(|id| self.requests.give_up(cx, id));
            if let Some(sent) = &sent {
                self.again.answered(sent, body, at_end);
            }
            sent.is_some()
        }

        /// Seconds from now until it asks, at most a minute.
        fn wait(&mut self, body: Option<&[u8]>) -> u64 {
            let began = self.now;
            while self.now.since(began) < Duration::from_secs(60) && !self.look(body, true) {
                self.now = self.now + Duration::from_millis(500);
            }
            self.now.since(began).as_secs()
        }
    }

    #[test]
    fn at_the_end_it_is_looked_at_later_each_time_and_not_for_ever() {
        let mut t = Test::ended();
        let waits: [u64; 6] = core::array::from_fn(|_| t.wait(Some(ENDED)));
        assert_eq!(waits, [1, 1, 1, 2, 2, 2]);
        let rest = (0..MOST_LOOKS).filter(|_| t.wait(None) < 60).count();
        assert_eq!(rest, MOST_LOOKS as usize - 6);
        assert!(!t.again.has_begun());
    }

    #[test]
    fn it_begins_again_when_the_list_is_live_and_names_something() {
        for (body, begins) in [(LIVE, true), (ENDED, false), (EMPTY, false), (b"<html>", false)] {
            let mut t = Test::ended();
            t.wait(Some(body));
            assert_eq!(t.again.has_begun(), begins, "{}", core::str::from_utf8(body).unwrap());
        }
    }

    #[test]
    fn a_film_is_not_looked_at_nor_one_that_is_played_back_from_its_end() {
        let mut film = Test::ended();
        film.again = Again::default();
        assert_eq!(film.wait(None), 60);
        let mut t = Test::ended();
        t.look(None, true);
        t.now = t.now + Duration::from_secs(5);
        assert!(!t.look(None, false));
        assert_eq!(t.wait(Some(ENDED)), 1, "it begins anew at the end");
    }
}
