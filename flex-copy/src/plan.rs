//! The plan: what is to be done with each object, from what both buckets list under its key.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use flex_keys::ObjectKey;
use futures::Stream;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    Bucket, CopyReason, CopySettings, ETag, Encryption, ListedObject, ProofWanted, StopReason,
    join::Batch,
    layout::{COPY_OBJECT_LIMIT, free_part_size},
};

/// Where a checksum proves any layout, one request copies up to so much. What is larger would be the last to end: at the
/// 70 to 100 MB/s that a single copy was seen to reach, this takes 10 to 15 s.
const SPLIT_ABOVE: u64 = 1 << 30;

/// How an object will be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// One CopyObject; with a HEAD of the source before it where its checksum is the proof.
    Whole {
        /// The source's checksum is asked for first.
        head: bool,
    },
    /// A multipart copy in so many parts (as far as the listing tells).
    Parts(u32),
}

impl Method {
    /// Requests that it takes when none fails.
    pub fn requests(self) -> u64 {
        match self {
            Self::Whole { head } => 1 + u64::from(head),
            // HEAD, create, parts, complete.
            Self::Parts(parts) => 3 + u64::from(parts),
        }
    }

    /// Whether a copy made like this will be proven by nothing but its size, encryption aside: another layout than the source's,
    /// and no checksum that is asked for.
    pub fn proves_size_only(self, object: &ListedObject, proof: ProofWanted) -> bool {
        match self {
            Self::Whole { head } => object.etag.parts().is_some() && !head,
            Self::Parts(_) => {
                (proof == ProofWanted::Size || object.etag.parts().is_none()) && !object.full_object_checksum
            }
        }
    }

    /// How an object is copied when this is how it is to be proven.
    ///
    /// A copy made again because the listings could not prove it keeps the source's layout even where a checksum would
    /// prove any other: only equal ETags show in a listing.
    pub fn of(object: &ListedObject, proof: ProofWanted, reason: CopyReason) -> Self {
        let any_layout = any_layout_will_do(object, proof, reason);
        let provable_by_parts = object.etag.parts().is_some() && object.full_object_checksum && any_layout;
        let split = provable_by_parts && proof == ProofWanted::ETag && object.size > SPLIT_ABOVE;
        if object.size > COPY_OBJECT_LIMIT || split {
            return Self::Parts(match object.etag.parts() {
                Some(n) if !any_layout => n,
                _ => u32::try_from(object.size.div_ceil(free_part_size(object.size))).unwrap_or(u32::MAX),
            });
        }
        match object.etag.parts() {
            // An empty object has no part that could be copied.
            Some(n) if !any_layout && object.size > 0 => Self::Parts(n),
            Some(_) if object.full_object_checksum && proof == ProofWanted::ETag => Self::Whole { head: true },
            _ => Self::Whole { head: false },
        }
    }
}

/// Whether the copy need not have the source's part layout.
pub(crate) fn any_layout_will_do(object: &ListedObject, proof: ProofWanted, reason: CopyReason) -> bool {
    proof == ProofWanted::Size || (object.full_object_checksum && reason != CopyReason::Unproven)
}

/// What is to be done with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Copy it.
    Copy {
        /// Why.
        reason: CopyReason,
        /// How.
        method: Method,
        /// Size and kind of both ETags are equal, and only the digests differ: SSE-KMS on one side would explain that.
        kms_possible: bool,
    },
    /// Nothing: size and ETag are equal.
    Identical,
    /// Nothing: the sizes are equal, and ETags of different layouts cannot be compared.
    Kept,
    /// Nothing can be done before its owner restores it.
    Archived,
    /// Nothing: a zero-byte object named like a folder.
    Marker,
    /// Only the destination has it. Nothing is ever deleted there.
    Extra,
    /// The filter leaves it out. It tells that its day has data.
    FilteredOut,
}

/// One object of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanItem {
    /// The object as the source lists it (as the destination lists it for [`Action::Extra`]).
    pub object: ListedObject,
    /// What is to be done with it.
    pub action: Action,
    /// The ETag of what the destination has under its key.
    pub destination_etag: Option<ETag>,
    /// Its bytes.
    pub destination_size: Option<u64>,
}

