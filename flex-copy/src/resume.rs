//! Goes on with the uploads of earlier runs, and aborts those that are of no use any more.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use aws_sdk_s3::types::{CompletedPart, Part};
use flex_keys::Selection;
use futures::{StreamExt, stream};

use crate::{
    ListedObject, Notice, StopReason, clean,
    engine::{Engine, Fault},
    failure::{FailureKind, Operation, RequestFailure},
    journal::{JournalUpload, UploadEnd},
    requests::{Failed, OnCancel, attempt_limit},
};

/// Stale uploads that are aborted side by side.
const STALE_AT_ONCE: usize = 16;

/// Parts that are there already, by number.
pub(crate) type Kept = BTreeMap<i32, CompletedPart>;

impl Engine {
    /// An upload of an earlier run that the copy of this object can go on with, and the parts that it has. Others of the
    /// same key are aborted: their parts are billed, and nobody will want them.
    ///
    /// Every part of an upload is pinned to the source's ETag in its record, so an equal ETag tells that they are parts of
    /// the same version.
    pub(crate) async fn resume(
        &self,
        object: &ListedObject,
        wanted: &JournalUpload,
    ) -> Result<Option<(JournalUpload, Kept)>, Fault> {
        let mut resumed = None;
        for upload in self.uploads.of_key(&wanted.key) {
            if !self.uploads.take(&upload) {
                continue;
            }
            if resumed.is_some() || !upload.serves(wanted) {
                self.discard(&upload, OnCancel::Finish).await;
                continue;
            }
            match self.listed_parts(&upload).await {
                Ok(kept) => {
                    self.requests.notice(Notice::Resumed {
                        key: object.key.clone(),
                        kept: u32::try_from(kept.len()).unwrap_or(u32::MAX),
                        parts: upload.parts.count(),
                    });
                    resumed = Some((upload, kept));
                }
                // Aborted or expired. Had it been completed, the listing would show the object.
                Err(failed) if matches!(failed.kind(), FailureKind::NoSuchUpload | FailureKind::NotFound) => {
                    self.uploads.ended(&upload, UploadEnd::Gone);
                }
                Err(failed) if failed.kind() == FailureKind::Cancelled => {
                    self.uploads.leave(&upload);
                    return Err(Fault::Interrupted);
                }
                Err(failed) => match StopReason::general(self.scene.destination.name(), failed) {
                    Ok(reason) => {
                        self.uploads.leave(&upload);
                        return Err(reason.into());
                    }
                    // As when another session name began it. The owner can still end it.
                    Err(failed) => self.left(&upload, &failed),
                },
            }
        }
        Ok(resumed)
    }

    /// After the whole selection was listed and copied: what it covers and did not resume is of no use any more.
    /// Nothing forces that: it ends at the first failure that would meet the others too, and when the run is cancelled.
    pub(crate) async fn abort_stale(&self, selection: &Selection) {
        let prefix = self.scene.destination.key_prefix();
        let covered = |key: &str| selection.contains(key) && self.scene.settings.passes(key);
        let given_up = AtomicBool::new(false);
        stream::iter(self.uploads.of_earlier_runs())
            .for_each_concurrent(STALE_AT_ONCE, async |upload| {
                let wanted = !given_up.load(Ordering::Relaxed) && !self.requests.cancelled();
                if wanted && upload.key.strip_prefix(prefix).is_some_and(covered) && self.uploads.take(&upload) {
                    let goes_on = self.discard(&upload, OnCancel::Stop).await;
                    given_up.fetch_or(!goes_on, Ordering::Relaxed);
                }
            })
            .await;
    }

    /// Gives whether others are worth a request.
    async fn discard(&self, upload: &JournalUpload, on_cancel: OnCancel<'_>) -> bool {
        let destination = &self.scene.destination;
        match clean::abort(&self.requests, destination, &upload.key, &upload.upload_id, on_cancel).await {
            // One that was completed, and whose run was killed before it noted so, is no news.
            Ok(UploadEnd::Aborted) => {
                self.uploads.ended(upload, UploadEnd::Aborted);
                let (key, upload_id) = (upload.key.clone(), upload.upload_id.clone());
                self.requests.notice(Notice::UploadAborted { key, upload_id });
            }
            Ok(how) => self.uploads.ended(upload, how),
            Err(failed) => {
                self.left(upload, &failed);
                return StopReason::general(destination.name(), failed).is_err();
            }
        }
        true
    }

    fn left(&self, upload: &JournalUpload, failed: &Failed) {
        self.uploads.leave(upload);
        self.requests.notice(Notice::UploadLeft {
            key: upload.key.clone(),
            upload_id: upload.upload_id.clone(),
            failure: failed.failure.to_string(),
        });
    }

    /// The parts of an upload that are as its layout wants them. What a page that was lost would have shown is copied again,
    /// which is never wrong.
    async fn listed_parts(&self, upload: &JournalUpload) -> Result<Kept, Failed> {
        let operation = Operation::ListParts;
        let destination = &self.scene.destination;
        let sizes: Vec<u64> = upload.parts.sizes();
        let mut kept = Kept::new();
        let mut after = 0;
        loop {
            let call = destination
                .client()
                .list_parts()
                .bucket(destination.name())
                .key(&upload.key)
                .upload_id(&upload.upload_id)
                .set_part_number_marker((after > 0).then(|| after.to_string()))
                .set_expected_bucket_owner(destination.owner().map(str::to_owned));
            let page = self
                .requests
                .send(
                    (operation, destination.without_prefix(&upload.key)),
                    attempt_limit(0),
                    OnCancel::Stop,
                    || async { call.clone().send().await.map_err(|e| RequestFailure::from_sdk(operation, e)) },
                )
                .await?;
            for part in page.parts() {
                let size = part.part_number().and_then(|n| sizes.get(usize::try_from(n).ok()?.checked_sub(1)?));
                if let (Some(size), Some(number), Some(etag)) = (size, part.part_number(), part.e_tag())
                    && part.size().and_then(|size| u64::try_from(size).ok()) == Some(*size)
                    && !etag.is_empty()
                {
                    kept.insert(number, kept_part(number, etag, part));
                }
            }
            let next = page.next_part_number_marker().and_then(|marker| marker.parse::<i32>().ok());
            match next {
                Some(next) if page.is_truncated() == Some(true) && next > after => after = next,
                _ => return Ok(kept),
            }
        }
    }
}

/// A part as the listing tells it, for the list that completes the upload.
fn kept_part(number: i32, etag: &str, part: &Part) -> CompletedPart {
    CompletedPart::builder()
        .part_number(number)
        .e_tag(etag)
        .set_checksum_crc64_nvme(part.checksum_crc64_nvme().map(str::to_owned))
        .set_checksum_crc32(part.checksum_crc32().map(str::to_owned))
        .set_checksum_crc32_c(part.checksum_crc32_c().map(str::to_owned))
        .build()
}
