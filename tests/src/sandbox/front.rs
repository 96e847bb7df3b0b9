//! What stands between both doors and s3s: latency, faults, the record of requests, and those traits of S3's answers that
//! s3s does not give.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use s3s::Body;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto::StreamingBlob;
use s3s::service::{S3Service, S3ServiceBuilder};

use super::access::Signed;
use super::asked::{Asked, CopySource};
use super::breaking::Service;
use super::content::{Content, mix};
use super::faults::{Call, Effect};
use super::object::Object;
use super::world::World;
use super::{query, record};

/// White space in a slow body comes this often.
const BREATH: Duration = Duration::from_secs(2);

/// Error bodies and results are read into memory up to this size; objects are not.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// What a page of a listing says of the next one.
/// Where the listings of objects and of uploads go on, and where they began.
const MARKERS: [(&str, &str); 3] = [
    ("NextContinuationToken", "ContinuationToken"),
    ("NextKeyMarker", "KeyMarker"),
    ("NextUploadIdMarker", "UploadIdMarker"),
];

/// The connection was broken on purpose.
#[derive(Debug)]
pub(crate) struct Reset;

/// The sandbox as one function from request to answer.
#[derive(Clone)]
pub(crate) struct Front {
    world: World,
    service: S3Service,
}

/// Counts a request as in flight until it is answered or given up.
struct InFlight {
    world: World,
    operation: &'static str,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.world.records().end(self.operation);
    }
}

impl Front {
    pub(crate) fn new(world: World) -> Self {
        let mut config = S3Config::default();
        // The skew is judged by the world's clock, in `access`.
        config.presigned_url_max_skew_time_secs = u32::MAX;
        let mut builder = S3ServiceBuilder::new(world.clone());
        builder.set_config(std::sync::Arc::new(StaticConfigProvider::new(std::sync::Arc::new(config))));
        builder.set_auth(world.clone());
        builder.set_access(world.clone());
        builder.set_route(world.clone());
        Self { world, service: builder.build() }
    }

    pub(crate) async fn handle(&self, req: Request<Body>) -> Result<Response<Body>, Reset> {
        self.handle_with(req, None).await
    }

    /// The same, with this effect instead of what the world's faults say.
    pub(crate) async fn handle_with(
        &self,
        mut req: Request<Body>,
        told: Option<Effect>,
    ) -> Result<Response<Body>, Reset> {
        let at = self.world.now();
        let (service, asked, form) = if query::is_form(req.method(), req.uri(), req.headers()) {
            let form = req.body_mut().store_all_limited(query::LARGEST_FORM).await.unwrap_or_default();
            let asked = Asked::of_form(&form);
            (asked.service(), asked, form)
        } else {
            (Service::S3, Asked::of(req.method(), req.uri(), req.headers()), Bytes::new())
        };
        self.world.records().begin(asked.operation);
        let in_flight = InFlight { world: self.world.clone(), operation: asked.operation };
        let (method, headers) = (req.method().clone(), req.headers().clone());
        let query = req.uri().query().unwrap_or_default().to_owned();

        let (latency, effect, unreachable) = {
            let mut state = self.world.state();
            let subject = asked.subject();
            let call = Call {
                operation: asked.operation,
                bucket: &asked.bucket,
                key: &subject,
                part: asked.parameter("partNumber").unwrap_or_default(),
            };
            let struck = state.faults.strike(&call);
            (state.latency, told.or(struck), state.breaks.unreachable.contains(&service))
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let early = if unreachable { Early::Reset } else { self.before(effect.as_ref(), &headers, service) };
        let answer = match early {
            Early::Go if service == Service::Iam => Ok(self.world.iam(&req, &form, &asked)),
            Early::Go => self.answer(req, service).await,
            Early::Answer(response) => Ok(response),
            Early::Reset => Err(Reset),
        };
        let answer = match answer {
            Ok(response) => Ok(self.finish(response, &method, &asked, &headers).await),
            Err(reset) => Err(reset),
        };
        let answer = match (answer, effect) {
            (Ok(_), Some(Effect::ResetAfter)) => Err(Reset),
            (Ok((response, code)), effect) => Ok((after(response, effect).await, code)),
            (Err(reset), _) => Err(reset),
        };
        drop(in_flight);
        let (status, code) = match &answer {
            Ok((response, code)) => (response.status().as_u16(), code.clone()),
            Err(Reset) => (0, None),
        };
        let identity = self.signer(&headers);
        self.world.records().keep(|| record::Request {
            operation: asked.operation,
            bucket: asked.bucket,
            key: asked.key,
            query,
            form: if service == Service::S3 { Vec::new() } else { asked.query },
            status,
            code,
            headers,
            at,
            identity,
        });
        answer.map(|(response, _)| response)
    }

    async fn answer(&self, req: Request<Body>, service: Service) -> Result<Response<Body>, Reset> {
        let mut response = self.service.call(req).await.map_err(|_| Reset)?;
        if service == Service::Sts && response.status().is_client_error() {
            // What s3s refuses before the route comes in S3's form.
            let body = response.body_mut().store_all_limited(LARGEST_ANSWER).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&body).into_owned();
            if let Some(code) = element(&text, "Code").filter(|_| !text.contains("<ErrorResponse")) {
                let (code, message) = match code {
                    "InvalidAccessKeyId" => {
                        ("InvalidClientTokenId", "The security token included in the request is invalid.")
                    }
                    other => (other, element(&text, "Message").unwrap_or("The request was refused.")),
                };
                let text = query::error_body(service, code, message);
                response = answered(response.status(), "text/xml", text);
            }
        }
        Ok(response)
    }

