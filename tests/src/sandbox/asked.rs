//! Which operation a request names: S3's by method, path and query, STS's and IAM's by its form.
//!
//! s3s names operations too, but lets an unknown sub-resource fall to the plain operation (`PUT /b/k?renameObject` is a
//! PutObject to it). Here every name in the query must belong to the operation.

use std::borrow::Cow;

use http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;

use super::breaking::Service;
use super::{iam, sts};

/// The operation and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) operation: &'static str,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) query: Vec<(String, String)>,
}

pub(crate) const UNKNOWN: &str = "Unknown";

/// Operations on the bucket that a sub-resource names: method, sub-resource, name.
const BUCKET: [(&str, &str, &str); 19] = [
    ("GET", "location", "GetBucketLocation"),
    ("GET", "policy", "GetBucketPolicy"),
    ("PUT", "policy", "PutBucketPolicy"),
    ("DELETE", "policy", "DeleteBucketPolicy"),
    ("GET", "encryption", "GetBucketEncryption"),
    ("PUT", "encryption", "PutBucketEncryption"),
    ("GET", "lifecycle", "GetBucketLifecycleConfiguration"),
    ("PUT", "lifecycle", "PutBucketLifecycleConfiguration"),
    ("DELETE", "lifecycle", "DeleteBucketLifecycle"),
    ("GET", "publicAccessBlock", "GetPublicAccessBlock"),
    ("PUT", "publicAccessBlock", "PutPublicAccessBlock"),
    ("DELETE", "publicAccessBlock", "DeletePublicAccessBlock"),
    ("GET", "ownershipControls", "GetBucketOwnershipControls"),
    ("PUT", "ownershipControls", "PutBucketOwnershipControls"),
    ("DELETE", "ownershipControls", "DeleteBucketOwnershipControls"),
    ("GET", "policyStatus", "GetBucketPolicyStatus"),
    ("GET", "versioning", "GetBucketVersioning"),
    ("GET", "uploads", "ListMultipartUploads"),
    ("POST", "delete", "DeleteObjects"),
];

/// Query names that go with an operation without naming it.
fn parameters(operation: &str) -> &'static [&'static str] {
    match operation {
        "ListObjectsV2" => &[
            "list-type",
            "prefix",
            "delimiter",
            "start-after",
            "continuation-token",
            "max-keys",
            "encoding-type",
            "fetch-owner",
        ],
        "ListBuckets" => &["prefix", "bucket-region"],
        "ListMultipartUploads" => {
            &["uploads", "prefix", "delimiter", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"]
        }
        "ListParts" => &["uploadId", "max-parts", "part-number-marker"],
        "HeadObject" | "GetObject" => &["partNumber", "versionId"],
        "DeleteObject" => &["versionId"],
        "UploadPart" | "UploadPartCopy" => &["uploadId", "partNumber"],
        "CreateMultipartUpload" => &["uploads"],
        "CompleteMultipartUpload" | "AbortMultipartUpload" => &["uploadId"],
        "GetObjectTagging" | "PutObjectTagging" | "DeleteObjectTagging" => &["tagging"],
        "GetObjectAttributes" => &["attributes"],
        "GetObjectAcl" | "PutObjectAcl" => &["acl"],
        _ => &[],
    }
}

impl Asked {
    pub(crate) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let query: Vec<(String, String)> =
            uri.query().map(|q| serde_urlencoded::from_str(q).unwrap_or_default()).unwrap_or_default();
        let path = percent_decode_str(uri.path().trim_start_matches('/')).decode_utf8_lossy();
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let has = |name: &str| query.iter().any(|(n, _)| n == name);
        let copies = headers.contains_key("x-amz-copy-source");
        let mut operation = if bucket.is_empty() {
            if method == Method::GET { "ListBuckets" } else { UNKNOWN }
        } else if key.is_empty() {
            let sub = BUCKET.iter().find(|(m, sub, _)| method.as_str() == *m && has(sub));
            match (method.as_str(), sub) {
                (_, Some((_, _, name))) => name,
                ("GET", None) if query.iter().any(|(n, v)| n == "list-type" && v == "2") => "ListObjectsV2",
                ("GET", None) if !has("list-type") => "ListObjects",
                ("HEAD", None) => "HeadBucket",
                ("PUT", None) => "CreateBucket",
                ("DELETE", None) => "DeleteBucket",
                _ => UNKNOWN,
            }
        } else {
            match method.as_str() {
                "HEAD" => "HeadObject",
                "GET" if has("tagging") => "GetObjectTagging",
                "GET" if has("attributes") => "GetObjectAttributes",
                "GET" if has("acl") => "GetObjectAcl",
                "GET" if has("uploadId") => "ListParts",
                "GET" => "GetObject",
                "PUT" if has("tagging") => "PutObjectTagging",
                "PUT" if has("acl") => "PutObjectAcl",
                "PUT" if has("uploadId") && copies => "UploadPartCopy",
                "PUT" if has("uploadId") => "UploadPart",
                "PUT" if copies => "CopyObject",
                "PUT" => "PutObject",
                "POST" if has("uploads") => "CreateMultipartUpload",
                "POST" if has("uploadId") => "CompleteMultipartUpload",
                "DELETE" if has("tagging") => "DeleteObjectTagging",
                "DELETE" if has("uploadId") => "AbortMultipartUpload",
                "DELETE" => "DeleteObject",
                _ => UNKNOWN,
            }
        };
        let named = BUCKET.iter().find(|(_, _, name)| *name == operation).map(|(_, sub, _)| *sub);
        let fits = |name: &str| {
            name == "x-id"
                || named == Some(name)
                || parameters(operation).contains(&name)
                || name.starts_with("response-")
        };
        if !query.iter().all(|(name, _)| fits(name)) {
            operation = UNKNOWN;
        }
        Self { operation, bucket, key, query }
    }

    /// A request to STS or IAM, by its form. What an IAM operation is about stands in for the key.
    pub(crate) fn of_form(body: &[u8]) -> Self {
        let query: Vec<(String, String)> = serde_urlencoded::from_bytes(body).unwrap_or_default();
        let mut asked = Self { operation: UNKNOWN, bucket: String::new(), key: String::new(), query };
        let action = asked.parameter("Action").unwrap_or_default();
        asked.operation = match asked.service() {
            Service::Iam => iam::operation(action).unwrap_or(UNKNOWN),
            _ => sts::OPERATIONS.into_iter().find(|name| *name == action).unwrap_or(UNKNOWN),
        };
        let subject =
            ["UserName", "RoleName", "InstanceProfileName"].into_iter().find_map(|name| asked.parameter(name));
        asked.key = subject.unwrap_or_default().to_owned();
        asked
    }

    /// The service that a form is for: by the version it names, or by its action.
    pub(crate) fn service(&self) -> Service {
        match self.parameter("Version") {
            Some("2010-05-08") => Service::Iam,
            None if self.parameter("Action").is_some_and(|action| iam::operation(action).is_some()) => Service::Iam,
            _ => Service::Sts,
        }
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// What faults call the key: a listing's prefix, otherwise the key.
    pub(crate) fn subject(&self) -> Cow<'_, str> {
        if self.key.is_empty() { self.parameter("prefix").unwrap_or_default().into() } else { self.key.as_str().into() }
    }
}

