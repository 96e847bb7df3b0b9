//! Records and their lines. A line is one JSON object, `{"crc32c":"…","record":{…}}`: the checksum is over the bytes of
//! the record as they stand there, so that a reader need not write them the same way.

use crc_fast::CrcAlgorithm;
use serde::{Deserialize, Serialize};

use super::known::JournalUpload;

/// The form of the records below. A journal of a newer form is not touched.
pub(super) const VERSION: u32 = 1;
/// The longest line that is read. An upload of 10,000 parts of different sizes takes about 160 kB.
const LONGEST_LINE: usize = 1 << 20;
/// The longest key, id or name that is taken. S3's keys have 1024 bytes at most; its upload ids are shorter than that.
const LONGEST_TEXT: usize = 4096;

const BEFORE_SUM: &[u8] = br#"{"crc32c":""#;
const AFTER_SUM: &[u8] = br#"","record":"#;
const SUM_DIGITS: usize = 8;

/// One record of a journal. It holds no secret: an upload's id gives no rights to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum JournalRecord {
    /// The first record.
    Journal {
        /// The form of the records.
        version: u32,
    },
    /// A run began.
    RunStarted {
        /// In seconds since 1970-01-01 UTC.
        at: i64,
        /// The version of flex.
        flex: String,
    },
    /// A CreateMultipartUpload is about to be sent. Durable before it is.
    Intent {
        /// The destination bucket.
        bucket: String,
        /// The key there, its prefix included.
        key: String,
        /// In seconds since 1970-01-01 UTC.
        at: i64,
    },
    /// The creation was answered. Durable before the first part.
    Opened {
        /// The upload.
        #[serde(flatten)]
        upload: JournalUpload,
        /// Every attempt at the creation was answered. Otherwise there may be another upload, and the intent stays.
        answered: bool,
    },
    /// Every attempt at the creation was answered, and none made an upload.
    NotOpened {
        /// The destination bucket.
        bucket: String,
        /// The key there.
        key: String,
    },
    /// An upload is open no more.
    Ended {
        /// The destination bucket.
        bucket: String,
        /// The key there.
        key: String,
        /// The upload's id.
        upload_id: String,
        /// How it ended.
        how: UploadEnd,
    },
    /// The owner looked for uploads under this key, and none is left that a lost creation can have made.
    Settled {
        /// The destination bucket.
        bucket: String,
        /// The key there.
        key: String,
    },
    /// The run came to its end.
    RunEnded {
        /// In seconds since 1970-01-01 UTC.
        at: i64,
    },
}

/// How an upload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UploadEnd {
    /// It became an object.
    Completed,
    /// It was aborted.
    Aborted,
    /// The service knows no such upload (any more).
    Gone,
}

impl JournalRecord {
    /// The record as a line, its line feed included.
    pub(super) fn line(&self) -> Vec<u8> {
        // Numbers, texts and enums under names that are texts: there is no way to fail.
        let record = serde_json::to_vec(self).unwrap_or_default();
        let sum = format!("{:0SUM_DIGITS$x}", checksum(&record));
        [BEFORE_SUM, sum.as_bytes(), AFTER_SUM, &record, b"}\n"].concat()
    }

    /// Reads one line, without its line feed; `None` for what is damaged, or not of this form.
    pub fn parse(line: &[u8]) -> Option<Self> {
        if line.len() > LONGEST_LINE {
            return None;
        }
        let (sum, rest) = line.strip_prefix(BEFORE_SUM)?.split_at_checked(SUM_DIGITS)?;
        let record = rest.strip_prefix(AFTER_SUM)?.strip_suffix(b"}")?;
        let sum = std::str::from_utf8(sum).ok().filter(|sum| sum.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        if u32::from_str_radix(sum, 16).ok()? != checksum(record) {
            return None;
        }
        let record: Self = serde_json::from_slice(record).ok()?;
        record.is_sound().then_some(record)
    }

    /// Reads what is in a journal: its records, and how many lines are damaged. What follows the last line feed is
    /// neither: a writer that was cut off left it.
    pub fn read(bytes: &[u8]) -> (Vec<Self>, u64) {
        let (mut records, mut damaged) = (Vec::new(), 0);
        for line in lines(bytes).0 {
            match Self::parse(line) {
                Some(record) => records.push(record),
                None => damaged += 1,
            }
        }
        (records, damaged)
    }

    /// What a checksum does not tell: whether the values are possible.
    fn is_sound(&self) -> bool {
        let short = |texts: &[&str]| texts.iter().all(|text| text.len() <= LONGEST_TEXT);
        match self {
            Self::Opened { upload, .. } => upload.is_sound() && short(&upload.texts()),
            Self::Intent { bucket, key, .. } | Self::NotOpened { bucket, key } | Self::Settled { bucket, key } => {
                short(&[bucket, key])
            }
            Self::Ended { bucket, key, upload_id, .. } => short(&[bucket, key, upload_id]),
            Self::RunStarted { flex, .. } => short(&[flex]),
            Self::Journal { .. } | Self::RunEnded { .. } => true,
        }
    }
}

/// The whole lines that are not empty, and what follows the last of them. A writer puts an empty line after what may be
/// half a line.
pub(super) fn lines(bytes: &[u8]) -> (impl Iterator<Item = &[u8]>, &[u8]) {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (whole, rest) = bytes.split_at(end);
    (whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()), rest)
}

