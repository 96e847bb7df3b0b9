//! Copies an object by parts: in the source's own layout where only that proves the copy, and above 5 GiB.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use futures::{StreamExt, stream};

use crate::{
    CopyReason, ETag, ListedObject,
    checksum::Checksums,
    engine::{Engine, Fault, Made},
    layout::{Layout, MAX_PARTS, free_part_size, guess},
    plan::any_layout_will_do,
};

/// What a multipart copy needs to know of its source before it begins.
pub(crate) struct Source {
    pub(crate) head: HeadObjectOutput,
    pub(crate) layout: Layout,
    pub(crate) checksums: Checksums,
    /// The layout is the source's, as the service tells it: other ETags are then a fault unless encryption explains them.
    pub(crate) layout_is_told: bool,
    /// What the destination has under the key before the copy.
    pub(crate) replaced: Option<ETag>,
}

impl Engine {
    /// A multipart copy, pinned to the listed ETag, aborted when it fails.
    /// `replaced` is what the destination has under the key until then.
    pub(crate) async fn copy_parts(
        &self,
        object: &ListedObject,
        replaced: Option<&ETag>,
        reason: CopyReason,
    ) -> Result<Made, Fault> {
        let mut source = self.inspect(object, reason).await?;
        source.replaced = replaced.cloned();
        let fault = match self.copy_in_layout(object, &source).await {
            Err(fault @ Fault::NotProven { .. }) => fault,
            result => return result,
        };
        // The first part and the count fitted a uniform layout, but other sizes fit them as well: ask for each part's, and
        // copy once more if they are others.
        let (Some(parts), Layout::Uniform(first), true) = (object.etag.parts(), &source.layout, source.layout_is_told)
        else {
            return Err(fault);
        };
        match self.part_sizes(object, *first, parts).await? {
            Some(Layout::Sizes(sizes)) if source.layout.sizes(object.size) != sizes => {
                source.layout = Layout::Sizes(sizes);
                if source.layout.is_possible(object.size) {
                    self.copy_in_layout(object, &source).await
                } else {
                    Err(fault)
                }
            }
            _ => Err(fault),
        }
    }

    /// One HEAD tells the metadata, and the layout or the checksum.
    async fn inspect(&self, object: &ListedObject, reason: CopyReason) -> Result<Source, Fault> {
        let any_layout = any_layout_will_do(object, self.scene.settings.proof, reason);
        let parts = object.etag.parts().filter(|_| !any_layout);
        let is_listed = |head: &HeadObjectOutput| head.e_tag().is_none_or(|etag| ETag::new(etag) == object.etag);
        let mut head = self.head_source(&object.key, parts.map(|_| 1), parts.is_none()).await?;
        let (first, told_count) = (head.content_length(), head.parts_count());
        if parts.is_some() && !is_listed(&head) {
            // Some stores answer a HEAD by part with the part's own ETag and metadata: ask for the object's.
            head = self.head_source(&object.key, None, false).await?;
        }
        if !is_listed(&head) {
            return Err(Fault::SourceChanged);
        }
        let free = Layout::Uniform(free_part_size(object.size));
        let Some(parts) = parts else {
            let checksums = Checksums::of_head(&head);
            return Ok(Source { head, layout: free, checksums, layout_is_told: false, replaced: None });
        };
        let first = first.and_then(|l| u64::try_from(l).ok()).unwrap_or_default();
        // A store that does not know parts answers for the whole object and tells no count.
        let told = match told_count.and_then(|n| u32::try_from(n).ok()) {
            Some(count) if count == parts => match Layout::uniform(first, count, object.size) {
                Some(layout) => Some(layout),
                None => self.part_sizes(object, first, count).await?,
            },
            _ => None,
        };
        let told = told.filter(|layout| layout.is_possible(object.size));
        let layout_is_told = told.is_some();
        let layout =
            told.or_else(|| guess(object.size, parts).filter(|layout| layout.is_possible(object.size))).unwrap_or(free);
        Ok(Source { head, layout, checksums: Checksums::default(), layout_is_told, replaced: None })
    }

    /// The sizes of parts that are not uniform, by a HEAD each.
    async fn part_sizes(&self, object: &ListedObject, first: u64, count: u32) -> Result<Option<Layout>, Fault> {
        if u64::from(count) > MAX_PARTS {
            return Ok(None);
        }
        let numbers: Vec<i32> = (2..=count).filter_map(|n| i32::try_from(n).ok()).collect();
        let mut heads = stream::iter(numbers)
            .map(|number| self.head_source(&object.key, Some(number), false))
            .buffered(self.scene.settings.max_in_flight);
        let mut sizes = vec![first];
        while let Some(head) = heads.next().await {
            let Some(size) = head?.content_length().and_then(|l| u64::try_from(l).ok()) else { return Ok(None) };
            sizes.push(size);
        }
        Ok(Some(Layout::Sizes(sizes)))
    }
}
