//! Syntax to MPD text, elements in the order of the schema (DASH-MPD.xsd of 23009-1:2022).

use super::syntax::{
    AdaptationSet, BaseUrl, Common, Descriptor, Early, Label, Mpd, Period, ProducerReferenceTime,
    Representation, Resync, S, SegmentInfo, SegmentTemplate, Segments, ServiceDescription,
    UrlRange,
};
use crate::presentation::date::{write_date_time, write_decimal, write_duration};
use crate::time::{Duration, WallTime};
use crate::units::{ByteRange, FrameRate};
use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// The MPD as text, with an XML declaration.
pub fn mpd(mpd: &Mpd) -> String {
    let mut xml = Xml::new();
    xml.element("MPD", |xml| {
        xml.attr("xmlns", "urn:mpeg:dash:schema:mpd:2011");
        if mpd.periods.iter().any(|period| period.remote.is_some()) {
            xml.attr("xmlns:xlink", "http://www.w3.org/1999/xlink");
        }
        xml.text_attr("id", mpd.id.as_deref());
        xml.attr("profiles", &mpd.profiles);
        xml.attr("type", if mpd.dynamic { "dynamic" } else { "static" });
        xml.time("availabilityStartTime", mpd.availability_start);
        xml.time("availabilityEndTime", mpd.availability_end);
        xml.time("publishTime", mpd.publish_time);
        xml.duration("mediaPresentationDuration", mpd.duration);
        xml.duration("minimumUpdatePeriod", mpd.minimum_update_period);
        xml.duration("minBufferTime", mpd.min_buffer_time);
        xml.duration("timeShiftBufferDepth", mpd.time_shift_buffer_depth);
        xml.duration("suggestedPresentationDelay", mpd.suggested_presentation_delay);
        xml.duration("maxSegmentDuration", mpd.max_segment_duration);
        mpd.base_urls.iter().for_each(|url| base_url(xml, url));
        for location in &mpd.locations {
            xml.element("Location", |xml| xml.text(location));
        }
        mpd.service_descriptions.iter().for_each(|service| service_description(xml, service));
        mpd.periods.iter().for_each(|p| period(xml, p));
        descriptors(xml, "UTCTiming", &mpd.utc_timings);
    });
    xml.finish()
}

fn base_url(xml: &mut Xml, url: &BaseUrl) {
    xml.element("BaseURL", |xml| {
        xml.text_attr("serviceLocation", url.service_location.as_deref());
        early(xml, &url.early);
        xml.text(&url.url);
    });
}

fn early(xml: &mut Xml, early: &Early) {
    if let Some(us) = early.offset_us {
        xml.attr("availabilityTimeOffset", &seconds(us));
    }
    xml.flag("availabilityTimeComplete", early.complete);
}

fn seconds(us: i64) -> String {
    if us == i64::MAX { "INF".to_string() } else { write_decimal(us) }
}

fn service_description(xml: &mut Xml, service: &ServiceDescription) {
    xml.element("ServiceDescription", |xml| {
        xml.number("id", service.id);
        descriptors(xml, "Scope", &service.scopes);
        if let Some(latency) = &service.latency {
            xml.element("Latency", |xml| {
                xml.number("referenceId", latency.reference_id);
                xml.number("target", latency.target_ms);
                xml.number("min", latency.min_ms);
                xml.number("max", latency.max_ms);
            });
        }
        if let Some(rate) = &service.playback_rate {
            xml.element("PlaybackRate", |xml| {
                let decimal = |permille: u32| write_decimal(i64::from(permille) * 1000);
                xml.text_attr("min", rate.min_permille.map(decimal).as_deref());
                xml.text_attr("max", rate.max_permille.map(decimal).as_deref());
            });
        }
    });
}

fn period(xml: &mut Xml, period: &Period) {
    xml.element("Period", |xml| {
        xml.text_attr("xlink:href", period.remote.as_deref());
        xml.text_attr("id", period.id.as_deref());
        xml.duration("start", period.start);
        xml.duration("duration", period.duration);
        period.base_urls.iter().for_each(|url| base_url(xml, url));
        segments(xml, &period.segments);
        period.adaptation_sets.iter().for_each(|set| adaptation_set(xml, set));
    });
}

