//! One multipart upload: created or resumed, filled with the parts that it lacks, completed and proven, or aborted.

use std::{
    ops::RangeInclusive,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use aws_sdk_s3::{
    operation::{
        complete_multipart_upload::CompleteMultipartUploadOutput, head_object::HeadObjectOutput,
        upload_part_copy::builders::UploadPartCopyFluentBuilder,
    },
    types::{
        ChecksumType, CompletedMultipartUpload, CompletedPart, ObjectCannedAcl, ServerSideEncryption, StorageClass,
    },
};
use aws_smithy_types::{DateTime, date_time::Format};
use futures::{StreamExt, stream};

use crate::{
    Checksum, ETag, Encryption, ListedObject, Notice, PartSizes, Proof,
    checksum::{Checksums, completed_part},
    clean,
    engine::{Engine, Fault, Made, is_kms},
    failure::{FailureKind, Operation, RequestFailure},
    journal::{JournalUpload, UploadEnd},
    listing::{PageRequest, Side, page},
    parts::Source,
    requests::{Failed, OnCancel, attempt_limit},
    resume::Kept,
    whole::encryption,
};

/// How long to wait for a completion. It moves no bytes, but may take minutes by S3's documentation.
const COMPLETION_LIMIT: Duration = Duration::from_secs(600);

/// A copy that was completed.
struct Completed {
    etag: ETag,
    proof: Proof,
    /// The copy's, as it was answered.
    checksum: Option<Checksum>,
    /// The service said so. Otherwise only the listing shows it, and the upload may still be open.
    answered: bool,
}

impl Engine {
    /// A copy in this layout, by an upload of an earlier run where one serves, else by a new one.
    pub(crate) async fn copy_in_layout(&self, object: &ListedObject, source: &Source) -> Result<Made, Fault> {
        let wanted = self.wanted(object, source);
        if let Some((upload, kept)) = self.resume(object, &wanted).await? {
            match self.fill(object, source, &upload, kept).await {
                // The upload that was resumed may be the reason, and has ended now.
                Err(Fault::NotProven { .. }) => {}
                Err(Fault::Failed(f)) if matches!(f.kind(), FailureKind::NoSuchUpload | FailureKind::Other) => {}
                result => return result,
            }
        }
        let upload = self.create(object, source, wanted).await?;
        self.fill(object, source, &upload, Kept::new()).await
    }

    /// The upload that the copy of this object needs, without an id.
    fn wanted(&self, object: &ListedObject, source: &Source) -> JournalUpload {
        let settings = &self.scene.settings;
        JournalUpload {
            bucket: self.scene.destination.name().to_owned(),
            key: self.scene.destination.key(&object.key),
            upload_id: String::new(),
            source_etag: object.etag.clone(),
            size: object.size,
            parts: PartSizes::of(&source.layout.sizes(object.size)),
            checksum: (!settings.compat).then(|| source.checksums.multipart_algorithm().as_str().to_owned()),
            storage_class: settings.storage_class.clone(),
            encryption: settings.encryption.as_ref().map(|encryption| match encryption {
                Encryption::S3 => "AES256".to_owned(),
                Encryption::Kms(key) => format!("aws:kms:{key}"),
            }),
            encrypted: None,
            at: 0,
        }
    }

    /// Copies the parts that an upload lacks and completes it, or else aborts it.
    async fn fill(
        &self,
        object: &ListedObject,
        source: &Source,
        upload: &JournalUpload,
        kept: Kept,
    ) -> Result<Made, Fault> {
        let ranges = source.layout.ranges(object.size);
        let made = match self.copy_ranges(object, upload, ranges, kept).await {
            Ok(parts) => self.complete(object, source, upload, parts).await,
            Err(fault) => Err(fault),
        };
        match &made {
            Ok(completed) if completed.answered => self.uploads.ended(upload, UploadEnd::Completed),
            Err(Fault::NotProven { .. }) => self.uploads.ended(upload, UploadEnd::Completed),
            // What cannot be aborted stays in the list of open uploads, which the summary names.
            _ => {
                let bucket = &self.scene.destination;
                let (key, id) = (&upload.key, &upload.upload_id);
                if let Ok(how) = clean::abort(&self.requests, bucket, key, id, OnCancel::Finish).await {
                    self.uploads.ended(upload, how);
                }
            }
        }
        made.map(|Completed { etag, proof, checksum, .. }| {
            let layout = Some(upload.parts.clone());
            Made { proof, etag, parts: upload.parts.count(), checksum, layout }
        })
    }

    async fn create(
        &self,
        object: &ListedObject,
        source: &Source,
        mut upload: JournalUpload,
    ) -> Result<JournalUpload, Fault> {
        let (destination, settings) = (&self.scene.destination, &self.scene.settings);
        let head = &source.head;
        let (sse, key_id) = encryption(settings.encryption.as_ref());
        let call = destination
            .client()
            .create_multipart_upload()
            .bucket(destination.name())
            .key(&upload.key)
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
        self.uploads.opening(&upload.key).await;
        let created = self
            .requests
            .send_noting((operation, &object.key), attempt_limit(0), OnCancel::Stop, || async {
                let answer = destination.send(&call).await.map_err(|e| RequestFailure::from_sdk(operation, e))?;
                let id = answer.upload_id().filter(|id| !id.is_empty()).map(str::to_owned);
                let sse = answer.server_side_encryption().cloned();
                id.map(|id| (id, sse)).ok_or_else(|| RequestFailure::empty_answer(operation))
            })
            .await;
        match created {
            Ok(((id, encrypted), an_answer_was_lost)) => {
                upload.upload_id = id;
                upload.encrypted = encrypted.as_ref().map(|encrypted| encrypted.as_str().to_owned());
                self.uploads.opened(&mut upload, !an_answer_was_lost).await;
                self.accepted_write();
                self.note_encryption(encrypted.as_ref());
                Ok(upload)
            }
            Err(failed) => {
                if !failed.maybe_done {
                    self.uploads.not_opened(&upload.key);
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

    /// Copies all parts that are not there, as many at once as places are free. After a failure no further part is begun, and those under
    /// way are waited for, so that an abort finds the upload at rest.
    async fn copy_ranges(
        &self,
        object: &ListedObject,
        upload: &JournalUpload,
        ranges: Vec<Option<RangeInclusive<u64>>>,
        kept: Kept,
    ) -> Result<Vec<CompletedPart>, Fault> {
        let (source, destination) = (&self.scene.source, &self.scene.destination);
        let call = destination
            .client()
            .upload_part_copy()
            .bucket(destination.name())
            .key(&upload.key)
            .upload_id(&upload.upload_id)
            .copy_source(source.copy_source(&object.key))
            .copy_source_if_match(object.etag.quoted())
            .set_expected_bucket_owner(destination.owner().map(str::to_owned))
            .set_expected_source_bucket_owner(source.owner().map(str::to_owned));
        let broken = AtomicBool::new(false);
        let missing = (1_i32..).zip(ranges).filter(|(number, _)| !kept.contains_key(number)).collect::<Vec<_>>();
        let mut parts: Vec<_> = kept.into_values().collect();
        let mut failure = None;
        let mut skipped = false;
        let mut results = stream::iter(missing)
            .map(|(number, range)| {
                let (call, broken) = (&call, &broken);
                async move {
                    if broken.load(Ordering::Relaxed) || self.requests.cancelled() {
                        return None;
                    }
                    let result = self.copy_range(object, call, number, range, broken).await;
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
                None => skipped = true,
                Some(Err(failed)) if failed.kind() == FailureKind::Cancelled => skipped = true,
                Some(Err(failed)) => failure = failure.or(Some(failed)),
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
        call: &UploadPartCopyFluentBuilder,
        number: i32,
        range: Option<RangeInclusive<u64>>,
        broken: &AtomicBool,
    ) -> Result<CompletedPart, Failed> {
        let bytes = range.as_ref().map_or(object.size, |r| r.end() - r.start() + 1);
        let operation = Operation::UploadPartCopy;
        let part = self
            .requests
            .send((operation, &object.key), attempt_limit(bytes), OnCancel::StopOr(broken), || async {
                let range = range.as_ref().map(|range| format!("bytes={}-{}", range.start(), range.end()));
                let call = call.clone().part_number(number).set_copy_source_range(range);
                let destination = &self.scene.destination;
                let answer = destination.send(&call).await.map_err(|e| RequestFailure::from_sdk(operation, e))?;
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
        upload: &JournalUpload,
        parts: Vec<CompletedPart>,
    ) -> Result<Completed, Fault> {
        let count = parts.len();
        let destination = &self.scene.destination;
        let compat = self.scene.settings.compat;
        let call = destination
            .client()
            .complete_multipart_upload()
            .bucket(destination.name())
            .key(&upload.key)
            .upload_id(&upload.upload_id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            // S3 then refuses a wrong total.
            .set_mpu_object_size((!compat).then(|| i64::try_from(object.size).unwrap_or(i64::MAX)))
            .set_checksum_type((!compat).then_some(ChecksumType::FullObject))
            .set_expected_bucket_owner(destination.owner().map(str::to_owned));
        let operation = Operation::CompleteMultipartUpload;
        let completed = self
            .requests
            // All parts are there: completing is cheaper than throwing them away.
            .send((operation, &object.key), COMPLETION_LIMIT, OnCancel::Finish, || async {
                let answer = destination.send(&call).await.map_err(|e| RequestFailure::from_sdk(operation, e))?;
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
        upload: &JournalUpload,
        answer: &CompleteMultipartUploadOutput,
    ) -> Result<Completed, Fault> {
        self.accepted_write();
        let etag = ETag::new(answer.e_tag().unwrap_or_default());
        let checksums = Checksums::of_complete(answer);
        let checksum = checksums.told(&source.checksums);
        match source.checksums.agree(&checksums) {
            Some(true) => return Ok(Completed { etag, proof: Proof::Checksum, checksum, answered: true }),
            Some(false) => return Err(Fault::NotProven { want: object.etag.clone(), got: etag }),
            None => {}
        }
        if etag == object.etag {
            return Ok(Completed { etag, proof: Proof::Etag, checksum, answered: true });
        }
        let kms = is_kms(answer.server_side_encryption())
            || is_kms(upload.encrypted.as_deref().map(ServerSideEncryption::from).as_ref())
            || is_kms(source.head.server_side_encryption());
        // A store other than S3 may make ETags by rules of its own.
        if source.layout_is_told && !kms && !self.scene.settings.compat {
            return Err(Fault::NotProven { want: object.etag.clone(), got: etag });
        }
        Ok(Completed { etag, proof: Proof::SizeOnly, checksum, answered: true })
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
            checksum: None,
            answered: false,
        })
    }
}
