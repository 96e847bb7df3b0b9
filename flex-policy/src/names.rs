/// The Sid of the bucket policy's statement for listing, as the manual has it.
pub const LIST_SID: &str = "S3CopyStmtList";

/// The Sid of the bucket policy's statement for putting objects, as the manual has it.
pub const PUT_SID: &str = "S3CopyStmtPutObject";

/// The Sids by which the service's statements in a bucket policy are known.
pub const BUCKET_POLICY_SIDS: [&str; 2] = [LIST_SID, PUT_SID];

/// The lifecycle rule that ends unfinished uploads.
pub const LIFECYCLE_RULE_ID: &str = "FlexEndUnfinishedUploads";

/// The days after which that rule ends them.
pub const DEFAULT_LIFECYCLE_DAYS: u32 = 7;

/// The inline policy of the user or role that may assume the copy role.
pub const ASSUME_ROLE_POLICY_NAME: &str = "FlexAssumeCopyRole";

/// The user for this purpose, unless another is named.
pub const DEFAULT_USER: &str = "flex-copy";

/// The role for this purpose, and its instance profile, unless another is named.
pub const DEFAULT_ROLE: &str = "flex-copy";

/// The region of the vendor's bucket.
pub const HOME_REGION: &str = "ap-northeast-1";

/// The bytes that a bucket policy may have.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>
pub const BUCKET_POLICY_LIMIT: usize = 20 * 1024;
