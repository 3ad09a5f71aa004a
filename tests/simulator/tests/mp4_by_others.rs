//! What our mp4 says to a reader that is not ours: mp4-atom. The core's scanner and the simulator's
//! MediaSource find the same in it, so that no mistake of ours cancels itself out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod oracle_support;

use mp4_atom::{Any, Codec, DecodeMaybe, EmsgTimestamp, Moof, Moov, ReferenceTime};
use nearlive::media::scan::{Fact, Fragment, IndexEntry, Init, MessageStart, Scanner};
use nearlive::time::{MediaTime, Timescale, WallTime};
use nearlive_simulator::clock::Clock;
use nearlive_simulator::mse::{Frame, Parsed, Parser};
use nearlive_simulator::origin::cmaf::{self, Kind, Packer};
use nearlive_simulator::origin::packaged::PackagedServer;

/// From the beginning of the era of NTP to that of Unix, seconds.
const NTP_EPOCH: u64 = 2_208_988_800;

/// `sample_is_non_sync_sample` (14496-12 8.8.3.1).
const NON_SYNC: u32 = 0x1_0000;

/// All boxes. It fails where one is cut off, or has more in it than it should.
fn boxes(mut bytes: &[u8]) -> Vec<Any> {
    let mut found = Vec::new();
    while let Some(one) = Any::decode_maybe(&mut bytes).expect("a box") {
        found.push(one);
    }
    assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
    found
}

/// What stands in the boxes, as the core would say it and as MediaSource would take it.
#[derive(Default)]
struct Read {
    facts: Vec<Fact>,
    frames: Vec<Frame>,
    moov: Option<Box<Moov>>,
    /// Frames of the last `moof`, and their bytes in all.
    due: u64,
    kinds: Vec<&'static str>,
}

impl Read {
    fn of(bytes: &[u8]) -> Self {
        let (mut it, mut at) = (Self::default(), 0);
        for one in boxes(bytes) {
            let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            it.one(one, u64::from(size));
            at += size as usize;
        }
        it
    }

    fn one(&mut self, one: Any, size: u64) {
        let kind = match one {
            Any::Ftyp(_) => "ftyp",
            Any::Styp(_) => "styp",
            Any::Moov(moov) => {
                self.init(&moov);
                self.moov = Some(Box::new(moov));
                "moov"
            }
            Any::Moof(moof) => {
                self.fragment(&moof, size);
                "moof"
            }
            Any::Mdat(mdat) => {
                assert_eq!(mdat.data.len() as u64, self.due, "its samples fill an mdat");
                "mdat"
            }
            Any::Prft(prft) => {
                let (seconds, fraction) =
                    (prft.ntp_timestamp >> 32, prft.ntp_timestamp & 0xffff_ffff);
                let us =
                    (seconds - NTP_EPOCH) * 1_000_000 + ((fraction * 1_000_000 + (1 << 31)) >> 32);
                self.facts.push(Fact::ProducerTime {
                    wall: WallTime::from_micros(us as i64),
                    finalized: prft.utc_time_semantics == ReferenceTime::Finalised,
                    media_ticks: prft.media_time as i64,
                });
                "prft"
            }
            Any::Emsg(it) => {
                let start = match it.presentation_time {
                    EmsgTimestamp::Relative(ticks) => MessageStart::AfterSegmentStart(ticks),
                    EmsgTimestamp::Absolute(ticks) => MessageStart::At(ticks),
                };
                self.facts.push(Fact::Message(nearlive::media::scan::Message {
                    scheme: it.scheme_id_uri,
                    value: it.value,
                    timescale: Timescale::new(it.timescale).unwrap(),
                    start,
                    duration_ticks: (it.event_duration != u32::MAX).then_some(it.event_duration),
                    id: it.id,
                    data: it.message_data,
                }));
                "emsg"
            }
            other => panic!("no box of ours: {other:?}"),
        };
        self.kinds.push(kind);
    }

    /// The first track; the codec is compared by the caller.
    fn init(&mut self, moov: &Moov) {
        assert_eq!(moov.trak.len(), 1);
        assert_eq!(moov.mvhd.duration, 0, "a live stream has no duration");
        let mvex = moov.mvex.as_ref().expect("a fragmented file");
        assert!(mvex.mehd.is_none());
        assert_eq!(mvex.trex.len(), 1);
        assert_eq!(mvex.trex[0].track_id, moov.trak[0].tkhd.track_id);
    }

