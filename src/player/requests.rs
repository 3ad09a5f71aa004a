//! The table of open requests: what each is for, when it was last heard of, when it is given up.
//!
//! It turns the driver's events into what matters to the rest: an answer, a read, a whole body, a
//! failure. An error status and a silence are failures like a broken line; after one the request is
//! gone from the table.
//!
//! Here alone a [`Resource`] becomes an address, for the mirror that is in use ([`Mirrors`]).

use super::cx::Cx;
use super::io::{BlobId, Body, FetchEvent, FetchId, Head, Output, Reason, Request, TrackId};
use super::retries::Retries;
use crate::media::scan::Fact;
use crate::net::Failure;
use crate::net::mirrors::Mirrors;
use crate::net::retry::Failed;
use crate::presentation::{Resource, url};
use crate::time::{Duration, Instant};
use crate::units::ByteRange;
use alloc::string::String;
use alloc::vec::Vec;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Manifest,
    Clock,
    Init(TrackId),
    Index(TrackId),
    Segment(TrackId),
    /// A media playlist of HLS.
    Playlist,
    /// A transport stream's first segment.
    Sniff(TrackId),
    Probe,
    /// Whether a segment exists.
    Scout,
    /// Whether a stream that has ended begins again.
    Again,
}

impl Purpose {
    /// Media, and what is needed to read it: what a manifest may name several mirrors for.
    const fn is_media(self) -> bool {
        matches!(self, Self::Init(_) | Self::Index(_) | Self::Segment(_) | Self::Sniff(_))
    }
}

/// How long a request may be silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until its answer begins.
    pub(super) answer: Duration,
    /// Between two reads.
    pub(super) flow: Duration,
}

impl Patience {
    pub(super) const fn even(time: Duration) -> Self {
        Self { answer: time, flow: time }
    }
}

/// One open request.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) id: FetchId,
    pub(super) purpose: Purpose,
    pub(super) resource: Resource,
    /// The address that was asked.
    pub(super) url: String,
    pub(super) sent_at: Instant,
    pub(super) answered_at: Option<Instant>,
    pub(super) head: Head,
    heard_at: Instant,
    patience: Patience,
    /// Something of its body came.
    flows: bool,
    body: Vec<u8>,
}

impl Sent {
    /// Where the answer came from: after redirects, where that is known.
    pub(super) fn from(&self) -> &str {
        if self.head.url.is_empty() { &self.url } else { &self.head.url }
    }

    /// How it came to fail.
    pub(super) fn failed<'a>(&self, now: Instant, failure: &'a Failure) -> Failed<'a> {
        Failed { failure, lasted: now.since(self.heard_at), wish: self.head.retry_after }
    }

    /// What came is a web page. The type alone does not say so: scripts that hand out media often
    /// leave it at their language's default.
    pub(super) fn is_page(&self, body: &[u8]) -> bool {
        let html = self.head.content_type.as_deref().is_some_and(|t| t.starts_with("text/html"));
        let text = body.trim_ascii_start();
        html && (body.is_empty() || text.starts_with(b"<"))
    }

    /// The error status whose reason, a short text, is coming; after others nothing is waited for.
    fn refused(&self) -> Option<u16> {
        Some(self.head.status).filter(|status| *status >= 500)
    }

    /// What an event of this request means.
    fn hear(&mut self, now: Instant, event: FetchEvent) -> Heard {
        self.heard_at = now;
        self.flows |= matches!(event, FetchEvent::Data(_) | FetchEvent::Media { .. });
        let streamed = matches!(self.purpose, Purpose::Segment(_));
        match event {
            FetchEvent::Head(head) => self.hear_head(now, head),
            FetchEvent::Data(bytes) if streamed => Heard::Bytes(bytes),
            FetchEvent::Data(bytes) => self.gather(&bytes),
            FetchEvent::Media { blob, len, facts } => Heard::Read { blob, len, facts },
            FetchEvent::Done | FetchEvent::Failed(_) if let Some(status) = self.refused() => {
                Heard::Failed(Failure::Status(status))
            }
            FetchEvent::Done if streamed || self.purpose == Purpose::Probe => Heard::Done,
            FetchEvent::Done => Heard::Whole(core::mem::take(&mut self.body)),
            FetchEvent::Failed(text) => Heard::Failed(Failure::Unreachable(text)),
        }
    }

    fn hear_head(&mut self, now: Instant, head: Head) -> Heard {
        self.answered_at = Some(now);
        let status = head.status;
        let text = head.content_type.as_deref().is_some_and(|t| t.starts_with("text/plain"));
        self.head = head;
        // A server may ignore the header (RFC 9110 14.2): each part would cost the whole.
        let part = |r: ByteRange| r.first > 0 || r.last.is_some();
        let whole = status == 200 && self.resource.range.is_some_and(part);
        if (200..300).contains(&status) && !whole {
            Heard::Answered
        } else if status >= 500 && text && self.purpose == Purpose::Manifest {
            Heard::Nothing
        } else {
            Heard::Failed(match whole {
                true if self.is_page(&[]) => Failure::Page,
                true => Failure::NoRange,
                false => Failure::Status(status),
            })
        }
    }

    fn gather(&mut self, bytes: &[u8]) -> Heard {
        self.body.extend_from_slice(bytes);
        match self.refused() {
            Some(status) if self.body.len() > REASON_CHARS * 4 => {
                Heard::Failed(Failure::Status(status))
            }
            _ if self.body.len() > BODY_LIMIT => Heard::Failed(Failure::TooLarge),
            _ => Heard::Nothing,
        }
    }

    /// What has come of its body, where that is gathered here.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The reason that came with an error status: a sentence in plain text, or nothing.
    pub(super) fn reason(&self) -> Option<&str> {
        self.refused()?;
        let text = core::str::from_utf8(&self.body).ok()?.trim_ascii();
        let plain = !text.is_empty()
            && text.chars().count() <= REASON_CHARS
            && !text.contains(|c: char| c.is_control() || matches!(c, '<' | '>'));
        plain.then_some(text)
    }
}

