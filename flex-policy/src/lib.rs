//! The policy documents of the *FLEX Historical* service, and the names that go into them.
//!
//! A subscriber sets up two policies: one on their bucket, which lets the vendor's copy role list it and put objects into
//! it, and one for their own user, which lets it assume that role. [`bucket_policy`] and [`assume_role_policy`] give
//! both exactly as the vendor's manual has them. What goes in is checked first: an [`AccountId`] keeps its leading
//! zeros, a [`BucketName`] follows all of AWS's rules, a [`RoleArn`] knows whose copy role it is, and
//! [`Partition::of_region`] refuses regions from which the service cannot be reached.
//!
//! There is no I/O here and nothing of AWS's SDK.
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
//! let refused = "1234-5678-9012".parse::<AccountId>().unwrap_err();
//! assert_eq!(refused.to_string(), "an account id has 12 digits and nothing between them: write 123456789012");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Stable: the documents, as JSON values and in the order of their fields. Error messages may change, error kinds may be
//! added.

mod account;
mod bucket;
mod document;
mod partition;
mod role;

pub use account::{AccountId, AccountIdError, VENDOR_ACCOUNT};
pub use bucket::{BucketName, BucketNameError, BucketNameRule};
pub use document::{PolicyDocument, assume_role_policy, bucket_policy};
pub use partition::{Partition, PartitionError};
pub use role::{COPY_ROLE_PREFIX, RoleArn, RoleArnError};
