//! The rights that are printed are those that are used: all of them, and no others.

use super::*;

/// What another command needs, or only a failure; and what tells of a bucket that another right does not tell.
const OTHERS: [&str; 7] = [
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:AbortMultipartUpload",
    "s3:GetObject",
    "iam:SimulatePrincipalPolicy",
    "iam:DeleteAccessKey",
];
/// What is not asked of an identity that is new.
const SECOND_RUN: [&str; 2] = ["iam:GetUserPolicy", "iam:GetRolePolicy"];

/// A policy as it was printed.
struct Printed(Value);

impl Printed {
    async fn of(identity: &[&str]) -> Self {
        let user = Newcomer::with_role().await;
        let arguments = [&["setup", "--print-permissions", "--account", SUBSCRIBER], identity].concat();
        let run = user.flex(&arguments).expect(0);
        assert_eq!(user.world.requests().len(), 0, "printing needs no network");
        Self(serde_json::from_str(&run.out).expect("a policy"))
    }

    fn actions(&self) -> Vec<String> {
        let statements = self.0["Statement"].as_array().expect("statements").iter();
        let actions = statements.flat_map(|statement| statement["Action"].as_array().expect("actions"));
        actions.map(|action| action.as_str().expect("text").to_owned()).collect()
    }

    /// The policy without an action.
    fn without(&self, action: &str) -> String {
        let mut document = self.0.clone();
        let statements = document["Statement"].as_array_mut().expect("statements");
        for statement in statements.iter_mut() {
            statement["Action"].as_array_mut().expect("actions").retain(|one| one != action);
        }
        statements.retain(|one| one["Action"] != json!([]));
        document.to_string()
    }
}

/// Somebody whose owner identity has this policy and no other.
async fn administrator(policy: &str) -> Newcomer {
    let mut user = Newcomer::with_role().await;
    let admin = user.world.add_user("admin");
    user.world.put_policy(&admin.arn(), "Setup", policy);
    let config = user.machine.profile("admin", &admin);
    user.machine.file(".aws/config", config);
    user.machine.set("FLEX_OWNER_PROFILE", "admin");
    user
}

#[tokio::test]
async fn the_printed_permissions_are_enough_and_each_is_needed() {
    for (identity, key, number) in [
        (&[][..], &["--access-key"][..], 15),
        (&["--identity", "ec2:ticks"], &[], 19),
        (&["--identity", "ecs:t"], &[], 15),
    ] {
        let printed = Printed::of(identity).await;
        let of_identity = |action: &str| action.is_empty() || action.starts_with("iam:");
        let actions = printed.actions();
        // Those on the bucket are the same for each identity.
        let tried =
            std::iter::once("").chain(actions.iter().map(String::as_str)).filter(|action| !OTHERS.contains(action));
        let tried: Vec<_> = tried.filter(|action| identity.is_empty() || of_identity(action)).collect();
        assert!(actions.len() >= number, "{actions:?}");
        for missing in tried {
            let user = administrator(&printed.without(missing)).await;
            // A new bucket is right from the start; here one is wrong in everything.
            if missing != "s3:CreateBucket" {
                user.world.create_bucket(BUCKET, SUBSCRIBER, "ap-northeast-1");
                user.world.bucket_public_access_block(BUCKET, false);
                user.world.bucket_ownership(BUCKET, Ownership::ObjectWriter);
                user.world.bucket_encryption(BUCKET, Encryption::Kms, false);
            }
            let arguments = [&["setup", "--yes", "--encryption", "s3"], identity, key].concat();
            let mut run = user.flex(&arguments);
            if SECOND_RUN.contains(&missing) {
                run = user.flex(&arguments);
            }
            if missing.is_empty() {
                run.expect(0);
                continue;
            }
            assert_eq!(run.code, Some(3), "{missing}: {run}");
            for text in [missing, "--print-permissions"] {
                assert!(run.out.contains(text), "{missing}: {run}");
            }
        }
    }
}

#[tokio::test]
async fn an_explicit_deny_is_not_answered_with_a_grant() {
    let everything = json!({"Effect": "Allow", "Action": ["s3:*", "iam:*"], "Resource": "*"});
    let but = json!({"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Statement": [everything, but]}).to_string();
    let user = administrator(&policy).await;
    let run = user.flex(&["setup", "--yes"]).expect(3).prints(&["denies iam:CreateUser", "MFA"]);
    assert!(!run.out.contains("grant this identity"), "{run}");
}