/// A longer text is not read out to a viewer, and not waited for.
const REASON_CHARS: usize = 200;

/// What an event means.
#[derive(Debug)]
pub(super) enum Heard {
    /// Nothing yet.
    Nothing,
    /// A good status.
    Answered,
    /// A read of media.
    Read { blob: BlobId, len: u32, facts: Vec<Fact> },
    /// A read of a segment that is transmuxed here.
    Bytes(Vec<u8>),
    /// The body of a [`Body::Bytes`] request, whole.
    Whole(Vec<u8>),
    /// The end of a [`Body::Media`] or [`Body::Growing`] request.
    Done,
    /// It brought nothing, or not all.
    Failed(Failure),
}

/// When the network comes back, requests without a byte for this long are made again: most are dead.
pub(super) const SILENT: Duration = Duration::from_secs(1);

/// Nothing that is read into memory whole is as large as this: manifests of day-long windows have
/// about 10 MB.
const BODY_LIMIT: usize = 32 << 20;

#[derive(Debug, Default)]
pub(super) struct Requests {
    open: Vec<Sent>,
    mirrors: Mirrors,
    /// Requests made so far.
    pub(super) made: u32,
    /// Bytes received so far.
    pub(super) bytes: u64,
    /// What failed, and when it is requested again.
    pub(super) retries: Retries,
}

impl Requests {
    pub(super) fn send(
        &mut self,
        cx: &mut Cx<'_>,
        purpose: Purpose,
        resource: &Resource,
        body: Body,
        patience: Patience,
    ) -> FetchId {
        self.request(cx, purpose, resource, body, patience, false)
    }

    pub(super) fn send_head(
        &mut self,
        cx: &mut Cx<'_>,
        purpose: Purpose,
        resource: &Resource,
        patience: Patience,
    ) -> FetchId {
        self.request(cx, purpose, resource, Body::Bytes, patience, true)
    }

    fn request(
        &mut self,
        cx: &mut Cx<'_>,
        purpose: Purpose,
        resource: &Resource,
        body: Body,
        patience: Patience,
        head_only: bool,
    ) -> FetchId {
        let id = cx.new_id();
        let mirror = self.mirrors.choose(resource.base());
        let url = resource.url(mirror.map_or("", |mirror| &mirror.url));
        let range = resource.range;
        cx.push(Output::Fetch(Request { id, url: url.clone(), range, head_only, body }));
        cx.wake_at(cx.now + patience.answer, Reason::Timeout);
        self.made = self.made.saturating_add(1);
        self.open.push(Sent {
            id,
            purpose,
            resource: resource.clone(),
            url,
            sent_at: cx.now,
            answered_at: None,
            head: Head::default(),
            heard_at: cx.now,
            patience,
            flows: false,
            body: Vec::new(),
        });
        id
    }

