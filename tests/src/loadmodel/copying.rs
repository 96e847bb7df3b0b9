//! CopyObject, and what makes a multipart copy.

use http::StatusCode;

use super::destination::{Held, Made};
use super::layout::Layout;
use super::model::{DESTINATION, Exchange, SOURCE, no_such_bucket};
use super::reply::{Reply, XML};
use super::request::{decode, range};
use super::text::{elements, push_escaped};
use super::uploads::{Incomplete, Part};

/// The most that one request copies.
const COPY_LIMIT: u64 = 5 << 30;
const MAX_PARTS: u32 = 10_000;
const PARTS_A_PAGE: usize = 1_000;

impl Exchange<'_> {
    /// Bytes that this copy moves; 0 where it is to be refused, which takes no time.
    pub(super) fn moved(&self) -> u64 {
        let size = self.origin().map_or(0, |origin| origin.size);
        let moved = match self.request.header("x-amz-copy-source-range").and_then(range) {
            Some((first, Some(last))) => (last + 1).saturating_sub(first).min(size),
            _ => size,
        };
        if moved > COPY_LIMIT { 0 } else { moved }
    }

    /// What the copy source names.
    fn origin(&self) -> Result<Held, Reply> {
        let no_such_key = || Reply::error(404, "NoSuchKey", "The specified key does not exist.");
        let named = self.request.header("x-amz-copy-source").unwrap_or_default();
        let named = named.split('?').next().unwrap_or_default();
        let named = decode(named.strip_prefix('/').unwrap_or(named));
        let (bucket, key) = named.split_once('/').unwrap_or((&named, ""));
        let held = match bucket {
            SOURCE => self.at_source(key),
            DESTINATION => self.state.destination.get(self.source, key),
            _ => return Err(no_such_bucket()),
        };
        let held = held.ok_or_else(no_such_key)?;
        let wanted = self.request.header("x-amz-copy-source-if-match");
        if wanted.is_some_and(|wanted| wanted.trim_matches('"') != held.etag.text()) {
            return Err(Reply::error(412, "PreconditionFailed", "The source has another ETag."));
        }
        Ok(held)
    }

    fn too_large() -> Reply {
        let message =
            "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120";
        Reply::error(400, "InvalidRequest", message)
    }

    pub(super) fn copy_object(&self) -> Reply {
        let origin = match self.origin() {
            Ok(origin) => origin,
            Err(reply) => return reply,
        };
        if self.request.bucket != DESTINATION {
            return no_such_bucket();
        }
        if origin.size > COPY_LIMIT {
            return Self::too_large();
        }
        let made = match origin.index {
            Some(index) => Made::From { index, layout: Layout::Single },
            None => Made::Wrong { size: origin.size, etag: origin.etag },
        };
        let held = self.state.destination.put(self.source, &self.request.key, made);
        let mut body =
            format!("{XML}<CopyObjectResult><LastModified>{}</LastModified><ETag>&quot;", self.state.modified);
        held.etag.push(&mut body);
        body.push_str("&quot;</ETag>");
        self.push_checksum(&held, &mut body);
        body.push_str("</CopyObjectResult>");
        Reply::xml(body)
    }

    fn push_checksum(&self, held: &Held, out: &mut String) {
        if let (true, Some(index)) = (self.scene.checksums, held.index) {
            let checksum = self.source.checksum(index);
            out.push_str("<ChecksumCRC64NVME>");
            out.push_str(&checksum);
            out.push_str("</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>");
        }
    }

    pub(super) fn create_upload(&self) -> Reply {
        if self.request.bucket != DESTINATION {
            return no_such_bucket();
        }
        let id = self.state.uploads.begin(&self.request.key);
        let mut body = format!("{XML}<InitiateMultipartUploadResult><Bucket>{DESTINATION}</Bucket><Key>");
        push_escaped(&mut body, &self.request.key);
        body.push_str("</Key><UploadId>");
        body.push_str(&id);
        body.push_str("</UploadId></InitiateMultipartUploadResult>");
        Reply::xml(body)
    }

    fn upload_id(&self) -> String {
        self.request.query("uploadId").unwrap_or_default().into_owned()
    }

    fn no_such_upload() -> Reply {
        Reply::error(404, "NoSuchUpload", "The specified multipart upload does not exist.")
    }

    pub(super) fn copy_part(&self) -> Reply {
        let origin = match self.origin() {
            Ok(origin) => origin,
            Err(reply) => return reply,
        };
        let invalid = |message: &str| Reply::error(400, "InvalidArgument", message);
        let number = self.request.query("partNumber").and_then(|number| number.parse().ok());
        let Some(number) = number.filter(|number| (1..=MAX_PARTS).contains(number)) else {
            return invalid("Part number must be an integer between 1 and 10000, inclusive");
        };
        let (start, length) = match self.request.header("x-amz-copy-source-range") {
            None => (0, origin.size),
            Some(text) => match range(text) {
                Some((first, Some(last))) if first <= last && last < origin.size => (first, last + 1 - first),
                _ => return invalid("The range of the copy source is not valid"),
            },
        };
        if length > COPY_LIMIT {
            return Self::too_large();
        }
        let part = Part { index: origin.index, start, length };
        let put = self.state.uploads.with(&self.request.key, &self.upload_id(), |upload| {
            upload.parts.insert(number, part);
        });
        if put.is_none() {
            return Self::no_such_upload();
        }
        let mut body = format!("{XML}<CopyPartResult><LastModified>{}</LastModified><ETag>&quot;", self.state.modified);
        part.etag(self.scene.seed).push(&mut body);
        body.push_str("&quot;</ETag></CopyPartResult>");
        Reply::xml(body)
    }

    pub(super) fn complete_upload(&self, body: &str) -> Reply {
        let numbers = elements(body, "PartNumber").map(|number| number.parse::<u32>().unwrap_or_default());
        let etags = elements(body, "ETag").map(|etag| etag.replace("&quot;", "").replace("&#34;", "").replace('"', ""));
        let listed: Vec<(u32, String)> = numbers.zip(etags).collect();
        let size = self.request.header("x-amz-mp-object-size").and_then(|size| size.parse().ok());
        let (key, id) = (&self.request.key, self.upload_id());
        let made = self.state.uploads.complete(self.source, self.scene.seed, key, &id, &listed, size);
        let made = match made {
            Ok(made) => made,
            Err(Incomplete::NoSuchUpload) => return Self::no_such_upload(),
            Err(Incomplete::InvalidPart) => {
                return Reply::error(400, "InvalidPart", "One or more of the specified parts could not be found.");
            }
            Err(Incomplete::InvalidPartOrder) => {
                return Reply::error(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
            }
            Err(Incomplete::EntityTooSmall) => {
                return Reply::error(
                    400,
                    "EntityTooSmall",
                    "Your proposed upload is smaller than the minimum allowed size",
                );
            }
            Err(Incomplete::WrongSize) => {
                return Reply::error(400, "InvalidRequest", "The provided object size does not match the parts.");
            }
        };
        let held = self.state.destination.put(self.source, key, made);
        let mut body = format!("{XML}<CompleteMultipartUploadResult><Location>/{DESTINATION}/</Location>");
        body.push_str(&format!("<Bucket>{DESTINATION}</Bucket><Key>"));
        push_escaped(&mut body, key);
        body.push_str("</Key><ETag>&quot;");
        held.etag.push(&mut body);
        body.push_str("&quot;</ETag>");
        self.push_checksum(&held, &mut body);
        body.push_str("</CompleteMultipartUploadResult>");
        Reply::xml(body)
    }

    pub(super) fn abort_upload(&self) -> Reply {
        match self.state.uploads.end(&self.request.key, &self.upload_id()) {
            Some(_) => Reply::empty(StatusCode::NO_CONTENT),
            None => Self::no_such_upload(),
        }
    }

    pub(super) fn list_parts(&self) -> Reply {
        let number = |name| self.request.query(name).and_then(|text| text.parse::<u32>().ok());
        let after = number("part-number-marker").unwrap_or(0);
        let most = number("max-parts").map_or(PARTS_A_PAGE, |most| (most as usize).min(PARTS_A_PAGE));
        let id = self.upload_id();
        let parts = self.state.uploads.with(&self.request.key, &id, |upload| {
            let rest = upload.parts.range(after + 1..).map(|(number, part)| (*number, *part));
            rest.take(most + 1).collect::<Vec<_>>()
        });
        let Some(mut parts) = parts else { return Self::no_such_upload() };
        let truncated = parts.len() > most;
        parts.truncate(most);
        let mut body = format!("{XML}<ListPartsResult><Bucket>{DESTINATION}</Bucket><Key>");
        push_escaped(&mut body, &self.request.key);
        body.push_str(&format!("</Key><UploadId>{id}</UploadId><IsTruncated>{truncated}</IsTruncated>"));
        if let (true, Some((last, _))) = (truncated, parts.last()) {
            body.push_str(&format!("<NextPartNumberMarker>{last}</NextPartNumberMarker>"));
        }
        for (number, part) in parts {
            let (etag, modified) = (part.etag(self.scene.seed).text(), &self.state.modified);
            body.push_str(&format!(
                "<Part><PartNumber>{number}</PartNumber><LastModified>{modified}</LastModified>\
                 <ETag>&quot;{etag}&quot;</ETag><Size>{}</Size></Part>",
                part.length
            ));
        }
        body.push_str("</ListPartsResult>");
        Reply::xml(body)
    }

    pub(super) fn list_uploads(&self) -> Reply {
        let mut body = format!("{XML}<ListMultipartUploadsResult><Bucket>{DESTINATION}</Bucket>");
        body.push_str("<IsTruncated>false</IsTruncated>");
        for (key, id) in self.state.uploads.list() {
            body.push_str("<Upload><Key>");
            push_escaped(&mut body, &key);
            let modified = &self.state.modified;
            body.push_str(&format!("</Key><UploadId>{id}</UploadId><Initiated>{modified}</Initiated></Upload>"));
        }
        body.push_str("</ListMultipartUploadsResult>");
        Reply::xml(body)
    }
}
