//! From settings to clients: the base identity, the copy role, S3.

use std::{
    error::Error,
    sync::{Arc, OnceLock},
};

use aws_config::{
    BehaviorVersion, Region, default_provider::credentials::DefaultCredentialsChain, imds,
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::{Client, config::IdentityCache};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::{SdkConfig, service_config::ServiceConfigKey};
use flex_copy::{Bucket, Copier, CopySettings, RenewableCredentials};
use flex_creds::{CopyRole, CredsError, Session};
use flex_policy::{AccountId, SessionPolicy};
use futures::future::BoxFuture;

use crate::{
    config::{Profile, Settings, host_of, is_plain, without_user},
    error::Stop,
    exit::Exit,
    hints, http,
    language::msg,
    profiles,
};

/// The base identity and what reaches AWS with it.
pub(crate) struct Base {
    http: SharedHttpClient,
    region: Region,
    /// A profile has a `credential_process`.
    pub(crate) uses_processes: bool,
}

impl Base {
    pub(crate) async fn new(settings: &Settings) -> Result<Self, Stop> {
        let mut base = Self::unchecked(settings)?;
        base.check_endpoints(settings).await?;
        base.uses_processes = profiles::check(settings.profile.as_ref()).await?;
        Ok(base)
    }

    /// The same, without a look at the profiles and their endpoints.
    pub(crate) fn unchecked(settings: &Settings) -> Result<Self, Stop> {
        refuse_empty_endpoints()?;
        let http = http::client(settings.ca_bundle.as_deref()).map_err(|e| Stop::usage(&e))?;
        Ok(Self { http, region: Region::new(settings.region.clone()), uses_processes: true })
    }

    /// Refuses endpoints of the environment and of profiles that cannot be used, or are plain HTTP to another machine, before
    /// anything is sent. The SDK's chain of credentials asks STS and SSO by itself, so theirs are looked at whatever flex was
    /// told.
    pub(crate) async fn check_endpoints(&self, settings: &Settings) -> Result<(), Stop> {
        let owner = settings.owner_profile.as_ref().map(|name| Profile { name: name.clone(), alone: true });
        for profile in [Some(settings.profile.as_ref()), owner.as_ref().map(Some)].into_iter().flatten() {
            let mut loader = aws_config::defaults(BehaviorVersion::latest())
                .http_client(self.http.clone())
                .region(self.region.clone())
                .retry_config(RetryConfig::standard())
                .no_credentials();
            if let Some(profile) = profile {
                loader = loader.profile_name(&profile.name);
            }
            let config = loader.load().await;
            for service in ["S3", "STS", "IAM", "SSO", "SSO OIDC"] {
                if service == "S3" && settings.s3_endpoint.is_some() {
                    continue;
                }
                if let Some(url) = configured_endpoint(&config, service) {
                    allowed(settings, service, &url)?;
                }
            }
        }
        Ok(())
    }

    /// A configuration with the credentials of a profile or of the SDK's chain, for one of the two services. An endpoint
    /// of the profile's own is honoured when no other was given.
    async fn config(
        &self,
        settings: &Settings,
        profile: Option<&Profile>,
        service: &str,
        endpoint: Option<&str>,
    ) -> Result<SdkConfig, Stop> {
        let provider = self.provider(profile).await;
        let load = async |endpoint: Option<&str>| {
            let mut loader = aws_config::defaults(BehaviorVersion::latest())
                .http_client(self.http.clone())
                .region(self.region.clone())
                // Otherwise the SDK panics at AWS_RETRY_MODE, AWS_MAX_ATTEMPTS or a profile's like it does not know.
                .retry_config(RetryConfig::standard())
                .credentials_provider(provider.clone());
            if let Some(profile) = profile {
                loader = loader.profile_name(&profile.name);
            }
            if let Some(endpoint) = endpoint {
                loader = loader.endpoint_url(endpoint);
            }
            loader.load().await
        };
        let config = load(endpoint).await;
        // An endpoint from the profile is made explicit, so that the S3 client knows to use path style.
        match endpoint.is_none().then(|| configured_endpoint(&config, service)).flatten() {
            Some(endpoint) => {
                allowed(settings, service, &endpoint)?;
                Ok(load(Some(&endpoint)).await)
            }
            None => Ok(config),
        }
    }

    async fn provider(&self, profile: Option<&Profile>) -> SharedCredentialsProvider {
        let config =
            ProviderConfig::without_region().with_region(Some(self.region.clone())).with_http_client(self.http.clone());
        match profile {
            Some(Profile { name, alone: true }) => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder().configure(&config).profile_name(name).build(),
            ),
            _ => {
                let metadata = ProviderConfig::without_region().with_http_client(http::direct());
                let mut chain = DefaultCredentialsChain::builder()
                    .configure(config)
                    .region(self.region.clone())
                    // One second an attempt by default, and not at all with AWS_EC2_METADATA_DISABLED.
                    .imds_client(imds::Client::builder().configure(&metadata).max_attempts(1).build());
                if let Some(profile) = profile {
                    chain = chain.profile_name(&profile.name);
                }
                SharedCredentialsProvider::new(chain.build().await)
            }
        }
    }

    /// The copy role, not yet assumed.
    pub(crate) async fn copy_role(&self, settings: &Settings) -> Result<CopyRole, Stop> {
        let config = self.sts_config(settings).await?;
        copy_role(&config, settings, None).map_err(|e| hints::creds(&e))
    }

    /// Who the base identity is, without assuming the role.
    pub(crate) async fn account(&self, settings: &Settings) -> Result<AccountId, Stop> {
        match &settings.account {
            Some(account) => Ok(*account),
            None => self.copy_role(settings).await?.account().await.map_err(|e| hints::creds(&e)),
        }
    }

    /// The base identity's configuration for STS.
    pub(crate) async fn sts_config(&self, settings: &Settings) -> Result<SdkConfig, Stop> {
        let config = self.config(settings, settings.profile.as_ref(), "STS", settings.sts_endpoint.as_deref()).await?;
        Ok(patient(config, settings))
    }

    /// The base identity's configuration for S3.
    pub(crate) async fn s3_config(&self, settings: &Settings) -> Result<SdkConfig, Stop> {
        self.config(settings, settings.profile.as_ref(), "S3", settings.s3_endpoint.as_deref()).await
    }

    /// The owner identity's configuration for STS.
    pub(crate) async fn owner_sts_config(&self, settings: &Settings) -> Result<SdkConfig, Stop> {
        Ok(patient(self.owner(settings, "STS", settings.sts_endpoint.as_deref()).await?, settings))
    }

    /// The owner identity's configuration for a service: that of `--owner-profile`, or else the base identity's.
    async fn owner(&self, settings: &Settings, service: &str, endpoint: Option<&str>) -> Result<SdkConfig, Stop> {
        let profile = match &settings.owner_profile {
            Some(name) => Some(Profile { name: name.clone(), alone: true }),
            None => settings.profile.clone(),
        };
        if profile != settings.profile {
            profiles::check(profile.as_ref()).await?;
        }
        self.config(settings, profile.as_ref(), service, endpoint).await
    }

    /// The owner identity's account. One that was given must be it.
    pub(crate) async fn owner_account(&self, settings: &Settings) -> Result<AccountId, Stop> {
        let config = self.owner_sts_config(settings).await?;
        let mut builder = CopyRole::builder(&config).vendor(settings.source_account);
        if let Some(account) = &settings.account {
            builder = builder.account(*account);
        }
        let asked = builder.build().map_err(|e| hints::creds(&e))?;
        asked.account().await.map_err(|e| hints::creds(&e))
    }

    /// An S3 client with rights in the subscriber's own account.
    pub(crate) async fn owner_s3(&self, settings: &Settings) -> Result<Client, Stop> {
        let config = self.owner(settings, "S3", settings.s3_endpoint.as_deref()).await?;
        note_s3_endpoint(&config);
        Ok(Client::from_conf(flex_copy::client_config(&config).build()))
    }

    /// What an IAM client with rights in the subscriber's own account is made from. IAM is global: its requests are
    /// signed for us-east-1. Its endpoint is AWS's, or `AWS_ENDPOINT_URL_IAM`, or `AWS_ENDPOINT_URL`.
    #[cfg(feature = "iam")]
    pub(crate) async fn owner_iam(&self, settings: &Settings) -> Result<SdkConfig, Stop> {
        let config = self.owner(settings, "IAM", None).await?;
        Ok(config.into_builder().region(Region::new("us-east-1")).build())
    }

    /// Assumes the copy role and makes what needs it.
    pub(crate) async fn as_role(&self, settings: &Settings) -> Result<AsRole, Stop> {
        self.as_narrowed_role(settings, None).await
    }

    /// The same, with sessions that may do no more than this policy allows.
    pub(crate) async fn as_narrowed_role(
        &self,
        settings: &Settings,
        policy: Option<&SessionPolicy>,
    ) -> Result<AsRole, Stop> {
        let config = self.sts_config(settings).await?;
        let role = copy_role(&config, settings, policy).map_err(|e| hints::creds(&e))?;
        let session = role.session().await.map_err(|e| hints::creds(&e))?;
        Ok(AsRole::new(&self.s3_config(settings).await?, role, session))
    }
}

