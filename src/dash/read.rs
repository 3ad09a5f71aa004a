//! MPD text to syntax, with quick-xml's events. Unknown elements and attributes are skipped.
//!
//! A value that decides where or when media is (times, ticks, numbers, ranges) must be valid, or
//! the MPD is refused with line, path and what was expected. A value that only describes the media
//! (sizes, rates, labels) is dropped when it is invalid.

use super::syntax::{
    AdaptationSet, BaseUrl, Common, Descriptor, Early, Label, Latency, Mpd, Period, PlaybackRate,
    ProducerReferenceTime, Representation, Resync, S, SegmentInfo, SegmentList, SegmentTemplate,
    Segments, ServiceDescription, UrlRange,
};
use super::xml::{Attributes, Cursor, Each, Result};
use crate::media::text::{after, cut, halves};
use crate::presentation::date::{parse_date_time, parse_decimal, parse_duration};
use crate::presentation::excerpt;
use crate::units::{ByteRange, FrameRate};
use alloc::string::String;
use alloc::vec::Vec;
use core::num::NonZeroU32;

/// Reads an MPD. A byte that is no UTF-8 is read as U+FFFD.
pub fn mpd(bytes: &[u8]) -> Result<Mpd> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut cursor = Cursor::new(text);
    let mut found = None;
    cursor.children(&mut |c, name, a| {
        if name != "MPD" {
            let problem = ["<", excerpt(name), "> was found, an MPD begins with <MPD>"].concat();
            return Err(c.error(problem));
        }
        found = Some(root(c, a)?);
        Ok(())
    })?;
    found.ok_or_else(|| cursor.error("there is no <MPD> in this document".into()))
}

const DURATION: &str = "a duration like PT2.5S";
const DATE_TIME: &str = "a time like 2026-01-31T12:00:00Z";
const NUMBER: &str = "a whole number";
const RANGE: &str = "a byte range like 0-99";

fn root(c: &mut Cursor<'_>, a: &Attributes<'_>) -> Result<Mpd> {
    let duration = |name| c.strict(a, name, DURATION, parse_duration);
    let time = |name| c.strict(a, name, DATE_TIME, parse_date_time);
    let mut mpd = Mpd {
        id: a.text("id"),
        profiles: a.text("profiles").unwrap_or_default(),
        dynamic: a.get("type") == Some("dynamic"),
        availability_start: time("availabilityStartTime")?,
        availability_end: time("availabilityEndTime")?,
        publish_time: time("publishTime")?,
        duration: duration("mediaPresentationDuration")?,
        minimum_update_period: duration("minimumUpdatePeriod")?,
        min_buffer_time: a.hint("minBufferTime", parse_duration),
        time_shift_buffer_depth: duration("timeShiftBufferDepth")?,
        suggested_presentation_delay: duration("suggestedPresentationDelay")?,
        max_segment_duration: a.hint("maxSegmentDuration", parse_duration),
        ..Mpd::default()
    };
    c.children(&mut |c, name, a| {
        match name {
            "BaseURL" => mpd.base_urls.push(base_url(c, a)?),
            "Location" => mpd.locations.push(c.text()?),
            "ServiceDescription" => mpd.service_descriptions.push(service_description(c, a)?),
            "Period" => mpd.periods.push(period(c, a)?),
            "UTCTiming" => mpd.utc_timings.push(descriptor(c, a)?),
            _ => c.skip()?,
        }
        Ok(())
    })?;
    Ok(mpd)
}

fn base_url(c: &mut Cursor<'_>, a: &Attributes<'_>) -> Result<BaseUrl> {
    Ok(BaseUrl { service_location: a.text("serviceLocation"), early: early(c, a)?, url: c.text()? })
}

fn early(c: &Cursor<'_>, a: &Attributes<'_>) -> Result<Early> {
    Ok(Early {
        offset_us: c.strict(a, "availabilityTimeOffset", "seconds or INF", seconds)?,
        complete: a.hint("availabilityTimeComplete", flag),
    })
}

fn service_description(c: &mut Cursor<'_>, a: &Attributes<'_>) -> Result<ServiceDescription> {
    let mut service = ServiceDescription { id: a.hint("id", number), ..Default::default() };
    c.children(&mut |c, name, a| {
        match name {
            "Scope" => {
                service.scopes.push(descriptor(c, a)?);
                return Ok(());
            }
            "Latency" => {
                service.latency = Some(Latency {
                    reference_id: a.hint("referenceId", number),
                    target_ms: a.hint("target", number),
                    min_ms: a.hint("min", number),
                    max_ms: a.hint("max", number),
                });
            }
            "PlaybackRate" => {
                service.playback_rate = Some(PlaybackRate {
                    min_permille: a.hint("min", permille),
                    max_permille: a.hint("max", permille),
                });
            }
            _ => {}
        }
        c.skip()
    })?;
    Ok(service)
}

