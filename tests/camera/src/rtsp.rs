//! One client's connection: requests in, answers and packets out (RFC 2326).
//!
//! ```text
//! no session ──SETUP──> ready ──PLAY──> playing ──PAUSE──> ready
//!     ^──────────TEARDOWN──────┴────────────┘
//! ```
//! A session ends with its connection. A client that reads too slowly loses its connection instead
//! of holding up the others.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtsp_types::headers::{self, RtpLowerTransport, RtpTransport, Transport};
use rtsp_types::{Message, Method, ParseError, Request, Response, StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{broadcast, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::fault::Faults;
use crate::server::random;
use crate::source::{Source, Track, Unit};
use crate::{CameraConfig, Law, Start, auth, sdp};

mod delivery;
use delivery::Delivery;

/// A request that is longer is no request (bytes).
const LARGEST_REQUEST: usize = 64 << 10;
/// A client that takes nothing for so long is gone.
const WRITE: Duration = Duration::from_secs(5);
/// Between sender reports.
const REPORT: Duration = Duration::from_secs(2);
/// The session's timeout as it is announced, in seconds; a session lives as long as its connection.
const SESSION_TIMEOUT: u64 = 60;
/// Units in a burst at most.
const BURST_UNITS: usize = 512;
const METHODS: &str =
    "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER";

/// What all connections share.
pub(crate) struct Host {
    pub(crate) config: CameraConfig,
    pub(crate) source: Arc<Source>,
    pub(crate) nonce: String,
    /// RTP time of each track when the camera started.
    pub(crate) offsets: [u32; 2],
}

impl Host {
    /// The RTP time of a track's tick.
    fn rtp_time(&self, track: Track, ticks: u64, faults: &Faults) -> u32 {
        let jump = i64::from(faults.jump_seconds) * i64::from(track.rate());
        let [video, audio] = self.offsets;
        let offset = if track == Track::Video { video } else { audio };
        offset.wrapping_add(ticks as u32).wrapping_add(jump as u32)
    }

    /// The number of the frame of picture at a tick.
    fn frame(&self, ticks: u64) -> u64 {
        ticks / self.config.fps.time_of(1, Track::Video.rate()).max(1)
    }

    /// A track's tick at an instant.
    fn ticks(&self, track: Track, at: Instant) -> u64 {
        let elapsed = self.source.oscillator.elapsed(at).as_nanos();
        (elapsed * u128::from(track.rate()) / 1_000_000_000) as u64
    }

    fn audio(&self, faults: &Faults) -> Option<Law> {
        self.config.audio.filter(|_| !faults.no_audio)
    }
}

/// Serves a client until one of the two is done.
pub(crate) async fn serve(host: Arc<Host>, stream: TcpStream) {
    // Small packets must not wait for each other.
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr();
    let peer = stream.peer_addr();
    let (Ok(local), Ok(peer)) = (local, peer) else { return };
    let (reader, writer) = stream.into_split();
    let mut reports = interval(REPORT);
    reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let connection = Connection {
        faults: host.source.faults.subscribe(),
        session: format!("{:08X}", random() as u32),
        addresses: (local.ip(), peer.ip()),
        host,
        writer,
        tracks: Vec::new(),
        playing: None,
        reports,
    };
    // How a connection ends is nobody's error: clients come and go.
    let _ = connection.run(reader).await;
}

/// What playing needs.
struct Playing {
    units: broadcast::Receiver<Arc<Unit>>,
    /// A key frame has to come first.
    waiting: bool,
    /// Units that wait for the next burst, and when the last one was.
    held: Vec<Arc<Unit>>,
    last_burst: Instant,
}

struct Connection {
    host: Arc<Host>,
    faults: watch::Receiver<Faults>,
    writer: OwnedWriteHalf,
    /// Of this end and of the client.
    addresses: (std::net::IpAddr, std::net::IpAddr),
    session: String,
    tracks: Vec<Delivery>,
    playing: Option<Playing>,
    reports: Interval,
}

impl Connection {
    async fn run(mut self, mut reader: OwnedReadHalf) -> io::Result<()> {
        let mut input = Vec::new();
        let hang_ups = self.faults.borrow_and_update().hang_ups;
        loop {
            tokio::select! {
                read = reader.read_buf(&mut input) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    self.requests(&mut input).await?;
                }
                unit = next_unit(&mut self.playing) => {
                    for unit in self.due(unit?) {
                        self.deliver(&unit).await?;
                    }
                },
                _ = self.reports.tick(), if self.playing.is_some() => self.report().await?,
                changed = self.faults.changed() => {
                    let faults = self.faults.borrow_and_update();
                    if changed.is_err() || faults.refuse || faults.hang_ups != hang_ups {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Answers all requests that are complete.
    async fn requests(&mut self, input: &mut Vec<u8>) -> io::Result<()> {
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            match Message::<Vec<u8>>::parse(rest) {
                Ok((message, length)) => {
                    used += length.max(1);
                    // Receiver reports and answers are of no interest.
                    if let Message::Request(request) = message {
                        self.answer(&request).await?;
                    }
                }
                Err(ParseError::Incomplete(_)) if rest.len() < LARGEST_REQUEST => break,
                Err(_) => {
                    let bad = Response::builder(Version::V1_0, StatusCode::BadRequest);
                    self.send(&bad.empty()).await?;
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
        }
        input.drain(..used);
        Ok(())
    }

    async fn answer(&mut self, request: &Request<Vec<u8>>) -> io::Result<()> {
        let faults = self.faults.borrow().clone();
        if faults.unplug {
            return Ok(());
        }
        let mut answer = match self.refusal(request, &faults) {
            Some(refusal) => refusal,
            None => match request.method() {
                Method::Options => with(StatusCode::Ok, headers::PUBLIC, METHODS),
                Method::Describe => self.describe(request, &faults),
                Method::Setup => self.setup(request, &faults).await,
                Method::Play => self.play(&faults).await,
                Method::Pause => self.pause(),
                Method::Teardown => self.teardown(),
                Method::GetParameter | Method::SetParameter => self.plain(StatusCode::Ok),
                _ => with(StatusCode::MethodNotAllowed, headers::ALLOW, METHODS),
            },
        };
        if let Some(number) = request.header(&headers::CSEQ) {
            answer.insert_header(headers::CSEQ, number.as_str());
        }
        self.send(&answer).await
    }

    /// Why a request is turned away before anyone looks at it closely.
    fn refusal(&self, request: &Request<Vec<u8>>, faults: &Faults) -> Option<Response<Vec<u8>>> {
        let config = &self.host.config;
        if *request.method() == Method::Options {
            return None;
        }
        let given = request.header(&headers::AUTHORIZATION).map(|value| value.as_str());
        let method: &str = request.method().into();
        let allowed = auth::allows(&config.auth, &self.host.nonce, method, given);
        if !allowed || faults.unauthorized {
            let challenge = auth::challenge(&config.auth, &self.host.nonce)
                .unwrap_or_else(|| "Basic realm=\"Nearlive test camera\"".to_owned());
            let status = StatusCode::Unauthorized;
            return Some(with(status, headers::WWW_AUTHENTICATE, challenge));
        }
        let path = request.request_uri().map(|url| url.path().trim_matches('/').to_owned());
        let here = path.is_none_or(|path| {
            path.strip_prefix(config.path.trim_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        (!here || faults.not_found).then(|| self.plain(StatusCode::NotFound))
    }

    fn describe(&self, request: &Request<Vec<u8>>, faults: &Faults) -> Response<Vec<u8>> {
        let sets = self.host.source.parameter_sets.borrow().clone();
        let audio = self.host.audio(faults);
        let text = sdp::describe(&self.host.config, &sets, audio, self.addresses.0);
        let base = request.request_uri().map_or_else(String::new, ToString::to_string);
        Response::builder(Version::V1_0, StatusCode::Ok)
            .header(headers::CONTENT_TYPE, "application/sdp")
            .header(headers::CONTENT_BASE, format!("{}/", base.trim_end_matches('/')))
            .build(text)
    }

    async fn setup(&mut self, request: &Request<Vec<u8>>, faults: &Faults) -> Response<Vec<u8>> {
        let path = request.request_uri().map_or("", |url| url.path()).trim_end_matches('/');
        let named = |track| path.ends_with(sdp::control(track));
        let audio = self.host.audio(faults);
        let (track, payload_type) = match audio {
            Some(law) if named(Track::Audio) => (Track::Audio, law.payload_type()),
            // Without a track's name, the only one can be meant.
            _ if named(Track::Video) || (audio.is_none() && !named(Track::Audio)) => {
                (Track::Video, sdp::VIDEO_PAYLOAD_TYPE)
            }
            _ => return self.plain(StatusCode::NotFound),
        };
        let offered = request.typed_header::<headers::Transports>().ok().flatten();
        for transport in offered.iter().flat_map(|offers| offers.iter()) {
            let Transport::Rtp(offer) = transport else { continue };
            let delivery = self.delivery(track, payload_type, offer).await;
            if let Some(delivery) = delivery {
                let chosen = delivery.transport_header(self.addresses);
                self.tracks.retain(|known| known.track != track);
                self.tracks.push(delivery);
                let mut answer = self.plain(StatusCode::Ok);
                answer.insert_header(headers::TRANSPORT, chosen);
                self.add_session(&mut answer);
                return answer;
            }
        }
        self.plain(StatusCode::UnsupportedTransport)
    }

    /// How a track goes to the client, if it can go as it is offered.
    async fn delivery(
        &self,
        track: Track,
        payload_type: u8,
        offer: &RtpTransport,
    ) -> Option<Delivery> {
        let allowed = self.host.config.transports;
        let taken = self.tracks.len() as u8;
        match offer.lower_transport {
            Some(RtpLowerTransport::Tcp) if allowed.tcp => {
                let channel = offer.params.interleaved.map_or(2 * taken, |(first, _)| first);
                Some(Delivery::interleaved(track, payload_type, channel))
            }
            None | Some(RtpLowerTransport::Udp) if allowed.udp && !offer.params.multicast => {
                let (rtp, rtcp) = offer.params.client_port?;
                let rtcp = rtcp.unwrap_or_else(|| rtp.wrapping_add(1));
                Delivery::udp(track, payload_type, self.addresses, (rtp, rtcp)).await.ok()
            }
            _ => None,
        }
    }

    async fn play(&mut self, faults: &Faults) -> Response<Vec<u8>> {
        if self.tracks.is_empty() {
            return self.plain(StatusCode::MethodNotValidInThisState);
        }
        tokio::time::sleep(faults.slow_start).await;
        let now = Instant::now();
        let info: Vec<String> = self
            .tracks
            .iter()
            .map(|delivery| {
                let track = delivery.track;
                let time = self.host.rtp_time(track, self.host.ticks(track, now), faults);
                let off = i64::from(faults.info_seconds) * i64::from(track.rate());
                let time = time.wrapping_add(off as u32);
                let sequence = delivery.next_sequence();
                format!("url={};seq={sequence};rtptime={time}", sdp::control(track))
            })
            .collect();
        if self.playing.is_none() {
            let waiting = self.host.config.start == Start::KeyFrame;
            let units = self.host.source.units.subscribe();
            let (held, last_burst) = (Vec::new(), Instant::now());
            self.playing = Some(Playing { units, waiting, held, last_burst });
            self.reports.reset_immediately();
        }
        let mut answer = self.plain(StatusCode::Ok);
        answer.insert_header(headers::RANGE, "npt=now-");
        answer.insert_header(headers::RTP_INFO, info.join(","));
        self.add_session(&mut answer);
        answer
    }

    fn pause(&mut self) -> Response<Vec<u8>> {
        self.playing = None;
        let mut answer = self.plain(StatusCode::Ok);
        self.add_session(&mut answer);
        answer
    }

    fn teardown(&mut self) -> Response<Vec<u8>> {
        self.playing = None;
        self.tracks.clear();
        self.plain(StatusCode::Ok)
    }

    fn plain(&self, status: StatusCode) -> Response<Vec<u8>> {
        Response::builder(Version::V1_0, status).build(Vec::new())
    }

    fn add_session(&self, answer: &mut Response<Vec<u8>>) {
        let session = format!("{};timeout={SESSION_TIMEOUT}", self.session);
        answer.insert_header(headers::SESSION, session);
    }

    async fn send<B: AsRef<[u8]>>(&mut self, answer: &Response<B>) -> io::Result<()> {
        let mut bytes = Vec::new();
        answer.write(&mut bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        self.write(&bytes).await
    }

    /// What is to be sent now that a unit has come: that, or nothing, or all that was held back.
    fn due(&mut self, unit: Arc<Unit>) -> Vec<Arc<Unit>> {
        let burst = self.faults.borrow().burst;
        let Some(playing) = &mut self.playing else { return Vec::new() };
        playing.held.push(unit);
        if playing.last_burst.elapsed() < burst && playing.held.len() < BURST_UNITS {
            return Vec::new();
        }
        playing.last_burst = Instant::now();
        std::mem::take(&mut playing.held)
    }

    async fn deliver(&mut self, unit: &Unit) -> io::Result<()> {
        let faults = self.faults.borrow().clone();
        let mute = unit.track == Track::Audio && (faults.audio_stops || faults.no_audio);
        if faults.silent() || mute {
            return Ok(());
        }
        if let Some(playing) = &mut self.playing {
            playing.waiting &= !unit.key;
            if playing.waiting {
                return Ok(());
            }
        }
        let mut time = self.host.rtp_time(unit.track, unit.ticks, &faults);
        if unit.track == Track::Video && self.host.frame(unit.ticks) % 50 == 30 {
            let off = i64::from(faults.outlier_seconds) * i64::from(unit.track.rate());
            time = time.wrapping_add(off as u32);
        }
        let delivery = self.tracks.iter_mut().find(|delivery| delivery.track == unit.track);
        let Some(delivery) = delivery else { return Ok(()) };
        let bytes = delivery.send(unit, time, faults.loss_percent);
        self.write(&bytes).await
    }

    async fn report(&mut self) -> io::Result<()> {
        let faults = self.faults.borrow().clone();
        if faults.silent() {
            return Ok(());
        }
        let now = Instant::now();
        let wall = self.host.source.oscillator.wall(now);
        let mut bytes = Vec::new();
        for delivery in &self.tracks {
            let ticks = self.host.ticks(delivery.track, now);
            let time = self.host.rtp_time(delivery.track, ticks, &faults);
            bytes.extend(delivery.report(wall, time));
        }
        self.write(&bytes).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(WRITE, self.writer.write_all(bytes)).await?
    }
}

fn with(
    status: StatusCode,
    name: rtsp_types::HeaderName,
    value: impl Into<rtsp_types::HeaderValue>,
) -> Response<Vec<u8>> {
    Response::builder(Version::V1_0, status).header(name, value).build(Vec::new())
}

/// The next unit for a client that plays; an error for one that is too far behind.
async fn next_unit(playing: &mut Option<Playing>) -> io::Result<Arc<Unit>> {
    match playing {
        Some(playing) => playing.units.recv().await.map_err(|_| io::ErrorKind::TimedOut.into()),
        None => std::future::pending().await,
    }
}
