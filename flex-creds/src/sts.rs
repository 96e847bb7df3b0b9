//! The two calls to STS, and the one place where an SDK error becomes ours.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_sts::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_sts::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{ConfigBag, IdentityCache, Intercept, RuntimeComponents, StalledStreamProtectionConfig};
use aws_sdk_sts::error::{BoxError, ProvideErrorMetadata};
use aws_sdk_sts::operation::RequestId;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_types::SdkConfig;
use flex_policy::RoleArn;

use crate::acquire::Settings;
use crate::error::{ClockSkew, CredsError, Failure, StsFailure};

/// One attempt, unless the base configuration says otherwise. STS answers in well under a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// All attempts of one operation, unless the base configuration says otherwise.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);

/// `Date` tells whole seconds, and part of the difference is the request's travel time. What is smaller than this
/// is no error of the clock; AWS itself tolerates five minutes.
const SKEW_OF_NOTE: Duration = Duration::from_secs(60);
/// The tolerance of AWS's signature check.
const SKEW_REFUSED: Duration = Duration::from_secs(5 * 60);

const ASSUME_ROLE: &str = "AssumeRole";
const GET_CALLER_IDENTITY: &str = "GetCallerIdentity";

/// A client for one renewal. It has the base credentials as they were loaded for this renewal, so that the identity's
/// provider (which may be a program asking for a code) runs once and not once a request.
pub(crate) struct Sts {
    client: aws_sdk_sts::Client,
    seen: Observer,
    region: String,
}

pub(crate) struct Caller {
    pub(crate) arn: String,
    pub(crate) account: Option<String>,
}

pub(crate) struct Assumed {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
    /// As STS says it.
    pub(crate) expires: SystemTime,
    /// The same moment by this machine's clock.
    pub(crate) expires_locally: SystemTime,
    pub(crate) skew: Option<ClockSkew>,
}

impl Sts {
    pub(crate) fn new(base: &SdkConfig, clock: SharedTimeSource, identity: Credentials) -> Self {
        let seen = Observer { clock, seen: Arc::default() };
        let retries = base.retry_config().cloned();
        let config = aws_sdk_sts::config::Builder::from(base)
            .credentials_provider(identity)
            .identity_cache(IdentityCache::no_cache())
            .retry_config(retries.unwrap_or_else(RetryConfig::standard))
            // By default all STS clients of the process share 500 tokens, and an outage spends them for good.
            .retry_partition(RetryPartition::custom("flex-creds").token_bucket(TokenBucket::default()).build())
            .timeout_config(timeouts(base))
            // The timeouts say it better than "throughput of 0 B/s was observed".
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .interceptor(seen.clone())
            .build();
        Self {
            client: aws_sdk_sts::Client::from_conf(config),
            seen,
            region: base.region().map(ToString::to_string).unwrap_or_default(),
        }
    }

    pub(crate) async fn caller(&self) -> Result<Caller, CredsError> {
        let answer = self.client.get_caller_identity().send().await;
        match answer {
            Ok(who) => {
                Ok(Caller { arn: who.arn().unwrap_or_default().to_owned(), account: who.account().map(str::to_owned) })
            }
            Err(error) => Err(self.judge(self.failure(GET_CALLER_IDENTITY, error), None)),
        }
    }

