//! A bucket's own operations: policy, location, encryption, and the rest that set-up touches.

use s3s::S3Result;
use s3s::dto::{
    BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, GetBucketEncryptionOutput,
    GetBucketLifecycleConfigurationOutput, GetBucketLocationOutput, GetBucketOwnershipControlsOutput,
    GetBucketPolicyOutput, GetPublicAccessBlockOutput, HeadBucketOutput, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PutBucketEncryptionInput, PutBucketLifecycleConfigurationInput,
    PutBucketOwnershipControlsInput, PutBucketPolicyInput, PutPublicAccessBlockInput, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};

use super::access::Caller;
use super::object::Encryption;
use super::policy::{Flaw, Policy};
use super::reading::encryption;
use super::refusal::{access_denied, no_such_bucket, not_written, refuse};
use super::world::{Bucket, Ownership, State, World};

/// S3 takes no longer bucket policy.
const LARGEST_POLICY: usize = 20 * 1024;

fn with<T>(world: &World, bucket: &str, f: impl FnOnce(&mut Bucket) -> S3Result<T>) -> S3Result<T> {
    f(world.state().buckets.get_mut(bucket).ok_or_else(no_such_bucket)?)
}

pub(crate) fn create(world: &World, caller: &Caller, input: CreateBucketInput) -> S3Result<CreateBucketOutput> {
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
    let mut bucket = Bucket::new(account, world.region());
    if let Some(ownership) = input.object_ownership {
        bucket.settings.ownership = parse_ownership(ownership.as_str())?;
    }
    let location = format!("/{}", input.bucket);
    state.buckets.insert(input.bucket, bucket);
    Ok(CreateBucketOutput { location: Some(location) })
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
        Some((text, _)) => Ok(GetBucketPolicyOutput { policy: Some(text.clone()) }),
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
    if !policy.principals().all(|principal| exists(&state, principal)) {
        return Err(refuse(400, "MalformedPolicy", "Invalid principal in policy"));
    }
    let bucket = state.buckets.get_mut(&input.bucket).ok_or_else(no_such_bucket)?;
    let blocks =
        bucket.settings.public_access_block.as_ref().is_some_and(|block| block.block_public_policy == Some(true));
    if blocks && policy.is_public() {
        return Err(access_denied());
    }
    bucket.policy = Some((input.policy.clone(), policy));
    Ok(())
}

/// Whether AWS can resolve a principal: accounts always, users and roles when they exist.
fn exists(state: &State, principal: &str) -> bool {
    let account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if principal == "*" || account(principal) {
        return true;
    }
    let Some(rest) = principal.strip_prefix("arn:aws:iam::") else { return false };
    match rest.split_once(':') {
        Some((id, "root")) => account(id),
        Some((_, name)) if name.starts_with("role/") => state.roles.get(principal).is_some_and(|role| role.exists),
        Some((_, name)) if name.starts_with("user/") => state.policies.contains_key(principal),
        _ => false,
    }
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
            bucket_key_enabled: Some(false),
        };
        let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
        Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) })
    })
}

pub(crate) fn put_encryption(world: &World, input: PutBucketEncryptionInput) -> S3Result<()> {
    let rule = input.server_side_encryption_configuration.rules.into_iter().next();
    let default = rule.and_then(|rule| rule.apply_server_side_encryption_by_default);
    let default = default.ok_or_else(|| refuse(400, "MalformedXML", "The encryption configuration has no rule"))?;
    let kind = match default.sse_algorithm.as_str() {
        "AES256" => Encryption::S3,
        "aws:kms" => Encryption::Kms,
        _ => return Err(not_written("this kind of encryption")),
    };
    with(world, &input.bucket, |b| {
        b.settings.encryption = kind;
        b.settings.kms_key = default.kms_master_key_id;
        Ok(())
    })
}

pub(crate) fn lifecycle(world: &World, bucket: &str) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    with(world, bucket, |b| match &b.settings.lifecycle {
        Some(rules) => Ok(GetBucketLifecycleConfigurationOutput { rules: Some(rules.clone()), ..Default::default() }),
        None => Err(refuse(404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")),
    })
}

pub(crate) fn put_lifecycle(world: &World, input: PutBucketLifecycleConfigurationInput) -> S3Result<()> {
    let rules = input.lifecycle_configuration.map(|configuration| configuration.rules).unwrap_or_default();
    if rules.is_empty() {
        return Err(refuse(400, "MalformedXML", "The lifecycle configuration has no rule"));
    }
    with(world, &input.bucket, |b| {
        b.settings.lifecycle = Some(rules);
        Ok(())
    })
}

pub(crate) fn delete_lifecycle(world: &World, bucket: &str) -> S3Result<()> {
    with(world, bucket, |b| {
        b.settings.lifecycle = None;
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
        let rule =
            OwnershipControlsRule { object_ownership: ObjectOwnership::from_static(b.settings.ownership.name()) };
        Ok(GetBucketOwnershipControlsOutput { ownership_controls: Some(OwnershipControls { rules: vec![rule] }) })
    })
}

pub(crate) fn put_ownership(world: &World, input: &PutBucketOwnershipControlsInput) -> S3Result<()> {
    let rule = input.ownership_controls.rules.first();
    let name = rule.map_or("", |rule| rule.object_ownership.as_str());
    let ownership = parse_ownership(name)?;
    with(world, &input.bucket, |b| {
        b.settings.ownership = ownership;
        Ok(())
    })
}
