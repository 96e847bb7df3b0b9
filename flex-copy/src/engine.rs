//! How one object is copied: which method, what a refusal means, and what the run has learnt of its destination.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering},
};

use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput,
    types::{ChecksumMode, ServerSideEncryption},
};
use tokio::sync::Mutex as AsyncMutex;

use crate::{
    Action, Checksum, CopyReason, ETag, Encryption, ListedObject, Notice, ObjectFailure, OnChange, Outcome, PartSizes,
    PlanItem, Proof, StopReason,
    failure::{FailureKind, Operation, RequestFailure},
    layout::COPY_OBJECT_LIMIT,
    open_uploads::Uploads,
    plan::{Method, Scene},
    requests::{Failed, GaveUp, OnCancel, Requests, attempt_limit},
};

/// Refusals by the destination in a row, once it has accepted something in this run, after which the run stops; and objects
/// given up in a row. A single one may concern a single object (its key, its encryption).
const IN_A_ROW: u32 = 8;

const UNKNOWN: u8 = 0;
const NO: u8 = 1;
const YES: u8 = 2;

/// What the objects of one run share.
pub(crate) struct Engine {
    pub(crate) scene: Arc<Scene>,
    pub(crate) requests: Arc<Requests>,
    pub(crate) uploads: Uploads,
    /// The destination has accepted a write in this run.
    proven: AtomicBool,
    refusals: AtomicU32,
    /// Writes that the destination accepted.
    accepted: AtomicU64,
    /// Objects in a row that were given up although the service answers.
    given_up: AtomicU32,
    /// The destination refuses parts under its ACL condition.
    parts_refused: AtomicBool,
    /// A part was accepted in this run.
    parts_accepted: AtomicBool,
    /// The destination encrypts with KMS.
    kms: AtomicU8,
    /// Held by the one object whose copy is to tell whether it does.
    kms_probe: AsyncMutex<()>,
}

/// A copy that was made.
pub(crate) struct Made {
    pub(crate) proof: Proof,
    pub(crate) etag: ETag,
    pub(crate) parts: u32,
    /// The copy's, as it was answered.
    pub(crate) checksum: Option<Checksum>,
    /// Of a multipart copy.
    pub(crate) layout: Option<PartSizes>,
}

/// Why a copy was not made.
pub(crate) enum Fault {
    /// The source is not what was listed.
    SourceChanged,
    /// The source is gone.
    Vanished,
    NotEntitled,
    Archived,
    /// The source can be read, but the destination refuses.
    Refused(Failed),
    /// The upload was created, but its first part refused.
    PartsRefused(Failed),
    NotProven {
        want: ETag,
        got: ETag,
    },
    Failed(Failed),
    Interrupted,
    Stop(StopReason),
}

impl From<StopReason> for Fault {
    fn from(reason: StopReason) -> Self {
        Self::Stop(reason)
    }
}

impl Engine {
    pub(crate) fn new(scene: Arc<Scene>, requests: Arc<Requests>, uploads: Uploads) -> Self {
        let kms = match scene.settings.encryption {
            Some(Encryption::Kms(_)) => YES,
            Some(Encryption::S3) => NO,
            None => UNKNOWN,
        };
        Self {
            scene,
            requests,
            uploads,
            proven: AtomicBool::new(false),
            refusals: AtomicU32::new(0),
            accepted: AtomicU64::new(0),
            given_up: AtomicU32::new(0),
            parts_refused: AtomicBool::new(false),
            parts_accepted: AtomicBool::new(false),
            kms: AtomicU8::new(kms),
            kms_probe: AsyncMutex::new(()),
        }
    }

    /// The destination has accepted a write: the run may go at full width.
    pub(crate) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    pub(crate) fn accepted_write(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.refusals.store(0, Ordering::Relaxed);
        self.given_up.store(0, Ordering::Relaxed);
        if !self.proven.swap(true, Ordering::Relaxed) {
            self.requests.governor().wake();
        }
    }

