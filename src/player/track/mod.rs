//! The tracks that are played: each is fetched, fed to its SourceBuffer, and knows what that holds.
//!
//! Text tracks are not made yet. HLS lists them (DASH's reader was not tried with them), then they are refused:
//! `Representation::mime` (`presentation/mod`) is `None`, so `Types::plays` (`player/select`) says no, and
//! `Opening::choose` (`player/open/choose`) chooses video and audio only. Made, they would rest for ever in
//! `Stream::wrapping` ([`stream`]: no mime) and get a SourceBuffer in `Tracks::add_buffers` ([`source`]).
//! They would ask for `Body::Bytes` (`Fetch::ask_for`, `player/fetch/ask`), which arrive in `Session::on_bytes`
//! (`player/session`, now for transport streams alone). `Tracks::needed` leaves them out already; `lists`,
//! `late`, `rate`, `aim`, `keep`, `spent` and [`next`]'s rule for an ended track do not.
//!
//! | file | owns |
//! |---|---|
//! | [`stream`] | one track: what is on its way, and how it gets to the buffer |
//! | [`replacement`] | a segment that is fetched again, better, in place of a buffered one |
//! | [`course`] | where it fetches, and how far its media has come |
//! | [`next`] | what it asks for next |
//! | [`trouble`] | what went wrong with its segments; [`missing`]: those that are not there |
//! | [`download`] | a segment on its way |
//! | [`transport`] | the transmuxer of a transport stream |
//! | [`sniffing`] | which tracks a transport stream has; [`sniff`]: what its segments say of that |
//! | [`late`] | a track that appears in it later |
//! | [`source`] | what a new MediaSource means for the tracks, and the end of one |
//! | [`silence`] | AAC for holes in the sound |
//! | [`way`] | where playing can go on |
//! | [`wrapping`] | what a segment needs around it |
//! | [`held`] | what the browser tells of the buffers |
//! | [`buffer`] | the SourceBuffer: the only one that appends, takes back and removes |

mod buffer;
mod course;
pub(super) mod download;
mod held;
mod late;
mod missing;
pub(super) mod next;
pub(super) mod replacement;
pub(super) mod silence;
pub(in crate::player) mod sniff;
mod sniffing;
mod source;
pub(super) mod stream;
mod transport;
mod trouble;
pub(super) mod way;
pub(super) mod wrapping;

use super::cx::Cx;
use super::io::{BlobId, FetchId, TrackId};
use super::place::{Place, moved_place, place_in, rep_of, track_of};
use super::requests::{Purpose, Requests, Sent};
use super::retries::{Need, Retries};
use super::select::Types;
use crate::buffer::offsets::Offsets;
use crate::buffer::ranges::Ranges;
use crate::live::control::Sound;
use crate::media::isobmff::scan::Fact;
use crate::presentation::reads::Hls;
use crate::presentation::{Presentation, Resource, SegmentList, TrackKind};
use crate::time::{Duration, Position};
use crate::units::Bitrate;
use alloc::string::String;
use alloc::vec::Vec;
use download::{News, Source};
use stream::Stream;
use transport::{Late, Piece};

/// All tracks that are played.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    list: Vec<Stream>,
    /// How many were added so far.
    made: u32,
    /// One that has appeared, and is not played yet.
    late: Option<Late>,
    /// Kinds that are not played although the stream has them.
    left_out: Vec<TrackKind>,
    /// Where each timeline of the media lies in the presentation; the same for all tracks.
    offsets: Offsets,
}

impl Tracks {
    /// Adds a track, whose media is of this type and begins at `at`.
    pub(super) fn add(
        &mut self,
        kind: TrackKind,
        place: Place,
        mime: String,
        at: Position,
    ) -> &mut Stream {
        let id = TrackId(self.made);
        self.made += 1;
        self.list.push(Stream::new(id, kind, place, mime, at));
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// The first track after this one, in the order in which they were added.
    pub(super) fn after(&self, track: Option<TrackId>) -> Option<TrackId> {
        self.list.iter().map(|s| s.id).find(|id| Some(*id) > track)
    }

    /// The names of all.
    pub(super) fn ids(&self) -> Vec<TrackId> {
        self.list.iter().map(|s| s.id).collect()
    }

    pub(super) fn iter(&self) -> core::slice::Iter<'_, Stream> {
        self.list.iter()
    }