/// Where a copy reads from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CopySource {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: Option<String>,
}

impl CopySource {
    /// Reads `x-amz-copy-source`, which must be percent-encoded. S3 would take a `+` for a space and may take other raw
    /// characters at their word or not; a client that relies on either is wrong for some key, so both are refused.
    pub(crate) fn parse(header: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(header).ok().filter(|text| text.is_ascii());
        let text = text.ok_or("Invalid copy source encoding.")?;
        let (path, version) = match text.split_once("?versionId=") {
            Some((path, version)) => (path, Some(version.to_owned())),
            None => (text, None),
        };
        let raw = |b: u8| b.is_ascii_alphanumeric() || b"-._~/%!*'()".contains(&b);
        if !path.bytes().all(raw) {
            return Err("Invalid copy source encoding.");
        }
        for (at, _) in path.match_indices('%') {
            let digits = path.get(at + 1..at + 3).unwrap_or_default();
            if digits.len() != 2 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err("Invalid copy source encoding.");
            }
        }
        let decoded = percent_decode_str(path).decode_utf8().map_err(|_| "Invalid copy source encoding.")?;
        let (bucket, key) = decoded.trim_start_matches('/').split_once('/').unwrap_or_default();
        if bucket.is_empty() || key.is_empty() {
            return Err("Invalid copy source object key");
        }
        Ok(Self { bucket: bucket.into(), key: key.into(), version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named_by_method_path_and_query() {
        for (method, uri, want) in [
            (Method::GET, "/b?list-type=2&prefix=2021%2F05%2F", "ListObjectsV2"),
            (Method::GET, "/b/?list-type=2", "ListObjectsV2"),
            (Method::GET, "/b?list-type=2&versions", UNKNOWN),
            (Method::PUT, "/b/k?x-id=PutObject", "PutObject"),
            (Method::PUT, "/b/k?renameObject", UNKNOWN),
            (Method::PUT, "/b/k?uploadId=u&partNumber=1&x-id=UploadPart", "UploadPart"),
            (Method::PUT, "/b?policy", "PutBucketPolicy"),
            (Method::PUT, "/b?replication", UNKNOWN),
            (Method::DELETE, "/b/k?uploadId=u", "AbortMultipartUpload"),
            (Method::POST, "/b/k?uploads", "CreateMultipartUpload"),
            (Method::GET, "/b/k?annotations", UNKNOWN),
        ] {
            let uri: Uri = uri.parse().expect("a uri");
            assert_eq!(Asked::of(&method, &uri, &HeaderMap::new()).operation, want, "{method} {uri}");
        }
    }

    #[test]
    fn keys_are_decoded_once() {
        let uri: Uri = "/b/version%2017.4/100%2525%2B.txt".parse().expect("a uri");
        assert_eq!(Asked::of(&Method::GET, &uri, &HeaderMap::new()).key, "version 17.4/100%25+.txt");
    }

    #[test]
    fn copy_sources_must_be_encoded() {
        let key = |key: &str| Ok(CopySource { bucket: "b".into(), key: key.into(), version: None });
        let raw = || Err("Invalid copy source encoding.");
        for (header, want) in [
            ("b/2021/05/31/a.gz", key("2021/05/31/a.gz")),
            ("/b/version%2017.4/%E6%97%A5.pdf", key("version 17.4/日.pdf")),
            ("b/a%2Bb%25", key("a+b%")),
            ("b/version 17.4/x", raw()),
            ("b/日.pdf", raw()),
            ("b/a+b", raw()),
            ("b/a?b", raw()),
            ("b/a%2", raw()),
            ("b/a%FF", raw()),
            ("b", Err("Invalid copy source object key")),
        ] {
            assert_eq!(CopySource::parse(header.as_bytes()), want, "{header}");
        }
    }
}
