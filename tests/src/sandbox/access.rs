//! Who may do what: the strict reading of signed requests, and both sides' policies.
//!
//! s3s has verified the signature when this runs. Here comes what it lets through and S3 does not, then the decision, all
//! from headers and query as sent, before the body is read.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use s3s::S3Result;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};

use super::asked::{Asked, CopySource, UNKNOWN};
use super::breaking::Service;
use super::clock;
use super::identity::{Identity, Principal};
use super::object::Encryption;
use super::policy::{Facts, Policy, Verdict};
use super::refusal::{
    access_denied, invalid_argument, no_such_bucket, no_such_key, no_such_upload, not_written, refuse,
};
use super::world::{Bucket, Ownership, State, World};

/// S3 refuses requests signed with a clock further off than this.
const LARGEST_SKEW: Duration = Duration::from_secs(15 * 60);

const FULL_CONTROL: &str = "bucket-owner-full-control";

const GRANTS: [&str; 5] = [
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
];

/// The signer of a request, handed on to the operation.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// What its session was narrowed with.
    pub(crate) session: Option<Arc<Policy>>,
}

#[async_trait::async_trait]
impl S3Auth for World {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.state().accounts.holder(access_key, self.now()) {
            Some(identity) => Ok(identity.secret.as_str().into()),
            None => Err(unknown_key()),
        }
    }
}

#[async_trait::async_trait]
impl S3Access for World {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let signed = Signed::read(cx.headers())?;
        let identity = self.strictly(&signed, Service::S3, cx.headers())?;
        let asked = Asked::of(cx.method(), cx.uri(), cx.headers());
        if asked.operation == UNKNOWN || asked.operation != cx.s3_op().name() {
            return Err(not_written("this sub-resource"));
        }
        let caller = Caller { principal: identity.principal, session: identity.session };
        let state = self.state();
        Decision { world: self, state: &state, caller: &caller, asked: &asked, headers: cx.headers() }.decide()?;
        drop(state);
        cx.extensions_mut().insert(caller);
        Ok(())
    }
}

/// The parts of a SigV4 authorization header.
pub(crate) struct Signed<'a> {
    pub(crate) access_key: &'a str,
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) names: Vec<&'a str>,
    pub(crate) signature: &'a str,
}

impl<'a> Signed<'a> {
    pub(crate) fn read(headers: &'a HeaderMap) -> S3Result<Self> {
        let header = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let header = header.ok_or_else(access_denied)?;
        let fields = header.strip_prefix("AWS4-HMAC-SHA256").ok_or_else(|| {
            refuse(
                400,
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            )
        })?;
        let field = |name: &str| fields.split(',').find_map(|f| f.trim().strip_prefix(name)).unwrap_or_default();
        let mut scope = field("Credential=").split('/');
        let (access_key, date) = (scope.next().unwrap_or_default(), scope.next().unwrap_or_default());
        let (region, service) = (scope.next().unwrap_or_default(), scope.next().unwrap_or_default());
        let names = field("SignedHeaders=").split(';').collect();
        Ok(Self { access_key, date, region, service, names, signature: field("Signature=") })
    }
}

