//! A bucket's lifecycle: kept as it was given, refused where S3 refuses it. Nothing is done by it.

use std::collections::BTreeSet;

use s3s::S3Result;
use s3s::dto::{GetBucketLifecycleConfigurationOutput, LifecycleRule, PutBucketLifecycleConfigurationInput};

use super::content::mix;
use super::refusal::{invalid_argument, invalid_request, refuse};
use super::settings::with;
use super::world::World;

/// A bucket has no more rules than this.
const MOST_RULES: usize = 1000;

pub(crate) fn get(world: &World, bucket: &str) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    with(world, bucket, |b| match &b.settings.lifecycle {
        Some(rules) => Ok(GetBucketLifecycleConfigurationOutput { rules: Some(rules.clone()), ..Default::default() }),
        None => Err(refuse(404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")),
    })
}

pub(crate) fn put(world: &World, input: PutBucketLifecycleConfigurationInput) -> S3Result<()> {
    let mut rules = input.lifecycle_configuration.map(|configuration| configuration.rules).unwrap_or_default();
    if rules.is_empty() || rules.len() > MOST_RULES {
        return Err(malformed());
    }
    let mut ids = BTreeSet::new();
    for rule in &mut rules {
        valid(rule)?;
        // A rule without an id is given one.
        let id = rule.id.get_or_insert_with(|| format!("{:016x}", mix(world.nonce())));
        if id.len() > 255 {
            return Err(invalid_argument("ID length should not exceed allowed limit of 255"));
        }
        if !ids.insert(id.clone()) {
            return Err(invalid_argument("Rule ID must be unique. Found same ID for more than one rule"));
        }
    }
    with(world, &input.bucket, |b| {
        b.settings.lifecycle = Some(rules);
        Ok(())
    })
}

pub(crate) fn delete(world: &World, bucket: &str) -> S3Result<()> {
    with(world, bucket, |b| {
        b.settings.lifecycle = None;
        Ok(())
    })
}

fn malformed() -> s3s::S3Error {
    refuse(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

fn valid(rule: &LifecycleRule) -> S3Result<()> {
    if !["Enabled", "Disabled"].contains(&rule.status.as_str()) || rule.filter.is_some() == rule.prefix.is_some() {
        return Err(malformed());
    }
    let filter = rule.filter.as_ref();
    if let Some(filter) = filter {
        let kinds = [
            filter.and.is_some(),
            filter.prefix.is_some(),
            filter.tag.is_some(),
            filter.object_size_greater_than.is_some(),
            filter.object_size_less_than.is_some(),
        ];
        if kinds.into_iter().filter(|set| *set).count() > 1 {
            return Err(malformed());
        }
    }
    let actions = [
        rule.abort_incomplete_multipart_upload.is_some(),
        rule.expiration.is_some(),
        rule.noncurrent_version_expiration.is_some(),
        rule.noncurrent_version_transitions.as_ref().is_some_and(|all| !all.is_empty()),
        rule.transitions.as_ref().is_some_and(|all| !all.is_empty()),
    ];
    if !actions.contains(&true) {
        return Err(invalid_request("At least one action needs to be specified in a rule"));
    }
    if let Some(abort) = &rule.abort_incomplete_multipart_upload {
        if abort.days_after_initiation.is_none_or(|days| days <= 0) {
            return Err(invalid_argument(
                "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
            ));
        }
        let tags = filter.is_some_and(|f| {
            f.tag.is_some() || f.and.as_ref().is_some_and(|and| and.tags.as_ref().is_some_and(|tags| !tags.is_empty()))
        });
        if tags {
            return Err(invalid_request("AbortIncompleteMultipartUpload cannot be specified with Tags."));
        }
        let sizes = filter.is_some_and(|f| {
            let and = f.and.as_ref();
            f.object_size_greater_than.is_some()
                || f.object_size_less_than.is_some()
                || and.is_some_and(|a| a.object_size_greater_than.is_some() || a.object_size_less_than.is_some())
        });
        if sizes {
            return Err(invalid_request("AbortIncompleteMultipartUpload cannot be specified with ObjectSize."));
        }
    }
    if rule.expiration.as_ref().is_some_and(|e| e.days.is_some_and(|days| days <= 0)) {
        return Err(invalid_argument("'Days' for Expiration action must be a positive integer"));
    }
    Ok(())
}
