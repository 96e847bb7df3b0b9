//! Listings that S3 never gives: a comparison must not trust them.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use flex_copy::StopReason;
use flex_tests::sandbox::VENDOR_BUCKET;

use crate::scene::{MINE, Scene};

/// Answers listings of the vendor's bucket with these bodies, and every other listing with nothing.
#[derive(Clone)]
enum Canned {
    /// Listings of one day, one after the other.
    Pages(Arc<Mutex<VecDeque<String>>>),
    /// Every listing, whatever it asks for.
    Always(String),
}

impl fmt::Debug for Canned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canned")
    }
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (source, day) = (request.uri().contains(VENDOR_BUCKET), request.uri().contains("2021%2F05%2F31"));
        let body = match self {
            Self::Pages(pages) if source && day => pages.lock().unwrap().pop_front(),
            Self::Always(page) if source => Some(page.clone()),
            _ => None,
        };
        let answer = http::Response::builder().status(200).body(SdkBody::from(body.unwrap_or_else(|| page(&[], None))));
        HttpConnectorFuture::ready(Ok(HttpResponse::try_from(answer.unwrap()).unwrap()))
    }
}

fn page(keys: &[&str], next: Option<&str>) -> String {
    let contents: String = keys
        .iter()
        .map(|key| {
            format!(
                "<Contents><Key>{key}</Key><Size>1</Size><ETag>\"0cc175b9c0f1b6a831c399e269772661\"</ETag></Contents>"
            )
        })
        .collect();
    let (truncated, token) = match next {
        None => (false, String::new()),
        Some("") => (true, String::new()),
        Some(token) => (true, format!("<NextContinuationToken>{token}</NextContinuationToken>")),
    };
    format!("<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{token}{contents}</ListBucketResult>")
}

async fn listed(pages: Vec<String>) -> Result<u64, String> {
    let canned = Canned::Pages(Arc::new(Mutex::new(pages.into())));
    verified("2021/05/31", canned).await
}

async fn verified(selection: &str, canned: Canned) -> Result<u64, String> {
    let scene = Scene::new();
    let client = SharedHttpClient::new(canned);
    let config = scene.sandbox.sdk_config(&scene.role).into_builder().http_client(client).build();
    let scene = scene.config(config);
    let (verdicts, summary) = scene.verify(&[selection]).await;
    assert!(scene.world.objects(MINE).is_empty());
    match summary.stopped.as_deref() {
        Some(StopReason::BadListing { detail, .. }) => Err(detail.clone()),
        Some(other) => panic!("{other:?}"),
        None => Ok(verdicts.len() as u64),
    }
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_cannot_be_compared_stops_the_run() {
    let (a, b) = ("2021/05/31/a", "2021/05/31/b");
    assert_eq!(listed(vec![page(&[a], Some("t")), page(&[b], None)]).await, Ok(2));
    // Cut off without a way to go on: asked for again.
    assert_eq!(listed(vec![page(&[a], Some("")), page(&[a, b], None)]).await, Ok(2));
    for (pages, want) in [
        (vec![page(&[b, a], None)], "comes after"),
        (vec![page(&[a], Some("t")), page(&[a], None)], "comes after"),
        (vec![page(&[a, b], Some("t")), page(&[], Some("t"))], "repeats"),
        (vec![page(&["2021/06/01/a"], None)], "outside"),
    ] {
        let error = listed(pages).await.expect_err(want);
        assert!(error.contains(want), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_know_start_after_is_listed_without_doubles() {
    // All ranges of the year get both keys, and each key is of one range. (Twice the same key fails in the scene.)
    let canned = Canned::Always(page(&["2021/01/04/a", "2021/05/31/b"], None));
    assert_eq!(verified("2021", canned).await, Ok(2));
}
