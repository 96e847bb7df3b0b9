//! The time that S3 needs at the rates that it is known by, in words.

use std::time::Duration;

use flex_copy::{BoundBy, LowerBound};
use serde::Serialize;

use super::size;

/// What sets the bound: the word for programs, and the reason as the end of a sentence.
fn told(by: BoundBy) -> (&'static str, String) {
    let bytes = |rate: f64| format!("{}/s", size::human(rate as u64));
    match by {
        BoundBy::Writes(rate) => ("writes", format!("{rate} writes a second, S3's published rate")),
        BoundBy::Reads(rate) => ("reads", format!("{rate} reads a second, S3's published rate")),
        BoundBy::Requests(rate) => ("requests", format!("{rate} requests a second, as --max-rps allows")),
        BoundBy::Bytes(rate) => ("bytes", format!("{} in all requests in flight", bytes(rate))),
        BoundBy::LargestRequest(rate) => ("largest-request", format!("{} in the largest request", bytes(rate))),
        _ => ("other", "what limits it".into()),
    }
}

/// The bound of a plan. One below a second says nothing.
pub(crate) fn of_plan(bound: Option<LowerBound>) -> Option<String> {
    let bound = bound.filter(|bound| bound.time.as_secs() > 0)?;
    Some(format!("{} at {}", size::duration(bound.time), told(bound.by).1))
}

/// The bound of a run, and how near it came.
pub(crate) fn of_run(bound: Option<LowerBound>, elapsed: Duration) -> Option<String> {
    let text = of_plan(bound)?;
    let part = bound?.time.as_secs_f64() / elapsed.as_secs_f64();
    Some(if part < 1.0 {
        format!("{text}: {:.0} % of the time taken", part * 100.0)
    } else {
        format!("{text}: it took less")
    })
}

/// For programs.
#[derive(Serialize)]
pub(crate) struct Bound {
    seconds: f64,
    by: &'static str,
}

impl From<LowerBound> for Bound {
    fn from(bound: LowerBound) -> Self {
        Self { seconds: (bound.time.as_secs_f64() * 1000.0).round() / 1000.0, by: told(bound.by).0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_told_from_a_second_on() {
        let bound = |ms, by| Some(LowerBound { time: Duration::from_millis(ms), by });
        assert_eq!(of_plan(None), None);
        assert_eq!(of_plan(bound(999, BoundBy::Writes(3500.0))), None);
        let text = of_plan(bound(15_000, BoundBy::Requests(2.5))).expect("a text");
        assert_eq!(text, "15.0 s at 2.5 requests a second, as --max-rps allows");
        let run = |seconds| of_run(bound(15_000, BoundBy::LargestRequest(100e6)), Duration::from_secs(seconds));
        let text = run(20).expect("a text");
        assert_eq!(text, "15.0 s at 95.4 MiB/s in the largest request: 75 % of the time taken");
        for seconds in [0, 15] {
            assert!(run(seconds).expect("a text").ends_with(": it took less"));
        }
    }
}
