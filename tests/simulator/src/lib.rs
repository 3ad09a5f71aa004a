//! Drives the real player in virtual time over a seeded network.
