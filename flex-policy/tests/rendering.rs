//! The set-up in every format. Whether tools of others read it, they say: see the interoperability tests.

use flex_policy::{
    AccountId, BucketName, Format, Scene, SceneIdentity, ServiceTrust, bucket_policy, render_assume_role_policy,
    render_bucket_policy,
};
use serde_json::Value;

const ROLE: &str = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901";

fn scene() -> Scene {
    let account: AccountId = "012345678901".parse().expect("an account");
    let bucket: BucketName = "my-flex-data".parse().expect("a name");
    Scene::new(account, bucket)
}

fn identities() -> Vec<SceneIdentity> {
    let role = |service| SceneIdentity::Role { name: "batch-copy".parse().expect("a name"), service };
    vec![
        SceneIdentity::None,
        SceneIdentity::User { name: "flex-copy".parse().expect("a name") },
        role(ServiceTrust::Ec2),
        role(ServiceTrust::Ecs),
        role(ServiceTrust::Batch),
    ]
}

#[test]
fn every_format_says_the_whole_set_up() {
    for identity in identities() {
        for format in Format::ALL {
            let text = scene().with_identity(identity.clone()).with_lifecycle_days(9).render(format);
            let mut parts = vec![
                "my-flex-data",
                "ap-northeast-1",
                ROLE,
                "S3CopyStmtList",
                "S3CopyStmtPutObject",
                "BucketOwnerEnforced",
                "AES256",
                "FlexEndUnfinishedUploads",
                "9",
            ];
            let none = identity == SceneIdentity::None;
            match &identity {
                SceneIdentity::Role { service, .. } => {
                    parts.extend(["batch-copy", "FlexAssumeCopyRole", service.principal()])
                }
                SceneIdentity::User { .. } => parts.extend(["flex-copy", "FlexAssumeCopyRole"]),
                _ => {}
            }
            for part in parts {
                assert!(text.contains(part), "{format}: {part} in {text}");
            }
            assert_eq!(text.contains("sts:AssumeRole"), !none, "{format}");
            let profile = identity.clone() == identities()[2];
            let profiles = ["InstanceProfile", "instance_profile", "instance-profile"];
            assert_eq!(profiles.iter().any(|word| text.contains(word)), profile, "{format} {identity:?}");
            assert!(text.ends_with('\n') && !text.contains("\n\n\n"), "{format}");
        }
    }
}

