//! ListObjectsV2: keys in UTF-8 order, prefixes rolled up, pages.

use std::collections::BTreeMap;
use std::ops::Bound;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    ChecksumAlgorithm, CommonPrefix, EncodingType, ListObjectsV2Input, ListObjectsV2Output, ObjectStorageClass,
};
use s3s::{S3Result, dto};

use super::clock;
use super::object::Object;
use super::refusal::{invalid_argument, no_such_bucket};
use super::world::World;

/// One line of a listing.
enum Line<'a> {
    Key(&'a str, &'a Object),
    Prefix(&'a str),
}

struct Page<'a> {
    lines: Vec<Line<'a>>,
    more: bool,
}

/// The first `max` lines after `after`. A common prefix counts as a line, and comes after `after` only if it is greater
/// itself: what a client got as the last line of a page is never repeated on the next.
fn page<'a>(
    objects: &'a BTreeMap<Box<str>, Object>,
    prefix: &str,
    delimiter: Option<&str>,
    after: Option<&str>,
    max: usize,
) -> Page<'a> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    let mut from: Bound<String> = match after {
        Some(after) if after >= prefix => Bound::Excluded(after.to_owned()),
        _ => Bound::Included(prefix.to_owned()),
    };
    'seek: loop {
        let bounds: (Bound<&str>, Bound<&str>) = (from.as_ref().map(String::as_str), Bound::Unbounded);
        for (key, object) in objects.range::<str, _>(bounds) {
            if !key.starts_with(prefix) {
                break 'seek;
            }
            let rolled = delimiter.and_then(|delimiter| {
                let at = key[prefix.len()..].find(delimiter)?;
                Some(&key[..prefix.len() + at + delimiter.len()])
            });
            let shown = rolled.is_none_or(|common| after.is_none_or(|after| common > after));
            if shown && lines.len() == max {
                return Page { lines, more: true };
            }
            match rolled {
                None => lines.push(Line::Key(key, object)),
                Some(common) => {
                    if shown {
                        lines.push(Line::Prefix(common));
                    }
                    // One jump over everything under it, however much that is.
                    match after_all_under(common) {
                        Some(next) => from = Bound::Included(next),
                        None => break 'seek,
                    }
                    continue 'seek;
                }
            }
        }
        break;
    }
    Page { lines, more: false }
}

/// The least string greater than every string that begins with `prefix`.
fn after_all_under(prefix: &str) -> Option<String> {
    let mut next = prefix.to_owned();
    while let Some(last) = next.pop() {
        let successor = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(successor) = successor {
            next.push(successor);
            return Some(next);
        }
    }
    None
}

/// As S3 encodes keys in listings: like a form, `/` left alone.
pub(crate) fn url(text: &str) -> String {
    const KEEP: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'/').remove(b' ');
    utf8_percent_encode(text, KEEP).to_string().replace(' ', "+")
}

fn token(last: &str) -> String {
    aws_smithy_types::base64::encode(format!("after {last}"))
}

fn untoken(token: &str) -> Option<String> {
    let bytes = aws_smithy_types::base64::decode(token).ok()?;
    String::from_utf8(bytes).ok()?.strip_prefix("after ").map(str::to_owned)
}

