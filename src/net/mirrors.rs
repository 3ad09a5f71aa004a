//! Which of the manifest's mirrors is asked (BaseURL, ISO/IEC 23009-1 5.6). PURE.
//!
//! ```text
//! the first --fails--> the next, at once --fails--> ... the last --fails--> the usual wait, then the
//!                      (stays in use while it                               first again
//!                       answers)
//! ```
//! Mirrors of one *service* fail together: a failure for one resource counts for all others.

use crate::presentation::{Base, Mirror};
use alloc::string::String;
use alloc::vec::Vec;

/// The most services remembered: a manifest that names new ones at each load must not fill memory.
const MOST: usize = 32;

/// The services that failed.
#[derive(Debug, Default)]
pub struct Mirrors {
    failed: Vec<String>,
}

impl Mirrors {
    /// The mirror to ask: the first that has not failed.
    pub fn choose<'a>(&self, base: &'a Base) -> Option<&'a Mirror> {
        let mut all = base.mirrors().iter();
        all.find(|mirror| !self.failed.contains(&mirror.service)).or_else(|| base.mirrors().first())
    }

    /// A request to this mirror of `base` failed. Answers whether another one is left, to be asked
    /// at once; if not, it is time to wait, and all will be tried again.
    pub fn failed(&mut self, base: &Base, mirror: &Mirror) -> bool {
        self.failed.push(mirror.service.clone());
        let left = base.mirrors().iter().any(|mirror| !self.failed.contains(&mirror.service));
        if !left || self.failed.len() > MOST {
            self.failed.clear();
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use alloc::format;
    use alloc::rc::Rc;
    use alloc::vec;

    fn base(services: &[&str]) -> Rc<Base> {
        let mirror = |s: &&str| Mirror { url: format!("https://{s}/"), service: (*s).to_owned() };
        Base::of(services.iter().map(mirror).collect())
    }

    fn asked<'a>(mirrors: &Mirrors, base: &'a Base) -> Option<&'a str> {
        mirrors.choose(base).map(|it| it.service.as_str())
    }

    /// The one that is asked fails; answers whether another is asked at once.
    fn fail(mirrors: &mut Mirrors, base: &Base) -> bool {
        mirrors.failed(base, mirrors.choose(base).unwrap())
    }

    #[test]
    fn the_first_is_asked_until_it_fails_then_the_next_and_after_the_last_it_is_time_to_wait() {
        // Services in their order; for each failure, whether another is asked at once, and which is
        // next.
        let cases = [
            ("a", vec![(false, "a"), (false, "a")]),
            ("aa", vec![(false, "a"), (false, "a")]),
            ("ab", vec![(true, "b"), (false, "a"), (true, "b"), (false, "a")]),
            ("abc", vec![(true, "b"), (true, "c"), (false, "a"), (true, "b")]),
        ];
        for (names, steps) in cases {
            let names: Vec<&str> = names.split("").filter(|name| !name.is_empty()).collect();
            let (base, mut mirrors) = (base(&names), Mirrors::default());
            assert_eq!(asked(&mirrors, &base), Some("a"));
            for (i, (at_once, next)) in steps.into_iter().enumerate() {
                let found = (fail(&mut mirrors, &base), asked(&mirrors, &base));
                assert_eq!(found, (at_once, Some(next)), "failure {i} of {names:?}");
            }
        }
        assert_eq!(asked(&Mirrors::default(), &base(&[])), None);
    }

    #[test]
    fn what_is_known_of_a_service_counts_for_all_that_it_has() {
        let mut mirrors = Mirrors::default();
        let (film, clip) = (base(&["a", "b"]), base(&["c", "d"]));
        assert!(fail(&mut mirrors, &film) && fail(&mut mirrors, &clip));
        for (base, service) in [(film, "b"), (clip, "d"), (base(&["a", "c", "e"]), "e")] {
            assert_eq!(asked(&mirrors, &base), Some(service));
        }
    }

    #[test]
    fn no_more_is_remembered_than_a_manifest_names() {
        let mut mirrors = Mirrors::default();
        for name in (0..1000).map(|i| format!("{i}")) {
            fail(&mut mirrors, &base(&[&name, "b"]));
            assert!(mirrors.failed.len() <= MOST);
        }
    }
}
