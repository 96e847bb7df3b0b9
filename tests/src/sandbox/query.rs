//! The query protocol, which STS and IAM speak: a form in, XML out, on the same port as S3.

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use s3s::Body;

use super::access::Signed;
use super::asked::Asked;
use super::breaking::Service;
use super::identity::{Identity, id_of};
use super::world::World;

/// Longer forms are not read. IAM's longest policy, percent-encoded, is well below.
pub(crate) const LARGEST_FORM: usize = 512 * 1024;

/// A refusal as STS and IAM word it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

pub(crate) fn refuse(status: u16, code: &str, message: impl Into<String>) -> Refusal {
    Refusal { status, code: code.into(), message: message.into() }
}

/// What the sandbox does not do.
pub(crate) fn not_written(what: &str) -> Refusal {
    refuse(501, "NotImplemented", format!("The sandbox does not do this: {what}"))
}

/// A parameter that breaks a constraint.
pub(crate) fn invalid(name: &str, value: &str, must: &str) -> Refusal {
    refuse(
        400,
        "ValidationError",
        format!(
            "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must {must}"
        ),
    )
}

/// Whether a request is a form, and so goes to STS or IAM.
pub(crate) fn is_form(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    method == Method::POST && uri.path() == "/" && form
}

/// The answer to a form.
pub(crate) fn answered(service: Service, result: Result<String, Refusal>) -> Response<Body> {
    let (status, text) = match result {
        Ok(text) => (200, text),
        Err(refusal) => (refusal.status, error_body(service, &refusal.code, &refusal.message)),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}

/// What an operation answers, around its result; operations without a result answer nothing else.
pub(crate) fn result(service: Service, operation: &str, inside: Option<&str>) -> String {
    let inside = inside.map(|inside| format!("<{operation}Result>{inside}</{operation}Result>")).unwrap_or_default();
    format!(
        "<{operation}Response xmlns=\"{}\">{inside}<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata>\
         </{operation}Response>",
        service.namespace(),
        id_of("", operation)
    )
}

/// An error in the protocol's form.
pub(crate) fn error_body(service: Service, code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{}</RequestId></ErrorResponse>",
        service.namespace(),
        escape(code),
        escape(message),
        id_of("", code)
    )
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A time as both services write it.
pub(crate) fn date(time: std::time::SystemTime) -> String {
    DateTime::<Utc>::from(time).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The values of `name.member.1`, `name.member.2` and so on.
pub(crate) fn members<'a>(asked: &'a Asked, name: &str) -> Vec<&'a str> {
    (1..).map_while(|n: usize| asked.parameter(&format!("{name}.member.{n}"))).collect()
}

impl World {
    /// The signer of a form, under the same strictness as S3's, with the codes of STS and IAM.
    pub(crate) fn form_caller(&self, service: Service, headers: &HeaderMap) -> Result<Identity, Refusal> {
        let missing = || refuse(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
        let signed = Signed::read(headers).map_err(|_| missing())?;
        self.strictly(&signed, service, headers).map_err(|error| {
            let (code, message) = (error.code().as_str().to_owned(), error.message().unwrap_or_default().to_owned());
            match code.as_str() {
                "ExpiredToken" => refuse(403, "ExpiredToken", "The security token included in the request is expired"),
                "InvalidToken" | "InvalidAccessKeyId" => unknown_token(),
                "RequestTimeTooSkewed" => refuse(403, "SignatureDoesNotMatch", self.skewed_words(headers)),
                "AuthorizationHeaderMalformed" => {
                    refuse(403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region.")
                }
                _ => refuse(403, &code, message),
            }
        })
    }

    fn skewed_words(&self, headers: &HeaderMap) -> String {
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
}

/// Keys that the services do not know.
pub(crate) fn unknown_token() -> Refusal {
    refuse(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
}
