//! Copies an object by parts: in the source's own layout where only that proves the copy, and above 5 GiB.

use std::{
    ops::RangeInclusive,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use aws_sdk_s3::{
    operation::{complete_multipart_upload::CompleteMultipartUploadOutput, head_object::HeadObjectOutput},
    types::{
        ChecksumType, CompletedMultipartUpload, CompletedPart, ObjectCannedAcl, ServerSideEncryption, StorageClass,
    },
};
use aws_smithy_types::{DateTime, date_time::Format};
use futures::{StreamExt, stream};

use crate::{
    CopyReason, ETag, ListedObject, Notice, Proof,
    checksum::{Checksums, completed_part},
    clean,
    engine::{Engine, Fault, Made, is_kms},
    failure::{FailureKind, Operation, RequestFailure},
    layout::{Layout, MAX_PARTS, free_part_size, guess},
    listing::{PageRequest, Side, page},
    plan::any_layout_will_do,
    requests::{Failed, OnCancel, attempt_limit},
    whole::encryption,
};

/// How long to wait for a completion. It moves no bytes, but may take minutes by S3's documentation.
const COMPLETION_LIMIT: Duration = Duration::from_secs(600);

/// What a multipart copy needs to know of its source before it begins.
struct Source {
    head: HeadObjectOutput,
    layout: Layout,
    checksums: Checksums,
    /// The layout is the source's, as the service tells it: other ETags are then a fault unless encryption explains them.
    layout_is_told: bool,
    /// What the destination has under the key before the copy.
    replaced: Option<ETag>,
}

/// A copy that was completed.
struct Completed {
    etag: ETag,
    proof: Proof,
    /// The service said so. Otherwise only the listing shows it, and the upload may still be open.
    answered: bool,
}

/// An upload under way.
struct Upload {
    full_key: String,
    id: String,
    encryption: Option<ServerSideEncryption>,
}

impl Engine {
    /// A multipart copy, pinned to the listed ETag, aborted when it fails.
    /// `replaced` is what the destination has under the key until then.
    pub(crate) async fn copy_parts(
        &self,
        object: &ListedObject,
        replaced: Option<&ETag>,
        reason: CopyReason,
    ) -> Result<Made, Fault> {
        let mut source = self.inspect(object, reason).await?;
        source.replaced = replaced.cloned();
        let fault = match self.copy_in_layout(object, &source).await {
            Err(fault @ Fault::NotProven { .. }) => fault,
            result => return result,
        };
        // The first part and the count fitted a uniform layout, but other sizes fit them as well: ask for each part's, and
        // copy once more if they are others.
        let (Some(parts), Layout::Uniform(first), true) = (object.etag.parts(), &source.layout, source.layout_is_told)
        else {
            return Err(fault);
        };
        match self.part_sizes(object, *first, parts).await? {
            Some(Layout::Sizes(sizes)) if source.layout.sizes(object.size) != sizes => {
                source.layout = Layout::Sizes(sizes);
                if source.layout.is_possible(object.size) {
                    self.copy_in_layout(object, &source).await
                } else {
                    Err(fault)
                }
            }
            _ => Err(fault),
        }
    }

    async fn copy_in_layout(&self, object: &ListedObject, source: &Source) -> Result<Made, Fault> {
        let upload = self.create(object, source).await?;
        let ranges = source.layout.ranges(object.size);
        let count = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
        let made = match self.copy_ranges(object, &upload, ranges).await {
            Ok(parts) => self.complete(object, source, &upload, parts).await,
            Err(fault) => Err(fault),
        };
        let ended = match &made {
            Ok(completed) if completed.answered => true,
            Err(Fault::NotProven { .. }) => true,
            // What cannot be aborted stays in the list of open uploads, which the summary names.
            _ => clean::abort(&self.requests, &self.scene.destination, &upload.full_key, &upload.id).await.is_ok(),
        };
        if ended {
            self.uploads.ended(&upload.full_key, &upload.id);
        }
        made.map(|Completed { etag, proof, .. }| Made { proof, etag, parts: count })
    }

    /// One HEAD tells the metadata, and the layout or the checksum.
    async fn inspect(&self, object: &ListedObject, reason: CopyReason) -> Result<Source, Fault> {
        let any_layout = any_layout_will_do(object, self.scene.settings.proof, reason);
        let parts = object.etag.parts().filter(|_| !any_layout);
        let is_listed = |head: &HeadObjectOutput| head.e_tag().is_none_or(|etag| ETag::new(etag) == object.etag);
        let mut head = self.head_source(&object.key, parts.map(|_| 1), parts.is_none()).await?;
        let (first, told_count) = (head.content_length(), head.parts_count());
        if parts.is_some() && !is_listed(&head) {
            // Some stores answer a HEAD by part with the part's own ETag and metadata: ask for the object's.
            head = self.head_source(&object.key, None, false).await?;
        }
        if !is_listed(&head) {
            return Err(Fault::SourceChanged);
        }
        let free = Layout::Uniform(free_part_size(object.size));
        let Some(parts) = parts else {
            let checksums = Checksums::of_head(&head);
            return Ok(Source { head, layout: free, checksums, layout_is_told: false, replaced: None });
        };
        let first = first.and_then(|l| u64::try_from(l).ok()).unwrap_or_default();
        // A store that does not know parts answers for the whole object and tells no count.
        let told = match told_count.and_then(|n| u32::try_from(n).ok()) {
            Some(count) if count == parts => match Layout::uniform(first, count, object.size) {
                Some(layout) => Some(layout),
                None => self.part_sizes(object, first, count).await?,
            },
            _ => None,
        };
        let told = told.filter(|layout| layout.is_possible(object.size));
        let layout_is_told = told.is_some();
        let layout =
            told.or_else(|| guess(object.size, parts).filter(|layout| layout.is_possible(object.size))).unwrap_or(free);
        Ok(Source { head, layout, checksums: Checksums::default(), layout_is_told, replaced: None })
    }

    /// The sizes of parts that are not uniform, by a HEAD each.
    async fn part_sizes(&self, object: &ListedObject, first: u64, count: u32) -> Result<Option<Layout>, Fault> {
        if u64::from(count) > MAX_PARTS {
            return Ok(None);
        }
        let numbers: Vec<i32> = (2..=count).filter_map(|n| i32::try_from(n).ok()).collect();
        let mut heads = stream::iter(numbers)
            .map(|number| self.head_source(&object.key, Some(number), false))
            .buffered(self.scene.settings.max_in_flight);
        let mut sizes = vec![first];
        while let Some(head) = heads.next().await {
            let Some(size) = head?.content_length().and_then(|l| u64::try_from(l).ok()) else { return Ok(None) };
            sizes.push(size);
        }
        Ok(Some(Layout::Sizes(sizes)))
    }

    async fn create(&self, object: &ListedObject, source: &Source) -> Result<Upload, Fault> {
        let (destination, settings) = (&self.scene.destination, &self.scene.settings);
        let full_key = destination.key(&object.key);
        let head = &source.head;
        let (sse, key_id) = encryption(settings.encryption.as_ref());
        let call = destination
            .client()
            .create_multipart_upload()
            .bucket(destination.name())
            .key(&full_key)
            // Parts are authorised by the ACL given here; they cannot carry one.
            .acl(ObjectCannedAcl::BucketOwnerFullControl)
            .set_storage_class(settings.storage_class.as_deref().map(StorageClass::from))
            .set_server_side_encryption(sse)
            .set_ssekms_key_id(key_id)
            .set_checksum_algorithm((!settings.compat).then(|| source.checksums.multipart_algorithm()))
            .set_checksum_type((!settings.compat).then_some(ChecksumType::FullObject))
            // A multipart copy carries no metadata by itself.
            .set_content_type(head.content_type().map(str::to_owned))
            .set_content_encoding(head.content_encoding().map(str::to_owned))
            .set_content_language(head.content_language().map(str::to_owned))
            .set_content_disposition(head.content_disposition().map(str::to_owned))
            .set_cache_control(head.cache_control().map(str::to_owned))
            .set_expires(self.expires(object, head))
            .set_metadata(head.metadata().cloned())
            .set_expected_bucket_owner(destination.owner().map(str::to_owned));
        let operation = Operation::CreateMultipartUpload;
        self.uploads.opening(&full_key);
        let created = self
            .requests
            .send_noting(operation, attempt_limit(0), OnCancel::Stop, || async {
                let answer = call.clone().send().await.map_err(|e| RequestFailure::from_sdk(operation, e))?;
                let id = answer.upload_id().filter(|id| !id.is_empty()).map(str::to_owned);
                let sse = answer.server_side_encryption().cloned();
                id.map(|id| (id, sse)).ok_or_else(|| RequestFailure::empty_answer(operation))
            })
            .await;
        match created {
            Ok(((id, encryption), an_answer_was_lost)) => {
                self.uploads.opened(&full_key, &id);
                if !an_answer_was_lost {
                    self.uploads.answered(&full_key);
                }
                self.accepted_write();
                self.note_encryption(encryption.as_ref());
                Ok(Upload { full_key, id, encryption })
            }
            Err(failed) => {
                if !failed.maybe_done {
                    self.uploads.answered(&full_key);
                }
                Err(self.understand(object, failed).await)
            }
        }
    }

    fn expires(&self, object: &ListedObject, head: &HeadObjectOutput) -> Option<DateTime> {
        let text = head.expires_string()?;
        let parsed = DateTime::from_str(text, Format::HttpDate).ok();
        if parsed.is_none() {
            self.requests.notice(Notice::MetadataLost {
                key: object.key.clone(),
                detail: format!("its Expires header is not a date: {text:?}"),
            });
        }
        parsed
    }

    /// Copies all parts, as many at once as places are free. After a failure no further part is begun, and those under
    /// way are waited for, so that an abort finds the upload at rest.
    async fn copy_ranges(
        &self,
        object: &ListedObject,
        upload: &Upload,
        ranges: Vec<Option<RangeInclusive<u64>>>,
    ) -> Result<Vec<CompletedPart>, Fault> {
        let broken = AtomicBool::new(false);
        let mut parts = Vec::with_capacity(ranges.len());
        let mut failure = None;
        let mut skipped = false;
        let mut results = stream::iter((1_i32..).zip(ranges))
            .map(|(number, range)| {
                let broken = &broken;
                async move {
                    if broken.load(Ordering::Relaxed) || self.requests.cancelled() {
                        return None;
                    }
                    let result = self.copy_range(object, upload, number, range).await;
                    if result.is_err() {
                        broken.store(true, Ordering::Relaxed);
                    }
                    Some(result)
                }
            })
            .buffer_unordered(self.scene.settings.max_in_flight);
        while let Some(result) = results.next().await {
            match result {
                Some(Ok(part)) => parts.push(part),
                Some(Err(failed)) => failure = failure.or(Some(failed)),
                None => skipped = true,
            }
        }
        drop(results);
        if let Some(failed) = failure {
            // The upload was created and the source was read: if never a part was admitted, the destination takes none
            // (the ACL condition, which some stores apply to parts too).
            let none_accepted = failed.kind() == FailureKind::Denied && parts.is_empty() && !self.parts_were_accepted();
            return Err(match self.understand(object, failed).await {
                Fault::Refused(failed) if none_accepted => Fault::PartsRefused(failed),
                fault => fault,
            });
        }
        parts.sort_by_key(CompletedPart::part_number);
        if skipped { Err(Fault::Interrupted) } else { Ok(parts) }
    }

    async fn copy_range(
        &self,
        object: &ListedObject,
        upload: &Upload,
        number: i32,
        range: Option<RangeInclusive<u64>>,
    ) -> Result<CompletedPart, Failed> {
        let (source, destination) = (&self.scene.source, &self.scene.destination);
        let bytes = range.as_ref().map_or(object.size, |r| r.end() - r.start() + 1);
        let call = destination
            .client()
            .upload_part_copy()
            .bucket(destination.name())
            .key(&upload.full_key)
            .upload_id(&upload.id)
            .part_number(number)
            .copy_source(source.copy_source(&object.key))
            .copy_source_if_match(object.etag.quoted())
            .set_copy_source_range(range.map(|r| format!("bytes={}-{}", r.start(), r.end())))
            .set_expected_bucket_owner(destination.owner().map(str::to_owned))
            .set_expected_source_bucket_owner(source.owner().map(str::to_owned));
        let operation = Operation::UploadPartCopy;
        let part = self
            .requests
            .send(operation, attempt_limit(bytes), OnCancel::Stop, || async {
                let answer = call.clone().send().await.map_err(|e| RequestFailure::from_sdk(operation, e))?;
                answer
                    .copy_part_result()
                    .and_then(|result| {
                        let etag = result.e_tag().filter(|etag| !etag.is_empty())?;
                        Some(completed_part(number, etag, result))
                    })
                    .ok_or_else(|| RequestFailure::empty_answer(operation))
            })
            .await?;
        self.accepted_part();
        Ok(part)
    }

    async fn complete(
        &self,
        object: &ListedObject,
        source: &Source,
        upload: &Upload,
        parts: Vec<CompletedPart>,
    ) -> Result<Completed, Fault> {
        let count = parts.len();
        let destination = &self.scene.destination;
        let compat = self.scene.settings.compat;
        let call = destination
            .client()
            .complete_multipart_upload()
            .bucket(destination.name())
            .key(&upload.full_key)
            .upload_id(&upload.id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            // S3 then refuses a wrong total.
            .set_mpu_object_size((!compat).then(|| i64::try_from(object.size).unwrap_or(i64::MAX)))
            .set_checksum_type((!compat).then_some(ChecksumType::FullObject))
            .set_expected_bucket_owner(destination.owner().map(str::to_owned));
        let operation = Operation::CompleteMultipartUpload;
        let completed = self
            .requests
            // All parts are there: completing is cheaper than throwing them away.
            .send(operation, COMPLETION_LIMIT, OnCancel::Finish, || async {
                let answer = call.clone().send().await.map_err(|e| RequestFailure::from_sdk(operation, e))?;
                match answer.e_tag() {
                    Some(etag) if !etag.is_empty() => Ok(answer),
                    _ => Err(RequestFailure::empty_answer(operation)),
                }
            })
            .await;
        match completed {
            Ok(answer) => self.prove(object, source, upload, &answer),
            // An attempt may have completed it although it was not answered so: then the listing shows the copy.
            Err(failed) if failed.maybe_done || failed.kind() == FailureKind::NoSuchUpload => {
                match self.listed_copy(object, source, count).await {
                    Some(completed) => {
                        self.accepted_write();
                        Ok(completed)
                    }
                    None => Err(self.understand(object, failed).await),
                }
            }
            Err(failed) => Err(self.understand(object, failed).await),
        }
    }

    fn prove(
        &self,
        object: &ListedObject,
        source: &Source,
        upload: &Upload,
        answer: &CompleteMultipartUploadOutput,
    ) -> Result<Completed, Fault> {
        self.accepted_write();
        let etag = ETag::new(answer.e_tag().unwrap_or_default());
        match source.checksums.agree(&Checksums::of_complete(answer)) {
            Some(true) => return Ok(Completed { etag, proof: Proof::Checksum, answered: true }),
            Some(false) => return Err(Fault::NotProven { want: object.etag.clone(), got: etag }),
            None => {}
        }
        if etag == object.etag {
            return Ok(Completed { etag, proof: Proof::Etag, answered: true });
        }
        let kms = is_kms(answer.server_side_encryption())
            || is_kms(upload.encryption.as_ref())
            || is_kms(source.head.server_side_encryption());
        // A store other than S3 may make ETags by rules of its own.
        if source.layout_is_told && !kms && !self.scene.settings.compat {
            return Err(Fault::NotProven { want: object.etag.clone(), got: etag });
        }
        Ok(Completed { etag, proof: Proof::SizeOnly, answered: true })
    }

    /// The copy as the destination lists it, if it is this object's and not what was there before.
    async fn listed_copy(&self, object: &ListedObject, source: &Source, count: usize) -> Option<Completed> {
        let what = PageRequest { prefix: &object.key, after: None, token: None, folders: false };
        // Even while the run is being cancelled; and where the listing fails, the first failure counts.
        let (side, finish) = (Side::Destination, OnCancel::Finish);
        let page = page(&self.requests, &self.scene.destination, side, &what, finish).await.ok()?;
        let listed = page.objects.into_iter().find(|o| o.key == object.key && o.size == object.size)?;
        let ours =
            usize::try_from(listed.etag.parts()?).ok()? == count && source.replaced.as_ref() != Some(&listed.etag);
        let proof = if listed.etag == object.etag { Proof::Etag } else { Proof::SizeOnly };
        (proof == Proof::Etag || (ours && !source.layout_is_told)).then_some(Completed {
            etag: listed.etag,
            proof,
            answered: false,
        })
    }
}
