//! Reads a finished file: its index, its key frames, its rate.
//!
//! The player's own readers read it, so that what is written here is what the player needs.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use nearlive::media::isobmff::scan::Index;
use nearlive::media::scan::{Fact, Fragment, InitTrack, Scanner, Want};
use nearlive::media::webm;
use nearlive::time::Timescale;
use nearlive::units::ByteRange;

/// One file of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Track {
    /// Its codec's name in manifests.
    pub(super) codec: String,
    /// What its times count.
    pub(super) timescale: Timescale,
    /// Its initialization segment.
    pub(super) init: ByteRange,
    /// Its index.
    pub(super) index: ByteRange,
    /// Each begins with a key frame.
    pub(super) segments: Vec<Segment>,
}

/// A piece of a file that a player asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its bytes.
    pub(super) bytes: ByteRange,
    /// When it begins, microseconds.
    pub(super) start_us: i64,
    /// How long it lasts, microseconds.
    pub(super) lasts_us: i64,
}

impl Track {
    /// When it ends, microseconds.
    pub(super) fn end_us(&self) -> i64 {
        self.segments.last().map_or(0, |s| s.start_us + s.lasts_us)
    }

    /// The highest rate of a segment, and the rate of all, bits a second. A short segment at the
    /// end says nothing (RFC 8216bis 4.4.6.2: half a target duration at least).
    pub(super) fn rates(&self) -> (u64, u64) {
        let rate = |bytes: u64, us: i64| {
            let us = u64::try_from(us).unwrap_or(0).max(1);
            bytes.saturating_mul(8_000_000) / us
        };
        let bytes = |s: &Segment| s.bytes.len().unwrap_or(0);
        let longest = self.segments.iter().map(|s| s.lasts_us).max().unwrap_or(0);
        let full = self.segments.iter().filter(|s| s.lasts_us * 2 >= longest);
        let peak = full.map(|s| rate(bytes(s), s.lasts_us)).max().unwrap_or(0);
        let whole = rate(self.segments.iter().map(bytes).sum(), self.end_us());
        (peak.max(whole), whole)
    }
}

/// Why two rungs do not go together; `None` if their key frames stand at the same times.
pub(super) fn misfit(one: &Track, other: &Track) -> Option<String> {
    let times = |t: &Track| t.segments.iter().map(|s| s.start_us).collect::<Vec<_>>();
    let (a, b) = (times(one), times(other));
    let seconds = |us: i64| format!("{}.{:03} s", us / 1_000_000, us / 1000 % 1000);
    // WebM counts milliseconds.
    if let Some((a, b)) = a.iter().zip(&b).find(|(a, b)| (*a - *b).abs() > 1000) {
        return Some(format!("one is at {}, not {}", seconds(*b), seconds(*a)));
    }
    let (n, m) = (a.len(), b.len());
    (n != m).then(|| format!("it has {m}, the others {n}"))
}

/// What was read of a file.
#[derive(Default)]
struct Seen {
    track: Option<InitTrack>,
    init_end: u64,
    index: Option<(u64, Index)>,
    fragments: Vec<Fragment>,
    damaged: Option<&'static str>,
}

/// Reads a file; the error says what is wrong with it.
pub(super) fn read(path: &Path) -> Result<Track, String> {
    let unreadable = |e: io::Error| format!("it cannot be read: {e}");
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let seen = facts(&mut BufReader::new(&file), size).map_err(unreadable)?;
    if let Some(expected) = seen.damaged {
        return Err(format!("it should hold {expected}"));
    }
    let track = seen.track.clone().ok_or("it has no track")?;
    if track.tick_ns > 0 {
        let index = cues(&mut file).map_err(unreadable)?.ok_or("it has no index")?;
        of_webm(&seen, track, &index, size)
    } else {
        of_mp4(seen, track, size)
    }
}

fn facts(file: &mut (impl Read + Seek), size: u64) -> io::Result<Seen> {
    let mut scanner = Scanner::new(&[]);
    let (mut seen, mut out, mut bytes) = (Seen::default(), Vec::new(), Vec::new());
    loop {
        // The header of a box that is read whole is eight bytes before its content.
        let begins = scanner.offset().saturating_sub(8);
        match scanner.want() {
            Want::Nothing => break,
            Want::Need(n) => {
                bytes.clear();
                if file.take(n as u64).read_to_end(&mut bytes)? < n {
                    break;
                }
                scanner.take(&bytes, &mut out);
            }
            Want::Skip(n) => {
                let left = size.saturating_sub(scanner.offset());
                let now = n.min(left);
                file.seek(SeekFrom::Current(i64::try_from(now).unwrap_or(0)))?;
                scanner.skip(now, &mut out);
                if now < n {
                    seen.damaged = Some("more at its end");
                    break;
                }
            }
        }
        for fact in out.drain(..) {
            match fact {
                Fact::Init(init) => {
                    seen.track = init.tracks.into_iter().next();
                    seen.init_end = scanner.offset();
                }
                Fact::Index(index) => seen.index = Some((begins, index)),
                Fact::Fragment(fragment) => seen.fragments.push(fragment),
                Fact::Damaged { why, .. } => seen.damaged = Some(why),
                _ => {}
            }
        }
    }
    Ok(seen)
}

