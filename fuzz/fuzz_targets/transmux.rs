//! A playlist of transport streams made into CMAF: each track's output is well formed, begins with an
//! initialization segment, says the times that stand beside it, and is not much more than what went in.
//! The first byte chooses the size of the pieces, the second where segments end and what follows.
#![no_main]
use libfuzzer_sys::fuzz_target;
use nearlive::media::scan::{Fact, Scanner};
use nearlive::media::transmux::{Output, Transmuxer};

fuzz_target!(|data: &[u8]| {
    let [piece, ends, bytes @ ..] = data else { return };
    let (mut transmuxer, mut out) = (Transmuxer::new(), Vec::new());
    for (n, segment) in bytes.chunks(188 * (usize::from(ends >> 2) + 1)).enumerate() {
        match (n, ends & 3) {
            (1.., 1) => transmuxer.seek(),
            (1.., 2) => transmuxer.discontinuity(),
            _ => {}
        }
        for part in segment.chunks(usize::from(*piece) + 1) {
            transmuxer.push(part, &mut out);
        }
        transmuxer.end_segment(&mut out);
    }
    let mut tracks = Vec::new();
    let mut size = 0;
    for output in &out {
        let (kind, bytes) = match output {
            Output::Init { kind, bytes, .. } | Output::Fragment { kind, bytes, .. } => {
                (kind, bytes)
            }
            Output::Unsupported { .. } => continue,
        };
        size += bytes.len();
        let known = tracks.iter().position(|(k, _)| k == kind);
        let known = known.unwrap_or_else(|| {
            assert!(
                matches!(output, Output::Init { .. }),
                "media before an initialization segment"
            );
            tracks.push((*kind, Scanner::default()));
            tracks.len() - 1
        });
        let mut facts = Vec::new();
        tracks[known].1.feed(bytes, &mut facts);
        assert!(!facts.iter().any(|f| matches!(f, Fact::Damaged { .. })), "{facts:?}");
        if let Output::Fragment { start, end, sync, .. } = output {
            let found = facts.iter().find_map(|f| match f {
                Fact::Fragment(fragment) => Some(fragment),
                _ => None,
            });
            let found = found.expect("a fragment has a moof");
            assert_eq!(found.sync, *sync);
            assert!(start.as_micros() <= end.as_micros(), "{start:?} to {end:?}");
        }
    }
    assert!(size <= 8 * data.len() + 8192, "{size} bytes of {}", data.len());
});
