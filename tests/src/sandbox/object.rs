//! Objects as the sandbox keeps them, and how tests describe them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use super::clock;
use super::content::{Algorithm, Content, md5_of, mix};

/// S3's name for the class that objects have unless told otherwise.
pub(crate) const STANDARD: &str = "STANDARD";

/// An object's description: size or bytes, layout, checksum, and what else S3 keeps about it.
///
/// ```
/// use flex_tests::sandbox::ObjectSpec;
/// // Six GiB that somebody uploaded in parts of 8 MiB.
/// let large = ObjectSpec::new(6 << 30).seed(7).part_size(8 << 20);
/// let small = ObjectSpec::bytes("real bytes").content_type("text/plain");
/// # let _ = (large, small);
/// ```
#[derive(Clone)]
pub struct ObjectSpec {
    pub(crate) content: Held,
    pub(crate) layout: Layout,
    pub(crate) checksum: Option<(Algorithm, ChecksumKind)>,
    pub(crate) storage_class: &'static str,
    pub(crate) encryption: Encryption,
    pub(crate) metadata: Metadata,
    pub(crate) tags: u32,
    pub(crate) annotations: u32,
    pub(crate) modified: Option<SystemTime>,
}

#[derive(Clone)]
pub(crate) enum Held {
    Seeded { size: u64, seed: u64 },
    Bytes(Bytes),
}

#[derive(Clone)]
pub(crate) enum Layout {
    Whole,
    Uniform(u64),
    Parts(Vec<u64>),
}

impl ObjectSpec {
    /// `size` bytes of the stream of seed 0, stored by one PutObject long ago: plain ETag, no checksum.
    pub fn new(size: u64) -> Self {
        Self::of(Held::Seeded { size, seed: 0 })
    }

    /// These very bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::of(Held::Bytes(bytes.into()))
    }

    fn of(content: Held) -> Self {
        Self {
            content,
            layout: Layout::Whole,
            checksum: None,
            storage_class: STANDARD,
            encryption: Encryption::S3,
            metadata: Metadata::default(),
            tags: 0,
            annotations: 0,
            modified: None,
        }
    }

    /// Takes the bytes from the stream of this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        if let Held::Seeded { seed: old, .. } = &mut self.content {
            *old = seed;
        }
        self
    }

    /// Uploaded in parts of this size, the last one smaller.
    #[must_use]
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.layout = Layout::Uniform(bytes);
        self
    }

    /// Uploaded in parts of these sizes, which must add up to the object's.
    #[must_use]
    pub fn parts(mut self, sizes: &[u64]) -> Self {
        self.layout = Layout::Parts(sizes.to_vec());
        self
    }

    /// Keeps a CRC64NVME of the whole object.
    #[must_use]
    pub fn full_checksum(self) -> Self {
        self.checksum(Algorithm::Crc64Nvme, ChecksumKind::FullObject)
    }

    /// Keeps this checksum.
    #[must_use]
    pub fn checksum(mut self, algorithm: Algorithm, kind: ChecksumKind) -> Self {
        self.checksum = Some((algorithm, kind));
        self
    }

    /// `GLACIER`, `DEEP_ARCHIVE`, `STANDARD_IA`, …
    #[must_use]
    pub fn storage_class(mut self, class: &'static str) -> Self {
        self.storage_class = class;
        self
    }

    /// Encrypted with a KMS key: the ETag is opaque.
    #[must_use]
    pub fn kms(mut self) -> Self {
        self.encryption = Encryption::Kms;
        self
    }

    /// The seven kinds of metadata that a copy carries.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// The Content-Type alone.
    #[must_use]
    pub fn content_type(mut self, value: impl Into<String>) -> Self {
        self.metadata.content_type = Some(value.into());
        self
    }

    /// Carries this many tags.
    #[must_use]
    pub fn tags(mut self, count: u32) -> Self {
        self.tags = count;
        self
    }

    /// Carries this many annotations.
    #[must_use]
    pub fn annotations(mut self, count: u32) -> Self {
        self.annotations = count;
        self
    }

    /// Last modified then, instead of now.
    #[must_use]
    pub fn modified(mut self, at: SystemTime) -> Self {
        self.modified = Some(at);
        self
    }

    pub(crate) fn build(self, now: SystemTime, owner: &Arc<str>, nonce: u64) -> Object {
        let content = match self.content {
            Held::Seeded { size, seed } => Content::seeded(seed, size),
            Held::Bytes(bytes) => Content::real(bytes),
        };
        let sizes = match self.layout {
            Layout::Whole => None,
            Layout::Uniform(part) => {
                let part = part.max(1);
                let count = content.len().div_ceil(part).max(1);
                Some((0..count).map(|n| part.min(content.len() - n * part)).collect())
            }
            Layout::Parts(sizes) => Some(sizes),
        };
        if let Some(sizes) = &sizes {
            let sum: u64 = sizes.iter().sum();
            assert_eq!(sum, content.len(), "the parts of an ObjectSpec add up to its size");
        }
        let mut object = Object::written(content, sizes, self.encryption, nonce);
        object.modified = clock::seconds(self.modified.unwrap_or(now));
        object.storage_class = self.storage_class.into();
        object.checksum = self.checksum.map(|(algorithm, kind)| Arc::new(object.checksum_of(algorithm, kind)));
        object.set_more(More {
            metadata: self.metadata,
            tags: self.tags,
            annotations: self.annotations,
            owner: owner.clone(),
        });
        object
    }
}

