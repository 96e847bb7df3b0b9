use crate::text::{narrow, same_name};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The feeds that have specifications of their own. FULL lives inside Standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feed {
    /// FLEX Standard, and FLEX Full with it.
    Standard,
    /// Market by order.
    Mbo,
}

impl Feed {
    /// By its folder's name, in any case.
    pub fn from_folder(name: &str) -> Option<Self> {
        [Feed::Standard, Feed::Mbo].into_iter().find(|feed| same_name(name, feed.folder()))
    }

    /// The folder's name as the vendor's manual writes it.
    pub fn folder(self) -> &'static str {
        match self {
            Feed::Standard => "Standard",
            Feed::Mbo => "MBO",
        }
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Feed::Standard => "standard",
            Feed::Mbo => "mbo",
        })
    }
}

/// The languages of a specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// `Japanese`, or `ja`.
    Japanese,
    /// `English`, or `en`.
    English,
}

impl Language {
    /// By its folder's name, in any case.
    pub fn from_folder(name: &str) -> Option<Self> {
        [Language::Japanese, Language::English].into_iter().find(|language| same_name(name, language.folder()))
    }

    /// The folder's name as the vendor's manual writes it.
    pub fn folder(self) -> &'static str {
        match self {
            Language::Japanese => "Japanese",
            Language::English => "English",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Language::Japanese => "ja",
            Language::English => "en",
        })
    }
}

/// The number of a version, compared part by part: 18.10 comes after 18.9.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionNumber(Vec<u32>);

impl FromStr for VersionNumber {
    type Err = NotAVersion;

    /// `17.4`, in full-width digits too.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let text: String = text.chars().map(narrow).collect();
        let parts = text.split('.').map(|part| crate::date::number(part, 1..=9)).collect::<Option<_>>();
        parts.map(VersionNumber).ok_or(NotAVersion)
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            write!(f, "{}{part}", if index == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

/// A text that is not the number of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version; expected numbers with dots between them, for example 17.4")]
pub struct NotAVersion;

/// A version of a specification: its number, and its folder as the vendor spelled it (`version 17.4`, `Version 18.3`).
///
/// Ordered by number, then by spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpecVersion {
    number: VersionNumber,
    spelling: String,
}

impl SpecVersion {
    /// Reads a folder's name: a number after `version`, `ver` or `v` in any case, or alone.
    pub fn from_folder(name: &str) -> Option<Self> {
        let text: String = name.chars().map(narrow).flat_map(char::to_lowercase).collect();
        let word = ["version", "ver.", "ver", "v"].into_iter().find_map(|word| text.strip_prefix(word));
        let number = word.unwrap_or(&text).trim_start_matches([' ', '_', '-']).parse().ok()?;
        Some(SpecVersion { number, spelling: name.to_owned() })
    }

    /// The number.
    pub fn number(&self) -> &VersionNumber {
        &self.number
    }

    /// The folder's name.
    pub fn spelling(&self) -> &str {
        &self.spelling
    }
}

impl Ord for SpecVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number).then_with(|| self.spelling.cmp(&other.spelling))
    }
}

impl PartialOrd for SpecVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SpecVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

/// What the components of a key below `ConnectionSpec/` say. Anything may be missing or unknown; the text stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpecKey<'a> {
    path: &'a str,
}

impl<'a> SpecKey<'a> {
    /// `path` is the key without `ConnectionSpec/`.
    pub(crate) fn new(path: &'a str) -> Self {
        SpecKey { path }
    }

    /// The folder of that number, counted from 0, when a `/` ends it.
    fn folder(self, index: usize) -> Option<&'a str> {
        let mut folders = self.path.split('/');
        let folder = folders.nth(index)?;
        folders.next().map(|_| folder)
    }

    /// The feed, when it is a known one.
    pub fn feed(self) -> Option<Feed> {
        self.folder(0).and_then(Feed::from_folder)
    }

    /// The feed's folder as it is spelled.
    pub fn feed_folder(self) -> Option<&'a str> {
        self.folder(0)
    }

    /// The version, when the second folder is one.
    pub fn version(self) -> Option<SpecVersion> {
        self.folder(1).and_then(SpecVersion::from_folder)
    }

    /// The language, when it is a known one.
    pub fn language(self) -> Option<Language> {
        self.folder(2).and_then(Language::from_folder)
    }

    /// What follows the language's folder; empty when nothing does.
    pub fn rest(self) -> &'a str {
        self.path.splitn(4, '/').nth(3).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_every_spelling_and_ordered_by_number() {
        for (folder, want) in [
            ("version 17.4", Some("17.4")),
            ("Version 18.3", Some("18.3")),
            ("VERSION　１８.３", Some("18.3")),
            ("version17.4", Some("17.4")),
            ("ver.2", Some("2")),
            ("v0.1", Some("0.1")),
            ("17.4.1", Some("17.4.1")),
            ("version", None),
            ("version 17.", None),
            ("version 17.4 (draft)", None),
            ("conversion 17", None),
            ("version 99999999999", None),
            ("version +1", None),
        ] {
            let version = SpecVersion::from_folder(folder);
            assert_eq!(version.as_ref().map(|v| v.number().to_string()).as_deref(), want, "{folder}");
            assert!(version.is_none_or(|v| v.spelling() == folder), "{folder}");
        }
        let read = |folder| SpecVersion::from_folder(folder).expect("a version");
        assert!(read("version 18.10") > read("Version 18.9"));
        assert!(read("version 9") < read("Version 10"));
        assert!(read("version 18") < read("version 18.1"));
        assert_ne!(read("version 18.3"), read("Version 18.3"));
    }

    #[test]
    fn a_key_says_what_it_is_about() {
        let key = SpecKey::new("Standard/version 17.4/Japanese/FLEX 仕様書.pdf");
        assert_eq!(key.feed(), Some(Feed::Standard));
        assert_eq!(key.version().map(|v| v.spelling().to_owned()).as_deref(), Some("version 17.4"));
        assert_eq!(key.language(), Some(Language::Japanese));
        assert_eq!(key.rest(), "FLEX 仕様書.pdf");

        let odd = SpecKey::new("Derivatives/readme.txt");
        assert_eq!((odd.feed(), odd.version(), odd.language(), odd.rest()), (None, None, None, ""));
        assert_eq!(odd.feed_folder(), Some("Derivatives"));
        assert_eq!(SpecKey::new("Standard").feed(), None, "a file of that name is no feed");
    }
}
