//! PURE: `[limits]`, and numbers in their ranges.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::problem::Misfit;
use crate::http::limits::Limits;

/// `[limits]` as it is written. [`Limits`] describes each value and has the defaults.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Written {
    /// Connections at a time, 16 to 60000. Default 512.
    connections: Option<Spanned<i64>>,
    /// Of these, by one client (an address, in IPv6 a /64), 1 to `connections`. Default: half of them.
    per_client: Option<Spanned<i64>>,
    /// Of these, only for clients that have none, 0 to half of `connections`. Default: a sixteenth.
    reserved: Option<Spanned<i64>>,
    /// Seconds that a reader may take nothing while there is something for it, 1 to 600. Default 20.
    stalled: Option<Spanned<i64>>,
    /// Stills that are decoded at a time, 1 to 64. Default 2.
    stills: Option<Spanned<i64>>,
    /// Addresses and networks that are one client each, with so many connections, 1 to `connections`.
    own: BTreeMap<Spanned<String>, Spanned<i64>>,
}

impl Written {
    pub(super) fn resolve(self) -> Result<Limits, Misfit> {
        let within = |name: &str, value: Option<Spanned<i64>>, range, default: usize| {
            let found = value.map(|value| within_at(name, &value, range)).transpose()?;
            Ok(found.map_or(default, |n| n as usize))
        };
        let connections =
            within("connections", self.connections, 16..=60_000, Limits::default().connections)?;
        let base = Limits::of(connections);
        let all = i64::try_from(connections).unwrap_or(i64::MAX);
        let seconds = |d: Duration| usize::try_from(d.as_secs()).unwrap_or(usize::MAX);
        let stalled = within("stalled", self.stalled, 1..=600, seconds(base.stalled))?;
        let mut own = Vec::with_capacity(self.own.len());
        for (place, n) in self.own {
            // It is not repeated: it may be a camera's address in the wrong place.
            let e = "`[limits.own]` has addresses and networks in quotation marks, each with its number of \
                     connections: \"203.0.113.7\" = 400 or \"10.8.0.0/16\" = 100";
            let net = network(place.get_ref()).ok_or_else(|| (place.span().start, e.to_owned()))?;
            own.push((net, within(&format!("\"{net}\" in `[limits.own]`"), Some(n), 1..=all, 0)?));
        }
        Ok(Limits {
            per_client: within("per_client", self.per_client, 1..=all, base.per_client)?,
            reserved: within("reserved", self.reserved, 0..=all / 2, base.reserved)?,
            stills: within("stills", self.stills, 1..=64, base.stills)?,
            stalled: Duration::from_secs(stalled as u64),
            own,
            ..base
        })
    }
}

/// An address, or a network as `address/bits`.
fn network(text: &str) -> Option<IpNet> {
    let address = |text: &str| text.parse::<IpAddr>().ok().map(IpNet::from);
    let net = text.parse::<IpNet>().ok().or_else(|| address(text))?;
    Some(net.trunc())
}

/// A number in its range, or the sentence that names the range. Integers of the file have 64 bits,
/// so that a value far outside gets the same sentence.
pub(super) fn within(name: &str, value: i64, range: RangeInclusive<i64>) -> Result<u32, String> {
    let quoted = if name.contains('`') { name.to_owned() } else { format!("`{name}`") };
    let wrong = || format!("{quoted} is a whole number from {} to {}", range.start(), range.end());
    u32::try_from(value).ok().filter(|_| range.contains(&value)).ok_or_else(wrong)
}

/// The same for a value in the file.
pub(super) fn within_at(
    name: &str,
    value: &Spanned<i64>,
    range: RangeInclusive<i64>,
) -> Result<u32, Misfit> {
    within(name, *value.get_ref(), range).map_err(|e| (value.span().start, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Limits, String> {
        toml::from_str::<Written>(text).map_err(|e| e.to_string())?.resolve().map_err(|(_, e)| e)
    }

    #[test]
    fn what_is_not_written_is_as_the_program_has_it() {
        assert_eq!(read(""), Ok(Limits::default()));
        assert_eq!(read("connections = 100"), Ok(Limits::of(100)));
    }

    #[test]
    fn the_readme_shows_the_limits_that_hold_by_default() {
        let readme = include_str!("../../../README.md");
        let (_, rest) = readme.split_once("[limits]\n").expect("a section of the file");
        let (section, _) = rest.split_once("```").expect("an end");
        let limits = read(&section.replace("[limits.own]", "[own]")).expect("valid");
        assert_eq!(limits.own.len(), 2);
        assert_eq!(Limits { own: Vec::new(), ..limits }, Limits::default());
        assert!(section.contains("per_client = 256") && section.contains("reserved = 32"));
    }

    #[test]
    fn numbers_out_of_their_range_are_told_with_it() {
        for (text, part) in [
            ("connections = 15", "`connections` is a whole number from 16 to 60000"),
            ("connections = -1", "from 16 to 60000"),
            ("connections = 9000000000", "from 16 to 60000"),
            ("connections = 100\nper_client = 101", "`per_client` is a whole number from 1 to 100"),
            ("per_client = 0", "from 1 to 512"),
            ("reserved = 300", "`reserved` is a whole number from 0 to 256"),
            ("stalled = 0", "`stalled` is a whole number from 1 to 600"),
            ("stills = 65", "`stills` is a whole number from 1 to 64"),
            (
                "own = {\"10.8.0.1/16\" = 0}",
                "\"10.8.0.0/16\" in `[limits.own]` is a whole number from 1 to",
            ),
            ("own = {\"10.8.0.0/33\" = 1}", "has addresses and networks"),
            ("own = {\"example.org\" = 1}", "has addresses and networks"),
            ("own = {\"rtsp://u:hunter2@h/\" = 1}", "has addresses and networks"),
        ] {
            let problem = read(text).expect_err(text);
            assert!(problem.contains(part) && !problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn a_network_of_its_own_is_an_address_or_has_bits() {
        let limits = read("own = {\"203.0.113.7\" = 400, \"2001:db8::1/32\" = 9}").expect("valid");
        let own: Vec<String> = limits.own.iter().map(|(net, n)| format!("{net} {n}")).collect();
        assert_eq!(own, ["2001:db8::/32 9", "203.0.113.7/32 400"]);
    }
}
