use std::sync::{Arc, Mutex};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError, future},
};
use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, IdentityCache, Region, SharedCredentialsProvider, timeout::TimeoutConfig},
    error::ProvideErrorMetadata,
    types::{CompletedMultipartUpload, CompletedPart},
};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::{
    http::{HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_types::SdkConfig;
use std::time::{Duration, SystemTime};

use super::*;
use crate::client_config;

/// A body that cannot be read.
const BREAKS_OFF: &str = "breaks off";

/// A status, headers and a body.
type Canned = (u16, Vec<(&'static str, String)>, &'static str);

/// Keeps what is sent, and answers each with the next of these, or else the last.
#[derive(Clone, Debug, Default)]
struct Service {
    sent: Arc<Mutex<Vec<HttpRequest>>>,
    answers: Arc<Mutex<Vec<Canned>>>,
}

impl Service {
    fn answer(self, status: u16, headers: &[(&'static str, &str)], body: &'static str) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.answers.lock().expect("whole").push((status, headers, body));
        self
    }

    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.sent.lock().expect("whole").push(request);
        let mut answers = self.answers.lock().expect("whole");
        let next = if answers.len() > 1 { Some(answers.remove(0)) } else { answers.first().cloned() };
        let Some((status, headers, body)) = next else {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("the line is dead".into())));
        };
        let body = if body == BREAKS_OFF { SdkBody::taken() } else { SdkBody::from(body) };
        let mut answer = HttpResponse::new(status.try_into().expect("a status"), body);
        for (name, value) in headers {
            answer.headers_mut().insert(name, value);
        }
        HttpConnectorFuture::ready(Ok(answer))
    }

    fn sent(&self, header: &str) -> Vec<Option<String>> {
        let sent = self.sent.lock().expect("whole");
        sent.iter().map(|request| request.headers().get(header).map(str::to_owned)).collect()
    }

    fn uris(&self) -> Vec<String> {
        self.sent.lock().expect("whole").iter().map(|request| request.uri().to_owned()).collect()
    }
}

impl HttpConnector for Service {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.call(request)
    }
}

fn config(service: &Service, change: impl FnOnce(&mut aws_types::sdk_config::Builder)) -> SdkConfig {
    let service = service.clone();
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-northeast-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("AKIA1", "secret", None, None, "test")))
        .http_client(http_client_fn(move |_: &HttpConnectorSettings, _: &RuntimeComponents| {
            SharedHttpConnector::new(service.clone())
        }));
    change(&mut builder);
    builder.build()
}

fn client(config: &SdkConfig) -> Client {
    Client::from_conf(client_config(config).identity_cache(IdentityCache::no_cache()).build())
}

fn copy(client: &Client, key: &str) -> copy::builders::CopyObjectFluentBuilder {
    client.copy_object().bucket("mine").key(key).copy_source("vendor/k")
}

async fn is_direct<C: Call>(client: &Client, call: C) -> bool {
    matches!(way(client, &call).await, Ok(Way::Direct(_)))
}

const ODD: &str = "版 17.4/a+b%20?c=d&e'\"~*!(é).txt";

#[tokio::test]
async fn our_signature_is_the_sdks_for_every_request_and_endpoint() {
    let endpoints: [fn(&mut aws_types::sdk_config::Builder); 7] = [
        |_| {},
        |c| _ = c.set_endpoint_url(Some("http://127.0.0.1:9000".into())),
        |c| _ = c.set_endpoint_url(Some("https://store.example:443/under/a/path".into())),
        |c| _ = c.set_endpoint_url(Some("http://store.example:80".into())),
        |c| _ = c.set_use_dual_stack(Some(true)),
        |c| _ = c.set_use_fips(Some(true)).set_region(Region::new("us-gov-west-1")),
        |c| {
            let session = Credentials::new("ASIA1", "s/+=", Some("t/o+k==".into()), None, "test");
            c.set_credentials_provider(Some(SharedCredentialsProvider::new(session)));
        },
    ];
    for (n, change) in endpoints.into_iter().enumerate() {
        let service = Service::default();
        let client = client(&config(&service, change));
        for key in ["2021/05/31/20210531_1_001.pcap.gz", ODD, "a/../b//c"] {
            let whole = copy(&client, key)
                .copy_source_if_match("\"e\"")
                .expected_bucket_owner("123456789012")
                .ssekms_key_id("arn:aws:kms:ap-northeast-1:1:key/a  b");
            assert!(is_direct(&client, whole).await, "copy {n} {key}");
            let head = client.head_object().bucket("mine").key(key).part_number(1);
            assert!(is_direct(&client, head).await, "head {n} {key}");
            let create = client
                .create_multipart_upload()
                .bucket("mine")
                .key(key)
                .metadata("a", "b")
                .checksum_algorithm(aws_sdk_s3::types::ChecksumAlgorithm::Crc64Nvme);
            assert!(is_direct(&client, create).await, "create {n} {key}");
            let part = client.upload_part_copy().bucket("mine").key(key).copy_source("vendor/k").part_number(7);
            assert!(is_direct(&client, part.upload_id("a+b/c=&d~é").copy_source_range("bytes=0-1")).await, "{n} {key}");
            let parts = CompletedPart::builder().part_number(1).e_tag("\"e\"").build();
            let complete = client.complete_multipart_upload().bucket("mine").key(key).upload_id("u");
            let complete = complete.multipart_upload(CompletedMultipartUpload::builder().parts(parts).build());
            assert!(is_direct(&client, complete).await, "complete {n} {key}");
        }
        assert_eq!(service.uris(), [""; 0], "an example is not sent");
    }
}