    pub(super) fn get(&self, track: TrackId) -> Option<&Stream> {
        self.list.iter().find(|s| s.id == track)
    }

    pub(super) fn get_mut(&mut self, track: TrackId) -> Option<&mut Stream> {
        self.list.iter_mut().find(|s| s.id == track)
    }

    pub(super) fn first(&self) -> Option<&Stream> {
        self.list.first()
    }

    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The first track of a kind: the picture, or the sound.
    pub(super) fn of(&self, kind: TrackKind) -> Option<&Stream> {
        self.list.iter().find(|s| s.kind == kind)
    }

    /// The track is a picture.
    pub(super) fn is_picture(&self, track: TrackId) -> bool {
        self.get(track).is_some_and(|s| s.kind == TrackKind::Video)
    }

    pub(super) fn of_mut(&mut self, kind: TrackKind) -> Option<&mut Stream> {
        self.list.iter_mut().find(|s| s.kind == kind)
    }

    /// The track that is reported of: the picture, else the first.
    pub(super) fn leading(&self) -> Option<&Stream> {
        self.of(TrackKind::Video).or_else(|| self.first())
    }

    /// The tracks that request media themselves. A passive track gets its media from another track's
    /// requests: it has buffered ranges, but its place and its cursor mean nothing.
    pub(super) fn feeds(&self) -> impl Iterator<Item = &Stream> {
        self.list.iter().filter(|s| !s.passive)
    }

    /// The tracks that playback waits for. It never waits for a text track: not to start, not to end, and it
    /// does not stall for one.
    fn needed(&self) -> impl Iterator<Item = &Stream> + Clone {
        self.list.iter().filter(|s| s.kind != TrackKind::Text)
    }

    /// The ranges that every needed track has buffered.
    pub(super) fn common(&self) -> Ranges {
        let over = |s: &&Stream| s.ended && s.buffer.ranges().is_empty();
        let mut streams = self.needed().filter(|s| !over(s));
        let Some(first) = streams.next() else { return Ranges::default() };
        let first = first.buffer.ranges().clone();
        streams.fold(first, |all, s| all.intersection(s.buffer.ranges()))
    }

    /// How far playback can go from `at` without a hole in any needed track.
    pub(super) fn buffered_to(&self, at: Position) -> Position {
        let end = |s: &Stream| s.buffer.ranges().end_from(at);
        let open = self.needed().filter(|s| !s.ended).map(end).min();
        open.or_else(|| self.needed().map(end).max()).unwrap_or(at)
    }

