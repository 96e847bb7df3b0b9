//! The binary as a user meets it: real arguments, a real process, the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod codes;
mod configuration;
mod crashes;
mod creds;
mod deep;
mod doctor;
mod economy;
mod hostile;
mod interrupts;
mod journal;
mod languages;
mod manifest;
mod network;
mod output;
mod policy;
mod secrets;
mod security;
mod setup;
mod support;
mod usage;
