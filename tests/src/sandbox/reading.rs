//! HeadObject and GetObject.

use futures::stream;
use s3s::dto::{self, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, StreamingBlob};
use s3s::{S3Request, S3Result};

use super::clock;
use super::object::{Checksum, ChecksumKind, Encryption, Metadata, Object, base64};
use super::refusal::{no_such_bucket, no_such_key, precondition, refuse};
use super::world::World;

/// Checks If-Match and its three sisters against an object.
pub(crate) struct Conditions<'a> {
    pub(crate) if_match: Option<&'a dto::ETagCondition>,
    pub(crate) if_none_match: Option<&'a dto::ETagCondition>,
    pub(crate) if_modified_since: Option<&'a dto::Timestamp>,
    pub(crate) if_unmodified_since: Option<&'a dto::Timestamp>,
}

pub(crate) fn matches(condition: &dto::ETagCondition, object: &Object) -> bool {
    condition.as_etag().is_none_or(|etag| object.etag.is(etag.value()))
}

impl Conditions<'_> {
    /// The name of the condition that does not hold. If-Match counts more than If-Unmodified-Since, and If-None-Match more
    /// than If-Modified-Since.
    pub(crate) fn broken(&self, object: &Object) -> Option<&'static str> {
        let modified: dto::Timestamp = clock::at_seconds(object.modified).into();
        match (self.if_match, self.if_unmodified_since) {
            (Some(etag), _) if !matches(etag, object) => return Some("If-Match"),
            (None, Some(date)) if modified > *date => return Some("If-Unmodified-Since"),
            _ => {}
        }
        match (self.if_none_match, self.if_modified_since) {
            (Some(etag), _) if matches(etag, object) => Some("If-None-Match"),
            (None, Some(date)) if modified <= *date => Some("If-Modified-Since"),
            _ => None,
        }
    }
}

