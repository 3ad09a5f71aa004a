//! Composes the parts: Input to Output.