    fn fragment(&mut self, moof: &Moof, size: u64) {
        let trak = &self.moov.as_ref().expect("a moov first").trak[0];
        let trex = &self.moov.as_ref().unwrap().mvex.as_ref().unwrap().trex[0];
        let scale = Timescale::new(trak.mdia.mdhd.timescale).unwrap();
        assert_eq!((moof.traf.len(), moof.traf[0].trun.len()), (1, 1));
        let (tfhd, run) = (&moof.traf[0].tfhd, &moof.traf[0].trun[0]);
        assert_eq!(tfhd.track_id, trak.tkhd.track_id);
        assert!(tfhd.default_base_is_moof, "as CMAF has it (ISO/IEC 23000-19 7.5.16)");
        let into = i64::from(run.data_offset.expect("an offset of the data"));
        assert_eq!(into, size as i64 + 8, "its data begin with the mdat that follows");
        let base = moof.traf[0].tfdt.as_ref().expect("a tfdt").base_media_decode_time as i64;
        let mut time = base;
        self.due = 0;
        let (mut first, mut syncs) = (None, Vec::new());
        for sample in run.samples.iter() {
            let or = |own: Option<u32>, track: Option<u32>, all| own.or(track).unwrap_or(all);
            let lasts =
                or(sample.duration, tfhd.default_sample_duration, trex.default_sample_duration);
            let bytes = or(sample.size, tfhd.default_sample_size, trex.default_sample_size);
            let flags = or(sample.flags, tfhd.default_sample_flags, trex.default_sample_flags);
            let start = time + sample.cts.unwrap_or(0);
            first.get_or_insert(start);
            syncs.push(flags & NON_SYNC == 0);
            let us = |ticks: i64| (i128::from(ticks) * 1_000_000 / i128::from(scale.hz())) as i64;
            self.frames.push(Frame {
                decode: us(time),
                start: us(start),
                end: us(start + i64::from(lasts)),
                sync: flags & NON_SYNC == 0,
                bytes: bytes.into(),
            });
            time += i64::from(lasts);
            self.due += u64::from(bytes);
        }
        self.facts.push(Fact::Fragment(Fragment {
            offset: 0,
            track: tfhd.track_id,
            start: MediaTime::new(first.expect("a sample"), scale),
            duration: MediaTime::new(time - base, scale).to_duration(),
            samples: syncs.len() as u32,
            sync: syncs[0],
            size: 0,
        }));
    }
}

/// What the core finds, without its offsets.
fn scanned(bytes: &[u8]) -> (Vec<Fact>, Init) {
    let (mut scanner, mut facts) = (Scanner::default(), Vec::new());
    scanner.feed(bytes, &mut facts);
    let mut init = None;
    facts.retain_mut(|fact| match fact {
        Fact::Fragment(it) => {
            (it.offset, it.size) = (0, 0);
            true
        }
        Fact::Init(it) => {
            init = Some(it.clone());
            false
        }
        Fact::FragmentEnd { .. } => false,
        _ => true,
    });
    (facts, init.expect("an initialization segment"))
}

/// What the simulator's MediaSource takes.
fn taken(bytes: &[u8]) -> Vec<Frame> {
    let (mut parser, mut out) = (Parser::default(), Vec::new());
    parser.feed(bytes.to_vec().into(), &mut out).expect("it takes it");
    assert!(!parser.mid_box() && !parser.mid_segment());
    let frames = out.into_iter().filter_map(|it| match it {
        Parsed::Frame(frame) => Some(frame),
        Parsed::Init(_) => None,
    });
    frames.collect()
}

/// All three find the same.
fn agreed(name: &str, bytes: &[u8]) -> Read {
    let read = Read::of(bytes);
    let (facts, init) = scanned(bytes);
    for (n, (found, expected)) in facts.iter().zip(&read.facts).enumerate() {
        assert_eq!(found, expected, "{name}: fact {n}");
    }
    assert_eq!(facts.len(), read.facts.len(), "{name}");
    let frames = taken(bytes);
    for (n, (found, expected)) in frames.iter().zip(&read.frames).enumerate() {
        assert_eq!(found, expected, "{name}: frame {n}");
    }
    assert_eq!(frames.len(), read.frames.len(), "{name}");
    same_init(name, &init, read.moov.as_ref().unwrap());
    read
}

