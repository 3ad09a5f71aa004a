//! What can be fetched: what it is, apart from the addresses at which it can be had.
//!
//! ```text
//! Resource = Base + path + range       Base = the addresses of the mirrors, the preferred one first
//! ```
//! A manifest may name several servers for the same media (BaseURL, ISO/IEC 23009-1 5.6). When it is
//! loaded again it may name other servers, or other tokens in the query, for media that has not changed.
//! So an address says where something is, not what it is:
//!
//! - **Where**: a base and a reference below it, as the manifest writes it. They become an address when
//!   a request is sent, in `player/requests.rs` alone, for the mirror that is in use at that time.
//! - **What**: within one load of a manifest, two resources are the same if base, path and range are the
//!   same. The path alone is not enough: two servers may have different files under the same path. From
//!   one load to the next, a resource is the same if it stands in the same place of the manifest (in DASH
//!   the Representation of a Period, in HLS the number of a segment or of a variant) and its address has
//!   the same path, whatever the host and the query. Then it keeps the identity under which it was first
//!   seen ([`Resource::follow`]), and what was read of it is found again: initialization segments,
//!   indexes, the state of a playlist.

use super::url;
use crate::units::ByteRange;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

/// One of the addresses at which a manifest says that media can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Absolute.
    pub url: String,
    /// Names the server or network behind it (`@serviceLocation`, 23009-1 5.6.2): mirrors of one service
    /// fail together.
    pub service: String,
}

/// What paths are relative to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The preferred one first.
    mirrors: Vec<Mirror>,
}

impl Base {
    /// A base with one address.
    pub fn new(url: String) -> Rc<Self> {
        Self::of([Mirror { url, service: String::new() }].into())
    }

    /// A base with these addresses; with none it is the empty address.
    pub fn of(mirrors: Vec<Mirror>) -> Rc<Self> {
        Rc::new(Self { mirrors })
    }

    /// Its addresses, the preferred one first.
    pub fn mirrors(&self) -> &[Mirror] {
        &self.mirrors
    }

    /// The preferred address.
    pub fn url(&self) -> &str {
        self.mirrors.first().map_or("", |mirror| &mirror.url)
    }
}

/// Something to fetch.
///
/// Two are equal if they are the same thing, even if its address has changed.
#[derive(Clone, Debug)]
pub struct Resource {
    base: Rc<Base>,
    path: String,
    /// The byte range; the whole file when `None`.
    pub range: Option<ByteRange>,
    /// Its identity when it was first seen, if its address was another then.
    first: Option<Rc<Self>>,
}

impl Resource {
    /// The resource that the reference `path` names below `base`; if empty, the base itself.
    pub const fn new(base: Rc<Base>, path: String, range: Option<ByteRange>) -> Self {
        Self { base, path, range, first: None }
    }

    /// The whole file at an absolute address.
    pub fn at(url: &str) -> Self {
        Self::new(Base::new(url.into()), String::new(), None)
    }

    /// Another part of the same file.
    #[must_use]
    pub fn part(&self, range: Option<ByteRange>) -> Self {
        Self { range, ..self.beside(self.path.clone()) }
    }

    /// The whole file that `path` names below the same base.
    #[must_use]
    pub fn beside(&self, path: String) -> Self {
        Self::new(Rc::clone(&self.base), path, None)
    }

    /// The base of its path.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// The reference below the base, as written in the manifest.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its address at a mirror.
    pub fn url(&self, mirror: &str) -> String {
        if self.path.is_empty() { mirror.into() } else { url::resolve(mirror, &self.path) }
    }

    /// Its address at the preferred mirror.
    pub fn preferred(&self) -> String {
        self.url(self.base.url())
    }

    /// `before` had the same place in the manifest at the last load. If only the host or the query
    /// of the address has changed, it keeps the identity of `before`.
    pub fn follow(&mut self, before: &Self) {
        if self != before && self.range == before.range && self.has_path_of(before) {
            let first = before.first.clone();
            self.first = Some(first.unwrap_or_else(|| Rc::new(before.clone())));
        }
    }

