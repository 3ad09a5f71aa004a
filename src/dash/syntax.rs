//! The MPD as it is written: one struct an element, optional as in the schema.
