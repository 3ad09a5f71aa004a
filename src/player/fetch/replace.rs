//! Fetching again, better, what is buffered low: [`crate::abr::replace`] decides, this file gathers what is held and asks.
//!
//! Films only. The media of a replacement waits until it is whole (`player/track/replacement`), so the track goes on as if
//! there was none: at worst it has lost the time. While an initialization segment or an index is fetched for it, the track
//! asks for nothing else; this is given up when what is held gets short, and for a seek.

use super::{Fetch, Step};
use crate::abr::Choice;
use crate::abr::replace::Held;
use crate::player::cx::Cx;
use crate::player::io::{Body, FetchId, Reason, TrackId};
use crate::player::place::{Place, rep_of, track_of};
use crate::player::requests::{Patience, Purpose};
use crate::player::track::download::{Download, middle};
use crate::player::track::replacement::agree;
use crate::player::track::stream::Stream;
use crate::presentation::{Presentation, Resource, Segment, SegmentList, TrackKind};
use crate::time::{Duration, Instant, Position, Span};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Media nearer than this to the element is not replaced: the browser decodes some of it beforehand.
const SOON: Duration = Duration::from_secs(1);
/// A replacement that is silent for this long is given up: the link is needed for what follows.
const SILENCE: Duration = Duration::from_secs(2);
/// With less held than this, nothing is fetched but what comes next.
const SHORT: Duration = Duration::from_secs(2);
/// No replacement is looked at more often than this.
const LOOK: Duration = Duration::from_millis(100);
/// The last segment that is held may end this much before its listed end.
const ROUNDING: Duration = Duration::from_millis(60);

