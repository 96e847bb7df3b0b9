//! What the source says of an object's content, asked as the copy role.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use futures::{StreamExt, stream};

use super::{
    DeepVerdict, Fault,
    digest::{Crc, Said, md5_of_etag},
};
use crate::{
    ETag, ListedObject,
    checksum::Checksums,
    engine::{head_source, is_kms},
    failure::FailureKind,
    layout::{Layout, MAX_PARTS, guess},
    plan::Scene,
    requests::Requests,
};

/// Why the content may be the source's though nothing compares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Excuse {
    pub(super) detail: &'static str,
    /// It holds for as long as there is this version.
    pub(super) lasting: bool,
}

const fn lasting(detail: &'static str) -> Excuse {
    Excuse { detail, lasting: true }
}

const fn passing(detail: &'static str) -> Excuse {
    Excuse { detail, lasting: false }
}

const KMS: Excuse =
    lasting("the source encrypts with KMS, so its ETag says nothing of the content, and it tells no CRC of it");
const NO_MD5: Excuse = lasting("the source's ETag is no MD5, and it tells no CRC of the content");
const OTHER_STORE: Excuse =
    passing("the ETag differs, but the source is no S3 (--compat) and may make ETags as it likes");
const NO_LAYOUT: Excuse = passing("the source does not tell the sizes of its parts, and no usual ones give its ETag");
const NOT_READABLE: Excuse =
    passing("the copy role may not read it at the source, which could tell the sizes of its parts");
const NO_CRC: Excuse = passing("the source's ETag is no MD5, and the copy role may not read its CRC at the source");
const SOURCE_CHANGED: &str = "the source has another version than it listed";
const SOURCE_VANISHED: &str = "the source does not have it any more";

/// Asks the source about one object.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    scene: &'a Scene,
    requests: &'a Requests,
    object: &'a ListedObject,
    /// Whether the source encrypts with KMS, once it has told.
    kms: Option<bool>,
    /// The sizes of the parts are the source's own words, but for this: the first and the count fit uniform parts, and each
    /// part was not asked for.
    assumed: Option<(u64, u32)>,
    excuse: Option<Excuse>,
}

/// What unequal digests mean.
#[derive(Debug)]
pub(super) enum Unequal {
    /// Other content.
    Differs,
    /// Nothing: the source's words do not fit any content.
    Nothing(Excuse),
    /// The parts have other sizes than was assumed: to be read once more.
    Again(Said),
}

impl<'a> Asked<'a> {
    pub(super) fn new(scene: &'a Scene, requests: &'a Requests, object: &'a ListedObject) -> Self {
        Self { scene, requests, object, kms: None, assumed: None, excuse: None }
    }

    /// Whether the copy role may read the object.
    pub(super) async fn is_readable(&mut self) -> Result<bool, Fault> {
        Ok(self.head(None, false).await?.is_some())
    }

    /// What there is to compare with. A plain ETag without a checksum needs no question: the listing says it.
    pub(super) async fn said(&mut self) -> Result<Said, Fault> {
        let object = self.object;
        let mut said = Said::default();
        let mut refused = false;
        if object.full_object_checksum && !self.scene.settings.compat {
            // The checksum of a KMS object needs rights to its key, the rest does not.
            let head = match self.head(None, true).await? {
                None => self.head(None, false).await?,
                head => head,
            };
            refused = head.is_none();
            said.crc = head.as_ref().and_then(|head| Crc::of(&Checksums::of_head(head)));
        }
        let etag = md5_of_etag(&object.etag);
        match object.etag.parts() {
            None => {
                said.md5 = etag;
                self.excuse = refused.then_some(NO_CRC);
            }
            // The CRC is of the whole, whatever the parts.
            Some(_) if said.crc.is_some() => {}
            // No object of S3 has so many, and the sizes of all would fill the memory.
            Some(parts) if u64::from(parts) > MAX_PARTS => self.excuse = Some(NO_LAYOUT),
            Some(parts) => {
                if let Some(digest) = etag {
                    let layout = if refused { guess(object.size, parts) } else { self.layout(parts).await? };
                    said.parts = layout.map(|layout| (digest, sizes(&layout, object.size)));
                }
                if refused {
                    self.excuse = Some(NOT_READABLE);
                }
            }
        }
        if self.kms == Some(true) {
            // Opaque, though it looks like an MD5.
            (said.md5, said.parts) = (None, None);
        }
        Ok(said)
    }

    /// The layout as the source tells it, or else a likely one.
    async fn layout(&mut self, parts: u32) -> Result<Option<Layout>, Fault> {
        let size = self.object.size;
        let Some(head) = self.head(Some(1), false).await? else {
            self.excuse = Some(NOT_READABLE);
            return Ok(guess(size, parts));
        };
        if head.e_tag().is_some_and(|etag| ETag::new(etag) != self.object.etag) {
            // Another version, or a store that answers with the part's own ETag.
            self.head(None, false).await?;
        }
        let first = head.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default();
        let told = head.parts_count().and_then(|count| u32::try_from(count).ok()).filter(|count| *count == parts);
        if told.is_none() {
            // A store that does not know parts answers for the whole object and tells no count.
            self.excuse = Some(NO_LAYOUT);
            return Ok(guess(size, parts));
        }
        match Layout::uniform(first, parts, size) {
            Some(layout) => {
                self.assumed = (parts > 1).then_some((first, parts));
                Ok(Some(layout))
            }
            None => self.each_part(first, parts).await,
        }
    }

