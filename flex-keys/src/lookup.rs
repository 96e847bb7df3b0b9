//! Connection specifications as they are asked for, and how listings turn them into folders that exist.

use crate::dataset::Dataset;
use crate::error::{Fault, SelectionError, SelectionErrorKind as Kind};
use crate::spec::{Feed, Language, SpecVersion, VersionNumber};
use crate::text::{quoted, same_name};
use std::fmt;
use std::ops::Range;

/// A part of the connection specifications: all of them, a feed, a version, a language, or a folder deeper down.
///
/// As it comes out of parsing it holds what the user asked for. [`Selection::resolve`](crate::Selection::resolve) finds
/// the folders of that name and number; then [`prefix`](Self::prefix) is where they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpecPrefix {
    /// Folders that are known to be spelled so, below `ConnectionSpec/`.
    found: Vec<String>,
    /// What is still to be found below them.
    wanted: Vec<Wanted>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Wanted {
    Feed(Feed),
    Version(VersionNumber),
    Latest,
    Language(Language),
    Name(String),
}

impl Wanted {
    /// A folder's name at its place in the path, counted from 0.
    fn read(index: usize, name: &str) -> Self {
        let known = match index {
            0 => Feed::from_folder(name).map(Wanted::Feed),
            1 => SpecVersion::from_folder(name).map(|version| Wanted::Version(version.number().clone())),
            2 => Language::from_folder(name).map(Wanted::Language),
            _ => None,
        };
        known.unwrap_or_else(|| Wanted::Name(name.to_owned()))
    }

    fn matches(&self, folder: &str) -> bool {
        match self {
            Wanted::Feed(feed) => Feed::from_folder(folder) == Some(*feed),
            Wanted::Version(number) => SpecVersion::from_folder(folder).is_some_and(|v| v.number() == number),
            Wanted::Latest => SpecVersion::from_folder(folder).is_some(),
            Wanted::Language(language) => Language::from_folder(folder) == Some(*language),
            Wanted::Name(name) => same_name(name, folder),
        }
    }

    fn is_same(&self, other: &Wanted) -> bool {
        match (self, other) {
            (Wanted::Name(ours), Wanted::Name(theirs)) => same_name(ours, theirs),
            _ => self == other,
        }
    }

    fn what(&self) -> &'static str {
        match self {
            Wanted::Feed(_) => "feed",
            Wanted::Version(_) | Wanted::Latest => "version",
            Wanted::Language(_) => "language",
            Wanted::Name(_) => "folder",
        }
    }

    /// As a component of `spec:…`; a name has none.
    fn short(&self) -> Option<String> {
        match self {
            Wanted::Feed(feed) => Some(feed.to_string()),
            Wanted::Version(number) => Some(number.to_string()),
            Wanted::Latest => Some("latest".to_owned()),
            Wanted::Language(language) => Some(language.to_string()),
            Wanted::Name(_) => None,
        }
    }

    fn folder(&self) -> String {
        match self {
            Wanted::Feed(feed) => feed.folder().to_owned(),
            Wanted::Version(number) => format!("version {number}"),
            Wanted::Latest => "latest".to_owned(),
            Wanted::Language(language) => language.folder().to_owned(),
            Wanted::Name(name) => name.clone(),
        }
    }
}

impl SpecPrefix {
    /// The feed, when one is asked for.
    pub fn feed(&self) -> Option<Feed> {
        match self.found.first() {
            Some(folder) => Feed::from_folder(folder),
            None => {
                self.wanted.iter().find_map(|wanted| if let Wanted::Feed(feed) = wanted { Some(*feed) } else { None })
            }
        }
    }

    /// The version with its spelling, once it is found.
    pub fn version(&self) -> Option<SpecVersion> {
        SpecVersion::from_folder(self.found.get(1)?)
    }

    /// The version's number, when one is asked for or found. None for the latest as long as it is not found.
    pub fn version_number(&self) -> Option<VersionNumber> {
        self.version().map(|version| version.number().clone()).or_else(|| {
            self.wanted
                .iter()
                .find_map(|wanted| if let Wanted::Version(number) = wanted { Some(number.clone()) } else { None })
        })
    }

    /// The language, when one is asked for.
    pub fn language(&self) -> Option<Language> {
        match self.found.get(2) {
            Some(folder) => Language::from_folder(folder),
            None => self
                .wanted
                .iter()
                .find_map(|wanted| if let Wanted::Language(language) = wanted { Some(*language) } else { None }),
        }
    }

    /// Whether the folder is known, so that nothing is left to look up.
    pub fn is_resolved(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The prefix of its keys, ending in `/`, once it is resolved.
    pub fn prefix(&self) -> Option<String> {
        self.is_resolved().then(|| self.found_prefix())
    }

    fn found_prefix(&self) -> String {
        self.found.iter().fold(Dataset::ConnectionSpec.root().to_owned(), |path, folder| path + folder + "/")
    }

    /// What was asked for, as far as it is known: the folders found count as the wishes that they fulfil.
    fn request(&self) -> Vec<Wanted> {
        let found = self.found.iter().enumerate().map(|(index, folder)| Wanted::read(index, folder));
        found.chain(self.wanted.iter().cloned()).collect()
    }

    /// Whether the two differ only in the spelling of the folders that were found on the way.
    pub(crate) fn is_same_request(&self, other: &SpecPrefix) -> bool {
        let (ours, theirs) = (self.request(), other.request());
        ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(ours, theirs)| ours.is_same(theirs))
    }

