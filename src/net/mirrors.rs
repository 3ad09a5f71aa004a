//! Which of the mirrors that a manifest names is asked (BaseURL, ISO/IEC 23009-1 5.6). Pure.
//!
//! ```text
//! the first --fails--> the next, at once --fails--> ... the last --fails--> usual retry: the one that
//!                      (stays in use while it                               failed longest ago
//!                       answers)
//! ```
//! Mirrors of one service fail together, and what one resource shows of a service counts for all others.

use crate::presentation::{Base, Mirror};
use alloc::string::String;
use alloc::vec::Vec;

/// More services than a manifest names; one that names others at each load must not fill the memory.
const MOST: usize = 32;

/// What is remembered of services that failed.
#[derive(Debug, Default)]
pub struct Mirrors {
    /// The one that failed last stands last.
    failed: Vec<Failed>,
}

#[derive(Debug)]
struct Failed {
    service: String,
    /// None of the mirrors beside it has answered since, nor have all been tried.
    fresh: bool,
}

impl Mirrors {
    /// The mirror to ask: the first that has not failed, else the one that failed longest ago.
    pub fn choose<'a>(&self, base: &'a Base) -> Option<&'a Mirror> {
        let since =
            |mirror: &&Mirror| self.failed.iter().rposition(|it| it.service == mirror.service);
        base.mirrors().iter().min_by_key(since)
    }

    /// A request to this mirror of `base` failed. Answers whether another one is to be asked at once; if
    /// not, all have failed since one answered, and it is time to wait.
    pub fn failed(&mut self, base: &Base, mirror: &Mirror) -> bool {
        let service = mirror.service.clone();
        self.failed.retain(|it| it.service != service);
        if self.failed.len() >= MOST {
            self.failed.clear();
        }
        self.failed.push(Failed { service, fresh: true });
        let fresh =
            |mirror: &Mirror| self.failed.iter().any(|it| it.fresh && it.service == mirror.service);
        let all = base.mirrors().iter().all(fresh);
        if all {
            self.settle(base);
        }
        !all
    }

    /// A mirror of `base` gave what it was asked for; or all of them have been tried. From now on each
    /// may be tried once more.
    pub fn settle(&mut self, base: &Base) {
        for failed in &mut self.failed {
            failed.fresh &= base.mirrors().iter().all(|mirror| mirror.service != failed.service);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use alloc::format;
    use alloc::rc::Rc;

    fn base(services: &[&str]) -> Rc<Base> {
        let mirror = |s: &&str| Mirror { url: format!("https://{s}/"), service: (*s).to_owned() };
        Base::of(services.iter().map(mirror).collect())
    }

    fn fail(mirrors: &mut Mirrors, base: &Base, service: &str) -> bool {
        mirrors.failed(base, base.mirrors().iter().find(|it| it.service == service).unwrap())
    }

    /// A script over mirrors `a`, `b`, ...: each step names a service that fails (with what is to be
    /// answered), or `+` for an answer of the one in use; then the one that is asked next.
    fn run(services: &[&str], steps: &[(&str, bool, &str)]) {
        let base = base(services);
        let mut mirrors = Mirrors::default();
        for (i, (what, at_once, next)) in steps.iter().enumerate() {
            match *what {
                "+" => mirrors.settle(&base),
                service => assert_eq!(fail(&mut mirrors, &base, service), *at_once, "step {i}"),
            }
            let asked = mirrors.choose(&base).map(|it| it.service.as_str());
            assert_eq!(asked, Some(*next), "step {i} of {steps:?}");
        }
    }

    #[test]
    fn the_first_is_asked_until_it_fails_and_then_the_next_stays_in_use() {
        run(&["a", "b"], &[("+", true, "a"), ("a", true, "b"), ("+", true, "b"), ("+", true, "b")]);
        run(&["a", "b", "c"], &[("a", true, "b"), ("b", true, "c"), ("+", true, "c")]);
    }

    #[test]
    fn when_all_have_failed_it_is_time_to_wait_and_then_all_are_tried_again() {
        let round = [("a", true, "b"), ("b", false, "a")];
        run(&["a", "b"], &[round, round, round].concat());
        run(&["a"], &[("a", false, "a"), ("a", false, "a")]);
        run(&["a", "a"], &[("a", false, "a")]);
        run(&["a", "b", "c"], &[("a", true, "b"), ("b", true, "c"), ("c", false, "a")]);
    }

    #[test]
    fn one_that_failed_long_ago_is_tried_at_once_when_another_has_answered_since() {
        let steps = [("a", true, "b"), ("+", true, "b"), ("b", true, "a"), ("a", false, "b")];
        run(&["a", "b"], &steps);
    }

    #[test]
    fn requests_that_fail_together_move_on_once() {
        let steps = [("a", true, "b"), ("a", true, "b"), ("+", true, "b"), ("a", true, "b")];
        run(&["a", "b"], &steps);
    }

    #[test]
    fn what_is_known_of_a_service_counts_for_all_that_it_has() {
        let mut mirrors = Mirrors::default();
        let (film, clip, sound) = (base(&["a", "b"]), base(&["c", "d"]), base(&["a", "c"]));
        assert!(fail(&mut mirrors, &film, "a") && fail(&mut mirrors, &clip, "c"));
        for (base, service) in [(&film, "b"), (&clip, "d"), (&sound, "a")] {
            assert_eq!(mirrors.choose(base).map(|it| it.service.as_str()), Some(service));
        }
    }

    #[test]
    fn no_more_is_remembered_than_a_manifest_names() {
        let mut mirrors = Mirrors::default();
        for name in (0..1000).map(|i| format!("{i}")) {
            fail(&mut mirrors, &base(&[&name, "b"]), &name);
        }
        assert!(mirrors.failed.len() <= MOST);
    }
}
