//! Multipart uploads, from create to complete or abort.

use std::collections::BTreeMap;
use std::sync::Arc;

use s3s::dto::{
    self, AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CopyPartResult, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput,
    ListPartsOutput, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Result};

use super::access::Caller;
use super::clock;
use super::content::{Algorithm, Content};
use super::object::{Checksum, ChecksumKind, ETag, Object, base64, composite};
use super::reading::{Checksums, Conditions, encryption};
use super::refusal::{invalid_argument, invalid_request, no_such_bucket, no_such_upload, refuse};
use super::world::{State, World};
use super::writing::{Attributes, LARGEST_COPY, algorithm, may_replace, pinned, receive, source};

/// Every part but the last has at least this size.
pub const SMALLEST_PART: u64 = 5 * 1024 * 1024;
/// Parts are numbered 1 to this.
pub const MOST_PARTS: i32 = 10_000;

/// An upload between create and complete.
pub(crate) struct Upload {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// The ARN of who began it.
    pub(crate) initiator: String,
    /// The ACL it was created with, which authorises its parts.
    pub(crate) acl: Option<String>,
    pub(crate) parts: BTreeMap<i32, Part>,
    attributes: Attributes,
    /// None: nothing was asked for, and S3 keeps a CRC64NVME of the whole object.
    checksum: Option<(Algorithm, ChecksumKind)>,
    initiated: i64,
}

pub(crate) struct Part {
    content: Content,
    etag: ETag,
    modified: i64,
    digest: Option<Vec<u8>>,
}

pub(crate) fn create(
    world: &World,
    caller: &Caller,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let input = &req.input;
    let kind = match input.checksum_type.as_ref().map(dto::ChecksumType::as_str) {
        None => None,
        Some("FULL_OBJECT") => Some(ChecksumKind::FullObject),
        Some("COMPOSITE") => Some(ChecksumKind::Composite),
        Some(_) => return Err(invalid_request("Value for x-amz-checksum-type header is invalid.")),
    };
    let checksum = match (algorithm(&req.headers)?, kind) {
        (None, None) => None,
        (None, Some(_)) => {
            return Err(invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            ));
        }
        (Some(Algorithm::Crc64Nvme), None) => Some((Algorithm::Crc64Nvme, ChecksumKind::FullObject)),
        (Some(algorithm), kind) => Some((algorithm, kind.unwrap_or(ChecksumKind::Composite))),
    };
    match checksum {
        Some((Algorithm::Crc64Nvme, ChecksumKind::Composite))
        | Some((Algorithm::Sha1 | Algorithm::Sha256, ChecksumKind::FullObject)) => {
            return Err(invalid_request("The checksum type is not supported with this checksum algorithm."));
        }
        _ => {}
    }
    let id = {
        let (a, b) = (world.nonce(), world.nonce());
        format!("{a:016x}{b:016x}.sandbox_upload")
    };
    let now = clock::seconds(world.now());
    let mut state = world.state();
    let bucket = state.buckets.get(&input.bucket).ok_or_else(no_such_bucket)?;
    let attributes = Attributes::read(&req.headers, bucket, caller)?;
    let output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        upload_id: Some(id.clone()),
        checksum_algorithm: checksum.map(|(algorithm, _)| dto::ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: checksum.map(|(_, kind)| dto::ChecksumType::from_static(kind.name())),
        server_side_encryption: Some(encryption(attributes.encryption)),
        ..Default::default()
    };
    let upload = Upload {
        bucket: input.bucket.clone(),
        key: input.key.clone(),
        initiator: caller.principal.arn(),
        acl: req.headers.get("x-amz-acl").and_then(|value| value.to_str().ok()).map(str::to_owned),
        parts: BTreeMap::new(),
        attributes,
        checksum,
        initiated: now,
    };
    state.uploads.insert(id, upload);
    Ok(output)
}

fn open<'a>(state: &'a mut State, id: &str, bucket: &str, key: &str) -> S3Result<&'a mut Upload> {
    let upload = state.uploads.get_mut(id).filter(|upload| upload.bucket == bucket && upload.key == key);
    upload.ok_or_else(no_such_upload)
}

