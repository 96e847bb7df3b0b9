//! What a load model serves: how many objects of what shape, and how the service behaves.

use chrono::NaiveDate;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The part of the key space that one limit of the request rate holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// All keys of the bucket.
    Bucket,
    /// Those of a year's folder.
    Year,
    /// Those of a month's folder.
    Month,
    /// Those of a day's folder.
    Day,
}

impl Partition {
    /// So many leading components of a key.
    pub(super) fn depth(self) -> usize {
        self as usize
    }
}

/// A scene. Times and rates are those of the service; [`time_scale`](Self::time_scale) says how much faster they pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// What it is called.
    pub name: String,
    /// The first session of the exchange that has files.
    pub first_day: NaiveDate,
    /// So many sessions in a row.
    pub days: u32,
    /// Files of each.
    pub per_day: u32,
    /// Mean size in bytes; all together hold this times their number, nearly.
    pub mean_size: u64,
    /// Sigma of the sizes' lognormal distribution; 0 makes all alike.
    pub size_sigma: f64,
    /// Sources above this size were uploaded in parts of it.
    pub part_size: Option<u64>,
    /// Whether sources have a full-object checksum.
    pub checksums: bool,
    /// Median latency of a request in seconds; 0 answers at once.
    pub latency: f64,
    /// Sigma of its lognormal distribution.
    pub latency_sigma: f64,
    /// Bytes that one request copies in a second.
    pub bandwidth: Option<f64>,
    /// Writes a second that a partition takes.
    pub write_limit: Option<f64>,
    /// Reads a second that a partition takes, listings included.
    pub read_limit: Option<f64>,
    /// What the limits hold for.
    pub partition: Partition,
    /// Times pass so many times faster, and rates are so many times higher.
    pub time_scale: f64,
    /// The destination holds everything from the start.
    pub filled: bool,
    /// Decides sizes, ETags and latencies.
    pub seed: u64,
}

impl Scene {
    /// The scenes that have a name.
    pub const NAMES: [&str; 9] =
        ["small", "latency", "year", "limited", "million", "tenmillion", "day", "nothing-10k", "nothing-1m"];

    /// Small objects of one part, answered at once and without limits: what the others begin with.
    fn plain(name: &str, first_year: i32, days: u32, per_day: u32) -> Self {
        Self {
            name: name.into(),
            // The first session of these years.
            first_day: NaiveDate::from_ymd_opt(first_year, 1, 4).unwrap_or_default(),
            days,
            per_day,
            mean_size: 64 * KIB,
            size_sigma: 0.0,
            part_size: None,
            checksums: false,
            latency: 0.0,
            latency_sigma: 0.0,
            bandwidth: None,
            write_limit: None,
            read_limit: None,
            partition: Partition::Bucket,
            time_scale: 1.0,
            filled: false,
            seed: 1,
        }
    }

    fn latency(self, seconds: f64) -> Self {
        Self { latency: seconds, latency_sigma: 0.3, ..self }
    }

    /// The scene of that name.
    pub fn named(name: &str) -> Option<Self> {
        // 2023 as the vendor's manual has it: 4.59 TB in 245 sessions of 40 files.
        let like_2023 = |days, time_scale| Self {
            mean_size: 4_590_000_000_000 / (245 * 40),
            size_sigma: 1.2,
            part_size: Some(64 * MIB),
            bandwidth: Some(85.0 * MIB as f64),
            time_scale,
            ..Self::plain(name, 2023, days, 40).latency(0.03)
        };
        Some(match name {
            "small" => Self::plain(name, 2022, 500, 40),
            "latency" => Self {
                mean_size: 64 * MIB,
                size_sigma: 0.5,
                part_size: Some(8 * MIB),
                bandwidth: Some(100.0 * MIB as f64),
                ..Self::plain(name, 2023, 125, 40).latency(0.03)
            },
            "year" => like_2023(245, 5.0),
            "limited" => Self { write_limit: Some(300.0), ..Self::plain(name, 2023, 150, 40).latency(0.03) },
            "million" => Self::plain(name, 2010, 2_500, 400),
            "tenmillion" => Self::plain(name, 2010, 2_500, 4_000),
            "day" => like_2023(1, 1.0),
            "nothing-10k" => Self { filled: true, ..Self::plain(name, 2023, 250, 40).latency(0.03) },
            "nothing-1m" => Self { filled: true, ..Self::plain(name, 2010, 2_500, 400).latency(0.03) },
            _ => return None,
        })
    }

    /// How many objects the source has.
    pub fn objects(&self) -> u64 {
        u64::from(self.days) * u64::from(self.per_day)
    }

    /// The mean of the latencies, in seconds as they pass here.
    pub(super) fn mean_latency(&self) -> f64 {
        self.latency * (self.latency_sigma * self.latency_sigma / 2.0).exp() / self.time_scale
    }

    /// Seconds, as they pass here, that one request needs to copy so many bytes.
    pub(super) fn moving(&self, bytes: u64) -> f64 {
        self.bandwidth.map_or(0.0, |bandwidth| bytes as f64 / bandwidth / self.time_scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_scene() {
        for name in Scene::NAMES {
            assert_eq!(Scene::named(name).map(|scene| scene.name).as_deref(), Some(name));
        }
        assert_eq!(Scene::named("large"), None);
        assert_eq!(Scene::named("year").map(|scene| scene.objects()), Some(9_800));
        assert_eq!(Scene::named("tenmillion").map(|scene| scene.objects()), Some(10_000_000));
    }
}
