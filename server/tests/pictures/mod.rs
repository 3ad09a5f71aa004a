//! What ffmpeg shows of what is served.

use std::io::Write;
use std::process::{Command, Stdio};

/// MD5 of the pictures that ffmpeg shows of this stream, which it must decode without a word; `form`: words that say
/// what it is, where ffmpeg does not see it.
pub(crate) fn decoded(form: &str, stream: &[u8]) -> Vec<String> {
    let mut child = Command::new("ffmpeg")
        .args("-hide_banner -loglevel error -nostdin -threads 1".split(' '))
        .args(form.split_whitespace())
        .args("-i pipe:0 -an -fps_mode passthrough -f framemd5 -".split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ffmpeg runs");
    let mut stdin = child.stdin.take().unwrap();
    let stream = stream.to_vec();
    let feeder = std::thread::spawn(move || {
        let _ = stdin.write_all(&stream);
    });
    let out = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stderr), "", "ffmpeg has nothing to say");
    let text = String::from_utf8(out.stdout).unwrap();
    let md5 = |line: &str| line.rsplit(',').next().unwrap().trim().to_owned();
    text.lines().filter(|l| !l.starts_with('#')).map(md5).collect()
}