/// By its `sidx`, whose entries have to be its fragments.
fn of_mp4(seen: Seen, track: InitTrack, size: u64) -> Result<Track, String> {
    let (index_at, index) = seen.index.ok_or("it has no index")?;
    let scale = index.timescale;
    let mut offset = index.anchor.saturating_add(index.first_offset);
    let mut ticks = index.start_ticks;
    let mut segments = Vec::with_capacity(index.entries.len());
    for entry in &index.entries {
        let end = offset.saturating_add(u64::from(entry.size));
        let start_us = scale.to_micros(ticks);
        let begins = seen.fragments.iter().skip(segments.len()).find(|f| f.offset == offset);
        let fits = entry.size > 0
            && begins.is_some_and(|f| {
                f.sync && (f.start.as_micros() - start_us).abs() <= ONE_FRAME_US && !entry.is_index
            });
        if !fits || end > size {
            return Err(format!("its index is wrong at {} ms", start_us / 1000));
        }
        ticks = ticks.saturating_add(i64::from(entry.duration_ticks));
        segments.push(Segment {
            bytes: ByteRange { first: offset, last: Some(end - 1) },
            start_us,
            lasts_us: scale.to_micros(ticks) - start_us,
        });
        offset = end;
    }
    if segments.is_empty() {
        return Err("it holds no picture and no sound".into());
    }
    Ok(Track {
        codec: track.codec,
        timescale: track.timescale,
        init: ByteRange { first: 0, last: seen.init_end.checked_sub(1) },
        index: ByteRange { first: index_at, last: index.anchor.checked_sub(1) },
        segments,
    })
}

/// What an index and a fragment may differ by: its own rounding.
const ONE_FRAME_US: i64 = 1000;

/// Where the index of a WebM file is, and its entries.
struct Cues {
    head: webm::Head,
    at: u64,
    end: u64,
    cues: Vec<webm::Cue>,
}

/// By its Cues, whose entries have to be its key frames.
fn of_webm(seen: &Seen, track: InitTrack, index: &Cues, size: u64) -> Result<Track, String> {
    let position = |cue: &webm::Cue| index.head.inside.saturating_add(cue.cluster);
    let last_end = if index.at > index.cues.last().map_or(0, position) { index.at } else { size };
    let end_us = seen
        .fragments
        .last()
        .map_or(0, |f| f.start.as_micros() + nearlive::time::micros(f.duration));
    let mut segments = Vec::with_capacity(index.cues.len());
    for (i, cue) in index.cues.iter().enumerate() {
        let next = index.cues.get(i + 1);
        let start_us = index.head.micros(cue.ticks);
        let until = next.map_or(end_us, |next| index.head.micros(next.ticks));
        let end = next.map_or(last_end, position);
        if end > size || end <= position(cue) || until <= start_us {
            return Err(format!("its index is wrong at {} ms", start_us / 1000));
        }
        segments.push(Segment {
            bytes: ByteRange { first: position(cue), last: Some(end - 1) },
            start_us,
            lasts_us: until - start_us,
        });
    }
    let keys = seen.fragments.iter().filter(|f| f.sync).count();
    if &track.handler == b"vide" && keys != segments.len() {
        return Err(format!("it has {keys} key frames, and its index {}", segments.len()));
    }
    Ok(Track {
        codec: track.codec,
        timescale: track.timescale,
        init: ByteRange {
            first: 0,
            last: index.cues.first().and_then(|c| position(c).checked_sub(1)),
        },
        index: ByteRange { first: index.at, last: index.end.checked_sub(1) },
        segments,
    })
}

/// Walks over what stands in the `Segment` up to the index.
fn cues(file: &mut File) -> io::Result<Option<Cues>> {
    const BEGINNING: u64 = 64 << 10;
    const LARGEST: u64 = 64 << 20;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(BEGINNING).read_to_end(&mut bytes)?;
    let Some(head) = webm::search::head(&bytes) else { return Ok(None) };
    let mut at = head.inside;
    loop {
        bytes.clear();
        file.seek(SeekFrom::Start(at))?;
        file.take(12).read_to_end(&mut bytes)?;
        let Some(element) = webm::element(&bytes) else { return Ok(None) };
        let Some(size) = element.size else { return Ok(None) };
        let end = at.saturating_add(element.length as u64).saturating_add(size);
        if element.id == webm::CUES && size < LARGEST {
            bytes.clear();
            file.seek(SeekFrom::Start(at))?;
            file.take(end - at).read_to_end(&mut bytes)?;
            return Ok(webm::cues(&bytes).map(|cues| Cues { head, at, end, cues }));
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(starts: &[i64]) -> Track {
        let segment = |(i, start): (usize, &i64)| Segment {
            bytes: ByteRange { first: i as u64 * 1000, last: Some(i as u64 * 1000 + 999) },
            start_us: *start,
            lasts_us: starts.get(i + 1).map_or(40_000, |next| next - start),
        };
        Track {
            codec: "avc1.64001f".into(),
            timescale: Timescale::NINETY_KHZ,
            init: ByteRange { first: 0, last: Some(9) },
            index: ByteRange { first: 10, last: Some(19) },
            segments: starts.iter().enumerate().map(segment).collect(),
        }
    }

    #[test]
    fn key_frames_at_other_times_are_found_and_said_where() {
        let all = track(&[0, 2_000_000, 4_000_000]);
        assert_eq!(misfit(&all, &track(&[0, 2_000_999, 4_000_000])), None);
        let late = misfit(&all, &track(&[0, 2_040_000, 4_000_000]));
        assert_eq!(late.as_deref(), Some("one is at 2.040 s, not 2.000 s"));
        let few = misfit(&all, &track(&[0, 2_000_000]));
        assert_eq!(few.as_deref(), Some("it has 2, the others 3"));
    }

    #[test]
    fn a_short_last_segment_is_no_peak() {
        let (peak, whole) = track(&[0, 2_000_000, 4_000_000]).rates();
        assert_eq!((peak, whole), (5940, 5940));
        assert_eq!(track(&[0, 1_000_000, 4_000_000]).rates().0, 5940);
    }
}