/// The copy role as the settings have it, to be assumed with a configuration's credentials.
pub(crate) fn copy_role(
    config: &SdkConfig,
    settings: &Settings,
    policy: Option<&SessionPolicy>,
) -> Result<CopyRole, CredsError> {
    let mut builder = CopyRole::builder(config).vendor(settings.source_account);
    if let Some(account) = &settings.account {
        builder = builder.account(*account);
    }
    if let Some(role) = &settings.role_arn {
        builder = builder.role_arn(role.clone());
    }
    if let Some(name) = &settings.session_name {
        builder = builder.session_name(&name.value);
    }
    if let Some(policy) = policy {
        builder = builder.session_policy(policy.as_str());
    }
    builder.build()
}

/// The SDK panics at an empty endpoint. The clients inside its credentials chain read these variables by themselves,
/// so that flex cannot take an empty one for unset.
fn refuse_empty_endpoints() -> Result<(), Stop> {
    empty_endpoints().first().map_or(Ok(()), |name| Err(empty_endpoint(name)))
}

/// The variables of endpoints that are set to nothing.
pub(crate) fn empty_endpoints() -> Vec<String> {
    let is_endpoint = |name: &str| name == "AWS_ENDPOINT_URL" || name.starts_with("AWS_ENDPOINT_URL_");
    let mut empty: Vec<String> = std::env::vars_os()
        .filter(|(_, value)| value.is_empty())
        .filter_map(|(name, _)| name.into_string().ok().filter(|name| is_endpoint(name)))
        .collect();
    empty.sort_unstable();
    empty
}

