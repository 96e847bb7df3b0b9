//! The catalogues: one folder of Fluent files a language, compiled in.

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use unic_langid::{LanguageIdentifier, langid};

use super::Language;

macro_rules! files {
    ($language:literal) => {
        [
            ("errors.ftl", include_str!(concat!("../../locales/", $language, "/errors.ftl"))),
            ("settings.ftl", include_str!(concat!("../../locales/", $language, "/settings.ftl"))),
            ("setup.ftl", include_str!(concat!("../../locales/", $language, "/setup.ftl"))),
            ("doctor.ftl", include_str!(concat!("../../locales/", $language, "/doctor.ftl"))),
            ("policy.ftl", include_str!(concat!("../../locales/", $language, "/policy.ftl"))),
        ]
    };
}

pub(super) const ENGLISH: [(&str, &str); 5] = files!("en");
pub(super) const JAPANESE: [(&str, &str); 5] = files!("ja");

type Bundle = FluentBundle<FluentResource>;

static ENGLISH_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle(langid!("en"), &ENGLISH));
static JAPANESE_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle(langid!("ja"), &JAPANESE));

fn bundle(language: LanguageIdentifier, files: &[(&str, &str)]) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Isolation marks are for mixed directions; in a terminal they would stand inside commands that are copied.
    bundle.set_use_isolating(false);
    for (name, text) in files {
        // A test parses the files; what is sound in one that is not is still used.
        let resource = FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(resource, errors)| {
            tracing::error!(name, ?errors, "a catalogue is not sound");
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(name, ?errors, "a catalogue has a message twice");
        }
    }
    bundle
}

/// The message in this language, in English where it has none, its id where English has none either.
pub(super) fn text(language: Language, id: &str, arguments: &[(&'static str, String)]) -> String {
    let bundle = match language {
        Language::English => &*ENGLISH_BUNDLE,
        Language::Japanese => &*JAPANESE_BUNDLE,
    };
    let pattern = bundle.get_message(id).and_then(|message| message.value());
    let Some(pattern) = pattern else {
        return if language == Language::English { id.to_owned() } else { text(Language::English, id, arguments) };
    };
    let mut places = FluentArgs::with_capacity(arguments.len());
    for (name, value) in arguments {
        places.set(*name, value.as_str());
    }
    // A place without its value is shown by its name.
    bundle.format_pattern(pattern, Some(&places), &mut Vec::new()).into_owned()
}

#[cfg(test)]
mod tests;
