//! Reads an engine's messages: passes them to the reader that parses them and, cleaned, to the log.

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;

use super::secret::Redactor;
use crate::clock::Clock;
use crate::engine::kind::Kind;
use crate::engine::lines::Lines;
use crate::engine::stderr::{self, Cause, Reader, Source};
use crate::rarely::Ration;

/// Lines of one run that the log takes at once, and per second from then on: ffmpeg prints about
/// sixty at its start, and may print thousands a second about a camera that sends garbage.
const LINES_AT_ONCE: u32 = 200;
const LINES_A_SECOND: u32 = 10;

/// What ffmpeg has said so far in a run.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// What the camera sends, once ffmpeg has described it.
    pub(super) source: Option<Source>,
    /// Why the run is of no use.
    pub(super) useless: Option<Cause>,
    /// Pictures that were not decoded well.
    pub(super) spoilt: u64,
}

/// Reads the engine's stderr to its end.
pub(super) async fn listen(
    (engine, mut from): (Kind, impl AsyncRead + Unpin),
    redactor: Redactor,
    camera: String,
    clock: Clock,
    heard: watch::Sender<Heard>,
) -> Reader {
    let mut reader = Reader::of(engine);
    let name = engine.name();
    let mut lines = Lines::default();
    let mut ration = Ration::new(LINES_AT_ONCE, LINES_A_SECOND);
    let mut buffer = vec![0; 16 << 10];
    loop {
        let mut described = false;
        let mut each = |text: &str, cut: bool| {
            described |= reader.line(text, cut);
            if tracing::enabled!(tracing::Level::DEBUG)
                && !stderr::is_routine(text)
                && let Some(unsaid) = ration.take(clock.now())
            {
                if unsaid > 0 {
                    tracing::debug!("{camera}: {name}: ({unsaid} lines are left out)");
                }
                tracing::debug!("{camera}: {name}: {}", redactor.clean_foreign(text, cut));
            }
        };
        let more = match from.read(&mut buffer).await {
            Ok(n @ 1..) => {
                lines.push(buffer.get(..n).unwrap_or_default(), each);
                true
            }
            Ok(0) | Err(_) => {
                lines.end(&mut each);
                false
            }
        };
        heard.send_if_modified(|heard| {
            let new = described || heard.useless.is_none() && reader.useless().is_some();
            if described {
                heard.source = Some(reader.source().clone());
            }
            heard.useless = reader.useless().cloned();
            heard.spoilt = reader.spoilt();
            new
        });
        if !more {
            return reader;
        }
    }
}
