//! The presentation that is played, and how it is kept up to date.
//!
//! | file | owns |
//! |---|---|
//! | [`loader`] | when the manifest is loaded: the MPD, or the playlist that names the others |
//! | [`lists`] | when the media playlists of HLS are loaded |
//! | [`protocol`] | from bytes to the presentation, whichever protocol they are of |
//! | [`index`] | from a segment index in the media to a list of segments |

pub(super) mod index;
pub(super) mod lists;
mod loader;
pub(super) mod protocol;

use super::cx::Cx;
use super::error::{Code, Error};
use super::io::Reason;
use super::place::rep_of;
use super::requests::{Purpose, Requests, Sent};
use super::retries::{Need, Retries};
use super::track::Tracks;
use super::track::stream::Stream;
use crate::dash::resolve::MPD_EVENTS;
use crate::hls;
use crate::hls::syntax::Playlist;
use crate::media::webm::Reads;
use crate::net::Failure;
use crate::net::retry::{self, Failed, Outlook};
use crate::presentation::reads::Hls;
use crate::presentation::{self, Kind, Presentation, Representation, Resource, SegmentList};
use crate::time::{Instant, Position, WallTime};
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use index::Index;
use lists::{Lists, Refused};
use loader::Loader;
use protocol::Manifest as Read;

/// The presentation, and its loading.
#[derive(Debug)]
pub(super) struct Manifest {
    loader: Loader,
    /// The playlists of HLS.
    lists: Option<Lists>,
    presentation: Option<Rc<Presentation>>,
    /// Segment indexes that were read, by where they are.
    indexes: Vec<Index>,
    /// `dash` or `hls`; empty until one was read.
    protocol: &'static str,
    /// What the last message said of the MPD's validity.
    expiry: Option<Vec<u8>>,
}

/// A manifest that was read.
#[derive(Debug)]
pub(super) struct Loaded {
    /// When it was made, as it says.
    pub(super) made: Option<WallTime>,
    /// The one before; `None`: this is the first.
    pub(super) before: Option<Rc<Presentation>>,
    pub(super) now: Rc<Presentation>,
}

impl Loaded {
    /// Position zero is another time: an encoder that was started again begins at zero. Packagers that
    /// compute the time anew with each manifest are off by little.
    pub(super) fn begins_anew(&self) -> bool {
        let anchor = |p: &Presentation| match &p.kind {
            Kind::Live(live) => live.anchor,
            Kind::OnDemand { .. } => None,
        };
        let Some(before) = &self.before else { return false };
        anchor(&self.now).is_some_and(|now| {
            anchor(before).is_none_or(|before| now.micros_from(before).unsigned_abs() > 1_000_000)
        })
    }
}

/// What a playlist that was read changed.
#[derive(Debug)]
pub(super) struct Listed {
    /// It names more than before.
    pub(super) grew: bool,
    /// It was live before.
    pub(super) was_live: bool,
}

impl Manifest {
    pub(super) fn new(url: String) -> Self {
        Self {
            loader: Loader::new(url),
            lists: None,
            presentation: None,
            indexes: Vec::new(),
            protocol: "",
            expiry: None,
        }
    }

    /// One that has been loaded.
    #[cfg(test)]
    pub(super) fn of(presentation: Presentation) -> Self {
        Self { presentation: Some(Rc::new(presentation)), ..Self::new(String::new()) }
    }

    pub(super) fn presentation(&self) -> Option<&Presentation> {
        self.presentation.as_deref()
    }

    /// The presentation, to be kept while other parts change.
    pub(super) fn shared(&self) -> Option<Rc<Presentation>> {
        self.presentation.clone()
    }

    /// When the origin wrote the MPD that is in use, if it says so.
    pub(super) const fn published(&self) -> Option<WallTime> {
        self.loader.published()
    }