/// What S3 keeps beside the bytes and a copy carries along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Content-Type.
    pub content_type: Option<String>,
    /// Content-Encoding.
    pub content_encoding: Option<String>,
    /// Content-Language.
    pub content_language: Option<String>,
    /// Content-Disposition.
    pub content_disposition: Option<String>,
    /// Cache-Control.
    pub cache_control: Option<String>,
    /// Expires, in seconds since 1970.
    pub expires: Option<i64>,
    /// `x-amz-meta-*`, without the prefix.
    pub user: BTreeMap<String, String>,
}

/// Who encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// SSE-S3: ETags are MD5s.
    S3,
    /// SSE-KMS: ETags are opaque.
    Kms,
}

/// Whether a checksum is of the whole object or of its parts' checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumKind {
    /// The same whatever the layout.
    FullObject,
    /// A checksum of the parts' checksums.
    Composite,
}

impl ChecksumKind {
    /// The name as S3 writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

/// A stored checksum, its value in base64 (with `-N` for composite ones) as in S3's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// Which algorithm.
    pub algorithm: Algorithm,
    /// Whole object, or of parts.
    pub kind: ChecksumKind,
    /// As in the header.
    pub value: String,
}

/// An ETag: 16 bytes, and the number of parts (0: not a multipart object).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ETag {
    digest: [u8; 16],
    parts: u16,
}

impl ETag {
    pub(crate) fn of_content(content: &Content, encryption: Encryption, nonce: u64) -> Self {
        let digest = match encryption {
            Encryption::S3 => content.md5(),
            // Opaque: nothing about the content can be told from it, and no two writes share it.
            Encryption::Kms => {
                let mut opaque = [0; 16];
                opaque[..8].copy_from_slice(&mix(nonce ^ 0x6b6d_7331).to_le_bytes());
                opaque[8..].copy_from_slice(&mix(nonce ^ 0x6b6d_7332).to_le_bytes());
                opaque
            }
        };
        Self { digest, parts: 0 }
    }

    pub(crate) fn of_parts(parts: &[ETag]) -> Self {
        let digest = md5_of(parts.iter().map(|part| part.digest.as_slice()));
        Self { digest, parts: u16::try_from(parts.len()).unwrap_or(u16::MAX) }
    }

    pub(crate) fn dto(self) -> s3s::dto::ETag {
        s3s::dto::ETag::Strong(self.to_string())
    }

    /// Compares with what a client sent: with or without quotes.
    pub(crate) fn is(self, sent: &str) -> bool {
        sent.trim_matches('"') == self.to_string()
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.digest {
            write!(f, "{byte:02x}")?;
        }
        if self.parts > 0 {
            write!(f, "-{}", self.parts)?;
        }
        Ok(())
    }
}

/// An object in a bucket. Kept small: a benchmark stores a million.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) content: Content,
    pub(crate) modified: i64,
    pub(crate) etag: ETag,
    pub(crate) encryption: Encryption,
    pub(crate) storage_class: StorageClass,
    /// The parts' sizes, for a multipart object.
    pub(crate) parts: Option<Arc<[u64]>>,
    pub(crate) checksum: Option<Arc<Checksum>>,
    more: Option<Arc<More>>,
}

/// What few objects have, or many share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct More {
    pub(crate) metadata: Metadata,
    pub(crate) tags: u32,
    pub(crate) annotations: u32,
    pub(crate) owner: Arc<str>,
}

impl Object {
    /// An object just written: its ETag from content, layout and encryption.
    pub(crate) fn written(content: Content, parts: Option<Vec<u64>>, encryption: Encryption, nonce: u64) -> Self {
        let etag = match &parts {
            None => ETag::of_content(&content, encryption, nonce),
            Some(sizes) => {
                let mut at = 0;
                let etags: Vec<ETag> = sizes
                    .iter()
                    .zip(0u64..)
                    .map(|(size, n)| {
                        at += size;
                        ETag::of_content(&content.slice(at - size..at), encryption, nonce ^ mix(n))
                    })
                    .collect();
                ETag::of_parts(&etags)
            }
        };
        Self::with_etag(content, parts, encryption, etag)
    }

