//! Limits for ffmpeg: a camera with false data must not take the machine from the others.
//!
//! | limit | is | why |
//! |---|---|---|
//! | `-max_pixels` | [`MOST_PIXELS`] | the biggest picture that H.264 has; refused before it is allocated |
//! | `-max_alloc` | [`MOST_AT_ONCE`] | one allocation, such as an announced description of 2 GB |
//! | `max_streams` | [`MOST_STREAMS`] | each stream in the description has a parser and a decoder |
//! | RLIMIT_DATA | half of the machine's memory, 256 MiB to 2 GiB | all of it together |
//! | RLIMIT_AS | 4 GiB (2 GiB where addresses have 32 bits) | the same where the kernel does not know the other (before 4.7) |
//! | RLIMIT_CORE | 0 | the address with the password is in ffmpeg's memory |
//!
//! Measured with ffmpeg 5.1 and three encoded rungs: a camera of 3840x2160 takes 450 MB of data (340
//! resident) and 680 MB of addresses, one of 7680x4320 takes 1570 MB and 1800 MB. A limit that is lower
//! already stays.

#[cfg(target_os = "linux")]
use nix::sys::resource::getrlimit;
use nix::sys::resource::{Resource, setrlimit};

/// Level 6.2 of H.264 (ISO/IEC 14496-10 table A-1): 139264 macroblocks. 8192x4320 is just below.
pub const MOST_PIXELS: u64 = 139_264 * 256;

/// One allocation, bytes: a plane of the biggest picture at two bytes a sample, with a margin.
pub const MOST_AT_ONCE: u64 = 100 << 20;

/// Streams in a camera's description.
pub const MOST_STREAMS: u32 = 16;

const LEAST_DATA: u64 = 256 << 20;
const MOST_DATA: u64 = 2 << 30;
const MOST_ADDRESSES: u64 = if cfg!(target_pointer_width = "64") { 4 << 30 } else { 2 << 30 };

/// This process writes no core dump, nor do the processes that it starts.
pub fn no_core() {
    // If the system refuses, nothing is lost.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
}

/// Limits this process, which is about to become ffmpeg.
pub fn apply() {
    no_core();
    #[cfg(target_os = "linux")]
    {
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        lower(Resource::RLIMIT_DATA, data(&memory));
        lower(Resource::RLIMIT_AS, MOST_ADDRESSES);
    }
}

#[cfg(target_os = "linux")]
fn lower(resource: Resource, to: u64) {
    if let Ok((soft, hard)) = getrlimit(resource) {
        // The type is the system's: 32 bits on some.
        #[allow(clippy::useless_conversion)]
        let to = to.try_into().unwrap_or(soft);
        let _ = setrlimit(resource, soft.min(to), hard.min(to));
    }
}

/// Limit of data in bytes, from `/proc/meminfo`.
fn data(meminfo: &str) -> u64 {
    let kib = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.map_or(MOST_DATA, |kib| (kib * 512).clamp(LEAST_DATA, MOST_DATA))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_may_take_half_of_the_machine_within_bounds() {
        let of = |mib: u64| data(&format!("MemTotal:  {} kB\nMemFree: 1 kB\n", mib << 10)) >> 20;
        assert_eq!([256, 1024, 8192, 65536].map(of), [256, 512, 2048, 2048]);
        assert_eq!(data("") >> 20, 2048);
    }

    #[test]
    fn cameras_of_8k_fit() {
        const { assert!(8192 * 4320 <= MOST_PIXELS && MOST_PIXELS * 2 < MOST_AT_ONCE) }
    }
}