#[test]
fn the_json_is_the_inputs_of_the_calls() {
    let json: Value = serde_json::from_str(&scene().render(Format::Json)).expect("JSON");
    let policy = bucket_policy(scene().role(), scene().bucket());
    assert_eq!(json["PutBucketPolicy"]["Policy"], serde_json::to_value(&policy).expect("JSON"));
    assert_eq!(json["CreateBucket"]["CreateBucketConfiguration"]["LocationConstraint"], "ap-northeast-1");
    let rule = &json["PutBucketLifecycleConfiguration"]["LifecycleConfiguration"]["Rules"][0];
    assert_eq!(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"], 7);
    // us-east-1 is the one region that must not be named.
    let virginia = scene().with_region("us-east-1").expect("a region").render(Format::Json);
    assert!(!virginia.contains("LocationConstraint"));
    assert!(scene().with_region("cn-north-1").is_err());
}

#[test]
fn a_name_in_the_accounts_own_namespace_is_asked_for_as_one() {
    let name = "flex-012345678901-ap-northeast-1-an".parse().expect("a name");
    let own = Scene::new("012345678901".parse().expect("an account"), name);
    for (format, says) in [
        (Format::Json, "\"BucketNamespace\": \"account-regional\""),
        (Format::CloudFormation, "BucketNamespace: \"account-regional\""),
        (Format::Terraform, "bucket_namespace = \"account-regional\""),
        (Format::AwsCli, "--region \"$region\" --bucket-namespace account-regional --create-bucket-configuration"),
    ] {
        let text = own.render(format);
        assert!(text.contains(says), "{format}: {text}");
        assert!(!scene().render(format).contains("namespace"), "{format}");
    }
}

/// The first stack fails where the vendor is not ready yet; a bucket that it left behind would be in the way of the next.
#[test]
fn a_stack_that_fails_leaves_no_bucket_behind() {
    let text = scene().render(Format::CloudFormation);
    assert!(text.contains("DeletionPolicy: \"RetainExceptOnCreate\""), "{text}");
    // An update keeps the value of a parameter that it does not name, here the false of before.
    assert!(text.contains("--template-file FILE --parameter-overrides VendorHasMadeTheCopyRole=true\n"), "{text}");
}

#[test]
fn the_script_destroys_nothing_of_others() {
    let script = scene().render(Format::AwsCli);
    assert!(script.starts_with("#!/bin/sh\nset -eu\n"), "{script}");
    // What replaces a whole document comes only after it was asked for and is not there.
    for (put, get, absent) in [
        ("put-bucket-lifecycle-configuration", "get-bucket-lifecycle-configuration", "*NoSuchLifecycleConfiguration*"),
        ("put-bucket-policy", "get-bucket-policy", "*NoSuchBucketPolicy*"),
    ] {
        let at = |word: &str| script.find(word).unwrap_or_else(|| panic!("{word} in {script}"));
        assert_eq!(script.matches(put).count(), 1);
        assert!(at(get) < at(absent) && at(absent) < at(put), "{put}");
    }
}

/// S3 tells how every bucket encrypts: no answer is no reason to put S3's own keys in place of somebody's.
#[cfg(unix)]
#[test]
fn the_script_changes_no_encryption_that_it_cannot_see() {
    for (answer, says) in [
        ("echo AccessDenied >&2; return 254", "failed: AccessDenied"),
        ("echo aws:kms", "left as it is: the bucket encrypts"),
        ("echo AES256", "done"),
        ("echo ServerSideEncryptionConfigurationNotFoundError >&2; return 254", "called: put-bucket-encryption"),
    ] {
        let aws = format!(
            "aws() {{ case \"$2\" in get-caller-identity) echo 012345678901 ;; get-bucket-location) echo ap-northeast-1 ;;\n\
             get-bucket-encryption) {answer} ;;\n\
             get-bucket-policy) echo S3CopyStmtList S3CopyStmtPutObject '{ROLE}\"' ;;\n\
             get-bucket-lifecycle-configuration) echo mine ;; *) echo \"called: $2\" ;; esac; }}\n"
        );
        let script = aws + &scene().with_identity(SceneIdentity::None).render(Format::AwsCli);
        let run = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
        let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
        assert!(said.contains(says), "{answer}: {said}");
        assert_eq!(said.contains("put-bucket-encryption"), says.contains("put-bucket-encryption"), "{answer}: {said}");
    }
}

#[test]
fn single_policies_have_every_format() {
    let scene = scene();
    for (format, bucket_word, identity_word) in [
        (Format::Json, "\"Statement\"", "\"Statement\""),
        (Format::CloudFormation, "AWS::S3::BucketPolicy", "AWS::IAM::ManagedPolicy"),
        (Format::Terraform, "aws_s3_bucket_policy", "aws_iam_policy"),
        (Format::AwsCli, "aws s3api put-bucket-policy", "aws iam create-policy"),
    ] {
        let bucket = render_bucket_policy(format, scene.role(), scene.bucket());
        let identity = render_assume_role_policy(format, scene.role());
        assert!(bucket.contains(bucket_word) && bucket.contains(ROLE) && bucket.contains("s3:x-amz-acl"), "{bucket}");
        assert!(identity.contains(identity_word) && identity.contains(ROLE), "{identity}");
    }
    let json: Value = serde_json::from_str(&render_assume_role_policy(Format::Json, scene.role())).expect("JSON");
    assert_eq!(json["Statement"][0]["Resource"], ROLE);
}
