//! A failed request: one function turns an SDK error into ours.

use std::{error::Error as StdError, fmt};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::ConnectorError};

/// A request that set-up sends. Its name is that of the API; the right that it needs may be called something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "named after the operations of S3 and IAM")]
pub enum Operation {
    HeadBucket,
    CreateBucket,
    GetPublicAccessBlock,
    PutPublicAccessBlock,
    GetBucketOwnershipControls,
    PutBucketOwnershipControls,
    GetBucketEncryption,
    PutBucketEncryption,
    GetBucketLifecycleConfiguration,
    PutBucketLifecycleConfiguration,
    GetBucketPolicy,
    PutBucketPolicy,
    GetUser,
    CreateUser,
    GetUserPolicy,
    PutUserPolicy,
    GetRole,
    CreateRole,
    GetRolePolicy,
    PutRolePolicy,
    GetInstanceProfile,
    CreateInstanceProfile,
    AddRoleToInstanceProfile,
    ListAccessKeys,
    CreateAccessKey,
    DeleteAccessKey,
    SimulatePrincipalPolicy,
}

impl Operation {
    /// The IAM action that allows it.
    pub fn action(self) -> &'static str {
        match self {
            Self::HeadBucket => "s3:ListBucket",
            Self::CreateBucket => "s3:CreateBucket",
            Self::GetPublicAccessBlock => "s3:GetBucketPublicAccessBlock",
            Self::PutPublicAccessBlock => "s3:PutBucketPublicAccessBlock",
            Self::GetBucketOwnershipControls => "s3:GetBucketOwnershipControls",
            Self::PutBucketOwnershipControls => "s3:PutBucketOwnershipControls",
            Self::GetBucketEncryption => "s3:GetEncryptionConfiguration",
            Self::PutBucketEncryption => "s3:PutEncryptionConfiguration",
            Self::GetBucketLifecycleConfiguration => "s3:GetLifecycleConfiguration",
            Self::PutBucketLifecycleConfiguration => "s3:PutLifecycleConfiguration",
            Self::GetBucketPolicy => "s3:GetBucketPolicy",
            Self::PutBucketPolicy => "s3:PutBucketPolicy",
            Self::GetUser => "iam:GetUser",
            Self::CreateUser => "iam:CreateUser",
            Self::GetUserPolicy => "iam:GetUserPolicy",
            Self::PutUserPolicy => "iam:PutUserPolicy",
            Self::GetRole => "iam:GetRole",
            Self::CreateRole => "iam:CreateRole",
            Self::GetRolePolicy => "iam:GetRolePolicy",
            Self::PutRolePolicy => "iam:PutRolePolicy",
            Self::GetInstanceProfile => "iam:GetInstanceProfile",
            Self::CreateInstanceProfile => "iam:CreateInstanceProfile",
            Self::AddRoleToInstanceProfile => "iam:AddRoleToInstanceProfile",
            Self::ListAccessKeys => "iam:ListAccessKeys",
            Self::CreateAccessKey => "iam:CreateAccessKey",
            Self::DeleteAccessKey => "iam:DeleteAccessKey",
            Self::SimulatePrincipalPolicy => "iam:SimulatePrincipalPolicy",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a failure means for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The caller lacks a right, [`Failure::denied_action`].
    Denied,
    /// What was asked about does not exist.
    NotFound,
    /// What was to be created exists.
    Exists,
    /// A policy names a principal that does not exist.
    InvalidPrincipal,
    /// A policy, user or role is at one of AWS's limits.
    Limit,
    /// The bucket lives in another region, [`Failure::bucket_region`].
    WrongRegion,
    /// Too many requests, or a fault of the service: the same request may succeed later.
    Transient,
    /// No answer: connection refused, reset, timed out, cut off. The request may have had its effect.
    NoAnswer,
    /// The session token is past its time.
    Expired,
    /// The request's clock is too far off.
    ClockSkew,
    /// No credentials could be had, or the service does not know them.
    Credentials,
    /// Anything else.
    Other,
}

/// A request that failed, with what the service said of it.
#[derive(Debug)]
pub struct Failure(Box<Details>);

#[derive(Debug)]
struct Details {
    operation: Operation,
    kind: FailureKind,
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
    region: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failure {
    /// The request.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// What it means for what comes next.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's error code. A refused HEAD has none.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The service's own words.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The service's request id.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The region where the bucket lives, when the service said so.
    pub fn bucket_region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// Of a denied request: the action that the caller lacks, as the service names it, else the one that the request
    /// needs.
    pub fn denied_action(&self) -> Option<&str> {
        (self.0.kind == FailureKind::Denied)
            .then(|| self.0.message.as_deref().and_then(named_action).unwrap_or_else(|| self.0.operation.action()))
    }

    /// An answer that lacks what it must hold.
    pub(crate) fn incomplete(operation: Operation, what: &str) -> Self {
        Self(Box::new(Details {
            operation,
            kind: FailureKind::Other,
            status: Some(200),
            code: None,
            message: Some(what.to_owned()),
            request_id: None,
            region: None,
            source: None,
        }))
    }

    /// A request that could not be built.
    pub(crate) fn not_sent(operation: Operation) -> Self {
        let mut failure = Self::incomplete(operation, "the request could not be built");
        failure.0.status = None;
        failure
    }

    /// Turns the SDK's error into ours.
    pub(crate) fn from_sdk<E>(operation: Operation, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let raw = error.raw_response();
        let header = |name| raw.and_then(|raw| raw.headers().get(name)).map(str::to_owned);
        let status = raw.map(|raw| raw.status().as_u16());
        let region = header("x-amz-bucket-region");
        let request_id = error.request_id().map(str::to_owned).or_else(|| header("x-amz-request-id"));
        let (code, message) = match &error {
            SdkError::ServiceError(e) => (e.err().code().map(str::to_owned), e.err().message().map(str::to_owned)),
            _ => (None, None),
        };
        let kind = match &error {
            _ if let Some(kind) = without_credentials(&error) => kind,
            SdkError::ServiceError(_) => classify(status, code.as_deref(), message.as_deref().unwrap_or_default()),
            SdkError::ResponseError(_) => match status {
                Some(s) if s >= 300 => classify(status, None, ""),
                _ => FailureKind::NoAnswer,
            },
            SdkError::TimeoutError(_) => FailureKind::NoAnswer,
            SdkError::DispatchFailure(e) if !e.is_user() => FailureKind::NoAnswer,
            _ => FailureKind::Other,
        };
        // An answer that the SDK finds no code in, as from a proxy, still says something.
        let message = message.or_else(|| match &error {
            SdkError::ServiceError(_) if code.is_none() => raw.and_then(excerpt),
            _ => None,
        });
        // The service's own words say it all; the SDK's chain is of use only where there was no answer.
        let source = match error {
            SdkError::ServiceError(_) => None,
            error => error.into_source().ok(),
        };
        Self(Box::new(Details { operation, kind, status, code, message, request_id, region, source }))
    }
}

/// The beginning of an answer's text, on one line.
fn excerpt(answer: &HttpResponse) -> Option<String> {
    const LENGTH: usize = 200;
    let text = std::str::from_utf8(answer.body().bytes()?).ok()?;
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(LENGTH).collect();
    match short.is_empty() {
        true => None,
        false if short.len() < line.len() => Some(format!("{short}…")),
        false => Some(short),
    }
}

/// What it means that no credentials could be had. Whoever gives them (IAM Identity Center, STS for a profile with a
/// role) may just not have answered, as when a laptop wakes up.
fn without_credentials(error: &(dyn StdError + 'static)) -> Option<FailureKind> {
    let chain = || std::iter::successors(Some(error), |&e| e.source());
    let why = chain().find_map(|e| e.downcast_ref::<CredentialsError>())?;
    let connectors = || chain().filter_map(|e| e.downcast_ref::<ConnectorError>());
    Some(match why {
        CredentialsError::ProviderTimedOut(_) => FailureKind::NoAnswer,
        CredentialsError::ProviderError(_) if connectors().any(|e| e.is_io() || e.is_timeout()) => {
            FailureKind::NoAnswer
        }
        _ => FailureKind::Credentials,
    })
}

/// "User: … is not authorized to perform: iam:CreateUser on resource: … because …", as IAM and S3 write it.
fn named_action(message: &str) -> Option<&str> {
    let rest = message.split_once("not authorized to perform: ")?.1;
    let action = rest.split_whitespace().next()?.trim_end_matches(['.', ',']);
    action.contains(':').then_some(action)
}

/// By code first, since the same code comes with several statuses.
fn classify(status: Option<u16>, code: Option<&str>, message: &str) -> FailureKind {
    use FailureKind as Kind;
    match code.unwrap_or_default() {
        "AccessDenied" | "AccessDeniedException" | "AllAccessDisabled" | "AccountProblem" => return Kind::Denied,
        // The two words for it: S3's for a bucket policy, IAM's for a trust policy.
        "MalformedPolicy" | "MalformedPolicyDocument" if message.to_ascii_lowercase().contains("invalid principal") => {
            return Kind::InvalidPrincipal;
        }
        "NoSuchBucket"
        | "NoSuchBucketPolicy"
        | "NoSuchLifecycleConfiguration"
        | "NoSuchPublicAccessBlockConfiguration"
        | "OwnershipControlsNotFoundError"
        | "ServerSideEncryptionConfigurationNotFoundError"
        | "NoSuchEntity"
        | "NotFound" => return Kind::NotFound,
        "BucketAlreadyOwnedByYou" | "BucketAlreadyExists" | "EntityAlreadyExists" => return Kind::Exists,
        "LimitExceeded" | "LimitExceededException" | "TooManyBuckets" => return Kind::Limit,
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            return Kind::WrongRegion;
        }
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => return Kind::Expired,
        "RequestTimeTooSkewed" => return Kind::ClockSkew,
        "SignatureDoesNotMatch" if message.contains("Signature expired") || message.contains("not yet current") => {
            return Kind::ClockSkew;
        }
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "InvalidClientTokenId" => {
            return Kind::Credentials;
        }
        "SlowDown"
        | "ServiceUnavailable"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "InternalError"
        | "InternalFailure"
        | "ServiceFailure"
        | "RequestTimeout"
        | "OperationAborted"
        | "ConcurrentModification"
        | "EntityTemporarilyUnmodifiable" => return Kind::Transient,
        _ => {}
    }
    match status {
        Some(301 | 307) => Kind::WrongRegion,
        Some(403) => Kind::Denied,
        Some(404) => Kind::NotFound,
        Some(408 | 429) => Kind::Transient,
        Some(501) => Kind::Other,
        Some(500..=599) => Kind::Transient,
        _ => Kind::Other,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.operation)?;
        match (self.0.status, &self.0.code) {
            (Some(status), Some(code)) => write!(f, " answered {status} {code}")?,
            (Some(status), None) => write!(f, " answered {status}")?,
            (None, _) if self.0.message.is_none() => f.write_str(" got no answer")?,
            (None, _) => {}
        }
        if let Some(message) = &self.0.message {
            write!(f, ": {message}")?;
        }
        if let Some(id) = &self.0.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|e| &**e as _)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ConnectorError, CredentialsError, FailureKind, FailureKind::*, SdkError, StdError, classify, named_action,
        without_credentials,
    };