    /// `dash` or `hls`; empty until one was read.
    pub(super) const fn protocol(&self) -> &'static str {
        self.protocol
    }

    /// Its segments are listed in playlists of their own.
    pub(super) const fn is_hls(&self) -> bool {
        Hls::token().is_some() && self.lists.is_some()
    }

    /// The segments of a representation, as far as they are known.
    pub(super) fn list<'a>(&'a self, rep: &'a Representation) -> &'a SegmentList {
        match &rep.segments {
            SegmentList::Indexed { index, .. } => {
                self.index(index).map_or(&rep.segments, |it| &it.list)
            }
            list => list,
        }
    }

    /// How often the media of a representation is read: twice where it is searched as a whole.
    pub(super) fn reads(&self, rep: &Representation) -> u32 {
        let SegmentList::Indexed { index, .. } = &rep.segments else { return 1 };
        1 + u32::from(self.index(index).is_some_and(Index::is_read_twice))
    }

    /// A segment index was read, if it was.
    pub(super) fn index_read(&mut self, read: Option<Index>) {
        self.indexes.extend(read);
    }

    /// If what was asked for is more of a segment index: it came. Answers whether it is.
    pub(super) fn index_goes_on(&mut self, tracks: &mut Tracks, sent: &Sent, body: &[u8]) -> bool {
        let is_searched = |it: &mut Index| it.read_on(&sent.resource, body);
        Reads::token().is_some() && self.indexes.iter_mut().any(is_searched) && done(tracks, sent)
    }

    /// A file is searched for its index no further: it ends before what was asked for, or its server hands out whole
    /// files only. Answers whether that is so.
    pub(super) fn index_ends(&mut self, tracks: &mut Tracks, sent: &Sent, why: &Failure) -> bool {
        match why {
            _ if Reads::token().is_none() => false,
            Failure::Status(416) => self.index_goes_on(tracks, sent, &[]),
            Failure::NoRange => self.whole(tracks, sent).is_some() && done(tracks, sent),
            _ => false,
        }
    }

    fn whole(&mut self, tracks: &Tracks, sent: &Sent) -> Option<()> {
        let (p, Purpose::Index(track)) = (self.presentation.as_ref()?, sent.purpose) else {
            return None;
        };
        let place = tracks.get(track)?.place();
        let (rep, period) = (rep_of(p, place)?, p.periods.get(place.period)?);
        self.indexes.push(Index::whole(&sent.resource, rep, period)?);
        Some(())
    }

    /// The segment index, if it has been read.
    pub(super) fn index(&self, index: &Resource) -> Option<&Index> {
        self.indexes.iter().find(|it| it.at == *index)
    }

    /// More of its segments may be found where they are looked for.
    pub(super) fn is_searched(&self, rep: &Representation) -> bool {
        Reads::token().is_some() && self.list(rep).grows_by_reload()
    }

    /// The playlist that the first track is on, else what is at `url`.
    pub(super) fn first_list(&self, tracks: &Tracks, url: &str) -> Resource {
        let place = tracks.feeds().next().map(Stream::place);
        let rep = self.presentation().zip(place).and_then(|(p, place)| rep_of(p, place));
        rep.and_then(|rep| rep.playlist.clone()).unwrap_or_else(|| Resource::at(url))
    }

    /// Asks for the manifest when it is due.
    pub(super) fn poll(&mut self, cx: &mut Cx<'_>, requests: &mut Requests) {
        if cx.config.fetching || self.presentation.is_none() {
            self.loader.poll(cx, requests);
        }
    }

    /// Asks for the playlists that are due, of what the tracks are on.
    pub(super) fn poll_lists(&mut self, cx: &mut Cx<'_>, requests: &mut Requests, tracks: &Tracks) {
        if let (Some(p), Some(lists)) = (&self.presentation, &mut self.lists) {
            lists.poll(cx, requests, p, tracks);
        }
    }

    /// A newer manifest, or newer playlists, are wanted at `at` or as soon after as is decent.
    pub(super) fn want(&mut self, retries: &Retries, at: Instant) {
        self.want_newer(retries, at, false);
    }

    /// Of an MPD, `expected` says whether it will say more then, or there is trouble.
    fn want_newer(&mut self, retries: &Retries, at: Instant, expected: bool) {
        match &mut self.lists {
            Some(lists) => lists.want(retries, at),
            None => self.loader.want(retries, at, expected),
        }
    }

    /// A newer one is wanted at `at`, and nothing else may come that makes it be looked for.
    pub(super) fn want_woken(&mut self, cx: &mut Cx<'_>, retries: &Retries, at: Instant) {
        self.want_newer(retries, at, at > cx.now);
        if let Some(due) = self.loader.due() {
            cx.wake_at(due, Reason::ManifestRefresh);
        }
    }

    /// A message in the media: it may say that the MPD expires (ISO/IEC 23009-1 5.10.4), and then a newer
    /// one is wanted. Segments repeat it.
    pub(super) fn message(&mut self, now: Instant, retries: &Retries, scheme: &str, data: &[u8]) {
        if scheme == MPD_EVENTS && self.expiry.as_deref() != Some(data) {
            self.expiry = Some(data.to_vec());
            self.want(retries, now);
        }
    }

    /// When the manifest will be loaded next, unless it is being loaded.
    #[cfg(test)]
    pub(super) fn due(&self) -> Option<Instant> {
        self.loader.due()
    }

    /// Media comes: there is no trouble.
    pub(super) const fn calm(&mut self) {
        self.loader.calm();
    }

    /// The network is back: what failed is asked for at once, and a `live` manifest anyway.
    pub(super) fn hurry(&mut self, retries: &mut Retries, now: Instant, live: bool) {
        if let Some(lists) = &mut self.lists {
            lists.hurry(retries, now);
        }
        self.loader.hurry(retries, now, live && self.lists.is_none());
    }

    /// The request for the manifest was given up.
    pub(super) const fn dropped(&mut self, now: Instant) {
        self.loader.dropped(now);
    }

    /// The request for a playlist was given up.
    pub(super) fn list_dropped(&mut self, now: Instant, list: &Resource) {
        if let Some(lists) = &mut self.lists {
            lists.dropped(now, list);
        }
    }

    /// The manifest came. `None`: it is older than the one in use.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        retries: &mut Retries,
        sent: &Sent,
        body: &[u8],
    ) -> Result<Option<Loaded>, Error> {
        self.loader.over();
        let url = sent.from();
        let read = protocol::read(body, url, sent.head.content_type.as_deref())?;
        let (protocol, mut p, made, media) = match read {
            Read::Dash(_, presentation, published) => ("dash", presentation, published, None),
            Read::Hls(hls, presentation, media) => ("hls", presentation, None, Some((hls, media))),
        };
        if let Some(before) = &self.presentation {
            p.follow(before);
        }
        if let Some((hls, media)) = media {
            // What is known of its playlists stays.
            let lists = self.lists.get_or_insert_with(|| Lists::new(hls));
            let list = p.periods.first().and_then(|p| p.tracks.first());
            let list = list.and_then(|t| t.representations.first()?.playlist.clone());
            if let (Some(media), Some(list)) = (media, list) {
                let applied = lists.apply(now, retries, &mut p, (&list, url), &media);
                applied.map_err(|error| protocol::refused(url, error))?;
                retries.had(Need::Manifest);
            }
        } else {
            retries.had(Need::Manifest);
        }
        retries.recount(Need::Manifest);
        self.protocol = protocol;
        if !self.loader.read(sent.sent_at, p.location.as_ref(), p.refresh, made) {
            return Ok(None);
        }
        let now = Rc::new(p);
        let before = self.presentation.replace(Rc::clone(&now));
        Ok(Some(Loaded { made, before, now }))
    }

    /// The manifest cannot be had, or not be read; `first`: nothing plays yet. Answers what is to be
    /// said of it.
    pub(super) fn refused(
        &mut self,
        cx: &mut Cx<'_>,
        retries: &mut Retries,
        mut error: Error,
        failed: Option<Failed<'_>>,
        first: bool,
    ) -> Option<Error> {
        self.loader.over();
        let never = error.code == Code::NotYet;
        error.fatal |= !self.loader.refused(cx, retries, failed, first, never);
        let new = retries.tell(Need::Manifest, &error.message);
        (error.fatal || new).then_some(error)
    }

    /// A playlist came. An error that is a failure of the request is named as well.
    pub(super) fn listed(
        &mut self,
        retries: &mut Retries,
        sent: &Sent,
        body: &[u8],
    ) -> Result<Option<Listed>, (Error, Option<Failure>)> {
        let (list, from) = (&sent.resource, sent.from());
        let refused = |error| (protocol::refused(from, error), None);
        if Hls::token().is_none() || self.lists.is_none() {
            return Ok(None);
        }
        let media = match hls::read::playlist(body) {
            Ok(Playlist::Media(media)) => media,
            Ok(Playlist::Multivariant(_)) => {
                let why = "a media playlist was expected, a multivariant one came";
                return Err(refused(presentation::Error::NothingToPlay(why.to_string())));
            }
            Err(_) if sent.is_page(body) => {
                let error = Error::of_request(&Failure::Page, &sent.url, "the playlist");
                return Err((error, Some(Failure::Page)));
            }
            Err(error) => return Err(refused(error)),
        };
        let end = self.list_end(list);
        let (Some(lists), Some(shared)) = (&mut self.lists, &mut self.presentation) else {
            return Ok(None);
        };
        let was_live = matches!(shared.kind, Kind::Live(_));
        let presentation = Rc::make_mut(shared);
        let applied = lists.apply(sent.sent_at, retries, presentation, (list, from), &media);
        applied.map_err(refused)?;
        retries.had(Need::Manifest);
        Ok(Some(Listed { grew: self.list_end(list) != end, was_live }))
    }

    /// Where a list ends.
    fn list_end(&self, list: &Resource) -> Option<Position> {
        let tracks = self.presentation.iter().flat_map(|p| &p.periods).flat_map(|p| &p.tracks);
        let mut reps = tracks.flat_map(|track| &track.representations);
        let rep = reps.rfind(|rep| rep.playlist.as_ref() == Some(list))?;
        rep.segments.last().map(|segment| segment.end)
    }

    /// A playlist cannot be had, or not be read. `first`: nothing of it plays yet.
    pub(super) fn list_refused(
        &mut self,
        cx: &mut Cx<'_>,
        retries: &mut Retries,
        list: &Resource,
        failed: Option<Failed<'_>>,
        first: bool,
    ) -> Option<Refused> {
        let refused = failed.is_some_and(|it| retry::outlook(it.failure) == Outlook::Refused);
        if refused && !first {
            // Its address may have expired: the multivariant playlist names another token by now.
            self.loader.want(retries, cx.now, false);
        }
        Some(self.lists.as_mut()?.refused(cx, retries, list, failed, first))
    }

    /// It is asked for again, if that is of use; answers whether it is.
    pub(super) fn list_again(
        &mut self,
        now: Instant,
        list: &Resource,
        refused: Refused,
        first: bool,
    ) -> bool {
        self.lists.as_mut().is_some_and(|lists| lists.again(now, list, refused, first))
    }
}

/// What was asked for of an index came; its track goes on.
fn done(tracks: &mut Tracks, sent: &Sent) -> bool {
    if let Purpose::Index(track) = sent.purpose
        && let Some(stream) = tracks.get_mut(track)
    {
        stream.preliminary_over();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_the_mpd_expires_wants_a_newer_one_once() {
        let at = |ms: u64| Instant::from_micros(ms * 1000);
        let retries = Retries::default();
        let mut manifest = Manifest::new("https://host/a.mpd".into());
        manifest.message(at(5), &retries, "urn:scte:scte35:2013:bin", b"x");
        assert_eq!(manifest.due(), None);
        manifest.message(at(10), &retries, MPD_EVENTS, b"2026-11-28T00:00:00Z");
        assert_eq!(manifest.due(), Some(at(10)));
        let mut loaded = Manifest { expiry: manifest.expiry, ..Manifest::new(String::new()) };
        loaded.message(at(20), &retries, MPD_EVENTS, b"2026-11-28T00:00:00Z");
        assert_eq!(loaded.due(), None, "the next segment repeats it");
        loaded.message(at(30), &retries, MPD_EVENTS, b"2026-11-28T00:01:00Z");
        assert_eq!(loaded.due(), Some(at(30)));
    }
}