#[tokio::test]
async fn what_an_embedder_adds_to_the_client_is_the_sdks_to_do() {
    let config = config(&Service::default(), |_| {});
    let direct = client(&config);
    assert!(is_direct(&direct, copy(&direct, "k")).await);
    let heard = Client::from_conf(client_config(&config).interceptor(Capture::default()).build());
    assert!(!is_direct(&heard, copy(&heard, "k")).await);
    let limits = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(9)).build();
    let limited = Client::from_conf(client_config(&config).timeout_config(limits).build());
    assert!(!is_direct(&limited, copy(&limited, "k")).await);
    // Another scheme of signatures (directory buckets), for which the SDK would make a session first.
    let call = direct.copy_object().bucket("mine--apne1-az4--x-s3").key("k").copy_source("vendor/k");
    assert!(!is_direct(&direct, call).await);
}

#[tokio::test]
async fn the_request_is_the_sdks() {
    let service = Service::default();
    let config = config(&service, |c| _ = c.set_endpoint_url(Some("http://127.0.0.1:9000".into())));
    let client = client(&config);
    let direct = Direct::default();
    let call = || copy(&client, ODD).copy_source_if_match("\"e\"");
    direct.send(&client, &call()).await.expect_err("no answer");
    let _ = call().send().await;
    let sent = service.sent.lock().expect("whole");
    let [ours, theirs] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((ours.method(), ours.uri()), (theirs.method(), theirs.uri()));
    let names = |request: &HttpRequest| {
        let mut names: Vec<String> = request.headers().iter().map(|(name, _)| name.to_owned()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names(ours), names(theirs));
    for name in names(ours) {
        let varies = ["authorization", "x-amz-date", "amz-sdk-invocation-id"].contains(&name.as_str());
        let same = ours.headers().get(&name) == theirs.headers().get(&name);
        assert!(same || varies, "{name}");
    }
    let id = ours.headers().get("amz-sdk-invocation-id").expect("an id");
    assert!(id.len() == 36 && id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
}

const COPIED: &str = "<CopyObjectResult><ETag>\"e1\"</ETag></CopyObjectResult>";

#[tokio::test]
async fn answers_are_read_as_the_sdk_reads_them() {
    let slow_down = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    let service = Service::default()
        .answer(200, &[("x-amz-server-side-encryption", "aws:kms")], COPIED)
        .answer(503, &[("x-amz-request-id", "R1")], slow_down)
        .answer(200, &[], "<Error><Code>InternalError</Code><Message>m</Message></Error>")
        .answer(403, &[("x-flex-signed-at", "spoofed")], "<Error><Code>AccessDenied</Code></Error>")
        .answer(200, &[], BREAKS_OFF);
    let client = client(&config(&service, |_| {}));
    let direct = Direct::default();
    let call = copy(&client, "k");
    let send = || direct.send(&client, &call);
    let answer = send().await.expect("copied");
    assert_eq!(answer.copy_object_result().and_then(|r| r.e_tag()), Some("\"e1\""));
    assert_eq!(answer.server_side_encryption().map(|e| e.as_str()), Some("aws:kms"));
    let error = send().await.expect_err("refused");
    assert_eq!((error.code(), error.raw_response().map(|r| r.status().as_u16())), (Some("SlowDown"), Some(503)));
    assert_eq!(send().await.expect_err("an error with status 200").code(), Some("InternalError"));
    let error = send().await.expect_err("refused");
    assert_eq!(error.code(), Some("AccessDenied"));
    let signed = error.raw_response().and_then(signed::signed_at).expect("the time of its signature");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    assert!((now - 100..=now).contains(&signed), "{signed}");
    assert!(matches!(send().await, Err(SdkError::ResponseError(_))), "an answer that breaks off");
    let dead = Service::default();
    let client = self::client(&config(&dead, |_| {}));
    let error = Direct::default().send(&client, &copy(&client, "k")).await;
    assert!(matches!(error, Err(SdkError::DispatchFailure(_))), "{error:?}");
}

#[tokio::test]
async fn parts_are_read_as_the_sdk_reads_them() {
    let result = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CopyPartResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
        <LastModified>2021-05-31T01:02:03.000Z</LastModified><ETag>&quot;0cc175b9c0f1b6a831c399e269772661&quot;</ETag>\
        <ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME><ChecksumCRC32>AAAAAA==</ChecksumCRC32>\
        <ChecksumCRC32C>AAAAAB==</ChecksumCRC32C></CopyPartResult>";
    let here = |body: &str| {
        let answer = HttpResponse::new(200.try_into().expect("a status"), SdkBody::from(body));
        part_result::read(&answer).is_some()
    };
    let etag = |etag: &str| format!("<CopyPartResult>\n  <ETag>{etag}</ETag>\n</CopyPartResult>\n");
    let (quoted, amid) = (etag("\"e\""), result.replacen('\n', "\n \n  \n", 1) + "\n");
    for body in [result, &quoted, &amid, &etag("")] {
        assert!(here(body), "{body}");
    }
    let foreign = [
        etag("<![CDATA[\"e\"]]>"),
        etag("&#34;e&#x22;"),
        etag("&amp;e"),
        etag("e<!-- e -->f"),
        etag("e<ETag>f</ETag>g"),
        etag("e&nothing;"),
        result.replace("CRC64NVME", "SHA256"),
        result.replace("CopyPartResult", "CopyObjectResult"),
        result.replace("CopyPartResult", "a:CopyPartResult"),
        result.replace("ETag", "a:ETag"),
        result.replace("ETag", "Tag"),
        result.replace("<ChecksumCRC32>AAAAAA==</ChecksumCRC32>", "<ChecksumCRC32/>"),
        result.replace("</CopyPartResult>", ""),
        result.replace("</ETag>", "</Tag>"),
        "<Error><Code>InternalError</Code><Message>m</Message><ETag>e</ETag></Error>".into(),
        "<CopyPartResult/>".into(),
        format!("Result: {result}"),
        quoted.replace("<ETag>", "e<ETag>"),
        format!(" {result}"),
        result.replacen("?>", "?><?xml version=\"1.0\"?>", 1),
        result.replace("2021-05-31T", "yesterday "),
        result.replace("<ETag>", "<ETag of=\"a part\">"),
        result.replace("quot;</ETag>", "quot;\u{1}</ETag>"),
        result.replace("2006-03-01/\"", "2006-03-01/\" a=b"),
        "<html></html>".into(),
        "text".into(),
        String::new(),
    ];
    for body in &foreign {
        assert!(!here(body), "{body}");
    }
    for body in foreign.iter().map(String::as_str).chain([result, &quoted, &amid, &etag(""), &format!("{result}x")]) {
        let service = Service::default().answer(200, &[], body.to_owned().leak());
        let client = client(&config(&service, |_| {}));
        let call = client.upload_part_copy().bucket("mine").key("k").copy_source("v/k").part_number(1).upload_id("u");
        let answers = [Direct::default().send(&client, &call).await, call.send().await];
        let [ours, theirs] = answers.map(|answer| match answer {
            Ok(answer) => Ok(answer.copy_part_result().cloned()),
            Err(error) => Err((error.code().map(str::to_owned), error.to_string())),
        });
        assert_eq!(ours, theirs, "{body}");
    }
}

#[tokio::test]
async fn an_expires_that_is_no_date_is_kept_as_text() {
    let service = Service::default().answer(200, &[("expires", "Thu, 01 Dec 1994 16:00:00 GMT")], "").answer(
        200,
        &[("expires", "soon")],
        "",
    );
    let client = client(&config(&service, |_| {}));
    let direct = Direct::default();
    for text in ["Thu, 01 Dec 1994 16:00:00 GMT", "soon"] {
        let head = direct.send(&client, &client.head_object().bucket("mine").key("k")).await.expect("a head");
        assert_eq!(head.expires_string(), Some(text));
    }
}

#[tokio::test]
async fn the_time_of_signatures_is_the_services() {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let machine = at(1_000_000_000);
    let service = Service::default()
        .answer(200, &[("date", "Sun, 09 Sep 2001 03:46:40 GMT")], COPIED)
        .answer(200, &[("date", "Mon, 10 Sep 2001 01:46:40 GMT"), ("age", "9")], COPIED)
        .answer(200, &[("date", "Sat, 08 Sep 2001 01:46:40 GMT")], COPIED)
        .answer(200, &[], COPIED);
    let config = config(&service, |c| _ = c.set_time_source(Some(SharedTimeSource::new(StaticTime(machine)))));
    let client = client(&config);
    let direct = Direct::default();
    for _ in 0..4 {
        direct.send(&client, &copy(&client, "k")).await.expect("copied");
    }
    let times = ["20010909T014640Z", "20010909T034640Z", "20010909T034640Z", "20010908T014640Z"];
    assert_eq!(service.sent("x-amz-date"), times.map(|time| Some(time.to_owned())));
    // The SDK has learnt it already, for instance from a listing.
    client.copy_object().bucket("mine").key("k").copy_source("v/k").send().await.expect("copied");
    let service = Service::default().answer(200, &[("date", "Sun, 09 Sep 2001 03:46:40 GMT")], COPIED);
    let config = self::config(&service, |c| _ = c.set_time_source(Some(SharedTimeSource::new(StaticTime(machine)))));
    let client = self::client(&config);
    copy(&client, "k").send().await.expect("copied");
    Direct::default().send(&client, &copy(&client, "k")).await.expect("copied");
    assert_eq!(service.sent("x-amz-date")[1].as_deref(), Some("20010909T034640Z"));
}

#[derive(Debug)]
struct StaticTime(SystemTime);

impl aws_smithy_async::time::TimeSource for StaticTime {
    fn now(&self) -> SystemTime {
        self.0
    }
}

#[tokio::test]
async fn no_secret_is_in_a_debug_output() {
    let session = Credentials::new("ASIA1", "a-secret", Some("a-token".into()), None, "test");
    let service = Service::default().answer(200, &[], COPIED);
    let config = config(&service, |c| _ = c.set_credentials_provider(Some(SharedCredentialsProvider::new(session))));
    let client = client(&config);
    let capture = Capture::default();
    copy(&client, "k").through_sdk(Some(capture.clone())).await.expect_err("an example");
    let direct = Direct::default();
    direct.send(&client, &copy(&client, "k")).await.expect("copied");
    let told = format!("{capture:?} {direct:?}");
    assert!(told.contains("mine") && told.contains("Signer"), "{told}");
    for secret in ["a-secret", "a-token", "Signature="] {
        assert!(!told.contains(secret), "{told}");
    }
}

/// Each time other credentials, and none at last.
#[derive(Debug, Default)]
struct Renewed(Mutex<Vec<&'static str>>);

impl ProvideCredentials for Renewed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let next = self.0.lock().expect("whole").pop();
        future::ProvideCredentials::ready(match next {
            Some(id) => Ok(Credentials::new(id, id, Some(format!("token of {id}")), None, "test")),
            None => Err(CredentialsError::provider_error("the session is over")),
        })
    }
}

#[tokio::test]
async fn each_request_is_signed_with_the_credentials_of_its_time() {
    let service = Service::default().answer(200, &[], COPIED);
    // Two of the first are for the example.
    let renewed = Renewed(Mutex::new(vec!["C", "B", "A", "A", "A"]));
    let config = config(&service, |c| _ = c.set_credentials_provider(Some(SharedCredentialsProvider::new(renewed))));
    let client = client(&config);
    let direct = Direct::default();
    for _ in 0..3 {
        direct.send(&client, &copy(&client, "k")).await.expect("copied");
    }
    let tokens = ["A", "B", "C"].map(|id| Some(format!("token of {id}")));
    assert_eq!(service.sent("x-amz-security-token"), tokens);
    let signatures: Vec<_> = service.sent("authorization").into_iter().flatten().collect();
    assert!(signatures[1].contains("Credential=B/"), "{}", signatures[1]);
    let error = direct.send(&client, &copy(&client, "k")).await.expect_err("no credentials");
    let failure = crate::RequestFailure::from_sdk(crate::failure::Operation::CopyObject, error);
    assert_eq!(failure.kind(), crate::failure::FailureKind::Credentials);
    // And where there are none at the first.
    let none = Renewed::default();
    let config = self::config(&service, |c| _ = c.set_credentials_provider(Some(SharedCredentialsProvider::new(none))));
    let client = self::client(&config);
    let error = Direct::default().send(&client, &copy(&client, "k")).await.expect_err("no credentials");
    let failure = crate::RequestFailure::from_sdk(crate::failure::Operation::CopyObject, error);
    assert_eq!(failure.kind(), crate::failure::FailureKind::Credentials);
}
