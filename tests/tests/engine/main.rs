//! The copy engine against the sandbox, in process and in paused time: what a user of flex-copy relies on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

mod cancelling;
mod changes;
mod credentials;
mod deep;
mod faults;
mod journal;
mod keys;
mod listings;
mod parts;
mod places;
mod proofs;
mod refusals;
mod verifying;
mod whole;
