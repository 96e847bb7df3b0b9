//! Names that go into requests and policies: what is accepted prints as it was read, what is not is told where.
#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use flex_fuzz::check_message;
use flex_keys::{DatePrefix, SpecVersion, VersionNumber, split_s3_url};
use flex_policy::{AccountId, BucketName, Partition, RoleArn};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    verbatim::<AccountId>(text);
    verbatim::<BucketName>(text);
    verbatim::<RoleArn>(text);
    again::<DatePrefix>(text);
    again::<VersionNumber>(text);
    if let Err(error) = text.parse::<BucketName>() {
        assert!(text.get(error.place()).is_some(), "{:?} of {text:?}", error.place());
        let example = error.example();
        assert!(example.is_empty() || example.parse::<BucketName>().is_ok(), "{example:?} for {text:?}");
    }
    if let Err(error) = text.parse::<DatePrefix>() {
        assert!(text.get(error.place()).is_some(), "{:?} of {text:?}", error.place());
    }
    if let Some(version) = SpecVersion::from_folder(text) {
        assert_eq!(version.spelling(), text);
    }
    if let Err(error) = Partition::of_region(text) {
        check_message(&error.to_string(), text.len());
    }
    if let Some((bucket, key)) = split_s3_url(text) {
        assert!(!bucket.contains('/') && text.ends_with(key) && text[..5].eq_ignore_ascii_case("s3://"));
    }
});

fn verbatim<T: FromStr<Err: Display> + Display>(text: &str) {
    match text.parse::<T>() {
        Ok(value) => assert_eq!(value.to_string(), text),
        Err(error) => check_message(&error.to_string(), text.len()),
    }
}

fn again<T: FromStr<Err: Display> + Display>(text: &str) {
    match text.parse::<T>() {
        Ok(value) => {
            let printed = value.to_string();
            let again = printed.parse::<T>().unwrap_or_else(|e| panic!("{printed:?} of {text:?}: {e}"));
            assert_eq!(again.to_string(), printed, "of {text:?}");
        }
        Err(error) => check_message(&error.to_string(), text.len()),
    }
}
