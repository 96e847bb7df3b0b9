//! A store whose answers carry other ETags than they should: a copy that is not proven is not called copied.

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use flex_copy::{CopySettings, ObjectFailure, Outcome, Proof};
use flex_tests::sandbox::ObjectSpec;

use crate::scene::{MIB, Scene};

/// Hands requests on, and gives every finished copy another ETag.
#[derive(Clone, Debug)]
struct WrongETags(SharedHttpClient);

#[derive(Clone, Debug)]
struct Connector(SharedHttpConnector);

impl HttpClient for WrongETags {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector(self.0.http_connector(settings, parts)))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let inner = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut response = inner.await?;
            let body = aws_smithy_types::byte_stream::ByteStream::new(response.take_body()).collect().await.unwrap();
            let mut text = String::from_utf8(body.to_vec()).unwrap();
            if ["<CopyObjectResult", "<CompleteMultipartUploadResult"].iter().any(|name| text.contains(name)) {
                let at = text.find("<ETag>").unwrap() + "<ETag>&quot;".len();
                let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
                text.replace_range(at..=at, other);
            }
            *response.body_mut() = SdkBody::from(text);
            Ok(response)
        })
    }
}

async fn copied(spec: ObjectSpec, compat: bool) -> Outcome {
    let scene = Scene::new().settings(CopySettings::builder().compat(compat).build().unwrap());
    let client = SharedHttpClient::new(WrongETags(scene.sandbox.http_client()));
    let config = scene.sandbox.sdk_config(&scene.role).into_builder().http_client(client).build();
    let scene = scene.config(config);
    scene.put("2021/05/31/20210531_1_001.pcap.gz", spec);
    let mut report = scene.copy(&["2021/05/31"]).await;
    report.ends.remove(0).outcome
}

#[tokio::test(start_paused = true)]
async fn an_etag_that_nothing_explains_is_a_failure() {
    for spec in [ObjectSpec::new(100), ObjectSpec::new(20 * MIB).part_size(8 * MIB)] {
        let outcome = copied(spec.clone(), false).await;
        assert!(
            matches!(&outcome, Outcome::Failed(f) if matches!(**f, ObjectFailure::NotProven { .. })),
            "{outcome:?}"
        );
        let outcome = copied(spec, true).await;
        assert!(
            matches!(&outcome, Outcome::Copied { proof: Proof::SizeOnly, .. }),
            "other stores have other rules: {outcome:?}"
        );
    }
    // A checksum of the whole proves the copy whatever the ETag is.
    let outcome = copied(ObjectSpec::new(20 * MIB).part_size(8 * MIB).full_checksum(), false).await;
    assert!(matches!(&outcome, Outcome::Copied { proof: Proof::Checksum, .. }), "{outcome:?}");
}
