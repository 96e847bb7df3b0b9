//! Reads one object of the destination to its end, as its owner.
//!
//! Every request is pinned to the ETag that was listed. A body that breaks off, or stands still, is gone on with from
//! where it stopped and not begun anew: what was hashed stays hashed, and over a bad line a large object would never end.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use aws_sdk_s3::{config::ResponseChecksumValidation, operation::get_object::GetObjectOutput};
use tokio::time::{Instant, sleep, timeout};

use super::{DeepVerdict, Fault, content::Content, pace::Pace};
use crate::{
    Bucket, ETag, RequestFailure, StopReason,
    failure::{FailureKind, Operation},
    requests::{Failed, OnCancel, Requests, attempt_limit},
};

/// A body of which nothing comes for so long stands still.
const STALL: Duration = Duration::from_secs(30);
/// A body must bring so many bytes for each second that it is waited for, after the first [`PATIENCE`]: one that trickles
/// would never end. Far below any line that a day of data could be read over.
const SLOWEST: u64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(60);
/// A body that brought so much before it broke off was worth its request, and the count of those that were not begins anew.
const PROGRESS: u64 = 8 << 20;
/// Waits before going on: random(0, min(cap, base · 2^n)).
const BASE: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(20);

const VANISHED: &str = "your bucket does not have it any more";
const OVERWRITTEN: &str = "your bucket has another version than it listed";
const ARCHIVED: &str = "archived in your bucket";

/// The destination as its owner reads it.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) bucket: Bucket,
    pub(super) requests: Requests,
    pub(super) pace: Pace,
    /// Bodies in a row that may bring next to nothing.
    pub(super) attempts: u32,
    /// Bytes read so far.
    pub(super) bytes: AtomicU64,
    pub(super) resumed: AtomicU64,
    /// Objects whose reading was granted.
    pub(super) granted: AtomicU64,
}

/// The object to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) key: &'a str,
    pub(super) etag: &'a ETag,
    pub(super) size: u64,
}

impl Reader {
    /// Whether the owner was let read anything yet.
    pub(super) fn is_granted(&self) -> bool {
        self.granted.load(Ordering::Relaxed) > 0
    }

    /// Hands the object's bytes on, each once and in order.
    pub(super) async fn read(&self, wanted: Wanted<'_>, content: &mut Content) -> Result<(), Fault> {
        let mut at = 0;
        let mut stumbles = 0;
        loop {
            let from = at;
            let failure = match self.body(wanted, &mut at, content).await? {
                None => return Ok(()),
                Some(failure) => failure,
            };
            stumbles = if at - from >= PROGRESS { 1 } else { stumbles + 1 };
            tracing::debug!(key = wanted.key, at, stumbles, %failure, "a body broke off");
            if stumbles >= self.attempts {
                return Err(Fault::Verdict(DeepVerdict::Failed(failure.into())));
            }
            self.resumed.fetch_add(1, Ordering::Relaxed);
            let wait = BASE.saturating_mul(1 << stumbles.min(10)).min(LONGEST_WAIT).mul_f64(fastrand::f64());
            tokio::select! {
                biased;
                () = self.requests.until_cancelled() => return Err(Fault::Interrupted),
                () = sleep(wait) => {}
            }
        }
    }

