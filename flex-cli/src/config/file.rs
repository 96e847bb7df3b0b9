//! `flex.toml`: where it is looked for, what it may hold.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use thiserror::Error;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Kind, Value};

/// The name it is found under.
pub(crate) const NAME: &str = "flex.toml";

/// A place in a file; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What a configuration file sets, by the settings' names, and in which line.
pub(crate) type Entries = BTreeMap<&'static str, (Value, usize)>;

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    pub(crate) entries: Entries,
    /// Named by the user (`--config`, `$FLEX_CONFIG`), not merely found. What is found may be somebody else's.
    pub(crate) chosen: bool,
}

/// A file that was not read.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    #[error("the configuration file {} ({how}) cannot be read", path.display())]
    Unreadable { path: PathBuf, how: &'static str, source: io::Error },
    #[error("the configuration file {}, {place}: it is not UTF-8 text", path.display())]
    NotText { path: PathBuf, place: Place },
    #[error("the configuration file {} is not understood", path.display())]
    Malformed { path: PathBuf, source: toml::de::Error },
    #[error("the configuration file {}, {place}: {what}", path.display())]
    MalformedUnshown { path: PathBuf, place: Place, what: String },
    #[error("the configuration file {}, {place}: there is no setting {name:?}", path.display())]
    UnknownKey { path: PathBuf, place: Place, name: String, nearest: Option<&'static str> },
    #[error("the configuration file {}, {place}: {name} is {found}, expected {}", path.display(), expected.expected())]
    WrongType { path: PathBuf, place: Place, name: &'static str, found: &'static str, expected: Kind },
}

/// Finds and reads the file: the first of `--config`, `$FLEX_CONFIG`, `./flex.toml` and the platform's folder.
pub(crate) fn load(
    flag: Option<&Path>,
    environment: Option<PathBuf>,
    here: &Path,
    platform: Option<PathBuf>,
) -> Result<Option<ConfigFile>, FileError> {
    if let Some(path) = flag {
        return read(path, "--config", true);
    }
    if let Some(path) = environment {
        return read(&path, "FLEX_CONFIG", true);
    }
    for path in [Some(here.join(NAME)), platform].into_iter().flatten() {
        match read(&path, "found", false) {
            Err(FileError::Unreadable { source, .. })
                if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            other => return other,
        }
    }
    Ok(None)
}

/// A configuration is a few lines. What is larger is another file, and would take much memory to read.
const LARGEST: u64 = 256 * 1024;

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let why = format!("it is larger than {} KiB, which no configuration is", LARGEST / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

fn read(path: &Path, how: &'static str, chosen: bool) -> Result<Option<ConfigFile>, FileError> {
    let bytes = bytes(path).map_err(|source| FileError::Unreadable { path: path.to_owned(), how, source })?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        // What stands before the first wrong byte is text.
        let sound = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        FileError::NotText { path: path.to_owned(), place: place(&sound, sound.len()) }
    })?;
    let entries = entries(path, text)?;
    Ok(Some(ConfigFile { path: path.to_owned(), entries, chosen }))
}

