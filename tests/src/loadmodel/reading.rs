//! HeadObject, GetObject, and what clients ask about buckets.

use http::{StatusCode, header};

use super::destination::Held;
use super::layout::Layout;
use super::model::{DESTINATION, Exchange, REGION, SOURCE, no_such_bucket};
use super::reply::{Reply, XML};
use super::request::range;

impl Exchange<'_> {
    /// An object of the source.
    pub(super) fn at_source(&self, key: &str) -> Option<Held> {
        let index = self.source.find(key)?;
        let size = self.source.size(index);
        let layout = self.source.layout(size);
        let etag = super::layout::etag(self.scene.seed, index, size, layout);
        Some(Held { size, etag, index: Some(index), layout })
    }

    fn held(&self) -> Result<Held, Reply> {
        let held = match &*self.request.bucket {
            SOURCE => self.at_source(&self.request.key),
            DESTINATION => self.state.destination.get(self.source, &self.request.key),
            _ => return Err(no_such_bucket()),
        };
        held.ok_or_else(|| Reply::error(404, "NoSuchKey", "The specified key does not exist."))
    }

    /// HeadObject and GetObject; also for one part.
    pub(super) fn object(&self, with_bytes: bool) -> Reply {
        let held = match self.held() {
            Ok(held) => held,
            Err(reply) => return reply,
        };
        let parts = held.layout.parts(held.size);
        let number = self.request.query("partNumber").and_then(|number| number.parse::<u32>().ok());
        let wanted = match (number, self.request.header("range").and_then(range)) {
            (Some(number), _) => match part(&held, number) {
                Some(part) => Some(part),
                None => return Reply::error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable"),
            },
            (None, Some((first, last))) if first < held.size => {
                Some((first, last.unwrap_or(u64::MAX).min(held.size - 1) + 1 - first))
            }
            (None, Some(_)) => return Reply::error(416, "InvalidRange", "The requested range is not satisfiable"),
            (None, None) => None,
        };
        let (start, length) = wanted.unwrap_or((0, held.size));
        let partial = wanted.is_some();
        let mut reply = Reply::empty(if partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK })
            .header(header::CONTENT_LENGTH, &length.to_string())
            .header(header::CONTENT_TYPE, "binary/octet-stream")
            .header(header::ACCEPT_RANGES, "bytes")
            .header(header::ETAG, &format!("\"{}\"", held.etag.text()))
            .header(header::LAST_MODIFIED, self.modified());
        if partial && held.size > 0 {
            let end = start + length.max(1) - 1;
            reply = reply.header(header::CONTENT_RANGE, &format!("bytes {start}-{end}/{}", held.size));
        }
        if let (Some(_), Some(parts)) = (number, parts) {
            reply = reply.header("x-amz-mp-parts-count", &parts.to_string());
        }
        let asks = self.request.header("x-amz-checksum-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("enabled"));
        if let (true, true, Some(index)) = (asks, self.scene.checksums && number.is_none(), held.index) {
            reply = reply
                .header("x-amz-checksum-crc64nvme", &self.source.checksum(index))
                .header("x-amz-checksum-type", "FULL_OBJECT");
        }
        if with_bytes {
            self.state.stats.bytes_read.fetch_add(length, std::sync::atomic::Ordering::Relaxed);
            reply = reply.zeros(length);
        }
        reply
    }

    fn modified(&self) -> &str {
        match self.source.find(&self.request.key) {
            Some(index) if self.request.bucket == SOURCE => self.source.modified_header(index),
            _ => &self.state.modified_header,
        }
    }

    /// The bucket is there, or an answer that says it is not.
    pub(super) fn if_bucket(&self, reply: Reply) -> Reply {
        let known = matches!(&*self.request.bucket, SOURCE | DESTINATION);
        if known { reply } else { no_such_bucket() }
    }

    pub(super) fn location(&self) -> Reply {
        self.if_bucket(Reply::xml(format!("{XML}<LocationConstraint>{REGION}</LocationConstraint>")))
    }

    pub(super) fn buckets() -> Reply {
        let bucket =
            |name| format!("<Bucket><Name>{name}</Name><CreationDate>2023-01-01T00:00:00.000Z</CreationDate></Bucket>");
        let buckets = bucket(SOURCE) + &bucket(DESTINATION);
        Reply::xml(format!(
            "{XML}<ListAllMyBucketsResult><Owner><ID>load</ID></Owner><Buckets>{buckets}</Buckets></ListAllMyBucketsResult>"
        ))
    }
}

/// First byte and length of a part. An object that was written at once is its own first part.
fn part(held: &Held, number: u32) -> Option<(u64, u64)> {
    let size = held.size;
    let nth = u64::from(number.checked_sub(1)?);
    match held.layout {
        Layout::Uniform(part) if part < size => {
            let start = nth * part;
            (start < size).then(|| (start, part.min(size - start)))
        }
        // The sizes of uneven parts are not kept; no source has such.
        Layout::Uneven { .. } => None,
        Layout::Single | Layout::Uniform(_) => (nth == 0).then_some((0, size)),
    }
}
