//! Parameter sets of H.264 and H.265, and access units.
#![no_main]
use libfuzzer_sys::fuzz_target;
use nearlive::media::codec::{Codec, Demand};
use nearlive::media::es::h264::{self, AvcConfig};
use nearlive::media::es::hevc::HevcSps;

fuzz_target!(|data: &[u8]| {
    if let Some(config) = AvcConfig::new(data, &[0x68]) {
        let _ = config.to_avcc();
        let name = config.codec_string();
        assert_eq!(Codec::of(&name), Codec::Avc);
        assert!(Demand::of(&name).is_some());
    }
    let _ = HevcSps::read(data);
    let sample = h264::access_unit(data);
    assert!(sample.data.len() <= 2 * data.len());
});