    pub(crate) async fn assume(
        &self,
        role: &RoleArn,
        caller: Option<&str>,
        settings: &Settings,
        duration: Duration,
    ) -> Result<Assumed, CredsError> {
        let answer = self
            .client
            .assume_role()
            .role_arn(role.to_string())
            .role_session_name(&settings.session_name)
            .set_policy(settings.session_policy.clone())
            .duration_seconds(i32::try_from(duration.as_secs()).unwrap_or(i32::MAX))
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let failure = self.failure(ASSUME_ROLE, error);
                return Err(self.judge(failure, Some((role, caller))));
            }
        };
        let request_id = answer.request_id().map(str::to_owned);
        let incomplete = |what| CredsError::Other {
            source: StsFailure::new(Failure {
                operation: ASSUME_ROLE,
                host: self.seen.host(),
                status: Some(200),
                request_id: request_id.clone(),
                what,
                ..Failure::default()
            }),
        };
        let given = answer.credentials.ok_or_else(|| incomplete("without credentials"))?;
        if given.access_key_id.is_empty() || given.secret_access_key.is_empty() || given.session_token.is_empty() {
            return Err(incomplete("with credentials that are not whole"));
        }
        let expires =
            SystemTime::try_from(given.expiration).map_err(|_| incomplete("with an expiration that is no time"))?;
        let skew = self.seen.skew().filter(|skew| skew.size() >= SKEW_OF_NOTE);
        Ok(Assumed {
            access_key_id: given.access_key_id,
            secret_access_key: given.secret_access_key,
            session_token: given.session_token,
            expires,
            expires_locally: match skew {
                Some(ClockSkew::Ahead(by)) => expires.checked_add(by).unwrap_or(expires),
                Some(ClockSkew::Behind(by)) => expires.checked_sub(by).unwrap_or(expires),
                None => expires,
            },
            skew,
        })
    }

    fn failure<E>(&self, operation: &'static str, error: SdkError<E, HttpResponse>) -> StsFailure
    where
        E: Error + Send + Sync + ProvideErrorMetadata + 'static,
    {
        let raw = match &error {
            SdkError::ServiceError(e) => Some(e.raw()),
            SdkError::ResponseError(e) => Some(e.raw()),
            _ => None,
        };
        let mut failure = Failure {
            operation,
            host: self.seen.host(),
            status: raw.map(|raw| raw.status().as_u16()),
            request_id: error.request_id().map(str::to_owned),
            ..Failure::default()
        };
        match error {
            SdkError::ServiceError(e) => {
                let e = e.into_err();
                failure.code = e.code().map(str::to_owned);
                failure.message = e.message().map(str::to_owned);
                if failure.code.is_none() {
                    failure.what = "without an error code";
                }
            }
            other => {
                failure.what = match &other {
                    SdkError::ConstructionFailure(_) => "could not be sent",
                    SdkError::TimeoutError(_) => "was not answered in time",
                    SdkError::DispatchFailure(e) if e.is_timeout() => "was not answered in time",
                    SdkError::ResponseError(_) => "in a form that could not be read",
                    _ => "was not answered",
                };
                failure.source = other.into_source().ok().map(Into::into);
            }
        }
        StsFailure::new(failure)
    }

    fn judge(&self, failure: StsFailure, role: Option<(&RoleArn, Option<&str>)>) -> CredsError {
        judge(failure, role, &self.region, self.seen.skew())
    }
}

/// The one function that turns a failed request to STS into an error of this crate. Kinds go by the code, because STS
/// sends the same code with different statuses. `role` is the role asked for and the caller's ARN.
fn judge(
    source: StsFailure,
    role: Option<(&RoleArn, Option<&str>)>,
    region: &str,
    skew: Option<ClockSkew>,
) -> CredsError {
    let refused_skew = skew.filter(|skew| skew.size() >= SKEW_REFUSED);
    let Some(code) = source.code() else {
        // Without a host the request was never made: no endpoint for the region, or the like.
        return match (source.status(), source.host().map(str::to_owned)) {
            (None, Some(host)) => CredsError::Unreachable { host, source },
            _ => CredsError::Other { source },
        };
    };
    let about_time = source.message().is_some_and(|message| {
        message.starts_with("Signature expired") || message.starts_with("Signature not yet current")
    });
    match code {
        "ExpiredToken" | "ExpiredTokenException" => CredsError::Expired { source },
        "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => {
            CredsError::ClockSkew { skew, source: Some(source) }
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "AuthFailure"
            if about_time || refused_skew.is_some() =>
        {
            CredsError::ClockSkew { skew: refused_skew, source: Some(source) }
        }
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "AuthFailure"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "UnrecognizedClientException" => CredsError::InvalidKeys { source },
        "RegionDisabledException" | "RegionDisabled" => {
            CredsError::RegionDisabled { region: region.to_owned(), source }
        }
        "AccessDenied" | "AccessDeniedException" => match role {
            Some((role, caller)) => {
                CredsError::NotAllowedToAssume { role: role.clone(), caller: caller.map(str::to_owned), source }
            }
            None => CredsError::Other { source },
        },
        _ => CredsError::Other { source },
    }
}

/// What the base configuration says, and bounds of our own where it says nothing: the SDK has none.
fn timeouts(base: &SdkConfig) -> TimeoutConfig {
    let mut config = base.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
    let given = config.clone().build();
    if given.operation_attempt_timeout().is_none() {
        config = config.operation_attempt_timeout(ATTEMPT_TIMEOUT);
    }
    if given.operation_timeout().is_none() {
        config = config.operation_timeout(OPERATION_TIMEOUT);
    }
    config.build()
}

/// The longest that one operation may take.
pub(crate) fn operation_limit(base: &SdkConfig) -> Duration {
    timeouts(base).operation_timeout().unwrap_or(OPERATION_TIMEOUT)
}

/// Notes where the requests go and what time the answers show. The SDK keeps both to itself, and an endpoint may come
/// from places that only the SDK knows.
#[derive(Debug, Clone)]
struct Observer {
    clock: SharedTimeSource,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    host: Option<String>,
    sent: Option<SystemTime>,
    skew: Option<ClockSkew>,
}

