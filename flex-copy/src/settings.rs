//! Settings of a copier, with their defaults and limits.

use std::{fmt, sync::Arc, time::Duration};

use thiserror::Error;

/// Requests in flight at once, at most. A run begins with fewer, and takes more while the service answers.
pub const DEFAULT_MAX_IN_FLIGHT: usize = 1024;
/// The highest number of requests in flight that is accepted.
pub const MAX_IN_FLIGHT_LIMIT: usize = 1024;
/// Attempts at one request, the first one included, while the service answers others. Waiting out a throttled or
/// unreachable service does not count.
pub const DEFAULT_ATTEMPTS: u32 = 8;
/// How long the service may give no success at all before a run stops.
pub const DEFAULT_OUTAGE_LIMIT: Duration = Duration::from_secs(300);

/// How long a request that moves no bytes may go without an answer. One that moves some gets a second for each 5 MB more.
pub const DEFAULT_ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Objects that are listed and not begun, at most: what bounds the memory of a run. Fewer where they take 16 MiB, which is
/// some 40,000 with keys as the vendor's are.
pub const DEFAULT_LISTING_AHEAD: usize = 100_000;

/// How a copy is to be proven where the choice costs requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProofWanted {
    /// Keep the source's part layout where only that makes the ETags equal.
    #[default]
    ETag,
    /// One request an object up to 5 GiB; a multipart source is then proven by size only.
    Size,
}

/// What becomes of an object that the destination has with other content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnChange {
    /// It is replaced by the source's.
    #[default]
    Copy,
    /// It is left as it is, and reported.
    Keep,
    /// It is left as it is, and counts as a failure.
    Fail,
}

/// Server-side encryption asked for at the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// SSE-S3.
    S3,
    /// SSE-KMS with this key. The copy role needs rights to it, and ETags then prove nothing.
    Kms(String),
}

/// A predicate on file names (what follows the last `/` of a key).
pub type NameFilter = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Settings of a copier. Built by [`CopySettings::builder`].
#[derive(Clone)]
pub struct CopySettings {
    pub(crate) max_in_flight: usize,
    pub(crate) max_rps: Option<f64>,
    pub(crate) attempts: u32,
    pub(crate) outage_limit: Duration,
    pub(crate) answer_limit: Duration,
    pub(crate) listing_ahead: usize,
    pub(crate) proof: ProofWanted,
    pub(crate) storage_class: Option<String>,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) on_change: OnChange,
    pub(crate) compat: bool,
    pub(crate) copy_markers: bool,
    pub(crate) recopy_size_only: bool,
    pub(crate) filter: Option<NameFilter>,
}

impl CopySettings {
    /// A builder with the defaults.
    pub fn builder() -> CopySettingsBuilder {
        CopySettingsBuilder { settings: Self::default() }
    }

    /// Requests in flight at once, at most.
    pub fn max_in_flight(&self) -> usize {
        self.max_in_flight
    }

    /// Whether the filter lets a key pass, by its file's name.
    pub fn passes(&self, key: &str) -> bool {
        let name = key.rsplit('/').next().unwrap_or(key);
        self.filter.as_ref().is_none_or(|filter| filter(name))
    }
}

impl Default for CopySettings {
    fn default() -> Self {
        Self {
            max_in_flight: DEFAULT_MAX_IN_FLIGHT,
            max_rps: None,
            attempts: DEFAULT_ATTEMPTS,
            outage_limit: DEFAULT_OUTAGE_LIMIT,
            answer_limit: DEFAULT_ANSWER_LIMIT,
            listing_ahead: DEFAULT_LISTING_AHEAD,
            proof: ProofWanted::ETag,
            storage_class: None,
            encryption: None,
            on_change: OnChange::Copy,
            compat: false,
            copy_markers: false,
            recopy_size_only: false,
            filter: None,
        }
    }
}

impl fmt::Debug for CopySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopySettings")
            .field("max_in_flight", &self.max_in_flight)
            .field("max_rps", &self.max_rps)
            .field("attempts", &self.attempts)
            .field("outage_limit", &self.outage_limit)
            .field("answer_limit", &self.answer_limit)
            .field("listing_ahead", &self.listing_ahead)
            .field("proof", &self.proof)
            .field("storage_class", &self.storage_class)
            .field("encryption", &self.encryption)
            .field("on_change", &self.on_change)
            .field("compat", &self.compat)
            .field("copy_markers", &self.copy_markers)
            .field("recopy_size_only", &self.recopy_size_only)
            .field("filter", &self.filter.is_some())
            .finish()
    }
}

/// Builds [`CopySettings`]; a value out of range is refused by [`build`](Self::build), not adjusted.
#[derive(Clone, Debug)]
pub struct CopySettingsBuilder {
    settings: CopySettings,
}

