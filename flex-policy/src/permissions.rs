use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::{Scene, SceneIdentity};

/// What somebody does with the owner identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OwnerTask {
    /// Making the set-up, and finding what of it is there.
    Setup,
    /// Looking at every part of it.
    Doctor,
    /// Finding and ending unfinished uploads.
    Clean,
    /// Reading the copies to verify them. Where the bucket encrypts with a KMS key of the account's own, `kms:Decrypt` on
    /// that key comes on top.
    VerifyDeep,
    /// Reading the bucket's policy.
    PolicyCheck,
    /// Changing the bucket's policy.
    PolicyApply,
}

impl OwnerTask {
    /// All of them.
    pub const ALL: [OwnerTask; 6] = [
        OwnerTask::Setup,
        OwnerTask::Doctor,
        OwnerTask::Clean,
        OwnerTask::VerifyDeep,
        OwnerTask::PolicyCheck,
        OwnerTask::PolicyApply,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            OwnerTask::Setup => "setup",
            OwnerTask::Doctor => "doctor",
            OwnerTask::Clean => "clean",
            OwnerTask::VerifyDeep => "verify-deep",
            OwnerTask::PolicyCheck => "policy-check",
            OwnerTask::PolicyApply => "policy-apply",
        }
    }

    fn on_bucket(self) -> &'static [&'static str] {
        match self {
            OwnerTask::Setup => &[
                "s3:CreateBucket",
                // HeadBucket.
                "s3:ListBucket",
                "s3:GetBucketPublicAccessBlock",
                "s3:PutBucketPublicAccessBlock",
                "s3:GetBucketOwnershipControls",
                "s3:PutBucketOwnershipControls",
                "s3:GetEncryptionConfiguration",
                "s3:PutEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:GetBucketPolicy",
                "s3:PutBucketPolicy",
            ],
            OwnerTask::Doctor => &[
                "s3:ListBucket",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketOwnershipControls",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:GetBucketPolicy",
                "s3:ListBucketMultipartUploads",
            ],
            OwnerTask::Clean => &["s3:ListBucketMultipartUploads"],
            // Listings are the copy role's.
            OwnerTask::VerifyDeep => &[],
            OwnerTask::PolicyCheck => &["s3:GetBucketPolicy"],
            OwnerTask::PolicyApply => &["s3:GetBucketPolicy", "s3:PutBucketPolicy"],
        }
    }

    /// What has no narrower resource.
    fn on_account(self) -> &'static [&'static str] {
        match self {
            // Whose a bucket is that may not be looked at: is it among the account's own?
            OwnerTask::Doctor => &["s3:ListAllMyBuckets"],
            _ => &[],
        }
    }

    fn on_objects(self) -> &'static [&'static str] {
        match self {
            OwnerTask::Clean => &["s3:AbortMultipartUpload"],
            OwnerTask::VerifyDeep => &["s3:GetObject"],
            _ => &[],
        }
    }

    fn on_user(self) -> &'static [&'static str] {
        match self {
            OwnerTask::Setup => &[
                "iam:GetUser",
                "iam:CreateUser",
                "iam:GetUserPolicy",
                "iam:PutUserPolicy",
                "iam:ListAccessKeys",
                "iam:CreateAccessKey",
                "iam:DeleteAccessKey",
            ],
            OwnerTask::Doctor => &["iam:SimulatePrincipalPolicy"],
            _ => &[],
        }
    }

    fn on_role(self) -> &'static [&'static str] {
        match self {
            OwnerTask::Setup => &["iam:GetRole", "iam:CreateRole", "iam:GetRolePolicy", "iam:PutRolePolicy"],
            // A session's ARN lacks the path of its role.
            OwnerTask::Doctor => &["iam:GetRole", "iam:SimulatePrincipalPolicy"],
            _ => &[],
        }
    }

    fn on_instance_profile(self) -> &'static [&'static str] {
        match self {
            OwnerTask::Setup => {
                &["iam:GetInstanceProfile", "iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile"]
            }
            _ => &[],
        }
    }
}

impl fmt::Display for OwnerTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for OwnerTask {
    type Err = OwnerTaskError;

    fn from_str(text: &str) -> Result<Self, OwnerTaskError> {
        let found = OwnerTask::ALL.into_iter().find(|task| task.as_str() == text);
        found.ok_or_else(|| OwnerTaskError { found: text.to_owned() })
    }
}

/// Not the word for a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a task; expected setup, doctor, clean, verify-deep, policy-check or policy-apply")]
pub struct OwnerTaskError {
    found: String,
}

/// The rights that the owner identity needs, as an IAM policy. It prints as indented JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Permissions {
    version: &'static str,
    statement: Vec<Granted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Granted {
    sid: &'static str,
    effect: &'static str,
    action: Vec<&'static str>,
    resource: String,
}