impl Observer {
    fn with<T>(&self, f: impl FnOnce(&mut Seen) -> T) -> T {
        f(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn host(&self) -> Option<String> {
        self.with(|seen| seen.host.clone())
    }

    fn skew(&self) -> Option<ClockSkew> {
        self.with(|seen| seen.skew)
    }
}

impl Intercept for Observer {
    fn name(&self) -> &'static str {
        "flex-creds observer"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let host = host_of(context.request().uri());
        let now = self.clock.now();
        self.with(|seen| {
            seen.host = host;
            seen.sent = Some(now);
        });
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context
            .response()
            .headers()
            .get("date")
            .and_then(|date| DateTime::from_str(date, Format::HttpDate).ok())
            .and_then(|date| SystemTime::try_from(date).ok());
        let now = self.clock.now();
        self.with(|seen| seen.skew = date.map(|date| difference(date, seen.sent.unwrap_or(now), now)));
        Ok(())
    }
}

/// The service wrote its `Date` somewhere between the two moments.
fn difference(date: SystemTime, sent: SystemTime, received: SystemTime) -> ClockSkew {
    let middle = sent + received.duration_since(sent).unwrap_or_default() / 2;
    match middle.duration_since(date) {
        Ok(ahead) => ClockSkew::Ahead(ahead),
        Err(behind) => ClockSkew::Behind(behind.duration()),
    }
}

/// Host and port of a URL, without a user's name and password.
fn host_of(uri: &str) -> Option<String> {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, message: &str) -> StsFailure {
        StsFailure::new(Failure {
            operation: ASSUME_ROLE,
            host: Some("sts.test".into()),
            status: Some(status),
            code: Some(code.into()),
            message: Some(message.into()),
            request_id: Some("r-1".into()),
            ..Failure::default()
        })
    }

    fn name(error: &CredsError) -> &'static str {
        match error {
            CredsError::Expired { .. } => "expired",
            CredsError::InvalidKeys { .. } => "keys",
            CredsError::NotAllowedToAssume { .. } => "denied",
            CredsError::ClockSkew { .. } => "clock",
            CredsError::Unreachable { .. } => "unreachable",
            CredsError::RegionDisabled { .. } => "region",
            CredsError::Other { .. } => "other",
            _ => "another kind",
        }
    }

    #[test]
    fn each_code_has_its_kind() {
        let role: RoleArn =
            "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012".parse().expect("an ARN");
        let late = Some(ClockSkew::Behind(Duration::from_secs(3600)));
        for (status, code, message, skew, want) in [
            (403, "AccessDenied", "not authorized", None, "denied"),
            (400, "ExpiredToken", "", None, "expired"),
            (403, "ExpiredTokenException", "", None, "expired"),
            (403, "InvalidClientTokenId", "", None, "keys"),
            (403, "SignatureDoesNotMatch", "The request signature we", None, "keys"),
            (403, "SignatureDoesNotMatch", "Signature expired: 2021", None, "clock"),
            (403, "SignatureDoesNotMatch", "Signature not yet current: 2", None, "clock"),
            (403, "SignatureDoesNotMatch", "The request signature we", late, "clock"),
            (403, "RequestTimeTooSkewed", "", late, "clock"),
            (403, "RegionDisabledException", "", None, "region"),
            (400, "ValidationError", "", None, "other"),
            (418, "TeapotShortAndStout", "", None, "other"),
        ] {
            let error = judge(refused(status, code, message), Some((&role, None)), "r", skew);
            assert_eq!(name(&error), want, "{code} {message}");
            let source = error.source().expect("the refusal").to_string();
            assert!(source.contains(code) && source.contains("r-1"), "{source}");
        }
        // GetCallerIdentity needs no permission: a refusal there says nothing about the role.
        let error = judge(refused(403, "AccessDenied", ""), None, "r", None);
        assert_eq!(name(&error), "other");
    }

    #[test]
    fn hosts_are_cut_out_of_urls() {
        for (uri, want) in [
            ("https://sts.ap-northeast-1.amazonaws.com/", Some("sts.ap-northeast-1.amazonaws.com")),
            ("http://127.0.0.1:9000", Some("127.0.0.1:9000")),
            ("http://user:secret@[::1]:80/path?x@y", Some("[::1]:80")),
            ("/", None),
        ] {
            assert_eq!(host_of(uri).as_deref(), want, "{uri}");
        }
    }

    #[test]
    fn the_difference_is_taken_in_the_middle() {
        let at = |s: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + s);
        assert_eq!(difference(at(15), at(10), at(20)), ClockSkew::Ahead(Duration::ZERO));
        assert_eq!(difference(at(0), at(10), at(20)), ClockSkew::Ahead(Duration::from_secs(15)));
        assert_eq!(difference(at(65), at(10), at(20)), ClockSkew::Behind(Duration::from_secs(50)));
    }
}
