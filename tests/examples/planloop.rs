//! Plans so many objects, which both buckets list alike, without a network, and says what was allocated for it. Under callgrind
//! it tells the instructions, too: `tests/bench/guard.py` does that, and knows how many there may be.
//!
//! ```sh
//! planloop OBJECTS
//! ```

use std::{alloc::System, error::Error, fmt::Write as _, io::Write as _, sync::Arc};

use aws_credential_types::Credentials;
use aws_sdk_s3::{Client, config::Region};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use flex_copy::{Action, Bucket, Copier, CopySettings, client_config};
use flex_keys::{Selection, SelectionContext, TradingCalendar};
use futures::StreamExt;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region as Counted, StatsAlloc};

#[global_allocator]
static ALLOCATED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PAGE: usize = 1000;
const DAYS: usize = 28;

/// Lists the same keys in every bucket.
#[derive(Clone, Debug)]
struct Listed(Arc<Vec<(String, String)>>);

impl Listed {
    fn new(objects: usize) -> Self {
        let entry = |number: usize| {
            let (day, file) = (number * DAYS / objects + 1, number);
            let key = format!("2021/05/{day:02}/202105{day:02}_1_{file:08}.pcap.gz");
            let entry = format!(
                "<Contents><Key>{key}</Key><LastModified>2021-06-01T00:00:00.000Z</LastModified>\
                 <ETag>&quot;{number:032x}&quot;</ETag><Size>{number}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            );
            (key, entry)
        };
        Self(Arc::new((0..objects).map(entry).collect()))
    }

    fn page(&self, uri: &str) -> String {
        let parameter = |name: &str| {
            let value = uri.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.map(|value| value.replace("%2F", "/"))
        };
        let prefix = parameter("prefix").unwrap_or_default();
        let mut from = self.0.partition_point(|(key, _)| *key < prefix);
        if let Some(after) = parameter("start-after") {
            from = from.max(self.0.partition_point(|(key, _)| *key <= after));
        }
        if let Some(token) = parameter("continuation-token").and_then(|token| token.parse().ok()) {
            from = token;
        }
        let rest = self.0[from..].iter().take_while(|(key, _)| key.starts_with(&prefix)).take(PAGE + 1).count();
        let entries = &self.0[from..from + rest.min(PAGE)];
        let mut body = String::with_capacity(PAGE * 300);
        body += "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult>";
        let _ = write!(body, "<IsTruncated>{}</IsTruncated>", rest > PAGE);
        if rest > PAGE {
            let _ = write!(body, "<NextContinuationToken>{}</NextContinuationToken>", from + PAGE);
        }
        entries.iter().for_each(|(_, entry)| body += entry);
        body + "</ListBucketResult>"
    }
}

impl HttpClient for Listed {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Listed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = SdkBody::from(self.page(request.uri()));
        HttpConnectorFuture::ready(Ok(HttpResponse::new(http::StatusCode::OK.into(), body)))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let objects: usize = std::env::args().nth(1).ok_or("planloop OBJECTS")?.parse()?;
    let listed = Listed::new(objects);
    let base = aws_types::SdkConfig::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .region(Region::new("ap-northeast-1"))
        .endpoint_url("http://127.0.0.1:1")
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(Credentials::new(
            "AKIAPLANLOOP00000000",
            "none",
            None,
            None,
            "planloop",
        )))
        .http_client(SharedHttpClient::new(listed))
        .build();
    let client = Client::from_conf(client_config(&base).build());
    let copier = Copier::new(Bucket::new(client.clone(), "a"), Bucket::new(client, "b"), CopySettings::default());
    let calendar = TradingCalendar::tse();
    let today = "2021-06-01".parse()?;
    let context = SelectionContext { today, calendar: &calendar, source_bucket: "a" };
    let selection = Selection::parse(&["2021/05"], &context)?;

    let counted = Counted::new(ALLOCATED);
    let mut plan = copier.plan(&selection);
    let mut identical = 0;
    while let Some(item) = plan.next().await {
        identical += usize::from(item?.action == Action::Identical);
    }
    let change = counted.change();
    if identical != objects {
        return Err(format!("{identical} of {objects} objects were planned").into());
    }
    let told =
        serde_json::json!({ "objects": objects, "bytes": change.bytes_allocated, "allocations": change.allocations });
    writeln!(std::io::stdout(), "{told}")?;
    Ok(())
}
