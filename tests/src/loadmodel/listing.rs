//! ListObjectsV2 and ListObjects.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::destination::Held;
use super::model::{DESTINATION, SOURCE, State};
use super::reply::{Reply, XML};
use super::request::{Operation, Request};
use super::scene::Scene;
use super::source::Source;
use super::text::{push_escaped, push_number};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// One of the two buckets, as it is at this moment.
struct Shelf<'a> {
    scene: &'a Scene,
    source: &'a Source,
    state: &'a State,
    is_source: bool,
}

/// A key and what it holds.
enum Found {
    Source(u64),
    Held(u64, Held),
    Foreign(Held),
}

impl Shelf<'_> {
    /// The first key from there on, written into `key`.
    fn next(&self, from: &str, key: &mut String) -> Option<Found> {
        key.clear();
        let at = self.source.before(from.as_bytes());
        self.next_at(at, from, key)
    }

    /// The same, where the place of `from` among the source's keys is known.
    fn next_at(&self, at: u64, from: &str, key: &mut String) -> Option<Found> {
        if self.is_source {
            return (at < self.source.len()).then(|| {
                self.source.push_key(at, key);
                Found::Source(at)
            });
        }
        let destination = &self.state.destination;
        let foreign = destination.next_foreign(self.source, from);
        let mut at = at;
        while let Some(index) = destination.next(at) {
            // Deleted meanwhile?
            if let Some(held) = destination.at(self.source, index) {
                self.source.push_key(index, key);
                if foreign.as_ref().is_some_and(|(foreign, _)| *foreign < *key) {
                    break;
                }
                return Some(Found::Held(index, held));
            }
            at = index + 1;
        }
        let (name, held) = foreign?;
        key.clear();
        key.push_str(&name);
        Some(Found::Foreign(held))
    }

    fn push_entry(&self, found: &Found, key: &str, encode: bool, out: &mut String) {
        out.push_str("<Contents><Key>");
        match found {
            // The source's keys have nothing to encode.
            Found::Foreign(..) => push_escaped(out, &encoded(key, encode)),
            _ => out.push_str(key),
        }
        out.push_str("</Key><LastModified>");
        let size = match found {
            Found::Source(index) => {
                out.push_str(self.source.modified(*index));
                out.push_str("</LastModified><ETag>&quot;");
                let size = self.source.size(*index);
                self.source.push_etag(*index, size, out);
                size
            }
            Found::Held(_, held) | Found::Foreign(held) => {
                out.push_str(&self.state.modified);
                out.push_str("</LastModified><ETag>&quot;");
                held.etag.push(out);
                held.size
            }
        };
        out.push_str("&quot;</ETag>");
        if self.scene.checksums {
            out.push_str("<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>");
        }
        out.push_str("<Size>");
        push_number(out, size, 1);
        out.push_str("</Size><StorageClass>STANDARD</StorageClass></Contents>");
    }
}

fn encoded(text: &str, encode: bool) -> Cow<'_, str> {
    if encode { utf8_percent_encode(text, ENCODED).into() } else { text.into() }
}

/// The first text after all that begin with this.
fn after_prefix(prefix: &str) -> String {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        if let Some(next) = char::from_u32(u32::from(last) + 1) {
            end.push(next);
            break;
        }
    }
    end
}

/// Where a page begins.
fn start(request: &Request<'_>, v2: bool, prefix: &str, delimiter: &str) -> String {
    // Tokens are `k` and the last key, or `p` and the last common prefix.
    let token = request.query("continuation-token").filter(|_| v2);
    let (kind, text) = match &token {
        Some(token) => token.split_at_checked(1).unwrap_or(("k", "")),
        None => ("k", ""),
    };
    if kind == "p" {
        return after_prefix(text);
    }
    let mut after = Cow::Borrowed(text);
    if token.is_none() {
        after = request.query(if v2 { "start-after" } else { "marker" }).unwrap_or_default();
    }
    // A common prefix that was the last of a page of ListObjects stands for all under it.
    if !v2 && !delimiter.is_empty() && after.starts_with(prefix) && after.ends_with(delimiter) {
        return after_prefix(&after);
    }
    let from = if after.is_empty() { String::new() } else { format!("{after}\0") };
    from.max(prefix.to_owned())
}

