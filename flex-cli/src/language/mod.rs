//! What is said in the reader's language: remedies, and what `doctor`, `setup` and `policy check` tell. The texts are
//! Fluent messages in `locales/`; an error's own words stay English, and so does all JSON.

mod catalogue;

use std::fmt;

use clap::ValueEnum;

/// A language that flex speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// English
    #[default]
    #[value(name = "en")]
    English,
    /// Japanese
    #[value(name = "ja")]
    Japanese,
}

impl Language {
    /// The language asked for, else `FLEX_LANG`'s, else that of the locale.
    pub(crate) fn choose(asked: Option<Self>) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        asked
            // What is neither language is refused where the settings are read.
            .or_else(|| Self::of_code(&variable("FLEX_LANG")?))
            .unwrap_or_else(|| Self::of_locale(&locale(variable).unwrap_or_default()))
    }

    /// `en` or `ja`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    pub(crate) fn of_code(code: &str) -> Option<Self> {
        [Self::English, Self::Japanese].into_iter().find(|language| code.eq_ignore_ascii_case(language.code()))
    }

    fn of_locale(locale: &str) -> Self {
        match locale.split(['-', '_', '.', '@']).next() {
            Some(language) if language.eq_ignore_ascii_case("ja") => Self::Japanese,
            _ => Self::English,
        }
    }
}

/// The locale of messages by POSIX's order of variables, and with GNU's `LANGUAGE`, which counts only beside a locale
/// other than C. Windows and macOS know one without variables, too.
fn locale(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let Some(locale) = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(&variable) else {
        return if cfg!(any(windows, target_os = "macos")) { sys_locale::get_locale() } else { None };
    };
    if matches!(locale.split('.').next(), Some("C" | "POSIX")) {
        return Some(locale);
    }
    let first = variable("LANGUAGE").and_then(|list| list.split(':').find(|l| !l.is_empty()).map(str::to_owned));
    first.or(Some(locale))
}

/// A message of the catalogue, with what stands in its places. It becomes text when the reader's language is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    id: &'static str,
    arguments: Vec<(&'static str, String)>,
}

impl Message {
    /// The message of this id. [`msg!`] is the usual way, since a test looks up every id that it is given.
    pub(crate) fn new(id: &'static str) -> Self {
        Self { id, arguments: Vec::new() }
    }

    /// Fills a place.
    pub(crate) fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.arguments.push((name, value.to_string()));
        self
    }

    /// In this language.
    pub(crate) fn text(&self, language: Language) -> String {
        catalogue::text(language, self.id, &self.arguments)
    }
}

/// A [`Message`] by its id: `msg!("profile-unknown", known = names)`.
macro_rules! msg {
    ($id:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::language::Message::new($id)$(.with(stringify!($name), &$value))*
    };
}
pub(crate) use msg;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_tells_the_language() {
        for (locale, want) in [
            ("ja-JP", Language::Japanese),
            ("ja_JP.UTF-8", Language::Japanese),
            ("ja", Language::Japanese),
            ("en-US", Language::English),
            ("jam-JM", Language::English),
            ("C", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of_locale(locale), want, "{locale}");
        }
        assert_eq!(Language::choose(Some(Language::Japanese)), Language::Japanese);
    }

    #[cfg(not(any(windows, target_os = "macos")))]
    #[test]
    fn the_variables_of_the_locale_have_their_order() {
        for (variables, want) in [
            (&[("LANG", "ja_JP.UTF-8")][..], Some("ja_JP.UTF-8")),
            (&[("LC_ALL", "C"), ("LANG", "ja_JP.UTF-8")], Some("C")),
            (&[("LC_ALL", "C.UTF-8"), ("LANG", "ja_JP.UTF-8"), ("LANGUAGE", "ja")], Some("C.UTF-8")),
            (&[("LC_MESSAGES", "en_US"), ("LANG", "ja_JP")], Some("en_US")),
            (&[("LANG", "en_US"), ("LANGUAGE", ":ja:en")], Some("ja")),
            (&[("LANGUAGE", "ja")], None),
            (&[], None),
        ] {
            let found = locale(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()));
            assert_eq!(found.as_deref(), want, "{variables:?}");
        }
    }
}