    /// The lists of what is fetched, one for each track that asks for media itself.
    pub(super) fn lists<'a>(
        &'a self,
        p: &'a Presentation,
    ) -> impl Iterator<Item = &'a SegmentList> {
        self.feeds().filter_map(|s| s.list(p))
    }

    /// The list of the first track that asks for media itself.
    pub(super) fn first_list<'a>(&self, p: &'a Presentation) -> Option<&'a SegmentList> {
        self.feeds().next()?.list(p)
    }

    /// The length by which segments are counted: of the picture's the longest, else of the sound's.
    pub(super) fn segment_length(&self, p: &Presentation) -> Duration {
        let known = self.lists(p).map(SegmentList::longest).find(|it| !it.is_zero());
        known.unwrap_or(Duration::from_secs(2))
    }

    /// The bandwidth that the current representations of the tracks in `asked` need together.
    pub(super) fn rate(&self, p: &Presentation, asked: impl Fn(&&Stream) -> bool) -> Bitrate {
        let reps = self.feeds().filter(asked).filter_map(|s| rep_of(p, s.place));
        Bitrate::from_bps(reps.map(|r| r.bandwidth.as_bps()).sum())
    }

    /// Fetching goes on at `at`: each track moves to the Period of `at`, and fetches from there unless that
    /// media is buffered or on its way.
    pub(super) fn aim(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        (p, types): (&Presentation, &Types),
        at: Position,
    ) {
        let period = p.periods.iter().rposition(|period| period.start <= at);
        for stream in &mut self.list {
            if let Some(period) = period
                && period != stream.place.period
                && let (Some(track), Some(rep)) =
                    (track_of(p, stream.place), rep_of(p, stream.place))
                && let Some(place) = place_in(p, types, period, stream.kind, track, rep)
            {
                stream.place = place;
            }
            if !stream.covers(at) {
                stream.retarget(cx, requests, at);
            }
        }
    }

    /// A newer manifest came: each track finds its Period, track and representation again by their ids.
    pub(super) fn renamed(
        &mut self,
        retries: &mut Retries,
        old: &Presentation,
        new: &Presentation,
        types: &Types,
    ) {
        // It compares all segments that they list.
        let changed = old != new;
        for stream in &mut self.list {
            if changed {
                // What failed may exist now.
                retries.hurry(Need::Track(stream.id));
            }
            for d in &mut stream.downloads {
                let start = d.segment.start;
                let place = moved_place(old, new, types, d.place, stream.kind, start);
                d.place = place.unwrap_or(d.place);
            }
            let at = stream.cursor.position();
            if let Some(place) = moved_place(old, new, types, stream.place, stream.kind, at) {
                stream.place = place;
            }
            stream.ended = false;
        }
    }

    /// A newer playlist came, which names more than before or not.
    pub(super) fn listed(&mut self, retries: &mut Retries, grew: bool) {
        for stream in &mut self.list {
            stream.ended = false;
            if grew {
                retries.hurry(Need::Track(stream.id));
            }
        }
    }

    /// The tracks that a playlist is for.
    pub(super) fn of_list(&self, p: &Presentation, list: &Resource) -> Vec<TrackId> {
        let of =
            |s: &&Stream| rep_of(p, s.place).is_some_and(|r| r.playlist.as_ref() == Some(list));
        self.feeds().filter(of).map(|s| s.id).collect()
    }

    /// What is played beside the picture, of an element that is `muted` or not.
    pub(super) fn sound(&self, muted: bool) -> Sound {
        match self.of(TrackKind::Audio) {
            None => Sound::None,
            Some(_) if muted => Sound::Muted,
            Some(_) => Sound::Heard,
        }
    }

    /// How late the origin publishes segments: the largest value of all tracks.
    pub(super) fn late(&self) -> Duration {
        self.list.iter().map(|s| s.lateness.late()).max().unwrap_or_default()
    }

    /// How late the origin is known to publish: the largest value of all tracks.
    pub(super) fn known_late(&self) -> Duration {
        self.list.iter().map(|s| s.lateness.known()).max().unwrap_or_default()
    }

    /// A read of download `id` came; answers what it brought to light.
    pub(super) fn read(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        id: FetchId,
        blob: (BlobId, u32),
        facts: Vec<Fact>,
    ) -> Vec<News> {
        let stream = self.list.iter_mut().find(|s| s.id == track);
        stream.map(|s| s.read(cx, &mut self.offsets, id, blob, facts)).unwrap_or_default()
    }

    /// Download `id` is whole; answers what became known by it.
    pub(super) fn done(&mut self, cx: &mut Cx<'_>, track: TrackId, id: FetchId) -> Vec<News> {
        let stream = self.list.iter_mut().find(|s| s.id == track);
        stream.map(|s| s.done(cx, &mut self.offsets, id)).unwrap_or_default()
    }

    /// Bytes of a transport stream came.
    pub(super) fn bytes(&mut self, cx: &mut Cx<'_>, track: TrackId, id: FetchId, bytes: &[u8]) {
        self.transmux(cx, track, id, Some(bytes));
    }

    /// A segment of a transport stream is whole. Answers whether there was anything in it.
    pub(super) fn bytes_end(&mut self, cx: &mut Cx<'_>, track: TrackId, id: FetchId) -> bool {
        self.transmux(cx, track, id, None);
        let transport = self.get(track).and_then(|s| s.transport.as_ref());
        transport.is_none_or(|t| !t.found_nothing(id))
    }

    /// A segment that was read whole before its turn.
    pub(super) fn bytes_at_once(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        id: FetchId,
        bytes: &[u8],
    ) {
        self.bytes(cx, track, id, bytes);
        let _ = self.bytes_end(cx, track, id);
        self.done(cx, track, id);
    }

    /// One request feeds the buffers of picture and sound.
    fn transmux(&mut self, cx: &mut Cx<'_>, track: TrackId, id: FetchId, bytes: Option<&[u8]>) {
        let Some(stream) = self.list.iter_mut().find(|s| s.id == track) else { return };
        let Some(d) = stream.downloads.iter_mut().find(|d| d.id == id) else { return };
        let Some(transport) = &mut stream.transport else { return };
        d.got += bytes.map_or(0, |b| b.len() as u64);
        let (source, reads) = (Source::of(d), transport.reads());
        let (pieces, follows) = transport.feed(id, &d.segment, bytes);
        if !follows {
            for stream in self.list.iter_mut().filter(|s| s.id == track || s.passive) {
                stream.reached = None;
            }
        }
        for piece in pieces {
            // Muxed sound is dropped where the sound has a rendition of its own.
            let fits = |s: &&mut Stream| s.kind == piece.kind && (s.id == track || s.passive);
            match self.list.iter_mut().find(fits) {
                Some(stream) => stream.put(cx, &mut self.offsets, piece, source),
                None => self.appears(reads, &piece),
            }
        }
    }

    /// There is no track for this piece of a transport stream: it may begin one.
    fn appears(&mut self, reads: Hls, piece: &Piece) {
        if let Some(mime) = &piece.mime
            && self.of(piece.kind).is_none()
            && !self.left_out.contains(&piece.kind)
        {
            self.late = Some(Late { kind: piece.kind, mime: mime.clone(), reads });
        }
    }

    /// Removes media far behind `position`, and more where the browser has no room.
    pub(super) fn keep(&mut self, cx: &mut Cx<'_>, requests: &mut Requests, position: Position) {
        let mut again = None;
        for stream in &mut self.list {
            stream.buffer.evict(cx, position);
            let Some(span) = stream.buffer.room_to_make(position, stream.segment) else { continue };
            if span.start > position && stream.passive {
                again = Some(span.start);
            } else if span.start > position {
                stream.give_back(cx, requests, span.start);
            }
            stream.buffer.make_room(cx, span);
        }
        let feed = self.list.iter_mut().find(|s| s.transport.is_some());
        if let Some((at, feed)) = again.zip(feed) {
            // The muxed sound has no room: it comes again with the picture.
            feed.give_back(cx, requests, at);
        }
    }

    /// All media of download `id` has come, even if the answer did not end well.
    pub(super) fn has_all_of(&self, track: TrackId, id: FetchId) -> bool {
        self.get(track).is_some_and(|s| s.has_all_of(id))
    }

    /// A request was cancelled; its segment, init or index will be requested again.
    pub(super) fn dropped(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        track: TrackId,
        sent: &Sent,
    ) {
        let Some(stream) = self.get_mut(track) else { return };
        if matches!(sent.purpose, Purpose::Segment(_)) {
            stream.lost(cx, requests, sent.id);
        } else {
            stream.fetching = None;
        }
    }

    /// Its buffer was given another initialization segment since this was asked last.
    pub(super) fn take_another_init(&mut self, track: TrackId) -> bool {
        self.get_mut(track).is_some_and(|s| s.buffer.take_changed())
    }

    /// All media of all tracks has come and is in the buffers.
    pub(super) fn all_over(&self) -> bool {
        let over = |s: &Stream| s.ended && s.downloads.is_empty() && s.buffer.is_idle();
        !self.is_empty() && self.needed().all(over)
    }

    /// Segments are there so many microseconds after they are due.
    pub(super) fn found_late(&mut self, late_us: i64) {
        for stream in &mut self.list {
            stream.lateness.found(late_us);
        }
    }

    /// Nothing is buffered.
    pub(super) fn hold_nothing(&self) -> bool {
        self.needed().all(|s| s.buffer.ranges().is_empty())
    }

    /// A passive track has come as far as the one that feeds it.
    pub(super) fn follow_feeds(&mut self) {
        let ended = self.feeds().any(|s| s.ended && s.transport.is_some());
        for stream in self.list.iter_mut().filter(|s| s.passive) {
            stream.ended = ended;
        }
    }

    /// Lets go of everything that is kept for them.
    pub(super) fn stop(&mut self, cx: &mut Cx<'_>) {
        for stream in self.list.drain(..) {
            stream.stop(cx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::cx::Surroundings;
    use crate::player::place::Place;
    use crate::player::testing::{at, now, span, two_periods, types};
    use alloc::vec;

    #[test]
    fn a_track_goes_to_the_period_that_holds_its_place_and_fetches_only_what_it_has_not() {
        let presentation = two_periods();
        let types = types(&presentation);
        let cases = [
            // Where to, the Period that holds it, and where fetching is then.
            (10_000, 0, 10_000),
            (2_000, 0, 4_000),
            (60_000, 1, 60_000),
            (75_000, 1, 75_000),
        ];
        for (to, period, fetching) in cases {
            let mut tracks = Tracks::default();
            let place = Place { period: 0, track: 0, rep: 1 };
            let stream = tracks.add(TrackKind::Video, place, "video/mp4".into(), at(4000));
            stream.buffer.updated(vec![span(0, 4000)]);
            let (mut around, mut requests) = (Surroundings::default(), Requests::default());
            let cx = &mut around.at(now(0));
            tracks.aim(cx, &mut requests, (&presentation, &types), at(to));
            let stream = tracks.of(TrackKind::Video).unwrap();
            assert_eq!(stream.place, Place { period, track: 0, rep: 1 }, "to {to} ms");
            assert_eq!(stream.cursor.position(), at(fetching), "to {to} ms");
        }
    }

    #[test]
    fn what_all_tracks_hold_is_what_can_be_played() {
        let mut tracks = Tracks::default();
        assert!(tracks.common().is_empty() && !tracks.all_over());
        for (kind, held) in
            [(TrackKind::Video, span(0, 9000)), (TrackKind::Audio, span(1000, 7000))]
        {
            let place = Place { period: 0, track: 0, rep: 0 };
            tracks.add(kind, place, "x".into(), at(0)).buffer.updated(vec![held]);
        }
        let place = Place { period: 0, track: 0, rep: 0 };
        tracks.add(TrackKind::Text, place, "x".into(), at(0));
        assert_eq!(tracks.common().spans(), [span(1000, 7000)], "a text holds nothing up");
        assert_eq!(tracks.buffered_to(at(2000)), at(7000));
        tracks.of_mut(TrackKind::Audio).unwrap().ended = true;
        assert_eq!(tracks.buffered_to(at(2000)), at(9000), "sound that is over ends nothing");
        tracks.of_mut(TrackKind::Video).unwrap().ended = true;
        assert!(tracks.all_over(), "nor the end");
        assert_eq!(tracks.ids(), [TrackId(0), TrackId(1), TrackId(2)]);
        let (mut around, mut requests) = (Surroundings::default(), Requests::default());
        tracks.remove(&mut around.at(now(0)), &mut requests, TrackId(1), None, at(0));
        assert_eq!(tracks.after(None), Some(TrackId(0)));
        assert_eq!(tracks.after(Some(TrackId(0))), Some(TrackId(2)));
        assert_eq!(tracks.after(Some(TrackId(2))), None);
    }
}