    #[test]
    fn each_code_has_its_kind() {
        for (status, code, message, want) in [
            (403, Some("AccessDenied"), "Access Denied", Denied),
            (403, None, "", Denied),
            (403, Some("SomethingInvented"), "", Denied),
            (400, Some("SomethingInvented"), "", Other),
            (400, Some("MalformedPolicy"), "Invalid principal in policy", InvalidPrincipal),
            (400, Some("MalformedPolicyDocument"), "Invalid principal in policy: \"AWS\":\"…\"", InvalidPrincipal),
            (400, Some("MalformedPolicy"), "Policy has invalid resource", Other),
            (404, Some("NoSuchEntity"), "The user with name u cannot be found.", NotFound),
            (404, None, "", NotFound),
            (409, Some("BucketAlreadyExists"), "", Exists),
            (409, Some("LimitExceeded"), "Cannot exceed quota for AccessKeysPerUser: 2", Limit),
            (301, None, "", WrongRegion),
            (400, Some("ExpiredToken"), "", Expired),
            (403, Some("ExpiredToken"), "", Expired),
            (
                403,
                Some("SignatureDoesNotMatch"),
                "Signature expired: 20261124T000000Z is now earlier than …",
                ClockSkew,
            ),
            (403, Some("SignatureDoesNotMatch"), "The request signature we calculated does not match", Credentials),
            (403, Some("InvalidClientTokenId"), "", Credentials),
            (503, Some("SlowDown"), "", Transient),
            (500, None, "", Transient),
            (501, Some("NotImplemented"), "", Other),
        ] {
            assert_eq!(classify(Some(status), code, message), want, "{status} {code:?} {message}");
        }
    }

