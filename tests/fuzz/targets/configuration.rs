//! `flex.toml`: what is taken says the same when it is written anew; what is not is told with its place.
//!
//! flex-cli is a program and no library, so that its reader is included here as source, with as little around it as it
//! needs: the settings' table and the options it is made from.
#![no_main]
#![allow(dead_code, unreachable_pub, reason = "the modules serve the program")]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

#[path = "../../../flex-cli/src/config/file.rs"]
mod file;
#[path = "../../../flex-cli/src/config/keys.rs"]
mod keys;
#[path = "../../../flex-cli/src/args/options.rs"]
mod options;

const SOURCE_BUCKET: &str = "dataservice-flex-bucket";
const REGION: &str = "ap-northeast-1";

mod args {
    pub(crate) use crate::options::Global;
}

mod language {
    /// As the program's, without its messages.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
    pub(crate) enum Language {
        En,
        Ja,
    }

    impl Language {
        pub(crate) fn code(self) -> &'static str {
            match self {
                Self::En => "en",
                Self::Ja => "ja",
            }
        }
    }
}

fuzz_target!(|text: &str| {
    check(text);
    for separator in ["", "\n", "["] {
        if let Some(long) = flex_fuzz::long_form(text, separator) {
            check(&long);
        }
    }
});

fn check(text: &str) {
    let path = Path::new("/x/flex.toml");
    let entries = match file::entries(path, text) {
        Ok(entries) => entries,
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains("/x/flex.toml"), "{message}");
            return flex_fuzz::check_message(&message, text.len());
        }
    };
    let lines = text.lines().count();
    assert!(entries.values().all(|(_, line)| (1..=lines).contains(line)));
    // What begins like a number is refused where the setting's own limits are, and not yet here.
    let is_number = |number: &str| number.parse::<f64>().is_ok();
    if entries.values().any(|(value, _)| matches!(value, keys::Value::Number(number) if !is_number(number))) {
        return;
    }
    let written: String = entries.iter().map(|(name, (value, _))| format!("{name} = {}\n", value.toml())).collect();
    let again = file::entries(path, &written).unwrap_or_else(|e| panic!("{e}: {written}"));
    // A number may be written in another way, but then stays as it is.
    let values = |entries: &file::Entries| -> Vec<_> {
        entries.iter().map(|(name, (value, _))| (*name, value.toml())).collect()
    };
    assert_eq!(values(&again), values(&entries));
}
