//! The source's objects, by formula: nothing is stored for an object.

use chrono::{Days, NaiveDate};
use flex_keys::TradingCalendar;

use super::hash::{hash, normal};
use super::layout::{Layout, etag};
use super::scene::Scene;
use super::text::push_number;

const SUFFIX: &str = ".pcap.gz";

/// What one session's objects share.
struct Day {
    date: NaiveDate,
    /// Up to the file's number: `2023/01/04/20230104_1_`.
    start: String,
    /// As a listing writes it.
    modified: String,
    /// As a header writes it.
    modified_header: String,
}

/// The objects, numbered in the order of their keys.
pub(super) struct Source {
    days: Vec<Day>,
    per_day: u64,
    /// Digits of a file's number.
    width: usize,
    seed: u64,
    mean: f64,
    sigma: f64,
    part_size: Option<u64>,
}

impl Source {
    pub(super) fn new(scene: &Scene) -> Self {
        let calendar = TradingCalendar::tse();
        let mut days = Vec::with_capacity(scene.days as usize);
        let mut next = Some(scene.first_day);
        while let (true, Some(date)) = (days.len() < scene.days as usize, next) {
            if calendar.is_session(date) {
                days.push(Day {
                    date,
                    start: date.format("%Y/%m/%d/%Y%m%d_1_").to_string(),
                    modified: date.format("%Y-%m-%dT11:00:00.000Z").to_string(),
                    modified_header: date.format("%a, %d %b %Y 11:00:00 GMT").to_string(),
                });
            }
            next = date.checked_add_days(Days::new(1));
        }
        let mut source = Self {
            days,
            per_day: scene.per_day.into(),
            width: scene.per_day.to_string().len().max(3),
            seed: scene.seed,
            mean: scene.mean_size as f64,
            sigma: scene.size_sigma,
            part_size: scene.part_size,
        };
        if source.sigma > 0.0 && source.len() > 0 {
            // Few draws of a skewed distribution have a mean of their own.
            let total: f64 = (0..source.len()).map(|index| source.size(index) as f64).sum();
            source.mean *= source.mean * source.len() as f64 / total;
        }
        source
    }

    pub(super) fn len(&self) -> u64 {
        self.days.len() as u64 * self.per_day
    }

    /// The first and last session.
    pub(super) fn dates(&self) -> Option<(NaiveDate, NaiveDate)> {
        Some((self.days.first()?.date, self.days.last()?.date))
    }

    fn day(&self, index: u64) -> &Day {
        &self.days[(index / self.per_day) as usize]
    }

    pub(super) fn push_key(&self, index: u64, out: &mut String) {
        out.push_str(&self.day(index).start);
        push_number(out, index % self.per_day + 1, self.width);
        out.push_str(SUFFIX);
    }

    pub(super) fn key(&self, index: u64) -> String {
        let mut out = String::new();
        self.push_key(index, &mut out);
        out
    }

    /// The number of an object.
    pub(super) fn find(&self, key: &str) -> Option<u64> {
        let stem = key.strip_suffix(SUFFIX)?;
        let (start, number) = stem.split_at_checked(stem.len().checked_sub(self.width)?)?;
        if !number.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let day = self.days.binary_search_by(|day| day.start.as_str().cmp(start)).ok()?;
        let nth = number.parse::<u64>().ok()?.checked_sub(1).filter(|nth| *nth < self.per_day)?;
        Some(day as u64 * self.per_day + nth)
    }

    /// How many keys are before this text.
    pub(super) fn before(&self, text: &[u8]) -> u64 {
        let (mut low, mut high) = (0, self.len());
        let mut key = String::new();
        while low < high {
            let middle = low.midpoint(high);
            key.clear();
            self.push_key(middle, &mut key);
            if key.as_bytes() < text {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    pub(super) fn size(&self, index: u64) -> u64 {
        if self.sigma == 0.0 {
            return self.mean as u64;
        }
        let exponent = self.sigma * normal(hash(&[self.seed, index, 1])) - self.sigma * self.sigma / 2.0;
        (self.mean * exponent.exp()).max(1.0) as u64
    }

    /// How the source was uploaded.
    pub(super) fn layout(&self, size: u64) -> Layout {
        match self.part_size {
            Some(part) if size > part => Layout::Uniform(part),
            _ => Layout::Single,
        }
    }

    pub(super) fn push_etag(&self, index: u64, size: u64, out: &mut String) {
        etag(self.seed, index, size, self.layout(size)).push(out);
    }

    /// The full-object checksum, in base64.
    pub(super) fn checksum(&self, index: u64) -> String {
        aws_smithy_types::base64::encode(hash(&[self.seed, index, 2]).to_be_bytes())
    }

    pub(super) fn modified(&self, index: u64) -> &str {
        &self.day(index).modified
    }

    pub(super) fn modified_header(&self, index: u64) -> &str {
        &self.day(index).modified_header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> Source {
        Source::new(&Scene::named(name).expect("a scene"))
    }

    #[test]
    fn keys_are_in_order_and_are_found_again() {
        let source = source("nothing-10k");
        let keys: Vec<_> = (0..source.len()).map(|index| source.key(index)).collect();
        assert_eq!(keys[0], "2023/01/04/20230104_1_001.pcap.gz");
        assert!(keys.is_sorted());
        for (index, key) in (0..).zip(&keys) {
            assert_eq!(source.find(key), Some(index));
            assert_eq!(source.before(key.as_bytes()), index);
        }
        for stranger in ["", "2023/01/04/20230104_1_000.pcap.gz", "2023/01/04/20230104_1_041.pcap.gz", "001.pcap.gz"] {
            assert_eq!(source.find(stranger), None, "{stranger}");
        }
        assert_eq!(source.before(b"2023/01/05/"), 40);
        assert_eq!(source.before(b"3"), source.len());
        assert_eq!(source.before(b""), 0);
    }

    #[test]
    fn a_year_has_its_bytes_and_some_objects_above_5_gib() {
        let source = source("year");
        let sizes: Vec<_> = (0..source.len()).map(|index| source.size(index)).collect();
        let total = sizes.iter().sum::<u64>();
        assert!((4_589_000_000_000..4_591_000_000_000).contains(&total), "{total}");
        let large = sizes.iter().filter(|size| **size > 5 << 30).count();
        assert!((10..200).contains(&large), "{large}");
        let last = source.dates().map(|(_, last)| last.to_string());
        assert!(last.is_some_and(|last| last.starts_with("2023-12")));
    }
}