/// Whether requests may go to this endpoint of the environment's or a profile's.
fn allowed(settings: &Settings, service: &str, url: &str) -> Result<(), Stop> {
    if url.is_empty() {
        return Err(empty_endpoint("endpoint_url of the AWS profile"));
    }
    let shown = without_user(url);
    if let Err(why) = host_of(url) {
        let what = format!("the endpoint of {service}, {shown}, cannot be used: {why}");
        return Err(Stop::text(Exit::Usage, what).mend(msg!("profile-endpoint")));
    }
    if is_plain(url) && !settings.allow_http {
        let what = format!(
            "the endpoint of {service}, {shown}, is plain HTTP to another machine: session tokens could be read on the way"
        );
        return Err(Stop::text(Exit::Usage, what).mend(msg!("plain-http")));
    }
    Ok(())
}

fn empty_endpoint(name: &str) -> Stop {
    Stop::text(Exit::Usage, format!("{name} is set but empty")).mend(msg!("unset-or-fill"))
}

fn configured_endpoint(config: &SdkConfig, service: &str) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok()?;
    config
        .service_config()
        .and_then(|services| services.load_config(key))
        .or_else(|| config.endpoint_url().map(str::to_owned))
}

/// A configuration for STS that waits for answers as the settings say; flex-creds has limits of its own for others.
fn patient(config: SdkConfig, settings: &Settings) -> SdkConfig {
    let Some(limit) = settings.answer_timeout() else { return config };
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(limit).operation_timeout(limit * 3).build();
    config.into_builder().timeout_config(timeouts).build()
}

