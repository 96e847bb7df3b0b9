//! When a token is to be renewed, judged by the caller's own clock. Pure: time and chance are arguments.

use std::time::{Duration, SystemTime};

/// While a token is still valid, a failed renewal is tried again no sooner than this.
pub(crate) const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// A token that was refused is replaced no sooner than this after it was obtained, so that a service that refuses
/// every token costs at most one AssumeRole a second.
pub(crate) const REFUSAL_PAUSE: Duration = Duration::from_secs(1);

/// Callers wait for a renewal that is due when no more than this is left of a token: a request sent with it might
/// arrive too late. For tokens shorter than 200 s it is a twentieth of their life.
const ENDING: Duration = Duration::from_secs(10);

/// The stages of one token's life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Schedule {
    renew_at: SystemTime,
    ending_at: SystemTime,
    expires: SystemTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Use it.
    Fresh,
    /// Use it, and renew meanwhile.
    Due,
    /// Renew first if that can be done, use it otherwise.
    Ending,
    /// Of no use.
    Over,
}

impl Schedule {
    /// `chance` in 0..1 places the renewal between 75 % and 85 % of the token's life, so that programs started
    /// together do not renew together.
    pub(crate) fn new(obtained: SystemTime, expires: SystemTime, chance: f64) -> Self {
        let life = expires.duration_since(obtained).unwrap_or_default();
        let renew_at = obtained + life.mul_f64(0.75 + 0.1 * chance.clamp(0.0, 1.0));
        let ending_at = expires - ENDING.min(life / 20);
        Self { renew_at, ending_at, expires }
    }

    pub(crate) fn stage(&self, now: SystemTime) -> Stage {
        if now >= self.expires {
            Stage::Over
        } else if now >= self.ending_at {
            Stage::Ending
        } else if now >= self.renew_at {
            Stage::Due
        } else {
            Stage::Fresh
        }
    }

    pub(crate) fn expires(&self) -> SystemTime {
        self.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    #[test]
    fn an_hour_has_four_stages() {
        for chance in [0.0, 0.5, 0.999] {
            let s = Schedule::new(at(0), at(HOUR), chance);
            let renew = 2700 + (360.0 * chance) as u64;
            for (second, want) in [
                (0, Stage::Fresh),
                (renew - 1, Stage::Fresh),
                (renew + 1, Stage::Due),
                (HOUR - 11, Stage::Due),
                (HOUR - 10, Stage::Ending),
                (HOUR - 1, Stage::Ending),
                (HOUR, Stage::Over),
                (2 * HOUR, Stage::Over),
            ] {
                assert_eq!(s.stage(at(second)), want, "second {second}, chance {chance}");
            }
        }
    }

    #[test]
    fn a_token_of_seconds_is_mostly_fresh() {
        let s = Schedule::new(at(0), at(5), 0.5);
        assert_eq!(s.stage(at(3)), Stage::Fresh);
        assert_eq!(s.stage(at(4) + Duration::from_millis(1)), Stage::Due);
        assert_eq!(s.stage(at(4) + Duration::from_millis(760)), Stage::Ending);
        assert_eq!(s.stage(at(5)), Stage::Over);
    }

    #[test]
    fn a_token_past_its_time_is_over_at_once() {
        let s = Schedule::new(at(10), at(5), 0.5);
        assert_eq!(s.stage(at(10)), Stage::Over);
    }
}
