//! The model: a scene, what became of it so far, and the answers.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method, StatusCode};

use super::control;
use super::destination::Destination;
use super::hash::hash_text;
use super::listing;
use super::reply::{Reply, XML};
use super::request::{Operation, Request};
use super::scene::Scene;
use super::source::Source;
use super::stats::Stats;
use super::sts;
use super::timing::{Limit, latency, sleep_time};
use super::uploads::Uploads;

/// The bucket that is full.
pub const SOURCE: &str = "dataservice-flex-bucket";
/// The bucket that is to become so.
pub const DESTINATION: &str = "load-model-copy";
pub(super) const REGION: &str = "ap-northeast-1";

/// What a reset makes anew.
pub(super) struct State {
    pub(super) destination: Destination,
    pub(super) uploads: Uploads,
    pub(super) stats: Stats,
    pub(super) writes: Option<Limit>,
    reads: Option<Limit>,
    /// When the destination's objects were written, as a listing says it.
    pub(super) modified: String,
    /// The same in a header.
    pub(super) modified_header: String,
}

impl State {
    fn new(scene: &Scene, source: &Source) -> Self {
        let now = DateTime::<Utc>::from(SystemTime::now());
        Self {
            destination: Destination::new(source, scene.filled, scene.seed),
            uploads: Uploads::default(),
            stats: Stats::default(),
            writes: Limit::new(scene, scene.write_limit),
            reads: Limit::new(scene, scene.read_limit),
            modified: now.format("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
            modified_header: now.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        }
    }
}

/// An S3 and STS for load: metadata only, nothing is verified and nobody is refused. What is strict is the
/// [sandbox](crate::sandbox).
pub struct Model {
    pub(super) scene: Scene,
    pub(super) source: Source,
    state: RwLock<Arc<State>>,
}

/// A request with all that its answer depends on.
pub(super) struct Exchange<'a> {
    pub(super) scene: &'a Scene,
    pub(super) source: &'a Source,
    pub(super) state: &'a State,
    pub(super) request: &'a Request<'a>,
}

pub(super) fn no_such_bucket() -> Reply {
    Reply::error(404, "NoSuchBucket", "The specified bucket does not exist")
}

/// A request whose answer nobody waits for is counted as abandoned.
struct Waited<'a>(&'a Stats, bool);

impl Drop for Waited<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Model {
    /// Of a scene, with its destination as the scene says.
    pub fn new(scene: Scene) -> Self {
        let source = Source::new(&scene);
        let state = RwLock::new(Arc::new(State::new(&scene, &source)));
        Self { scene, source, state }
    }

