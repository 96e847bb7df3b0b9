//! The names of S3's actions that a bucket policy can grant, as AWS's service authorization reference has them.

use super::policy::wild;

/// Actions on objects.
const OBJECT: &str = "\
AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectAnnotation DeleteObjectTagging DeleteObjectVersion \
DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAnnotation GetObjectAttributes GetObjectLegalHold \
GetObjectRetention GetObjectTagging GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes \
GetObjectVersionForReplication GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication \
ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl PutObjectAnnotation PutObjectLegalHold \
PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging ReplicateDelete ReplicateObject \
ReplicateTags RestoreObject";

/// Actions on the bucket.
const BUCKET: &str = "\
CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketMetadataTableConfiguration \
DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAcl GetBucketCORS \
GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification \
GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus \
GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite \
GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration \
GetMetricsConfiguration GetReplicationConfiguration ListBucket ListBucketMultipartUploads ListBucketVersions \
PauseReplication PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAcl PutBucketCORS PutBucketLogging \
PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy \
PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite \
PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration \
PutMetricsConfiguration PutReplicationConfiguration";

/// On what an action, or a pattern of actions, works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) bucket: bool,
    pub(crate) object: bool,
}

/// The level of `s3:Name`, `s3:Get*` or `*`. Neither: there is no such action.
pub(crate) fn level(action: &str) -> Level {
    let pattern = match action.split_once(':') {
        Some((_, name)) => name.to_ascii_lowercase(),
        None => action.to_owned(),
    };
    let any = |names: &str| names.split_whitespace().any(|name| wild(&pattern, &name.to_ascii_lowercase()));
    Level { bucket: any(BUCKET), object: any(OBJECT) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_levels() {
        for (action, bucket, object) in [
            ("s3:ListBucket", true, false),
            ("s3:putobject", false, true),
            ("s3:PutObject*", false, true),
            ("s3:*", true, true),
            ("*", true, true),
            ("s3:List*", true, true),
            ("s3:PutObjct", false, false),
            ("s3:ListObjects", false, false),
        ] {
            assert_eq!(level(action), Level { bucket, object }, "{action}");
        }
    }
}