    /// One request's body, from `at` on; gives why it ended too early.
    async fn body(
        &self,
        wanted: Wanted<'_>,
        at: &mut u64,
        content: &mut Content,
    ) -> Result<Option<RequestFailure>, Fault> {
        let answer = self.get(wanted, *at).await?;
        let broken = |text: String| Ok(Some(RequestFailure::new(Operation::GetObject, FailureKind::NoAnswer, text)));
        let Some((start, total)) = extent(&answer) else {
            return broken(format!(
                "its Content-Range cannot be read: {:?}",
                answer.content_range().unwrap_or_default()
            ));
        };
        if let Some(total) = total.filter(|total| *total != wanted.size) {
            return broken(format!("it has {total} bytes and was listed with {}", wanted.size));
        }
        // A store that does not know ranges begins at the first byte again.
        let Some(mut skip) = at.checked_sub(start) else {
            return broken(format!("bytes from {} were asked for and bytes from {start} came", *at));
        };
        let mut body = answer.body;
        // Without what the pace took.
        let mut waited = Duration::ZERO;
        // Those included that are skipped.
        let mut received = 0;
        loop {
            let begun = Instant::now();
            let next = tokio::select! {
                biased;
                () = self.requests.until_cancelled() => return Err(Fault::Interrupted),
                next = timeout(STALL, body.next()) => next,
            };
            waited += begun.elapsed();
            let patience = PATIENCE + Duration::from_secs(received / SLOWEST);
            let failure = match next {
                Ok(Some(Ok(_))) if waited > patience => format!("it came at less than {SLOWEST} bytes a second"),
                Ok(Some(Ok(bytes))) => {
                    received += bytes.len() as u64;
                    self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    tokio::select! {
                        biased;
                        () = self.requests.until_cancelled() => return Err(Fault::Interrupted),
                        () = self.pace.pass(bytes.len()) => {}
                    }
                    let seen = skip.min(bytes.len() as u64);
                    skip -= seen;
                    // No more than the length of the bytes.
                    let new = bytes.get(usize::try_from(seen).unwrap_or(usize::MAX)..).unwrap_or_default();
                    *at += new.len() as u64;
                    if *at > wanted.size {
                        // What was hashed of it cannot be taken back.
                        let text = format!("more than the {} bytes that were listed came", wanted.size);
                        let failure = RequestFailure::new(Operation::GetObject, FailureKind::Other, text);
                        return Err(Fault::Verdict(DeepVerdict::Failed(failure.into())));
                    }
                    content.take(new).await;
                    continue;
                }
                // Everything is here, however the connection ended.
                _ if *at == wanted.size => return Ok(None),
                Ok(None) => "the body ended too early".to_owned(),
                Ok(Some(Err(error))) => format!("the body broke off: {}", root(&error)),
                Err(_) => format!("nothing came for {} s", STALL.as_secs()),
            };
            return broken(format!("{failure}, after {} of {} bytes", *at, wanted.size));
        }
    }

    async fn get(&self, wanted: Wanted<'_>, at: u64) -> Result<GetObjectOutput, Fault> {
        let operation = Operation::GetObject;
        let bucket = &self.bucket;
        let call = bucket
            .client()
            .get_object()
            .bucket(bucket.name())
            .key(bucket.key(wanted.key))
            .if_match(wanted.etag.quoted())
            .set_range((at > 0).then(|| format!("bytes={at}-")))
            .set_expected_bucket_owner(bucket.owner().map(str::to_owned));
        // The content is compared with the source's words; the SDK would only hash it once more for the destination's.
        let config =
            aws_sdk_s3::config::Builder::new().response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let answer = self
            .requests
            .send((operation, wanted.key), attempt_limit(0), OnCancel::Stop, || async {
                let call = call.clone().customize().config_override(config.clone());
                let answer = call.send().await.map_err(|error| RequestFailure::from_sdk(operation, error))?;
                // S3 always says which version it sends. What does not was not sent by it, as a proxy's own page.
                let is_wanted = |etag: &str| ETag::new(etag.trim_start_matches("W/")) == *wanted.etag;
                if answer.e_tag().is_some_and(is_wanted) {
                    Ok(answer)
                } else {
                    let text = "the answer does not say that it is the version that was asked for";
                    Err(RequestFailure::new(operation, FailureKind::Transient, text))
                }
            })
            .await;
        match answer {
            Ok(answer) => {
                self.granted.fetch_add(1, Ordering::Relaxed);
                Ok(answer)
            }
            Err(failed) => Err(self.refused(wanted, failed)),
        }
    }

    fn refused(&self, wanted: Wanted<'_>, failed: Failed) -> Fault {
        let changed = |detail| Fault::Verdict(DeepVerdict::ChangedMeanwhile { detail });
        match failed.kind() {
            FailureKind::NotFound => changed(VANISHED),
            FailureKind::Precondition => changed(OVERWRITTEN),
            FailureKind::Archived => Fault::Verdict(DeepVerdict::Archived { detail: ARCHIVED }),
            // Once something could be read, it is this object's own affair.
            FailureKind::Denied if !self.is_granted() => Fault::Stop(StopReason::DestinationNotReadable {
                bucket: self.bucket.name().to_owned(),
                key: self.bucket.key(wanted.key),
                source: failed.failure,
            }),
            _ if failed.failure.status() == Some(416) => changed(OVERWRITTEN),
            _ => Fault::of(self.bucket.name(), failed),
        }
    }
}

/// The innermost cause, which says what happened.
fn root(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The first byte of an answer's body, and the size of the whole object where the answer tells it.
fn extent(answer: &GetObjectOutput) -> Option<(u64, Option<u64>)> {
    match answer.content_range() {
        Some(range) => content_range(range).map(|(start, total)| (start, Some(total))),
        None => Some((0, answer.content_length().and_then(|length| u64::try_from(length).ok()))),
    }
}

/// `bytes 5-9/10`: the first byte and the total.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
