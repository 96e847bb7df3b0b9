//! This machine, its network, and who it is to AWS.

use aws_types::SdkConfig;
use flex_creds::CredsError;
use flex_policy::AccountId;

use super::{BEFORE_S3, Caller, Doctor, env, fixed, lines};
use crate::{
    clients::{Base, copy_role, empty_endpoints},
    commands::doctor::{
        identity::{self, Exported, How, Sources},
        link::{Id, Link, Mend, State},
        network,
        reach::{Question, Reached, reach},
        remedy::unset,
    },
    config::Profile,
    error::{Stop, chain},
    exit::Exit,
    http,
    language::msg,
    profiles,
};

impl Doctor<'_> {
    pub(super) fn version(&mut self) {
        self.board.put(Link::ok(Id::Version, msg!("doctor-version", version = env!("CARGO_PKG_VERSION"))));
    }

    /// What is set up on this machine, and the clients if that is sound.
    pub(super) async fn configuration(&mut self) -> Option<Base> {
        let id = Id::Configuration;
        let empty = empty_endpoints();
        if let Some(name) = empty.first() {
            let names: Vec<&str> = empty.iter().map(String::as_str).collect();
            self.board.put(
                Link::broken(id, "empty-endpoint", msg!("doctor-configuration-empty", name = name))
                    .mend(Mend::run(msg!("doctor-mend-unset", name = names.join(", ")), unset(&names))),
            );
            return None;
        }
        if let Err(e) = http::client(self.settings.ca_bundle.as_deref()) {
            let command = unset(&["AWS_CA_BUNDLE"]);
            self.board.put(
                Link::broken(id, "ca-bundle", msg!("doctor-configuration-ca"))
                    .because(chain(&e))
                    .mend(Mend::run(msg!("doctor-mend-unset", name = "AWS_CA_BUNDLE"), command))
                    .mend(Mend::say(msg!("doctor-mend-ca-bundle")).or()),
            );
            return None;
        }
        let usable = async {
            let base = Base::unchecked(self.settings)?;
            base.check_endpoints(self.settings).await.map(|()| base)
        };
        match usable.await {
            Ok(base) => {
                let link = match &self.settings.file {
                    Some(path) => Link::ok(id, msg!("doctor-configuration-file", file = path.display()))
                        .detail("file", path.display().to_string()),
                    None => Link::ok(id, msg!("doctor-configuration-none")),
                };
                let link = self.settings.notes.iter().fold(link, |link, note| link.detail("note", note.clone()));
                self.board.put(link.detail("region", self.settings.region.clone()));
                Some(base)
            }
            Err(stop) => {
                let link = Link::broken(id, "unusable", msg!("doctor-configuration-unusable")).because(lines(&stop));
                self.board.put(link.mends(stop.mends().iter().cloned().map(Mend::say)));
                None
            }
        }
    }

    /// Both endpoints at once, and the clock by their answers. The endpoint of STS is not told yet: whether it is STS that
    /// answers there, the next stage finds.
    pub(super) async fn network(&mut self, base: &Base) {
        let (sts, s3) = match (base.sts_config(self.settings).await, base.s3_config(self.settings).await) {
            (Ok(sts), Ok(s3)) => (sts, s3),
            (Err(stop), _) | (_, Err(stop)) => {
                let link = Link::broken(Id::Configuration, "unusable", msg!("doctor-configuration-unusable"));
                self.board.replace(link.because(lines(&stop)));
                return;
            }
        };
        let region = &self.settings.region;
        let url = |config: &SdkConfig, service| {
            config.endpoint_url().map_or_else(|| format!("https://{service}.{region}.amazonaws.com"), str::to_owned)
        };
        let (sts_url, s3_url) = (url(&sts, "sts"), url(&s3, "s3"));
        let owner = self.settings.expected_owner.then(|| self.settings.source_account.as_str());
        let vendors = Question::Bucket(self.settings.source_bucket.as_str(), owner);
        let (sts, s3) = futures::join!(
            reach(&sts, &sts_url, Question::WhoAmI, self.deadline),
            reach(&s3, &s3_url, vendors, self.deadline)
        );
        let sts_link = network::endpoint(Id::StsEndpoint, &sts, &self.remedy, region);
        let s3_link = network::endpoint(Id::S3Endpoint, &s3, &self.remedy, region);
        let one_cause = network::have_one_cause(&sts_link, &s3_link);
        self.board.put(sts_link);
        self.board.put(if one_cause { Link::waits(Id::S3Endpoint, vec![Id::StsEndpoint]) } else { s3_link });
        let skew = |reached: &Reached| reached.outcome.as_ref().ok().and_then(|answer| answer.skew);
        let (sts, s3) = (skew(&sts), skew(&s3));
        if sts.is_some() || s3.is_some() || self.board.clear(Id::Clock, &[Id::StsEndpoint, Id::S3Endpoint]) {
            self.board.put(network::clock(sts, s3));
        }
    }

    pub(super) async fn sources(&self) -> Sources {
        let profiles = profiles::all().await;
        let chosen = self.settings.profile.clone();
        let name = chosen.as_ref().map_or("default", |profile| &profile.name);
        let how = profiles.as_ref().and_then(|all| all.get_profile(name)).map(|p| How::of(|key| p.get(key).is_some()));
        let has_credentials = |name: &&str| {
            profiles
                .as_ref()
                .and_then(|all| all.get_profile(name))
                .is_some_and(|p| How::of(|key| p.get(key).is_some()) != How::Other)
        };
        let names = || profiles.iter().flat_map(|all| all.profiles());
        let owner = self.settings.owner_profile.as_deref();
        let mut usable: Vec<String> =
            names().filter(|name| Some(*name) != owner).filter(has_credentials).map(str::to_owned).collect();
        usable.sort_unstable();
        Sources {
            exported: Exported::read(&env),
            profile: chosen,
            profiles: usable,
            taken: names().map(str::to_owned).collect(),
            how: how.filter(|how| *how != How::Other),
            web_identity: env("AWS_WEB_IDENTITY_TOKEN_FILE").is_some(),
            container: env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_some()
                || env("AWS_CONTAINER_CREDENTIALS_FULL_URI").is_some(),
        }
    }

    /// A profile that cannot serve.
    pub(super) async fn bad_profile(&self, id: Id, profile: Option<&Profile>, sources: &Sources) -> Option<Link> {
        let stop = match profiles::check(profile).await {
            Err(stop) => stop,
            // The SDK's chain would go on to the instance's role and say nothing of the profile.
            Ok(_) => {
                let name = &profile?.name;
                if sources.exported.is_whole() || sources.taken.is_empty() || sources.taken.contains(name) {
                    return None;
                }
                Stop::text(Exit::Usage, format!("there is no profile {name:?} in the AWS configuration files"))
            }
        };
        let own = stop.exit() == Exit::Refused;
        let name = profile.map_or("default", |profile| &profile.name);
        Some(identity::bad_profile(id, own, lines(&stop), name, sources, &self.remedy))
    }

    /// The base identity, as STS knows it.
    pub(super) async fn caller(&mut self, base: &Base) -> Option<Caller> {
        let id = Id::Identity;
        // The region that requests are signed for is one for both services.
        let region = self.board.get(Id::S3Endpoint).is_some_and(|link| link.code == Some("other-region"));
        let needs: &[Id] = if region { &BEFORE_S3 } else { &[Id::Configuration, Id::StsEndpoint, Id::Clock] };
        if !self.board.clear(id, needs) {
            return None;
        }
        let sources = self.sources().await;
        if let Some(link) = self.bad_profile(id, self.settings.profile.as_ref(), &sources).await {
            self.board.put(link);
            return None;
        }
        let config = base.sts_config(self.settings).await.ok()?;
        // A program may ask a person for a code.
        let asks = matches!(sources.place(), identity::Place::Profile(_, How::Process));
        let patience = self.deadline * if asks { 2 } else { 1 };
        let loaded = tokio::time::timeout(patience, identity::load(&config)).await.ok();
        let identity = match loaded.unwrap_or_else(|| Err(vec![self.no_answer("the identity's provider")])) {
            Ok(identity) => identity,
            Err(because) => {
                self.board.put(identity::none(id, because, &sources, &self.remedy));
                return None;
            }
        };
        let role = match copy_role(&fixed(config.clone(), &identity), self.settings, None) {
            Ok(role) => role,
            Err(error) => {
                let link = Link::broken(id, "settings", msg!("doctor-configuration-unusable")).because(chain(&error));
                self.board.put(link.mends(self.remedy.take_back("session-name")));
                return None;
            }
        };
        let asked = self.within(role.caller()).await;
        let error = match asked {
            Some(Ok(arn)) => {
                self.board.put(identity::accepted(&arn, &identity, &sources));
                return Some(Caller { identity, role, arn, sources });
            }
            Some(Err(error)) => error,
            None => {
                let line = self.no_answer("GetCallerIdentity");
                self.board.put(Link::broken(id, "timeout", msg!("doctor-identity-no-answer")).because(vec![line]));
                return None;
            }
        };
        let url = config.endpoint_url().unwrap_or("STS");
        if identity::is_not_sts(&error) {
            self.board.replace(network::not_sts(url, chain(&error), &self.remedy));
            self.board.clear(id, &[Id::StsEndpoint]);
        } else if let CredsError::RegionDisabled { region, .. } = &error {
            self.board.replace(
                Link::broken(Id::StsEndpoint, "region-disabled", msg!("doctor-endpoint-disabled", region = region))
                    .because(chain(&error))
                    .detail("region", region.clone())
                    .mend(Mend::say(msg!("doctor-mend-region-sts", region = region))),
            );
            self.board.clear(id, &[Id::StsEndpoint]);
        } else {
            self.board.put(identity::refused(id, &error, &identity, &sources, &self.remedy));
        }
        None
    }

    pub(super) async fn account(&mut self, caller: &Caller) -> Option<AccountId> {
        let found = self.within(caller.role.account()).await?;
        let account = found.as_ref().ok().copied();
        let link = identity::account(found, &caller.arn, self.settings.role_arn.as_ref(), &self.remedy);
        let sound = link.state == State::Ok;
        self.board.put(link);
        account.filter(|_| sound)
    }
}