    /// What a fault does before, or instead of, the operation.
    fn before(&self, effect: Option<&Effect>, headers: &HeaderMap, service: Service) -> Early {
        let error = |status: u16, code: &str| {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let text = match service {
                Service::S3 => s3_error_body(code),
                Service::Sts | Service::Iam => query::error_body(service, code, code),
            };
            Early::Answer(answered(status, "application/xml", text))
        };
        match effect {
            Some(Effect::Status(status, code)) => error(*status, code),
            Some(Effect::SlowDown) => error(503, "SlowDown"),
            Some(Effect::Error200(code)) => error(200, code),
            Some(Effect::Empty200) => Early::Answer(answered(StatusCode::OK, "application/xml", String::new())),
            Some(Effect::ResetBefore) => Early::Reset,
            Some(Effect::ChangeSource) => {
                self.change_source(headers);
                Early::Go
            }
            Some(Effect::EndToken) => {
                self.end_token(headers);
                Early::Go
            }
            _ => Early::Go,
        }
    }

    /// Gives the source of a copy other content of the same size and layout.
    fn change_source(&self, headers: &HeaderMap) {
        let header = headers.get("x-amz-copy-source").map(HeaderValue::as_bytes).unwrap_or_default();
        let Ok(from) = CopySource::parse(header) else { return };
        let (nonce, now) = (self.world.nonce(), super::clock::seconds(self.world.now()));
        let mut state = self.world.state();
        let object = state.buckets.get_mut(&from.bucket).and_then(|bucket| bucket.objects.get_mut(&*from.key));
        if let Some(object) = object {
            let content = Content::seeded(mix(nonce), object.content.len());
            let sizes = object.parts.as_deref().map(<[u64]>::to_vec);
            let changed = Object::written(content, sizes, object.encryption, nonce);
            object.content = changed.content;
            object.etag = changed.etag;
            object.modified = now;
            let kept = object.checksum.as_deref().map(|checksum| (checksum.algorithm, checksum.kind));
            object.checksum = kept.map(|(algorithm, kind)| std::sync::Arc::new(object.checksum_of(algorithm, kind)));
        }
    }

    /// Ends the signer's token now.
    fn end_token(&self, headers: &HeaderMap) {
        let now = self.world.now();
        if let Ok(signed) = Signed::read(headers)
            && let Some(key) = self.world.state().accounts.keys.get_mut(signed.access_key)
            && key.identity.token.is_some()
        {
            key.identity.expires = Some(now);
        }
    }

    fn signer(&self, headers: &HeaderMap) -> String {
        let signed = Signed::read(headers).ok();
        let state = self.world.state();
        let key = signed.and_then(|signed| state.accounts.keys.get(signed.access_key));
        key.map(|key| key.identity.arn()).unwrap_or_default()
    }

