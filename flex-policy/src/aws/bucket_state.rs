//! What a bucket is like: each of its settings read by itself, all at once.

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{LifecycleRule, ObjectOwnership, PublicAccessBlockConfiguration, ServerSideEncryption},
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::{Failure, FailureKind, Operation, client::patient};
use crate::{account::AccountId, bucket::BucketName};

/// What was learnt of one thing. A setting that cannot be read hides no other.
#[derive(Debug)]
pub enum Reading<T> {
    /// It is this.
    Known(T),
    /// There is none. Of a setting: the bucket is there, or [`BucketState::region`] is absent, too.
    Absent,
    /// The caller may not ask: [`Failure::denied_action`] names the missing right.
    Denied(Failure),
    /// The question failed.
    Failed(Failure),
}

impl<T> Reading<T> {
    /// What is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(found) => Some(found),
            _ => None,
        }
    }

    /// Why it is not known.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Denied(failure) | Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// Whether the service answered: there is such a thing, or there is none.
    pub fn is_answered(&self) -> bool {
        self.failure().is_none()
    }

    pub(crate) fn of<E>(operation: Operation, answer: Result<Option<T>, SdkError<E, HttpResponse>>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match answer {
            Ok(Some(found)) => Self::Known(found),
            Ok(None) => Self::Absent,
            Err(error) => Self::failed(Failure::from_sdk(operation, error)),
        }
    }

    pub(crate) fn failed(failure: Failure) -> Self {
        match failure.kind() {
            // Not the same as a setting that is not there.
            FailureKind::NotFound if failure.code() == Some("NoSuchBucket") => Self::Failed(failure),
            FailureKind::NotFound => Self::Absent,
            FailureKind::Denied => Self::Denied(failure),
            _ => Self::Failed(failure),
        }
    }
}

/// Whose a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It belongs to the account that was named.
    Us,
    /// It belongs to another.
    SomebodyElse,
    /// The caller may not even ask, which is so with somebody else's bucket and with a caller without rights; or no
    /// account was named.
    Unknown,
}

/// The four switches of Block Public Access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after S3's fields")]
pub struct PublicAccess {
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    pub block_public_policy: bool,
    pub restrict_public_buckets: bool,
}

impl PublicAccess {
    /// Whether all four are on.
    pub fn is_fully_blocked(self) -> bool {
        self.block_public_acls && self.ignore_public_acls && self.block_public_policy && self.restrict_public_buckets
    }
}

/// How new objects are encrypted unless the request says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultEncryption {
    /// With S3's own keys.
    S3,
    /// With a key of KMS, `aws/s3` when none is named. `dual`: in two layers.
    Kms {
        /// Id, ARN or alias.
        key: Option<String>,
        /// DSSE-KMS.
        dual: bool,
    },
    /// A kind that this crate does not know.
    Other(String),
}

/// Who owns the objects of the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// The bucket's owner; there are no ACLs.
    BucketOwnerEnforced,
    /// The bucket's owner, of objects put with `bucket-owner-full-control`.
    BucketOwnerPreferred,
    /// Whoever put them.
    ObjectWriter,
    /// A mode that this crate does not know.
    Other(String),
}

/// A bucket's lifecycle.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    pub(crate) rules: Vec<LifecycleRule>,
    /// Goes back as it came: without it, a put sets it to S3's default.
    pub(crate) minimum_size: Option<aws_sdk_s3::types::TransitionDefaultMinimumObjectSize>,
}

impl Lifecycle {
    /// The rules' ids.
    pub fn rules(&self) -> Vec<&str> {
        self.rules.iter().map(|rule| rule.id().unwrap_or_default()).collect()
    }

    /// Whether a rule has its prefix outside of a filter. S3 keeps such rules as they are, and refuses them beside rules
    /// with a filter: "Base level prefix cannot be used in Lifecycle V2".
    pub(crate) fn is_of_the_old_form(&self) -> bool {
        #[expect(deprecated, reason = "it is about this field")]
        self.rules.iter().any(|rule| rule.filter().is_none() && rule.prefix().is_some())
    }

    /// After how many days unfinished uploads of the whole bucket are ended, by the rule that does so first.
    pub fn ends_unfinished_uploads_after(&self) -> Option<i32> {
        let enabled = |rule: &&LifecycleRule| rule.status().as_str() == "Enabled" && is_for_whole_bucket(rule);
        let days = |rule: &LifecycleRule| rule.abort_incomplete_multipart_upload()?.days_after_initiation();
        self.rules.iter().filter(enabled).filter_map(days).min()
    }

