//! The order of the checks: what runs beside what, and what waits for what.

mod access;
mod buckets;
mod here;

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_s3::Client;
use aws_types::SdkConfig;
use flex_creds::CopyRole;
use flex_policy::{AccountId, RoleArn};

use super::{
    bucket::OwnerView,
    identity::Sources,
    link::{Board, Id, Link, State},
    present::Teller,
    remedy::Remedy,
    source, writing,
};
use crate::{clients::AsRole, config::Settings, error::Stop, present::Ui};

pub(super) struct Doctor<'a> {
    pub(super) settings: &'a Settings,
    pub(super) remedy: Remedy<'a>,
    /// What one check may take.
    pub(super) deadline: Duration,
    pub(super) write_probe: bool,
    pub(super) board: Board,
    pub(super) teller: Teller,
    pub(super) ui: &'a mut Ui,
}

/// The base identity, loaded once, and the role that it is to assume.
struct Caller {
    identity: Credentials,
    role: CopyRole,
    arn: String,
    sources: Sources,
}

/// The owner identity, if there is one.
struct Owned {
    view: OwnerView,
    s3: Client,
    account: Option<AccountId>,
}

const BEFORE_S3: [Id; 3] = [Id::Configuration, Id::S3Endpoint, Id::Clock];

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn fixed(config: SdkConfig, identity: &Credentials) -> SdkConfig {
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(identity.clone())).build()
}

fn lines(stop: &Stop) -> Vec<String> {
    std::iter::once(stop.what()).chain(stop.because().iter().map(String::as_str)).map(str::to_owned).collect()
}

impl Doctor<'_> {
    fn tell(&mut self, up_to: Option<Id>) {
        self.teller.tell(&self.board, up_to, self.ui);
    }

    async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(self.deadline, work).await.ok()
    }

    pub(super) async fn examine(&mut self) {
        self.version();
        let Some(base) = self.configuration().await else {
            for id in Id::ALL {
                if self.board.get(id).is_none() {
                    self.board.put(Link::waits(id, vec![Id::Configuration]));
                }
            }
            return;
        };
        self.tell(None);
        self.network(&base).await;
        self.tell(Some(Id::StsEndpoint));
        let caller = self.caller(&base).await;
        self.tell(None);
        let account = match &caller {
            Some(caller) => self.account(caller).await,
            None => {
                self.board.clear(Id::Account, &[Id::Identity]);
                None
            }
        };
        self.tell(None);

        // An account or a role that is wrong says nothing of the owner.
        let misled = self.board.get(Id::Account).is_some_and(|link| link.state == State::Broken);
        let given = account.or(self.settings.account).filter(|_| !misled);
        let (session, owned) =
            futures::join!(self.session(caller.as_ref(), account.is_some()), self.owner(&base, caller.as_ref(), given));
        let (owner_link, owned) = owned;
        let subscriber = given.or(owned.as_ref().and_then(|owned| owned.account));
        let arn = self
            .settings
            .role_arn
            .clone()
            .or(subscriber.map(|account| RoleArn::copy_role(&self.settings.source_account, &account)));
        let session = self.judge_role(&base, caller.as_ref(), session, owned.as_ref(), arn.as_ref()).await;
        self.board.put(owner_link);
        self.tell(Some(Id::Owner));

        let as_role = match (&session, &caller, base.s3_config(self.settings).await) {
            (Some(session), Some(caller), Ok(config)) => {
                Some(AsRole::new(&config, caller.role.clone(), session.clone()))
            }
            _ => None,
        };
        let (root, role_view) =
            futures::join!(self.root(as_role.as_ref()), self.role_view(as_role.as_ref(), subscriber));
        self.judge_bucket(&role_view, owned.as_ref(), subscriber.as_ref());
        self.settings_of_bucket(owned.as_ref(), arn.as_ref());
        if self.board.clear(Id::Source, &[&BEFORE_S3[..], &[Id::Role]].concat())
            && let Some(root) = &root
        {
            let endpoint = |link: &Link| link.code == Some("vpc-endpoint-policy");
            let link = source::source(root, self.settings, &self.remedy);
            // One endpoint's policy, told once.
            let told = endpoint(&link) && self.board.get(Id::Bucket).is_some_and(endpoint);
            self.board.put(if told { Link::waits(Id::Source, vec![Id::Bucket]) } else { link });
        }
        self.tell(None);
        let (sample, uploads) = futures::join!(
            self.sample(as_role.as_ref(), root.as_ref().and_then(|root| root.as_ref().ok())),
            self.uploads(owned.as_ref(), subscriber.as_ref())
        );
        if self.board.clear(Id::Licence, &[Id::Source])
            && let Some((latest, looked)) = &sample
        {
            self.board.put(source::licence(latest.as_deref(), looked));
        }
        self.destination(&role_view);
        self.tell(None);
        self.probe(as_role.as_ref(), sample.map(|(_, looked)| looked).unwrap_or_default()).await;
        match uploads {
            Some(found) => {
                self.board.put(writing::uploads(&found, arn.as_ref().map(RoleArn::role_name), &self.remedy));
            }
            None => {
                if self.board.clear(Id::Uploads, &[&BEFORE_S3[..], &[Id::Owner, Id::Bucket]].concat()) {
                    self.board.put(Link::waits(Id::Uploads, vec![Id::Owner]));
                }
            }
        }
        self.tell(None);
    }

    fn no_answer(&self, what: &str) -> String {
        format!("{what}: no answer within {} s", self.deadline.as_secs_f64())
    }
}
