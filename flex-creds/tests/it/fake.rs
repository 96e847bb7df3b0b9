//! An STS that answers XML through the SDK's own seam, and a clock that follows tokio's.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use aws_types::SdkConfig;
use aws_types::region::Region;
use flex_creds::{CopyRole, CopyRoleBuilder};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const OTHER: &str = "210987654321";
pub(crate) const VENDOR: &str = "461810399597";
pub(crate) const USER: &str = "arn:aws:iam::123456789012:user/flex";
pub(crate) const HOST: &str = "sts.ap-northeast-1.amazonaws.com";

pub(crate) const SECRET: &str = "base-secret-must-not-be-seen";
pub(crate) const TOKEN: &str = "base-token-must-not-be-seen";
pub(crate) const ROLE_SECRET: &str = "role-secret-must-not-be-seen";

pub(crate) fn copy_role(account: &str) -> String {
    format!("arn:aws:iam::{VENDOR}:role/JeuServiceRoleForS3Copy_{account}")
}

pub(crate) fn copy_role_session(account: &str) -> String {
    format!("arn:aws:sts::{VENDOR}:assumed-role/JeuServiceRoleForS3Copy_{account}/somebody")
}

/// Virtual time: a fixed date plus what tokio's clock has run.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    start: tokio::time::Instant,
    ahead: Arc<Mutex<Duration>>,
}

impl Clock {
    fn new() -> Self {
        Self { start: tokio::time::Instant::now(), ahead: Arc::default() }
    }

    fn origin() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000)
    }

    /// The time as AWS has it.
    pub(crate) fn truth(&self) -> SystemTime {
        Self::origin() + self.start.elapsed()
    }

    /// Puts this machine's clock ahead of AWS's.
    pub(crate) fn set_ahead(&self, by: Duration) {
        *self.ahead.lock().expect("not poisoned") = by;
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        self.truth() + *self.ahead.lock().expect("not poisoned")
    }
}

/// What a request gets.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Refuse(u16, &'static str, &'static str),
    Raw(u16, &'static str),
    /// The connection breaks.
    Reset,
    /// No answer ever.
    Hang,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) operation: String,
    pub(crate) duration: Option<u64>,
    pub(crate) body: String,
    pub(crate) access_key_id: String,
    pub(crate) at: SystemTime,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) calls: Vec<Call>,
    /// ARN and account that GetCallerIdentity tells.
    pub(crate) caller: (String, String),
    pub(crate) life: Option<Duration>,
    pub(crate) latency: Duration,
    /// Refuses every DurationSeconds above an hour with this message.
    pub(crate) cap: Option<&'static str>,
    pub(crate) shows_date: bool,
    /// Answers to the next AssumeRole requests.
    pub(crate) next: VecDeque<Reply>,
    /// Answers to all requests of an operation, as long as it is set.
    pub(crate) assume: Option<Reply>,
    pub(crate) identify: Option<Reply>,
}

/// The service, its clock and the handle to both.
#[derive(Debug, Clone)]
pub(crate) struct FakeSts {
    pub(crate) clock: Clock,
    world: Arc<Mutex<World>>,
}

