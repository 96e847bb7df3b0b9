//! STS: AssumeRole, GetCallerIdentity and GetSessionToken, on the same port as S3.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{Extensions, HeaderMap, Method, StatusCode, Uri, header};
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result};

use super::access::Signed;
use super::asked::{Asked, is_sts};
use super::identity::{Identity, Principal, id_of};
use super::policy::{Facts, Verdict};
use super::world::World;

/// STS reads no longer form.
pub(crate) const LARGEST_FORM: usize = 8192;

const HOUR: u64 = 3600;

/// A refusal as STS words it.
struct Refusal {
    status: u16,
    code: String,
    message: String,
}

fn refuse(status: u16, code: &str, message: impl Into<String>) -> Refusal {
    Refusal { status, code: code.into(), message: message.into() }
}

#[async_trait::async_trait]
impl S3Route for World {
    fn is_match(&self, method: &Method, uri: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        is_sts(method, uri, headers)
    }

    async fn check_access(&self, _: &mut S3Request<Body>) -> S3Result<()> {
        // Decided in `call`, whose refusals are worded as STS's.
        Ok(())
    }

    async fn call(&self, mut req: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let form = req.input.store_all_limited(LARGEST_FORM).await.unwrap_or_default();
        let asked = Asked::of_form(&form);
        let (status, body) = match self.sts(&asked, &req) {
            Ok(body) => (200, body),
            Err(refusal) => (refusal.status, error_body(&refusal.code, &refusal.message)),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = S3Response::with_status(Body::from(body), status);
        response.headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/xml"));
        Ok(response)
    }
}

impl World {
    fn sts(&self, asked: &Asked, req: &S3Request<Body>) -> Result<String, Refusal> {
        let caller = self.sts_caller(req)?;
        match asked.operation {
            "GetCallerIdentity" => Ok(self.caller_identity(&caller)),
            "AssumeRole" => self.assume_role(&caller, asked),
            "GetSessionToken" => self.session_token(&caller, asked),
            _ => Err(refuse(
                400,
                "InvalidAction",
                format!(
                    "Could not find operation {} for version 2011-06-15",
                    asked.parameter("Action").unwrap_or("NO_OPERATION")
                ),
            )),
        }
    }

