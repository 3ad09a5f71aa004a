//! Manifests of the live server, written by hand: the player's reader is not tested against its own
//! writer.

use super::camera::{Camera, Period, Rendition, signed, unix};
use crate::clock::Time;
use std::fmt::Write as _;

/// xs:dateTime with microseconds. The date by the days-to-civil method of H. Hinnant.
pub(in crate::origin) fn iso(us: i64) -> String {
    let (days, rest) = (us.div_euclid(86_400_000_000), us.rem_euclid(86_400_000_000));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    let s = rest / 1_000_000;
    let (h, m, s, us) = (s / 3600, s / 60 % 60, s % 60, rest % 1_000_000);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{us:06}Z")
}

/// xs:duration in seconds.
fn duration(us: i64) -> String {
    format!("PT{}.{:06}S", us / 1_000_000, us % 1_000_000)
}

impl Camera {
    /// Low-latency DASH; `None` before there is a picture.
    pub(super) fn low_latency_mpd(&self, now: Time) -> Option<String> {
        let live = &self.live;
        let oldest = unix(now) - signed(live.depth);
        let periods: Vec<&Period> =
            self.known(now).filter(|p| p.end.is_none_or(|e| e > oldest)).collect();
        let first = periods.first()?;
        let mut s = String::from(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"dynamic\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\"",
        );
        let _ = write!(
            s,
            " availabilityStartTime=\"1970-01-01T00:00:00Z\" publishTime=\"{}\" minBufferTime=\"PT1S\" timeShiftBufferDepth=\"{}\"",
            iso(periods.last().map_or(first.start, |p| p.start)),
            duration(signed(live.depth)),
        );
        if let Some(refresh) = live.refresh {
            let _ = write!(s, " minimumUpdatePeriod=\"{}\"", duration(signed(refresh)));
        }
        s.push_str(">\n");
        if let Some(target) = live.target {
            let _ = writeln!(
                s,
                "<ServiceDescription id=\"0\"><Latency target=\"{}\"/><PlaybackRate min=\"0.95\" max=\"1.1\"/></ServiceDescription>",
                target / 1000,
            );
        }
        for period in periods {
            self.low_latency_period(&mut s, period);
        }
        if live.clock {
            s.push_str(
                "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-xsdate:2014\" value=\"/time\"/>\n",
            );
        }
        s.push_str("</MPD>\n");
        Some(s)
    }

    fn low_latency_period(&self, s: &mut String, period: &Period) {
        let d = self.live.segment;
        let _ = writeln!(s, "<Period id=\"{}\" start=\"{}\">", period.id(), duration(period.start));
        let mut set = |kind: &str, list: &[Rendition]| {
            let Some(packer) = list.first().and_then(|r| self.packer(period, *r)) else { return };
            let hz = u64::from(packer.timescale().hz());
            let offset = packer.timescale().from_micros(period.start);
            let _ = write!(
                s,
                "<AdaptationSet contentType=\"{kind}\" mimeType=\"{kind}/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\">\n<SegmentTemplate timescale=\"{hz}\" duration=\"{}\" startNumber=\"{}\" presentationTimeOffset=\"{offset}\" availabilityTimeOffset=\"{}\" availabilityTimeComplete=\"false\" initialization=\"{}/$RepresentationID$/init.mp4\" media=\"{}/$RepresentationID$/$Number$.m4s\"/>\n",
                d * hz / 1_000_000,
                period.first_number,
                format_args!(
                    "{}.{:06}",
                    (d - self.live.frame) / 1_000_000,
                    (d - self.live.frame) % 1_000_000
                ),
                period.id(),
                period.id(),
            );
            for rendition in list {
                let Some(packer) = self.packer(period, *rendition) else { continue };
                self.representation(s, *rendition, &packer.codecs());
            }
            s.push_str("</AdaptationSet>\n");
        };
        set("video", &self.ladder());
        if self.live.audio {
            set("audio", &[Rendition::Audio]);
        }
        s.push_str("</Period>\n");
    }

    fn ladder(&self) -> Vec<Rendition> {
        (0..self.live.rungs.len()).map(Rendition::Video).collect()
    }

    fn representation(&self, s: &mut String, rendition: Rendition, codecs: &str) {
        let name = rendition.name();
        let _ = match rendition {
            Rendition::Video(i) => match self.live.rungs.get(i) {
                Some(r) => writeln!(
                    s,
                    "<Representation id=\"{name}\" bandwidth=\"{}\" width=\"{}\" height=\"{}\" codecs=\"{codecs}\"/>",
                    r.kbps * 1000,
                    r.width,
                    r.height
                ),
                None => Ok(()),
            },
            Rendition::Audio => writeln!(
                s,
                "<Representation id=\"{name}\" bandwidth=\"128000\" audioSamplingRate=\"48000\" codecs=\"{codecs}\"/>"
            ),
        };
    }

