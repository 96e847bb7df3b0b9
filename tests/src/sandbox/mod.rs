//! S3, STS and IAM on loopback, in one process, refusing what AWS refuses.
//!
//! A [`Sandbox`] serves a [`World`]: accounts, roles, buckets, a clock, faults. Clients come in by TCP
//! ([`Sandbox::endpoint`]) or, without a socket and in tokio's paused time if need be, by the SDK's HTTP client
//! ([`Sandbox::http_client`]). Both doors lead to the same code.
//!
//! ```
//! use flex_tests::sandbox::{FlexSeed, Sandbox, seed_flex, subscriber_bucket};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::builder().in_process();
//! let world = sandbox.world();
//! seed_flex(&world, &FlexSeed::default());
//! subscriber_bucket(&world, "my-bucket");
//!
//! // As the copy role: the vendor's bucket can be listed, the copies cannot be read.
//! let s3 = sandbox.s3(&world.copy_role());
//! let page = s3.list_objects_v2().bucket("dataservice-flex-bucket").prefix("2021/05/31/").send().await?;
//! let key = page.contents()[0].key().unwrap_or_default();
//! s3.copy_object()
//!     .copy_source(format!("dataservice-flex-bucket/{key}"))
//!     .bucket("my-bucket")
//!     .key(key)
//!     .acl("bucket-owner-full-control".into())
//!     .send()
//!     .await?;
//! assert!(s3.head_object().bucket("my-bucket").key(key).send().await.is_err());
//! assert!(world.same_content("dataservice-flex-bucket", key, "my-bucket", key));
//! # Ok(())
//! # }
//! ```

mod access;
mod accounts;
mod actions;
mod asked;
mod breaking;
mod clock;
mod content;
mod doors;
mod faults;
mod front;
mod grammar;
mod iam;
mod identity;
mod lifecycle;
mod listing;
mod multipart;
mod object;
mod policy;
mod query;
mod reading;
mod record;
mod refusal;
mod secrets;
mod seed;
mod service;
mod settings;
mod signature;
mod sts;
mod world;
mod writing;

pub(crate) use asked::Asked;
pub(crate) use content::mix;
pub(crate) use front::{Front, Reset};
pub(crate) use query::{LARGEST_FORM, is_form};

pub use accounts::{COPY_ROLE_POLICY, COPY_USER_POLICY, copy_role_policy};
pub use breaking::Service;
pub use content::{Algorithm, TRUE_DIGESTS};
pub use faults::{Effect, Fault};
pub use identity::{COPY_ROLE_ARN, COPY_ROLE_NAME, COPY_USER_NAME, Identity, STRANGER, SUBSCRIBER, VENDOR};
pub use multipart::{MOST_PARTS, SMALLEST_PART};
pub use object::{Checksum, ChecksumKind, Encryption, Metadata, ObjectInfo, ObjectSpec};
pub use record::Request;
pub use seed::{FlexSeed, Seeded, VENDOR_BUCKET, manual_policy, seed_flex, seed_many, subscriber_bucket};
pub use world::{OpenUpload, Ownership, World};
pub use writing::LARGEST_COPY;

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{Region, StalledStreamProtectionConfig};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;

use clock::Clock;
use doors::{Socket, Wire};

/// The region of the vendor's bucket, and the sandbox's unless told otherwise.
pub const REGION: &str = "ap-northeast-1";

/// Where in-process sandboxes begin: 2026-03-02 00:00 UTC, a Monday.
const START: Duration = Duration::from_secs(1_772_409_600);

/// A running sandbox. Dropping it stops it.
pub struct Sandbox {
    world: World,
    front: Front,
    socket: Option<Socket>,
}

/// What to decide before a sandbox runs.
#[derive(Clone, Debug)]
pub struct Builder {
    region: String,
    seed: u64,
    port: u16,
    start: Option<SystemTime>,
    records: usize,
}

impl Sandbox {
    /// A sandbox with the usual accounts, no buckets, in [`REGION`].
    pub fn builder() -> Builder {
        Builder { region: REGION.into(), seed: 1, port: 0, start: None, records: 20_000 }
    }

    /// The URL for S3, STS and IAM alike. Of a sandbox without a socket: a name that only [`http_client`](Self::http_client)
    /// understands.
    pub fn endpoint(&self) -> String {
        match &self.socket {
            Some(socket) => format!("http://{}", socket.address),
            None => "http://sandbox.test".into(),
        }
    }

    /// The door inside the process, for any SDK client.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(Wire::new(self.front.clone()))
    }

    /// What stands behind both doors.
    pub(crate) fn front(&self) -> Front {
        self.front.clone()
    }

    /// The world behind the doors.
    pub fn world(&self) -> World {
        self.world.clone()
    }

    /// Settings for SDK clients that sign as `identity`, use the door inside the process and go by the world's clock.
    /// Retries are the SDK's defaults.
    pub fn sdk_config(&self, identity: &Identity) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.world.region().to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(identity.credentials()))
            .http_client(self.http_client())
            .time_source(self.time_source())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .endpoint_url(self.endpoint())
            .build()
    }

    /// The world's clock, for SDK clients.
    pub fn time_source(&self) -> SharedTimeSource {
        SharedTimeSource::new(self.world.0.clock.clone())
    }

    /// A plain S3 client: path style, one attempt, so that a test sees every refusal.
    pub fn s3(&self, identity: &Identity) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.sdk_config(identity))
            .force_path_style(true)
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// A plain STS client with one attempt.
    pub fn sts(&self, identity: &Identity) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::config::Builder::from(&self.sdk_config(identity))
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_sts::Client::from_conf(config)
    }

    /// Stops listening and cuts connections that are open. Returns within five seconds whatever happens.
    pub async fn shutdown(self) {
        if let Some(socket) = self.socket {
            socket.close().await;
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("endpoint", &self.endpoint()).field("world", &self.world).finish()
    }
}

impl Builder {
    /// The region of the endpoint.
    #[must_use]
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.region = name.into();
        self
    }

    /// Decides ids, secrets and the fates of faults.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The port on 127.0.0.1; 0 lets the system choose.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts the world's clock there and lets it go on with tokio's time. Without it a served sandbox goes by the machine's
    /// clock (its clients do too), and one in process begins at 2026-03-02 00:00 UTC.
    #[must_use]
    pub fn clock_at(mut self, start: SystemTime) -> Self {
        self.start = Some(start);
        self
    }

    /// How many requests are recorded in full; the counts are always exact.
    #[must_use]
    pub fn records(mut self, limit: usize) -> Self {
        self.records = limit;
        self
    }

    fn build(&self, clock: Clock) -> Sandbox {
        let world = World::new(clock, &self.region, self.seed, self.records);
        Sandbox { front: Front::new(world.clone()), world, socket: None }
    }

    /// A sandbox without a socket.
    pub fn in_process(self) -> Sandbox {
        self.build(Clock::starting_at(self.start.unwrap_or(SystemTime::UNIX_EPOCH + START)))
    }

    /// A sandbox on 127.0.0.1, served by a thread of its own.
    ///
    /// # Errors
    /// When the port cannot be bound or the thread cannot be started.
    pub async fn start(self) -> io::Result<Sandbox> {
        let clock = self.start.map_or_else(Clock::machine, Clock::starting_at);
        let mut sandbox = self.build(clock);
        sandbox.socket = Some(Socket::open(sandbox.front.clone(), self.port).await?);
        Ok(sandbox)
    }
}