    /// The form in which it prints: what it begins with, and the components between slashes.
    fn written(&self) -> (&'static str, Vec<String>) {
        let short: Option<Vec<String>> = self.request().iter().map(Wanted::short).collect();
        match short.filter(|_| !self.is_resolved()) {
            Some(short) => ("spec:", short),
            None => {
                let wanted = self.wanted.iter().map(Wanted::folder);
                (Dataset::ConnectionSpec.root(), self.found.iter().cloned().chain(wanted).collect())
            }
        }
    }

    /// The folder to list next.
    pub(crate) fn lookup(&self) -> Option<FolderLookup> {
        (!self.is_resolved()).then(|| FolderLookup { prefix: self.found_prefix() })
    }

    /// Whether all that `other` asks for is asked for by this one too.
    pub(crate) fn covers(&self, other: &SpecPrefix) -> bool {
        let (ours, theirs) = (self.found.len() + self.wanted.len(), other.found.len() + other.wanted.len());
        ours <= theirs
            && other.found.starts_with(&self.found)
            && (self.wanted.is_empty()
                || (self.found.len() == other.found.len() && other.wanted.starts_with(&self.wanted)))
    }

    /// One step: the folders of that name among the ones found. `prefixes` are common prefixes under our lookup's.
    pub(crate) fn step(&self, prefixes: &[String]) -> Result<Vec<SpecPrefix>, SelectionError> {
        let Some((wanted, later)) = self.wanted.split_first() else { return Ok(vec![self.clone()]) };
        let parent = self.found_prefix();
        let names =
            || prefixes.iter().filter_map(|prefix| prefix.strip_prefix(&parent)).map(|name| name.trim_end_matches('/'));
        let mut folders: Vec<&str> = names().filter(|folder| wanted.matches(folder)).collect();
        if *wanted == Wanted::Latest {
            let latest = folders.iter().filter_map(|folder| SpecVersion::from_folder(folder)).max();
            let is_latest = |folder: &str| {
                SpecVersion::from_folder(folder).map(|v| v.number().clone())
                    == latest.as_ref().map(|v| v.number().clone())
            };
            folders.retain(|folder| is_latest(folder));
        }
        if folders.is_empty() {
            return Err(self.not_found(wanted, &parent, names().map(str::to_owned).collect()));
        }
        folders.sort_unstable();
        folders.dedup();
        let step = |folder: &str| {
            let found = self.found.iter().cloned().chain([folder.to_owned()]).collect();
            SpecPrefix { found, wanted: later.to_vec() }
        };
        Ok(folders.into_iter().map(step).collect())
    }

    fn not_found(&self, wanted: &Wanted, parent: &str, mut existing: Vec<String>) -> SelectionError {
        const SHOWN: usize = 20;
        existing.sort_by_cached_key(|name| (SpecVersion::from_folder(name).map(|v| v.number().clone()), name.clone()));
        existing.dedup();
        let mut shown: Vec<_> = existing.iter().rev().take(SHOWN).rev().map(|name| quoted(name)).collect();
        if existing.len() > SHOWN {
            shown.insert(0, format!("{} more", existing.len() - SHOWN));
        }
        let expected = match shown.is_empty() {
            true => format!("a folder that exists, but there is none under {parent}"),
            false => format!("what is there: {}", shown.join(", ")),
        };
        // The newest version, as versions sort last.
        let example = match existing.last() {
            Some(name) => quote_for_shell(&format!("{parent}{name}")),
            None => "2021/05".to_owned(),
        };
        let (head, components) = self.written();
        let start = head.len() + components.iter().take(self.found.len()).map(|name| name.len() + 1).sum::<usize>();
        let at = start..start + components.get(self.found.len()).map_or(0, String::len);
        let problem = format!("the source has no such {} under {parent}", wanted.what());
        let mut fault = Fault::new(Kind::NotFound, at, problem, expected, example);
        fault.existing = existing;
        SelectionError::new(None, &self.to_string(), fault)
    }
}

impl fmt::Display for SpecPrefix {
    /// `spec:standard/17.4/ja` as long as something is to be found and that says it all, otherwise the path, such as
    /// `ConnectionSpec/Standard/version 17.4`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, components) = self.written();
        let text = format!("{head}{}", components.join("/"));
        let text = text.trim_end_matches('/');
        f.write_str(text)?;
        // Without a slash behind it, white space would be taken for what comes from pasting.
        if text.ends_with(char::is_whitespace) { f.write_str("/") } else { Ok(()) }
    }
}

