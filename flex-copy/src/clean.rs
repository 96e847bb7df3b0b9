//! Finds and ends unfinished uploads, with an identity that may list them (the copy role may not).

use std::{borrow::Cow, cmp::Ordering, collections::BTreeSet, sync::Arc};

use aws_sdk_s3::types::EncodingType;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    Bucket, CopySettings, StopReason,
    failure::{FailureKind, Operation, RequestFailure},
    journal::UploadEnd,
    listing::decode,
    requests::{Failed, OnCancel, Requests, attempt_limit},
};

/// An upload that was begun at the destination and neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedUpload {
    /// The key, the destination prefix included.
    pub key: String,
    /// The upload's id.
    pub upload_id: String,
    /// When it was begun, in seconds since 1970-01-01 UTC; some stores do not tell.
    pub initiated: Option<i64>,
    /// Who began it, as the service tells: an ARN for a role, empty where it does not tell.
    pub initiator: String,
}

impl UnfinishedUpload {
    /// Whether a session of this role began it.
    pub fn is_by_role(&self, role_name: &str) -> bool {
        self.initiator.split(":assumed-role/").nth(1).is_some_and(|rest| rest.split('/').next() == Some(role_name))
    }
}

/// Finds and ends unfinished uploads in one bucket. Needs `s3:ListBucketMultipartUploads` and `s3:AbortMultipartUpload`.
#[derive(Clone, Debug)]
pub struct Cleaner {
    bucket: Bucket,
    requests: Arc<Requests>,
}

impl Cleaner {
    /// A cleaner for the uploads under the bucket's prefix, as the identity of the bucket's client.
    pub fn new(bucket: Bucket, settings: &CopySettings) -> Self {
        let (send, _) = mpsc::unbounded_channel();
        Self { bucket, requests: Arc::new(Requests::new(settings, None, CancellationToken::new(), send)) }
    }

    /// All unfinished uploads under the bucket's prefix, whoever began them, in key order.
    pub async fn find(&self) -> Result<Vec<UnfinishedUpload>, StopReason> {
        let operation = Operation::ListMultipartUploads;
        let mut found = Vec::new();
        let mut markers: (Option<String>, Option<String>) = (None, None);
        let mut ids_of_key = BTreeSet::new();
        loop {
            let call = self
                .bucket
                .client()
                .list_multipart_uploads()
                .bucket(self.bucket.name())
                .set_prefix(Some(self.bucket.key_prefix().to_owned()).filter(|p| !p.is_empty()))
                // As for listings: XML cannot hold every character of a key.
                .encoding_type(EncodingType::Url)
                .set_key_marker(markers.0.clone())
                .set_upload_id_marker(markers.1.clone())
                .set_expected_bucket_owner(self.bucket.owner().map(str::to_owned));
            let page = self
                .requests
                .send((operation, ""), attempt_limit(0), OnCancel::Stop, || async {
                    let page = call.clone().send().await.map_err(|e| RequestFailure::from_sdk(operation, e))?;
                    // As for listings: a page that is cut off without a way to go on is not the end.
                    if page.is_truncated() != Some(false) && page.next_key_marker().is_none() {
                        return Err(RequestFailure::empty_answer(operation));
                    }
                    Ok(page)
                })
                .await
                .map_err(|failed| self.stop_reason(failed))?;
            let encoded = page.encoding_type() == Some(&EncodingType::Url);
            let decoded = |text: &str| if encoded { decode(text).map(Cow::into_owned) } else { Some(text.to_owned()) };
            for upload in page.uploads() {
                let key = upload.key().and_then(decoded);
                let (Some(key), Some(upload_id)) = (key, upload.upload_id()) else {
                    return Err(self.bad("an upload without a key in UTF-8, or without an id".to_owned()));
                };
                found.push(UnfinishedUpload {
                    key,
                    upload_id: upload_id.to_owned(),
                    initiated: upload.initiated().map(aws_smithy_types::DateTime::secs),
                    initiator: upload.initiator().and_then(|i| i.id()).unwrap_or_default().to_owned(),
                });
            }
            if page.is_truncated() == Some(false) {
                return Ok(found);
            }
            let next = (page.next_key_marker().and_then(decoded), page.next_upload_id_marker().map(str::to_owned));
            // Uploads come in order of their keys, and those of one key in that of their beginning, which their ids do not
            // tell: an id must be new.
            match next.0.cmp(&markers.0) {
                Ordering::Greater => ids_of_key = BTreeSet::from_iter(next.1.clone()),
                Ordering::Equal if next.1.clone().is_some_and(|id| ids_of_key.insert(id)) => {}
                _ => return Err(self.bad(format!("the page after {:?} does not go on", markers.0.unwrap_or_default()))),
            }
            markers = next;
        }
    }

    fn bad(&self, detail: String) -> StopReason {
        StopReason::BadListing {
            bucket: self.bucket.name().to_owned(),
            prefix: self.bucket.key_prefix().to_owned(),
            detail,
        }
    }

    /// Ends one upload and frees its parts. One that is gone already is fine.
    pub async fn abort(&self, upload: &UnfinishedUpload) -> Result<(), RequestFailure> {
        match abort(&self.requests, &self.bucket, &upload.key, &upload.upload_id, OnCancel::Finish).await {
            Ok(_) => Ok(()),
            Err(failed) => Err(failed.failure),
        }
    }

    fn stop_reason(&self, failed: Failed) -> StopReason {
        match StopReason::general(self.bucket.name(), failed) {
            Ok(reason) => reason,
            Err(failed) => StopReason::Listing {
                bucket: self.bucket.name().to_owned(),
                prefix: self.bucket.key_prefix().to_owned(),
                source: failed.failure,
            },
        }
    }
}

/// Aborts an upload. One that is gone already is fine.
pub(crate) async fn abort(
    requests: &Requests,
    bucket: &Bucket,
    full_key: &str,
    upload_id: &str,
    on_cancel: OnCancel<'_>,
) -> Result<UploadEnd, Failed> {
    let operation = Operation::AbortMultipartUpload;
    let call = bucket
        .client()
        .abort_multipart_upload()
        .bucket(bucket.name())
        .key(full_key)
        .upload_id(upload_id)
        .set_expected_bucket_owner(bucket.owner().map(str::to_owned));
    let result = requests
        .send((operation, bucket.without_prefix(full_key)), attempt_limit(0), on_cancel, || async {
            call.clone().send().await.map_err(|e| RequestFailure::from_sdk(operation, e))
        })
        .await;
    match result {
        Ok(_) => Ok(UploadEnd::Aborted),
        Err(failed) if matches!(failed.kind(), FailureKind::NoSuchUpload | FailureKind::NotFound) => {
            // An attempt whose answer was lost may have ended it.
            Ok(if failed.maybe_done { UploadEnd::Aborted } else { UploadEnd::Gone })
        }
        Err(failed) => Err(failed),
    }
}
