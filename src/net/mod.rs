//! Requests: retry policy and traces. It performs none.
