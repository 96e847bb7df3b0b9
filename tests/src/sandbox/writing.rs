//! PutObject, CopyObject and DeleteObject.

use std::sync::Arc;

use futures::StreamExt;
use http::HeaderMap;
use s3s::dto::{
    self, CopyObjectInput, CopyObjectOutput, CopyObjectResult, DeleteObjectInput, DeleteObjectOutput, PutObjectInput,
    PutObjectOutput, StreamingBlob,
};
use s3s::{S3Request, S3Result};

use super::access::Caller;
use super::asked::CopySource;
use super::clock;
use super::content::{Algorithm, Content};
use super::object::{Checksum, ChecksumKind, Encryption, Metadata, More, Object, STANDARD, StorageClass, base64};
use super::reading::{Checksums, Conditions, archived, encryption, matches};
use super::refusal::{invalid_argument, invalid_request, no_such_bucket, no_such_key, precondition, refuse};
use super::world::{Bucket, Ownership, World};

/// The most that CopyObject, or one part, may copy: what S3 writes as 5 GB is 5 GiB.
pub const LARGEST_COPY: u64 = 5 * 1024 * 1024 * 1024;

/// The most metadata of the user's own.
const LARGEST_USER_METADATA: usize = 2 * 1024;

/// What an operation says about the object it writes, beside the bytes.
#[derive(Clone)]
pub(crate) struct Attributes {
    pub(crate) metadata: Metadata,
    pub(crate) storage_class: StorageClass,
    pub(crate) encryption: Encryption,
    pub(crate) owner: Arc<str>,
    pub(crate) tags: u32,
}

impl Attributes {
    /// Read from the headers, which PutObject, CopyObject and CreateMultipartUpload share.
    pub(crate) fn read(headers: &HeaderMap, bucket: &Bucket, caller: &Caller) -> S3Result<Self> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let storage_class = header("x-amz-storage-class").unwrap_or(STANDARD);
        let storage_class = StorageClass::parse(storage_class)
            .ok_or_else(|| refuse(400, "InvalidStorageClass", "The storage class you specified is not valid"))?;
        let encryption = match header("x-amz-server-side-encryption") {
            Some("AES256") => Encryption::S3,
            Some(_) => Encryption::Kms,
            None => bucket.settings.encryption,
        };
        let full_control = header("x-amz-acl") == Some("bucket-owner-full-control");
        let writer = caller.principal.account();
        let owner = match bucket.settings.owner_rule() {
            Ownership::BucketOwnerEnforced => bucket.owner.as_str(),
            Ownership::BucketOwnerPreferred if full_control => bucket.owner.as_str(),
            _ => writer,
        };
        let tags = header("x-amz-tagging").map_or(0, |tags| tags.split('&').filter(|tag| !tag.is_empty()).count());
        Ok(Self {
            metadata: metadata(headers)?,
            storage_class,
            encryption,
            owner: owner.into(),
            tags: u32::try_from(tags).unwrap_or(u32::MAX),
        })
    }

    pub(crate) fn dress(&self, object: &mut Object, now: i64, bucket: &Bucket) {
        object.modified = now;
        object.storage_class = self.storage_class;
        let more = More { metadata: self.metadata.clone(), tags: self.tags, annotations: 0, owner: self.owner.clone() };
        if more == *bucket.plain {
            object.share_more(&bucket.plain);
        } else {
            object.set_more(more);
        }
    }
}

