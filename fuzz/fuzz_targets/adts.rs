//! ADTS: frames and the rest are never more than what there was.
#![no_main]
use libfuzzer_sys::fuzz_target;
use nearlive::media::es::aac::adts_frames;

fuzz_target!(|data: &[u8]| {
    let mut frames = adts_frames(data);
    let payload: usize = frames.by_ref().map(|(_, f)| f.data.len()).sum();
    assert!(payload + frames.rest().len() <= data.len());
});