    /// Whether its preferred address is `other`'s, apart from host and query.
    pub fn has_path_of(&self, other: &Self) -> bool {
        url::path(&self.preferred()) == url::path(&other.preferred())
    }

    fn first(&self) -> &Self {
        self.first.as_deref().unwrap_or(self)
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.first(), other.first());
        a.path == b.path && a.range == b.range && a.base.url() == b.base.url()
    }
}

impl Eq for Resource {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn below(urls: &[&str], path: &str) -> Resource {
        let mirror = |url: &&str| Mirror { url: (*url).into(), service: (*url).into() };
        Resource::new(Base::of(urls.iter().map(mirror).collect()), path.into(), None)
    }

    #[test]
    fn a_path_is_resolved_against_each_mirror() {
        let cases = [
            ("init.mp4", "https://a/x/init.mp4", "https://b/init.mp4"),
            ("../y/1.m4s?t=1", "https://a/y/1.m4s?t=1", "https://b/y/1.m4s?t=1"),
            ("/z", "https://a/z", "https://b/z"),
            ("https://c/1", "https://c/1", "https://c/1"),
            ("data:,x", "data:,x", "data:,x"),
            ("", "https://a/x/?k=1#f", "https://b"),
            ("?n=2", "https://a/x/?n=2", "https://b?n=2"),
        ];
        for (path, at_a, at_b) in cases {
            let it = below(&["https://a/x/?k=1#f", "https://b"], path);
            let all: Vec<_> = it.base().mirrors().iter().map(|m| it.url(&m.url)).collect();
            assert_eq!(all, [at_a, at_b], "{path}");
        }
        assert_eq!(Base::of(vec![]).url(), "");
    }

    #[test]
    fn within_a_load_only_the_same_reference_is_the_same() {
        let init = below(&["https://a/x/"], "init.mp4");
        assert_eq!(init, below(&["https://a/x/"], "init.mp4"));
        let part = init.part(Some(ByteRange { first: 0, last: Some(9) }));
        let others = [
            below(&["https://b/x/"], "init.mp4"),
            below(&["https://a/x/?t=2"], "init.mp4"),
            below(&["https://a/x/"], "init.mp4?v=2"),
            part,
        ];
        for other in others {
            assert_ne!(init, other);
        }
    }

    #[test]
    fn from_load_to_load_host_and_query_do_not_matter() {
        let init = below(&["https://a/x/?t=1"], "init.mp4?t=1");
        let same = [
            below(&["https://a/x/?t=2"], "init.mp4?t=2"),
            below(&["http://b:81/x/"], "init.mp4"),
            below(&["https://c/x/", "https://d/y/"], "init.mp4"),
            below(&["https://a/"], "x/init.mp4"),
            below(&["https://a/"], "https://b/x/init.mp4"),
        ];
        for mut now in same {
            assert_ne!(now, init, "not yet");
            now.follow(&init);
            assert_eq!(now, init, "{now:?}");
        }
        let others = [
            below(&["https://a/y/?t=1"], "init.mp4?t=1"),
            below(&["https://a/x/?t=1"], "init2.mp4"),
            init.part(Some(ByteRange { first: 0, last: Some(9) })),
        ];
        for mut now in others {
            now.follow(&init);
            assert_ne!(now, init, "{now:?}");
        }
    }

    #[test]
    fn it_is_known_over_any_number_of_loads_and_back() {
        let first = below(&["https://a/"], "i");
        let mut last = first.clone();
        for host in ["https://b/", "https://c/?t", "https://a/", "https://b/"] {
            let mut now = below(&[host], "i");
            now.follow(&last);
            assert_eq!(now, first, "{host}");
            assert_eq!(now.url(now.base().url()), url::resolve(host, "i"));
            last = now;
        }
    }

    #[test]
    fn the_same_path_on_two_hosts_stays_two_things_while_both_move() {
        let before = [below(&["https://a/"], "i"), below(&["https://b/"], "i")];
        let mut now = [below(&["https://c/"], "i"), below(&["https://d/"], "i")];
        for (now, before) in now.iter_mut().zip(&before) {
            now.follow(before);
        }
        assert_eq!(now, before);
        assert_ne!(now[0], now[1]);
    }
}
