//! Version 4 signatures of requests to IAM. s3s verifies those for S3 and STS, and refuses the scope of any other service.

use http::{HeaderMap, Method, Uri};
use s3s::crypto::{Checksum as _, Sha256};

use super::access::Signed;

/// Whether the signature is the one that this secret makes of the request. The body is signed as it is; a query is not
/// expected.
pub(crate) fn holds(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    signed: &Signed<'_>,
    secret: &str,
) -> bool {
    let Some(date) = headers.get("x-amz-date").and_then(|value| value.to_str().ok()) else { return false };
    let Ok(time) = chrono::NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ") else { return false };
    if uri.query().is_some() {
        return false;
    }
    let mut canonical = format!("{method}\n{}\n\n", uri.path());
    for name in &signed.names {
        let values: Vec<_> = headers.get_all(*name).iter().filter_map(|value| value.to_str().ok()).collect();
        if values.is_empty() {
            return false;
        }
        let trimmed: Vec<_> = values.iter().map(|v| v.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        canonical += &format!("{name}:{}\n", trimmed.join(","));
    }
    let hash = hash_of(body);
    if headers.get("x-amz-content-sha256").is_some_and(|sent| sent.as_bytes() != hash.as_bytes()) {
        return false;
    }
    canonical += &format!("\n{}\n{hash}", signed.names.join(";"));
    let scope = format!("{}/{}/{}/aws4_request", signed.date, signed.region, signed.service);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hash_of(canonical.as_bytes()));
    let key = aws_sigv4::sign::v4::generate_signing_key(secret, time.and_utc().into(), signed.region, signed.service);
    aws_sigv4::sign::v4::calculate_signature(key, text.as_bytes()) == signed.signature
}

fn hash_of(bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(bytes);
    let digest = hasher.finalize();
    let digest: &[u8] = digest.as_ref();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
