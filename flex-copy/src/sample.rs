//! The part layouts that multipart sources have, found by asking for a few of them.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use crate::{ListedObject, engine::head_source, plan::Scene, requests::Requests};

/// As many sources are asked for their layout.
const ASKED: usize = 8;

/// A few multipart sources of many, spread evenly over them in the order in which they come.
#[derive(Clone, Debug)]
pub struct LayoutSample {
    objects: Vec<ListedObject>,
    seen: u64,
    /// One of so many is taken.
    every: u64,
}

impl Default for LayoutSample {
    fn default() -> Self {
        Self { objects: Vec::new(), seen: 0, every: 1 }
    }
}

impl LayoutSample {
    /// Offers a source. One whose ETag is not that of parts is left out.
    pub fn offer(&mut self, object: &ListedObject) {
        if object.etag.parts().is_none() {
            return;
        }
        if self.seen.is_multiple_of(self.every) {
            if self.objects.len() == 2 * ASKED {
                let mut keep = false;
                self.objects.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.every *= 2;
            }
            if self.seen.is_multiple_of(self.every) {
                self.objects.push(object.clone());
            }
        }
        self.seen += 1;
    }

    /// How many multipart sources were offered.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Those to ask for.
    fn chosen(&self) -> impl Iterator<Item = &ListedObject> {
        let step = self.objects.len().div_ceil(ASKED).max(1);
        self.objects.iter().step_by(step)
    }
}

/// What a sample has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layouts {
    /// Sources by the size of their first part, in bytes.
    pub by_part_size: BTreeMap<u64, u64>,
    /// Sources whose layout was not told.
    pub unknown: u64,
}

/// Asks for the first part of each source: one HEAD each.
pub(crate) async fn layouts(scene: &Scene, requests: &Requests, sample: &LayoutSample) -> Layouts {
    let mut layouts = Layouts::default();
    let mut heads = stream::iter(sample.chosen())
        .map(|object| async { (object.etag.parts(), head_source(scene, requests, &object.key, Some(1), false).await) })
        .buffer_unordered(ASKED);
    while let Some((parts, head)) = heads.next().await {
        // A store that does not know parts answers for the whole object and tells no count.
        let told = head.ok().filter(|head| head.parts_count().and_then(|n| u32::try_from(n).ok()) == parts);
        match told.and_then(|head| head.content_length()).and_then(|size| u64::try_from(size).ok()) {
            Some(size) => *layouts.by_part_size.entry(size).or_default() += 1,
            None => layouts.unknown += 1,
        }
    }
    layouts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ETag, Storage};

    #[test]
    fn a_sample_is_spread_over_all_that_is_offered() {
        for total in [0_u64, 1, 7, 8, 9, 16, 17, 100, 5000] {
            let mut sample = LayoutSample::default();
            for index in 0..total {
                for etag in ["0cc175b9c0f1b6a831c399e269772661", "0cc175b9c0f1b6a831c399e269772661-2"] {
                    sample.offer(&ListedObject {
                        key: index.to_string(),
                        size: 1,
                        etag: ETag::new(etag),
                        last_modified: 0,
                        storage: Storage::Online,
                        full_object_checksum: false,
                    });
                }
            }
            let chosen: Vec<u64> = sample.chosen().map(|object| object.key.parse().expect("its index")).collect();
            assert_eq!(sample.seen(), total);
            assert!(chosen.len() as u64 >= total.min(5) && chosen.len() <= ASKED, "{total}: {chosen:?}");
            let gaps: Vec<_> = chosen.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.windows(2).all(|pair| pair[0] == pair[1]), "{total}: {chosen:?}");
            assert!(chosen.last().is_none_or(|last| last * 2 >= total - 1), "{total}: {chosen:?}");
        }
    }
}