    /// What is so since the last reset.
    pub(super) fn state(&self) -> Arc<State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The destination as at the start; counters at 0.
    pub(super) fn reset(&self) {
        let state = Arc::new(State::new(&self.scene, &self.source));
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Answers, after the time that the scene gives to such a request. `first`: none came on this connection before.
    pub(super) async fn serve(
        &self,
        method: &Method,
        path_and_query: (&str, &str),
        headers: &HeaderMap,
        first: bool,
        body: impl Future<Output = Option<Bytes>>,
    ) -> Reply {
        let (path, query) = path_and_query;
        if let Some(action) = path.strip_prefix("/_model/") {
            return control::answer(self, method, action);
        }
        let state = self.state();
        let request = Request::read(method, path, query, headers);
        let operation = request.operation;
        let stats = &state.stats;
        stats.count(operation);
        if first {
            stats.connections.fetch_add(1, Ordering::Relaxed);
        }
        let _raised = stats.in_flight.raise();
        let exchange = Exchange { scene: &self.scene, source: &self.source, state: &state, request: &request };

        let refused = exchange.is_too_fast();
        let moved = if refused { 0 } else { exchange.moved_by(operation) };
        let seconds = exchange.latency() + self.scene.moving(moved);
        stats.busy_micros.fetch_add((seconds * 1e6) as u64, Ordering::Relaxed);
        let mut waited = Waited(stats, false);
        let takes = sleep_time(seconds);
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        let reply = if refused {
            stats.slow_downs.fetch_add(1, Ordering::Relaxed);
            Reply::slow_down()
        } else {
            let body = if matches!(operation, Operation::CompleteMultipartUpload | Operation::Sts) {
                body.await.unwrap_or_default()
            } else {
                Bytes::new()
            };
            let reply = exchange.answer(&body);
            if reply.status().as_u16() >= 400 {
                stats.refused.fetch_add(1, Ordering::Relaxed);
            }
            reply
        };
        waited.1 = true;
        if *method == Method::HEAD { reply.without_body() } else { reply }
    }
}

impl Exchange<'_> {
    fn is_too_fast(&self) -> bool {
        let operation = self.request.operation;
        let limit = match operation {
            Operation::Sts | Operation::ListBuckets => None,
            _ if operation.is_write() => self.state.writes.as_ref(),
            _ => self.state.reads.as_ref(),
        };
        let Some(limit) = limit else { return false };
        // A listing counts where its prefix is.
        let prefix = if self.request.key.is_empty() { self.request.query("prefix") } else { None };
        let partition = limit.partition(&self.request.bucket, prefix.as_deref().unwrap_or(&self.request.key));
        !limit.take(partition, Instant::now())
    }

    fn moved_by(&self, operation: Operation) -> u64 {
        match operation {
            Operation::CopyObject | Operation::UploadPartCopy => self.moved(),
            _ => 0,
        }
    }

    fn latency(&self) -> f64 {
        if self.scene.latency == 0.0 {
            return 0.0;
        }
        let part = self.request.query("partNumber").map_or(0, |number| hash_text(&number));
        let page = ["continuation-token", "start-after", "marker", "prefix"]
            .iter()
            .find_map(|name| self.request.query(name))
            .map_or(0, |text| hash_text(&text));
        latency(self.scene, self.request.operation as u64, hash_text(&self.request.key) ^ part ^ page)
    }

    fn answer(&self, body: &[u8]) -> Reply {
        let text = std::str::from_utf8(body).unwrap_or_default();
        match self.request.operation {
            Operation::ListObjectsV2 | Operation::ListObjects => {
                listing::list(self.scene, self.source, self.state, self.request)
            }
            Operation::ListBuckets => Self::buckets(),
            Operation::ListMultipartUploads => self.if_bucket(self.list_uploads()),
            Operation::ListParts => self.list_parts(),
            Operation::HeadBucket => self.if_bucket(Reply::empty(StatusCode::OK).header("x-amz-bucket-region", REGION)),
            Operation::HeadObject => self.object(false),
            Operation::GetObject => self.object(true),
            Operation::GetObjectTagging => Reply::xml(format!("{XML}<Tagging><TagSet></TagSet></Tagging>")),
            Operation::GetBucketLocation => self.location(),
            Operation::GetBucketVersioning => self.if_bucket(Reply::xml(format!("{XML}<VersioningConfiguration/>"))),
            Operation::CreateBucket => self.if_bucket(Reply::empty(StatusCode::OK)),
            Operation::CopyObject => self.copy_object(),
            Operation::CreateMultipartUpload => self.create_upload(),
            Operation::UploadPartCopy => self.copy_part(),
            Operation::CompleteMultipartUpload => self.complete_upload(text),
            Operation::AbortMultipartUpload => self.abort_upload(),
            Operation::DeleteObject => {
                self.state.destination.remove(self.source, &self.request.key);
                Reply::empty(StatusCode::NO_CONTENT)
            }
            Operation::PutObject | Operation::UploadPart => {
                Reply::error(501, "NotImplemented", "The load model holds no bytes: copy on the server's side.")
            }
            Operation::Sts => sts::answer(text),
            Operation::Other => Reply::error(501, "NotImplemented", "The load model does not know this request."),
        }
    }
}
