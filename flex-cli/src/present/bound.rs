//! The least time that S3 needs, in words.

use flex_copy::{
    BoundBy, LowerBound, PARTITION_READS_PER_SECOND, PARTITION_WRITES_PER_SECOND, REQUEST_BYTES_PER_SECOND,
};
use serde::Serialize;

use super::size;

/// What limits it, as a reason in a sentence. A limit of flex itself (`--max-rps`, `--max-in-flight`) may be lower.
fn why(by: BoundBy) -> String {
    let rate = size::human(REQUEST_BYTES_PER_SECOND as u64);
    match by {
        BoundBy::Writes => format!("its writes, at {PARTITION_WRITES_PER_SECOND} a second or what --max-rps allows"),
        BoundBy::Reads => format!("its reads, at {PARTITION_READS_PER_SECOND} a second or what --max-rps allows"),
        BoundBy::Bytes => format!("its bytes, at {rate}/s in each request in flight"),
        BoundBy::LargestRequest => format!("its largest request, at {rate}/s"),
        _ => by.name().to_owned(),
    }
}

/// The bound of a plan. One below a second says nothing.
pub(crate) fn of_plan(bound: Option<LowerBound>) -> Option<String> {
    let bound = bound.filter(|bound| bound.time.as_secs() > 0)?;
    Some(format!("{} at the least, for {}", size::duration(bound.time), why(bound.by)))
}

/// The bound of a run, and how near it came.
pub(crate) fn of_run(bound: Option<LowerBound>, elapsed: std::time::Duration) -> Option<String> {
    let bound = bound.filter(|bound| bound.time.as_secs() > 0 && !elapsed.is_zero())?;
    let reached = bound.time.as_secs_f64() / elapsed.as_secs_f64() * 100.0;
    Some(format!("{} for {}: {reached:.0} % of that speed", size::duration(bound.time), why(bound.by)))
}

/// For programs.
#[derive(Serialize)]
pub(crate) struct Bound {
    seconds: f64,
    by: &'static str,
}

impl From<LowerBound> for Bound {
    fn from(bound: LowerBound) -> Self {
        Self { seconds: (bound.time.as_secs_f64() * 1000.0).round() / 1000.0, by: bound.by.name() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bound_is_told_from_a_second_on() {
        let bound = |ms, by| Some(LowerBound { time: Duration::from_millis(ms), by });
        assert_eq!(of_plan(None), None);
        assert_eq!(of_plan(bound(999, BoundBy::Writes)), None);
        let text = of_plan(bound(15_000, BoundBy::Writes)).expect("a text");
        assert_eq!(text, "15.0 s at the least, for its writes, at 3500 a second or what --max-rps allows");
        let text = of_run(bound(15_000, BoundBy::LargestRequest), Duration::from_secs(20)).expect("a text");
        assert_eq!(text, "15.0 s for its largest request, at 95.4 MiB/s: 75 % of that speed");
        assert_eq!(of_run(bound(15_000, BoundBy::Bytes), Duration::ZERO), None);
    }
}
