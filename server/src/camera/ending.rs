//! PURE: why a run of an engine ended by itself.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use nearlive::time::WallTime;
use nix::sys::signal::Signal::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};

use super::secret::Redactor;
use crate::engine::stderr::{Cause, Reader};

/// The reason, from what was said, how the process ended, and when the last picture came.
pub(super) fn cause_of(
    reader: Reader,
    status: Option<ExitStatus>,
    last: Option<WallTime>,
    redactor: &Redactor,
) -> Cause {
    let engine = reader.engine();
    let signal = status.and_then(|s| s.signal());
    let failed = status.is_none_or(|s| !s.success());
    let said = reader.cause(failed && signal.is_none(), redactor);
    match (said, last, signal) {
        // Memory that it could not get ends it, in one way or another.
        (Some(cause @ (Cause::TooMuchMemory | Cause::PictureTooBig(..))), ..) => cause,
        (_, _, Some(signal)) if is_crash(signal) => Cause::EngineCrashed(engine, signal),
        (_, _, Some(signal)) => Cause::EngineKilled(engine, signal),
        // A timeout after pictures is a stall that the engine noticed first.
        (Some(Cause::NoAnswer | Cause::NotRtsp), Some(last), _) => Cause::StoppedSending(last),
        (Some(cause), ..) => cause,
        (None, Some(_), _) => Cause::HungUp,
        (None, None, _) => Cause::NothingCame,
    }
}

/// Signals that a program causes itself.
fn is_crash(signal: i32) -> bool {
    [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP].iter().any(|s| *s as i32 == signal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::kind::Kind;

    #[test]
    fn it_is_what_was_said_unless_a_signal_says_more() {
        let now = Some(WallTime::from_micros(5));
        let failed = |words: &str| Cause::EngineFailed(Kind::Gstreamer, words.into());
        for (line, status, last, expected) in [
            ("error silent", 1 << 8, None, Cause::NoAnswer),
            ("error silent", 1 << 8, now, Cause::StoppedSending(WallTime::from_micros(5))),
            ("error refused", 11, None, Cause::EngineCrashed(Kind::Gstreamer, 11)),
            ("error refused", 9, None, Cause::EngineKilled(Kind::Gstreamer, 9)),
            ("error too-big 9000 9000", 9, None, Cause::PictureTooBig(9000, 9000)),
            ("error what people read", 1 << 8, None, failed("what people read")),
            ("a library is missing", 127 << 8, None, failed("a library is missing")),
            ("note the camera is slow", 1 << 8, None, Cause::NothingCame),
            ("note the camera is slow", 0, now, Cause::HungUp),
        ] {
            let mut reader = Reader::of(Kind::Gstreamer);
            reader.line(line, false);
            let status = Some(ExitStatus::from_raw(status));
            assert_eq!(cause_of(reader, status, last, &Redactor::default()), expected, "{line}");
        }
    }
}
