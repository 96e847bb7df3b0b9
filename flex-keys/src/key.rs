use crate::dataset::Dataset;
use crate::date::number;
use crate::spec::SpecKey;
use chrono::NaiveDate;

/// A key of the vendor's bucket, read as far as it is known.
///
/// Parsing never fails, borrows the text and allocates nothing; what is not recognised stays as it is and is said by
/// [`is_unknown`](Self::is_unknown).
///
/// ```
/// # use flex_keys::{Dataset, ObjectKey};
/// let key = ObjectKey::parse("2021/5/31/20210531_1_001.pcap.gz");
/// assert_eq!(key.dataset(), Some(Dataset::Production));
/// assert_eq!(key.date().map(|date| date.to_string()).as_deref(), Some("2021-05-31"));
/// assert_eq!(key.file().map(|file| file.extension()), Some("pcap.gz"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectKey<'a> {
    key: &'a str,
    dataset: Option<Dataset>,
    date: Option<NaiveDate>,
    /// What follows the folders of a recognised data set.
    rest: &'a str,
    folder: bool,
}

impl<'a> ObjectKey<'a> {
    /// Reads a key. Keys are compared with regard to case, as S3 does.
    pub fn parse(key: &'a str) -> Self {
        let mut parsed = ObjectKey { key, dataset: None, date: None, rest: key, folder: key.ends_with('/') };
        if let Some(path) = key.strip_prefix(Dataset::ConnectionSpec.root()) {
            parsed.dataset = Some(Dataset::ConnectionSpec);
            parsed.rest = path;
            return parsed;
        }
        let (dataset, path) = match key.strip_prefix(Dataset::Sample.root()) {
            Some(path) => (Dataset::Sample, path),
            None => (Dataset::Production, key),
        };
        let folders = DateFolders::read(path);
        if dataset == Dataset::Sample || folders.any {
            parsed.dataset = Some(dataset);
        }
        parsed.date = folders.date;
        parsed.rest = folders.rest;
        parsed.folder |= folders.any && folders.rest.is_empty();
        parsed
    }

    /// The whole key.
    pub fn as_str(&self) -> &'a str {
        self.key
    }

    /// The data set, told by the first folders.
    pub fn dataset(&self) -> Option<Dataset> {
        self.dataset
    }

    /// The day of the folder, for production and sample data.
    pub fn date(&self) -> Option<NaiveDate> {
        self.date
    }

    /// What follows the last `/`.
    pub fn file_name(&self) -> &'a str {
        self.key.rsplit('/').next().unwrap_or(self.key)
    }

    /// The parts of a file name such as `20210531_1_001.pcap.gz`. None when the name is of another form; then
    /// [`file_name`](Self::file_name) has all there is.
    pub fn file(&self) -> Option<FileParts<'a>> {
        FileParts::read(self.file_name())
    }

    /// What the folders below `ConnectionSpec/` say.
    pub fn spec(&self) -> Option<SpecKey<'a>> {
        (self.dataset == Some(Dataset::ConnectionSpec)).then(|| SpecKey::new(self.rest))
    }

    /// Whether it ends in `/`, or is a date folder written without the slash, such as `2021/5/31`. Such a key with zero
    /// bytes is a marker.
    pub fn is_folder(&self) -> bool {
        self.folder
    }

    /// Whether the date in the file's name differs from its folder's.
    pub fn has_foreign_date(&self) -> bool {
        self.date.is_some_and(|date| self.file().is_some_and(|file| file.date() != date))
    }

    /// Whether it is none of the names that are known: a data file in its day's folder, a document in the folder of a
    /// feed, version and language, or a folder on the way there.
    pub fn is_unknown(&self) -> bool {
        match self.dataset {
            None => true,
            Some(Dataset::ConnectionSpec) => {
                let spec = SpecKey::new(self.rest);
                let folders = self.rest.matches('/').count();
                let wrong_feed = folders > 0 && spec.feed().is_none();
                let wrong_version = folders > 1 && spec.version().is_none();
                let wrong_language = folders > 2 && spec.language().is_none();
                wrong_feed || wrong_version || wrong_language || (folders < 3 && !self.folder)
            }
            Some(_) if self.folder => !self.rest.is_empty(),
            Some(_) => self.date.is_none() || self.rest.contains('/') || self.file().is_none(),
        }
    }
}

/// How far a path goes along year, month and day.
struct DateFolders<'a> {
    any: bool,
    date: Option<NaiveDate>,
    rest: &'a str,
}

impl<'a> DateFolders<'a> {
    fn read(path: &'a str) -> Self {
        let next = |rest: &'a str| rest.split_once('/').unwrap_or((rest, ""));
        let (text, rest) = next(path);
        let Some(year) = number(text, 4..=4).filter(|year| *year > 0) else {
            return DateFolders { any: false, date: None, rest: path };
        };
        let year = year as i32;
        let of_year = DateFolders { any: true, date: None, rest };
        let (text, rest) = next(rest);
        let Some(month) = number(text, 1..=2).filter(|month| (1..=12).contains(month)) else { return of_year };
        let of_month = DateFolders { any: true, date: None, rest };
        let (text, rest) = next(rest);
        match number(text, 1..=2).and_then(|day| NaiveDate::from_ymd_opt(year, month, day)) {
            Some(date) => DateFolders { any: true, date: Some(date), rest },
            None => of_month,
        }
    }
}

/// The parts of a data file's name: `20210531_1_001.pcap.gz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileParts<'a> {
    date: NaiveDate,
    number: &'a str,
    sequence: &'a str,
    extension: &'a str,
}

