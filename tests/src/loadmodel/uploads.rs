//! Multipart uploads that are open.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::destination::{Made, stray};
use super::hash::hash;
use super::layout::{ETag, Layout, digest};
use super::source::Source;

/// The smallest part but the last.
const MIN_PART: u64 = 5 << 20;

/// Where a part's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The source object; none for bytes that are nobody's.
    pub(super) index: Option<u64>,
    pub(super) start: u64,
    pub(super) length: u64,
}

impl Part {
    pub(super) fn etag(self, seed: u64) -> ETag {
        let index = self.index.map_or(u64::MAX, |index| index);
        ETag { digest: digest(&[seed, index, 6, self.start, self.length]), parts: None }
    }
}

#[derive(Debug)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) parts: BTreeMap<u32, Part>,
}

/// Why an upload cannot be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Incomplete {
    NoSuchUpload,
    InvalidPart,
    InvalidPartOrder,
    EntityTooSmall,
    /// The size that was said is not the parts' sum.
    WrongSize,
}

#[derive(Default)]
struct Open {
    begun: u64,
    uploads: BTreeMap<String, Upload>,
}

#[derive(Default)]
pub(super) struct Uploads(Mutex<Open>);

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, key: &str) -> String {
        let mut open = self.lock();
        open.begun += 1;
        let id = format!("{:06x}{:016x}", open.begun, hash(&[open.begun]));
        open.uploads.insert(id.clone(), Upload { key: key.to_owned(), parts: BTreeMap::new() });
        id
    }

    pub(super) fn count(&self) -> usize {
        self.lock().uploads.len()
    }

    /// Looks at an upload, if it is one of this key.
    pub(super) fn with<T>(&self, key: &str, id: &str, look: impl FnOnce(&mut Upload) -> T) -> Option<T> {
        self.lock().uploads.get_mut(id).filter(|upload| upload.key == key).map(look)
    }

    pub(super) fn end(&self, key: &str, id: &str) -> Option<Upload> {
        let mut open = self.lock();
        if open.uploads.get(id).is_none_or(|upload| upload.key != key) {
            return None;
        }
        open.uploads.remove(id)
    }

    /// Key and id of each.
    pub(super) fn list(&self) -> Vec<(String, String)> {
        self.lock().uploads.iter().map(|(id, upload)| (upload.key.clone(), id.clone())).collect()
    }

    /// Ends an upload with these parts (number and ETag), whose sum is to be `size` if it is said.
    pub(super) fn complete(
        &self,
        source: &Source,
        seed: u64,
        key: &str,
        id: &str,
        listed: &[(u32, String)],
        size: Option<u64>,
    ) -> Result<Made, Incomplete> {
        let made = self.with(key, id, |upload| {
            let mut parts = Vec::with_capacity(listed.len());
            for (number, etag) in listed {
                let part = upload.parts.get(number).ok_or(Incomplete::InvalidPart)?;
                if part.etag(seed).text() != *etag {
                    return Err(Incomplete::InvalidPart);
                }
                parts.push(*part);
            }
            if parts.is_empty() || !listed.is_sorted_by(|(a, _), (b, _)| a < b) {
                return Err(Incomplete::InvalidPartOrder);
            }
            if parts[..parts.len() - 1].iter().any(|part| part.length < MIN_PART) {
                return Err(Incomplete::EntityTooSmall);
            }
            let sum = parts.iter().map(|part| part.length).sum();
            if size.is_some_and(|size| size != sum) {
                return Err(Incomplete::WrongSize);
            }
            Ok(put_together(source, seed, &parts, sum))
        });
        let made = made.ok_or(Incomplete::NoSuchUpload)??;
        self.end(key, id);
        Ok(made)
    }
}

