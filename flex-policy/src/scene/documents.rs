//! The set-up as JSON: one object, in which each member is the input of the API call of that name.

use super::tree::{Tree, list, object};
use super::{Scene, SceneIdentity, ServiceTrust};
use crate::{ASSUME_ROLE_POLICY_NAME, LIFECYCLE_RULE_ID};

pub(super) fn scene(scene: &Scene) -> String {
    let mut out = Tree::Object(calls(scene)).json();
    out.push('\n');
    out
}

fn calls(scene: &Scene) -> Vec<(String, Tree)> {
    let bucket = || Tree::from(scene.bucket.as_str());
    let mut create = vec![("Bucket".to_owned(), bucket())];
    if let Some(namespace) = namespace(scene) {
        create.push(("BucketNamespace".to_owned(), namespace.into()));
    }
    if let Some(location) = location_constraint(scene) {
        let configuration = object([("LocationConstraint", location.into())]);
        create.push(("CreateBucketConfiguration".to_owned(), configuration));
    }
    let with = |name: &str, value: Tree| object([("Bucket", bucket()), (name, value)]);
    let mut calls = Vec::new();
    let mut call = |name: &str, input: Tree| calls.push((name.to_owned(), input));
    call("CreateBucket", Tree::Object(create));
    call("PutPublicAccessBlock", with("PublicAccessBlockConfiguration", public_access_block()));
    call("PutBucketOwnershipControls", with("OwnershipControls", ownership()));
    call("PutBucketEncryption", with("ServerSideEncryptionConfiguration", encryption()));
    call("PutBucketLifecycleConfiguration", with("LifecycleConfiguration", lifecycle(scene)));
    call("PutBucketPolicy", with("Policy", bucket_policy(scene)));
    let inline = |who: &str, name: &str| {
        object([
            (who, name.into()),
            ("PolicyName", ASSUME_ROLE_POLICY_NAME.into()),
            ("PolicyDocument", assume_role_policy(scene)),
        ])
    };
    match &scene.identity {
        SceneIdentity::None => {}
        SceneIdentity::User { name } => {
            call("CreateUser", object([("UserName", name.as_str().into())]));
            call("PutUserPolicy", inline("UserName", name.as_str()));
        }
        SceneIdentity::Role { name, service } => {
            let name = name.as_str();
            let role = object([("RoleName", name.into()), ("AssumeRolePolicyDocument", trust(*service))]);
            call("CreateRole", role);
            call("PutRolePolicy", inline("RoleName", name));
            if service.needs_instance_profile() {
                call("CreateInstanceProfile", object([("InstanceProfileName", name.into())]));
                let role = object([("InstanceProfileName", name.into()), ("RoleName", name.into())]);
                call("AddRoleToInstanceProfile", role);
            }
        }
    }
    calls
}

/// What CreateBucket wants for the region; us-east-1 must not be named.
pub(super) fn location_constraint(scene: &Scene) -> Option<&str> {
    Some(scene.region.as_str()).filter(|region| *region != "us-east-1")
}

/// What CreateBucket wants for a name with the ending that is reserved for an account's own namespace.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html>
pub(super) fn namespace(scene: &Scene) -> Option<&'static str> {
    scene.bucket.as_str().ends_with("-an").then_some("account-regional")
}

pub(super) fn public_access_block() -> Tree {
    object([
        ("BlockPublicAcls", true.into()),
        ("IgnorePublicAcls", true.into()),
        ("BlockPublicPolicy", true.into()),
        ("RestrictPublicBuckets", true.into()),
    ])
}

pub(super) fn ownership() -> Tree {
    object([("Rules", list([object([("ObjectOwnership", "BucketOwnerEnforced".into())])]))])
}

pub(super) fn encryption() -> Tree {
    let default = object([("SSEAlgorithm", "AES256".into())]);
    object([("Rules", list([object([("ApplyServerSideEncryptionByDefault", default)])]))])
}

pub(super) fn lifecycle(scene: &Scene) -> Tree {
    let rule = object([
        ("ID", LIFECYCLE_RULE_ID.into()),
        ("Status", "Enabled".into()),
        ("Filter", object([("Prefix", "".into())])),
        ("AbortIncompleteMultipartUpload", object([("DaysAfterInitiation", scene.lifecycle_days.into())])),
    ]);
    object([("Rules", list([rule]))])
}

pub(super) fn bucket_policy(scene: &Scene) -> Tree {
    Tree::from(&crate::bucket_policy(&scene.role, &scene.bucket))
}

pub(super) fn assume_role_policy(scene: &Scene) -> Tree {
    Tree::from(&crate::assume_role_policy(&scene.role))
}

pub(super) fn trust(service: ServiceTrust) -> Tree {
    let statement = object([
        ("Effect", "Allow".into()),
        ("Principal", object([("Service", service.principal().into())])),
        ("Action", "sts:AssumeRole".into()),
    ]);
    object([("Version", "2012-10-17".into()), ("Statement", list([statement]))])
}
