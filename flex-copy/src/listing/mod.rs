//! Listings: one page at a time, in key order, checked for what a comparison relies on.

use std::{borrow::Cow, collections::VecDeque};

use aws_sdk_s3::types::EncodingType;
use flex_keys::KeyRange;
use percent_encoding::percent_decode_str;

use crate::{
    Bucket, ETag, ListedObject, StopReason, Storage,
    failure::{FailureKind, Operation, RequestFailure},
    requests::{Failed, OnCancel, Requests, attempt_limit},
};

/// Which bucket is listed: a refusal means something else on each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

/// One answer of ListObjectsV2, keys without the bucket's prefix.
pub(crate) struct Page {
    pub(crate) objects: Vec<ListedObject>,
    pub(crate) folders: Vec<String>,
    pub(crate) next: Option<String>,
}

/// What to list.
pub(crate) struct PageRequest<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) after: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
    pub(crate) folders: bool,
}

pub(crate) async fn page(
    requests: &Requests,
    bucket: &Bucket,
    side: Side,
    what: &PageRequest<'_>,
    on_cancel: OnCancel<'_>,
) -> Result<Page, StopReason> {
    // Keys may hold characters that XML cannot; S3 encodes them when asked, and says whether it did.
    let mut call = bucket
        .client()
        .list_objects_v2()
        .bucket(bucket.name())
        .prefix(bucket.key(what.prefix))
        .set_start_after(what.after.map(|after| bucket.key(after)))
        .set_continuation_token(what.token.map(str::to_owned))
        .encoding_type(EncodingType::Url)
        .set_expected_bucket_owner(bucket.owner().map(str::to_owned));
    if what.folders {
        call = call.delimiter("/");
    }
    let operation = Operation::ListObjectsV2;
    let answer = requests
        .send((operation, what.prefix), attempt_limit(0), on_cancel, || async {
            let answer = call.clone().send().await.map_err(|error| RequestFailure::from_sdk(operation, error))?;
            // Cut off without a way to go on, or without a word of whether it is, as an empty or mangled answer looks: ask
            // again. Taken for the end of the listing it would lose what follows.
            if answer.is_truncated() != Some(false) && answer.next_continuation_token().is_none() {
                return Err(RequestFailure::empty_answer(operation));
            }
            Ok(answer)
        })
        .await
        .map_err(|failed| stop_reason(bucket, side, what.prefix, failed))?;

    let bad = |detail: String| StopReason::BadListing {
        bucket: bucket.name().to_owned(),
        prefix: what.prefix.to_owned(),
        detail,
    };
    let encoded = answer.encoding_type() == Some(&EncodingType::Url);
    let vendor_key = |text: Option<&str>| {
        let text = text.ok_or_else(|| bad("an entry without a key".into()))?;
        let full = if encoded { decode(text) } else { Some(Cow::Borrowed(text)) };
        let full = full.ok_or_else(|| bad(format!("the key {text:?} is not UTF-8")))?;
        match full.strip_prefix(bucket.key_prefix()) {
            Some(key) => Ok(key.to_owned()),
            None => Err(bad(format!("the key {full:?} does not begin with the prefix asked for"))),
        }
    };
    let mut objects = Vec::with_capacity(answer.contents().len());
    for object in answer.contents() {
        let key = vendor_key(object.key())?;
        let (Some(size), Some(etag)) = (object.size().and_then(|s| u64::try_from(s).ok()), object.e_tag()) else {
            return Err(bad(format!("the entry for {key:?} has no size or no ETag")));
        };
        objects.push(ListedObject {
            key,
            size,
            etag: ETag::new(etag),
            last_modified: object.last_modified().map_or(0, aws_smithy_types::DateTime::secs),
            storage: Storage::of(object.storage_class().map(|c| c.as_str())),
            full_object_checksum: object.checksum_type().is_some_and(|t| t.as_str() == "FULL_OBJECT"),
        });
    }
    let folders = answer.common_prefixes().iter().map(|p| vendor_key(p.prefix())).collect::<Result<_, _>>()?;
    let next = match answer.is_truncated() {
        Some(true) => answer.next_continuation_token().map(str::to_owned),
        _ => None,
    };
    Ok(Page { objects, folders, next })
}

