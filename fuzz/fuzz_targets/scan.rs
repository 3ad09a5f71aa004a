//! MP4 and WebM: the size of the pieces makes no difference. The first byte chooses it.
#![no_main]
use libfuzzer_sys::fuzz_target;
use nearlive::media::scan::{Fact, Scanner};

fn scan(bytes: &[u8], piece: usize) -> Vec<Fact> {
    let (mut scanner, mut facts) = (Scanner::default(), Vec::new());
    for part in bytes.chunks(piece) {
        scanner.feed(part, &mut facts);
    }
    assert!(scanner.offset() <= bytes.len() as u64);
    facts
}

fuzz_target!(|data: &[u8]| {
    let Some((piece, bytes)) = data.split_first() else { return };
    assert!(scan(bytes, usize::from(*piece) + 1) == scan(bytes, bytes.len().max(1)));
});