impl CopySettingsBuilder {
    /// Requests in flight at once, at most: 1 to [`MAX_IN_FLIGHT_LIMIT`].
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.settings.max_in_flight = requests;
        self
    }

    /// A ceiling for requests per second; none by default.
    pub fn max_rps(mut self, requests_per_second: f64) -> Self {
        self.settings.max_rps = Some(requests_per_second);
        self
    }

    /// Attempts at one request, the first one included. See [`DEFAULT_ATTEMPTS`].
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.settings.attempts = attempts;
        self
    }

    /// How long the service may give no success at all before the run stops. See [`DEFAULT_OUTAGE_LIMIT`].
    pub fn outage_limit(mut self, limit: Duration) -> Self {
        self.settings.outage_limit = limit;
        self
    }

    /// How long a request that moves no bytes may go without an answer, 1 to 600 s. See [`DEFAULT_ANSWER_LIMIT`].
    pub fn answer_limit(mut self, limit: Duration) -> Self {
        self.settings.answer_limit = limit;
        self
    }

    /// How many objects the listing may be ahead of the copying, 1 to 1,000,000. See [`DEFAULT_LISTING_AHEAD`].
    pub fn listing_ahead(mut self, objects: usize) -> Self {
        self.settings.listing_ahead = objects;
        self
    }

    /// How a copy is to be proven where the choice costs requests.
    pub fn proof(mut self, proof: ProofWanted) -> Self {
        self.settings.proof = proof;
        self
    }

    /// Storage class of the copies, in S3's spelling. STANDARD when not set.
    pub fn storage_class(mut self, class: impl Into<String>) -> Self {
        self.settings.storage_class = Some(class.into());
        self
    }

    /// Encryption of the copies. The bucket's default when not set.
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.settings.encryption = Some(encryption);
        self
    }

    /// What becomes of an object that the destination has with other content.
    pub fn on_change(mut self, on_change: OnChange) -> Self {
        self.settings.on_change = on_change;
        self
    }

    /// For stores that are not AWS's: leave out what only AWS knows (the annotation directive, checksum requests, the object
    /// size at completion), and take an ETag that differs for "size only" and not for a fault.
    pub fn compat(mut self, compat: bool) -> Self {
        self.settings.compat = compat;
        self
    }

    /// Copy marker objects (zero bytes, named like a folder) too.
    pub fn copy_markers(mut self, copy: bool) -> Self {
        self.settings.copy_markers = copy;
        self
    }

    /// Copy again what is at the destination with the same size but cannot be proven from the listings.
    pub fn recopy_size_only(mut self, recopy: bool) -> Self {
        self.settings.recopy_size_only = recopy;
        self
    }

    /// Only files whose name passes; the others are neither listed as planned nor counted.
    pub fn filter(mut self, filter: NameFilter) -> Self {
        self.settings.filter = Some(filter);
        self
    }

    /// The settings, or which of them is out of range.
    pub fn build(self) -> Result<CopySettings, SettingsError> {
        let s = &self.settings;
        if !(1..=MAX_IN_FLIGHT_LIMIT).contains(&s.max_in_flight) {
            return Err(SettingsError {
                setting: "max_in_flight",
                value: s.max_in_flight.to_string(),
                allowed: "1 to 1024 requests",
            });
        }
        if let Some(rps) = s.max_rps
            && !(rps.is_finite() && (0.1..=100_000.0).contains(&rps))
        {
            return Err(SettingsError {
                setting: "max_rps",
                value: rps.to_string(),
                allowed: "0.1 to 100000 requests per second",
            });
        }
        if !(1..=100).contains(&s.attempts) {
            return Err(SettingsError {
                setting: "attempts",
                value: s.attempts.to_string(),
                allowed: "1 to 100 attempts",
            });
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(600)).contains(&s.answer_limit) {
            return Err(SettingsError {
                setting: "answer_limit",
                value: format!("{} s", s.answer_limit.as_secs_f64()),
                allowed: "1 to 600 seconds",
            });
        }
        if !(1..=1_000_000).contains(&s.listing_ahead) {
            return Err(SettingsError {
                setting: "listing_ahead",
                value: s.listing_ahead.to_string(),
                allowed: "1 to 1000000 objects",
            });
        }
        Ok(self.settings)
    }
}

/// A setting out of range.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{setting} = {value} is not possible: {allowed}")]
pub struct SettingsError {
    /// The name of the setting.
    pub setting: &'static str,
    /// The value given.
    pub value: String,
    /// What is allowed, with its unit.
    pub allowed: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_range_is_refused_by_name() {
        for (builder, setting) in [
            (CopySettings::builder().max_in_flight(0), "max_in_flight"),
            (CopySettings::builder().max_in_flight(1025), "max_in_flight"),
            (CopySettings::builder().max_rps(f64::NAN), "max_rps"),
            (CopySettings::builder().max_rps(0.0), "max_rps"),
            (CopySettings::builder().attempts(0), "attempts"),
            (CopySettings::builder().answer_limit(Duration::ZERO), "answer_limit"),
            (CopySettings::builder().answer_limit(Duration::from_secs(601)), "answer_limit"),
            (CopySettings::builder().listing_ahead(0), "listing_ahead"),
            (CopySettings::builder().listing_ahead(1_000_001), "listing_ahead"),
        ] {
            assert_eq!(builder.build().map(|_| ()).map_err(|e| e.setting), Err(setting));
        }
        assert!(CopySettings::builder().max_in_flight(1024).max_rps(0.1).attempts(1).build().is_ok());
    }
}