    pub(crate) fn accepted_part(&self) {
        self.parts_accepted.store(true, Ordering::Relaxed);
        self.accepted_write();
    }

    /// Copies one object of the plan to its end. The item's object becomes the version that was copied. An error ends the run.
    pub(crate) async fn copy(&self, item: &mut PlanItem) -> Result<Outcome, StopReason> {
        let Action::Copy { mut reason, kms_possible, .. } = item.action else {
            return Err(StopReason::Internal(format!("{:?} is not a copy", item.action)));
        };
        let (object, replaced) = (&mut item.object, item.destination_etag.as_ref());
        let mut kms = false;
        if kms_possible {
            match self.kms_explains(object).await {
                Ok(explains) => kms = explains,
                Err(fault) => return self.end(object, fault),
            }
        }
        let on_change = self.scene.settings.on_change;
        if reason == CopyReason::Changed && !kms && on_change != OnChange::Copy {
            return Ok(match on_change {
                OnChange::Fail => Outcome::Failed(Arc::new(ObjectFailure::Changed)),
                _ => Outcome::ChangeKept,
            });
        }
        // While nobody knows whether the destination's ETags are opaque, one such object at a time is copied to learn it.
        let mut probe = None;
        if kms_possible && !kms && self.kms.load(Ordering::Relaxed) == UNKNOWN {
            let turn = self.kms_probe.lock().await;
            match self.kms.load(Ordering::Relaxed) {
                UNKNOWN => probe = Some(turn),
                known => kms = known == YES,
            }
        }
        if kms {
            if !self.scene.settings.recopy_size_only {
                return Ok(Outcome::Kept);
            }
            reason = CopyReason::Unproven;
        }
        let outcome = self.copy_pinned(object, replaced, reason).await;
        drop(probe);
        outcome
    }

    async fn copy_pinned(
        &self,
        object: &mut ListedObject,
        replaced: Option<&ETag>,
        reason: CopyReason,
    ) -> Result<Outcome, StopReason> {
        let mut source_changed = false;
        let mut refused = false;
        loop {
            let accepted = self.accepted.load(Ordering::Relaxed);
            let fault = match self.copy_once(object, replaced, reason).await {
                Ok(Made { proof, etag, parts, checksum, layout }) => {
                    let (checksum, layout) = (checksum.map(Box::new), layout.map(Box::new));
                    return Ok(Outcome::Copied { proof, reason, etag, parts, source_changed, checksum, layout });
                }
                Err(fault) => fault,
            };
            match fault {
                Fault::SourceChanged if source_changed => {
                    return Ok(Outcome::ChangedMeanwhile { detail: "the source changed twice while it was copied" });
                }
                Fault::SourceChanged => {
                    source_changed = true;
                    match self.look_again(object).await {
                        Ok(newer) => *object = newer,
                        Err(fault) => return self.end(object, fault),
                    }
                }
                // Between a refusal and the look at the source that explains it, the contract may have been extended; and a
                // policy takes a while to reach all of S3. Before it ends the run, a refusal has to be repeated.
                Fault::Refused(_) if !refused && self.would_stop() => refused = true,
                // With hundreds under way, refusals come after the copies that were accepted beside them, and in a row: what was
                // sent before one was accepted says nothing of the destination.
                Fault::Refused(failed) if self.accepted.load(Ordering::Relaxed) > accepted => {
                    let source = failed.failure;
                    return Ok(Outcome::Failed(Arc::new(ObjectFailure::DestinationRefused { source })));
                }
                Fault::PartsRefused(failed) => {
                    if !self.parts_refused.swap(true, Ordering::Relaxed) {
                        self.requests.notice(Notice::PartsRefused { failure: failed.failure.to_string() });
                    }
                    if object.size > COPY_OBJECT_LIMIT {
                        let size = object.size;
                        return Ok(Outcome::Failed(Arc::new(ObjectFailure::PartsRefused { size })));
                    }
                }
                fault => return self.end(object, fault),
            }
        }
    }

