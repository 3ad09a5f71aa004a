//! Elements and their links, with errors that name the element.

use gstreamer as gst;

use gst::prelude::*;

use crate::trouble::Trouble;

/// Queues in front of what reads a pipe: the server reads always, so they are empty.
const BUFFERS: &str = "300";

/// An element with these properties.
pub(crate) fn make(name: &str, properties: &[(&str, &str)]) -> Result<gst::Element, Trouble> {
    let mut builder = gst::ElementFactory::make(name);
    for (property, value) in properties {
        builder = builder.property_from_str(property, value);
    }
    builder.build().map_err(|_| Trouble::lacks(name))
}

/// Passes only media of this kind.
pub(crate) fn filter(caps: &str) -> Result<gst::Element, Trouble> {
    make("capsfilter", &[("caps", caps)])
}

/// A queue that keeps all, by count alone: times may leap.
pub(crate) fn queue() -> Result<gst::Element, Trouble> {
    make("queue", &[("max-size-buffers", BUFFERS), ("max-size-bytes", "0"), ("max-size-time", "0")])
}

/// Adds the elements to `bin`, links them in this order and starts them.
pub(crate) fn chain(bin: &impl IsA<gst::Bin>, elements: &[&gst::Element]) -> Result<(), Trouble> {
    bin.add_many(elements.iter().copied()).map_err(|e| Trouble::failed(&e))?;
    gst::Element::link_many(elements.iter().copied()).map_err(|e| Trouble::failed(&e))?;
    for element in elements.iter().rev() {
        element.sync_state_with_parent().map_err(|e| Trouble::failed(&e))?;
    }
    Ok(())
}

/// The elements that write one track to `fd` as a transport stream.
pub(crate) fn output(fd: i32) -> Result<[gst::Element; 2], Trouble> {
    let fd = fd.to_string();
    Ok([
        make("mpegtsmux", &[("latency", "0")])?,
        make("fdsink", &[("fd", &fd), ("sync", "false"), ("async", "false")])?,
    ])
}

/// The only sink or source pad of an element.
pub(crate) fn pad(element: &gst::Element, name: &str) -> Result<gst::Pad, Trouble> {
    element.static_pad(name).ok_or_else(|| Trouble::failed(&format!("{element:?} has no {name}")))
}

/// Replaces the segments that pass by one that begins at 0: times are compared with nothing else.
pub(crate) fn plain_segments(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        if info.event().is_some_and(|event| event.type_() == gst::EventType::Segment) {
            let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
            segment.set_start(gst::ClockTime::ZERO);
            info.data = Some(gst::PadProbeData::Event(gst::event::Segment::new(segment.as_ref())));
        }
        gst::PadProbeReturn::Ok
    });
}