/// Undoes `encoding-type=url`: S3 writes a space as `+`.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['+', '%']) {
        return Some(Cow::Borrowed(text));
    }
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(|key| Cow::Owned(key.into_owned()))
}

fn stop_reason(bucket: &Bucket, side: Side, prefix: &str, failed: Failed) -> StopReason {
    let failed = match StopReason::general(bucket.name(), failed) {
        Ok(reason) => return reason,
        Err(failed) => failed,
    };
    let denied = failed.kind() == FailureKind::Denied;
    let (bucket, prefix, source) = (bucket.name().to_owned(), prefix.to_owned(), failed.failure);
    match (denied, side) {
        (true, Side::Source) => StopReason::SourceNotListable { bucket, prefix, source },
        (true, Side::Destination) => StopReason::DestinationNotListable { bucket, prefix, source },
        (false, _) => StopReason::Listing { bucket, prefix, source },
    }
}

/// Reads the keys of one range in order, a page at a time.
pub(crate) struct RangeReader<'a> {
    requests: &'a Requests,
    bucket: &'a Bucket,
    side: Side,
    range: &'a KeyRange,
    token: Option<String>,
    last: Option<String>,
    page: VecDeque<ListedObject>,
    ended: bool,
}

impl<'a> RangeReader<'a> {
    pub(crate) fn new(requests: &'a Requests, bucket: &'a Bucket, side: Side, range: &'a KeyRange) -> Self {
        Self { requests, bucket, side, range, token: None, last: None, page: VecDeque::new(), ended: false }
    }

    /// Makes sure that [`peek`](Self::peek) tells the next object, or that there is none.
    pub(crate) async fn fill(&mut self) -> Result<(), StopReason> {
        while self.page.is_empty() && !self.ended {
            let page = page(
                self.requests,
                self.bucket,
                self.side,
                &PageRequest {
                    prefix: &self.range.prefix,
                    after: self.range.after.as_deref(),
                    token: self.token.as_deref(),
                    folders: false,
                },
                OnCancel::Stop,
            )
            .await?;
            self.accept(page)?;
        }
        Ok(())
    }

    fn accept(&mut self, page: Page) -> Result<(), StopReason> {
        if page.next.is_some() && page.next == self.token {
            return Err(self.bad("it repeats the same page".into()));
        }
        self.token = page.next;
        self.ended = self.token.is_none();
        let mut last = self.last.as_deref();
        for object in &page.objects {
            if let Some(last) = last
                && object.key.as_str() <= last
            {
                return Err(self.bad(format!("{:?} comes after {last:?}", object.key)));
            }
            if !object.key.starts_with(&self.range.prefix) {
                return Err(self.bad(format!("{:?} is outside of it", object.key)));
            }
            last = Some(&object.key);
        }
        if let Some(object) = page.objects.last() {
            self.last = Some(object.key.clone());
        }
        self.page = page.objects.into();
        if let Some(after) = &self.range.after {
            // A store that does not know start-after begins too early; what it gives belongs to another range.
            self.page.drain(..self.page.partition_point(|o| o.key <= *after));
        }
        if let Some(before) = &self.range.before {
            let within = self.page.partition_point(|o| o.key < *before);
            if within < self.page.len() {
                self.page.truncate(within);
                self.ended = true;
            }
        }
        Ok(())
    }

    fn bad(&self, detail: String) -> StopReason {
        StopReason::BadListing { bucket: self.bucket.name().to_owned(), prefix: self.range.prefix.clone(), detail }
    }

    pub(crate) fn peek(&self) -> Option<&ListedObject> {
        self.page.front()
    }

    pub(crate) fn take(&mut self) -> Option<ListedObject> {
        self.page.pop_front()
    }

    /// Whether the page is used up although more follows.
    pub(crate) fn needs_page(&self) -> bool {
        self.page.is_empty() && !self.ended
    }
}