impl World {
    /// What s3s does not ask of a signed request: the scope, all headers signed, the clock, the token.
    pub(crate) fn strictly(&self, signed: &Signed<'_>, service: Service, headers: &HeaderMap) -> S3Result<Identity> {
        let malformed = |what: &str, got: &str, want: &str| {
            refuse(
                400,
                "AuthorizationHeaderMalformed",
                format!("The authorization header is malformed; the {what} '{got}' is wrong; expecting '{want}'"),
            )
        };
        if signed.service != service.scope() {
            return Err(malformed("service", signed.service, service.scope()));
        }
        // IAM is signed for us-east-1. Clients whose endpoint is overridden sign for the region that they were given, so
        // that one passes, too.
        if signed.region != self.region() && (service, signed.region) != (Service::Iam, "us-east-1") {
            return Err(malformed("region", signed.region, self.region()));
        }
        for name in headers.keys().map(http::HeaderName::as_str) {
            if (name.starts_with("x-amz-") || name == "host") && !signed.names.contains(&name) {
                return Err(refuse(
                    403,
                    "AccessDenied",
                    format!("There were headers present in the request which were not signed: {name}"),
                ));
            }
        }
        let date = headers.get("x-amz-date").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let sent = chrono::NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ")
            .map_err(|_| access_denied())?
            .and_utc()
            .timestamp();
        if sent.abs_diff(clock::seconds(self.now())) > LARGEST_SKEW.as_secs() {
            return Err(refuse(
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ));
        }
        let state = self.state();
        let identity = state.accounts.holder(signed.access_key, self.now()).ok_or_else(unknown_key)?;
        let token = headers.get("x-amz-security-token").map(http::HeaderValue::as_bytes);
        match (token, identity.token.as_deref().map(str::as_bytes)) {
            // Temporary keys without their token are, to S3, keys that it does not know.
            (None, Some(_)) => return Err(unknown_key()),
            (sent, known) if sent != known => {
                return Err(refuse(400, "InvalidToken", "The provided token is malformed or otherwise invalid."));
            }
            _ => {}
        }
        if identity.expires.is_some_and(|end| end <= self.now()) {
            return Err(refuse(400, "ExpiredToken", "The provided token has expired."));
        }
        Ok(identity.clone())
    }
}

struct Decision<'a> {
    world: &'a World,
    state: &'a State,
    caller: &'a Caller,
    asked: &'a Asked,
    headers: &'a HeaderMap,
}