/// The entries of a file's text.
pub(super) fn entries(path: &Path, text: &str) -> Result<Entries, FileError> {
    // Windows' editors write the mark; it is no column of the line.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table = DeTable::parse(text).map_err(|source| malformed(path, text, source))?;
    // The table is in the order of the names; what is told first stands first.
    let mut pairs: Vec<_> = table.into_inner().into_iter().collect();
    pairs.sort_by_key(|(name, _)| name.span().start);
    let mut entries = Entries::new();
    for (name, value) in pairs {
        let at = place(text, name.span().start);
        let Some(key) = keys::named(name.get_ref()) else {
            let name = name.into_inner().into_owned();
            let nearest = keys::nearest(&name);
            return Err(FileError::UnknownKey { path: path.to_owned(), place: at, name, nearest });
        };
        let wrong = |at: usize, found| FileError::WrongType {
            path: path.to_owned(),
            place: place(text, at),
            name: key.name,
            found,
            expected: key.kind,
        };
        let begin = value.span().start;
        let value = match (key.kind, value.into_inner()) {
            (Kind::Text, DeValue::String(value)) => Value::Text(value.into_owned()),
            (Kind::Switch, DeValue::Boolean(value)) => Value::Switch(value),
            (Kind::Integer | Kind::Number, DeValue::Integer(value)) => {
                // What is too large is refused with the setting's own limits.
                let decimal = i128::from_str_radix(value.as_str(), value.radix()).map(|number| number.to_string());
                Value::Number(decimal.unwrap_or_else(|_| value.to_string()))
            }
            (Kind::Number, DeValue::Float(value)) => Value::Number(value.as_str().to_owned()),
            (Kind::List, DeValue::Array(items)) => Value::List(
                items
                    .into_iter()
                    .map(|item| match (item.span().start, item.into_inner()) {
                        (_, DeValue::String(text)) => Ok(text.into_owned()),
                        (at, other) => Err(wrong(at, listed(&other))),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            (_, other) => return Err(wrong(begin, written(&other))),
        };
        entries.insert(key.name, (value, at.line));
    }
    Ok(entries)
}

/// A syntax error comes with its line, unless that may hold a URL's password.
fn malformed(path: &Path, text: &str, source: toml::de::Error) -> FileError {
    let path = path.to_owned();
    let at = source.span().map_or(0, |span| span.start);
    let place = place(text, at);
    if text.lines().nth(place.line - 1).is_some_and(|line| line.contains('@')) {
        return FileError::MalformedUnshown { path, place, what: source.message().to_owned() };
    }
    FileError::Malformed { path, source }
}

fn written(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn listed(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a list with a text in it",
        DeValue::Integer(_) | DeValue::Float(_) => "a list with a number in it",
        DeValue::Boolean(_) => "a list with true or false in it",
        DeValue::Datetime(_) => "a list with a date in it",
        DeValue::Array(_) => "a list with a list in it",
        DeValue::Table(_) => "a list with a table in it",
    }
}

fn place(text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

/// The file in the platform's configuration folder.
pub(crate) fn platform_path() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "flex").map(|dirs| dirs.config_dir().join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, text: &str) -> PathBuf {
        std::fs::create_dir_all(dir).expect("a folder");
        let path = dir.join(NAME);
        std::fs::write(&path, text).expect("a file");
        path
    }

    #[test]
    fn the_first_file_found_is_read_and_no_other() {
        let dir = tempfile::tempdir().expect("a folder");
        let here = dir.path().join("here");
        let platform = write(&dir.path().join("platform"), "bucket = 'p'");
        let chosen = write(&dir.path().join("chosen"), "bucket = 'c'");
        let bucket = |file: Option<ConfigFile>| {
            file.and_then(|f| f.entries.get("bucket").cloned().map(|(bucket, _)| (bucket.toml(), f.chosen)))
        };
        let found = |flag: Option<&Path>, env| load(flag, env, &here, Some(platform.clone())).expect("a file");
        assert_eq!(bucket(found(None, None)), Some(("\"p\"".into(), false)));
        write(&here, "bucket = 'h'");
        assert_eq!(bucket(found(None, None)), Some(("\"h\"".into(), false)));
        assert_eq!(bucket(found(None, Some(chosen.clone()))), Some(("\"c\"".into(), true)));
        assert_eq!(bucket(found(Some(&chosen), Some(platform.clone()))), Some(("\"c\"".into(), true)));
        assert!(load(None, None, &dir.path().join("none"), None).expect("no file").is_none());
    }

    #[test]
    fn a_chosen_file_must_be_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let absent = dir.path().join("absent.toml");
        assert!(matches!(load(Some(&absent), None, dir.path(), None), Err(FileError::Unreadable { .. })));
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_place() {
        for (text, want) in [
            ("bucket = 'b'\n  bukcet = 'c'\n", "line 2, column 3: there is no setting \"bukcet\""),
            ("# 日本\n[flex]\nbucket = 'b'", "line 2, column 2: there is no setting \"flex\""),
            ("zzz = 1\nbukcet = 2", "line 1, column 1: there is no setting \"zzz\""),
            ("account = 123456789012", "line 1, column 11: account is a whole number, expected a text in quotes"),
            ("\n\nmax-in-flight = '8'", "line 3, column 17: max-in-flight is a text, expected a whole number"),
            ("max-in-flight = 1.5", "column 17: max-in-flight is a number with a fraction, expected a whole number"),
            ("compat = 'yes'", "line 1, column 10: compat is a text, expected true or false"),
            ("include = '*.gz'", "line 1, column 11: include is a text, expected a list of texts"),
            ("include = ['日本', 1]", "line 1, column 18: include is a list with a number in it"),
            ("bucket = { name = 'b' }", "line 1, column 10: bucket is a table"),
            ("profile = 2021-05-31", "line 1, column 11: profile is a date"),
        ] {
            let error = entries(Path::new("/x/flex.toml"), text).expect_err(text).to_string();
            assert!(error.contains(want) && error.contains("/x/flex.toml"), "{text}: {error}");
        }
        for text in ["bucket = ", "bucket = 'a'\nbucket = 'b'", "bucket"] {
            let error = entries(Path::new("flex.toml"), text).expect_err(text);
            let FileError::Malformed { source, .. } = &error else { panic!("{error:?}") };
            assert!(source.to_string().contains("line ") && source.to_string().contains("column "), "{source}");
        }
    }

    #[test]
    fn a_syntax_error_does_not_show_a_password() {
        for (text, shown) in [("bucket = my-bucket", true), ("bucket = 'b'\nendpoint-url = http://me:hidden@h", false)]
        {
            let error = entries(Path::new("flex.toml"), text).expect_err(text);
            let told = crate::error::chain(&error).join(" ");
            assert!(!told.contains("hidden"), "{told}");
            assert_eq!(told.contains("my-bucket"), shown, "{told}");
            assert!(shown || told.contains("line 2, column 16"), "{told}");
        }
    }

    #[test]
    fn what_windows_editors_write_is_read_or_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(NAME);
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("a file");
            load(Some(&path), None, dir.path(), None)
        };
        let file = read("\u{feff}bucket = 'b'\r\nregion = 'us-east-1'\r\n".as_bytes());
        let entries = file.expect("a file").expect("one").entries;
        assert_eq!(entries["region"], (Value::Text("us-east-1".into()), 2));
        for (bytes, want) in [
            ("\u{feff}bukcet = 'b'".as_bytes(), "line 1, column 1: there is no setting"),
            (b"bucket = 'b'\r\n# \x93\xfa\x96{\r\n", "line 2, column 3: it is not UTF-8 text"),
            (b"\xff\xfeb\0", "line 1, column 1: it is not UTF-8 text"),
        ] {
            let error = read(bytes).expect_err(want).to_string();
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn numbers_keep_their_value() {
        for (text, want) in [
            ("max-in-flight = 128", "128"),
            ("max-in-flight = 1_000", "1000"),
            ("max-in-flight = 0x10", "16"),
            ("max-rps = 12.5", "12.5"),
            ("max-rps = 100", "100"),
        ] {
            let entries = entries(Path::new("flex.toml"), text).expect(text);
            assert_eq!(entries.values().next().expect("one").0, Value::Number(want.into()), "{text}");
        }
    }
}
