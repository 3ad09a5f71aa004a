//! The messages for viewers about a live edge that is not where the manifest says.

use crate::player::error::{Code, Error, shown};
use crate::time::Duration;
use alloc::format;
use alloc::string::String;

/// The origin publishes its segments later than the manifest says.
pub(super) fn late(by: Duration, url: &str) -> Error {
    let message = format!(
        "The server has its segments {} later than the manifest says; playing keeps so much farther \
         behind. Let the encoder keep pace, or the manifest say so.",
        for_people(by)
    );
    untimely(message, format!("{} ms", by.as_micros() / 1000), url)
}

/// A search for the edge takes longer.
pub(super) fn lost(url: &str) -> Error {
    let message = "The server refuses the newest segments: this device's clock or the manifest's \
                   availabilityStartTime may be off. Others are tried; set the clock, or add \
                   UTCTiming to the manifest.";
    untimely(message.into(), String::new(), url)
}

/// A search found the edge elsewhere, so a clock is off by so many microseconds. `synced`: it is
/// the manifest's, because the device's clock was synchronised.
pub(super) fn off(by_us: i64, synced: bool, url: &str) -> Error {
    let by = Duration::from_micros(by_us.unsigned_abs());
    let (what, help) = if synced {
        ("The manifest's availabilityStartTime is", "Correct it at the encoder")
    } else {
        (
            "This device's clock, or the manifest's availabilityStartTime, is",
            "Set the clock, or add UTCTiming to the manifest",
        )
    };
    let message =
        format!("{what} {} off; playing goes by what the server has. {help}.", for_people(by));
    untimely(message, format!("{by_us} us"), url)
}

fn untimely(message: String, detail: String, url: &str) -> Error {
    Error { code: Code::Untimely, fatal: false, message, url: Some(shown(url)), detail }
}

/// A duration in words.
fn for_people(d: Duration) -> String {
    match d.as_secs() {
        0..60 => format!("{}.{} s", d.as_secs(), d.as_millis() / 100 % 10),
        s @ 60..7200 => format!("{} min", (s + 30) / 60),
        s @ 7200..172_800 => format!("{} h", (s + 1800) / 3600),
        s => format!("{} days", s / 86_400),
    }
}
