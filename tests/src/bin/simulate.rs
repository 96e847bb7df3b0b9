//! Simulates runs with faults, seed by seed, and prints a summary by fault. Ends with 1 when a seed breaks a promise.
//!
//! `cargo run --release -p flex-tests --bin simulate -- --seeds 1000`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use flex_tests::simulation::{SeedReport, simulate};

const HELP: &str = "\
Simulates whole runs with faults on a paused clock, one world for each seed

Usage: simulate [--seeds N] [--from S] [--jobs J] [--json FILE]
       simulate --seed S [--trace]

  --seeds N    how many seeds (100)
  --from S     the first of them (0)
  --jobs J     threads (the machine's cores)
  --json FILE  write the summary into this file, too
  --seed S     this seed alone: its scene, and what it breaks
  --trace      with --seed: every request with its virtual time
";

struct Wishes {
    seeds: u64,
    from: u64,
    jobs: usize,
    json: Option<String>,
    seed: Option<u64>,
    trace: bool,
}

fn wishes() -> Result<Option<Wishes>, String> {
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let mut wishes = Wishes { seeds: 100, from: 0, jobs, json: None, seed: None, trace: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text:?} is not a number, like 1000"));
        match word.as_str() {
            "--seeds" => wishes.seeds = number(value()?)?,
            "--from" => wishes.from = number(value()?)?,
            "--jobs" => wishes.jobs = usize::try_from(number(value()?)?).unwrap_or(1).max(1),
            "--json" => wishes.json = Some(value()?),
            "--seed" => wishes.seed = Some(number(value()?)?),
            "--trace" => wishes.trace = true,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("{other} is not known")),
        }
    }
    Ok(Some(wishes))
}

#[derive(Default)]
struct Totals {
    seeds: u64,
    simulated: Duration,
    requests: u64,
    faults: BTreeMap<&'static str, u64>,
    copied: u64,
    resumed: u64,
    runs: u64,
    failed: BTreeMap<u64, Vec<String>>,
}

impl Totals {
    fn add(&mut self, seed: u64, report: SeedReport) {
        self.seeds += 1;
        self.simulated += report.simulated;
        self.requests += report.requests;
        self.copied += report.copied;
        self.resumed += report.resumed;
        self.runs += report.runs;
        for (fault, times) in report.faults {
            *self.faults.entry(fault).or_default() += times;
        }
        if !report.breaches.is_empty() {
            self.failed.insert(seed, report.breaches);
        }
    }

    /// Breaches that begin so.
    fn breaches(&self, word: &str) -> usize {
        self.failed.values().flatten().filter(|breach| breach.contains(word)).count()
    }

    fn json(&self, seconds: f64) -> serde_json::Value {
        serde_json::json!({
            "seeds": self.seeds,
            "seeds_failed": self.failed.len(),
            "runs": self.runs,
            "simulated_hours": (self.simulated.as_secs_f64() / 36.0).round() / 100.0,
            "requests": self.requests,
            "faults": self.faults,
            "faults_total": self.faults.values().sum::<u64>(),
            "process_deaths": self.faults.get("process-death").copied().unwrap_or_default(),
            "uploads_resumed": self.resumed,
            "objects_copied": self.copied,
            "objects_lost": self.breaches("lost: "),
            "duplicates_reported": self.breaches("duplicate: "),
            "orphans_left": self.breaches("orphan: "),
            "seconds": (seconds * 10.0).round() / 10.0,
            "command": std::iter::once("simulate".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" "),
        })
    }
}

fn main() -> ExitCode {
    let wishes = match wishes() {
        Ok(Some(wishes)) => wishes,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("simulate: {error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if let Some(seed) = wishes.seed {
        return one(seed, wishes.trace);
    }
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let totals = Mutex::new(Totals::default());
    thread::scope(|scope| {
        for _ in 0..wishes.jobs {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= wishes.seeds {
                        return;
                    }
                    let seed = wishes.from + n;
                    let report = simulate(seed, false);
                    for breach in &report.breaches {
                        eprintln!("seed {seed}: {breach}");
                    }
                    totals.lock().unwrap_or_else(PoisonError::into_inner).add(seed, report);
                }
            });
        }
    });
    let totals = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} seeds, {} runs, {:.1} simulated hours, {} requests, {} objects copied, in {seconds:.1} s ({:.1} seeds a second)",
        totals.seeds,
        totals.runs,
        totals.simulated.as_secs_f64() / 3600.0,
        totals.requests,
        totals.copied,
        totals.seeds as f64 / seconds.max(0.001),
    );
    for (fault, times) in &totals.faults {
        println!("{times:>10}  {fault}");
    }
    println!("{:>10}  uploads resumed", totals.resumed);
    for (what, word) in
        [("objects lost", "lost: "), ("duplicates reported", "duplicate: "), ("orphans left", "orphan: ")]
    {
        println!("{:>10}  {what}", totals.breaches(word));
    }
    if let Some(file) = &wishes.json
        && let Err(error) = std::fs::write(file, format!("{:#}\n", totals.json(seconds)))
    {
        eprintln!("simulate: {file} cannot be written: {error}");
        return ExitCode::FAILURE;
    }
    if totals.failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    let seeds: Vec<_> = totals.failed.keys().take(20).map(u64::to_string).collect();
    println!("{} seeds failed: {}", totals.failed.len(), seeds.join(", "));
    println!("look at one with: simulate --seed {} --trace", seeds[0]);
    ExitCode::FAILURE
}

fn one(seed: u64, trace: bool) -> ExitCode {
    let report = simulate(seed, trace);
    println!("{}", report.plot);
    for line in &report.trace {
        println!("{line}");
    }
    println!("seed {seed}: {} runs, {} requests, digest {:016x}", report.runs, report.requests, report.digest);
    for breach in &report.breaches {
        println!("broken: {breach}");
    }
    if report.breaches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