/// A folder whose subfolders must be listed (delimiter `/`) before a selection is complete.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderLookup {
    prefix: String,
}

impl FolderLookup {
    /// What to list, such as `ConnectionSpec/Standard/`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

const KNOWN_FEEDS: &str = "the feed standard or mbo";
const SPEC_EXAMPLE: &str = "spec:standard/latest/en";

/// Reads what follows `spec:`. Places are counted from `offset`.
pub(crate) fn parse_short(text: &str, offset: usize) -> Result<SpecPrefix, Fault> {
    let fault = |at: Range<usize>, problem: String, expected: &str| {
        Err(Fault::new(Kind::Specification, at.start + offset..at.end + offset, problem, expected, SPEC_EXAMPLE))
    };
    let mut wanted = Vec::new();
    let body = text.strip_suffix('/').unwrap_or(text);
    let mut at = 0;
    for (index, part) in body.split('/').enumerate() {
        let place = at..at + part.len();
        at = place.end + 1;
        match index {
            0 if same_name(part, "full") => {
                return fault(place, "FULL has no specification of its own, it is in standard".to_owned(), KNOWN_FEEDS);
            }
            0 => match Feed::from_folder(part) {
                Some(feed) => wanted.push(Wanted::Feed(feed)),
                None if part.is_empty() => return fault(place, "the feed is missing".to_owned(), KNOWN_FEEDS),
                None => return fault(place, format!("there is no feed {}", quoted(part)), KNOWN_FEEDS),
            },
            1 if same_name(part, "latest") => wanted.push(Wanted::Latest),
            1 => match SpecVersion::from_folder(part) {
                Some(version) => wanted.push(Wanted::Version(version.number().clone())),
                None => {
                    return fault(
                        place,
                        format!("{} is not a version", quoted(part)),
                        "a number such as 17.4, or latest",
                    );
                }
            },
            2 => match language(part) {
                Some(language) => wanted.push(Wanted::Language(language)),
                None => return fault(place, format!("there is no language {}", quoted(part)), "ja or en"),
            },
            _ => {
                return fault(
                    place.start..body.len(),
                    "there is more than a feed, version and language".to_owned(),
                    "at most three parts",
                );
            }
        }
    }
    Ok(SpecPrefix { found: Vec::new(), wanted })
}

fn language(text: &str) -> Option<Language> {
    let short = [("ja", Language::Japanese), ("jp", Language::Japanese), ("en", Language::English)];
    let by_code = short.into_iter().find(|(code, _)| same_name(text, code)).map(|(_, language)| language);
    by_code.or_else(|| Language::from_folder(text))
}

/// Reads what follows `ConnectionSpec` or `ConnectionSpec/`. `next` is the argument after this one: a shell that split
/// the name of a version at its space put the rest there.
pub(crate) fn parse_path(text: &str, offset: usize, next: Option<&str>) -> Result<SpecPrefix, Fault> {
    let mut wanted = Vec::new();
    let body = text.strip_suffix('/').unwrap_or(text);
    let mut at = 0;
    for (index, part) in body.split('/').enumerate() {
        let place = at + offset..at + offset + part.len();
        at += part.len() + 1;
        if part.is_empty() {
            if body.is_empty() {
                break;
            }
            let problem = "a folder's name is missing";
            return Err(Fault::new(
                Kind::Specification,
                place,
                problem,
                "one / between two names",
                "ConnectionSpec/Standard",
            ));
        }
        if same_name(part, "version") && at > body.len() {
            return Err(split_by_shell(&body[..at - part.len() - 1], place, next));
        }
        wanted.push(Wanted::read(index, part));
    }
    Ok(SpecPrefix { found: Vec::new(), wanted })
}

/// `ConnectionSpec/Standard/version` and, as the next argument, `17.4/Japanese`.
fn split_by_shell(before: &str, place: Range<usize>, next: Option<&str>) -> Fault {
    let rest = next.filter(|next| {
        let mut parts = next.trim_end_matches('/').split('/');
        parts.next().is_some_and(|number| number.parse::<VersionNumber>().is_ok())
    });
    let rest = rest.unwrap_or("17.4/Japanese").trim_end_matches('/');
    let quoted_form = format!("'{}{before}version {rest}'", Dataset::ConnectionSpec.root());
    let feed = Feed::from_folder(before.trim_end_matches('/')).unwrap_or(Feed::Standard);
    let (number, tail) = rest.split_once('/').unwrap_or((rest, ""));
    let short = match language(tail) {
        Some(language) => format!("spec:{feed}/{number}/{language}"),
        None => format!("spec:{feed}/{number}"),
    };
    let problem = "the version's number is missing; the shell splits an unquoted name at its space";
    Fault::new(
        Kind::SplitByShell,
        place,
        problem,
        format!("the whole name in quotes, {quoted_form}, or without a space"),
        short,
    )
}

/// For a POSIX shell: in single quotes unless every character is plain.
pub(crate) fn quote_for_shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/.:_-+,%@=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
