//! The policy documents of the *FLEX Historical* service, and the names that go into them.
//!
//! A subscriber sets up two policies: one on their bucket, which lets the vendor's copy role list it and put objects into
//! it, and one for their own user, which lets it assume that role. [`bucket_policy`] and [`assume_role_policy`] give
//! both exactly as the vendor's manual has them. What goes in is checked first: an [`AccountId`] keeps its leading
//! zeros, a [`BucketName`] follows all of AWS's rules, a [`RoleArn`] knows whose copy role it is, and
//! [`Partition::of_region`] refuses regions from which the service cannot be reached.
//!
//! Policies that somebody else wrote are read as they stand: [`merge_bucket_policy`] puts the service's statements in and
//! keeps every byte of the others, [`check_bucket_policy`] says what would keep a copy from working and why, and
//! [`fix_bucket_policy`] makes the smallest change that lets it through. A [`Scene`] is the whole set-up, printed as JSON,
//! CloudFormation, Terraform or a shell script; [`owner_permissions`] are the rights that making it takes, and
//! [`vendor_notice`] is the mail to the vendor. A [`SessionPolicy`] narrows one session of the copy role to one run.
//!
//! Without the features `aws` and `iam`, which do it all live, there is no I/O here and nothing of AWS's SDK.
//!
//! ```
//! use flex_policy::{AccountId, BucketName, RoleArn, bucket_policy};
//!
//! let account: AccountId = "012345678901".parse()?;
//! let bucket: BucketName = "my-flex-data".parse()?;
//! let role = RoleArn::copy_role(&AccountId::VENDOR, &account);
//! assert_eq!(role.to_string(), "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901");
//!
//! let policy = bucket_policy(&role, &bucket).to_string();
//! assert!(policy.contains(r#""s3:x-amz-acl": "bucket-owner-full-control""#));
//!
//! // Somebody's policy lacks a right, and has a statement of their own.
//! let theirs = r#"{"Statement": [{"Sid": "logs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject",
//!                                 "Resource": "arn:aws:s3:::my-flex-data/logs/*"}]}"#;
//! assert_eq!(flex_policy::check_bucket_policy(theirs, &role, &bucket)[0].code(), "missing-statement");
//! let merged = flex_policy::merge_bucket_policy(Some(theirs), &role, &bucket)?;
//! assert!(flex_policy::check_bucket_policy(&merged.policy, &role, &bucket).is_empty());
//! assert!(merged.policy.contains(r#"{"Sid": "logs", "Effect": "Deny""#));
//!
//! let refused = "1234-5678-9012".parse::<AccountId>().unwrap_err();
//! assert_eq!(refused.to_string(), "an account id has 12 digits and nothing between them: write 123456789012");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Stable: the documents, as JSON values and in the order of their fields; the codes and the names of the details of
//! findings. Messages may change, kinds of errors and findings may be added.

mod account;
#[cfg(feature = "aws")]
pub mod aws;
mod bucket;
mod check;
mod document;
mod json;
mod names;
mod notice;
mod partition;
mod permissions;
mod role;
mod scene;
mod session;
mod text;

pub use account::{AccountId, AccountIdError, VENDOR_ACCOUNT};
pub use bucket::{BucketName, BucketNameError, BucketNameRule};
pub use check::{
    Finding, FindingKind, Fixed, RolePart, Severity, check_assume_role_policy, check_bucket_policy,
    check_bucket_policy_as_sent, fix_assume_role_policy, fix_bucket_policy,
};
pub use document::{PolicyDocument, assume_role_policy, bucket_policy};
pub use json::{InvalidJson, JsonMistake};
pub use names::{
    ASSUME_ROLE_POLICY_NAME, BUCKET_POLICY_LIMIT, BUCKET_POLICY_SIDS, DEFAULT_LIFECYCLE_DAYS, DEFAULT_ROLE,
    DEFAULT_USER, HOME_REGION, LIFECYCLE_RULE_ID, LIST_SID, PUT_SID,
};
pub use notice::{NoticeLanguage, vendor_notice};
pub use partition::{Partition, PartitionError};
pub use permissions::{OwnerTask, OwnerTaskError, Permissions, owner_permissions};
pub use role::{COPY_ROLE_PREFIX, RoleArn, RoleArnError};
pub use scene::{
    Format, FormatError, IamName, IamNameError, Scene, SceneIdentity, ServiceTrust, render_assume_role_policy,
    render_bucket_policy,
};
pub use session::{SESSION_POLICY_LIMIT, SessionPolicy, SessionPurpose, SessionWidth};
pub use text::{Change, ChangeKind, Merged, PolicyTextError, merge_assume_role_policy, merge_bucket_policy};
