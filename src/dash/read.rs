//! MPD text to syntax, by quick-xml's events. Unknown elements and attributes are passed over.