/// The seven kinds of metadata, from headers.
fn metadata(headers: &HeaderMap) -> S3Result<Metadata> {
    // S3 keeps metadata as the bytes that came; the SDK sends non-ASCII ones as they are or encoded by RFC 2047.
    let header = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut out = Metadata {
        content_type: header("content-type"),
        content_encoding: header("content-encoding")
            .map(|value| value.replace("aws-chunked,", "").replace("aws-chunked", ""))
            .filter(|value| !value.is_empty()),
        content_language: header("content-language"),
        content_disposition: header("content-disposition"),
        cache_control: header("cache-control"),
        ..Metadata::default()
    };
    if let Some(text) = header("expires") {
        let date = chrono::NaiveDateTime::parse_from_str(&text, "%a, %d %b %Y %H:%M:%S GMT")
            .map_err(|_| invalid_argument("Expires is not a date"))?;
        out.expires = Some(date.and_utc().timestamp());
    }
    for (name, value) in headers {
        if let Some(name) = name.as_str().strip_prefix("x-amz-meta-") {
            out.user.insert(name.into(), String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
    }
    let size: usize = out.user.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > LARGEST_USER_METADATA {
        return Err(refuse(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size"));
    }
    Ok(out)
}

/// Reads a body and checks its length, Content-MD5 and checksum, which s3s does not.
pub(crate) async fn receive(
    body: Option<StreamingBlob>,
    declared: Option<i64>,
    headers: &HeaderMap,
    trailers: Option<s3s::TrailingHeaders>,
) -> S3Result<(Content, Option<Algorithm>)> {
    let mut bytes = Vec::new();
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| {
                // s3s compares the body with its signed hash, and says so in words only.
                if format!("{error:?}").contains("Sha256Mismatch") {
                    refuse(
                        400,
                        "XAmzContentSHA256Mismatch",
                        "The provided 'x-amz-content-sha256' header does not match what was computed.",
                    )
                } else {
                    refuse(400, "IncompleteBody", "The request body terminated unexpectedly")
                }
            })?;
            bytes.extend_from_slice(&chunk);
        }
    }
    if declared.is_some_and(|declared| declared != bytes.len() as i64) {
        return Err(refuse(
            400,
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length",
        ));
    }
    let content = Content::real(bytes.into());
    let bad =
        |which: &str| refuse(400, "BadDigest", format!("The {which} you specified did not match the calculated one."));
    if let Some(md5) = headers.get("content-md5")
        && md5.as_bytes() != base64(&content.md5()).as_bytes()
    {
        return Err(bad("Content-MD5"));
    }
    let mut algorithm = None;
    let trailers = trailers.and_then(|trailers| trailers.take()).unwrap_or_default();
    for one in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256] {
        let name = format!("x-amz-checksum-{}", one.name().to_ascii_lowercase());
        if let Some(sent) = headers.get(&name).or_else(|| trailers.get(&name)) {
            if sent.as_bytes() != base64(&content.checksum(one)).as_bytes() {
                return Err(bad(one.name()));
            }
            algorithm = Some(one);
        }
    }
    Ok((content, algorithm))
}

/// `If-None-Match: *` and `If-Match` on what a write replaces.
pub(crate) fn may_replace(headers: &HeaderMap, existing: Option<&Object>) -> S3Result<()> {
    let condition = |name: &str| {
        let value = headers.get(name)?;
        Some(
            dto::ETagCondition::parse_http_header(value.as_bytes())
                .map_err(|_| invalid_argument(format!("bad {name}"))),
        )
    };
    if let Some(none) = condition("if-none-match").transpose()? {
        if none.as_etag().is_some() {
            return Err(super::refusal::not_written("If-None-Match with an ETag on a write"));
        }
        if existing.is_some() {
            return Err(precondition("If-None-Match"));
        }
    }
    if let Some(same) = condition("if-match").transpose()? {
        let object = existing.ok_or_else(no_such_key)?;
        if !matches(&same, object) {
            return Err(precondition("If-Match"));
        }
    }
    Ok(())
}

pub(crate) async fn put_object(
    world: &World,
    caller: &Caller,
    req: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let input = req.input;
    let (content, algorithm) = receive(input.body, input.content_length, &req.headers, req.trailing_headers).await?;
    let nonce = world.nonce();
    let now = clock::seconds(world.now());
    let mut state = world.state();
    let bucket = state.buckets.get_mut(&input.bucket).ok_or_else(no_such_bucket)?;
    let attributes = Attributes::read(&req.headers, bucket, caller)?;
    may_replace(&req.headers, bucket.objects.get(&*input.key))?;
    let mut object = Object::written(content, None, attributes.encryption, nonce);
    let checksum = object.checksum_of(algorithm.unwrap_or(Algorithm::Crc64Nvme), ChecksumKind::FullObject);
    object.checksum = Some(Arc::new(checksum.clone()));
    attributes.dress(&mut object, now, bucket);
    let etag = object.etag;
    bucket.objects.insert(input.key.into(), object);
    let shown = Checksums::of(Some((checksum.algorithm, checksum.value)));
    Ok(PutObjectOutput {
        e_tag: Some(etag.dto()),
        server_side_encryption: Some(encryption(attributes.encryption)),
        checksum_type: Some(dto::ChecksumType::from_static(checksum.kind.name())),
        checksum_crc32: shown.crc32,
        checksum_crc32c: shown.crc32c,
        checksum_crc64nvme: shown.crc64nvme,
        checksum_sha1: shown.sha1,
        checksum_sha256: shown.sha256,
        ..Default::default()
    })
}

/// Where a copy reads, once more, after `check` allowed it.
pub(crate) fn source(headers: &HeaderMap) -> S3Result<CopySource> {
    let header = headers.get("x-amz-copy-source").map(http::HeaderValue::as_bytes).unwrap_or_default();
    CopySource::parse(header).map_err(invalid_argument)
}