    async fn copy_once(
        &self,
        object: &ListedObject,
        replaced: Option<&ETag>,
        reason: CopyReason,
    ) -> Result<Made, Fault> {
        match Method::of(object, self.scene.settings.proof, reason) {
            Method::Whole { head } => self.copy_whole(object, head).await,
            Method::Parts(_) if object.size <= COPY_OBJECT_LIMIT && self.parts_refused.load(Ordering::Relaxed) => {
                self.copy_whole(object, false).await
            }
            // On the heap, as is whatever else is rare: thousands of small copies wait side by side, each as large as the
            // largest that it might become.
            Method::Parts(_) => Box::pin(self.copy_parts(object, replaced, reason)).await,
        }
    }

    /// Whether one more refusal by the destination ends the run.
    fn would_stop(&self) -> bool {
        !self.is_proven() || self.refusals.load(Ordering::Relaxed) + 1 >= IN_A_ROW
    }

    /// The source as it is now, after it turned out to be another version than was listed.
    async fn look_again(&self, object: &ListedObject) -> Result<ListedObject, Fault> {
        let head = self.head_source(&object.key, None, true).await?;
        let (Some(etag), Some(size)) =
            (head.e_tag().map(ETag::new), head.content_length().and_then(|l| u64::try_from(l).ok()))
        else {
            return Err(Fault::SourceChanged);
        };
        Ok(ListedObject {
            etag,
            size,
            full_object_checksum: head.checksum_type().is_some_and(|t| t.as_str() == "FULL_OBJECT"),
            last_modified: head.last_modified().map_or(object.last_modified, aws_smithy_types::DateTime::secs),
            ..object.clone()
        })
    }

    /// The end of an object whose copy was not made.
    fn end(&self, object: &ListedObject, fault: Fault) -> Result<Outcome, StopReason> {
        let failed = |failure| Ok(Outcome::Failed(Arc::new(failure)));
        match fault {
            Fault::NotEntitled => Ok(Outcome::NotEntitled),
            Fault::Archived => Ok(Outcome::Archived),
            Fault::Interrupted => Ok(Outcome::Interrupted),
            Fault::Vanished => Ok(Outcome::ChangedMeanwhile { detail: "the source vanished after it was listed" }),
            Fault::SourceChanged => Ok(Outcome::ChangedMeanwhile { detail: "the source changed while it was copied" }),
            Fault::NotProven { want, got } => failed(ObjectFailure::NotProven { want, got }),
            Fault::Failed(f) => failed(ObjectFailure::Request { attempts: f.attempts, source: f.failure }),
            Fault::Refused(f) | Fault::PartsRefused(f) => {
                let would_stop = self.would_stop();
                self.refusals.fetch_add(1, Ordering::Relaxed);
                if !would_stop {
                    failed(ObjectFailure::DestinationRefused { source: f.failure })
                } else {
                    Err(StopReason::DestinationRefused {
                        bucket: self.scene.destination.name().to_owned(),
                        key: object.key.clone(),
                        source: f.failure,
                    })
                }
            }
            Fault::Stop(reason) => Err(reason),
        }
    }

    /// What a failed write means. A 403 does not say which side refused, so the source is asked.
    pub(crate) async fn understand(&self, object: &ListedObject, failed: Failed) -> Fault {
        match failed.kind() {
            FailureKind::Denied => match self.head_source(&object.key, None, false).await {
                Ok(_) => Fault::Refused(failed),
                Err(fault) => fault,
            },
            // Nothing succeeded any more; but if only this object was left, it may be its own fault.
            _ if matches!(failed.gave_up, GaveUp::Outage { after_success: true, .. })
                && self.given_up.fetch_add(1, Ordering::Relaxed) + 1 < IN_A_ROW
                && self.service_answers(&object.key).await =>
            {
                Fault::Failed(failed)
            }
            _ => self.understand_answer(self.scene.destination.name(), failed),
        }
    }

