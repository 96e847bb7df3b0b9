//! Answers that S3 does not give, and stores and proxies do.

use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Region, SharedHttpClient},
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, retry::RetryConfig};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    CopySettings,
    deep::{
        content::Kind,
        digest::{Said, md5_of_etag},
    },
};

const DATA: &[u8] = b"123456789";
/// Its MD5.
const ETAG: &str = "25f9e794323b453885f5181f1b624d0b";

/// An answer: its status, its headers, its body.
type Answer = (u16, Vec<(&'static str, &'static str)>, &'static [u8]);

/// Gives its answers one after the other, the last for ever, and keeps the ranges that were asked for.
#[derive(Clone, Debug)]
struct Store {
    answers: Arc<Vec<Answer>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl HttpConnector for Store {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (status, headers, body) = &self.answers[asked.len().min(self.answers.len() - 1)];
        asked.push(request.headers().get("range").unwrap_or_default().to_owned());
        let status = StatusCode::try_from(*status).expect("a status");
        let mut response = HttpResponse::new(status, SdkBody::from(*body));
        for (name, value) in headers {
            response.headers_mut().insert(*name, *value);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl HttpClient for Store {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// What reading nine bytes from a store comes to, and the ranges that were asked for.
async fn read(answers: Vec<Answer>) -> (Result<bool, String>, Vec<String>) {
    let store = Store { answers: Arc::new(answers), asked: Arc::default() };
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-northeast-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(SharedHttpClient::new(store.clone()))
        .build();
    let (send, _notices) = mpsc::unbounded_channel();
    let settings = CopySettings::default();
    let reader = Reader {
        bucket: Bucket::new(Client::from_conf(config), "mine"),
        requests: Requests::new(&settings, None, CancellationToken::new(), send),
        pace: Pace::new(None),
        attempts: 3,
        bytes: 0.into(),
        resumed: 0.into(),
        granted: 0.into(),
    };
    // Otherwise a store that gives no good answer is taken for one that cannot be reached.
    reader.requests.governor().answered();
    let etag = ETag::new(ETAG);
    let said = Said { md5: md5_of_etag(&etag), ..Said::default() };
    let mut content = Content::new(Kind::of("a"), &said);
    let wanted = Wanted { key: "a", etag: &etag, size: DATA.len() as u64 };
    let outcome = match reader.read(wanted, &mut content).await {
        Ok(()) => Ok(content.finish(&said).compared.md5.expect("an MD5 was asked for").equal()),
        Err(Fault::Verdict(verdict)) => Err(format!("{verdict:?}")),
        Err(fault) => Err(format!("{fault:?}")),
    };
    let asked = store.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (outcome, asked)
}

const GOOD: (&str, &str) = ("etag", "\"25f9e794323b453885f5181f1b624d0b\"");
const WHOLE: (&str, &str) = ("content-length", "9");

#[tokio::test(start_paused = true)]
async fn a_body_is_gone_on_with_also_by_a_store_that_does_not_know_ranges() {
    let half = || (200, vec![GOOD, WHOLE], &DATA[..4]);
    for (second, what) in [
        ((206, vec![GOOD, ("content-range", "bytes 4-8/9"), ("content-length", "5")], &DATA[4..]), "the rest"),
        ((206, vec![GOOD, ("content-range", "bytes 2-8/9")], &DATA[2..]), "more than the rest"),
        ((200, vec![GOOD, WHOLE], DATA), "all of it"),
        ((200, vec![("etag", "W/\"25f9e794323b453885f5181f1b624d0b\"")], DATA), "no length, a weak ETag"),
    ] {
        let (outcome, asked) = read(vec![half(), second]).await;
        assert_eq!(outcome, Ok(true), "{what}");
        assert_eq!(asked, ["", "bytes=4-"], "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_object_is_never_judged() {
    for (answer, what) in [
        ((200, vec![WHOLE], DATA), "does not say"),
        ((200, vec![("etag", "\"other\""), WHOLE], DATA), "does not say"),
        ((200, vec![], b"<html>sign in</html>".as_slice()), "does not say"),
        ((200, vec![GOOD, ("content-length", "20")], b"<html>sign in</html>".as_slice()), "listed with 9"),
        ((206, vec![GOOD, ("content-range", "bytes 5-8/9")], &DATA[5..]), "bytes from 5 came"),
        ((206, vec![GOOD, ("content-range", "bytes 0-8")], DATA), "Content-Range"),
        ((206, vec![GOOD, ("content-range", "bytes 0-8/10")], DATA), "listed with 9"),
        ((200, vec![GOOD], b"1234567890".as_slice()), "more than the 9 bytes"),
        ((200, vec![GOOD, WHOLE], b"".as_slice()), "after 0 of 9 bytes"),
        ((200, vec![GOOD], &DATA[..4]), "too early, after 4 of 9 bytes"),
    ] {
        let (outcome, asked) = read(vec![answer]).await;
        let told = outcome.expect_err(what);
        assert!(told.starts_with("Failed(") && told.contains(what), "{what}: {told}");
        assert!(asked.len() <= crate::DEFAULT_ATTEMPTS as usize, "{what}: {}", asked.len());
    }
}

#[test]
fn the_extent_of_an_answer_is_read_or_not_trusted() {
    for (text, want) in [
        ("bytes 5-9/10", Some((5, 10))),
        ("bytes 0-0/1", Some((0, 1))),
        ("bytes 5-9/*", None),
        ("bytes */10", None),
        ("5-9/10", None),
        ("", None),
    ] {
        assert_eq!(content_range(text), want, "{text}");
    }
}
