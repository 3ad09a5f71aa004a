//! PURE: what the log says about a camera, and when.
//!
//! The server may try an absent camera for months. So the log names each cause once per outage,
//! with the next step, and then only says every [`REMIND`] how long the outage has lasted.

use std::time::Duration;

use nearlive::time::{Instant, WallTime};

use super::backoff;
use super::status::State;
use crate::engine::stderr::Cause;

/// How often the log says that a camera is still away.
pub const REMIND: Duration = Duration::from_secs(600);

/// What the log has said about one camera.
#[derive(Debug, Default)]
pub struct News {
    state: Option<State>,
    outage: Option<Outage>,
}

#[derive(Debug)]
struct Outage {
    began: Instant,
    said: Instant,
    /// The codes of the causes that the log has named.
    causes: Vec<&'static str>,
}

impl News {
    /// The camera has been in `state` by `cause` since `since`. Returns the line to log, if it is
    /// news. `place` is the camera's host and port.
    pub fn line(
        &mut self,
        state: State,
        cause: Option<&Cause>,
        place: &str,
        now: (Instant, WallTime),
        since: Instant,
    ) -> Option<String> {
        let (now, wall) = now;
        // Some viewers see a picture and others do not: logged each time this begins.
        let half = cause.filter(|_| state == State::Live).map(|c| c.sentence(place, wall));
        let news = self.state.replace(state) != Some(state);
        let Some(cause) = cause.filter(|_| state == State::Offline) else {
            let outage = self.outage.take_if(|_| state == State::Live);
            return half.or_else(|| {
                news.then(|| match outage {
                    Some(o) => {
                        format!("{} again after {}", state.word(), long(now.since(o.began).into()))
                    }
                    None => state.word().to_owned(),
                })
            });
        };
        let first = Outage { began: since, said: now, causes: Vec::new() };
        let outage = self.outage.get_or_insert(first);
        if !outage.causes.contains(&cause.code()) {
            outage.causes.push(cause.code());
            outage.said = now;
            let cause_and_next = match cause {
                Cause::ClockLeapt | Cause::NoKeyFrames => cause.sentence(place, wall),
                // It matters to the owner of the machine, not to viewers.
                Cause::EngineKilled(kind, signal) => {
                    format!("{} was ended by signal {signal}; starting it again", kind.name())
                }
                _ => format!("{}; {}", cause.sentence(place, wall), next(cause)),
            };
            return Some(cause_and_next);
        }
        if now.since(outage.said) < REMIND {
            return None;
        }
        outage.said = now;
        let lasts = long(now.since(outage.began).into());
        let every = backoff::LONGEST.as_secs();
        Some(format!("still away after {lasts}: {}; tried every {every} s", cause.lasting(place)))
    }
}

/// The next step.
fn next(cause: &Cause) -> String {
    let (first, later) = (backoff::SHORTEST.as_secs(), backoff::LONGEST.as_secs());
    match cause {
        // Cameras lock out clients that try often.
        cause if cause.is_refused_login() => format!("trying again every {later} s"),
        cause if cause.is_costly() => format!(
            "trying again, at first every {} s, later every {later} s",
            backoff::AFTER_COSTLY.as_secs()
        ),
        _ => format!("trying again, at first every {first} s, later every {later} s"),
    }
}

/// `45 s`, `10 min`, `3 h 20 min`.
fn long(time: Duration) -> String {
    let s = time.as_secs();
    match (s / 3600, s / 60 % 60) {
        (0, 0..2) => format!("{s} s"),
        (0, min) => format!("{min} min"),
        (h, min) => format!("{h} h {min} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_that_is_away_is_told_once_and_then_seldom() {
        let mut news = News::default();
        let place = "192.168.1.9:554";
        let mut at = |s: u64, state, cause: Option<Cause>| {
            let now = Instant::from_micros(s * 1_000_000);
            news.line(state, cause.as_ref(), place, (now, WallTime::from_millis(0)), now)
        };
        let mut away = |s, cause| at(s, State::Offline, Some(cause)).unwrap_or_default();
        assert_eq!(
            away(0, Cause::ConnectionRefused),
            "nothing answers at 192.168.1.9:554 (connection refused); trying again, at first every \
             1 s, later every 30 s"
        );
        assert_eq!(away(1, Cause::ConnectionRefused), "");
        assert!(away(2, Cause::NoRoute).starts_with("no route to 192.168.1.9; trying"));
        // Two alternating causes make two lines in all, not one for each change.
        assert_eq!(away(3, Cause::ConnectionRefused) + &away(4, Cause::NoRoute), "");
        assert_eq!(away(601, Cause::NoRoute), "");
        assert_eq!(
            away(603, Cause::NoRoute),
            "still away after 10 min: no route to 192.168.1.9; tried every 30 s"
        );
        assert_eq!(away(1202, Cause::NoRoute), "");
        assert!(away(12_000, Cause::NoRoute).starts_with("still away after 3 h 20 min"));
        assert_eq!(at(12_045, State::Live, None).as_deref(), Some("live again after 3 h 20 min"));
        assert_eq!(at(12_046, State::Live, None), None);
        // The next outage is a new one.
        let line = at(12_060, State::Offline, Some(Cause::NoRoute)).unwrap_or_default();
        assert!(line.starts_with("no route"), "{line}");
        let line = at(12_070, State::Offline, Some(Cause::PasswordRefused)).unwrap_or_default();
        assert_eq!(line, "the camera refused the password; trying again every 30 s");
    }

    #[test]
    fn an_outage_is_counted_from_the_last_frame() {
        let mut news = News::default();
        let at = |s: u64| (Instant::from_micros(s * 1_000_000), WallTime::from_millis(0));
        news.line(State::Live, None, "h:554", at(0), at(0).0);
        news.line(State::Offline, Some(&Cause::HungUp), "h:554", at(14), at(10).0);
        let line = news.line(State::Live, None, "h:554", at(24), at(24).0);
        assert_eq!(line.as_deref(), Some("live again after 14 s"));
    }

    #[test]
    fn the_first_states_are_a_word() {
        let mut news = News::default();
        let now = (Instant::from_micros(0), WallTime::from_millis(0));
        for (state, line) in [
            (State::Connecting, Some("connecting")),
            (State::Connecting, None),
            (State::Live, Some("live")),
        ] {
            assert_eq!(news.line(state, None, "h:554", now, now.0).as_deref(), line);
        }
    }
}