fn part_number(number: i32) -> S3Result<i32> {
    if (1..=MOST_PARTS).contains(&number) {
        Ok(number)
    } else {
        Err(invalid_argument(format!("Part number must be an integer between 1 and {MOST_PARTS}, inclusive")))
    }
}

/// Stores a part; gives back its ETag, time, encryption and checksum.
fn store(
    world: &World,
    (bucket, key, id): (&str, &str, &str),
    number: i32,
    content: Content,
) -> S3Result<(ETag, i64, super::object::Encryption, Checksums)> {
    let nonce = world.nonce();
    let now = clock::seconds(world.now());
    let mut state = world.state();
    let upload = open(&mut state, id, bucket, key)?;
    let kms = upload.attributes.encryption;
    let etag = ETag::of_content(&content, kms, nonce);
    let digest = upload.checksum.map(|(algorithm, _)| (algorithm, content.checksum(algorithm)));
    let shown = Checksums::of(digest.as_ref().map(|(algorithm, digest)| (*algorithm, base64(digest))));
    let digest = digest.map(|(_, digest)| digest);
    upload.parts.insert(number, Part { content, etag, modified: now, digest });
    Ok((etag, now, kms, shown))
}

pub(crate) fn upload_part_copy(world: &World, req: S3Request<UploadPartCopyInput>) -> S3Result<UploadPartCopyOutput> {
    let input = &req.input;
    let number = part_number(input.part_number)?;
    let from = source(&req.headers)?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match.as_ref(),
        if_none_match: input.copy_source_if_none_match.as_ref(),
        if_modified_since: input.copy_source_if_modified_since.as_ref(),
        if_unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
    };
    let original = pinned(world, &from, &conditions)?;
    let size = original.content.len();
    let range = match &input.copy_source_range {
        None => 0..size,
        Some(text) => {
            let bounds = text.strip_prefix("bytes=").and_then(|text| text.split_once('-'));
            let bounds = bounds.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
            let (first, last) = bounds.filter(|(first, last)| first <= last).ok_or_else(|| {
                invalid_argument(
                    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
                     zero-based offsets of the first and last bytes to copy",
                )
            })?;
            if last >= size {
                return Err(invalid_argument(format!(
                    "Range specified is not valid for source object of size: {size}"
                )));
            }
            // A source of up to 5 MB is copied whole or not at all.
            if size <= SMALLEST_PART {
                return Err(invalid_request("The specified copy source is not supported as a byte-range copy source"));
            }
            first..last + 1
        }
    };
    if range.end - range.start > LARGEST_COPY {
        return Err(invalid_request(format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST_COPY}"
        )));
    }
    let place = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
    let (etag, now, kms, shown) = store(world, place, number, original.content.slice(range))?;
    Ok(UploadPartCopyOutput {
        server_side_encryption: Some(encryption(kms)),
        copy_part_result: Some(CopyPartResult {
            e_tag: Some(etag.dto()),
            last_modified: Some(clock::at_seconds(now).into()),
            checksum_crc32: shown.crc32,
            checksum_crc32c: shown.crc32c,
            checksum_crc64nvme: shown.crc64nvme,
            checksum_sha1: shown.sha1,
            checksum_sha256: shown.sha256,
        }),
        ..Default::default()
    })
}

pub(crate) async fn upload_part(world: &World, req: S3Request<UploadPartInput>) -> S3Result<UploadPartOutput> {
    let input = req.input;
    let number = part_number(input.part_number)?;
    let (content, _) = receive(input.body, input.content_length, &req.headers, req.trailing_headers).await?;
    let place = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
    let (etag, _, kms, shown) = store(world, place, number, content)?;
    Ok(UploadPartOutput {
        e_tag: Some(etag.dto()),
        server_side_encryption: Some(encryption(kms)),
        checksum_crc32: shown.crc32,
        checksum_crc32c: shown.crc32c,
        checksum_crc64nvme: shown.crc64nvme,
        checksum_sha1: shown.sha1,
        checksum_sha256: shown.sha256,
        ..Default::default()
    })
}

