//! A live stream that has ended may begin again, for its encoder is started anew: ffmpeg ends its list
//! when it is stopped in order, and writes another to the same address when it is started again.
//! Nobody has to look for that (RFC 8216bis 4.4.3.4); a camera's viewer wants to see what comes. So
//! while the picture stands at the end, the manifest is looked at now and then.

use super::cx::Cx;
use super::io::{Body, Reason};
use super::manifest::protocol::{self, Manifest};
use super::opening::rep_of;
use super::requests::{Patience, Purpose, Sent};
use super::session::Session;
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
    pub(super) was_live: bool,
    /// It is live anew: all of it is to be loaded again.
    pub(super) begun: bool,
    asking: bool,
    asked: u32,
    due: Option<Instant>,
}

impl Session {
    pub(super) fn advance_again(&mut self, cx: &mut Cx<'_>) {
        let again = &mut self.again;
        if !again.was_live || !self.playback.snap.ended {
            // Who seeks back is shown what there was, and looks anew at its end.
            (again.due, again.asked) = (None, 0);
            return;
        }
        if again.asking || again.asked >= MOST {
            return;
        }
        let wait = (FIRST * (1 << again.asked.min(4))).min(LONGEST);
        let due = *again.due.get_or_insert(cx.now + wait);
        if due > cx.now {
            return cx.wake_at(due, Reason::ManifestRefresh);
        }
        let list = self.manifest.presentation().and_then(|p| {
            let rep = self.streams.feeds().next().and_then(|s| rep_of(p, s.place));
            rep.and_then(|rep| rep.playlist.clone())
        });
        let resource = Resource { url: list.unwrap_or_else(|| self.url.clone()), range: None };
        let patience = Patience::even(cx.config.request_timeout);
        self.requests.send(cx, Purpose::Again, &resource, Body::Bytes, patience);
        self.again.asking = true;
    }

    /// The manifest was looked at; `body`: what it is, if it came.
    pub(super) fn on_again(&mut self, sent: &Sent, body: Option<&[u8]>) {
        let again = &mut self.again;
        (again.asking, again.due) = (false, None);
        again.asked += 1;
        let read = body.map(|body| protocol::read(body, &sent.resource.url, None));
        let live = match read {
            Some(Ok(Manifest::Dash(p, _))) => matches!(p.kind, Kind::Live(_)),
            Some(Ok(Manifest::Hls(_, Some(media)))) => !media.ended && !media.segments.is_empty(),
            _ => false,
        };
        // Who has sought back in the meantime is not interrupted.
        again.begun = live && self.playback.snap.ended;
    }
}