    /// An object whose ETag is known: the parts were answered with theirs.
    pub(crate) fn with_etag(content: Content, parts: Option<Vec<u64>>, encryption: Encryption, etag: ETag) -> Self {
        Self {
            content,
            modified: 0,
            etag,
            encryption,
            storage_class: STANDARD.into(),
            parts: parts.map(Into::into),
            checksum: None,
            more: None,
        }
    }

    pub(crate) fn set_more(&mut self, more: More) {
        self.more = Some(Arc::new(more));
    }

    /// As [`set_more`](Self::set_more), for many objects that share one.
    pub(crate) fn share_more(&mut self, more: &Arc<More>) {
        self.more = Some(more.clone());
    }

    pub(crate) fn more(&self) -> Option<&More> {
        self.more.as_deref()
    }

    pub(crate) fn metadata(&self) -> Metadata {
        self.more().map(|more| more.metadata.clone()).unwrap_or_default()
    }

    pub(crate) fn tags(&self) -> u32 {
        self.more().map_or(0, |more| more.tags)
    }

    pub(crate) fn annotations(&self) -> u32 {
        self.more().map_or(0, |more| more.annotations)
    }

    pub(crate) fn archived(&self) -> bool {
        matches!(self.storage_class.name(), "GLACIER" | "DEEP_ARCHIVE")
    }

    /// Where part `number` (from 1) lies. A plain object counts as one part.
    pub(crate) fn part_range(&self, number: i32) -> Option<std::ops::Range<u64>> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        let Some(sizes) = &self.parts else {
            return (index == 0).then(|| 0..self.content.len());
        };
        let start: u64 = sizes.get(..index)?.iter().sum();
        Some(start..start + sizes.get(index)?)
    }

    pub(crate) fn checksum_of(&self, algorithm: Algorithm, kind: ChecksumKind) -> Checksum {
        let value = match (&self.parts, kind) {
            (Some(sizes), ChecksumKind::Composite) => {
                let mut at = 0;
                let digests: Vec<Vec<u8>> = sizes
                    .iter()
                    .map(|size| {
                        at += size;
                        self.content.slice(at - size..at).checksum(algorithm)
                    })
                    .collect();
                composite(algorithm, &digests)
            }
            _ => base64(&self.content.checksum(algorithm)),
        };
        let kind = if self.parts.is_none() { ChecksumKind::FullObject } else { kind };
        Checksum { algorithm, kind, value }
    }

    pub(crate) fn info(&self) -> ObjectInfo {
        ObjectInfo {
            size: self.content.len(),
            etag: format!("\"{}\"", self.etag),
            parts: self.parts.as_deref().map(<[u64]>::to_vec),
            checksum: self.checksum.as_deref().cloned(),
            storage_class: self.storage_class.name(),
            encryption: self.encryption,
            metadata: self.metadata(),
            tags: self.tags(),
            annotations: self.annotations(),
            modified: clock::at_seconds(self.modified),
            owner: self.more().map(|more| more.owner.to_string()).unwrap_or_default(),
        }
    }
}

/// The checksum of parts' checksums, as S3 writes it.
pub(crate) fn composite(algorithm: Algorithm, digests: &[Vec<u8>]) -> String {
    let whole = algorithm.of_bytes(digests.iter().map(Vec::as_slice));
    format!("{}-{}", base64(&whole), digests.len())
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    aws_smithy_types::base64::encode(bytes)
}

/// One of S3's storage classes, in a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct StorageClass(u8);

const CLASSES: [&str; 8] = [
    STANDARD,
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
];

impl StorageClass {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let index = CLASSES.iter().position(|class| *class == name)?;
        u8::try_from(index).ok().map(Self)
    }

    pub(crate) fn name(self) -> &'static str {
        CLASSES.get(usize::from(self.0)).copied().unwrap_or(STANDARD)
    }
}

impl From<&'static str> for StorageClass {
    fn from(name: &'static str) -> Self {
        match Self::parse(name) {
            Some(class) => class,
            None => panic!("{name} is not a storage class that the sandbox knows: {CLASSES:?}"),
        }
    }
}

/// What a test may know about a stored object.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Bytes.
    pub size: u64,
    /// The ETag in quotes, as answers carry it.
    pub etag: String,
    /// The parts' sizes of a multipart object.
    pub parts: Option<Vec<u64>>,
    /// The stored checksum.
    pub checksum: Option<Checksum>,
    /// `STANDARD`, `GLACIER`, …
    pub storage_class: &'static str,
    /// Who encrypts.
    pub encryption: Encryption,
    /// What a copy carries along.
    pub metadata: Metadata,
    /// How many tags.
    pub tags: u32,
    /// How many annotations.
    pub annotations: u32,
    /// In whole seconds.
    pub modified: SystemTime,
    /// The account that owns it: the bucket's, or under ObjectWriter the writer's.
    pub owner: String,
}
