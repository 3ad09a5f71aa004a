//! The server's estimate of the throughput, from `CMSD-Dynamic` (CTA-5006 section 3.2.2).

use crate::media::text::parts;
use crate::units::Bitrate;

/// `etp`, the server's estimate of the throughput to the client, in kb/s. The header has one entry
/// for each hop; the one nearest to the client comes last: `"cdn";etp=96;rtt=8`.
pub fn estimated_throughput(header: &str) -> Option<Bitrate> {
    let of_hop = |entry: &str| {
        let value = parts(entry, b';').find_map(|p| p.trim_ascii().strip_prefix("etp="))?;
        value.trim_ascii().parse::<u64>().ok()
    };
    let last = parts(header, b',').filter_map(of_hop).last()?;
    (last > 0).then(|| Bitrate::from_kbps(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hop_nearest_to_the_client_counts() {
        let rate = estimated_throughput("\"o\";etp=96;rtt=8,\"edge\";n=\"x\";etp=4200");
        assert_eq!(rate, Some(Bitrate::from_kbps(4200)));
        assert_eq!(estimated_throughput("\"o\";rtt=8"), None);
        assert_eq!(estimated_throughput("etp=x;;,,"), None);
    }
}
