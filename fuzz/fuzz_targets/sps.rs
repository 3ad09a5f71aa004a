//! Parameter sets of H.264, and access units.
#![no_main]
use libfuzzer_sys::fuzz_target;
use nearlive::media::codec::Codec;
use nearlive::media::es::h264::{self, AvcConfig};

fuzz_target!(|data: &[u8]| {
    if let Some(config) = AvcConfig::new(data, &[0x68]) {
        let _ = config.to_avcc();
        assert_eq!(Codec::of(&config.codec_string()), Codec::Avc);
    }
    let sample = h264::access_unit(data);
    assert!(sample.data.len() <= 2 * data.len());
});