fn period(c: &mut Cursor<'_>, a: &Attributes<'_>) -> Result<Period> {
    let duration = |name| c.strict(a, name, DURATION, parse_duration);
    let mut period = Period {
        id: a.text("id"),
        start: duration("start")?,
        duration: duration("duration")?,
        remote: a.text("href"),
        ..Period::default()
    };
    c.children(&mut |c, name, a| match name {
        "BaseURL" => {
            period.base_urls.push(base_url(c, a)?);
            Ok(())
        }
        "AdaptationSet" => {
            period.adaptation_sets.push(adaptation_set(c, a)?);
            Ok(())
        }
        _ => segments(c, name, a, &mut period.segments),
    })?;
    Ok(period)
}

fn adaptation_set(c: &mut Cursor<'_>, a: &Attributes<'_>) -> Result<AdaptationSet> {
    let mut set = AdaptationSet {
        id: a.text("id"),
        content_type: a.text("contentType"),
        language: a.text("lang"),
        segment_alignment: a.hint("segmentAlignment", flag),
        selection_priority: a.hint("selectionPriority", number),
        common: common(a),
        ..AdaptationSet::default()
    };
    c.children(&mut |c, name, a| {
        match name {
            "BaseURL" => set.base_urls.push(base_url(c, a)?),
            "Representation" => set.representations.push(representation(c, a)?),
            "Accessibility" => set.accessibility.push(descriptor(c, a)?),
            "Role" => set.roles.push(descriptor(c, a)?),
            "ContentComponent" => {
                set.content_type = set.content_type.take().or_else(|| a.text("contentType"));
                set.language = set.language.take().or_else(|| a.text("lang"));
                c.skip()?;
            }
            _ if common_element(c, name, a, &mut set.common)? => {}
            _ => segments(c, name, a, &mut set.segments)?,
        }
        Ok(())
    })?;
    Ok(set)
}

fn representation(c: &mut Cursor<'_>, a: &Attributes<'_>) -> Result<Representation> {
    let mut representation = Representation {
        id: a.text("id").unwrap_or_default(),
        bandwidth_bps: a.hint("bandwidth", number).unwrap_or(0),
        dependency_id: a.text("dependencyId"),
        common: common(a),
        ..Representation::default()
    };
    c.children(&mut |c, name, a| {
        match name {
            "BaseURL" => representation.base_urls.push(base_url(c, a)?),
            _ if common_element(c, name, a, &mut representation.common)? => {}
            _ => segments(c, name, a, &mut representation.segments)?,
        }
        Ok(())
    })?;
    Ok(representation)
}

fn common(a: &Attributes<'_>) -> Common {
    Common {
        mime_type: a.text("mimeType"),
        codecs: a.text("codecs"),
        profiles: a.text("profiles"),
        width: a.hint("width", number),
        height: a.hint("height", number),
        sar: a.text("sar"),
        frame_rate: a.hint("frameRate", frame_rate),
        audio_sampling_rate: a.hint("audioSamplingRate", number),
        start_with_sap: a.hint("startWithSAP", number),
        ..Common::default()
    }
}

/// Returns whether it was one of the elements of [`Common`].
fn common_element(
    c: &mut Cursor<'_>,
    name: &str,
    a: &Attributes<'_>,
    common: &mut Common,
) -> Result<bool> {
    let list = match name {
        "AudioChannelConfiguration" => &mut common.audio_channels,
        "ContentProtection" => &mut common.content_protection,
        "EssentialProperty" => &mut common.essential,
        "SupplementalProperty" => &mut common.supplemental,
        "InbandEventStream" => &mut common.inband_events,
        "Label" => {
            common.labels.push(Label { language: a.text("lang"), text: c.text()? });
            return Ok(true);
        }
        "ProducerReferenceTime" => {
            common.producer_reference_times.push(producer_reference_time(c, a)?);
            return Ok(true);
        }
        "Resync" => {
            common.resyncs.push(Resync {
                kind: a.hint("type", number),
                dt: a.hint("dT", number),
                dimax_millionths: a.hint("dImax", parse_decimal),
                dimin_millionths: a.hint("dImin", parse_decimal),
                marker: a.hint("marker", flag),
            });
            c.skip()?;
            return Ok(true);
        }
        _ => return Ok(false),
    };
    list.push(descriptor(c, a)?);
    Ok(true)
}

fn producer_reference_time(
    c: &mut Cursor<'_>,
    a: &Attributes<'_>,
) -> Result<ProducerReferenceTime> {
    let mut time = ProducerReferenceTime {
        id: a.hint("id", number).unwrap_or(0),
        inband: a.hint("inband", flag).unwrap_or(false),
        kind: a.text("type").unwrap_or_else(|| "encoder".into()),
        wall_clock: a.hint("wallClockTime", parse_date_time),
        presentation_time: a.hint("presentationTime", number).unwrap_or(0),
        utc_timing: None,
    };
    c.children(&mut |c, name, a| {
        match name {
            "UTCTiming" => time.utc_timing = Some(descriptor(c, a)?),
            _ => c.skip()?,
        }
        Ok(())
    })?;
    Ok(time)
}

