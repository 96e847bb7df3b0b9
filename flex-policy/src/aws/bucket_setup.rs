//! The changes that set-up makes to a bucket, one method each.

use aws_sdk_s3::{
    Client,
    types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint, BucketNamespace,
        CreateBucketConfiguration, ExpirationStatus, LifecycleRule, LifecycleRuleFilter, ObjectOwnership,
        OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
        ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    },
};

use super::{BucketState, Failure, Lifecycle, Operation, Reading, bucket_state::Ask, client::patient};
use crate::{account::AccountId, bucket::BucketName, names::LIFECYCLE_RULE_ID};

/// A bucket that is being set up, and the account whose it must be: every request but the bucket's creation demands
/// that (`x-amz-expected-bucket-owner`).
///
/// The settings have defaults: S3 makes new buckets with Block Public Access on, without ACLs, and encrypted with its
/// own keys, so that only what differs needs a request.
#[derive(Clone, Debug)]
pub struct BucketSetup {
    s3: Client,
    bucket: BucketName,
    account: Option<AccountId>,
}

/// What came of creating a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It was created.
    New,
    /// It was there, and is ours.
    OursAlready,
    /// The name is taken by another account.
    SomebodyElses,
}

impl BucketSetup {
    /// With a client of the owner's identity. Its requests are tried again as the SDK does by default, and none lasts
    /// longer than half a minute. Without an account the owner is not checked, for stores that know none.
    pub fn new(s3: &Client, bucket: BucketName, account: Option<AccountId>) -> Self {
        Self { s3: patient(s3), bucket, account }
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// Whether each request demands that the bucket be ours.
    pub fn checks_owner(&self) -> bool {
        self.account.is_some()
    }

    /// What the bucket is like.
    pub async fn state(&self) -> BucketState {
        BucketState::read(&self.s3, &self.bucket, self.account.as_ref()).await
    }

    fn owner(&self) -> Option<String> {
        self.account.map(|account| account.to_string())
    }

    fn ask(&self) -> Ask<'_> {
        Ask { s3: &self.s3, bucket: self.bucket.as_str(), owner: self.owner() }
    }

    /// The policy as it is now.
    pub async fn policy(&self) -> Reading<String> {
        self.ask().policy().await
    }

    /// The lifecycle as it is now.
    pub async fn lifecycle(&self) -> Reading<Lifecycle> {
        self.ask().lifecycle().await
    }

    /// Creates the bucket in this region, which must be the client's.
    pub async fn create(&self, region: &str) -> Result<Created, Failure> {
        let mut request = self.s3.create_bucket().bucket(self.bucket.as_str());
        // us-east-1 is what S3 takes for no constraint, and refuses by name.
        if region != "us-east-1" {
            let constraint = BucketLocationConstraint::from(region);
            let configuration = CreateBucketConfiguration::builder().location_constraint(constraint).build();
            request = request.create_bucket_configuration(configuration);
        }
        // The ending is reserved for names of an account's own namespace, which must be asked for.
        if self.bucket.as_str().ends_with("-an") {
            request = request.bucket_namespace(BucketNamespace::AccountRegional);
        }
        match request.send().await {
            Ok(_) => Ok(Created::New),
            Err(error) => {
                let failure = Failure::from_sdk(Operation::CreateBucket, error);
                match failure.code() {
                    Some("BucketAlreadyOwnedByYou") => Ok(Created::OursAlready),
                    Some("BucketAlreadyExists") => Ok(Created::SomebodyElses),
                    _ => Err(failure),
                }
            }
        }
    }

    /// Turns all four switches of Block Public Access on.
    pub async fn block_public_access(&self) -> Result<(), Failure> {
        let all = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let request = self.s3.put_public_access_block().bucket(self.bucket.as_str());
        let request = request.set_expected_bucket_owner(self.owner()).public_access_block_configuration(all);
        request.send().await.map_err(|e| Failure::from_sdk(Operation::PutPublicAccessBlock, e))?;
        Ok(())
    }