    /// A request failed, or what came is not what it should be. Answers whether it is to be made again at
    /// once, for it is for media, and another mirror is asked then.
    pub(super) fn moves_on(&mut self, sent: &Sent) -> bool {
        let base = sent.resource.base();
        // An absolute reference leads to the same place from each of them.
        let several = base.mirrors().len() > 1 && !url::is_absolute(sent.resource.path());
        let several = several && sent.purpose.is_media();
        let Some(mirror) = self.mirrors.choose(base).filter(|_| several) else { return false };
        // Another request may have failed before.
        sent.resource.url(&mirror.url) != sent.url || self.mirrors.failed(base, mirror)
    }

    pub(super) fn get(&self, id: FetchId) -> Option<&Sent> {
        self.open.iter().find(|r| r.id == id)
    }

    /// A request was made for one thing and serves another from here on. Answers what has come of its body, and
    /// since when; `None`: it is not open.
    pub(super) fn turn_to(
        &mut self,
        id: FetchId,
        purpose: Purpose,
        patience: Patience,
    ) -> Option<(Vec<u8>, Option<Instant>)> {
        let sent = self.open.iter_mut().find(|r| r.id == id)?;
        (sent.purpose, sent.patience) = (purpose, patience);
        Some((core::mem::take(&mut sent.body), sent.answered_at))
    }

    /// Gives a request up, if it is open.
    pub(super) fn cancel(&mut self, cx: &mut Cx<'_>, id: FetchId) {
        self.give_up(cx, id);
    }

    pub(super) fn cancel_all(&mut self, cx: &mut Cx<'_>) {
        for sent in self.open.drain(..) {
            cx.push(Output::Cancel(sent.id));
        }
    }

    /// What `event` means, and the request it belongs to (which is over after `Whole`, `Done` and
    /// `Failed`). `None` for a request that is not open: its bytes are let go.
    pub(super) fn hear(
        &mut self,
        cx: &mut Cx<'_>,
        id: FetchId,
        event: FetchEvent,
    ) -> Option<(Heard, Option<Sent>)> {
        let Some(i) = self.open.iter().position(|r| r.id == id) else {
            if let FetchEvent::Media { blob, .. } = event {
                cx.push(Output::Release(blob));
            }
            return None;
        };
        let sent = self.open.get_mut(i)?;
        let ended = matches!(event, FetchEvent::Done | FetchEvent::Failed(_));
        self.bytes += match &event {
            FetchEvent::Data(bytes) => bytes.len() as u64,
            FetchEvent::Media { len, .. } => u64::from(*len),
            _ => 0,
        };
        let heard = sent.hear(cx.now, event);
        if matches!(heard, Heard::Failed(_)) && !ended {
            cx.push(Output::Cancel(id));
        }
        let over = matches!(heard, Heard::Whole(_) | Heard::Done | Heard::Failed(_));
        Some((heard, over.then(|| self.open.swap_remove(i))))
    }

    /// Gives up what has been silent for too long, and sees to being woken for the rest.
    pub(super) fn expire(&mut self, cx: &mut Cx<'_>) -> Vec<Sent> {
        let mut expired = Vec::new();
        let mut i = 0;
        while let Some(sent) = self.open.get(i) {
            let p = &sent.patience;
            let until = sent.heard_at + if sent.flows { p.flow } else { p.answer };
            if until <= cx.now {
                cx.push(Output::Cancel(sent.id));
                expired.push(self.open.swap_remove(i));
            } else {
                cx.wake_at(until, Reason::Timeout);
                i += 1;
            }
        }
        expired
    }

    /// What has come for them waited behind the page's own script: that is no silence.
    pub(super) fn page_was_busy(&mut self, cx: &Cx<'_>) {
        for sent in &mut self.open {
            sent.heard_at = cx.now.min(sent.heard_at + cx.idle);
        }
    }

    /// Requests that have been silent for `silence`: after the network was away they are dead more
    /// often than slow.
    pub(super) fn silent(&self, now: Instant, silence: Duration) -> Vec<FetchId> {
        let quiet = self.open.iter().filter(|r| now.since(r.heard_at) >= silence);
        quiet.map(|r| r.id).collect()
    }

    /// Gives a request up, and answers it.
    pub(super) fn give_up(&mut self, cx: &mut Cx<'_>, id: FetchId) -> Option<Sent> {
        let i = self.open.iter().position(|r| r.id == id)?;
        cx.push(Output::Cancel(id));
        Some(self.open.swap_remove(i))
    }
}
