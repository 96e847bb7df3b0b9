//! The binary as a user meets it: real arguments, a real process, the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod codes;
mod configuration;
mod creds;
mod doctor;
mod interrupts;
mod languages;
mod network;
mod output;
mod policy;
mod secrets;
mod setup;
mod support;
mod usage;
