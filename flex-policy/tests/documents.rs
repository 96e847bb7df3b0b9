//! The documents against the manual's, written out here.

use flex_policy::{AccountId, BucketName, RoleArn, assume_role_policy, bucket_policy};
use serde_json::Value;

const BUCKET_POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "S3CopyStmtList",
      "Effect": "Allow",
      "Principal": {
        "AWS": [
          "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901"
        ]
      },
      "Action": "s3:ListBucket",
      "Resource": [
        "arn:aws:s3:::my-flex-data"
      ]
    },
    {
      "Sid": "S3CopyStmtPutObject",
      "Effect": "Allow",
      "Principal": {
        "AWS": [
          "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901"
        ]
      },
      "Action": [
        "s3:PutObject",
        "s3:PutObjectAcl"
      ],
      "Resource": [
        "arn:aws:s3:::my-flex-data",
        "arn:aws:s3:::my-flex-data/*"
      ],
      "Condition": {
        "StringEquals": {
          "s3:x-amz-acl": "bucket-owner-full-control"
        }
      }
    }
  ]
}"#;

const ASSUME_ROLE_POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Action": "sts:AssumeRole",
      "Effect": "Allow",
      "Resource": "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901"
    }
  ]
}"#;

fn role() -> RoleArn {
    let account: AccountId = "012345678901".parse().expect("an account");
    RoleArn::copy_role(&AccountId::VENDOR, &account)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn the_bucket_policy_is_the_manuals() {
    let bucket: BucketName = "my-flex-data".parse().expect("a name");
    let policy = bucket_policy(&role(), &bucket);
    assert_eq!(serde_json::to_value(&policy).expect("JSON"), json(BUCKET_POLICY));
    assert_eq!(policy.to_string(), BUCKET_POLICY, "the order of fields is the manual's too");
}

#[test]
fn the_assume_role_policy_is_the_manuals() {
    let policy = assume_role_policy(&role());
    assert_eq!(serde_json::to_value(&policy).expect("JSON"), json(ASSUME_ROLE_POLICY));
    assert_eq!(policy.to_string(), ASSUME_ROLE_POLICY);
}
