//! A bucket's own operations: policy, location, encryption, and the rest that set-up touches.

use http::HeaderMap;
use s3s::S3Result;
use s3s::dto::{
    BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, GetBucketEncryptionOutput,
    GetBucketLocationOutput, GetBucketOwnershipControlsOutput, GetBucketPolicyOutput, GetBucketPolicyStatusOutput,
    GetPublicAccessBlockOutput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput, ObjectOwnership, Owner,
    OwnershipControls, OwnershipControlsRule, PolicyStatus, PutBucketEncryptionInput, PutBucketOwnershipControlsInput,
    PutBucketPolicyInput, PutPublicAccessBlockInput, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};

use super::access::Caller;
use super::clock::{at_seconds, seconds};
use super::grammar::Flaw;
use super::object::Encryption;
use super::policy::{Policy, Stored};
use super::reading::encryption;
use super::refusal::{access_denied, no_such_bucket, not_written, refuse};
use super::world::{Bucket, Ownership, World};

/// S3 takes no longer bucket policy.
const LARGEST_POLICY: usize = 20 * 1024;

pub(crate) fn with<T>(world: &World, bucket: &str, f: impl FnOnce(&mut Bucket) -> S3Result<T>) -> S3Result<T> {
    f(world.state().buckets.get_mut(bucket).ok_or_else(no_such_bucket)?)
}

pub(crate) fn create(
    world: &World,
    caller: &Caller,
    input: CreateBucketInput,
    headers: &HeaderMap,
) -> S3Result<CreateBucketOutput> {
    let reserved = headers.get("x-amz-bucket-namespace").is_some_and(|value| value == "account-regional");
    let suffix = format!("-{}-{}-an", caller.principal.account(), world.region());
    if !well_named(&input.bucket)
        || input.bucket.ends_with("-an") != reserved
        || reserved && !input.bucket.ends_with(&suffix)
    {
        return Err(refuse(400, "InvalidBucketName", "The specified bucket is not valid."));
    }
    let named = input.create_bucket_configuration.and_then(|c| c.location_constraint);
    let named = named.as_ref().map_or("us-east-1", BucketLocationConstraint::as_str);
    if named != world.region() {
        return Err(refuse(
            400,
            "IllegalLocationConstraintException",
            format!(
                "The {named} location constraint is incompatible for the region specific endpoint this request was sent to."
            ),
        ));
    }
    let mut state = world.state();
    let account = caller.principal.account();
    match state.buckets.get(&input.bucket) {
        Some(bucket) if bucket.owner == account => {
            return Err(refuse(
                409,
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            ));
        }
        Some(_) => {
            return Err(refuse(409, "BucketAlreadyExists", "The requested bucket name is not available."));
        }
        None => {}
    }
    let mut bucket = Bucket::new(account, world.region(), world.now());
    if let Some(ownership) = input.object_ownership {
        bucket.settings.ownership = Some(parse_ownership(ownership.as_str())?);
    }
    if input.acl.as_ref().is_some_and(|acl| acl.as_str() != "private") {
        return Err(if bucket.settings.owner_rule() == Ownership::BucketOwnerEnforced {
            refuse(
                400,
                "InvalidBucketAclWithObjectOwnership",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            )
        } else {
            not_written("ACLs of buckets")
        });
    }
    let location = format!("/{}", input.bucket);
    state.buckets.insert(input.bucket, bucket);
    Ok(CreateBucketOutput { location: Some(location) })
}

/// The caller's account's buckets of all regions, in one page.
pub(crate) fn list(world: &World, caller: &Caller, input: ListBucketsInput) -> S3Result<ListBucketsOutput> {
    let state = world.state();
    let account = caller.principal.account();
    let (prefix, region) = (input.prefix.clone().unwrap_or_default(), input.bucket_region);
    let own = state.buckets.iter().filter(|(name, bucket)| {
        bucket.owner == account && name.starts_with(&prefix) && region.as_ref().is_none_or(|r| *r == bucket.region)
    });
    let buckets = own.map(|(name, bucket)| s3s::dto::Bucket {
        name: Some(name.clone()),
        bucket_region: Some(bucket.region.clone()),
        creation_date: Some(at_seconds(seconds(bucket.created)).into()),
    });
    let owner = Owner { id: Some(account.to_owned()), ..Default::default() };
    Ok(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        owner: Some(owner),
        prefix: input.prefix,
        continuation_token: None,
    })
}

