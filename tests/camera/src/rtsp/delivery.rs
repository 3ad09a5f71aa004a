//! How one track's packets go to one client: in the RTSP connection or by UDP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use tokio::net::UdpSocket;

use crate::rtp::{HEADER, Sender};
use crate::server::random;
use crate::source::{Track, Unit};

/// Attempts to find an even port with a free odd one after it.
const PORT_ATTEMPTS: usize = 50;
/// Canonical name in sender reports (RFC 3550 6.5.1).
const CNAME: &str = "nearlive-camera";

/// One track on its way to one client.
pub(super) struct Delivery {
    pub(super) track: Track,
    sender: Sender,
    way: Way,
    /// State of the generator that chooses which packets are lost.
    dice: u64,
}

enum Way {
    /// Channel of the packets; reports have the next one (RFC 2326 10.12).
    Interleaved(u8),
    Udp {
        rtp: UdpSocket,
        rtcp: UdpSocket,
        client_ports: (u16, u16),
    },
}

impl Delivery {
    fn new(track: Track, payload_type: u8, way: Way) -> Self {
        let seed = random();
        // Sequence numbers start anywhere (RFC 3550 5.1).
        let sender = Sender::new(seed as u32, payload_type, (seed >> 32) as u16);
        Self { track, sender, way, dice: seed | 1 }
    }

    pub(super) fn interleaved(track: Track, payload_type: u8, channel: u8) -> Self {
        Self::new(track, payload_type, Way::Interleaved(channel))
    }

    /// `addresses` are this end's and the client's, `client_ports` those of RTP and RTCP.
    pub(super) async fn udp(
        track: Track,
        payload_type: u8,
        addresses: (IpAddr, IpAddr),
        client_ports: (u16, u16),
    ) -> io::Result<Self> {
        let (rtp, rtcp) = port_pair(addresses.0).await?;
        rtp.connect(SocketAddr::new(addresses.1, client_ports.0)).await?;
        rtcp.connect(SocketAddr::new(addresses.1, client_ports.1)).await?;
        // Sending never waits; the first attempt finds room only once this has been awaited.
        rtp.writable().await?;
        rtcp.writable().await?;
        Ok(Self::new(track, payload_type, Way::Udp { rtp, rtcp, client_ports }))
    }

    /// The value of `Transport` that tells the client what was chosen.
    pub(super) fn transport_header(&self, addresses: (IpAddr, IpAddr)) -> String {
        let ssrc = self.sender.ssrc;
        match &self.way {
            Way::Interleaved(channel) => format!(
                "RTP/AVP/TCP;unicast;interleaved={channel}-{};ssrc={ssrc:08X}",
                channel.wrapping_add(1)
            ),
            Way::Udp { rtp, client_ports: (first, second), .. } => {
                let port = rtp.local_addr().map_or(0, |address| address.port());
                format!(
                    "RTP/AVP;unicast;source={};client_port={first}-{second};\
                     server_port={port}-{};ssrc={ssrc:08X}",
                    addresses.0,
                    port.wrapping_add(1)
                )
            }
        }
    }

    pub(super) fn next_sequence(&self) -> u16 {
        self.sender.sequence
    }

    /// Sends a unit by UDP, or returns the bytes for the RTSP connection.
    pub(super) fn send(&mut self, unit: &Unit, rtp_time: u32, loss_percent: u8) -> Vec<u8> {
        let size = unit.payloads.iter().map(|payload| payload.len() + HEADER + 4).sum();
        let mut bytes = Vec::with_capacity(size);
        let last = unit.payloads.len().saturating_sub(1);
        for (i, payload) in unit.payloads.iter().enumerate() {
            // The marker ends an access unit (RFC 6184 5.1); sound without pauses has none.
            let marker = unit.track == Track::Video && i == last;
            let header = self.sender.header(rtp_time, marker, payload.len());
            match &self.way {
                Way::Interleaved(channel) => {
                    frame(&mut bytes, *channel, &[&header[..], payload]);
                }
                Way::Udp { rtp, .. } => {
                    bytes.clear();
                    bytes.extend_from_slice(&header);
                    bytes.extend_from_slice(payload);
                    if !roll(&mut self.dice, loss_percent) {
                        // A packet that finds no room is lost, as on any network.
                        let _ = rtp.try_send(&bytes);
                    }
                }
            }
        }
        match self.way {
            Way::Interleaved(_) => bytes,
            Way::Udp { .. } => Vec::new(),
        }
    }

