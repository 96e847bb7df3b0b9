//! Whether an endpoint answers at all: one unsigned request to it, and where that fails, one look past the proxy.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aws_sdk_s3::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
            BeforeTransmitInterceptorContextRef,
        },
    },
    error::BoxError,
    primitives::SdkBody,
};
use aws_types::SdkConfig;
use chrono::DateTime;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::net::TcpStream;

use crate::error::chain;

/// How long a look at an open port may take.
const LOOK: Duration = Duration::from_secs(2);

const WHO_AM_I: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// How far this machine's clock is from a service's: positive when ours shows the later time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Skew {
    pub(super) seconds: i64,
}

/// An endpoint, asked.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    /// Scheme, host and port.
    pub(super) url: String,
    pub(super) outcome: Result<Answer, Silence>,
    /// The proxy that requests to it go through, without its password.
    pub(super) proxy: Option<Proxy>,
    /// An address of it that is not of the open internet, as an interface endpoint's is.
    pub(super) private: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) skew: Option<Skew>,
    /// Where the bucket asked about lives.
    pub(super) bucket_region: Option<String>,
}

/// No answer, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Silence {
    pub(super) chain: Vec<String>,
    pub(super) timed_out: bool,
    /// Whether the endpoint takes connections past the proxy. Only looked at where there is one.
    pub(super) past_proxy: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Host and port.
    pub(super) address: String,
    /// The variable that named it.
    pub(super) variable: &'static str,
}

/// What to ask for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question<'a> {
    /// Who calls, which STS tells nobody who has not signed. Any answer will do.
    WhoAmI,
    /// A bucket, whose region S3 tells to everybody, and the account that it is expected to belong to.
    Bucket(&'a str, Option<&'a str>),
}

/// Asks. The configuration gives the endpoint and the HTTP client; its credentials are not used.
pub(super) async fn reach(config: &SdkConfig, url: &str, question: Question<'_>, deadline: Duration) -> Reached {
    let watch = Watch { seen: Arc::default(), to_sts: matches!(question, Question::WhoAmI) };
    let mut open = config.clone().into_builder();
    open.set_credentials_provider(None);
    open.set_endpoint_url(Some(url.to_owned()));
    let s3 = flex_copy::client_config(&open.build()).allow_no_auth().interceptor(watch.clone()).build();
    let s3 = Client::from_conf(s3);
    let asked = async {
        match question {
            Question::WhoAmI => s3.list_buckets().send().await.err().map(|e| chain(&e)),
            Question::Bucket(name, owner) => {
                let asked = s3.head_bucket().bucket(name).set_expected_bucket_owner(owner.map(str::to_owned));
                asked.send().await.err().map(|e| chain(&e))
            }
        }
    };
    let ended = tokio::time::timeout(deadline, asked).await;
    let answer = watch.lock().answer.clone();
    let uri: Uri = url.parse().unwrap_or_default();
    let proxy = proxy_for(&uri);
    let outcome = match (answer, ended) {
        (Some(answer), _) => Ok(answer),
        (None, ended) => {
            let timed_out = ended.is_err();
            let chain = match ended {
                Ok(chain) => chain.unwrap_or_default(),
                Err(_) => vec![format!("no answer within {} s", deadline.as_secs_f64())],
            };
            let past_proxy = proxy.is_some() && is_open(&uri).await;
            Err(Silence { chain, timed_out, past_proxy })
        }
    };
    let private = if proxy.is_none() { private_address(&uri).await } else { None };
    Reached { url: bare(&uri), outcome, proxy, private }
}

/// Scheme, host and port, which is what may be shown of a URL.
fn bare(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", uri.scheme_str().unwrap_or("https"))
}

