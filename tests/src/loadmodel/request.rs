//! What is asked: operation, bucket, key, query.

use std::borrow::Cow;

use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

/// What clients ask S3 and STS for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ListObjectsV2,
    ListObjects,
    ListBuckets,
    ListMultipartUploads,
    ListParts,
    HeadBucket,
    HeadObject,
    GetObject,
    GetObjectTagging,
    GetBucketLocation,
    GetBucketVersioning,
    CreateBucket,
    CopyObject,
    CreateMultipartUpload,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    DeleteObject,
    PutObject,
    UploadPart,
    Sts,
    Other,
}

impl Operation {
    pub(super) const ALL: [Self; 22] = [
        Self::ListObjectsV2,
        Self::ListObjects,
        Self::ListBuckets,
        Self::ListMultipartUploads,
        Self::ListParts,
        Self::HeadBucket,
        Self::HeadObject,
        Self::GetObject,
        Self::GetObjectTagging,
        Self::GetBucketLocation,
        Self::GetBucketVersioning,
        Self::CreateBucket,
        Self::CopyObject,
        Self::CreateMultipartUpload,
        Self::UploadPartCopy,
        Self::CompleteMultipartUpload,
        Self::AbortMultipartUpload,
        Self::DeleteObject,
        Self::PutObject,
        Self::UploadPart,
        Self::Sts,
        Self::Other,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ListObjectsV2 => "ListObjectsV2",
            Self::ListObjects => "ListObjects",
            Self::ListBuckets => "ListBuckets",
            Self::ListMultipartUploads => "ListMultipartUploads",
            Self::ListParts => "ListParts",
            Self::HeadBucket => "HeadBucket",
            Self::HeadObject => "HeadObject",
            Self::GetObject => "GetObject",
            Self::GetObjectTagging => "GetObjectTagging",
            Self::GetBucketLocation => "GetBucketLocation",
            Self::GetBucketVersioning => "GetBucketVersioning",
            Self::CreateBucket => "CreateBucket",
            Self::CopyObject => "CopyObject",
            Self::CreateMultipartUpload => "CreateMultipartUpload",
            Self::UploadPartCopy => "UploadPartCopy",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::AbortMultipartUpload => "AbortMultipartUpload",
            Self::DeleteObject => "DeleteObject",
            Self::PutObject => "PutObject",
            Self::UploadPart => "UploadPart",
            Self::Sts => "STS",
            Self::Other => "other",
        }
    }

    /// Counted by the limit of writes (S3: PUT, COPY, POST, DELETE).
    pub(super) fn is_write(self) -> bool {
        matches!(
            self,
            Self::CopyObject
                | Self::CreateMultipartUpload
                | Self::UploadPartCopy
                | Self::CompleteMultipartUpload
                | Self::AbortMultipartUpload
                | Self::DeleteObject
                | Self::PutObject
                | Self::UploadPart
        )
    }
}

/// A request, as far as its line and headers tell.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) operation: Operation,
    pub(super) bucket: Cow<'a, str>,
    pub(super) key: Cow<'a, str>,
    query: Vec<(&'a str, &'a str)>,
    headers: &'a HeaderMap,
}

pub(super) fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

impl<'a> Request<'a> {
    /// Path-style requests only.
    pub(super) fn read(method: &Method, path: &'a str, query: &'a str, headers: &'a HeaderMap) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let (bucket, key) = (decode(bucket), decode(key));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
        let mut request = Self { operation: Operation::Other, bucket, key, query, headers };
        request.operation = request.classify(method);
        request
    }

