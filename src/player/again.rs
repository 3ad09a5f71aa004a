//! A live stream that has ended may begin again, for its encoder is started anew: ffmpeg ends its list
//! when it is stopped in order, and writes another to the same address when it is started again.
//! Nobody has to look for that (RFC 8216bis 4.4.3.4); a camera's viewer wants to see what comes. So
//! while the picture stands at the end, the manifest is looked at now and then.

use super::cx::Cx;
use super::io::{Body, Reason};
use super::manifest::protocol::{self, Manifest};
use super::requests::{Patience, Purpose, Requests, Sent};
use crate::presentation::{Kind, Resource};
use crate::time::Instant;
use core::time::Duration;

/// From the end to the first look; then twice as long each time.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);
/// About half an hour.
const MOST: u32 = 180;

/// Whether the stream has begun again.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// It was live here.
    was_live: bool,
    /// It is live anew: all of it is to be loaded again.
    begun: bool,
    asking: bool,
    asked: u32,
    due: Option<Instant>,
}

impl Again {
    /// What was live has ended.
    pub(super) const fn live_ended(&mut self) {
        self.was_live = true;
    }

    /// It is live anew: all of it is to be loaded again.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Looks at the `list` when that is due. `at_end`: the element stands at its end.
    pub(super) fn poll(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        at_end: bool,
        list: impl FnOnce() -> Resource,
    ) {
        if !self.was_live || !at_end {
            // Who seeks back is shown what there was, and looks anew at its end.
            (self.due, self.asked) = (None, 0);
            return;
        }
        if self.asking || self.asked >= MOST {
            return;
        }
        let wait = (FIRST * (1 << self.asked.min(4))).min(LONGEST);
        let due = *self.due.get_or_insert(cx.now + wait);
        if due > cx.now {
            return cx.wake_at(due, Reason::ManifestRefresh);
        }
        let patience = Patience::even(cx.config.request_timeout);
        requests.send(cx, Purpose::Again, &list(), Body::Bytes, patience);
        self.asking = true;
    }

    /// The list was looked at; `body`: what it is, if it came.
    pub(super) fn answered(&mut self, sent: &Sent, body: Option<&[u8]>, at_end: bool) {
        (self.asking, self.due) = (false, None);
        self.asked += 1;
        let live = match body.map(|body| protocol::read(body, &sent.url, None)) {
            Some(Ok(Manifest::Dash(p, _))) => matches!(p.kind, Kind::Live(_)),
            Some(Ok(Manifest::Hls(_, Some(media)))) => !media.ended && !media.segments.is_empty(),
            _ => false,
        };
        // Who has sought back in the meantime is not interrupted.
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
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        let rest = (0..MOST).filter(|_| t.wait(None) < 60).count();
        assert_eq!(rest, MOST as usize - 6);
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
