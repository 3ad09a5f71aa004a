//! PURE: ffmpeg's stderr as lines, each no longer than ffmpeg makes them.
//!
//! ffmpeg cuts a message at 1023 bytes and continues the line with the next message
//! (libavutil/log.c, `LINE_SZ`). Texts of the camera can be that long. A program that prints longer
//! lines is not ffmpeg; the rest of such a line is ignored.

/// The longest piece, bytes.
const LONGEST: usize = 1023;

/// Assembles lines.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Reading,
    /// The last piece had the greatest length allowed.
    Cut,
    /// The rest of the line is ignored, because it is too long.
    Skipping,
}

impl Lines {
    /// Calls `each` for each line that `bytes` complete; with true if its end is missing.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&str, bool)) {
        for byte in bytes {
            match (*byte, self.state) {
                (b'\n' | b'\r', _) => {
                    self.give(false, &mut each);
                    self.state = State::Reading;
                }
                // The rest begins with its level or its sender: `[info] `, `[rtsp @ 0x55] `.
                (b'[', State::Cut) => {
                    self.line.push(b'[');
                    self.state = State::Reading;
                }
                (_, State::Cut) => self.state = State::Skipping,
                (_, State::Skipping) => {}
                (byte, State::Reading) => {
                    self.line.push(byte);
                    if self.line.len() == LONGEST {
                        self.give(true, &mut each);
                        self.state = State::Cut;
                    }
                }
            }
        }
    }

    /// The input has ended.
    pub fn end(&mut self, mut each: impl FnMut(&str, bool)) {
        self.give(false, &mut each);
    }

    fn give(&mut self, cut: bool, each: &mut impl FnMut(&str, bool)) {
        let text = String::from_utf8_lossy(&self.line);
        if !text.trim().is_empty() {
            each(&text, cut);
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<(String, bool)> {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for piece in pieces {
            lines.push(piece, |text, cut| out.push((text.to_owned(), cut)));
        }
        lines.end(|text, cut| out.push((text.to_owned(), cut)));
        out
    }

    #[test]
    fn lines_come_whole_however_they_are_read() {
        let whole: Vec<(String, bool)> =
            ["[info] one", "two", "\u{fffd}"].map(|t| (t.to_owned(), false)).to_vec();
        assert_eq!(read(&[b"[info] o", b"ne\r\n \n", b"two\n\xff"]), whole);
    }

    #[test]
    fn a_line_that_ffmpeg_cut_does_not_swallow_the_next_and_megabytes_are_not_kept() {
        let long = [b"x".repeat(1023), b"[error] next\n".to_vec()].concat();
        let got = read(&[&long]);
        assert_eq!(got.len(), 2);
        assert!(got[0].1 && got[0].0.len() == 1023);
        assert_eq!(got[1], ("[error] next".to_owned(), false));
        let endless = read(&[&b"y".repeat(5_000_000), b"\nafter\n"]);
        assert_eq!(endless.iter().map(|l| l.0.len()).sum::<usize>(), 1023 + 5);
    }
}
