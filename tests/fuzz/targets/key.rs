//! Any text is a key, and what is read from it agrees with itself.
#![no_main]

use flex_keys::{Dataset, ObjectKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check(text);
    if let Some(long) = flex_fuzz::long_form(text, "/") {
        check(&long);
    }
});

fn check(text: &str) {
    let key = ObjectKey::parse(text);
    assert_eq!(key.as_str(), text);
    assert!(text.ends_with(key.file_name()));
    assert_eq!(key.spec().is_some(), text.starts_with("ConnectionSpec/"));
    assert!(key.date().is_none() || matches!(key.dataset(), Some(Dataset::Production | Dataset::Sample)));
    assert!(key.dataset().is_some() || key.is_unknown());
    if text.ends_with('/') {
        assert!(key.is_folder(), "{text:?}");
    }
    // A day's folder in the canonical spelling names the same day.
    if let (Some(date), Some(dataset)) = (key.date(), key.dataset()) {
        let root = if dataset == Dataset::Sample { "testdata/" } else { "" };
        let folder = format!("{root}{}", date.format("%Y/%m/%d/"));
        let again = ObjectKey::parse(&folder);
        assert_eq!((again.date(), again.dataset()), (Some(date), Some(dataset)), "{folder} of {text:?}");
    }
    if let Some(file) = key.file() {
        let name =
            format!("{}_{}_{}.{}", file.date().format("%Y%m%d"), file.number(), file.sequence(), file.extension());
        assert_eq!(name, key.file_name(), "a file's parts make its name");
        assert_eq!(key.has_foreign_date(), key.date().is_some_and(|date| date != file.date()));
    }
    if let Some(spec) = key.spec() {
        assert!(text.ends_with(spec.rest()));
        if let Some(version) = spec.version() {
            assert!(text.contains(version.spelling()), "{text:?}");
        }
    }
}