impl Fetch<'_> {
    /// Before a segment of a track is asked for, or while there is no room for one: a better one is asked for in place
    /// of one that is held, where that pays.
    pub(super) fn replace(
        &mut self,
        cx: &mut Cx<'_>,
        p: &Presentation,
        track: TrackId,
    ) -> Option<Step> {
        let stream = self.tracks.get(track)?;
        let (head, snap) = (self.rest.head, self.rest.head.snap());
        let seen = head.plays() && !head.is_live() && !snap.hidden && !snap.sated;
        if stream.kind() != TrackKind::Video || !seen || !stream.may_replace() {
            return None;
        }
        let held = self.held(cx.now, p, stream);
        let reps: Vec<Held> = held.iter().map(|it| it.1).collect();
        let (quality, _, view) = self.quality_parts(cx.now)?;
        let chosen = quality.replacement(cx.now, &view, view.tracks.get(track)?, &reps);
        let lasts = held.last().map_or(Duration::ZERO, |it| it.0.end.since(head.position(cx.now)));
        let asked = chosen.and_then(|(i, choice)| {
            self.ask_replacement(cx, p, track, (held.get(i)?.0, lasts), &choice)
        });
        if asked.is_none() {
            self.tracks.get_mut(track)?.replacement_mut().rest();
        }
        asked
    }

    /// The segments that are held from the element's position on without a hole, and their rungs.
    fn held(&self, now: Instant, p: &Presentation, stream: &Stream) -> Vec<(Span, Held)> {
        let (mut out, place) = (Vec::new(), stream.place());
        let Some(track) = track_of(p, place) else { return out };
        let position = self.rest.head.position(now);
        let end = stream.buffer().ranges().end_from(position);
        let Some(rep) = rep_of(p, place) else { return out };
        let list = self.rest.manifest.list(rep);
        let mut next = list.at(position);
        while let Some(segment) = next.filter(|it| it.end <= end + ROUNDING) {
            let own = stream.buffer().quality_at(middle(&segment));
            let Some(rep) = own.and_then(|it| self.quality.rep_of(track, it)) else { break };
            let list_of = track.representations.get(rep).map(|it| self.rest.manifest.list(it));
            let same = list_of.and_then(|it| it.at(middle(&segment)));
            if same.is_none_or(|it| !agree(span(&it), span(&segment))) {
                break;
            }
            let within = self.left(now, segment.start);
            next = segment.number.checked_add(1).and_then(|it| list.numbered(it));
            out.push((span(&segment), Held { rep, within }));
        }
        out
    }

    /// Asks for what takes the place of a segment that is held; what is held `lasts` so long.
    fn ask_replacement(
        &mut self,
        cx: &mut Cx<'_>,
        p: &Presentation,
        track: TrackId,
        (held, lasts): (Span, Duration),
        choice: &Choice,
    ) -> Option<Step> {
        let stream = self.tracks.get(track)?;
        let place = Place { rep: choice.rep, ..stream.place() };
        let rep = rep_of(p, place)?;
        if let Some(unknown) = self.unknown(track, rep) {
            return self.before_replacement(cx, track, unknown, lasts);
        }
        let found = self.rest.manifest.list(rep).at(held.start + held.end.since(held.start) / 2);
        let mut s = found.filter(|it| !it.gap && agree(span(it), held))?;
        let init = s.init.clone().or_else(|| rep.init.clone());
        let data = match &init {
            None => Rc::default(),
            Some(resource) => match stream.init(resource) {
                Some(data) => data,
                None => {
                    let own = (Purpose::Init(track), resource.clone());
                    return self.before_replacement(cx, track, own, lasts);
                }
            },
        };
        let wrapping = stream.wrapping(Some(p), rep, init, data)?;
        if let SegmentList::Indexed { index, .. } = &rep.segments {
            s.resource = index.part(s.resource.range);
        }
        let body = Body::Media(wrapping.tracks().to_vec());
        let patience = Patience::even(patience(cx));
        let id = self.requests.send(cx, Purpose::Segment(track), &s.resource, body, patience);
        let quality = self.quality.replaces_with(rep, &choice.why);
        let edge = Position::default();
        let download = Download::new((id, cx.now), s, place, wrapping, quality, edge);
        self.tracks.get_mut(track)?.replacement_mut().begin(download);
        Some(Step::Rest)
    }

    /// Asks for what has to be known of a rung before something is replaced by it.
    fn before_replacement(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        (purpose, resource): (Purpose, Resource),
        lasts: Duration,
    ) -> Option<Step> {
        let patience = patience(cx);
        // Nothing else is asked for until it has come, or failed.
        if lasts <= patience + SOON {
            return None;
        }
        let stream = self.tracks.get_mut(track)?;
        stream.ask_patiently(cx, self.requests, purpose, resource, patience);
        let asked = stream.fetching();
        stream.replacement_mut().asked_before(asked);
        Some(Step::Rest)
    }

    /// What a replacement needs before its media is given up when what is held gets short: until it has come, nothing
    /// else is asked for.
    pub(super) fn look_at_preparation(&mut self, cx: &mut Cx<'_>, track: TrackId) {
        let position = self.rest.head.position(cx.now);
        let preparing = self.tracks.get_mut(track).filter(|it| it.prepares_replacement());
        let Some(stream) = preparing else { return };
        let held = stream.buffer().ranges().end_from(position).since(position);
        if held > SHORT {
            cx.wake_at(cx.now + held.saturating_sub(SHORT).max(LOOK), Reason::BufferRoom);
        } else {
            stream.drop_preparation(cx, self.requests);
        }
    }

    /// Looks again at the replacement under way: what comes too late, or is not wanted any more, is given up.
    pub(super) fn look_at_replacement(&mut self, cx: &mut Cx<'_>, track: TrackId) {
        let position = self.rest.head.position(cx.now);
        let Some(stream) = self.tracks.get_mut(track) else { return };
        stream.mend(cx, self.requests, position);
        let coming = stream.replacement().coming().map(|d| (d.segment().start, d.place()));
        let Some((start, place)) = coming else { return };
        let (left, stands) = (self.left(cx.now, start), self.rest.head.stands());
        let wanted = self
            .quality_parts(cx.now)
            .is_some_and(|(quality, _, view)| quality.allows_replacement(cx.now, &view, place));
        if !left.is_zero() && wanted && !stands {
            // While the element stands, what is left stays the same.
            return cx.wake_at(cx.now + left.max(LOOK), Reason::BufferRoom);
        }
        if let Some(stream) = self.tracks.get_mut(track) {
            stream.replacement_mut().give_up(cx, self.requests);
        }
    }

    /// A read of download `id` came: a replacement that the link is too slow for now is given up.
    pub(super) fn replacement_read(&mut self, cx: &mut Cx<'_>, track: TrackId, id: FetchId) {
        let d =
            self.tracks.get(track).and_then(|s| s.replacement().coming()).filter(|d| d.id() == id);
        let Some(within) = d.map(|d| self.left(cx.now, d.segment().start)) else { return };
        let Some((quality, _, view)) = self.quality_parts(cx.now) else { return };
        let Some(stream) = view.tracks.get(track) else { return };
        if !quality.goes_on(cx.now, &view, (stream, id), within)
            && let Some(stream) = self.tracks.get_mut(track)
        {
            stream.replacement_mut().give_up(cx, self.requests);
        }
    }

    /// The time until media at this position must not be replaced any more.
    fn left(&self, now: Instant, at: Position) -> Duration {
        let rate = self.rest.head.snap().rate.permille().max(1000);
        at.since(self.rest.head.position(now) + SOON) * 1000 / rate
    }
}

/// How long what a replacement needs may be silent.
fn patience(cx: &Cx<'_>) -> Duration {
    cx.config.request_timeout.min(SILENCE)
}

fn span(segment: &Segment) -> Span {
    Span { start: segment.start, end: segment.end }
}