/// The rights that tasks need on a set-up: each action on the one resource that it is used on. STS's GetCallerIdentity
/// needs none.
pub fn owner_permissions(scene: &Scene, tasks: &[OwnerTask]) -> Permissions {
    type Of = fn(OwnerTask) -> &'static [&'static str];
    let bucket = scene.bucket().arn();
    let iam = |kind: &str, name: &crate::IamName| format!("arn:aws:iam::{}:{kind}/{name}", scene.account());
    let mut wanted: Vec<(&'static str, String, Of)> = vec![
        ("FlexBucket", bucket.clone(), OwnerTask::on_bucket),
        ("FlexObjects", format!("{bucket}/*"), OwnerTask::on_objects),
        ("FlexAccount", "*".to_owned(), OwnerTask::on_account),
    ];
    match scene.identity() {
        SceneIdentity::None => {}
        SceneIdentity::User { name } => wanted.push(("FlexUser", iam("user", name), OwnerTask::on_user)),
        SceneIdentity::Role { name, service } => {
            wanted.push(("FlexRole", iam("role", name), OwnerTask::on_role));
            if service.needs_instance_profile() {
                let profile = iam("instance-profile", name);
                wanted.push(("FlexInstanceProfile", profile, OwnerTask::on_instance_profile));
                // AddRoleToInstanceProfile hands the role over.
                wanted.push(("FlexPassRole", iam("role", name), |task| match task {
                    OwnerTask::Setup => &["iam:PassRole"],
                    _ => &[],
                }));
            }
        }
    }
    let grant = |(sid, resource, of): (&'static str, String, Of)| {
        let actions: BTreeSet<&'static str> = tasks.iter().flat_map(|task| of(*task)).copied().collect();
        let action: Vec<&'static str> = actions.into_iter().collect();
        (!action.is_empty()).then_some(Granted { sid, effect: "Allow", action, resource })
    };
    Permissions { version: "2012-10-17", statement: wanted.into_iter().filter_map(grant).collect() }
}

impl Permissions {
    /// The actions, each with the resources that it is needed on.
    pub fn actions(&self) -> BTreeMap<&'static str, BTreeSet<&str>> {
        let mut out: BTreeMap<&'static str, BTreeSet<&str>> = BTreeMap::new();
        for granted in &self.statement {
            for action in &granted.action {
                out.entry(action).or_default().insert(&granted.resource);
            }
        }
        out
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServiceTrust;

    fn scene() -> Scene {
        Scene::new("012345678901".parse().expect("an account"), "my-flex-data".parse().expect("a name"))
    }

    #[test]
    fn a_task_needs_its_actions_and_no_others() {
        let check = owner_permissions(&scene(), &[OwnerTask::PolicyCheck]);
        assert_eq!(
            check.to_string(),
            r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "FlexBucket",
      "Effect": "Allow",
      "Action": [
        "s3:GetBucketPolicy"
      ],
      "Resource": "arn:aws:s3:::my-flex-data"
    }
  ]
}"#
        );
        let clean = owner_permissions(&scene(), &[OwnerTask::Clean]);
        let on = |resource: &'static str| BTreeSet::from([resource]);
        assert_eq!(
            clean.actions(),
            BTreeMap::from([
                ("s3:AbortMultipartUpload", on("arn:aws:s3:::my-flex-data/*")),
                ("s3:ListBucketMultipartUploads", on("arn:aws:s3:::my-flex-data")),
            ])
        );
    }

    #[test]
    fn reading_the_copies_needs_one_right_on_the_objects() {
        let deep = owner_permissions(&scene(), &[OwnerTask::VerifyDeep]);
        assert_eq!(deep.actions(), BTreeMap::from([("s3:GetObject", BTreeSet::from(["arn:aws:s3:::my-flex-data/*"]))]));
        let tasks = OwnerTask::ALL.map(|task| task.as_str().parse());
        assert_eq!(tasks, OwnerTask::ALL.map(Ok), "each word is read back");
    }

    #[test]
    fn rights_on_an_identity_are_for_that_one_alone() {
        let name: crate::IamName = "batch-copy".parse().expect("a name");
        for (service, profiles) in [(ServiceTrust::Ec2, true), (ServiceTrust::Ecs, false)] {
            let scene = scene().with_identity(SceneIdentity::Role { name: name.clone(), service });
            let text = owner_permissions(&scene, &OwnerTask::ALL).to_string();
            assert!(text.contains("\"arn:aws:iam::012345678901:role/batch-copy\""), "{text}");
            assert!(!text.contains("iam:CreateUser"), "{text}");
            let actions = owner_permissions(&scene, &OwnerTask::ALL);
            let actions = actions.actions();
            let everywhere: Vec<_> =
                actions.iter().filter(|(_, on)| on.contains("*")).map(|(action, _)| *action).collect();
            assert_eq!(everywhere, ["s3:ListAllMyBuckets"]);
            assert_eq!(text.contains("iam:PassRole"), profiles);
            assert_eq!(text.contains("instance-profile/batch-copy"), profiles);
        }
        let nobody = owner_permissions(&scene().with_identity(SceneIdentity::None), &OwnerTask::ALL);
        assert!(!nobody.to_string().contains("iam:"));
        assert!(owner_permissions(&scene(), &[]).actions().is_empty());
    }
}
