//! The signature of a request (AWS Signature Version 4, "Create a signed AWS API request" in the IAM user guide), with what
//! is the same for all requests of a second, and a signing key that is derived once a day.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use aws_smithy_runtime_api::{box_error::BoxError, client::orchestrator::HttpRequest};
use chrono::{DateTime, Utc};
use http::{HeaderName, header::AUTHORIZATION};
use sha2::{Digest, Sha256};

use crate::signed;

/// Not signed: intermediaries may change them, and the SDK adds its own two after the signature.
const UNSIGNED: [&str; 6] =
    ["authorization", "user-agent", "x-amzn-trace-id", "transfer-encoding", "amz-sdk-invocation-id", "amz-sdk-request"];

static DATE: HeaderName = HeaderName::from_static("x-amz-date");
static PAYLOAD: HeaderName = HeaderName::from_static("x-amz-content-sha256");
static TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

const SHA256_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Signs requests of one service in one region.
pub(super) struct Signer {
    region: String,
    service: String,
    last: Mutex<Option<Arc<Stamp>>>,
}

/// What the requests of one second have in common.
pub(super) struct Stamp {
    credentials: Credentials,
    second: u64,
    /// As in `x-amz-date`.
    pub(super) time: String,
    /// `DAY/REGION/SERVICE/aws4_request`.
    scope: String,
    key: Arc<[u8]>,
}

// Keys stay out of it.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("region", &self.region).field("service", &self.service).finish_non_exhaustive()
    }
}

impl Signer {
    pub(super) fn new(region: impl Into<String>, service: impl Into<String>) -> Self {
        Self { region: region.into(), service: service.into(), last: Mutex::default() }
    }

    /// Adds the headers of a signature to a request whose URI is whole and whose body is in memory.
    pub(super) fn sign(
        &self,
        request: &mut HttpRequest,
        credentials: &Credentials,
        at: SystemTime,
    ) -> Result<Arc<Stamp>, BoxError> {
        let payload = match request.body().bytes() {
            Some([]) => SHA256_OF_NOTHING.to_owned(),
            Some(bytes) => hex::encode(Sha256::digest(bytes)),
            None => return Err("the body is not in memory".into()),
        };
        let stamp = self.stamp(credentials, at);
        let headers = request.headers_mut();
        headers.try_insert(DATE.clone(), stamp.time.clone())?;
        headers.try_insert(PAYLOAD.clone(), payload.clone())?;
        if let Some(token) = credentials.session_token() {
            headers.try_insert(TOKEN.clone(), token.to_owned())?;
        }
        let (canonical, signed_headers) = canonical(request, &payload);
        let mut digest = [0; 64];
        hex::encode_to_slice(Sha256::digest(canonical), &mut digest)?;
        let digest = std::str::from_utf8(&digest)?;
        let to_sign = ["AWS4-HMAC-SHA256", &stamp.time, &stamp.scope, digest].join("\n");
        let signature = calculate_signature(&stamp.key, to_sign.as_bytes());
        let authorization = [
            "AWS4-HMAC-SHA256 Credential=",
            credentials.access_key_id(),
            "/",
            &stamp.scope,
            ", SignedHeaders=",
            &signed_headers,
            ", Signature=",
            &signature,
        ];
        request.headers_mut().try_insert(AUTHORIZATION, authorization.concat())?;
        Ok(stamp)
    }

    fn stamp(&self, credentials: &Credentials, at: SystemTime) -> Arc<Stamp> {
        let second = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().filter(|stamp| stamp.credentials == *credentials);
        if let Some(stamp) = known.filter(|stamp| stamp.second == second) {
            return stamp.clone();
        }
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let time = DateTime::<Utc>::from(at).format(signed::TIME).to_string();
        let scope = format!("{}/{}/{}/aws4_request", &time[..8], self.region, self.service);
        let key = match known.filter(|stamp| stamp.scope == scope) {
            Some(stamp) => stamp.key.clone(),
            None => {
                let key = generate_signing_key(credentials.secret_access_key(), at, &self.region, &self.service);
                Arc::from(key.as_ref())
            }
        };
        last.insert(Arc::new(Stamp { credentials: credentials.clone(), second, time, scope, key })).clone()
    }
}

/// The canonical request, and the names of the headers that it holds.
fn canonical(request: &HttpRequest, payload: &str) -> (String, String) {
    let (scheme, address) = request.uri().split_once("://").unwrap_or_default();
    let (host, target) = address.split_at(address.find('/').unwrap_or(address.len()));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // The HTTP client leaves the port out where it is the scheme's.
    let host = host.strip_suffix(if scheme == "https" { ":443" } else { ":80" }).unwrap_or(host);
    let mut headers: Vec<(&str, &str)> = Vec::with_capacity(request.headers().len() + 1);
    headers.extend(request.headers().iter().filter(|(name, _)| !UNSIGNED.contains(name)));
    headers.push(("host", host));
    headers.sort_unstable();
    let mut fields: Vec<(&str, &str)> = query
        .split('&')
        .filter(|field| !field.is_empty())
        .map(|field| field.split_once('=').unwrap_or((field, "")))
        .collect();
    fields.sort_unstable();

    let mut text = String::with_capacity(2048);
    let mut names = String::with_capacity(512);
    for piece in [request.method(), "\n", path, "\n"] {
        text.push_str(piece);
    }
    for (n, (name, value)) in fields.into_iter().enumerate() {
        for piece in [if n == 0 { "" } else { "&" }, name, "=", value] {
            text.push_str(piece);
        }
    }
    text.push('\n');
    for (n, (name, value)) in headers.into_iter().enumerate() {
        for piece in [name, ":"] {
            text.push_str(piece);
        }
        for (n, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
            for piece in [if n == 0 { "" } else { " " }, word] {
                text.push_str(piece);
            }
        }
        text.push('\n');
        for piece in [if n == 0 { "" } else { ";" }, name] {
            names.push_str(piece);
        }
    }
    for piece in ["\n", &names, "\n", payload] {
        text.push_str(piece);
    }
    (text, names)
}