fn adaptation_set(xml: &mut Xml, set: &AdaptationSet) {
    xml.element("AdaptationSet", |xml| {
        xml.text_attr("id", set.id.as_deref());
        xml.text_attr("contentType", set.content_type.as_deref());
        xml.text_attr("lang", set.language.as_deref());
        xml.flag("segmentAlignment", set.segment_alignment);
        xml.flag("subsegmentAlignment", set.subsegment_alignment);
        xml.number("subsegmentStartsWithSAP", set.subsegment_starts_with_sap);
        xml.number("selectionPriority", set.selection_priority);
        common_attributes(xml, &set.common);
        common_elements(xml, &set.common);
        descriptors(xml, "Accessibility", &set.accessibility);
        descriptors(xml, "Role", &set.roles);
        set.base_urls.iter().for_each(|url| base_url(xml, url));
        segments(xml, &set.segments);
        set.representations.iter().for_each(|r| representation(xml, r));
    });
}

fn representation(xml: &mut Xml, representation: &Representation) {
    xml.element("Representation", |xml| {
        xml.attr("id", &representation.id);
        xml.number("bandwidth", Some(representation.bandwidth_bps));
        xml.text_attr("dependencyId", representation.dependency_id.as_deref());
        common_attributes(xml, &representation.common);
        common_elements(xml, &representation.common);
        representation.base_urls.iter().for_each(|url| base_url(xml, url));
        segments(xml, &representation.segments);
    });
}

fn common_attributes(xml: &mut Xml, common: &Common) {
    xml.text_attr("profiles", common.profiles.as_deref());
    xml.text_attr("mimeType", common.mime_type.as_deref());
    xml.text_attr("codecs", common.codecs.as_deref());
    xml.number("width", common.width);
    xml.number("height", common.height);
    xml.text_attr("sar", common.sar.as_deref());
    if let Some(FrameRate { frames, seconds }) = common.frame_rate {
        let mut rate = frames.to_string();
        if seconds.get() != 1 {
            rate.push('/');
            rate.push_str(&seconds.to_string());
        }
        xml.attr("frameRate", &rate);
    }
    xml.number("audioSamplingRate", common.audio_sampling_rate);
    xml.number("startWithSAP", common.start_with_sap);
}

fn common_elements(xml: &mut Xml, common: &Common) {
    descriptors(xml, "AudioChannelConfiguration", &common.audio_channels);
    descriptors(xml, "ContentProtection", &common.content_protection);
    descriptors(xml, "EssentialProperty", &common.essential);
    descriptors(xml, "SupplementalProperty", &common.supplemental);
    descriptors(xml, "InbandEventStream", &common.inband_events);
    for Label { language, text } in &common.labels {
        xml.element("Label", |xml| {
            xml.text_attr("lang", language.as_deref());
            xml.text(text);
        });
    }
    common.producer_reference_times.iter().for_each(|time| producer_reference_time(xml, time));
    for Resync { kind, dt, dimax_millionths, dimin_millionths, marker } in &common.resyncs {
        xml.element("Resync", |xml| {
            xml.number("type", *kind);
            xml.number("dT", *dt);
            xml.text_attr("dImax", dimax_millionths.map(write_decimal).as_deref());
            xml.text_attr("dImin", dimin_millionths.map(write_decimal).as_deref());
            xml.flag("marker", *marker);
        });
    }
}

fn producer_reference_time(xml: &mut Xml, time: &ProducerReferenceTime) {
    xml.element("ProducerReferenceTime", |xml| {
        xml.number("id", Some(time.id));
        xml.flag("inband", Some(time.inband));
        xml.attr("type", &time.kind);
        xml.time("wallClockTime", time.wall_clock);
        xml.number("presentationTime", Some(time.presentation_time));
        if let Some(timing) = &time.utc_timing {
            descriptors(xml, "UTCTiming", core::slice::from_ref(timing));
        }
    });
}

fn descriptors(xml: &mut Xml, name: &'static str, all: &[Descriptor]) {
    for descriptor in all {
        xml.element(name, |xml| {
            xml.attr("schemeIdUri", &descriptor.scheme);
            xml.text_attr("value", descriptor.value.as_deref());
        });
    }
}

fn segments(xml: &mut Xml, segments: &Segments) {
    if let Some(info) = &segments.base {
        xml.element("SegmentBase", |xml| {
            info_attributes(xml, info);
            info_elements(xml, info);
        });
    }
    if let Some(list) = &segments.list {
        xml.element("SegmentList", |xml| {
            info_attributes(xml, &list.info);
            info_elements(xml, &list.info);
            for url in &list.urls {
                url_range(xml, "SegmentURL", ["media", "mediaRange"], url);
            }
        });
    }
    if let Some(SegmentTemplate { media, initialization, info }) = &segments.template {
        xml.element("SegmentTemplate", |xml| {
            xml.text_attr("media", media.as_deref());
            xml.text_attr("initialization", initialization.as_deref());
            info_attributes(xml, info);
            info_elements(xml, info);
        });
    }
}

