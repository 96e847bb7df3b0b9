//! Whole runs with faults on a paused clock. Any number of seeds: `cargo run --release -p flex-tests --bin simulate`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use flex_tests::simulation::simulate;

/// As many as fit a minute on two cores in the test profile.
const SEEDS: u64 = 600;

#[test]
fn no_seed_breaks_a_promise() {
    let next = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let faults = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SEEDS {
                        return;
                    }
                    let report = simulate(seed, false);
                    faults.fetch_add(report.faults.values().sum(), Ordering::Relaxed);
                    if !report.breaches.is_empty() {
                        let text = format!("seed {seed}: {}", report.breaches.join("\n  "));
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failed.is_empty(), "replay with `simulate --seed S --trace`:\n{}", failed.join("\n"));
    assert!(faults.into_inner() > 20 * SEEDS, "the weather was fair");
}

#[test]
fn a_seed_is_the_same_history_each_time_and_in_each_thread() {
    let digests = |seeds: [u64; 6]| seeds.map(|seed| simulate(seed, false).digest);
    let seeds = [1, 2, 3, 5, 8, 13];
    let first = digests(seeds);
    let (second, third) = thread::scope(|scope| {
        let threads = [scope.spawn(move || digests(seeds)), scope.spawn(move || digests(seeds))];
        let [second, third] = threads.map(|thread| thread.join().unwrap_or_default());
        (second, third)
    });
    assert_eq!(first, second);
    assert_eq!(first, third);
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), first.len(), "other seeds are other histories");
}
