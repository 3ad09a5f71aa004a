//! Transport streams: the size of the pieces makes no difference, and the transmuxer's output is
//! well formed whatever goes in. The first byte chooses the size of the pieces.
#![no_main]
use libfuzzer_sys::fuzz_target;
use nearlive::media::scan::{Fact, Scanner};
use nearlive::media::transmux::{Output, Transmuxer};
use nearlive::media::ts::{Demuxer, Event};

fn demux(bytes: &[u8], piece: usize) -> Vec<Event> {
    let (mut demuxer, mut events) = (Demuxer::new(), Vec::new());
    for part in bytes.chunks(piece) {
        demuxer.push(part, &mut events);
    }
    demuxer.flush(&mut events);
    events
}

fuzz_target!(|data: &[u8]| {
    let Some((piece, bytes)) = data.split_first() else { return };
    let piece = usize::from(*piece) + 1;
    assert!(demux(bytes, piece) == demux(bytes, bytes.len().max(1)));

    let (mut transmuxer, mut out) = (Transmuxer::new(), Vec::new());
    for part in bytes.chunks(piece) {
        transmuxer.push(part, &mut out);
    }
    transmuxer.end_segment(&mut out);
    let (mut scanner, mut facts) = (Scanner::default(), Vec::new());
    for o in &out {
        if let Output::Init { bytes, .. } | Output::Fragment { bytes, .. } = o {
            scanner.feed(bytes, &mut facts);
        }
    }
    assert!(!facts.iter().any(|f| matches!(f, Fact::Damaged { .. })));
});
