//! Settings of a deep verification.

use crate::{MAX_IN_FLIGHT_LIMIT, SettingsError};

/// Objects read at once, unless set otherwise.
pub const DEFAULT_DEEP_IN_FLIGHT: usize = 4;

/// Settings of a deep verification. Built by [`DeepSettings::builder`].
#[derive(Clone, Debug)]
pub struct DeepSettings {
    pub(crate) max_in_flight: usize,
    pub(crate) bytes_per_second: Option<u64>,
}

impl Default for DeepSettings {
    fn default() -> Self {
        Self { max_in_flight: DEFAULT_DEEP_IN_FLIGHT, bytes_per_second: None }
    }
}

impl DeepSettings {
    /// A builder with the defaults.
    pub fn builder() -> DeepSettingsBuilder {
        DeepSettingsBuilder { settings: Self::default() }
    }
}

/// Builds [`DeepSettings`]; a value out of range is refused by [`build`](Self::build), not adjusted.
#[derive(Clone, Debug)]
pub struct DeepSettingsBuilder {
    settings: DeepSettings,
}

impl DeepSettingsBuilder {
    /// Objects read at once, 1 to [`MAX_IN_FLIGHT_LIMIT`]. Each takes one connection, and one core while it comes fast: to
    /// hash and unpack 240 MB of gzip files a second took one core of an AMD EPYC (of other files 690 MB, by MD5).
    pub fn max_in_flight(mut self, objects: usize) -> Self {
        self.settings.max_in_flight = objects;
        self
    }

    /// A ceiling for the bytes read in a second, all objects together; none by default.
    pub fn bytes_per_second(mut self, bytes: u64) -> Self {
        self.settings.bytes_per_second = Some(bytes);
        self
    }

    /// The settings, or which of them is out of range.
    pub fn build(self) -> Result<DeepSettings, SettingsError> {
        let settings = &self.settings;
        if !(1..=MAX_IN_FLIGHT_LIMIT).contains(&settings.max_in_flight) {
            return Err(SettingsError {
                setting: "max_in_flight",
                value: settings.max_in_flight.to_string(),
                allowed: "1 to 1024 objects",
            });
        }
        if let Some(rate) = settings.bytes_per_second.filter(|rate| *rate < 1000) {
            return Err(SettingsError {
                setting: "bytes_per_second",
                value: rate.to_string(),
                allowed: "1000 bytes per second or more",
            });
        }
        Ok(self.settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_range_is_refused_by_name() {
        for (builder, setting) in [
            (DeepSettings::builder().max_in_flight(0), "max_in_flight"),
            (DeepSettings::builder().max_in_flight(1025), "max_in_flight"),
            (DeepSettings::builder().bytes_per_second(999), "bytes_per_second"),
        ] {
            assert_eq!(builder.build().map(|_| ()).map_err(|e| e.setting), Err(setting));
        }
        assert!(DeepSettings::builder().max_in_flight(1024).bytes_per_second(1000).build().is_ok());
    }
}