impl FakeSts {
    pub(crate) fn new() -> Self {
        fastrand::seed(7);
        Self {
            clock: Clock::new(),
            world: Arc::new(Mutex::new(World {
                calls: Vec::new(),
                caller: (USER.to_owned(), ACCOUNT.to_owned()),
                life: None,
                latency: Duration::from_millis(50),
                cap: None,
                shows_date: true,
                next: VecDeque::new(),
                assume: None,
                identify: None,
            })),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("not poisoned")
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        let world = self.world();
        world.calls.iter().filter(|c| c.operation == operation).count()
    }

    pub(crate) fn assumes(&self) -> usize {
        self.count("AssumeRole")
    }

    pub(crate) fn last(&self) -> Call {
        self.world().calls.last().expect("a call").clone()
    }

    pub(crate) fn base(&self, identity: impl ProvideCredentials + 'static) -> SdkConfig {
        SdkConfig::builder()
            .region(Region::from_static("ap-northeast-1"))
            .credentials_provider(SharedCredentialsProvider::new(identity))
            .http_client(self.clone())
            .time_source(self.clock.clone())
            .build()
    }

    /// A copy role as the base identity with long-term keys sees it.
    pub(crate) fn builder(&self) -> CopyRoleBuilder {
        CopyRole::builder(&self.base(long_term()))
    }

    pub(crate) fn role(&self) -> CopyRole {
        self.builder().build().expect("good settings")
    }

    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let body =
            request.body().bytes().and_then(|b| std::str::from_utf8(b).ok()).expect("a form in memory").to_owned();
        let field =
            |name: &str| body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned);
        let authorization = request.headers().get("authorization").unwrap_or_default();
        let access_key_id = authorization
            .split_once("Credential=")
            .and_then(|(_, rest)| rest.split('/').next())
            .unwrap_or_default()
            .to_owned();
        let operation = field("Action").expect("an action");
        let duration = field("DurationSeconds").map(|d| d.parse().expect("a number"));
        let (reply, latency, number) = {
            let mut world = self.world();
            world.calls.push(Call {
                operation: operation.clone(),
                duration,
                body: body.clone(),
                access_key_id,
                at: self.clock.truth(),
            });
            let reply = match operation.as_str() {
                "AssumeRole" => {
                    let cap = world.cap.filter(|_| duration > Some(3600));
                    world
                        .next
                        .pop_front()
                        .or_else(|| world.assume.clone())
                        .or_else(|| cap.map(|text| Reply::Refuse(400, "ValidationError", text)))
                }
                _ => world.identify.clone(),
            };
            (reply, world.latency, world.calls.len())
        };
        tokio::time::sleep(latency).await;
        let (status, text) = match reply {
            Some(Reply::Refuse(status, code, message)) => (
                status,
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                     <RequestId>in-body</RequestId></ErrorResponse>"
                ),
            ),
            Some(Reply::Raw(status, text)) => (status, text.to_owned()),
            Some(Reply::Reset) => {
                return Err(ConnectorError::io("connection reset by the test".into()));
            }
            Some(Reply::Hang) => std::future::pending().await,
            None if operation == "AssumeRole" => (200, self.token(number, duration)),
            None => {
                let (arn, account) = self.world().caller.clone();
                (
                    200,
                    format!(
                        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AIDA</UserId>\
                         <Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
                    ),
                )
            }
        };
        let mut response =
            http::Response::builder().status(status).header("x-amzn-requestid", format!("request-{number}"));
        if self.world().shows_date {
            let date = DateTime::from(self.clock.truth());
            response = response.header("date", date.fmt(Format::HttpDate).expect("a date"));
        }
        let response = response.body(SdkBody::from(text)).expect("a response");
        HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
    }

    fn token(&self, number: usize, duration: Option<u64>) -> String {
        let life = self.world().life;
        let life = life.unwrap_or(Duration::from_secs(duration.unwrap_or(3600)));
        let expires = DateTime::from(self.clock.truth() + life);
        let expires = expires.fmt(Format::DateTime).expect("a date");
        format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE{number}</AccessKeyId>\
             <SecretAccessKey>{ROLE_SECRET}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>\
             <Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
    }
}

impl HttpConnector for FakeSts {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer(request))
    }
}

impl HttpClient for FakeSts {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// An IAM user's keys.
pub(crate) fn long_term() -> Credentials {
    Credentials::new("AKIABASE", SECRET, None, None, "test")
}

/// Keys that came from another role.
pub(crate) fn temporary() -> Credentials {
    Credentials::new("ASIABASE", SECRET, Some(TOKEN.into()), None, "test")
}

/// A provider with a new access key at every call, as a profile that assumes a role has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rotating(Arc<AtomicU64>);

impl Rotating {
    pub(crate) fn loads(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        let keys = Credentials::new(format!("ASIANR{number}"), SECRET, Some(TOKEN.into()), None, "test");
        future::ProvideCredentials::ready(Ok(keys))
    }
}

/// A provider that always has the same keys, and counts how often it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    pub(crate) keys: Credentials,
    loads: Arc<AtomicU64>,
}

impl Counted {
    pub(crate) fn new(keys: Credentials) -> Self {
        Self { keys, loads: Arc::default() }
    }

    pub(crate) fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
}

impl ProvideCredentials for Counted {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.loads.fetch_add(1, Ordering::SeqCst);
        future::ProvideCredentials::ready(Ok(self.keys.clone()))
    }
}