fn info_attributes(xml: &mut Xml, info: &SegmentInfo) {
    xml.number("timescale", info.timescale);
    xml.number("presentationTimeOffset", info.presentation_time_offset);
    early(xml, &info.early);
    xml.text_attr("indexRange", info.index_range.map(range).as_deref());
    xml.number("duration", info.duration);
    xml.number("startNumber", info.start_number);
    xml.number("endNumber", info.end_number);
}

fn info_elements(xml: &mut Xml, info: &SegmentInfo) {
    if let Some(url) = &info.initialization {
        url_range(xml, "Initialization", ["sourceURL", "range"], url);
    }
    if let Some(url) = &info.representation_index {
        url_range(xml, "RepresentationIndex", ["sourceURL", "range"], url);
    }
    let Some(timeline) = &info.timeline else { return };
    xml.element("SegmentTimeline", |xml| {
        for S { t, n, d, r } in timeline {
            xml.element("S", |xml| {
                xml.number("t", *t);
                xml.number("n", *n);
                xml.number("d", Some(*d));
                xml.number("r", Some(*r).filter(|r| *r != 0));
            });
        }
    });
}

fn url_range(xml: &mut Xml, element: &'static str, [url, bytes]: [&str; 2], value: &UrlRange) {
    xml.element(element, |xml| {
        xml.text_attr(url, value.url.as_deref());
        xml.text_attr(bytes, value.range.map(range).as_deref());
    });
}

fn range(ByteRange { first, last }: ByteRange) -> String {
    let last = last.map(|last| last.to_string());
    [&first.to_string(), "-", last.as_deref().unwrap_or("")].concat()
}

/// quick-xml's writer, with a start tag that can still take attributes.
struct Xml {
    out: Writer<Vec<u8>>,
    tag: Option<BytesStart<'static>>,
}

impl Xml {
    fn new() -> Self {
        let mut xml = Self { out: Writer::new_with_indent(Vec::new(), b' ', 2), tag: None };
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml
    }

    fn finish(self) -> String {
        let mut text = String::from_utf8(self.out.into_inner()).unwrap_or_default();
        text.push('\n');
        text
    }

    fn element(&mut self, name: &'static str, fill: impl FnOnce(&mut Self)) {
        self.open();
        self.tag = Some(BytesStart::new(name));
        fill(self);
        match self.tag.take() {
            Some(tag) => self.event(Event::Empty(tag)),
            None => self.event(Event::End(BytesEnd::new(name))),
        }
    }

    /// Ends the start tag: content follows.
    fn open(&mut self) {
        if let Some(tag) = self.tag.take() {
            self.event(Event::Start(tag));
        }
    }

    fn event(&mut self, event: Event<'_>) {
        // Writing into memory does not fail.
        _ = self.out.write_event(event);
    }

    fn attr(&mut self, name: &str, value: &str) {
        if let Some(tag) = &mut self.tag {
            tag.push_attribute((name, writable(value)));
        }
    }

    fn text_attr(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.attr(name, value);
        }
    }

    fn number<N: ToString>(&mut self, name: &str, value: Option<N>) {
        self.text_attr(name, value.map(|n| n.to_string()).as_deref());
    }

    fn flag(&mut self, name: &str, value: Option<bool>) {
        self.text_attr(name, value.map(|flag| if flag { "true" } else { "false" }));
    }

    fn time(&mut self, name: &str, value: Option<WallTime>) {
        self.text_attr(name, value.map(write_date_time).as_deref());
    }

    fn duration(&mut self, name: &str, value: Option<Duration>) {
        self.text_attr(name, value.map(write_duration).as_deref());
    }

    fn text(&mut self, text: &str) {
        self.open();
        self.event(Event::Text(BytesText::new(&writable(text))));
    }
}

/// The text with U+FFFD for characters that XML cannot express (XML 1.0 2.2).
fn writable(text: &str) -> Cow<'_, str> {
    let none = |c| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    match text.contains(none) {
        true => text.replace(none, "\u{fffd}").into(),
        false => text.into(),
    }
}