/// A page of a bucket.
pub(super) fn list(scene: &Scene, source: &Source, state: &State, request: &Request<'_>) -> Reply {
    let is_source = request.bucket == SOURCE;
    if !is_source && request.bucket != DESTINATION {
        return super::model::no_such_bucket();
    }
    let shelf = Shelf { scene, source, state, is_source };
    let v2 = request.operation == Operation::ListObjectsV2;
    let prefix = request.query("prefix").unwrap_or_default();
    let delimiter = request.query("delimiter").unwrap_or_default();
    let encode = request.query("encoding-type").as_deref() == Some("url");
    let most = match request.query("max-keys").map(|most| most.parse::<usize>()) {
        None => 1_000,
        Some(Ok(most)) => most.min(1_000),
        Some(Err(_)) => return Reply::error(400, "InvalidArgument", "max-keys is no number"),
    };

    let mut out = String::with_capacity(512 + 320 * most);
    let (mut commons, mut count, mut last, mut truncated) = (String::new(), 0, String::new(), false);
    let mut key = String::new();
    let mut found = shelf.next(&start(request, v2, &prefix, &delimiter), &mut key);
    while let Some(entry) = &found {
        if !key.starts_with(&*prefix) || most == 0 {
            break;
        }
        if count == most {
            truncated = true;
            break;
        }
        count += 1;
        let rest = &key[prefix.len()..];
        let common = if delimiter.is_empty() { None } else { rest.find(&*delimiter) };
        found = match common {
            Some(at) => {
                let common = &key[..prefix.len() + at + delimiter.len()];
                commons.push_str("<CommonPrefixes><Prefix>");
                push_escaped(&mut commons, &encoded(common, encode));
                commons.push_str("</Prefix></CommonPrefixes>");
                last = format!("p{common}");
                let next = after_prefix(common);
                shelf.next(&next, &mut key)
            }
            None => {
                shelf.push_entry(entry, &key, encode, &mut out);
                let next = match entry {
                    Found::Source(index) | Found::Held(index, _) => Some(index + 1),
                    Found::Foreign(..) => None,
                };
                last.clear();
                last.push('k');
                last.push_str(&key);
                let from = if is_source { String::new() } else { format!("{key}\0") };
                key.clear();
                match next {
                    Some(at) => shelf.next_at(at, &from, &mut key),
                    None => shelf.next(&from, &mut key),
                }
            }
        };
    }

    let mut page = String::with_capacity(out.len() + commons.len() + 512);
    page.push_str(XML);
    page.push_str("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>");
    page.push_str(&request.bucket);
    page.push_str("</Name>");
    let mut field = |name: &str, value: &str| {
        page.push_str(&format!("<{name}>"));
        push_escaped(&mut page, value);
        page.push_str(&format!("</{name}>"));
    };
    field("Prefix", &encoded(&prefix, encode));
    if !delimiter.is_empty() {
        field("Delimiter", &encoded(&delimiter, encode));
    }
    field("MaxKeys", &most.to_string());
    if encode {
        field("EncodingType", "url");
    }
    field("IsTruncated", if truncated { "true" } else { "false" });
    if v2 {
        field("KeyCount", &count.to_string());
        if truncated {
            field("NextContinuationToken", &last);
        }
        if let Some(after) = request.query("start-after") {
            field("StartAfter", &encoded(&after, encode));
        }
    } else {
        field("Marker", &encoded(&request.query("marker").unwrap_or_default(), encode));
        if truncated && !delimiter.is_empty() {
            field("NextMarker", &encoded(&last[1..], encode));
        }
    }
    page.push_str(&out);
    page.push_str(&commons);
    page.push_str("</ListBucketResult>");
    Reply::xml(page)
}