pub(crate) fn complete(
    world: &World,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let input = req.input;
    let now = clock::seconds(world.now());
    let mut state = world.state();
    let upload = open(&mut state, &input.upload_id, &input.bucket, &input.key)?;
    let list = input.multipart_upload.as_ref().and_then(|list| list.parts.clone()).unwrap_or_default();
    let object = upload.assemble(&list, input.mpu_object_size)?;
    upload.agrees(&object, &req.headers)?;
    let etag = object.etag;
    let bucket = state.buckets.get(&input.bucket).ok_or_else(no_such_bucket)?;
    may_replace(&req.headers, bucket.objects.get(&*input.key))?;
    let upload = state.uploads.remove(&*input.upload_id).ok_or_else(no_such_upload)?;
    let bucket = state.buckets.get_mut(&input.bucket).ok_or_else(no_such_bucket)?;
    let mut object = object;
    upload.attributes.dress(&mut object, now, bucket);
    let checksum = object.checksum.clone();
    bucket.objects.insert(input.key.as_str().into(), object);
    let kind = checksum.as_ref().map(|c| dto::ChecksumType::from_static(c.kind.name()));
    let shown = Checksums::of(checksum.map(|c| (c.algorithm, c.value.clone())));
    Ok(CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(etag.dto()),
        server_side_encryption: Some(encryption(upload.attributes.encryption)),
        checksum_type: kind,
        checksum_crc32: shown.crc32,
        checksum_crc32c: shown.crc32c,
        checksum_crc64nvme: shown.crc64nvme,
        checksum_sha1: shown.sha1,
        checksum_sha256: shown.sha256,
        ..Default::default()
    })
}