/// The proxy for a host, by the very rules of the HTTP client.
pub(super) fn proxy_for(uri: &Uri) -> Option<Proxy> {
    if uri.host().is_some_and(crate::http::is_local) {
        return None;
    }
    let found = Matcher::from_env().intercept(uri)?;
    let at = found.uri();
    let address = match at.port_u16() {
        Some(port) => format!("{}:{port}", at.host().unwrap_or_default()),
        None => at.host().unwrap_or_default().to_owned(),
    };
    let own: [&str; 2] =
        if uri.scheme_str() == Some("https") { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let names = [own[0], own[1], "ALL_PROXY", "all_proxy"];
    let named = |name: &&&str| std::env::var(name).is_ok_and(|value| value.contains(&address));
    let variable = match names.iter().find(named).copied() {
        Some("https_proxy") => "https_proxy",
        Some("HTTP_PROXY") => "HTTP_PROXY",
        Some("http_proxy") => "http_proxy",
        Some("ALL_PROXY") => "ALL_PROXY",
        Some("all_proxy") => "all_proxy",
        _ => "HTTPS_PROXY",
    };
    Some(Proxy { address, variable })
}

fn authority(uri: &Uri) -> Option<(String, u16)> {
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    Some((host, port))
}

async fn is_open(uri: &Uri) -> bool {
    let Some(address) = authority(uri) else { return false };
    matches!(tokio::time::timeout(LOOK, TcpStream::connect(address)).await, Ok(Ok(_)))
}

/// AWS's own names lead to such an address where an interface endpoint answers for them.
async fn private_address(uri: &Uri) -> Option<String> {
    let address = authority(uri).filter(|(host, _)| host.ends_with(".amazonaws.com"))?;
    let found = tokio::time::timeout(LOOK, tokio::net::lookup_host(address)).await.ok()?.ok()?;
    let is_private = |ip: std::net::IpAddr| match ip {
        std::net::IpAddr::V4(ip) => ip.is_private(),
        std::net::IpAddr::V6(ip) => ip.is_unique_local(),
    };
    found.map(|address| address.ip()).find(|ip| is_private(*ip)).map(|ip| ip.to_string())
}

/// Notes what comes back, whatever it says. The SDK's own error would not tell the time.
#[derive(Clone, Debug)]
struct Watch {
    seen: Arc<Mutex<Seen>>,
    /// Turns the request of S3's client into one that STS knows.
    to_sts: bool,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    sent: Option<SystemTime>,
    answer: Option<Answer>,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "flex doctor"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.to_sts {
            let request = context.request_mut();
            request.set_method("POST")?;
            request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
            request.headers_mut().insert("content-length", WHO_AM_I.len().to_string());
            *request.body_mut() = SdkBody::from(WHO_AM_I);
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.lock().sent = Some(SystemTime::now());
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let now = SystemTime::now();
        let response = context.response();
        let header = |name| response.headers().get(name);
        let mut seen = self.lock();
        let skew = header("date").and_then(|date| skew(date, seen.sent.unwrap_or(now), now));
        seen.answer = Some(Answer {
            status: response.status().as_u16(),
            skew,
            bucket_region: header("x-amz-bucket-region").map(str::to_owned),
        });
        Ok(())
    }
}

/// The service wrote its `Date`, in whole seconds, somewhere between the two moments.
fn skew(date: &str, sent: SystemTime, received: SystemTime) -> Option<Skew> {
    let theirs = DateTime::parse_from_rfc2822(date).ok()?.timestamp();
    let middle = sent + received.duration_since(sent).unwrap_or_default() / 2;
    let ours = i64::try_from(middle.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()?;
    Some(Skew { seconds: ours - theirs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_is_told_from_the_middle_of_the_exchange() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        // 2026-03-02 00:00:00 UTC
        let noon = 1_772_409_600;
        let date = "Mon, 02 Mar 2026 00:00:00 GMT";
        assert_eq!(skew(date, at(noon), at(noon + 4)), Some(Skew { seconds: 2 }));
        assert_eq!(skew(date, at(noon - 400), at(noon - 400)), Some(Skew { seconds: -400 }));
        assert_eq!(skew("yesterday", at(noon), at(noon)), None);
    }

    #[test]
    fn of_a_url_scheme_host_and_port_are_shown() {
        for (url, want) in [
            ("http://127.0.0.1:9000/a?b", "http://127.0.0.1:9000"),
            ("https://user:secret@sts.example", "https://sts.example"),
        ] {
            assert_eq!(bare(&url.parse().expect("a URL")), want);
        }
    }
}