fn descriptor(c: &mut Cursor<'_>, a: &Attributes<'_>) -> Result<Descriptor> {
    c.skip()?;
    Ok(Descriptor { scheme: a.text("schemeIdUri").unwrap_or_default(), value: a.text("value") })
}

/// Reads segment information; skips any other element.
fn segments(
    c: &mut Cursor<'_>,
    name: &str,
    a: &Attributes<'_>,
    segments: &mut Segments,
) -> Result<()> {
    match name {
        "SegmentBase" => segments.base = Some(segment_info(c, a, &mut |c, _, _| c.skip())?),
        "SegmentList" => {
            let mut urls = Vec::new();
            let info = segment_info(c, a, &mut |c, name, a| match name {
                "SegmentURL" => {
                    urls.push(url_range(c, a, ["media", "mediaRange"])?);
                    Ok(())
                }
                _ => c.skip(),
            })?;
            segments.list = Some(SegmentList { urls, info });
        }
        "SegmentTemplate" => {
            segments.template = Some(SegmentTemplate {
                media: a.text("media"),
                initialization: a.text("initialization"),
                info: segment_info(c, a, &mut |c, _, _| c.skip())?,
            });
        }
        _ => c.skip()?,
    }
    Ok(())
}

fn segment_info<'a>(
    c: &mut Cursor<'a>,
    a: &Attributes<'_>,
    other: Each<'_, 'a>,
) -> Result<SegmentInfo> {
    let ticks = |name| c.strict(a, name, NUMBER, number::<u64>);
    let mut info = SegmentInfo {
        timescale: c.strict(a, "timescale", "ticks in a second", number)?,
        presentation_time_offset: ticks("presentationTimeOffset")?,
        early: early(c, a)?,
        index_range: c.strict(a, "indexRange", RANGE, range)?,
        duration: ticks("duration")?,
        start_number: ticks("startNumber")?,
        end_number: ticks("endNumber")?,
        ..SegmentInfo::default()
    };
    c.children(&mut |c, name, a| {
        match name {
            "Initialization" => {
                info.initialization = Some(url_range(c, a, ["sourceURL", "range"])?)
            }
            "RepresentationIndex" => {
                info.representation_index = Some(url_range(c, a, ["sourceURL", "range"])?);
            }
            "SegmentTimeline" => info.timeline = Some(timeline(c)?),
            _ => other(c, name, a)?,
        }
        Ok(())
    })?;
    Ok(info)
}

fn timeline(c: &mut Cursor<'_>) -> Result<Vec<S>> {
    let mut all = Vec::new();
    c.children(&mut |c, name, a| {
        if name == "S" {
            let ticks = |name| c.strict(a, name, NUMBER, number::<u64>);
            let d = ticks("d")?.ok_or_else(|| c.error("@d is missing".into()))?;
            let r = c.strict(a, "r", NUMBER, number::<i64>)?.unwrap_or(0);
            all.push(S { t: ticks("t")?, n: ticks("n")?, d, r });
        }
        c.skip()
    })?;
    Ok(all)
}

fn url_range(c: &mut Cursor<'_>, a: &Attributes<'_>, [url, bytes]: [&str; 2]) -> Result<UrlRange> {
    let found = UrlRange { url: a.text(url), range: c.strict(a, bytes, RANGE, range)? };
    c.skip()?;
    Ok(found)
}

/// A whole number. Packagers that compute in floating point write `4004.0`; the fraction is cut
/// off.
fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    let text = text.trim_ascii();
    let (whole, fraction) = halves(text, b'.');
    let is_number = fraction.bytes().all(|b| b.is_ascii_digit());
    (if is_number { whole } else { text }).parse().ok()
}

fn flag(text: &str) -> Option<bool> {
    match text.trim_ascii() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Microseconds; `i64::MAX` for INF.
fn seconds(text: &str) -> Option<i64> {
    match text.trim_ascii() {
        "INF" | "+INF" => Some(i64::MAX),
        text => parse_decimal(text),
    }
}

fn permille(text: &str) -> Option<u32> {
    u32::try_from(parse_decimal(text)? / 1000).ok()
}

fn frame_rate(text: &str) -> Option<FrameRate> {
    let (frames, rest) = cut(text, b"/");
    let seconds = if rest.is_empty() { 1 } else { number(after(rest))? };
    let seconds = NonZeroU32::new(seconds)?;
    // "29.97" does not match the schema's pattern, but packagers write it.
    if frames.bytes().all(|byte| byte != b'.') {
        return Some(FrameRate { frames: number(frames)?, seconds });
    }
    let seconds = NonZeroU32::new(seconds.get().checked_mul(1000)?)?;
    Some(FrameRate { frames: permille(frames)?, seconds })
}

fn range(text: &str) -> Option<ByteRange> {
    let (first, last) = cut(text.trim_ascii(), b"-");
    let last = last.get(1..)?;
    let range = ByteRange {
        first: number(first)?,
        last: if last.is_empty() { None } else { Some(number(last)?) },
    };
    range.last.is_none_or(|last| last >= range.first).then_some(range)
}