pub(crate) fn list_objects_v2(world: &World, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
    let max = input.max_keys.unwrap_or(i32::MAX);
    if max < 0 {
        return Err(invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647"));
    }
    let encode = match input.encoding_type.as_ref().map(EncodingType::as_str) {
        None => false,
        Some("url") => true,
        Some(_) => return Err(invalid_argument("Invalid Encoding Method specified in Request")),
    };
    let after = match &input.continuation_token {
        Some(token) => {
            Some(untoken(token).ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))?)
        }
        None => input.start_after.clone().filter(|after| !after.is_empty()),
    };
    let text = |text: &str| if encode { url(text) } else { text.to_owned() };
    let prefix = input.prefix.clone().unwrap_or_default();
    let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());
    let fetch_owner = input.fetch_owner.unwrap_or(false);

    let state = world.state();
    let max = max.min(state.page);
    let bucket = state.buckets.get(&input.bucket).ok_or_else(no_such_bucket)?;
    let size = usize::try_from(max).unwrap_or(0);
    let page = if size == 0 {
        Page { lines: Vec::new(), more: false }
    } else {
        page(&bucket.objects, &prefix, delimiter.as_deref(), after.as_deref(), size)
    };
    let next = page.lines.last().filter(|_| page.more).map(|line| match line {
        Line::Key(last, _) | Line::Prefix(last) => token(last),
    });
    let mut contents = Vec::new();
    let mut prefixes = Vec::new();
    for line in &page.lines {
        match line {
            Line::Prefix(common) => prefixes.push(CommonPrefix { prefix: Some(text(common)) }),
            Line::Key(key, object) => contents.push(dto::Object {
                key: Some(text(key)),
                size: i64::try_from(object.content.len()).ok(),
                e_tag: Some(object.etag.dto()),
                last_modified: Some(clock::at_seconds(object.modified).into()),
                storage_class: Some(ObjectStorageClass::from_static(object.storage_class.name())),
                checksum_algorithm: object
                    .checksum
                    .as_ref()
                    .map(|c| vec![ChecksumAlgorithm::from_static(c.algorithm.name())]),
                checksum_type: object.checksum.as_ref().map(|c| dto::ChecksumType::from_static(c.kind.name())),
                owner: fetch_owner
                    .then(|| dto::Owner { display_name: None, id: object.more().map(|m| m.owner.to_string()) }),
                restore_status: None,
            }),
        }
    }
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(text(&prefix)),
        max_keys: Some(max),
        key_count: i32::try_from(page.lines.len()).ok(),
        is_truncated: Some(page.more),
        next_continuation_token: next,
        continuation_token: input.continuation_token,
        start_after: input.start_after.as_deref().map(text),
        delimiter: delimiter.as_deref().map(text),
        encoding_type: input.encoding_type,
        contents: Some(contents),
        common_prefixes: Some(prefixes),
        ..Default::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::content::Content;
    use super::super::object::Encryption;
    use super::*;

    fn bucket(keys: &[&str]) -> BTreeMap<Box<str>, Object> {
        let object = || Object::written(Content::seeded(0, 1), None, Encryption::S3, 0);
        keys.iter().map(|key| ((*key).into(), object())).collect()
    }

    fn lines(page: &Page<'_>) -> Vec<String> {
        page.lines
            .iter()
            .map(|line| match line {
                Line::Key(key, _) => (*key).to_owned(),
                Line::Prefix(common) => format!("PRE {common}"),
            })
            .collect()
    }

    #[test]
    fn prefixes_are_rolled_up_and_jumped_over() {
        let objects = bucket(&["2020/a", "2021/05/a", "2021/05/b", "2021/06/a", "2021/x", "2021/日/a", "2022/a"]);
        let page = page(&objects, "2021/", Some("/"), None, 10);
        assert_eq!(lines(&page), ["PRE 2021/05/", "PRE 2021/06/", "2021/x", "PRE 2021/日/"]);
        assert!(!page.more);
    }

    #[test]
    fn pages_of_any_size_put_together_are_the_whole() {
        let objects = bucket(&["a/1", "a/2", "b", "c/1", "c/2", "c/3", "d", "e\u{d7ff}/1", "f"]);
        for delimiter in [None, Some("/")] {
            let whole = lines(&page(&objects, "", delimiter, None, 100));
            for size in 1..5 {
                let (mut all, mut after) = (Vec::new(), None::<String>);
                loop {
                    let page = page(&objects, "", delimiter, after.as_deref(), size);
                    all.extend(lines(&page));
                    after = all.last().map(|last| last.trim_start_matches("PRE ").to_owned());
                    if !page.more {
                        break;
                    }
                }
                assert_eq!(all, whole, "{size} a page, {delimiter:?}");
            }
        }
    }

    #[test]
    fn the_string_after_a_prefix() {
        for (prefix, want) in
            [("a/", Some("a0")), ("a\u{d7ff}", Some("a\u{e000}")), ("a\u{10ffff}", Some("b")), ("\u{10ffff}", None)]
        {
            assert_eq!(after_all_under(prefix).as_deref(), want, "{prefix:?}");
        }
    }

    #[test]
    fn keys_are_encoded_as_in_a_form() {
        assert_eq!(url("version 17.4/a+b%.日"), "version+17.4/a%2Bb%25.%E6%97%A5");
    }
}
