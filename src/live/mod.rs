//! The live edge: where it is, how near to play, how to get there.