/// The bytes asked for: a range, a part, or all.
fn wanted(object: &Object, range: Option<dto::Range>, part: Option<i32>) -> S3Result<std::ops::Range<u64>> {
    let size = object.content.len();
    match (range, part) {
        (Some(_), Some(_)) => {
            Err(refuse(400, "InvalidRequest", "Cannot specify both Range header and partNumber query parameter"))
        }
        (Some(range), None) => {
            range.check(size).map_err(|_| refuse(416, "InvalidRange", "The requested range is not satisfiable"))
        }
        (None, Some(part)) => object
            .part_range(part)
            .ok_or_else(|| refuse(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")),
        (None, None) => Ok(0..size),
    }
}

/// The checksum to show: the stored one, or that of the part asked for.
fn shown(object: &Object, part: Option<i32>, mode: Option<&dto::ChecksumMode>) -> Option<Checksum> {
    let stored = object.checksum.as_deref().filter(|_| mode.is_some_and(|mode| mode.as_str() == "ENABLED"))?;
    match part.filter(|_| object.parts.is_some()).and_then(|part| object.part_range(part)) {
        // Parts of a composite checksum have their own; those of a whole-object checksum do not.
        Some(range) => (stored.kind == ChecksumKind::Composite).then(|| Checksum {
            value: base64(&object.content.slice(range).checksum(stored.algorithm)),
            ..stored.clone()
        }),
        None => Some(stored.clone()),
    }
}

struct Shown {
    object: Object,
    range: std::ops::Range<u64>,
    partial: bool,
    checksum: Checksums,
    kind: Option<dto::ChecksumType>,
}

impl Shown {
    fn content_range(&self) -> Option<String> {
        let std::ops::Range { start, end } = self.range;
        let whole = self.object.content.len();
        (self.partial && end > start).then(|| format!("bytes {start}-{}/{whole}", end - 1))
    }

    fn length(&self) -> Option<i64> {
        i64::try_from(self.range.end - self.range.start).ok()
    }

    fn parts_count(&self, part: Option<i32>) -> Option<i32> {
        part.and(self.object.parts.as_ref()).and_then(|parts| i32::try_from(parts.len()).ok())
    }
}

/// A checksum in the field of its algorithm.
#[derive(Default)]
pub(crate) struct Checksums {
    pub(crate) crc32: Option<String>,
    pub(crate) crc32c: Option<String>,
    pub(crate) crc64nvme: Option<String>,
    pub(crate) sha1: Option<String>,
    pub(crate) sha256: Option<String>,
}

impl Checksums {
    pub(crate) fn of(checksum: Option<(super::content::Algorithm, String)>) -> Self {
        use super::content::Algorithm;
        let mut out = Self::default();
        if let Some((algorithm, value)) = checksum {
            let field = match algorithm {
                Algorithm::Crc32 => &mut out.crc32,
                Algorithm::Crc32c => &mut out.crc32c,
                Algorithm::Crc64Nvme => &mut out.crc64nvme,
                Algorithm::Sha1 => &mut out.sha1,
                Algorithm::Sha256 => &mut out.sha256,
            };
            *field = Some(value);
        }
        out
    }
}

fn look(
    world: &World,
    bucket: &str,
    key: &str,
    conditions: &Conditions<'_>,
    range: Option<dto::Range>,
    part: Option<i32>,
    mode: Option<&dto::ChecksumMode>,
) -> S3Result<Shown> {
    let object = {
        let state = world.state();
        let bucket = state.buckets.get(bucket).ok_or_else(no_such_bucket)?;
        bucket.objects.get(key).ok_or_else(no_such_key)?.clone()
    };
    match conditions.broken(&object) {
        None => {}
        Some(name @ ("If-Match" | "If-Unmodified-Since")) => return Err(precondition(name)),
        Some(_) => return Err(refuse(304, "NotModified", "Not Modified")),
    }
    let partial = range.is_some() || part.is_some();
    let range = wanted(&object, range, part)?;
    // A range has no checksum of its own.
    let checksum = if partial && part.is_none() { None } else { shown(&object, part, mode) };
    let kind = checksum.as_ref().map(|c| dto::ChecksumType::from_static(c.kind.name()));
    let checksum = Checksums::of(checksum.map(|c| (c.algorithm, c.value)));
    Ok(Shown { object, range, partial, checksum, kind })
}

/// The storage class header, which S3 leaves out for STANDARD.
fn class(object: &Object) -> Option<dto::StorageClass> {
    let name = object.storage_class.name();
    (name != super::object::STANDARD).then(|| dto::StorageClass::from_static(name))
}

pub(crate) fn encryption(encryption: Encryption) -> dto::ServerSideEncryption {
    dto::ServerSideEncryption::from_static(match encryption {
        Encryption::S3 => "AES256",
        Encryption::Kms => "aws:kms",
    })
}

fn user(metadata: &Metadata) -> Option<dto::Metadata> {
    (!metadata.user.is_empty()).then(|| metadata.user.clone().into_iter().collect())
}

fn content_type(metadata: &Metadata) -> Option<String> {
    Some(metadata.content_type.clone().unwrap_or_else(|| "binary/octet-stream".into()))
}

fn expires(metadata: &Metadata) -> Option<dto::Timestamp> {
    metadata.expires.map(|at| clock::at_seconds(at).into())
}

pub(crate) fn head_object(world: &World, req: S3Request<HeadObjectInput>) -> S3Result<HeadObjectOutput> {
    let input = req.input;
    let conditions = Conditions {
        if_match: input.if_match.as_ref(),
        if_none_match: input.if_none_match.as_ref(),
        if_modified_since: input.if_modified_since.as_ref(),
        if_unmodified_since: input.if_unmodified_since.as_ref(),
    };
    let part = input.part_number;
    let shown = look(world, &input.bucket, &input.key, &conditions, input.range, part, input.checksum_mode.as_ref())?;
    let metadata = shown.object.metadata();
    Ok(HeadObjectOutput {
        accept_ranges: Some("bytes".into()),
        content_length: shown.length(),
        content_range: shown.content_range(),
        e_tag: Some(shown.object.etag.dto()),
        last_modified: Some(clock::at_seconds(shown.object.modified).into()),
        parts_count: shown.parts_count(part),
        storage_class: class(&shown.object),
        server_side_encryption: Some(encryption(shown.object.encryption)),
        checksum_type: shown.kind,
        checksum_crc32: shown.checksum.crc32,
        checksum_crc32c: shown.checksum.crc32c,
        checksum_crc64nvme: shown.checksum.crc64nvme,
        checksum_sha1: shown.checksum.sha1,
        checksum_sha256: shown.checksum.sha256,
        content_type: content_type(&metadata),
        expires: expires(&metadata),
        metadata: user(&metadata),
        content_encoding: metadata.content_encoding,
        content_language: metadata.content_language,
        content_disposition: metadata.content_disposition,
        cache_control: metadata.cache_control,
        ..Default::default()
    })
}

pub(crate) fn get_object(world: &World, req: S3Request<GetObjectInput>) -> S3Result<GetObjectOutput> {
    let input = req.input;
    let conditions = Conditions {
        if_match: input.if_match.as_ref(),
        if_none_match: input.if_none_match.as_ref(),
        if_modified_since: input.if_modified_since.as_ref(),
        if_unmodified_since: input.if_unmodified_since.as_ref(),
    };
    let part = input.part_number;
    let shown = look(world, &input.bucket, &input.key, &conditions, input.range, part, input.checksum_mode.as_ref())?;
    if shown.object.archived() {
        return Err(archived("The operation is not valid for the object's storage class"));
    }
    let metadata = shown.object.metadata();
    let chunks = shown.object.content.slice(shown.range.clone()).chunks();
    let body = stream::iter(chunks.map(Ok::<_, std::io::Error>));
    Ok(GetObjectOutput {
        body: Some(StreamingBlob::wrap(body)),
        accept_ranges: Some("bytes".into()),
        content_length: shown.length(),
        content_range: shown.content_range(),
        e_tag: Some(shown.object.etag.dto()),
        last_modified: Some(clock::at_seconds(shown.object.modified).into()),
        parts_count: shown.parts_count(part),
        storage_class: class(&shown.object),
        server_side_encryption: Some(encryption(shown.object.encryption)),
        checksum_type: shown.kind,
        checksum_crc32: shown.checksum.crc32,
        checksum_crc32c: shown.checksum.crc32c,
        checksum_crc64nvme: shown.checksum.crc64nvme,
        checksum_sha1: shown.checksum.sha1,
        checksum_sha256: shown.checksum.sha256,
        content_type: content_type(&metadata),
        expires: expires(&metadata),
        metadata: user(&metadata),
        content_encoding: metadata.content_encoding,
        content_language: metadata.content_language,
        content_disposition: metadata.content_disposition,
        cache_control: metadata.cache_control,
        ..Default::default()
    })
}

pub(crate) fn archived(message: &'static str) -> s3s::S3Error {
    refuse(403, "InvalidObjectState", message)
}