fn checksum(bytes: &[u8]) -> u32 {
    // 32 bits of it are ever set.
    (crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes) & u64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ETag, PartSizes};

    pub(crate) fn upload(key: &str, id: &str) -> JournalUpload {
        JournalUpload {
            bucket: "my-bucket".into(),
            key: key.into(),
            upload_id: id.into(),
            source_etag: ETag::new("9bb58f26192e4ba00f01e2e7b136bbd8-3"),
            size: 20,
            parts: PartSizes::of(&[8, 8, 4]),
            checksum: Some("CRC64NVME".into()),
            storage_class: None,
            encryption: None,
            encrypted: Some("AES256".into()),
            at: 1_700_000_000,
        }
    }

    fn every_kind() -> Vec<JournalRecord> {
        let (bucket, key) = ("my-bucket".to_owned(), "a/\"\u{1b}\n仕様 😀".to_owned());
        vec![
            JournalRecord::Journal { version: VERSION },
            JournalRecord::RunStarted { at: 1, flex: "0.1.0".into() },
            JournalRecord::Intent { bucket: bucket.clone(), key: key.clone(), at: -1 },
            JournalRecord::Opened { upload: upload(&key, "id"), answered: false },
            JournalRecord::NotOpened { bucket: bucket.clone(), key: key.clone() },
            JournalRecord::Ended {
                bucket: bucket.clone(),
                key: key.clone(),
                upload_id: "id".into(),
                how: UploadEnd::Gone,
            },
            JournalRecord::Settled { bucket, key },
            JournalRecord::RunEnded { at: i64::MAX },
        ]
    }

    #[test]
    fn each_kind_is_one_line_of_json_and_read_as_it_was_written() {
        for record in every_kind() {
            let line = record.line();
            let (line, end) = line.split_at(line.len() - 1);
            assert_eq!(end, b"\n");
            assert!(!line.contains(&b'\n'), "{record:?}");
            serde_json::from_slice::<serde_json::Value>(line).expect("JSON");
            assert_eq!(JournalRecord::parse(line), Some(record));
        }
    }

    #[test]
    fn the_form_does_not_change_unnoticed() {
        let line = String::from_utf8(JournalRecord::Opened { upload: upload("k", "u"), answered: true }.line());
        let want = concat!(
            r#"{"crc32c":"ab08bd96","record":{"kind":"opened","bucket":"my-bucket","key":"k","upload_id":"u","#,
            r#""source_etag":"9bb58f26192e4ba00f01e2e7b136bbd8-3","size":20,"parts":[[8,2],[4,1]],"checksum":"CRC64NVME","#,
            r#""encrypted":"AES256","at":1700000000,"answered":true}}"#,
            "\n"
        );
        assert_eq!(line.expect("text"), want);
    }

    #[test]
    fn a_line_with_any_byte_changed_is_damaged() {
        for record in every_kind() {
            let line = record.line();
            let line = &line[..line.len() - 1];
            for at in 0..line.len() {
                for change in [0x01, 0x20, 0x80] {
                    let mut line = line.to_vec();
                    line[at] ^= change;
                    // A checksum in capital letters is the same number.
                    let read = JournalRecord::parse(&line);
                    assert!(read.is_none() || read.as_ref() == Some(&record), "byte {at} of {record:?}: {read:?}");
                }
            }
        }
    }

    fn line_of(record: &str) -> Vec<u8> {
        format!("{{\"crc32c\":\"{:08x}\",\"record\":{record}}}", checksum(record.as_bytes())).into_bytes()
    }

    #[test]
    fn what_has_its_checksum_and_is_impossible_all_the_same_is_damaged() {
        let opened = |parts: &str, size: u64| {
            format!(
                r#"{{"kind":"opened","bucket":"b","key":"k","upload_id":"u","source_etag":"e","size":{size},"parts":{parts},"at":0,"answered":true}}"#
            )
        };
        assert!(JournalRecord::parse(&line_of(&opened("[[5,2]]", 10))).is_some());
        let long = format!(r#"{{"kind":"intent","bucket":"b","key":"{}","at":0}}"#, "k".repeat(LONGEST_TEXT + 1));
        let deep = "[".repeat(100_000);
        for record in [
            opened("[[5,2]]", 11).as_str(),
            &opened("[[5,0],[5,2]]", 10),
            &opened("[[0,2],[5,2]]", 10),
            &opened("[[1,4294967295]]", 4_294_967_295),
            &opened("[[18446744073709551615,2]]", u64::MAX),
            &opened("[[-5,2]]", 10),
            &opened("\"x\"", 10),
            &long,
            r#"{"kind":"invented"}"#,
            r#"{"kind":"intent","bucket":1,"key":[],"at":{}}"#,
            r#"{"kind":"run-ended","at":1e99}"#,
            "null",
            "",
            &deep,
        ] {
            assert_eq!(JournalRecord::parse(&line_of(record)), None, "{:.80}", record);
        }
        let mut invalid = br#"{"kind":"intent","bucket":"b","key":""#.to_vec();
        invalid.extend(b"\xff\xfe\",\"at\":0}");
        let sum = checksum(&invalid);
        let line = [format!("{{\"crc32c\":\"{sum:08x}\",\"record\":").as_bytes(), &invalid, b"}"].concat();
        assert_eq!(JournalRecord::parse(&line), None, "not UTF-8");
        assert_eq!(JournalRecord::parse(&line_of(&format!("{}null", " ".repeat(LONGEST_LINE)))), None, "a huge line");
    }
}
