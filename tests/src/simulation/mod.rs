//! The engine, the real SDK clients, the role's credentials and the services in one process, on a paused clock, driven by
//! one number.
//!
//! A seed decides a scene (objects, settings, what the destination has already), the weather (latencies, storms of SlowDown,
//! errors, resets before and after the effect, answers that are empty, cut off, late or never come, listing pages that are
//! lost or repeated, tokens that end, STS that fails, clocks that differ, a disk that is full or tears writes), what happens
//! meanwhile (sources change, vanish, are refused; the destination's policy is taken away) and how each run ends: by
//! itself, cancelled, dropped, or dead at the nth crossing of the seam. A last run without faults must complete, and the
//! owner's clean-up must leave nothing open. [`simulate`] tells every breach of what must always hold.
//!
//! A seed that fails is run again, exactly, by `simulate --seed S --trace`.
//!
//! # How far it is deterministic
//! The same seed gives the same requests, answers and ends at the same virtual milliseconds, in any thread and process of the
//! same build. That rests on: one current-thread runtime with paused time; `fastrand` seeded for this thread, from which
//! the SDK draws its jitter and invocation ids, and the engine its waits; the SDK's time source and sleep, both on tokio's
//! clock; fates that are hashes of (seed, run, operation, key, part, how often); `select!` that is biased throughout the
//! libraries; no thread, no socket, no DNS, no `spawn_blocking`. Another build may wake tasks of one millisecond in another
//! order, and so give another history for the same seed.
//!
//! # What it leaves out
//! The HTTP client of the command line (its bounds, TLS, proxies, connection reuse), its own timeouts for connecting, and the
//! file that a journal is kept in. Those are tested with real processes.

mod chance;
mod checks;
mod disk;
mod objects;
mod plot;
mod sea;
mod seed;

pub use seed::{SeedReport, simulate};