    /// After how many days a rule deletes or moves current objects, if one does: the rules' ids.
    pub fn touches_objects(&self) -> Vec<&str> {
        let touches = |rule: &&LifecycleRule| {
            rule.status().as_str() == "Enabled" && (rule.expiration().is_some() || !rule.transitions().is_empty())
        };
        self.rules.iter().filter(touches).map(|rule| rule.id().unwrap_or_default()).collect()
    }
}

fn is_for_whole_bucket(rule: &LifecycleRule) -> bool {
    let empty = |prefix: Option<&str>| prefix.is_none_or(str::is_empty);
    #[expect(deprecated, reason = "old rules have their prefix there")]
    let outside = empty(rule.prefix());
    outside
        && rule.filter().is_none_or(|filter| {
            empty(filter.prefix())
                && filter.tag().is_none()
                && filter.and().is_none()
                && filter.object_size_greater_than().is_none()
                && filter.object_size_less_than().is_none()
        })
}

/// A bucket as it was found.
#[derive(Debug)]
pub struct BucketState {
    /// Where it lives; absent when there is no bucket of this name. Known also of a bucket that the caller may not ask
    /// about, as far as S3 tells.
    pub region: Reading<String>,
    /// Whose it is.
    pub owner: Owner,
    /// Block Public Access.
    pub public_access: Reading<PublicAccess>,
    /// Object ownership. Absent in buckets of before 2021, which means [`Ownership::ObjectWriter`].
    pub ownership: Reading<Ownership>,
    /// Default encryption.
    pub encryption: Reading<DefaultEncryption>,
    /// The lifecycle rules.
    pub lifecycle: Reading<Lifecycle>,
    /// The policy's text.
    pub policy: Reading<String>,
}

impl BucketState {
    /// Whether there is a bucket of this name; none when that could not be learnt.
    pub fn exists(&self) -> Option<bool> {
        match &self.region {
            Reading::Known(_) => Some(true),
            Reading::Absent => Some(false),
            Reading::Denied(_) => Some(true),
            Reading::Failed(failure) => (failure.kind() == FailureKind::WrongRegion).then_some(true),
        }
    }

    /// Whether one of S3's servers does not know the bucket, though another may, as just after its creation.
    pub fn is_not_known_everywhere(&self) -> bool {
        let unknown = |failure: Option<&Failure>| failure.and_then(Failure::code) == Some("NoSuchBucket");
        self.exists() == Some(false)
            || unknown(self.public_access.failure())
            || unknown(self.ownership.failure())
            || unknown(self.encryption.failure())
            || unknown(self.lifecycle.failure())
            || unknown(self.policy.failure())
    }

    /// Asks for everything at once. Never fails as a whole. With an account, each request demands that the bucket be that
    /// account's (`x-amz-expected-bucket-owner`).
    pub async fn read(s3: &Client, bucket: &BucketName, account: Option<&AccountId>) -> Self {
        let s3 = &patient(s3);
        let ask = Ask { s3, bucket: bucket.as_str(), owner: account.map(|account| account.as_str().to_owned()) };
        let ((region, owner), public_access, ownership, encryption, lifecycle, policy) = futures::join!(
            ask.whereabouts(),
            ask.public_access(),
            ask.ownership(),
            ask.encryption(),
            ask.lifecycle(),
            ask.policy(),
        );
        if let Reading::Absent = region {
            return Self::absent();
        }
        let mut state = Self { region, owner, public_access, ownership, encryption, lifecycle, policy };
        state.conclude(account.is_some());
        state
    }

    /// No bucket of this name has no settings.
    fn absent() -> Self {
        Self {
            region: Reading::Absent,
            owner: Owner::Unknown,
            public_access: Reading::Absent,
            ownership: Reading::Absent,
            encryption: Reading::Absent,
            lifecycle: Reading::Absent,
            policy: Reading::Absent,
        }
    }

    /// An answer to a request that demanded our ownership proves it.
    fn conclude(&mut self, demanded: bool) {
        let answered = self.public_access.known().is_some()
            || self.ownership.known().is_some()
            || self.encryption.known().is_some()
            || self.lifecycle.known().is_some()
            || self.policy.known().is_some();
        if demanded && answered && self.owner == Owner::Unknown {
            self.owner = Owner::Us;
        }
    }
}

pub(crate) struct Ask<'a> {
    pub(crate) s3: &'a Client,
    pub(crate) bucket: &'a str,
    pub(crate) owner: Option<String>,
}