impl Decision<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn decide(&self) -> S3Result<()> {
        let asked = self.asked;
        match asked.operation {
            "CreateBucket" => return self.may_create(),
            "ListBuckets" => return self.may("s3:ListAllMyBuckets", "*"),
            _ => {}
        }
        let bucket = self.state.buckets.get(&asked.bucket).ok_or_else(no_such_bucket)?;
        if bucket.region != self.world.region() {
            return Err(refuse(
                301,
                "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the specified endpoint. \
                 Please send all future requests to this endpoint.",
            ));
        }
        self.expects_owner("x-amz-expected-bucket-owner", bucket)?;
        let key = asked.key.as_str();
        match asked.operation {
            "ListObjectsV2" | "ListObjects" | "HeadBucket" => {
                self.require(bucket, "s3:ListBucket", "", &self.keys(None))
            }
            "ListMultipartUploads" => self.require(bucket, "s3:ListBucketMultipartUploads", "", &[]),
            "HeadObject" | "GetObject" => self.may_read(bucket, &asked.bucket, key, asked.parameter("versionId")),
            "CopyObject" => {
                self.may_copy_from()?;
                self.may_write(bucket)
            }
            "PutObject" | "CreateMultipartUpload" => self.may_write(bucket),
            "UploadPart" | "UploadPartCopy" | "CompleteMultipartUpload" => self.may_continue(bucket),
            "AbortMultipartUpload" => self.may_as_initiator(bucket, "s3:AbortMultipartUpload"),
            "ListParts" => self.may_as_initiator(bucket, "s3:ListMultipartUploadParts"),
            "DeleteObject" => self.require(bucket, "s3:DeleteObject", key, &[]),
            "DeleteObjects" => self.require(bucket, "s3:DeleteObject", "*", &[]),
            "GetObjectAttributes" => {
                self.may_read(bucket, &asked.bucket, key, None)?;
                self.require(bucket, "s3:GetObjectAttributes", key, &[])
            }
            // Everything else is allowed by the action of the same name.
            other => {
                let action = match other {
                    "DeleteBucketLifecycle" | "PutBucketLifecycleConfiguration" => {
                        "s3:PutLifecycleConfiguration".into()
                    }
                    "GetBucketLifecycleConfiguration" => "s3:GetLifecycleConfiguration".into(),
                    "GetBucketEncryption" => "s3:GetEncryptionConfiguration".into(),
                    "PutBucketEncryption" => "s3:PutEncryptionConfiguration".into(),
                    "GetPublicAccessBlock" => "s3:GetBucketPublicAccessBlock".into(),
                    "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "s3:PutBucketPublicAccessBlock".into(),
                    "DeleteBucketOwnershipControls" => "s3:PutBucketOwnershipControls".into(),
                    other => format!("s3:{other}"),
                };
                self.require(bucket, &action, key, &[])
            }
        }
    }

    fn may_create(&self) -> S3Result<()> {
        let bucket = format!("arn:aws:s3:::{}", self.asked.bucket);
        self.may("s3:CreateBucket", &bucket)?;
        match self.header("x-amz-object-ownership") {
            Some(_) => self.may("s3:PutBucketOwnershipControls", &bucket),
            None => Ok(()),
        }
    }

    /// What no bucket has a say in.
    fn may(&self, action: &str, resource: &str) -> S3Result<()> {
        let principal = &self.caller.principal;
        let keys = self.with_globals(&[]);
        let facts = Facts { principal, action, resource, keys: &keys, session: self.caller.session.as_deref() };
        self.through_endpoint(principal.account(), &facts)?;
        if self.state.accounts.own(&facts) == Verdict::Allow { Ok(()) } else { Err(access_denied()) }
    }

    fn expects_owner(&self, header: &str, bucket: &Bucket) -> S3Result<()> {
        match self.header(header) {
            Some(expected) if expected != bucket.owner => Err(access_denied()),
            _ => Ok(()),
        }
    }

    /// The condition keys of this request that are S3's, with this ACL.
    fn keys(&self, acl: Option<&str>) -> Vec<(&'static str, String)> {
        let mut keys = Vec::new();
        let mut add = |key, value: Option<&str>| keys.extend(value.map(|value| (key, value.to_owned())));
        add("s3:x-amz-acl", acl);
        add("s3:x-amz-server-side-encryption", self.header("x-amz-server-side-encryption"));
        add("s3:x-amz-copy-source", self.header("x-amz-copy-source"));
        add("s3:x-amz-storage-class", self.header("x-amz-storage-class"));
        add("s3:prefix", self.asked.parameter("prefix"));
        add("s3:delimiter", self.asked.parameter("delimiter"));
        keys
    }

    /// These condition keys and those of every request.
    fn with_globals<'k>(&self, keys: &[(&'k str, String)]) -> Vec<(&'k str, String)> {
        let principal = &self.caller.principal;
        let mut all = keys.to_vec();
        all.extend([
            ("aws:PrincipalArn", principal.iam_arn()),
            ("aws:PrincipalAccount", principal.account().to_owned()),
            // Loopback has no TLS; policies that insist on it are about the real thing.
            ("aws:SecureTransport", "true".into()),
        ]);
        all
    }

    /// Whether the VPC endpoint lets a request through, when there is one.
    fn through_endpoint(&self, owner: &str, facts: &Facts<'_>) -> S3Result<()> {
        let Some(policy) = &self.state.breaks.vpc_endpoint else { return Ok(()) };
        let why = match policy.judge(facts) {
            Verdict::Allow => return Ok(()),
            Verdict::Deny => "with an explicit deny in a VPC endpoint policy".to_owned(),
            Verdict::Silent => format!("because no VPC endpoint policy allows the {} action", facts.action),
        };
        // S3 gives reasons only where caller and bucket belong to one account.
        if facts.principal.account() != owner {
            return Err(access_denied());
        }
        let (user, action, resource) = (facts.principal.arn(), facts.action, facts.resource);
        let message = format!("User: {user} is not authorized to perform: {action} on resource: \"{resource}\" {why}");
        Err(refuse(403, "AccessDenied", message))
    }

    /// Whether both sides allow: within an account one of them is enough, across accounts it takes both.
    fn decided(&self, bucket: &Bucket, name: &str, action: &str, key: &str, keys: &[(&str, String)]) -> S3Result<()> {
        let principal = &self.caller.principal;
        let resource =
            if key.is_empty() { format!("arn:aws:s3:::{name}") } else { format!("arn:aws:s3:::{name}/{key}") };
        let keys = self.with_globals(keys);
        let facts =
            Facts { principal, action, resource: &resource, keys: &keys, session: self.caller.session.as_deref() };
        self.through_endpoint(&bucket.owner, &facts)?;
        let own = self.state.accounts.own(&facts);
        let theirs = bucket.policy.as_ref().map_or(Verdict::Silent, |stored| stored.policy.judge(&facts));
        let allowed = match (own, theirs) {
            (Verdict::Deny, _) | (_, Verdict::Deny) => false,
            (Verdict::Allow, Verdict::Allow) => true,
            (Verdict::Silent, Verdict::Silent) => false,
            _ => principal.account() == bucket.owner,
        };
        if allowed { Ok(()) } else { Err(access_denied()) }
    }

    fn allowed(&self, bucket: &Bucket, name: &str, action: &str, key: &str, keys: &[(&str, String)]) -> bool {
        self.decided(bucket, name, action, key, keys).is_ok()
    }

    fn require(&self, bucket: &Bucket, action: &str, key: &str, keys: &[(&str, String)]) -> S3Result<()> {
        self.decided(bucket, &self.asked.bucket, action, key, keys)
    }

    /// Reading an object. A missing one is told only to those who may list.
    fn may_read(&self, bucket: &Bucket, name: &str, key: &str, version: Option<&str>) -> S3Result<()> {
        if version.is_some() {
            let versions = self.allowed(bucket, name, "s3:GetObjectVersion", key, &[]);
            return Err(if versions { not_written("versions") } else { access_denied() });
        }
        let outside = self.caller.principal.account() != bucket.owner || self.is_role();
        self.decided(bucket, name, "s3:GetObject", key, &[])?;
        if outside && bucket.refused.covers(key) {
            return Err(access_denied());
        }
        if !bucket.objects.contains_key(key) {
            let lists = self.allowed(bucket, name, "s3:ListBucket", "", &[]);
            return Err(if lists { no_such_key() } else { access_denied() });
        }
        Ok(())
    }

    fn is_role(&self) -> bool {
        matches!(self.caller.principal, Principal::Session { .. })
    }

    fn may_copy_from(&self) -> S3Result<()> {
        let header = self.headers.get("x-amz-copy-source").map(http::HeaderValue::as_bytes).unwrap_or_default();
        let from = CopySource::parse(header).map_err(invalid_argument)?;
        let source = self.state.buckets.get(&from.bucket).ok_or_else(no_such_bucket)?;
        self.expects_owner("x-amz-source-expected-bucket-owner", source)?;
        self.may_read(source, &from.bucket, &from.key, from.version.as_deref())?;
        let object = source.objects.get(&*from.key).ok_or_else(no_such_key)?;
        if self.asked.operation != "CopyObject" {
            return Ok(());
        }
        let destination = self.state.buckets.get(&self.asked.bucket).ok_or_else(no_such_bucket)?;
        let both = |read: &str, write: &str| {
            self.allowed(source, &from.bucket, read, &from.key, &[])
                && self.allowed(destination, &self.asked.bucket, write, &self.asked.key, &[])
        };
        let replaces_tags = self.header("x-amz-tagging-directive") == Some("REPLACE");
        if object.tags() > 0 && !replaces_tags && !both("s3:GetObjectTagging", "s3:PutObjectTagging") {
            return Err(access_denied());
        }
        match self.header("x-amz-object-annotation-directive") {
            None | Some("COPY") => {
                if object.annotations() > 0 && !both("s3:GetObjectAnnotation", "s3:PutObjectAnnotation") {
                    return Err(access_denied());
                }
            }
            Some("EXCLUDE") => {}
            Some(_) => return Err(invalid_argument("Unknown annotation directive.")),
        }
        Ok(())
    }

    /// PutObject, CopyObject and CreateMultipartUpload: the ACL header, encryption, tags.
    fn may_write(&self, bucket: &Bucket) -> S3Result<()> {
        let key = self.asked.key.as_str();
        let acl = self.header("x-amz-acl");
        let grants = GRANTS.iter().any(|name| self.headers.contains_key(*name));
        let keys = self.keys(acl);
        self.require(bucket, "s3:PutObject", key, &keys)?;
        if acl.is_some() || grants {
            self.require(bucket, "s3:PutObjectAcl", key, &keys)?;
        }
        if self.headers.contains_key("x-amz-tagging") {
            self.require(bucket, "s3:PutObjectTagging", key, &keys)?;
        }
        if grants {
            // Nobody here needs them, and guessing who is meant would be worse than refusing.
            return Err(if bucket.settings.owner_rule() == Ownership::BucketOwnerEnforced {
                acls_are_off()
            } else {
                not_written("grant headers")
            });
        }
        if bucket.settings.owner_rule() == Ownership::BucketOwnerEnforced && acl.is_some_and(|acl| acl != FULL_CONTROL)
        {
            return Err(acls_are_off());
        }
        self.may_encrypt(bucket)
    }

    /// Writing with a KMS key needs the key's consent as well.
    fn may_encrypt(&self, bucket: &Bucket) -> S3Result<()> {
        let kms = match self.header("x-amz-server-side-encryption") {
            Some("AES256") => false,
            Some("aws:kms") => true,
            Some(_) => return Err(invalid_argument("The encryption method specified is not supported")),
            None => bucket.settings.encryption == Encryption::Kms,
        };
        let own = self.caller.principal.account() == bucket.owner;
        if kms && !own && !bucket.settings.kms_for_others { Err(access_denied()) } else { Ok(()) }
    }

    /// Parts and completion: authorised by the ACL that the upload was created with.
    fn may_continue(&self, bucket: &Bucket) -> S3Result<()> {
        let asked = self.asked;
        let acl_header = ["x-amz-acl"].into_iter().chain(GRANTS).find(|name| self.headers.contains_key(*name));
        if let Some(header) = acl_header.filter(|_| asked.operation != "CompleteMultipartUpload") {
            return Err(invalid_argument(format!("{header} is not allowed on a part")));
        }
        let upload = self.state.uploads.get(asked.parameter("uploadId").unwrap_or_default());
        let upload = upload.filter(|upload| upload.bucket == asked.bucket && upload.key == asked.key);
        let Some(upload) = upload else {
            let lists = self.allowed(bucket, &asked.bucket, "s3:ListBucket", "", &[]);
            return Err(if lists { no_such_upload() } else { access_denied() });
        };
        if asked.operation == "UploadPartCopy" {
            self.may_copy_from()?;
        }
        let acl = if self.state.denies_parts { None } else { upload.acl.as_deref() };
        self.require(bucket, "s3:PutObject", &asked.key, &self.keys(acl))
    }

    /// Abort and ListParts: the action, or being the one who began it (unless somebody denies).
    fn may_as_initiator(&self, bucket: &Bucket, action: &str) -> S3Result<()> {
        let upload = self.state.uploads.get(self.asked.parameter("uploadId").unwrap_or_default());
        let began = upload.is_some_and(|upload| upload.initiator == self.caller.principal.arn());
        if began && !self.denied(bucket, action) {
            return Ok(());
        }
        self.require(bucket, action, &self.asked.key, &[]).map_err(|denied| {
            let lists = self.allowed(bucket, &self.asked.bucket, "s3:ListBucket", "", &[]);
            if upload.is_none() && lists { no_such_upload() } else { denied }
        })
    }

    fn denied(&self, bucket: &Bucket, action: &str) -> bool {
        let principal = &self.caller.principal;
        let resource = format!("arn:aws:s3:::{}/{}", self.asked.bucket, self.asked.key);
        let keys = self.with_globals(&[]);
        let facts =
            Facts { principal, action, resource: &resource, keys: &keys, session: self.caller.session.as_deref() };
        let theirs = bucket.policy.as_ref().map(|stored| stored.policy.judge(&facts));
        // An endpoint's policy does not know the initiator's defaults.
        self.through_endpoint(&bucket.owner, &facts).is_err()
            || self.state.accounts.own(&facts) == Verdict::Deny
            || theirs == Some(Verdict::Deny)
    }
}

fn unknown_key() -> s3s::S3Error {
    refuse(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
}

fn acls_are_off() -> s3s::S3Error {
    refuse(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(authorization: &'static str) -> S3Result<()> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::AUTHORIZATION, http::HeaderValue::from_static(authorization));
        Signed::read(&headers).map(|_| ())
    }

    #[test]
    fn only_version_four_is_taken() {
        let four =
            "AWS4-HMAC-SHA256 Credential=AKIA/20260302/r/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";
        assert!(read(four).is_ok());
        // s3s itself verifies version 2 for some operations, so this is all that stands against it.
        let two = read("AWS AKIAFLEXOWNER0000001:c2lnbmF0dXJl").expect_err("refused");
        assert_eq!(two.code().as_str(), "InvalidRequest");
    }
}