/// AWS's rules for bucket names that s3s has not checked: characters, length, dots and addresses it has.
fn well_named(name: &str) -> bool {
    !["sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| name.ends_with(suffix))
}

pub(crate) fn head(world: &World, bucket: &str) -> S3Result<HeadBucketOutput> {
    with(world, bucket, |b| Ok(HeadBucketOutput { bucket_region: Some(b.region.clone()), ..Default::default() }))
}

pub(crate) fn location(world: &World, bucket: &str) -> S3Result<GetBucketLocationOutput> {
    with(world, bucket, |b| {
        let named = (b.region != "us-east-1").then(|| BucketLocationConstraint::from(b.region.clone()));
        Ok(GetBucketLocationOutput { location_constraint: named })
    })
}

pub(crate) fn policy(world: &World, bucket: &str) -> S3Result<GetBucketPolicyOutput> {
    with(world, bucket, |b| match &b.policy {
        Some(stored) => Ok(GetBucketPolicyOutput { policy: Some(stored.text.clone()) }),
        None => Err(refuse(404, "NoSuchBucketPolicy", "The bucket policy does not exist")),
    })
}

pub(crate) fn policy_status(world: &World, bucket: &str) -> S3Result<GetBucketPolicyStatusOutput> {
    with(world, bucket, |b| match &b.policy {
        Some(stored) => {
            let status = PolicyStatus { is_public: Some(stored.policy.is_public()) };
            Ok(GetBucketPolicyStatusOutput { policy_status: Some(status) })
        }
        None => Err(refuse(404, "NoSuchBucketPolicy", "The bucket policy does not exist")),
    })
}

pub(crate) fn put_policy(world: &World, input: &PutBucketPolicyInput) -> S3Result<()> {
    if input.policy.len() > LARGEST_POLICY {
        return Err(refuse(400, "MalformedPolicy", "Bucket policies are limited to 20 KB."));
    }
    let policy = Policy::of_bucket(&input.policy, &input.bucket).map_err(|flaw| match flaw {
        Flaw::Malformed(message) => refuse(400, "MalformedPolicy", message),
        Flaw::NotWritten(what) => not_written(&what),
    })?;
    let mut state = world.state();
    let now = world.now();
    if !policy.principals().all(|principal| state.accounts.resolves(principal, now)) {
        return Err(refuse(400, "MalformedPolicy", "Invalid principal in policy"));
    }
    let bucket = state.buckets.get_mut(&input.bucket).ok_or_else(no_such_bucket)?;
    let blocks =
        bucket.settings.public_access_block.as_ref().is_some_and(|block| block.block_public_policy == Some(true));
    if blocks && policy.is_public() {
        return Err(access_denied());
    }
    bucket.policy = Some(Stored { text: input.policy.clone(), policy });
    Ok(())
}

pub(crate) fn delete_policy(world: &World, bucket: &str) -> S3Result<()> {
    with(world, bucket, |b| {
        b.policy = None;
        Ok(())
    })
}

pub(crate) fn get_encryption(world: &World, bucket: &str) -> S3Result<GetBucketEncryptionOutput> {
    with(world, bucket, |b| {
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                kms_master_key_id: b.settings.kms_key.clone(),
                sse_algorithm: encryption(b.settings.encryption),
            }),
            bucket_key_enabled: Some(b.settings.bucket_key),
        };
        let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
        Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) })
    })
}

pub(crate) fn put_encryption(world: &World, input: PutBucketEncryptionInput) -> S3Result<()> {
    let rule = input.server_side_encryption_configuration.rules.into_iter().next();
    let bucket_key = rule.as_ref().is_some_and(|rule| rule.bucket_key_enabled == Some(true));
    let default = rule.and_then(|rule| rule.apply_server_side_encryption_by_default);
    let default = default.ok_or_else(|| refuse(400, "MalformedXML", "The encryption configuration has no rule"))?;
    let kind = match default.sse_algorithm.as_str() {
        "AES256" => Encryption::S3,
        "aws:kms" => Encryption::Kms,
        _ => return Err(not_written("this kind of encryption")),
    };
    if kind == Encryption::S3 && default.kms_master_key_id.is_some() {
        return Err(refuse(
            400,
            "InvalidArgument",
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        ));
    }
    with(world, &input.bucket, |b| {
        b.settings.encryption = kind;
        b.settings.kms_key = default.kms_master_key_id;
        b.settings.bucket_key = bucket_key;
        Ok(())
    })
}

pub(crate) fn public_access_block(world: &World, bucket: &str) -> S3Result<GetPublicAccessBlockOutput> {
    with(world, bucket, |b| match &b.settings.public_access_block {
        Some(block) => Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(block.clone()) }),
        None => Err(refuse(
            404,
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        )),
    })
}

pub(crate) fn put_public_access_block(world: &World, input: PutPublicAccessBlockInput) -> S3Result<()> {
    with(world, &input.bucket, |b| {
        b.settings.public_access_block = Some(input.public_access_block_configuration);
        Ok(())
    })
}

pub(crate) fn delete_public_access_block(world: &World, bucket: &str) -> S3Result<()> {
    with(world, bucket, |b| {
        b.settings.public_access_block = None;
        Ok(())
    })
}

fn parse_ownership(name: &str) -> S3Result<Ownership> {
    Ownership::parse(name).ok_or_else(|| refuse(400, "MalformedXML", "ObjectOwnership is not one of the three"))
}

pub(crate) fn ownership(world: &World, bucket: &str) -> S3Result<GetBucketOwnershipControlsOutput> {
    with(world, bucket, |b| {
        let ownership = b.settings.ownership.ok_or_else(|| {
            refuse(404, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
        })?;
        let rule = OwnershipControlsRule { object_ownership: ObjectOwnership::from_static(ownership.name()) };
        Ok(GetBucketOwnershipControlsOutput { ownership_controls: Some(OwnershipControls { rules: vec![rule] }) })
    })
}

pub(crate) fn put_ownership(world: &World, input: &PutBucketOwnershipControlsInput) -> S3Result<()> {
    let rule = input.ownership_controls.rules.first();
    let name = rule.map_or("", |rule| rule.object_ownership.as_str());
    let ownership = parse_ownership(name)?;
    with(world, &input.bucket, |b| {
        b.settings.ownership = Some(ownership);
        Ok(())
    })
}

pub(crate) fn delete_ownership(world: &World, bucket: &str) -> S3Result<()> {
    with(world, bucket, |b| {
        b.settings.ownership = None;
        Ok(())
    })
}
