//! The log: one line per event on stderr, with every known secret removed.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

use crate::camera::secret::Redactor;

/// Sends `tracing` events to stderr through `redactor`. The first call wins.
pub fn start(redactor: Redactor, verbose: bool) {
    let level = if verbose { tracing::Level::DEBUG } else { tracing::Level::INFO };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(false)
        .with_writer(Lines { redactor })
        .finish();
    // Only fails when a test has set one already.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// From now on a panic also goes through the log: the text that it was working on may be an address.
pub fn clean_panics(redactor: Redactor) {
    std::panic::set_hook(Box::new(move |panic| {
        let line = format!("nearlive-server: a fault in the program: {panic}\n");
        let _ = io::stderr().lock().write_all(redactor.clean_foreign(&line, false).as_bytes());
    }));
}

/// Writes `text` to stdout, all at once, so that no log line comes in between. A closed stdout
/// (`| head`) is not an error.
pub fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Makes a writer for each event.
struct Lines {
    redactor: Redactor,
}

/// Collects one event, and writes it cleaned when it is complete.
struct Line {
    redactor: Redactor,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { redactor: self.redactor.clone(), text: Vec::new() }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        // A closed stderr is no reason to stop serving.
        let _ = io::stderr().lock().write_all(self.redactor.clean(&text).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::address::Address;

    #[test]
    fn a_panic_about_a_text_with_a_password_does_not_say_it() {
        let redactor = Redactor::default();
        let address = Address::parse("rtsp://u:hunter2@h/key=Xy7z").expect("valid");
        address.teach(&redactor);
        // The message given to the hook, in the standard library's words.
        let panic = "range start index 3 out of range of `u:hunter2 rtsp://u:other@h/key=Xy7z`";
        let said = redactor.clean_foreign(panic, false);
        for secret in ["hunter2", "other", "Xy7z"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}
