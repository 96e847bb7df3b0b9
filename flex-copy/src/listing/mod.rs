//! Listings: one page at a time, in key order, checked for what a comparison relies on.

mod answer;
mod range;

use std::borrow::Cow;

use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

pub(crate) use range::RangeReader;

use self::answer::ReadPage;

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
            let answer = call
                .clone()
                .customize()
                .interceptor(ReadPage)
                .send()
                .await
                .map_err(|error| RequestFailure::from_sdk(operation, error))?;
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
    let vendor_key = |text: Option<String>| {
        let text = text.ok_or_else(|| bad("an entry without a key".into()))?;
        let full = match if encoded { decode(&text) } else { Some(Cow::Borrowed(text.as_str())) } {
            None => return Err(bad(format!("the key {text:?} is not UTF-8"))),
            Some(Cow::Owned(full)) => full,
            Some(Cow::Borrowed(_)) => text,
        };
        match full.strip_prefix(bucket.key_prefix()) {
            Some(key) if key.len() == full.len() => Ok(full),
            Some(key) => Ok(key.to_owned()),
            None => Err(bad(format!("the key {full:?} does not begin with the prefix asked for"))),
        }
    };
    let next = match answer.is_truncated() {
        Some(true) => answer.next_continuation_token,
        _ => None,
    };
    let contents = answer.contents.unwrap_or_default();
    let mut objects = Vec::with_capacity(contents.len());
    for object in contents {
        let key = vendor_key(object.key)?;
        let (Some(size), Some(etag)) = (object.size.and_then(|s| u64::try_from(s).ok()), object.e_tag) else {
            return Err(bad(format!("the entry for {key:?} has no size or no ETag")));
        };
        objects.push(ListedObject {
            key,
            size,
            etag: ETag::new(&etag),
            last_modified: object.last_modified.map_or(0, |at| at.secs()),
            storage: Storage::of(object.storage_class.as_ref().map(|c| c.as_str())),
            full_object_checksum: object.checksum_type.is_some_and(|t| t.as_str() == "FULL_OBJECT"),
        });
    }
    let folders = answer.common_prefixes.unwrap_or_default().into_iter();
    let folders = folders.map(|folder| vendor_key(folder.prefix)).collect::<Result<_, _>>()?;
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
