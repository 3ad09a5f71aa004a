//! xs:dateTime and xs:duration texts, both ways, to microseconds.