fn same_init(name: &str, init: &Init, moov: &Moov) {
    let (ours, trak) = (&init.tracks[0], &moov.trak[0]);
    let trex = &moov.mvex.as_ref().unwrap().trex[0];
    assert_eq!(init.tracks.len(), 1, "{name}");
    assert_eq!((ours.id, ours.timescale.hz()), (trak.tkhd.track_id, trak.mdia.mdhd.timescale));
    assert_eq!(ours.handler, *AsRef::<[u8; 4]>::as_ref(&trak.mdia.hdlr.handler));
    let defaults =
        (trex.default_sample_duration, trex.default_sample_size, trex.default_sample_flags);
    let found = (ours.default_sample_duration, ours.default_sample_size, ours.default_sample_flags);
    assert_eq!(found, defaults, "{name}");
    match trak.mdia.minf.stbl.stsd.codecs.as_slice() {
        [Codec::Avc1(entry)] => {
            let avcc = &entry.avcc;
            let (profile, rest) = (avcc.avc_profile_indication, avcc.profile_compatibility);
            let codec = format!("avc1.{profile:02x}{rest:02x}{:02x}", avcc.avc_level_indication);
            let size = (u32::from(entry.visual.width), u32::from(entry.visual.height));
            assert_eq!(ours.codec, codec, "{name}");
            assert_eq!((ours.resolution.width, ours.resolution.height), size, "{name}");
            assert_eq!(avcc.length_size, 4, "{name}");
        }
        [Codec::Mp4a(entry)] => {
            assert_eq!(ours.codec, "mp4a.40.2", "{name}");
            assert_eq!(u32::from(entry.audio.sample_rate.integer()), 48_000, "{name}");
        }
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn another_reader_finds_in_a_cameras_media_what_ours_do_in_every_state() {
    let mut kinds = std::collections::BTreeSet::new();
    for (name, script, at) in oracle_support::states() {
        let mut server = PackagedServer::new(script);
        for period in server.window(at).periods {
            for track in &period.tracks {
                let id = ["v0", "v1", "v2", "a0"][track.track];
                let base = format!("http://host/demo/{}/{id}", period.ms);
                let mut media = oracle_support::get(&mut server, at, &format!("{base}/init.mp4"));
                for segment in track.segments.iter().filter(|s| s.complete) {
                    let url = format!("{base}/{}.m4s", segment.number);
                    media.extend(oracle_support::get(&mut server, at, &url));
                }
                kinds.extend(agreed(&format!("{name}, {id}"), &media).kinds);
            }
        }
    }
    for kind in ["moov", "moof", "mdat", "prft", "emsg"] {
        assert!(kinds.contains(kind), "there was a {kind}: {kinds:?}");
    }
}

#[test]
fn another_reader_finds_in_the_simulators_media_what_ours_do() {
    let picture = Kind::Video { width: 1280, height: 720 };
    let other = Kind::OtherVideo { width: 640, height: 360 };
    for kind in [picture, other, Kind::Audio] {
        let packer = Packer::new(kind);
        let mut media = packer.init();
        let wall = Clock::truth(1_234_567);
        // A time of before 2036 in 32 bits and one of after them.
        for start in [0, 90_000, 1 << 33, 161_594_352_000_000] {
            let frames = [
                (start, 3600, 1000, true),
                (start + 3600, 7200, 0, false),
                (start + 10_800, 1, 77, false),
            ];
            media.extend(
                packer.late_chunk(&frames, Some(wall), Some(wall.offset(250_000))).to_vec(),
            );
            media.extend(packer.chunk(&frames[..1], None).to_vec());
        }
        let read = agreed(&format!("{kind:?}"), &media);
        assert_eq!(read.frames.len(), 16);
        assert_eq!(read.kinds.iter().filter(|k| **k == "prft").count(), 8);
    }
    let message = cmaf::message("urn:x", "value", 1 << 40, 90_000, u32::MAX, b"\0data");
    let [Any::Emsg(it)] = &boxes(&message)[..] else { panic!("one emsg") };
    assert_eq!((it.scheme_id_uri.as_str(), it.value.as_str()), ("urn:x", "value"));
    assert_eq!(it.presentation_time, EmsgTimestamp::Absolute(1 << 40));
    assert_eq!(
        (it.timescale, it.event_duration, &it.message_data[..]),
        (90_000, u32::MAX, &b"\0data"[..])
    );
}

#[test]
fn another_reader_finds_in_an_index_what_ours_does() {
    let segments = [(1000, 180_000), (0x7fff_ffff, 1), (3, 90_000)];
    let bytes = cmaf::index(90_000, &segments);
    let [Any::Sidx(theirs)] = &boxes(&bytes)[..] else { panic!("one sidx") };
    let (mut scanner, mut facts) = (Scanner::default(), Vec::new());
    scanner.feed(&bytes, &mut facts);
    let [Fact::Index(ours)] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!(ours.timescale.hz(), theirs.timescale);
    assert_eq!(ours.start_ticks, theirs.earliest_presentation_time as i64);
    assert_eq!((ours.anchor, ours.first_offset), (bytes.len() as u64, theirs.first_offset));
    let theirs = theirs.references.iter().map(|it| IndexEntry {
        is_index: it.reference_type,
        size: it.referenced_size,
        duration_ticks: it.subsegment_duration,
    });
    assert_eq!(ours.entries, theirs.collect::<Vec<_>>());
    assert_eq!(ours.entries.len(), segments.len());
}