/// Where the run's S3 requests go, for messages about it.
static S3_ENDPOINT: OnceLock<String> = OnceLock::new();

fn note_s3_endpoint(config: &SdkConfig) {
    let of_region = || format!("s3.{}.amazonaws.com", config.region().map_or("", AsRef::as_ref));
    let _ = S3_ENDPOINT.set(config.endpoint_url().map_or_else(of_region, str::to_owned));
}

/// The S3 endpoint of this run, once a client for it was made.
pub(crate) fn s3_endpoint() -> &'static str {
    S3_ENDPOINT.get().map_or("not known yet", String::as_str)
}

/// The copy role's session and an S3 client that uses it.
pub(crate) struct AsRole {
    role: CopyRole,
    pub(crate) session: Session,
    s3: Client,
}

impl AsRole {
    /// What reaches S3 as the role, besides its credentials, is the configuration's.
    pub(crate) fn new(config: &SdkConfig, role: CopyRole, session: Session) -> Self {
        note_s3_endpoint(config);
        let s3 = flex_copy::client_config(config)
            .credentials_provider(role.clone())
            // The role is the cache: the SDK's own would hold on to a token that was replaced.
            .identity_cache(IdentityCache::no_cache())
            .build();
        Self { role, session, s3: Client::from_conf(s3) }
    }

    pub(crate) fn s3(&self) -> &Client {
        &self.s3
    }

    /// A copier between the two buckets. Without a destination, for what looks at the source alone, the second bucket
    /// stays without a name and is never asked.
    pub(crate) fn copier(&self, settings: &Settings, copy: CopySettings) -> Copier {
        let mut source = Bucket::new(self.s3.clone(), settings.source_bucket.as_str());
        let name = settings.bucket.as_ref().map_or("", |given| given.value.as_str());
        let mut destination = Bucket::new(self.s3.clone(), name).prefix(settings.key_prefix());
        if settings.expected_owner {
            source = source.expected_owner(settings.source_account.as_str());
            destination = destination.expected_owner(self.session.account().as_str());
        }
        Copier::new(source, destination, copy).credentials(Arc::new(Renewable(self.role.clone())))
    }

    pub(crate) async fn credentials(&self) -> Result<aws_credential_types::Credentials, Stop> {
        self.role.credentials().await.map_err(|e| hints::creds(&e))
    }
}

/// The destination, which most commands need.
pub(crate) fn require_bucket(settings: &Settings) -> Result<&str, Stop> {
    match &settings.bucket {
        None => Err(Stop::text(Exit::Usage, "no destination bucket is given").mend(msg!("name-bucket"))),
        Some(given) if given.value == settings.source_bucket => {
            Err(Stop::text(Exit::Usage, format!("the destination {} is the source bucket itself", given.value))
                .mend(msg!("name-bucket")))
        }
        Some(given) => Ok(given.value.as_str()),
    }
}

/// The copy role as the engine wants it.
struct Renewable(CopyRole);

impl RenewableCredentials for Renewable {
    fn generation(&self) -> u64 {
        self.0.generation()
    }

    fn renew(&self, refused_generation: u64) -> BoxFuture<'_, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move { self.0.renew(refused_generation).await.map_err(Into::into) })
    }

    fn is_transient(&self, failure: &(dyn Error + 'static)) -> bool {
        CredsError::find(failure).is_some_and(CredsError::is_transient)
    }
}
