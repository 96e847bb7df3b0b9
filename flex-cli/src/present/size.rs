//! Sizes, counts, durations and dates in words.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};

/// Tokyo has had no summer time since 1951.
const TOKYO_SECONDS: i32 = 9 * 3600;

/// 1.2 MiB; below 1 KiB the bytes.
pub(crate) fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // What would print as 1024.0 belongs to the next unit.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A number with its noun.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// 3.2 s, 4 min 05 s, 2 h 07 min.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        return format!("{:.1} s", time.as_secs_f64());
    }
    if seconds < 3600 {
        return format!("{} min {:02} s", seconds / 60, seconds % 60);
    }
    format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60)
}

fn utc(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

/// Date and time in Tokyo, `2021-05-31 12:34:56`.
pub(crate) fn tokyo(seconds: i64) -> String {
    let zone = FixedOffset::east_opt(TOKYO_SECONDS);
    match (utc(seconds), zone) {
        (Some(time), Some(zone)) => time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string(),
        _ => "-".into(),
    }
}

/// RFC 3339 in UTC, `2021-05-31T03:34:56Z`.
pub(crate) fn rfc3339(seconds: i64) -> String {
    utc(seconds).map_or_else(|| "-".into(), |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Seconds since 1970, now.
pub(crate) fn now() -> i64 {
    seconds(std::time::SystemTime::now())
}

/// Seconds since 1970.
pub(crate) fn seconds(time: std::time::SystemTime) -> i64 {
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| -s),
    }
}

/// Today's date in Tokyo.
pub(crate) fn today() -> NaiveDate {
    utc(now().saturating_add(i64::from(TOKYO_SECONDS))).map_or(NaiveDate::MAX, |time| time.date_naive())
}

/// Days as a short list: neighbours in `days` that follow each other in `all` become a range. Both ascend.
pub(crate) fn compressed(days: &[NaiveDate], follows: impl Fn(NaiveDate, NaiveDate) -> bool) -> String {
    let mut parts: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for day in days {
        match parts.last_mut() {
            Some((_, last)) if follows(*last, *day) => *last = *day,
            _ => parts.push((*day, *day)),
        }
    }
    let written = |(first, last): &(NaiveDate, NaiveDate)| {
        let (first, last) = (first.format("%Y/%m/%d"), last.format("%Y/%m/%d"));
        if first.to_string() == last.to_string() { first.to_string() } else { format!("{first}..{last}") }
    };
    parts.iter().map(written).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_and_the_next_unit_in_time() {
        for (bytes, want) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
            (19_390_000_000_000, "17.6 TiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(human(bytes), want);
        }
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (ms, want) in [(3240, "3.2 s"), (59_900, "59.9 s"), (245_000, "4 min 05 s"), (7_620_000, "2 h 07 min")] {
            assert_eq!(duration(Duration::from_millis(ms)), want);
        }
    }

    #[test]
    fn times_are_tokyos_in_text_and_utc_in_json() {
        assert_eq!(tokyo(1_622_471_696), "2021-05-31 23:34:56");
        assert_eq!(tokyo(1_622_473_200), "2021-06-01 00:00:00");
        assert_eq!(rfc3339(1_622_473_200), "2021-05-31T15:00:00Z");
        assert_eq!(tokyo(i64::MAX), "-");
    }

    #[test]
    fn neighbours_become_ranges() {
        let day = |d| NaiveDate::from_ymd_opt(2021, 5, d).expect("a day");
        let next = |a: NaiveDate, b: NaiveDate| a.succ_opt() == Some(b);
        let list = compressed(&[day(3), day(4), day(5), day(10), day(12), day(13)], next);
        assert_eq!(list, "2021/05/03..2021/05/05 2021/05/10 2021/05/12..2021/05/13");
        assert_eq!(compressed(&[], next), "");
    }
}
