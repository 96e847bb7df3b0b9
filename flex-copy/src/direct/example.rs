//! The request that the SDK made and did not send, and what follows from it for others of its kind.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        auth::{AuthScheme, AuthSchemeId},
        http::{HttpConnectorSettings, SharedHttpClient},
        identity::{ResolveCachedIdentity, SharedIdentityResolver},
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextRef, dyn_dispatch_hint},
        orchestrator::HttpRequest,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{
    config_bag::{ConfigBag, FrozenLayer},
    timeout::TimeoutConfig,
};
use http::{HeaderName, HeaderValue};

use crate::signed;

use super::{
    clock::Clock,
    signature::{Signer, Stamp},
};

/// Takes the request when it is ready to be sent, and stops it there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capture(Arc<Mutex<Option<Captured>>>);

pub(super) struct Captured {
    uri: String,
    headers: Vec<(String, String)>,
    components: RuntimeComponents,
    settings: HttpConnectorSettings,
}

// The headers hold a session's token.
impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl Capture {
    pub(super) fn take(&self) -> Option<Captured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[dyn_dispatch_hint]
impl Intercept for Capture {
    fn name(&self) -> &'static str {
        "Capture"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let mut settings = HttpConnectorSettings::builder();
        if let Some(limits) = bag.load::<TimeoutConfig>() {
            settings.set_connect_timeout(limits.connect_timeout());
            settings.set_read_timeout(limits.read_timeout());
        }
        let captured = Captured {
            uri: request.uri().to_owned(),
            headers: request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            components: components.clone(),
            settings: settings.build(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(captured);
        Err("taken as an example, not sent".into())
    }
}

/// What all requests of one kind to one bucket have in common.
#[derive(Debug)]
pub(crate) struct Example {
    pub(super) operation: FrozenLayer,
    pub(super) components: RuntimeComponents,
    pub(super) http: SharedHttpClient,
    pub(super) settings: HttpConnectorSettings,
    pub(super) clock: Clock,
    identity: SharedIdentityResolver,
    signer: Signer,
    /// What comes before the path of an object.
    endpoint: String,
    /// The headers that the SDK adds, other than those of a signature.
    added: Vec<(HeaderName, HeaderValue)>,
    /// Nothing but what the SDK's pieces ask for.
    pub(super) bag: ConfigBag,
}

/// The headers of a signature.
const SIGNATURE: [&str; 4] = ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];
/// What the SDK adds to every request.
const ADDED: [&str; 5] = ["user-agent", "x-amz-user-agent", "x-amzn-trace-id", "amz-sdk-request", INVOCATION];
/// Different in each request.
const INVOCATION: &str = "amz-sdk-invocation-id";

impl Captured {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The example, if the same comes of it again: `relative` is the same request as the serializer wrote it.
    pub(super) async fn example(
        self,
        operation: FrozenLayer,
        relative: HttpRequest,
        learns_time: bool,
    ) -> Option<Example> {
        // AWS4-HMAC-SHA256 Credential=ID/20261129/ap-northeast-1/s3/aws4_request, SignedHeaders=…, Signature=…
        let authorization = self.header("authorization")?.to_owned();
        let scope = authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=")?.split_once(',')?.0;
        let mut scope = scope.rsplit('/').skip(1);
        let (service, region) = (scope.next()?, scope.next()?);
        if service != "s3" {
            return None;
        }
        let signed_at: SystemTime = signed::time(self.header("x-amz-date")?)?.into();
        let added = |(name, _): &&(String, String)| {
            !SIGNATURE.contains(&name.as_str()) && !relative.headers().contains_key(name.as_str())
        };
        let added = self.headers.iter().filter(added).map(|(name, value)| {
            // Anything else might depend on the request.
            let name = ADDED.contains(&name.as_str()).then(|| name.parse().ok())??;
            Some((name, value.parse().ok()?))
        });
        let added = added.collect::<Option<_>>()?;
        let scheme = self.components.auth_scheme(AuthSchemeId::from("sigv4"))?;
        let example = Example {
            identity: scheme.identity_resolver(&self.components)?,
            http: self.components.http_client()?,
            clock: Clock::new(self.components.time_source()?, signed_at, learns_time),
            signer: Signer::new(region, service),
            endpoint: self.uri.strip_suffix(relative.uri())?.to_owned(),
            added,
            settings: self.settings,
            components: self.components,
            operation,
            bag: ConfigBag::base(),
        };
        let credentials = example.credentials().await.ok()?;
        let mut ours = example.whole(relative).ok()?;
        example.signer.sign(&mut ours, &credentials, signed_at).ok()?;
        let same = ours.headers().get("authorization") == Some(&authorization)
            && ours.uri() == self.uri
            && self.headers.iter().all(|(name, value)| name == INVOCATION || ours.headers().get(name) == Some(value))
            && ours.headers().len() == self.headers.len();
        same.then_some(example)
    }
}

impl Example {
    /// A request of the serializer's, signed with the present credentials; and the time of its signature.
    pub(super) async fn signed(&self, request: HttpRequest) -> Result<(HttpRequest, Arc<Stamp>), BoxError> {
        let credentials = self.credentials().await?;
        let mut request = self.whole(request)?;
        let stamp = self.signer.sign(&mut request, &credentials, self.clock.service())?;
        Ok((request, stamp))
    }

    async fn credentials(&self) -> Result<Credentials, BoxError> {
        let cache = self.components.identity_cache();
        let identity = cache.resolve_cached_identity(self.identity.clone(), &self.components, &self.bag).await?;
        let credentials = identity.data::<Credentials>().ok_or("the identity is no AWS credentials")?;
        Ok(credentials.clone())
    }

    /// The request with what the SDK adds to it before it signs it.
    fn whole(&self, mut request: HttpRequest) -> Result<HttpRequest, BoxError> {
        request.set_uri([self.endpoint.as_str(), request.uri()].concat())?;
        let headers = request.headers_mut();
        for (name, value) in &self.added {
            if name == INVOCATION {
                let id = uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes());
                headers.try_insert(name.clone(), id.into_uuid().to_string())?;
            } else {
                headers.try_insert(name.clone(), value.clone())?;
            }
        }
        Ok(request)
    }
}