    /// Makes the answer look as S3's does; gives the error code as well.
    async fn finish(
        &self,
        mut response: Response<Body>,
        method: &Method,
        asked: &Asked,
        sent: &HeaderMap,
    ) -> (Response<Body>, Option<String>) {
        let mut code = None;
        let small = response.body().bytes().is_some();
        if !response.status().is_success() || small {
            let body = response.body_mut().store_all_limited(LARGEST_ANSWER).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&body);
            // Only an answer that is an error has a code: results may hold a key named so.
            if text.contains("<Error>") || text.contains("<ErrorResponse") {
                code = element(&text, "Code").map(str::to_owned);
            }
        }
        if method == Method::HEAD {
            if !response.status().is_success() {
                // A socket never carries the body of a HEAD.
                *response.body_mut() = Body::empty();
                response.headers_mut().remove(header::CONTENT_LENGTH);
            } else if asked.parameter("partNumber").is_some() || sent.contains_key(header::RANGE) {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            }
        }
        // HeadBucket tells the region to everybody, as S3 does.
        if response.status() == StatusCode::MOVED_PERMANENTLY || asked.operation == "HeadBucket" {
            let region = self.world.state().buckets.get(&asked.bucket).map(|bucket| bucket.region.clone());
            if let Some(value) = region.and_then(|region| HeaderValue::from_str(&region).ok()) {
                response.headers_mut().insert("x-amz-bucket-region", value);
            }
        }
        let id = self.world.nonce();
        let now: DateTime<Utc> = self.world.now().into();
        let extended = aws_smithy_types::base64::encode([id.to_be_bytes(), mix(id).to_be_bytes()].concat());
        for (name, value) in [
            ("x-amz-request-id", format!("{id:016X}")),
            ("x-amz-id-2", extended),
            ("date", now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
            ("server", "AmazonS3".into()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        (response, code)
    }
}

enum Early {
    Go,
    Answer(Response<Body>),
    Reset,
}

/// What a fault does to a good answer.
async fn after(mut response: Response<Body>, effect: Option<Effect>) -> Response<Body> {
    match effect {
        Some(Effect::Stall(time)) => tokio::time::sleep(time).await,
        Some(Effect::LoseNext) => {
            let mut body = std::mem::take(response.body_mut());
            let body = body.store_all_limited(LARGEST_ANSWER).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&body);
            let text = MARKERS.iter().fold(text.into_owned(), |text, (next, _)| match element(&text, next) {
                Some(token) => text.replace(&format!("<{next}>{token}</{next}>"), ""),
                None => text,
            });
            response.headers_mut().remove(header::CONTENT_LENGTH);
            *response.body_mut() = Body::from(text);
        }
        Some(Effect::RepeatPage) => {
            let mut body = std::mem::take(response.body_mut());
            let body = body.store_all_limited(LARGEST_ANSWER).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&body);
            let text = MARKERS.iter().fold(text.into_owned(), |text, (next, this)| {
                match (element(&text, next), element(&text, this)) {
                    (Some(token), Some(old)) => text.replace(&format!("<{next}>{token}<"), &format!("<{next}>{old}<")),
                    _ => text,
                }
            });
            response.headers_mut().remove(header::CONTENT_LENGTH);
            *response.body_mut() = Body::from(text);
        }
        Some(Effect::Truncate) => {
            let mut body = std::mem::take(response.body_mut());
            // Of an object too large to hold nothing comes but its length.
            let bytes = body.store_all_limited(LARGEST_ANSWER).await.unwrap_or_default();
            let half = bytes.slice(..bytes.len() / 2);
            if let Ok(length) = HeaderValue::from_str(&bytes.len().to_string()) {
                response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length);
            }
            let broken = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the sandbox broke the answer off");
            let end = stream::once(async move {
                // Without a pause hyper drops the half that it has not written yet.
                tokio::task::yield_now().await;
                Err(broken())
            });
            let stream = stream::once(async move { Ok(half) }).chain(end);
            *response.body_mut() = StreamingBlob::wrap(stream).into();
        }
        Some(Effect::StallBody(time)) => {
            let mut body = std::mem::take(response.body_mut());
            let bytes = body.store_all_limited(LARGEST_ANSWER).await.unwrap_or_default();
            let (first, rest) = (bytes.slice(..bytes.len() / 2), bytes.slice(bytes.len() / 2..));
            let rest = stream::once(async move {
                tokio::time::sleep(time).await;
                Ok::<_, std::io::Error>(rest)
            });
            let stream = stream::once(async move { Ok(first) }).chain(rest);
            *response.body_mut() = StreamingBlob::wrap(stream).into();
        }
        Some(Effect::TrickleBody(time)) => {
            let mut body = std::mem::take(response.body_mut());
            let bytes = body.store_all_limited(LARGEST_ANSWER).await.unwrap_or_default();
            let stream = stream::iter(0..bytes.len()).then(move |at| {
                let byte = bytes.slice(at..at + 1);
                async move {
                    tokio::time::sleep(time).await;
                    Ok::<_, std::io::Error>(byte)
                }
            });
            *response.body_mut() = StreamingBlob::wrap(stream).into();
        }
        Some(Effect::SlowBody(time)) => {
            let mut body = std::mem::take(response.body_mut());
            let bytes = body.store_all_limited(LARGEST_ANSWER).await.unwrap_or_default();
            let declaration = bytes.windows(2).position(|two| two == b"?>").map_or(0, |at| at + 2);
            let (first, rest) = (bytes.slice(..declaration), bytes.slice(declaration..));
            let breaths = u32::try_from(time.as_secs() / BREATH.as_secs()).unwrap_or(u32::MAX);
            let last = time.saturating_sub(BREATH * breaths);
            let white = stream::iter(0..breaths).then(|_| async {
                tokio::time::sleep(BREATH).await;
                Ok::<_, std::io::Error>(Bytes::from_static(b" "))
            });
            let rest = stream::once(async move {
                tokio::time::sleep(last).await;
                Ok(rest)
            });
            let stream = stream::once(async move { Ok(first) }).chain(white).chain(rest);
            response.headers_mut().remove(header::CONTENT_LENGTH);
            *response.body_mut() = StreamingBlob::wrap(stream).into();
        }
        _ => {}
    }
    response
}

fn answered(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn s3_error_body(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>A fault of the sandbox.</Message></Error>"
    )
}

/// The text of the first element of that name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let start = text.find(&open)? + open.len();
    let end = text[start..].find(&close)? + start;
    Some(&text[start..end])
}
