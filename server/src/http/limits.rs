//! What clients may take: connections, time, memory of the kernel, stills. The defaults are here;
//! the file's `[limits]` changes them ([`crate::config`]).

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What one client may take, and all clients together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time: a browser makes six to one host.
    pub connections: usize,
    /// Of these, by one client, so that no client can shut out all others.
    pub per_client: usize,
    /// Of these, only for clients that have no connection yet.
    pub reserved: usize,
    /// Networks that count as one client each, with their number of connections: an edge, a proxy,
    /// a nuisance.
    pub own: Vec<(IpNet, usize)>,
    /// A reader that takes no byte for this long, while there is one for it, is dropped.
    pub stalled: Duration,
    /// Stills decoded at a time: decoding must not take the processor from live media.
    pub stills: usize,
    /// From the start of a connection, or the first byte of another request, to the end of the
    /// request's head.
    pub head: Duration,
    /// From an answer to the next request.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(512)
    }
}

impl Limits {
    /// The defaults for this number of connections.
    pub fn of(connections: usize) -> Self {
        Self {
            connections,
            // Much for one household, and enough for a proxy in front of the server.
            per_client: connections.div_ceil(2),
            reserved: connections / 16,
            own: Vec::new(),
            stalled: Duration::from_secs(20),
            stills: 2,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
        }
    }

    /// The client behind an address, and its number of connections. Only the connection's own
    /// address counts: anybody can write a `Forwarded` field.
    pub(super) fn client(&self, address: IpAddr) -> (Client, usize) {
        let address = address.to_canonical();
        let own = self.own.iter().filter(|(net, _)| net.contains(&address));
        match own.max_by_key(|(net, _)| net.prefix_len()) {
            Some((net, limit)) => (Client(*net), *limit),
            None => (Client(household(address)), self.per_client),
        }
    }
}

/// A client: an address, or a network that counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Client(IpNet);

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.prefix_len() == self.0.max_prefix_len() {
            true => self.0.addr().fmt(f),
            false => self.0.fmt(f),
        }
    }
}

/// The addresses of one household: in IPv6 it has a whole network (RFC 6177).
fn household(address: IpAddr) -> IpNet {
    match address {
        IpAddr::V4(v4) => Ipv4Net::from(v4).into(),
        IpAddr::V6(v6) => {
            let net = Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64);
            Ipv6Net::new_assert(net, 64).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_a_household_or_a_network_of_the_owners_choice() {
        let own = |net: &str, n| (net.parse().expect("a network"), n);
        let own = vec![own("10.8.0.0/16", 40), own("10.8.1.7/32", 400), own("2001:db8::/32", 7)];
        let limits = Limits { own, per_client: 9, ..Limits::default() };
        for (address, client, limit) in [
            ("192.0.2.1", "192.0.2.1", 9),
            ("::ffff:192.0.2.1", "192.0.2.1", 9),
            ("10.8.0.1", "10.8.0.0/16", 40),
            ("::ffff:10.8.255.1", "10.8.0.0/16", 40),
            ("10.8.1.7", "10.8.1.7", 400),
            ("2001:db8:1:2:3::4", "2001:db8::/32", 7),
            ("2001:db9:1:2:3::4", "2001:db9:1:2::/64", 9),
            ("2001:db9:1:2:ffff::", "2001:db9:1:2::/64", 9),
        ] {
            let (found, may) = limits.client(address.parse().expect("an address"));
            assert_eq!((found.to_string().as_str(), may), (client, limit), "{address}");
        }
    }

    #[test]
    fn what_depends_on_the_number_of_connections_goes_with_it() {
        for connections in [1, 16, 100, 512, 60_000] {
            let limits = Limits::of(connections);
            assert!((1..=connections).contains(&limits.per_client), "{limits:?}");
            assert!(limits.reserved + limits.per_client <= connections, "{limits:?}");
        }
    }
}
