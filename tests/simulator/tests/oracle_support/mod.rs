//! The server's own packager and playlists in states that others' readers have to understand.

// Each test binary uses its own part of this, and a test helper fails by panicking.
#![allow(dead_code, clippy::panic, clippy::single_range_in_vec_init)]

use nearlive_simulator::Time;
use nearlive_simulator::clock::secs;
use nearlive_simulator::origin::packaged::{PackagedServer, Script};
use nearlive_simulator::origin::{HttpRequest, Origin, Step};

/// What the camera and the server do, its name, and when to look.
pub(crate) fn states() -> Vec<(&'static str, Script, Time)> {
    let script = Script::default;
    vec![
        ("a camera that has been there for 15 s", script(), 0),
        ("a window that is full", script(), secs(60)),
        ("a camera that is away", Script { away: vec![secs(10)..secs(30)], ..script() }, secs(25)),
        ("one that came back", Script { away: vec![secs(10)..secs(20)], ..script() }, secs(40)),
        (
            "another size, and back",
            Script { resized: vec![secs(5), secs(15)], ..script() },
            secs(30),
        ),
        ("GOPs of any length", Script { off_grid: vec![0..secs(90)], ..script() }, secs(60)),
        (
            "frames that are skipped",
            Script { skips: vec![(0..secs(90), 150)], ..script() },
            secs(40),
        ),
        (
            "a server that was restarted",
            Script { down: vec![secs(10)..secs(13)], ..script() },
            secs(25),
        ),
    ]
}

/// The whole of what is at `url` at `at`; it is waited for where it grows.
pub(crate) fn get(server: &mut PackagedServer, at: Time, url: &str) -> Vec<u8> {
    let request = HttpRequest { url: url.into(), range: None, head_only: false };
    let mut reply = server.open(at, &request);
    let (mut now, mut body) = (at, Vec::new());
    loop {
        match reply.poll(now) {
            Step::Head(head) => assert_eq!(head.status, 200, "{url}"),
            Step::Data(data) => data.copy_to(&mut body),
            Step::Later(at) => now = at,
            Step::End => return body,
            Step::Cut => panic!("{url} was cut"),
        }
    }
}