    /// The signer, under the same strictness as S3's, with STS's codes.
    fn sts_caller(&self, req: &S3Request<Body>) -> Result<Identity, Refusal> {
        let missing = || refuse(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
        let signed = Signed::read(&req.headers).map_err(|_| missing())?;
        self.strictly(&signed, "sts", &req.headers).map_err(|error| {
            let (code, message) = (error.code().as_str().to_owned(), error.message().unwrap_or_default().to_owned());
            match code.as_str() {
                "ExpiredToken" => refuse(403, "ExpiredToken", "The security token included in the request is expired"),
                "InvalidToken" | "InvalidAccessKeyId" => {
                    refuse(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
                }
                "RequestTimeTooSkewed" => refuse(403, "SignatureDoesNotMatch", self.skewed(&req.headers)),
                "AuthorizationHeaderMalformed" => {
                    refuse(403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region.")
                }
                _ => refuse(403, &code, message),
            }
        })
    }

    fn skewed(&self, headers: &HeaderMap) -> String {
        let sent = headers.get("x-amz-date").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let now: DateTime<Utc> = self.now().into();
        let compact = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%SZ").to_string();
        let (now_text, oldest) = (compact(now), compact(now - chrono::TimeDelta::minutes(15)));
        if sent < now_text {
            format!("Signature expired: {sent} is now earlier than {oldest} ({now_text} - 15 min.)")
        } else {
            let latest = compact(now + chrono::TimeDelta::minutes(15));
            format!("Signature not yet current: {sent} is still later than {latest} ({now_text} + 15 min.)")
        }
    }

    fn caller_identity(&self, caller: &Identity) -> String {
        let principal = &caller.principal;
        result(
            "GetCallerIdentity",
            &format!(
                "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
                principal.arn(),
                principal.user_id(),
                principal.account()
            ),
        )
    }

    fn assume_role(&self, caller: &Identity, asked: &Asked) -> Result<String, Refusal> {
        let arn = asked.parameter("RoleArn").unwrap_or_default();
        let session = asked.parameter("RoleSessionName").unwrap_or_default();
        let named = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if !(2..=64).contains(&session.len()) || !session.chars().all(named) {
            return Err(invalid(
                "roleSessionName",
                session,
                "satisfy regular expression pattern: [\\w+=,.@-]*, length 2 to 64",
            ));
        }
        if arn.len() < 20 {
            return Err(invalid("roleArn", arn, "have length greater than or equal to 20"));
        }
        if asked.parameter("Policy").is_some() || asked.query.iter().any(|(name, _)| name.starts_with("PolicyArns")) {
            return Err(refuse(400, "NotImplemented", "The sandbox does not know session policies"));
        }
        let wanted = duration(asked, HOUR, 900, 12 * HOUR)?;

        let denied = || {
            let by = caller.principal.arn();
            refuse(
                403,
                "AccessDenied",
                format!("User: {by} is not authorized to perform: sts:AssumeRole on resource: {arn}"),
            )
        };
        let (principal, longest) = {
            let state = self.state();
            let own = state.policies.get(&caller.principal.iam_arn());
            let facts = Facts { principal: &caller.principal, action: "sts:AssumeRole", resource: arn, keys: &[] };
            if own.map(|policy| policy.judge(&facts)) != Some(Verdict::Allow) {
                return Err(denied());
            }
            let role = state.roles.get(arn).filter(|role| role.exists).ok_or_else(denied)?;
            if !role.trusts.iter().any(|account| account == caller.principal.account()) {
                return Err(denied());
            }
            let principal =
                Principal::Session { account: role.account.clone(), role: role.name.clone(), session: session.into() };
            (principal, role.longest)
        };
        if caller.principal.chains() && wanted > Duration::from_secs(HOUR) {
            return Err(refuse(
                400,
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        if wanted > longest {
            return Err(refuse(
                400,
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let life = self.state().token_life.unwrap_or(wanted);
        let (role_arn, id) = (principal.arn(), principal.user_id());
        let issued = self.issue(principal, life);
        let who =
            format!("<AssumedRoleUser><Arn>{role_arn}</Arn><AssumedRoleId>{id}</AssumedRoleId></AssumedRoleUser>");
        Ok(result("AssumeRole", &(credentials(&issued) + &who)))
    }

    fn session_token(&self, caller: &Identity, asked: &Asked) -> Result<String, Refusal> {
        let Principal::User { account, name, session: false } = &caller.principal else {
            return Err(refuse(403, "AccessDenied", "Cannot call GetSessionToken with session credentials"));
        };
        let life = duration(asked, 12 * HOUR, 900, 36 * HOUR)?;
        let principal = Principal::User { account: account.clone(), name: name.clone(), session: true };
        Ok(result("GetSessionToken", &credentials(&self.issue(principal, life))))
    }
}

fn duration(asked: &Asked, default: u64, least: u64, most: u64) -> Result<Duration, Refusal> {
    let Some(text) = asked.parameter("DurationSeconds") else { return Ok(Duration::from_secs(default)) };
    let seconds = text.parse::<u64>().map_err(|_| refuse(400, "MalformedInput", "DurationSeconds is not a number"))?;
    if seconds < least {
        return Err(invalid("durationSeconds", text, &format!("have value greater than or equal to {least}")));
    }
    if seconds > most {
        return Err(invalid("durationSeconds", text, &format!("have value less than or equal to {most}")));
    }
    Ok(Duration::from_secs(seconds))
}

fn invalid(name: &str, value: &str, must: &str) -> Refusal {
    refuse(
        400,
        "ValidationError",
        format!(
            "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must {must}"
        ),
    )
}

fn credentials(issued: &Identity) -> String {
    let end: DateTime<Utc> = issued.expires.unwrap_or(std::time::SystemTime::UNIX_EPOCH).into();
    format!(
        "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{}</Expiration></Credentials>",
        issued.access_key,
        issued.secret,
        issued.token.as_deref().unwrap_or_default(),
        end.format("%Y-%m-%dT%H:%M:%SZ")
    )
}

fn result(operation: &str, inside: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result>{inside}</{operation}Result>\
         <ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{operation}Response>",
        id_of("", operation)
    )
}

/// An error in STS's form.
pub(crate) fn error_body(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{}</Code>\
         <Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
        escape(code),
        escape(message),
        id_of("", code)
    )
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