/// Compares one object of the source with what the destination lists under its key.
pub(crate) fn compare(source: &ListedObject, destination: Option<&ListedObject>, settings: &CopySettings) -> Action {
    if source.size == 0 && ObjectKey::parse(&source.key).is_folder() && !settings.copy_markers {
        return Action::Marker;
    }
    let copy = |reason, kms_possible| {
        if source.storage.is_archived() {
            Action::Archived
        } else {
            Action::Copy { reason, method: Method::of(source, settings.proof, reason), kms_possible }
        }
    };
    let Some(destination) = destination else {
        return copy(CopyReason::New, false);
    };
    if source.size != destination.size {
        return copy(CopyReason::Changed, false);
    }
    if source.etag == destination.etag {
        return Action::Identical;
    }
    // A source written after its copy was made is another version, whatever the ETags can tell.
    let source_is_newer = source.last_modified > destination.last_modified;
    let kms = matches!(settings.encryption, Some(Encryption::Kms(_)));
    let same_kind = source.etag.parts() == destination.etag.parts();
    match (source_is_newer, same_kind && !kms) {
        (true, _) => copy(CopyReason::Changed, false),
        // SSE-KMS makes plain ETags opaque, and the digests of parts too.
        (false, true) => copy(CopyReason::Changed, true),
        (false, false) if settings.recopy_size_only => copy(CopyReason::Unproven, false),
        (false, false) => Action::Kept,
    }
}

/// Both sides and the settings of a run.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) source: Bucket,
    pub(crate) destination: Bucket,
    pub(crate) settings: CopySettings,
}

/// The plan as a stream, in no particular order: ranges of keys are listed side by side. Dropping it ends the listing.
#[derive(Debug)]
pub struct PlanStream {
    receive: mpsc::Receiver<Batch>,
    _tasks: JoinSet<()>,
    batch: std::vec::IntoIter<PlanItem>,
    stopped: bool,
}

impl PlanStream {
    pub(crate) fn new(receive: mpsc::Receiver<Batch>, tasks: JoinSet<()>) -> Self {
        Self { receive, _tasks: tasks, batch: Vec::new().into_iter(), stopped: false }
    }
}

