//! The whole set-up as data, and as files that other tools carry out.

mod cloudformation;
mod documents;
mod format;
mod identity;
mod script;
mod terraform;
mod tree;

pub use format::{Format, FormatError};
pub use identity::{IamName, IamNameError, SceneIdentity, ServiceTrust};

use crate::{
    AccountId, BucketName, DEFAULT_LIFECYCLE_DAYS, DEFAULT_USER, HOME_REGION, Partition, PartitionError, RoleArn,
};

/// Everything that a subscriber sets up: the bucket with its settings and policy, and the identity that may assume the
/// copy role. The region is always one that the service can be used from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    account: AccountId,
    bucket: BucketName,
    role: RoleArn,
    region: String,
    identity: SceneIdentity,
    lifecycle_days: u32,
}

impl Scene {
    /// The manual's set-up: the vendor's copy role for this account, a bucket in the vendor's region, a user for this
    /// purpose, unfinished uploads ended after [`DEFAULT_LIFECYCLE_DAYS`].
    pub fn new(account: AccountId, bucket: BucketName) -> Scene {
        Scene {
            account,
            bucket,
            role: RoleArn::copy_role(&AccountId::VENDOR, &account),
            region: HOME_REGION.to_owned(),
            identity: SceneIdentity::User { name: IamName::known(DEFAULT_USER) },
            lifecycle_days: DEFAULT_LIFECYCLE_DAYS,
        }
    }

    /// With another copy role.
    pub fn with_role(mut self, role: RoleArn) -> Scene {
        self.role = role;
        self
    }

    /// With the bucket in another region, of which the partition must be the vendor's.
    pub fn with_region(mut self, region: &str) -> Result<Scene, PartitionError> {
        Partition::of_region(region)?;
        self.region = region.to_owned();
        Ok(self)
    }

    /// With another identity.
    pub fn with_identity(mut self, identity: SceneIdentity) -> Scene {
        self.identity = identity;
        self
    }

    /// With unfinished uploads ended after so many days, at least 1.
    pub fn with_lifecycle_days(mut self, days: u32) -> Scene {
        self.lifecycle_days = days.max(1);
        self
    }

    /// The subscriber's account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The subscriber's bucket.
    pub fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// The copy role.
    pub fn role(&self) -> &RoleArn {
        &self.role
    }

    /// The bucket's region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Who may assume the copy role.
    pub fn identity(&self) -> &SceneIdentity {
        &self.identity
    }

    /// The days after which unfinished uploads are ended.
    pub fn lifecycle_days(&self) -> u32 {
        self.lifecycle_days
    }

    /// The whole set-up as one file.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Json => documents::scene(self),
            Format::CloudFormation => cloudformation::scene(self),
            Format::Terraform => terraform::scene(self),
            Format::AwsCli => script::scene(self),
        }
    }
}

/// The bucket policy alone, in a format. CloudFormation and Terraform take a bucket that is there already.
pub fn render_bucket_policy(format: Format, role: &RoleArn, bucket: &BucketName) -> String {
    match format {
        Format::Json => format!("{}\n", crate::bucket_policy(role, bucket)),
        Format::CloudFormation => cloudformation::bucket_policy(role, bucket),
        Format::Terraform => terraform::bucket_policy(role, bucket),
        Format::AwsCli => script::bucket_policy(role, bucket),
    }
}

/// The AssumeRole policy alone, in a format: as a managed policy of its own where the format makes things.
pub fn render_assume_role_policy(format: Format, role: &RoleArn) -> String {
    match format {
        Format::Json => format!("{}\n", crate::assume_role_policy(role)),
        Format::CloudFormation => cloudformation::assume_role_policy(role),
        Format::Terraform => terraform::assume_role_policy(role),
        Format::AwsCli => script::assume_role_policy(role),
    }
}