    #[test]
    fn credentials_that_did_not_arrive_are_not_wrong_ones() {
        fn kind(error: impl StdError + Send + Sync + 'static) -> Option<FailureKind> {
            without_credentials(&SdkError::<std::io::Error>::construction_failure(error))
        }
        let unreachable = || ConnectorError::io("connection refused".into());
        assert_eq!(kind(CredentialsError::provider_error(unreachable())), Some(NoAnswer));
        assert_eq!(kind(CredentialsError::provider_timed_out(std::time::Duration::from_secs(5))), Some(NoAnswer));
        assert_eq!(kind(CredentialsError::provider_error("the session has expired")), Some(Credentials));
        // The metadata service is asked in vain wherever there is none.
        assert_eq!(kind(CredentialsError::not_loaded(unreachable())), Some(Credentials));
        assert_eq!(kind(unreachable()), None);
    }

    #[test]
    fn the_service_names_the_action() {
        let said = "User: arn:aws:iam::123456789012:user/u is not authorized to perform: iam:CreateUser on resource: \
                    arn:aws:iam::123456789012:user/flex-copy because no identity-based policy allows the iam:CreateUser \
                    action";
        assert_eq!(named_action(said), Some("iam:CreateUser"));
        assert_eq!(named_action("… is not authorized to perform: kms:GenerateDataKey."), Some("kms:GenerateDataKey"));
        assert_eq!(named_action("Access Denied"), None);
    }
}