impl Ask<'_> {
    async fn head(&self, owner: Option<String>) -> Result<Option<String>, Failure> {
        let answer = self.s3.head_bucket().bucket(self.bucket).set_expected_bucket_owner(owner).send().await;
        match answer {
            Ok(found) => Ok(found.bucket_region),
            Err(error) => Err(Failure::from_sdk(Operation::HeadBucket, error)),
        }
    }

    /// Region and owner. A HEAD's 403 does not say which it is, another owner or a missing right: a second one, which does
    /// not demand an owner, tells them apart where the caller has the right.
    async fn whereabouts(&self) -> (Reading<String>, Owner) {
        let here = |region: Option<String>| Reading::Known(region.unwrap_or_else(|| self.own_region()));
        let failure = match self.head(self.owner.clone()).await {
            Ok(region) => return (here(region), if self.owner.is_some() { Owner::Us } else { Owner::Unknown }),
            Err(failure) => failure,
        };
        let known = failure.bucket_region().map(str::to_owned);
        match (failure.kind(), known) {
            (FailureKind::NotFound, _) => (Reading::Absent, Owner::Unknown),
            (FailureKind::Denied, known) => {
                if self.owner.is_some()
                    && let Ok(region) = self.head(None).await
                {
                    return (here(region.or(known)), Owner::SomebodyElse);
                }
                (known.map_or_else(|| Reading::failed(failure), Reading::Known), Owner::Unknown)
            }
            (_, Some(region)) => (Reading::Known(region), Owner::Unknown),
            _ => (Reading::failed(failure), Owner::Unknown),
        }
    }

    /// A store that does not tell the region has but one.
    fn own_region(&self) -> String {
        self.s3.config().region().map(ToString::to_string).unwrap_or_default()
    }

    pub(crate) async fn public_access(&self) -> Reading<PublicAccess> {
        let asked = self.s3.get_public_access_block().bucket(self.bucket);
        let answer = asked.set_expected_bucket_owner(self.owner.clone()).send().await;
        let on = |switch: Option<bool>| switch.unwrap_or(false);
        let read = |found: PublicAccessBlockConfiguration| PublicAccess {
            block_public_acls: on(found.block_public_acls),
            ignore_public_acls: on(found.ignore_public_acls),
            block_public_policy: on(found.block_public_policy),
            restrict_public_buckets: on(found.restrict_public_buckets),
        };
        let answer = answer.map(|answer| answer.public_access_block_configuration.map(read));
        Reading::of(Operation::GetPublicAccessBlock, answer)
    }

    pub(crate) async fn ownership(&self) -> Reading<Ownership> {
        let asked = self.s3.get_bucket_ownership_controls().bucket(self.bucket);
        let answer = asked.set_expected_bucket_owner(self.owner.clone()).send().await;
        let answer = answer.map(|answer| {
            let rule = answer.ownership_controls.and_then(|controls| controls.rules.into_iter().next())?;
            Some(match rule.object_ownership {
                ObjectOwnership::BucketOwnerEnforced => Ownership::BucketOwnerEnforced,
                ObjectOwnership::BucketOwnerPreferred => Ownership::BucketOwnerPreferred,
                ObjectOwnership::ObjectWriter => Ownership::ObjectWriter,
                other => Ownership::Other(other.as_str().to_owned()),
            })
        });
        Reading::of(Operation::GetBucketOwnershipControls, answer)
    }

    pub(crate) async fn encryption(&self) -> Reading<DefaultEncryption> {
        let asked = self.s3.get_bucket_encryption().bucket(self.bucket);
        let answer = asked.set_expected_bucket_owner(self.owner.clone()).send().await;
        let answer = answer.map(|answer| {
            let rule = answer.server_side_encryption_configuration?.rules.into_iter().next()?;
            let default = rule.apply_server_side_encryption_by_default?;
            let key = default.kms_master_key_id;
            Some(match default.sse_algorithm {
                ServerSideEncryption::Aes256 => DefaultEncryption::S3,
                ServerSideEncryption::AwsKms => DefaultEncryption::Kms { key, dual: false },
                ServerSideEncryption::AwsKmsDsse => DefaultEncryption::Kms { key, dual: true },
                other => DefaultEncryption::Other(other.as_str().to_owned()),
            })
        });
        Reading::of(Operation::GetBucketEncryption, answer)
    }

    pub(crate) async fn lifecycle(&self) -> Reading<Lifecycle> {
        let asked = self.s3.get_bucket_lifecycle_configuration().bucket(self.bucket);
        let answer = asked.set_expected_bucket_owner(self.owner.clone()).send().await;
        let answer = answer.map(|answer| {
            let minimum_size = answer.transition_default_minimum_object_size;
            Some(Lifecycle { rules: answer.rules.unwrap_or_default(), minimum_size })
        });
        Reading::of(Operation::GetBucketLifecycleConfiguration, answer)
    }

    pub(crate) async fn policy(&self) -> Reading<String> {
        let asked = self.s3.get_bucket_policy().bucket(self.bucket);
        let answer = asked.set_expected_bucket_owner(self.owner.clone()).send().await;
        Reading::of(Operation::GetBucketPolicy, answer.map(|answer| answer.policy))
    }
}