/// What these parts, one after the other, make.
fn put_together(source: &Source, seed: u64, parts: &[Part], sum: u64) -> Made {
    let sizes: Vec<u64> = parts.iter().map(|part| part.length).collect();
    let mut next = 0;
    let in_order = parts.iter().all(|part| {
        let fits = part.start == next && part.index == parts[0].index;
        next += part.length;
        fits
    });
    match parts[0].index {
        Some(index) if in_order && sum == source.size(index) => Made::From { index, layout: Layout::of(&sizes) },
        _ => {
            let pieces: String = parts.iter().map(|part| part.etag(seed).text()).collect();
            Made::Wrong { size: sum, etag: stray(&pieces, Some(parts.len() as u32)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loadmodel::layout::etag;
    use crate::loadmodel::scene::Scene;

    const MIB: u64 = 1 << 20;

    /// Completes an upload of these parts of objects; their numbers go up from 1.
    fn complete(source: &Source, parts: &[Part]) -> Result<Made, Incomplete> {
        let uploads = Uploads::default();
        let id = uploads.begin("k");
        let mut listed = Vec::new();
        for (number, part) in (1..).zip(parts) {
            uploads.with("k", &id, |upload| upload.parts.insert(number, *part));
            listed.push((number, part.etag(1).text()));
        }
        let made = uploads.complete(source, 1, "k", &id, &listed, None);
        assert_eq!(uploads.count(), usize::from(made.is_err()));
        made
    }

    fn cut(source: &Source, index: u64, part: u64) -> Vec<Part> {
        let size = source.size(index);
        let part_at = |start| Part { index: Some(index), start, length: part.min(size - start) };
        (0..size.div_ceil(part)).map(|nth| part_at(nth * part)).collect()
    }

    #[test]
    fn the_sources_layout_gives_the_sources_etag() {
        let source = Source::new(&Scene::named("latency").expect("a scene"));
        let size = source.size(3);
        let of = |made| match made {
            Ok(Made::From { index: 3, layout }) => etag(1, 3, size, layout),
            other => panic!("not the third object: {other:?}"),
        };
        let mut at_source = String::new();
        source.push_etag(3, size, &mut at_source);
        assert_eq!(of(complete(&source, &cut(&source, 3, 8 * MIB))).text(), at_source);
        assert_ne!(of(complete(&source, &cut(&source, 3, 16 * MIB))).text(), at_source);
    }

    #[test]
    fn what_is_missing_or_mixed_is_wrong() {
        let source = Source::new(&Scene::named("latency").expect("a scene"));
        let right = cut(&source, 3, 8 * MIB);
        let other = Part { index: Some(4), ..right[1] };
        let mut short = right.clone();
        short.pop();
        let mut mixed = right.clone();
        mixed[1] = other;
        let mut swapped = right.clone();
        swapped.swap(0, 1);
        for parts in [short, mixed, swapped] {
            assert!(matches!(complete(&source, &parts), Ok(Made::Wrong { .. })), "{parts:?}");
        }
    }

    #[test]
    fn what_s3_refuses_is_refused() {
        let source = Source::new(&Scene::named("latency").expect("a scene"));
        assert_eq!(complete(&source, &cut(&source, 3, 4 * MIB)), Err(Incomplete::EntityTooSmall));
        assert_eq!(complete(&source, &[]), Err(Incomplete::InvalidPartOrder));
        let uploads = Uploads::default();
        let id = uploads.begin("k");
        let part = cut(&source, 3, 8 * MIB)[0];
        uploads.with("k", &id, |upload| upload.parts.insert(2, part));
        let etag = part.etag(1).text();
        let ask = |key: &str, listed: &[(u32, String)], size| uploads.complete(&source, 1, key, &id, listed, size);
        assert_eq!(ask("k", &[(1, etag.clone())], None), Err(Incomplete::InvalidPart));
        assert_eq!(ask("k", &[(2, "0".into())], None), Err(Incomplete::InvalidPart));
        assert_eq!(ask("k", &[(2, etag.clone()), (2, etag.clone())], None), Err(Incomplete::InvalidPartOrder));
        assert_eq!(ask("l", &[(2, etag.clone())], None), Err(Incomplete::NoSuchUpload));
        assert_eq!(ask("k", &[(2, etag)], Some(1)), Err(Incomplete::WrongSize));
    }
}
