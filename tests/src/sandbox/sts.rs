//! STS: AssumeRole, GetCallerIdentity and GetSessionToken.

use std::time::Duration;

use http::{Extensions, HeaderMap, Method, Uri};
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result};

use super::asked::Asked;
use super::breaking::Service;
use super::grammar::Flaw;
use super::identity::{Identity, Principal};
use super::policy::{Facts, Policy, Verdict};
use super::query::{self, Refusal, date, invalid, is_form, not_written, refuse};
use super::world::World;

const HOUR: u64 = 3600;
/// STS's limit for a session policy, in characters.
const LONGEST_POLICY: usize = 2048;

/// What is written of STS.
pub(crate) const OPERATIONS: [&str; 3] = ["AssumeRole", "GetCallerIdentity", "GetSessionToken"];

/// s3s verifies what is signed for STS and hands it over here.
#[async_trait::async_trait]
impl S3Route for World {
    fn is_match(&self, method: &Method, uri: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        is_form(method, uri, headers)
    }

    async fn check_access(&self, _: &mut S3Request<Body>) -> S3Result<()> {
        // Decided in `call`, whose refusals are worded as STS's.
        Ok(())
    }

    async fn call(&self, mut req: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let form = req.input.store_all_limited(query::LARGEST_FORM).await.unwrap_or_default();
        let result = self.sts(&Asked::of_form(&form), &req.headers);
        let (parts, body) = query::answered(Service::Sts, result).into_parts();
        let mut response = S3Response::with_status(body, parts.status);
        response.headers = parts.headers;
        Ok(response)
    }
}

impl World {
    fn sts(&self, asked: &Asked, headers: &HeaderMap) -> Result<String, Refusal> {
        let caller = self.form_caller(Service::Sts, headers)?;
        if self.state().breaks.sts_disabled {
            let account = caller.principal.account();
            return Err(refuse(
                403,
                "RegionDisabledException",
                format!(
                    "STS is not activated in this region for account:{account}. Your account administrator can activate \
                     STS in this region using the IAM Console."
                ),
            ));
        }
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

    fn caller_identity(&self, caller: &Identity) -> String {
        let principal = &caller.principal;
        result(
            "GetCallerIdentity",
            &format!(
                "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
                principal.arn(),
                self.state().accounts.user_id(principal),
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
        if asked.query.iter().any(|(name, _)| name.starts_with("PolicyArns")) {
            return Err(not_written("managed session policies"));
        }
        let narrowed = asked.parameter("Policy").map(session_policy).transpose()?;
        let wanted = duration(asked, HOUR, 900, 12 * HOUR)?;

        let denied = || {
            let by = caller.principal.arn();
            refuse(
                403,
                "AccessDenied",
                format!("User: {by} is not authorized to perform: sts:AssumeRole on resource: {arn}"),
            )
        };
        let mut keys = vec![
            ("aws:PrincipalArn", caller.principal.iam_arn()),
            ("aws:PrincipalAccount", caller.principal.account().to_owned()),
            ("sts:RoleSessionName", session.to_owned()),
        ];
        keys.extend(asked.parameter("ExternalId").map(|id| ("sts:ExternalId", id.to_owned())));
        let (principal, longest) = {
            let now = self.now();
            let state = self.state();
            let facts = Facts {
                principal: &caller.principal,
                action: "sts:AssumeRole",
                resource: arn,
                keys: &keys,
                session: caller.session.as_deref(),
            };
            let own = state.accounts.own(&facts);
            let role = state.accounts.roles.get(arn).filter(|role| role.exists(now)).ok_or_else(denied)?;
            // Within an account a trust that names the caller itself is enough; otherwise both sides must allow.
            let named =
                role.account == caller.principal.account() && role.trust.policy.names_exactly(&caller.principal);
            if role.trust.policy.judge(&facts) != Verdict::Allow
                || own == Verdict::Deny
                || own == Verdict::Silent && !named
            {
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
        let (role_arn, id) = (principal.arn(), self.state().accounts.user_id(&principal));
        let issued = self.issue_narrowed(principal, life, narrowed);
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

/// The policy that a session is narrowed with.
fn session_policy(text: &str) -> Result<Policy, Refusal> {
    if text.chars().count() > LONGEST_POLICY {
        return Err(invalid("policy", text, &format!("have length less than or equal to {LONGEST_POLICY}")));
    }
    if text.chars().any(|c| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')) {
        let characters = "satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
        return Err(invalid("policy", text, characters));
    }
    Policy::of_identity(text).map_err(|flaw| match flaw {
        Flaw::Malformed(message) => refuse(400, "MalformedPolicyDocument", message),
        Flaw::NotWritten(what) => not_written(&what),
    })
}

fn credentials(issued: &Identity) -> String {
    let end = issued.expires.unwrap_or(std::time::SystemTime::UNIX_EPOCH);
    format!(
        "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{}</Expiration></Credentials>",
        issued.access_key,
        issued.secret,
        issued.token.as_deref().unwrap_or_default(),
        date(end)
    )
}

fn result(operation: &str, inside: &str) -> String {
    query::result(Service::Sts, operation, Some(inside))
}