    /// Makes the bucket's owner the owner of all objects, without ACLs.
    pub async fn disable_acls(&self) -> Result<(), Failure> {
        let operation = Operation::PutBucketOwnershipControls;
        let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced);
        let rule = rule.build().map_err(|_| Failure::not_sent(operation))?;
        let controls = OwnershipControls::builder().rules(rule).build().map_err(|_| Failure::not_sent(operation))?;
        let request = self.s3.put_bucket_ownership_controls().bucket(self.bucket.as_str());
        let request = request.set_expected_bucket_owner(self.owner()).ownership_controls(controls);
        request.send().await.map_err(|e| Failure::from_sdk(operation, e))?;
        Ok(())
    }

    /// Makes encryption with S3's own keys the default.
    pub async fn encrypt_with_s3_keys(&self) -> Result<(), Failure> {
        let operation = Operation::PutBucketEncryption;
        let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
        let default = default.build().map_err(|_| Failure::not_sent(operation))?;
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
        let configuration = ServerSideEncryptionConfiguration::builder().rules(rule).build();
        let configuration = configuration.map_err(|_| Failure::not_sent(operation))?;
        let request = self.s3.put_bucket_encryption().bucket(self.bucket.as_str());
        let request = request.set_expected_bucket_owner(self.owner());
        let request = request.server_side_encryption_configuration(configuration);
        request.send().await.map_err(|e| Failure::from_sdk(operation, e))?;
        Ok(())
    }

    /// Adds the rule that ends unfinished uploads to the rules that are given; S3 knows only the replacement of all. A
    /// rule of the same id is replaced. `current` is what was read just before, none where there is no lifecycle.
    pub async fn end_unfinished_uploads(&self, current: Option<&Lifecycle>, days: u32) -> Result<(), Failure> {
        let operation = Operation::PutBucketLifecycleConfiguration;
        let mut rule = LifecycleRule::builder()
            .id(LIFECYCLE_RULE_ID)
            .status(ExpirationStatus::Enabled)
            .abort_incomplete_multipart_upload(
                AbortIncompleteMultipartUpload::builder()
                    .days_after_initiation(i32::try_from(days).unwrap_or(i32::MAX))
                    .build(),
            );
        rule = if current.is_some_and(Lifecycle::is_of_the_old_form) {
            #[expect(deprecated, reason = "S3 does not take rules of both forms together")]
            rule.prefix("")
        } else {
            rule.filter(LifecycleRuleFilter::builder().prefix("").build())
        };
        let rule = rule.build().map_err(|_| Failure::not_sent(operation))?;
        let mut rules = current.map(|current| current.rules.clone()).unwrap_or_default();
        match rules.iter_mut().find(|rule| rule.id() == Some(LIFECYCLE_RULE_ID)) {
            Some(ours) => *ours = rule,
            None => rules.push(rule),
        }
        let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
        let configuration = configuration.map_err(|_| Failure::not_sent(operation))?;
        let request = self.s3.put_bucket_lifecycle_configuration().bucket(self.bucket.as_str());
        let request = request
            .set_expected_bucket_owner(self.owner())
            .set_transition_default_minimum_object_size(current.and_then(|current| current.minimum_size.clone()))
            .lifecycle_configuration(configuration);
        request.send().await.map_err(|e| Failure::from_sdk(operation, e))?;
        Ok(())
    }

    /// Puts the policy in place of the one that is there. [`FailureKind::InvalidPrincipal`](super::FailureKind) when it
    /// names a role that does not exist.
    pub async fn put_policy(&self, text: &str) -> Result<(), Failure> {
        let request = self.s3.put_bucket_policy().bucket(self.bucket.as_str());
        let request = request.set_expected_bucket_owner(self.owner()).policy(text);
        request.send().await.map_err(|e| Failure::from_sdk(Operation::PutBucketPolicy, e))?;
        Ok(())
    }
}