    /// The sizes of all parts, by a HEAD each.
    async fn each_part(&mut self, first: u64, count: u32) -> Result<Option<Layout>, Fault> {
        self.assumed = None;
        let mut sizes = vec![first];
        {
            let this = &*self;
            let numbers: Vec<i32> = (2..=count).filter_map(|number| i32::try_from(number).ok()).collect();
            let mut heads = stream::iter(numbers)
                .map(|number| this.ask(Some(number), false))
                .buffered(this.scene.settings.max_in_flight);
            while let Some(head) = heads.next().await {
                let size = head?.and_then(|head| head.content_length()).and_then(|length| u64::try_from(length).ok());
                sizes.extend(size);
            }
        }
        let total = sizes.iter().try_fold(0_u64, |sum, size| sum.checked_add(*size));
        let whole = sizes.len() as u64 == u64::from(count) && total == Some(self.object.size);
        if !whole {
            self.excuse = Some(NO_LAYOUT);
        }
        Ok(whole.then_some(Layout::Sizes(sizes)))
    }

    /// Where there is a CRC, it would be told to who may use the key.
    fn encrypted(&self) -> Excuse {
        Excuse { lasting: !self.object.full_object_checksum, ..KMS }
    }

    /// Nothing could be compared: why.
    pub(super) fn nothing_said(&self) -> Excuse {
        match self.kms {
            Some(true) => self.encrypted(),
            _ => self.excuse.unwrap_or(NO_MD5),
        }
    }

    /// The CRC is equal; whether the plain ETag, which is not, speaks against it.
    pub(super) fn etag_matters(&self) -> bool {
        self.kms == Some(false) && !self.scene.settings.compat
    }

    /// The MD5 is not the plain ETag.
    pub(super) async fn other_md5(&mut self) -> Result<Unequal, Fault> {
        if self.scene.settings.compat {
            return Ok(Unequal::Nothing(OTHER_STORE));
        }
        if self.kms.is_none() {
            // What may not be asked any more is taken at its word.
            self.head(None, false).await?;
        }
        Ok(if self.kms == Some(true) { Unequal::Nothing(self.encrypted()) } else { Unequal::Differs })
    }

    /// The MD5s of the parts do not give the multipart ETag.
    pub(super) async fn other_parts(&mut self, said: &Said) -> Result<Unequal, Fault> {
        if let Some(excuse) = self.excuse {
            return Ok(Unequal::Nothing(excuse));
        }
        if let Some((first, count)) = self.assumed
            && let Some((digest, assumed)) = &said.parts
        {
            match self.each_part(first, count).await? {
                Some(Layout::Sizes(sizes)) if sizes != *assumed => {
                    return Ok(Unequal::Again(Said { parts: Some((*digest, sizes)), ..said.clone() }));
                }
                Some(_) => {}
                None => return Ok(Unequal::Nothing(NO_LAYOUT)),
            }
        }
        if self.scene.settings.compat {
            return Ok(Unequal::Nothing(OTHER_STORE));
        }
        // A source that changed since would have told the sizes of other parts.
        self.head(None, false).await?;
        Ok(Unequal::Differs)
    }

    /// A HEAD of the version that was listed; `None` where the copy role may not.
    async fn head(&mut self, part: Option<i32>, checksum: bool) -> Result<Option<HeadObjectOutput>, Fault> {
        let head = self.ask(part, checksum).await?;
        if let Some(head) = &head {
            if part.is_none() && head.e_tag().is_some_and(|etag| ETag::new(etag) != self.object.etag) {
                return Err(Fault::Verdict(DeepVerdict::ChangedMeanwhile { detail: SOURCE_CHANGED }));
            }
            self.kms = Some(is_kms(head.server_side_encryption()));
        }
        Ok(head)
    }

    async fn ask(&self, part: Option<i32>, checksum: bool) -> Result<Option<HeadObjectOutput>, Fault> {
        match head_source(self.scene, self.requests, &self.object.key, part, checksum).await {
            Ok(head) => Ok(Some(head)),
            Err(failed) => match failed.kind() {
                FailureKind::Denied => Ok(None),
                FailureKind::NotFound => Err(Fault::Verdict(DeepVerdict::ChangedMeanwhile { detail: SOURCE_VANISHED })),
                _ => Err(Fault::of(self.scene.source.name(), failed)),
            },
        }
    }
}

fn sizes(layout: &Layout, size: u64) -> Vec<u64> {
    let sizes = layout.sizes(size);
    // An empty object has one empty part.
    if sizes.is_empty() { vec![0] } else { sizes }
}