/// The source of a copy, if the conditions on it hold and it is not archived.
pub(crate) fn pinned(world: &World, from: &CopySource, conditions: &Conditions<'_>) -> S3Result<Object> {
    let state = world.state();
    let bucket = state.buckets.get(&from.bucket).ok_or_else(no_such_bucket)?;
    let object = bucket.objects.get(&*from.key).ok_or_else(no_such_key)?;
    if let Some(name) = conditions.broken(object) {
        return Err(precondition(&format!("x-amz-copy-source-{}", name.to_ascii_lowercase())));
    }
    if object.archived() {
        return Err(archived("Operation is not valid for the source object's storage class"));
    }
    Ok(object.clone())
}

/// The checksum algorithm named in a header.
pub(crate) fn algorithm(headers: &HeaderMap) -> S3Result<Option<Algorithm>> {
    let Some(value) = headers.get("x-amz-checksum-algorithm") else { return Ok(None) };
    let name = value.to_str().unwrap_or_default();
    Algorithm::parse(name).map(Some).ok_or_else(|| invalid_request("Checksum algorithm provided is unsupported."))
}

pub(crate) fn copy_object(
    world: &World,
    caller: &Caller,
    req: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let input = &req.input;
    let from = source(&req.headers)?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match.as_ref(),
        if_none_match: input.copy_source_if_none_match.as_ref(),
        if_modified_since: input.copy_source_if_modified_since.as_ref(),
        if_unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
    };
    let original = pinned(world, &from, &conditions)?;
    if original.content.len() > LARGEST_COPY {
        return Err(invalid_request(format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST_COPY}"
        )));
    }
    let directive = |name: &str| match req.headers.get(name).map(|value| value.to_str().unwrap_or_default()) {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(_) => Err(invalid_argument(format!("Unknown {name}."))),
    };
    let (new_metadata, new_tags) = (directive("x-amz-metadata-directive")?, directive("x-amz-tagging-directive")?);
    let keeps_annotations = req.headers.get("x-amz-object-annotation-directive").is_none_or(|value| value != "EXCLUDE");
    let chosen = algorithm(&req.headers)?;
    let nonce = world.nonce();
    let now = clock::seconds(world.now());
    let mut state = world.state();
    let bucket = state.buckets.get_mut(&input.bucket).ok_or_else(no_such_bucket)?;
    may_replace(&req.headers, bucket.objects.get(&*input.key))?;
    let mut attributes = Attributes::read(&req.headers, bucket, caller)?;
    let to_itself = from.bucket == input.bucket && from.key == input.key;
    if to_itself && !new_metadata && attributes.storage_class == original.storage_class {
        return Err(invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's \
             metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    if !new_metadata {
        attributes.metadata = original.metadata();
    }
    if !new_tags {
        attributes.tags = original.tags();
    }
    let mut object = Object::written(original.content.clone(), None, attributes.encryption, nonce);
    let kept = chosen.or(original.checksum.as_ref().map(|checksum| checksum.algorithm));
    let checksum: Checksum = object.checksum_of(kept.unwrap_or(Algorithm::Crc64Nvme), ChecksumKind::FullObject);
    object.checksum = Some(Arc::new(checksum.clone()));
    attributes.dress(&mut object, now, bucket);
    if keeps_annotations && original.annotations() > 0 {
        object.set_more(More {
            metadata: attributes.metadata.clone(),
            tags: attributes.tags,
            annotations: original.annotations(),
            owner: attributes.owner.clone(),
        });
    }
    let etag = object.etag;
    bucket.objects.insert(input.key.as_str().into(), object);
    let shown = Checksums::of(Some((checksum.algorithm, checksum.value)));
    Ok(CopyObjectOutput {
        server_side_encryption: Some(encryption(attributes.encryption)),
        copy_object_result: Some(CopyObjectResult {
            e_tag: Some(etag.dto()),
            last_modified: Some(clock::at_seconds(now).into()),
            checksum_type: Some(dto::ChecksumType::from_static(checksum.kind.name())),
            checksum_crc32: shown.crc32,
            checksum_crc32c: shown.crc32c,
            checksum_crc64nvme: shown.crc64nvme,
            checksum_sha1: shown.sha1,
            checksum_sha256: shown.sha256,
        }),
        ..Default::default()
    })
}

pub(crate) fn delete_object(world: &World, input: &DeleteObjectInput) -> S3Result<DeleteObjectOutput> {
    let mut state = world.state();
    let bucket = state.buckets.get_mut(&input.bucket).ok_or_else(no_such_bucket)?;
    bucket.objects.remove(&*input.key);
    Ok(DeleteObjectOutput::default())
}