    /// A sender report: sent by UDP, or returned for the RTSP connection.
    pub(super) fn report(&self, wall: SystemTime, rtp_time: u32) -> Vec<u8> {
        let report = self.sender.report(wall, rtp_time, CNAME);
        match &self.way {
            Way::Interleaved(channel) => {
                let mut bytes = Vec::new();
                frame(&mut bytes, channel.wrapping_add(1), &[&report]);
                bytes
            }
            Way::Udp { rtcp, .. } => {
                let _ = rtcp.try_send(&report);
                Vec::new()
            }
        }
    }
}

/// A packet in the RTSP connection: `$`, channel, length (RFC 2326 10.12).
fn frame(bytes: &mut Vec<u8>, channel: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    bytes.extend_from_slice(&[b'$', channel]);
    bytes.extend_from_slice(&(length as u16).to_be_bytes());
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
}

/// Whether a packet is lost, `percent` of 100 being so (xorshift64).
fn roll(dice: &mut u64, percent: u8) -> bool {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    (*dice >> 32) % 100 < u64::from(percent)
}

/// An even port and the odd one after it (RFC 3550 11).
async fn port_pair(ip: IpAddr) -> io::Result<(UdpSocket, UdpSocket)> {
    let mut result = Err(io::ErrorKind::AddrInUse.into());
    for _ in 0..PORT_ATTEMPTS {
        let rtp = UdpSocket::bind((ip, 0)).await?;
        let port = rtp.local_addr()?.port();
        if port % 2 == 0 {
            match UdpSocket::bind((ip, port + 1)).await {
                Ok(rtcp) => return Ok((rtp, rtcp)),
                Err(error) => result = Err(error),
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Unit {
        let payloads = vec![Box::from([1, 2, 3]), Box::from([4])];
        Unit { track: Track::Video, ticks: 0, key: true, payloads }
    }

    #[test]
    fn interleaved_packets_have_channel_length_and_one_marker() {
        let mut delivery = Delivery::interleaved(Track::Video, 96, 2);
        let bytes = delivery.send(&unit(), 7, 0);
        assert_eq!(bytes[..4], [b'$', 2, 0, 15]);
        assert_eq!(bytes[5], 96);
        assert_eq!(bytes[19..23], [b'$', 2, 0, 13]);
        assert_eq!(bytes[24], 96 | 0x80);
        assert_eq!(bytes.len(), 19 + 17);
    }

    #[tokio::test]
    async fn lost_packets_leave_holes_in_the_sequence() {
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let rtcp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let ports = [&client, &rtcp].map(|s| s.local_addr().unwrap().port());
        let ip = IpAddr::from([127, 0, 0, 1]);
        let mut delivery =
            Delivery::udp(Track::Video, 96, (ip, ip), (ports[0], ports[1])).await.unwrap();
        for _ in 0..100 {
            assert!(delivery.send(&unit(), 7, 50).is_empty());
        }
        delivery.send(&unit(), 8, 0);
        let mut sequence = Vec::new();
        let mut packet = [0; 64];
        loop {
            let length = client.recv(&mut packet).await.unwrap();
            sequence.push(u16::from_be_bytes([packet[2], packet[3]]));
            if packet[7] == 8 && length == HEADER + 1 {
                break;
            }
        }
        assert!((50..150).contains(&sequence.len()), "{} of 202 arrived", sequence.len());
        let first = sequence[0];
        assert!(sequence.iter().map(|s| s.wrapping_sub(first)).is_sorted());
    }
}