impl<'a> FileParts<'a> {
    fn read(name: &'a str) -> Option<Self> {
        let (stem, extension) = name.split_once('.').filter(|(_, extension)| !extension.is_empty())?;
        let mut parts = stem.split('_');
        let (date, file_number, sequence) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        number(file_number, 1..=9)?;
        number(sequence, 1..=9)?;
        let date = number(date, 8..=8)?;
        let date = NaiveDate::from_ymd_opt((date / 10_000) as i32, date / 100 % 100, date % 100)?;
        Some(FileParts { date, number: file_number, sequence, extension })
    }

    /// The trading day.
    pub fn date(&self) -> NaiveDate {
        self.date
    }

    /// The number between the underscores, as it is written.
    pub fn number(&self) -> &'a str {
        self.number
    }

    /// The sequence, as it is written: `001`.
    pub fn sequence(&self) -> &'a str {
        self.sequence
    }

    /// All that follows the first dot: `pcap.gz`.
    pub fn extension(&self) -> &'a str {
        self.extension
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Dataset::{ConnectionSpec, Production, Sample};

    #[test]
    fn look_alikes_are_told_apart() {
        let day = Some("2021-05-31");
        for (key, dataset, date, folder, unknown) in [
            ("2021/05/31/20210531_1_001.pcap.gz", Some(Production), day, false, false),
            ("2021/5/31/20210531_1_001.pcap.gz", Some(Production), day, false, false),
            ("2010/1/4/20100104_11_002.txt.gz", Some(Production), Some("2010-01-04"), false, false),
            ("testdata/2021/5/31/20210531_1_001.pcap.gz", Some(Sample), day, false, false),
            ("2021/05/31/", Some(Production), day, true, false),
            ("2021/5/31", Some(Production), day, true, false),
            ("2021/05/", Some(Production), None, true, false),
            ("2021/5", Some(Production), None, true, false),
            ("2021", Some(Production), None, true, false),
            ("testdata/", Some(Sample), None, true, false),
            ("testdata/2021/5/31", Some(Sample), day, true, false),
            ("2021/05/31/readme.txt", Some(Production), day, false, true),
            ("2021/05/31/sub/20210531_1_001.pcap.gz", Some(Production), day, false, true),
            ("2021/05/31/sub/", Some(Production), day, true, true),
            ("2021/05/31//", Some(Production), day, true, true),
            ("2021/05/20210531_1_001.pcap.gz", Some(Production), None, false, true),
            ("2021/13/01/20211301_1_001.pcap.gz", Some(Production), None, false, true),
            ("2021/02/29/20210229_1_001.pcap.gz", Some(Production), None, false, true),
            ("2021/005/31/20210531_1_001.pcap.gz", Some(Production), None, false, true),
            ("20210531/20210531_1_001.pcap.gz", None, None, false, true),
            ("2021-05-31/20210531_1_001.pcap.gz", None, None, false, true),
            ("/2021/05/31/20210531_1_001.pcap.gz", None, None, false, true),
            ("Testdata/2021/05/31/20210531_1_001.pcap.gz", None, None, false, true),
            ("testdata/notes.txt", Some(Sample), None, false, true),
            ("ConnectionSpec/", Some(ConnectionSpec), None, true, false),
            ("ConnectionSpec/Standard/", Some(ConnectionSpec), None, true, false),
            ("ConnectionSpec/Standard/version 17.4/Japanese/仕様 1.pdf", Some(ConnectionSpec), None, false, false),
            ("ConnectionSpec/Standard/version 17.4/Japanese/a/b.pdf", Some(ConnectionSpec), None, false, false),
            ("ConnectionSpec/Standard/version 17.4/Korean/a.pdf", Some(ConnectionSpec), None, false, true),
            ("ConnectionSpec/Standard/version 17.4/a.pdf", Some(ConnectionSpec), None, false, true),
            ("ConnectionSpec/index.html", Some(ConnectionSpec), None, false, true),
            ("ConnectionSpec", None, None, false, true),
            ("index.html", None, None, false, true),
            ("", None, None, false, true),
        ] {
            let read = ObjectKey::parse(key);
            let date = date.map(|date| date.parse().expect("a date"));
            assert_eq!((read.dataset(), read.date()), (dataset, date), "{key}");
            assert_eq!((read.is_folder(), read.is_unknown()), (folder, unknown), "{key}: folder, unknown");
            assert_eq!(read.as_str(), key);
        }
    }

    #[test]
    fn file_names_give_their_parts_or_stay_whole() {
        let parts =
            |key| ObjectKey::parse(key).file().map(|f| (f.date().to_string(), f.number(), f.sequence(), f.extension()));
        let want = ("2021-05-31".to_owned(), "1", "001", "pcap.gz");
        assert_eq!(parts("2021/05/31/20210531_1_001.pcap.gz"), Some(want.clone()));
        assert_eq!(parts("20210531_1_001.pcap.gz"), Some(want));
        for odd in [
            "20210531_1_001",
            "20210531_1_001.",
            "20210531_1.pcap.gz",
            "20210531_1_001_2.pcap.gz",
            "20210532_1_001.pcap.gz",
            "2021531_1_001.pcap.gz",
            "20210531_a_001.pcap.gz",
            "20210531__001.pcap.gz",
            "２0210531_1_001.pcap.gz",
            ".pcap.gz",
        ] {
            let key = format!("2021/05/31/{odd}");
            let read = ObjectKey::parse(&key);
            assert_eq!((read.file(), read.file_name(), read.is_unknown()), (None, odd, true));
        }
    }

    #[test]
    fn a_file_of_another_day_is_noticed() {
        assert!(ObjectKey::parse("2021/05/31/20210528_1_001.pcap.gz").has_foreign_date());
        assert!(!ObjectKey::parse("2021/5/31/20210531_1_001.pcap.gz").has_foreign_date());
        assert!(!ObjectKey::parse("2021/05/31/readme.txt").has_foreign_date());
    }
}