    async fn service_answers(&self, key: &str) -> bool {
        let operation = Operation::HeadObject;
        let source = &self.scene.source;
        let head = source
            .client()
            .head_object()
            .bucket(source.name())
            .key(source.key(key))
            .set_expected_bucket_owner(source.owner().map(str::to_owned));
        let answer = async { source.send(&head).await.map_err(|e| RequestFailure::from_sdk(operation, e)) };
        Box::pin(self.requests.answers((operation, key), answer)).await
    }

    /// What a failure means that says so itself; on the source, a 403 does.
    fn understand_answer(&self, bucket: &str, failed: Failed) -> Fault {
        match failed.kind() {
            FailureKind::Denied => Fault::NotEntitled,
            FailureKind::Cancelled => Fault::Interrupted,
            FailureKind::Archived => Fault::Archived,
            FailureKind::Precondition => Fault::SourceChanged,
            FailureKind::NotFound => Fault::Vanished,
            _ => match StopReason::general(bucket, failed) {
                Ok(reason) => Fault::Stop(reason),
                Err(failed) => Fault::Failed(failed),
            },
        }
    }

    /// HEAD of the source, as the copy role: its metadata, its checksum, or (by part) its layout.
    pub(crate) async fn head_source(
        &self,
        key: &str,
        part: Option<i32>,
        checksum: bool,
    ) -> Result<HeadObjectOutput, Fault> {
        Box::pin(head_source(&self.scene, &self.requests, key, part, checksum))
            .await
            .map_err(|failed| self.understand_answer(self.scene.source.name(), failed))
    }

    /// Whether SSE-KMS on either side explains that two ETags of equal kind differ at equal size.
    async fn kms_explains(&self, object: &ListedObject) -> Result<bool, Fault> {
        if self.kms.load(Ordering::Relaxed) == YES {
            return Ok(true);
        }
        let head = self.head_source(&object.key, None, false).await?;
        Ok(is_kms(head.server_side_encryption()))
    }

    /// Notes how the destination encrypted a copy.
    pub(crate) fn note_encryption(&self, encryption: Option<&ServerSideEncryption>) {
        let kms = if is_kms(encryption) { YES } else { NO };
        let before = self.kms.swap(kms, Ordering::Relaxed);
        if kms == YES && before != YES {
            self.requests.notice(Notice::DestinationUsesKms);
        }
    }

    /// Whether a part was accepted in this run, so that the refusal of another has another reason.
    pub(crate) fn parts_were_accepted(&self) -> bool {
        self.parts_accepted.load(Ordering::Relaxed)
    }
}

/// One HEAD of the source.
pub(crate) async fn head_source(
    scene: &Scene,
    requests: &Requests,
    key: &str,
    part: Option<i32>,
    checksum: bool,
) -> Result<HeadObjectOutput, Failed> {
    let operation = Operation::HeadObject;
    let source = &scene.source;
    let call = || {
        source
            .client()
            .head_object()
            .bucket(source.name())
            .key(source.key(key))
            .set_part_number(part)
            .set_checksum_mode((checksum && !scene.settings.compat).then_some(ChecksumMode::Enabled))
            .set_expected_bucket_owner(source.owner().map(str::to_owned))
    };
    requests
        .send((operation, key), attempt_limit(0), OnCancel::Stop, || async {
            let answer = source.send(&call()).await;
            answer.map_err(|e| RequestFailure::from_sdk(operation, e).or_skewed(source.now()))
        })
        .await
}

pub(crate) fn is_kms(encryption: Option<&ServerSideEncryption>) -> bool {
    encryption.is_some_and(|e| e.as_str().starts_with("aws:kms"))
}