    /// DASH as ffmpeg writes it: one Period, whole segments with their times.
    pub(super) fn plain_mpd(&self, now: Time) -> Option<String> {
        let live = &self.live;
        let period = self.known(now).next()?;
        let d = signed(live.segment);
        let mut s = String::from(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"dynamic\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\"",
        );
        let _ = write!(
            s,
            " availabilityStartTime=\"{}\" publishTime=\"{}\" minimumUpdatePeriod=\"{}\" suggestedPresentationDelay=\"{}\" timeShiftBufferDepth=\"{}\" maxSegmentDuration=\"{}\" minBufferTime=\"{}\">\n<Period id=\"0\" start=\"PT0.0S\">\n",
            iso(period.start),
            iso(unix(self.written(now, period))),
            duration(d),
            duration(3 * d),
            duration(signed(live.depth)),
            duration(d),
            duration(2 * d),
        );
        for rendition in self.ladder().into_iter().chain([Rendition::Audio]) {
            let Some(packer) = self.packer(period, rendition) else { continue };
            let kind = if rendition == Rendition::Audio { "audio" } else { "video" };
            let scale = packer.timescale();
            let _ = writeln!(
                s,
                "<AdaptationSet contentType=\"{kind}\" mimeType=\"{kind}/mp4\">\n<SegmentTemplate timescale=\"{}\" initialization=\"{}/$RepresentationID$/init.mp4\" media=\"{}/$RepresentationID$/t$Time$.m4s\">\n<SegmentTimeline>",
                scale.hz(),
                period.id(),
                period.id(),
            );
            for (number, slot) in self.listed(now, period, rendition) {
                let ticks = |us: i64| scale.from_micros(us - self.epoch());
                let first = slot.chunks.first().map_or(slot.start, |c| c.captured);
                let next = self.slot(period, number + 1, rendition);
                let next = next.and_then(|n| n.chunks.first().map(|c| c.captured));
                let end = next.unwrap_or(slot.end);
                let _ =
                    writeln!(s, "<S t=\"{}\" d=\"{}\"/>", ticks(first), ticks(end) - ticks(first));
            }
            s.push_str("</SegmentTimeline>\n</SegmentTemplate>\n");
            self.representation(&mut s, rendition, &packer.codecs());
            s.push_str("</AdaptationSet>\n");
        }
        s.push_str("</Period>\n</MPD>\n");
        Some(s)
    }

    /// When the newest whole segment was complete.
    fn written(&self, now: Time, period: &Period) -> Time {
        let newest = |rendition| Some(self.listed(now, period, rendition).pop()?.1.complete);
        let all = [Rendition::Video(0), Rendition::Audio].into_iter().filter_map(newest);
        all.max().unwrap_or(now)
    }

    /// The whole segments of a Period that are in the window, with their numbers.
    fn listed(
        &self,
        now: Time,
        period: &Period,
        rendition: Rendition,
    ) -> Vec<(u64, super::slots::Slot)> {
        let d = signed(self.live.segment);
        let oldest = (unix(now) - signed(self.live.depth)).max(period.start);
        let skip = u64::try_from((oldest - period.start).div_euclid(d)).unwrap_or(0);
        let mut out = Vec::new();
        for number in period.first_number + skip.. {
            let Some(slot) = self.slot(period, number, rendition) else { break };
            if slot.complete > now {
                break;
            }
            out.push((number, slot));
        }
        out
    }

    /// The multivariant playlist.
    pub(super) fn multivariant(&self, now: Time) -> Option<String> {
        let period = self.known(now).next_back()?;
        let mut s = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        let audio = if self.live.audio {
            s.push_str("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"camera\",DEFAULT=YES,AUTOSELECT=YES,URI=\"a.m3u8\"\n");
            ",mp4a.40.2\",AUDIO=\"a\""
        } else {
            "\""
        };
        for (i, r) in self.live.rungs.iter().enumerate().rev() {
            let codecs = self.packer(period, Rendition::Video(i))?.codecs();
            let _ = writeln!(
                s,
                "#EXT-X-STREAM-INF:BANDWIDTH={},RESOLUTION={}x{},CODECS=\"{codecs}{audio}\nv{i}.m3u8",
                u64::from(r.kbps) * 1200 + 128_000,
                r.width,
                r.height,
            );
        }
        Some(s)
    }

    /// A media playlist of whole segments.
    pub(super) fn media_playlist(&self, now: Time, rendition: Rendition) -> Option<String> {
        let d = signed(self.live.segment);
        let oldest = unix(now) - signed(self.live.depth);
        let (mut sequence, mut discontinuity) = (0_u64, 0_usize);
        let mut body = String::new();
        let mut first = None;
        for (at, period) in self.periods.iter().enumerate() {
            let lasts = period.end.unwrap_or(i64::MAX / 4) - period.start;
            let count = u64::try_from((lasts + d - 1) / d).unwrap_or(0);
            let known = self.known(now).any(|k| k.start == period.start);
            self.packer(period, rendition)?;
            if known && period.end.is_none_or(|e| e > oldest) {
                for (i, (number, slot)) in self.listed(now, period, rendition).iter().enumerate() {
                    if first.is_none() {
                        first = Some((sequence + (number - period.first_number), discontinuity));
                    } else if i == 0 {
                        body.push_str("#EXT-X-DISCONTINUITY\n");
                    }
                    if i == 0 {
                        let _ = writeln!(
                            body,
                            "#EXT-X-MAP:URI=\"{}/{}/init.mp4\"",
                            period.id(),
                            rendition.name()
                        );
                    }
                    let lasts = slot.end - slot.start;
                    let _ = writeln!(
                        body,
                        "#EXT-X-PROGRAM-DATE-TIME:{}\n#EXTINF:{}.{:06},\n{}/{}/{number}.m4s",
                        iso(slot.start),
                        lasts / 1_000_000,
                        lasts % 1_000_000,
                        period.id(),
                        rendition.name(),
                    );
                }
            }
            sequence = sequence.saturating_add(count);
            discontinuity = at + 1;
        }
        let (sequence, discontinuity) = first?;
        Some(format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity}\n{body}",
            d.div_euclid(1_000_000) + i64::from(d % 1_000_000 > 0),
        ))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_what_the_calendar_says() {
        assert_eq!(super::iso(1_772_323_200_000_001), "2026-03-01T00:00:00.000001Z");
        assert_eq!(super::iso(951_782_399_999_999), "2000-02-28T23:59:59.999999Z");
        assert_eq!(super::iso(951_868_799_000_000), "2000-02-29T23:59:59.000000Z");
    }
}
