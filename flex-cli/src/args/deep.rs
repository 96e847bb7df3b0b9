//! `flex verify --deep`.

use std::path::PathBuf;

use clap::Args;
use flex_copy::{MAX_IN_FLIGHT_LIMIT, deep::DEFAULT_DEEP_IN_FLIGHT};

const DEEP: &str = "Reading the copies";

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct DeepArgs {
    /// Read every copy and compare its content with what the source says of it (owner identity). Costs the transfer of
    /// every byte out of S3, and a GET an object
    ///
    /// The copy role may not read your bucket, so this reads as your own identity (--owner-profile, or the base identity),
    /// which needs s3:GetObject on the objects, and kms:Decrypt where the bucket encrypts with KMS. Everything in the
    /// selection is transferred out of S3 and billed as such, unless flex runs on EC2 in the bucket's region; storage
    /// classes for rare access bill the retrieval as well.
    ///
    /// Compared are the MD5 with the source's ETag (of a multipart object by its parts), a CRC64NVME, CRC32C or CRC32 with
    /// the source's where it has one, the trailer of a .gz with what comes out of it, the first bytes of a .pcap, and the
    /// date in the name with the folder's. What the source says nothing of, as under SSE-KMS, is "not comparable": read,
    /// but not verified (exit 4 with --strict).
    #[arg(long, conflicts_with = "against", help_heading = DEEP)]
    pub(crate) deep: bool,
    /// With --deep: keep in this file what was found good, and do not read it again while both ETags stay. A run that was
    /// killed goes on where it was
    #[arg(long, value_name = "FILE", requires = "deep", help_heading = DEEP)]
    pub(crate) deep_record: Option<PathBuf>,
    /// With --deep: read no more than this in a second, all together, e.g. 200MB, 1.5MiB [default: no limit]
    #[arg(long, value_name = "BYTES", value_parser = parse_rate, requires = "deep", help_heading = DEEP)]
    pub(crate) max_rate: Option<u64>,
    /// With --deep: objects read at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = DEFAULT_DEEP_IN_FLIGHT,
        value_parser = parse_objects,
        requires = "deep",
        help_heading = DEEP
    )]
    pub(crate) deep_in_flight: usize,
}

fn parse_objects(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_IN_FLIGHT_LIMIT).contains(number));
    number.ok_or_else(|| format!("expected 1 to {MAX_IN_FLIGHT_LIMIT} objects"))
}

/// `200MB`, `1.5 GiB`, with or without `/s`.
fn parse_rate(text: &str) -> Result<u64, String> {
    let expected = || "expected a number and kB, MB, GB, KiB, MiB or GiB, for example 200MB".to_owned();
    let text = text.trim();
    let text = text.strip_suffix("/s").unwrap_or(text);
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(expected)?;
    let (number, unit) = text.split_at(unit_at);
    let unit: u64 = match unit.to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(expected()),
    };
    let number = number.trim();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(expected());
    }
    let rate = number.parse::<f64>().map_err(|_| expected())? * unit as f64;
    // Below, one piece of a body would be waited for longer than a connection lives.
    if !(1_000.0..=1e15).contains(&rate) {
        return Err("expected 1kB a second or more".to_owned());
    }
    Ok(rate as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_a_unit() {
        for (text, want) in [
            ("200MB", Some(200_000_000)),
            ("200MB/s", Some(200_000_000)),
            ("1.5 MiB", Some(1_572_864)),
            ("1kB", Some(1000)),
            ("1000B", Some(1000)),
            ("2gib", Some(2 << 30)),
            ("999B", None),
            ("200", None),
            ("MB", None),
            ("-1MB", None),
            ("1e3MB", None),
            ("1.2.3MB", None),
            ("1TB", None),
            ("infMB", None),
            ("99999999999999GB", None),
            ("", None),
        ] {
            assert_eq!(parse_rate(text).ok(), want, "{text}");
        }
    }

    #[test]
    fn at_least_one_object_is_read_at_once() {
        for (text, want) in [("1", Some(1)), ("1024", Some(1024)), ("0", None), ("1025", None), ("x", None)] {
            assert_eq!(parse_objects(text).ok(), want, "{text}");
        }
    }
}
