//! What a listing says of an object: key, size, ETag, storage class, checksum, time.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An entity tag without its quotes.
///
/// Stores differ in quoting it in copy results, so the quotes are taken off at the edge and put on again only where a
/// header wants them ([`ETag::quoted`]).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ETag(Box<str>);

impl ETag {
    /// Takes the text of a header or an XML element, quoted or not.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        Self(bare.into())
    }

    /// Takes the text as it is, as [`as_str`](Self::as_str) gave it.
    pub(crate) fn verbatim(text: &str) -> Self {
        Self(text.into())
    }

    /// The tag without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag with quotes, as `x-amz-copy-source-if-match` wants it.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }

    /// The number of parts, for the `…-N` tag of a multipart upload; `None` for a plain one.
    pub fn parts(&self) -> Option<u32> {
        let (digest, parts) = self.0.rsplit_once('-')?;
        if digest.is_empty() { None } else { parts.parse().ok().filter(|n| *n > 0) }
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Storage classes, as far as copying cares: whether the object can be read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Readable at once (STANDARD and all classes that need no restore).
    Online,
    /// GLACIER: needs a restore by its owner before it can be copied.
    Glacier,
    /// DEEP_ARCHIVE: needs a restore by its owner before it can be copied.
    DeepArchive,
}

impl Storage {
    pub(crate) fn of(class: Option<&str>) -> Self {
        match class {
            Some("GLACIER") => Self::Glacier,
            Some("DEEP_ARCHIVE") => Self::DeepArchive,
            _ => Self::Online,
        }
    }

    /// Whether the object must be restored before it can be copied.
    pub fn is_archived(self) -> bool {
        self != Self::Online
    }
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// The key as it stands in the vendor's bucket: a destination prefix is already taken off.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// The entity tag.
    pub etag: ETag,
    /// Seconds since 1970-01-01 UTC.
    pub last_modified: i64,
    /// Whether it can be read at once.
    pub storage: Storage,
    /// The listing says that a checksum of the whole object is stored (`ChecksumType` FULL_OBJECT).
    pub full_object_checksum: bool,
}

#[cfg(test)]
mod tests {
    use super::ETag;

    #[test]
    fn etags_with_and_without_quotes_are_equal_and_know_their_parts() {
        for (text, bare, parts) in [
            ("\"9bb58f26192e4ba00f01e2e7b136bbd8\"", "9bb58f26192e4ba00f01e2e7b136bbd8", None),
            ("9bb58f26192e4ba00f01e2e7b136bbd8", "9bb58f26192e4ba00f01e2e7b136bbd8", None),
            ("\"d41d8cd98f00b204e9800998ecf8427e-38\"", "d41d8cd98f00b204e9800998ecf8427e-38", Some(38)),
            ("d41d-1", "d41d-1", Some(1)),
            ("d41d-0", "d41d-0", None),
            ("-3", "-3", None),
            ("\"", "\"", None),
            ("", "", None),
        ] {
            let etag = ETag::new(text);
            assert_eq!((etag.as_str(), etag.parts()), (bare, parts), "{text}");
            assert_eq!(ETag::new(&etag.quoted()), etag, "{text}");
        }
    }
}