impl Upload {
    /// The object that this list of parts makes, or what is wrong with the list.
    fn assemble(&self, list: &[CompletedPart], size: Option<i64>) -> S3Result<Object> {
        if list.is_empty() {
            return Err(refuse(
                400,
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema",
            ));
        }
        let numbers: Vec<i32> = list.iter().map(|part| part.part_number.unwrap_or(0)).collect();
        if !numbers.is_sorted_by(|a, b| a < b) {
            return Err(refuse(
                400,
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            ));
        }
        let composite_kind = matches!(self.checksum, Some((_, ChecksumKind::Composite)));
        if composite_kind && numbers.iter().zip(1..).any(|(number, n)| *number != n) {
            return Err(refuse(
                400,
                "InvalidPart",
                "The parts of an upload with a composite checksum are numbered from 1 without gaps.",
            ));
        }
        let mut parts = Vec::with_capacity(list.len());
        for sent in list {
            parts.push(self.listed(sent, composite_kind)?);
        }
        if let Some((_, short)) = parts.split_last()
            && short.iter().any(|part| part.content.len() < SMALLEST_PART)
        {
            return Err(refuse(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"));
        }
        let content = Content::concat(parts.iter().map(|part| &part.content));
        if size.is_some_and(|size| u64::try_from(size).ok() != Some(content.len())) {
            return Err(invalid_request(format!(
                "The provided 'x-amz-mp-object-size' header does not match what was computed: {}",
                content.len()
            )));
        }
        let sizes: Vec<u64> = parts.iter().map(|part| part.content.len()).collect();
        let etags: Vec<ETag> = parts.iter().map(|part| part.etag).collect();
        let encryption = self.attributes.encryption;
        let mut object = Object::with_etag(content, Some(sizes), encryption, ETag::of_parts(&etags));
        let (algorithm, kind) = self.checksum.unwrap_or((Algorithm::Crc64Nvme, ChecksumKind::FullObject));
        let value = match kind {
            ChecksumKind::FullObject => base64(&object.content.checksum(algorithm)),
            ChecksumKind::Composite => {
                let digests: Vec<Vec<u8>> = parts.iter().filter_map(|part| part.digest.clone()).collect();
                composite(algorithm, &digests)
            }
        };
        object.checksum = Some(Arc::new(Checksum { algorithm, kind, value }));
        Ok(object)
    }

    /// The stored part that one line of the list means.
    fn listed(&self, sent: &CompletedPart, needs_checksum: bool) -> S3Result<&Part> {
        let invalid = || {
            refuse(
                400,
                "InvalidPart",
                "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified \
                 entity tag may not match the part's entity tag.",
            )
        };
        let number = sent.part_number.unwrap_or(0);
        let part = self.parts.get(&number).ok_or_else(invalid)?;
        if !sent.e_tag.as_ref().is_some_and(|etag| part.etag.is(etag.value())) {
            return Err(invalid());
        }
        let checksums = [
            (Algorithm::Crc32, &sent.checksum_crc32),
            (Algorithm::Crc32c, &sent.checksum_crc32c),
            (Algorithm::Crc64Nvme, &sent.checksum_crc64nvme),
            (Algorithm::Sha1, &sent.checksum_sha1),
            (Algorithm::Sha256, &sent.checksum_sha256),
        ];
        let own = self.checksum.map(|(algorithm, _)| algorithm);
        for (algorithm, value) in checksums {
            match value {
                Some(value) => {
                    let stored = part.digest.as_deref().filter(|_| own == Some(algorithm)).map(base64);
                    if stored.as_ref() != Some(value) {
                        return Err(invalid());
                    }
                }
                None if needs_checksum && own == Some(algorithm) => {
                    return Err(invalid_request(format!(
                        "The upload was created using a {} checksum. The complete request must include the checksum for each \
                         part. It was missing for part {number} in the request.",
                        algorithm.name().to_ascii_lowercase()
                    )));
                }
                None => {}
            }
        }
        Ok(part)
    }

    /// Whether the checksum of the whole that the client sent is that of the object.
    fn agrees(&self, object: &Object, headers: &http::HeaderMap) -> S3Result<()> {
        let Some(stored) = object.checksum.as_deref() else { return Ok(()) };
        if let Some(kind) = headers.get("x-amz-checksum-type")
            && kind != stored.kind.name()
        {
            return Err(invalid_request("The upload was created with another checksum type."));
        }
        let name = format!("x-amz-checksum-{}", stored.algorithm.name().to_ascii_lowercase());
        match headers.get(&name) {
            Some(value) if value.as_bytes() != stored.value.as_bytes() => Err(refuse(
                400,
                "BadDigest",
                format!("The {} you specified did not match the calculated checksum.", stored.algorithm.name()),
            )),
            _ => Ok(()),
        }
    }
}

pub(crate) fn abort(world: &World, input: &AbortMultipartUploadInput) -> S3Result<AbortMultipartUploadOutput> {
    let mut state = world.state();
    open(&mut state, &input.upload_id, &input.bucket, &input.key)?;
    state.uploads.remove(&*input.upload_id);
    Ok(AbortMultipartUploadOutput::default())
}

pub(crate) fn list_parts(world: &World, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let max = input.max_parts.unwrap_or(i32::MAX).clamp(0, world.state().page);
    let after = input.part_number_marker.unwrap_or(0);
    let mut state = world.state();
    let upload = open(&mut state, &input.upload_id, &input.bucket, &input.key)?;
    let size = usize::try_from(max).unwrap_or(0);
    let rest: Vec<_> = upload.parts.range(after.saturating_add(1)..).take(size + 1).collect();
    let more = rest.len() > size;
    let shown = rest.get(..size.min(rest.len())).unwrap_or_default();
    let parts = shown.iter().map(|(number, part)| {
        let digest =
            upload.checksum.zip(part.digest.as_ref()).map(|((algorithm, _), digest)| (algorithm, base64(digest)));
        let checksum = Checksums::of(digest);
        dto::Part {
            part_number: Some(**number),
            size: i64::try_from(part.content.len()).ok(),
            e_tag: Some(part.etag.dto()),
            last_modified: Some(clock::at_seconds(part.modified).into()),
            checksum_crc32: checksum.crc32,
            checksum_crc32c: checksum.crc32c,
            checksum_crc64nvme: checksum.crc64nvme,
            checksum_sha1: checksum.sha1,
            checksum_sha256: checksum.sha256,
        }
    });
    Ok(ListPartsOutput {
        parts: Some(parts.collect()),
        is_truncated: Some(more),
        max_parts: Some(max),
        part_number_marker: Some(after),
        next_part_number_marker: shown.last().map(|(number, _)| **number).filter(|_| more),
        initiator: Some(dto::Initiator { display_name: None, id: Some(upload.initiator.clone()) }),
        owner: Some(dto::Owner { display_name: None, id: Some(upload.attributes.owner.to_string()) }),
        storage_class: Some(dto::StorageClass::from_static(upload.attributes.storage_class.name())),
        checksum_algorithm: upload.checksum.map(|(algorithm, _)| dto::ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: upload.checksum.map(|(_, kind)| dto::ChecksumType::from_static(kind.name())),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        ..Default::default()
    })
}

pub(crate) fn list_uploads(world: &World, input: ListMultipartUploadsInput) -> S3Result<ListMultipartUploadsOutput> {
    if input.delimiter.is_some() {
        return Err(super::refusal::not_written("delimiter in ListMultipartUploads"));
    }
    let max = input.max_uploads.unwrap_or(i32::MAX).clamp(0, world.state().page);
    let size = usize::try_from(max).unwrap_or(0);
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = (input.key_marker.clone().unwrap_or_default(), input.upload_id_marker.clone());
    let state = world.state();
    // By key, then by id; a marker without an id is past all uploads of its key.
    let past = |key: &str, id: &str| match &after {
        (marker, _) if marker.is_empty() => true,
        (marker, None) => key > marker.as_str(),
        (marker, Some(upload)) => (key, id) > (marker.as_str(), upload.as_str()),
    };
    let mut all: Vec<(&str, &str, &Upload)> = state
        .uploads
        .iter()
        .filter(|(_, upload)| upload.bucket == input.bucket && upload.key.starts_with(&prefix))
        .map(|(id, upload)| (upload.key.as_str(), id.as_str(), upload))
        .filter(|(key, id, _)| past(key, id))
        .collect();
    all.sort_by_key(|(key, id, _)| (*key, *id));
    let more = all.len() > size;
    all.truncate(size);
    let last = all.last().filter(|_| more);
    let next = last.map(|(key, id, _)| ((*key).to_owned(), (*id).to_owned())).unzip();
    let encodes = input.encoding_type.as_ref().is_some_and(|t| t.as_str() == "url");
    let written = |key: &str| if encodes { super::listing::url(key) } else { key.to_owned() };
    let uploads = all.iter().map(|(key, id, upload)| dto::MultipartUpload {
        key: Some(written(key)),
        upload_id: Some((*id).into()),
        initiated: Some(clock::at_seconds(upload.initiated).into()),
        initiator: Some(dto::Initiator { display_name: None, id: Some(upload.initiator.clone()) }),
        owner: Some(dto::Owner { display_name: None, id: Some(upload.attributes.owner.to_string()) }),
        storage_class: Some(dto::StorageClass::from_static(upload.attributes.storage_class.name())),
        checksum_algorithm: upload.checksum.map(|(algorithm, _)| dto::ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: upload.checksum.map(|(_, kind)| dto::ChecksumType::from_static(kind.name())),
    });
    Ok(ListMultipartUploadsOutput {
        uploads: Some(uploads.collect()),
        is_truncated: Some(more),
        max_uploads: Some(max),
        next_key_marker: next.0.as_deref().map(written),
        next_upload_id_marker: next.1,
        bucket: Some(input.bucket),
        prefix: input.prefix,
        key_marker: input.key_marker,
        upload_id_marker: input.upload_id_marker,
        encoding_type: input.encoding_type,
        ..Default::default()
    })
}