    fn classify(&self, method: &Method) -> Operation {
        let has = |name| self.query.iter().any(|(found, _)| *found == name);
        if self.bucket.is_empty() {
            return match *method {
                Method::GET => Operation::ListBuckets,
                Method::POST => Operation::Sts,
                _ => Operation::Other,
            };
        }
        if self.key.is_empty() {
            return match *method {
                Method::HEAD => Operation::HeadBucket,
                Method::PUT if self.query.is_empty() => Operation::CreateBucket,
                Method::GET if has("location") => Operation::GetBucketLocation,
                Method::GET if has("versioning") => Operation::GetBucketVersioning,
                Method::GET if has("uploads") => Operation::ListMultipartUploads,
                Method::GET if self.query("list-type").as_deref() == Some("2") => Operation::ListObjectsV2,
                Method::GET if self.is_plain_listing() => Operation::ListObjects,
                _ => Operation::Other,
            };
        }
        match *method {
            Method::HEAD => Operation::HeadObject,
            Method::GET if has("tagging") => Operation::GetObjectTagging,
            Method::GET if has("uploadId") => Operation::ListParts,
            Method::GET if has("attributes") || has("acl") || has("annotations") => Operation::Other,
            Method::GET => Operation::GetObject,
            Method::PUT if has("tagging") || has("acl") || has("annotations") => Operation::Other,
            Method::PUT => match (has("partNumber"), self.header("x-amz-copy-source").is_some()) {
                (true, true) => Operation::UploadPartCopy,
                (true, false) => Operation::UploadPart,
                (false, true) => Operation::CopyObject,
                (false, false) => Operation::PutObject,
            },
            Method::POST if has("uploads") => Operation::CreateMultipartUpload,
            Method::POST if has("uploadId") => Operation::CompleteMultipartUpload,
            Method::DELETE if has("uploadId") => Operation::AbortMultipartUpload,
            Method::DELETE => Operation::DeleteObject,
            _ => Operation::Other,
        }
    }

    /// Nothing in the query but what ListObjects takes, so that no subresource is taken for a listing.
    fn is_plain_listing(&self) -> bool {
        const TAKEN: [&str; 7] = ["prefix", "delimiter", "marker", "max-keys", "encoding-type", "fetch-owner", "x-id"];
        self.query.iter().all(|(name, _)| TAKEN.contains(name))
    }

    /// A value of the query; empty where there is only the name.
    pub(super) fn query(&self, name: &str) -> Option<Cow<'a, str>> {
        self.query.iter().find(|(found, _)| *found == name).map(|(_, value)| decode(value))
    }

    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// First and last byte of `bytes=1-5`; an end may be left out.
pub(super) fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let last = if last.is_empty() { None } else { Some(last.parse().ok()?) };
    Some((first.parse().ok()?, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_apart() {
        let mut copy = HeaderMap::new();
        copy.insert("x-amz-copy-source", http::HeaderValue::from_static("b/k"));
        let none = HeaderMap::new();
        for (method, path, query, headers, want) in [
            ("GET", "/", "x-id=ListBuckets", &none, Operation::ListBuckets),
            ("POST", "/", "", &none, Operation::Sts),
            ("GET", "/b", "list-type=2&prefix=a%2F", &none, Operation::ListObjectsV2),
            ("GET", "/b/", "delimiter=%2F&max-keys=5", &none, Operation::ListObjects),
            ("GET", "/b/", "location", &none, Operation::GetBucketLocation),
            ("GET", "/b/", "policy", &none, Operation::Other),
            ("HEAD", "/b", "", &none, Operation::HeadBucket),
            ("HEAD", "/b/k/l", "partNumber=1", &none, Operation::HeadObject),
            ("PUT", "/b/k", "x-id=CopyObject", &copy, Operation::CopyObject),
            ("PUT", "/b/k", "partNumber=1&uploadId=u", &copy, Operation::UploadPartCopy),
            ("PUT", "/b/k", "partNumber=1&uploadId=u", &none, Operation::UploadPart),
            ("PUT", "/b/k", "", &none, Operation::PutObject),
            ("POST", "/b/k", "uploads=", &none, Operation::CreateMultipartUpload),
            ("POST", "/b/k", "uploadId=u", &none, Operation::CompleteMultipartUpload),
            ("DELETE", "/b/k", "uploadId=u", &none, Operation::AbortMultipartUpload),
            ("GET", "/b/k", "uploadId=u", &none, Operation::ListParts),
        ] {
            let method = method.parse().expect("a method");
            assert_eq!(Request::read(&method, path, query, headers).operation, want, "{method} {path}?{query}");
        }
    }

    #[test]
    fn keys_and_queries_are_decoded() {
        let headers = HeaderMap::new();
        let request = Request::read(&Method::GET, "/b/a%20b/c", "prefix=2023%2F01&x", &headers);
        assert_eq!((&*request.bucket, &*request.key), ("b", "a b/c"));
        assert_eq!(request.query("prefix").as_deref(), Some("2023/01"));
        assert_eq!((request.query("x").as_deref(), request.query("y")), (Some(""), None));
        assert_eq!(range("bytes=0-9"), Some((0, Some(9))));
        assert_eq!(range("bytes=5-"), Some((5, None)));
        assert_eq!(range("bytes=-5"), None);
    }
}