impl Stream for PlanStream {
    type Item = Result<PlanItem, StopReason>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if this.stopped {
                return Poll::Ready(None);
            }
            if let Some(item) = this.batch.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match this.receive.poll_recv(cx) {
                Poll::Ready(Some(Ok(batch))) => this.batch = batch.into_iter(),
                Poll::Ready(Some(Err(reason))) => {
                    this.stopped = true;
                    return Poll::Ready(Some(Err(reason)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Storage;

    const A: &str = "0cc175b9c0f1b6a831c399e269772661";
    const B: &str = "92eb5ffee6ae2fec3ad71c777531578f";

    fn object(key: &str, size: u64, etag: &str, last_modified: i64) -> ListedObject {
        ListedObject {
            key: key.into(),
            size,
            etag: ETag::new(etag),
            last_modified,
            storage: Storage::Online,
            full_object_checksum: false,
        }
    }

    fn word(action: &Action) -> &'static str {
        match action {
            Action::Copy { reason: CopyReason::New, .. } => "new",
            Action::Copy { reason: CopyReason::Changed, kms_possible: true, .. } => "changed?",
            Action::Copy { reason: CopyReason::Changed, .. } => "changed",
            Action::Copy { reason: CopyReason::Unproven, .. } => "unproven",
            Action::Identical => "identical",
            Action::Kept => "kept",
            Action::Archived => "archived",
            Action::Marker => "marker",
            Action::Extra => "extra",
            Action::FilteredOut => "filtered out",
        }
    }

    #[test]
    fn each_pair_of_entries_has_its_action() {
        let plain = CopySettings::default();
        let recopy = CopySettings { recopy_size_only: true, ..CopySettings::default() };
        let markers = CopySettings { copy_markers: true, ..CopySettings::default() };
        let kms = CopySettings { encryption: Some(Encryption::Kms("k".into())), ..CopySettings::default() };
        let key = "2021/05/31/20210531_1_001.pcap.gz";
        let (a2, b2, b3) = (format!("{A}-2"), format!("{B}-2"), format!("{B}-3"));
        // (key, settings, source (size, ETag, time), destination, want)
        type Entry<'a> = (u64, &'a str, i64);
        let cases: &[(&str, &CopySettings, Entry<'_>, Option<Entry<'_>>, &str)] = &[
            (key, &plain, (5, A, 1), None, "new"),
            (key, &plain, (5, A, 1), Some((5, A, 2)), "identical"),
            (key, &plain, (5, A, 1), Some((4, A, 2)), "changed"),
            (key, &plain, (5, A, 1), Some((5, B, 2)), "changed?"),
            (key, &plain, (5, A, 3), Some((5, B, 2)), "changed"),
            (key, &plain, (5, &a2, 1), Some((5, A, 2)), "kept"),
            (key, &plain, (5, A, 1), Some((5, &a2, 2)), "kept"),
            (key, &plain, (5, &a2, 1), Some((5, &b3, 2)), "kept"),
            (key, &plain, (5, &a2, 1), Some((5, &b2, 2)), "changed?"),
            (key, &plain, (5, &a2, 3), Some((5, A, 2)), "changed"),
            (key, &recopy, (5, &a2, 1), Some((5, A, 2)), "unproven"),
            (key, &recopy, (5, A, 1), Some((5, A, 2)), "identical"),
            (key, &kms, (5, A, 1), Some((5, B, 2)), "kept"),
            (key, &kms, (5, A, 3), Some((5, B, 2)), "changed"),
            ("2021/05/31/", &plain, (0, A, 1), None, "marker"),
            ("2021/5/31", &plain, (0, A, 1), None, "marker"),
            ("2021/5/31", &plain, (1, A, 1), None, "new"),
            ("2021/05/31/", &markers, (0, A, 1), None, "new"),
        ];
        for (key, settings, s, d, want) in cases {
            let source = object(key, s.0, s.1, s.2);
            let destination = d.map(|d| object(key, d.0, d.1, d.2));
            let got = compare(&source, destination.as_ref(), settings);
            assert_eq!(word(&got), *want, "{key} {s:?} {d:?}");
        }
        let mut archived = object(key, 5, A, 1);
        archived.storage = Storage::DeepArchive;
        assert_eq!(compare(&archived, None, &plain), Action::Archived);
        assert_eq!(compare(&archived, Some(&object(key, 5, A, 0)), &plain), Action::Identical);
    }

    #[test]
    fn the_method_follows_size_layout_and_checksum() {
        let of = |size, etag: &str, full, proof| {
            let mut o = object("k", size, etag, 0);
            o.full_object_checksum = full;
            Method::of(&o, proof, CopyReason::New)
        };
        let n = format!("{A}-7");
        let (etag, size) = (ProofWanted::ETag, ProofWanted::Size);
        assert_eq!(of(COPY_OBJECT_LIMIT, A, false, etag), Method::Whole { head: false });
        assert_eq!(of(1 << 30, &n, false, etag), Method::Parts(7));
        assert_eq!(of(1 << 30, &n, true, etag), Method::Whole { head: true });
        assert_eq!(of(2 << 30, &n, true, etag), Method::Parts(16), "to end with the rest");
        assert_eq!(of(2 << 30, &n, true, size), Method::Whole { head: false });
        assert_eq!(of(2 << 30, A, true, etag), Method::Whole { head: false }, "its ETag proves it");
        assert_eq!(of(1 << 30, &n, false, size), Method::Whole { head: false });
        assert_eq!(of(0, &format!("{A}-1"), false, etag), Method::Whole { head: false });
        assert_eq!(of(6 << 30, &n, false, etag), Method::Parts(7));
        assert!(matches!(of(6 << 30, &n, true, etag), Method::Parts(p) if p > 7));
        assert!(matches!(of(COPY_OBJECT_LIMIT + 1, A, false, etag), Method::Parts(_)));
    }
}
