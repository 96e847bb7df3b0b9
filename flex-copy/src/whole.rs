//! Copies an object with one CopyObject, and says what its answer proves.

use aws_sdk_s3::types::{AnnotationDirective, ObjectCannedAcl, ServerSideEncryption, StorageClass, TaggingDirective};

use crate::{
    ETag, Encryption, ListedObject, Proof,
    checksum::Checksums,
    engine::{Engine, Fault, Made, is_kms},
    failure::{Operation, RequestFailure},
    requests::{OnCancel, attempt_limit},
};

impl Engine {
    /// One CopyObject, pinned to the listed ETag. With `head`, the source's checksum is asked for first, and is the proof.
    pub(crate) async fn copy_whole(&self, object: &ListedObject, head: bool) -> Result<Made, Fault> {
        let mut source_checksums = Checksums::default();
        if head {
            let head = self.head_source(&object.key, None, true).await?;
            if head.e_tag().is_some_and(|etag| ETag::new(etag) != object.etag) {
                return Err(Fault::SourceChanged);
            }
            source_checksums = Checksums::of_head(&head);
        }
        let (source, destination) = (&self.scene.source, &self.scene.destination);
        let settings = &self.scene.settings;
        let (encryption, key_id) = encryption(settings.encryption.as_ref());
        // Made anew for each attempt, of which there is one as a rule.
        let call = || {
            destination
                .client()
                .copy_object()
                .bucket(destination.name())
                .key(destination.key(&object.key))
                .copy_source(source.copy_source(&object.key))
                .copy_source_if_match(object.etag.quoted())
                .acl(ObjectCannedAcl::BucketOwnerFullControl)
                // REPLACE with no tags: the default needs tagging permissions that the role does not have.
                .tagging_directive(TaggingDirective::Replace)
                .set_annotation_directive((!settings.compat).then_some(AnnotationDirective::Exclude))
                .set_storage_class(settings.storage_class.as_deref().map(StorageClass::from))
                .set_server_side_encryption(encryption.clone())
                .set_ssekms_key_id(key_id.clone())
                .set_expected_bucket_owner(destination.owner().map(str::to_owned))
                .set_expected_source_bucket_owner(source.owner().map(str::to_owned))
        };
        let operation = Operation::CopyObject;
        let answer = self
            .requests
            .send((operation, &object.key), attempt_limit(object.size), OnCancel::Stop, || async {
                let answer = destination.send(&call()).await.map_err(|e| RequestFailure::from_sdk(operation, e))?;
                match answer.copy_object_result().and_then(|r| r.e_tag()) {
                    Some(etag) if !etag.is_empty() => Ok(answer),
                    _ => Err(RequestFailure::empty_answer(operation)),
                }
            })
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(failed) => return Err(self.understand(object, failed).await),
        };
        self.accepted_write();
        self.note_encryption(answer.server_side_encryption());
        let Some(result) = answer.copy_object_result() else { return Err(Fault::Interrupted) };
        let etag = ETag::new(result.e_tag().unwrap_or_default());
        let checksums = Checksums::of_copy(result);
        let checksum = checksums.told(&source_checksums);
        let made = |proof| Ok(Made { proof, etag: etag.clone(), parts: 1, checksum: checksum.clone(), layout: None });
        match source_checksums.agree(&checksums) {
            Some(true) => return made(Proof::Checksum),
            Some(false) => return Err(Fault::NotProven { want: object.etag.clone(), got: etag }),
            None => {}
        }
        if etag == object.etag {
            return made(Proof::Etag);
        }
        // A whole copy of a multipart object has another layout: its ETag says nothing. Nor does one under KMS, or any that
        // a store other than S3 makes by rules of its own. Only a checksum could, and the listing says whether there is one.
        let kms = is_kms(answer.server_side_encryption());
        if object.etag.parts().is_some() || (kms && (head || !object.full_object_checksum)) || settings.compat {
            return made(Proof::SizeOnly);
        }
        // Plain ETags that differ: only encryption of the source explains that, and perhaps a checksum proves the copy.
        let head = match self.head_source(&object.key, None, true).await {
            // Checksums of a KMS object need rights to its key.
            Err(Fault::NotEntitled) => self.head_source(&object.key, None, false).await,
            head => head,
        };
        let not_proven = Err(Fault::NotProven { want: object.etag.clone(), got: etag.clone() });
        match head {
            Ok(head) => match Checksums::of_head(&head).agree(&checksums) {
                Some(true) => made(Proof::Checksum),
                None if kms || is_kms(head.server_side_encryption()) => made(Proof::SizeOnly),
                _ => not_proven,
            },
            // The copy is there, whatever the source says now.
            Err(_) if kms => made(Proof::SizeOnly),
            Err(Fault::NotEntitled | Fault::Vanished) => not_proven,
            Err(fault) => Err(fault),
        }
    }
}

/// The headers for an encryption that was asked for.
pub(crate) fn encryption(asked: Option<&Encryption>) -> (Option<ServerSideEncryption>, Option<String>) {
    match asked {
        None => (None, None),
        Some(Encryption::S3) => (Some(ServerSideEncryption::Aes256), None),
        Some(Encryption::Kms(key)) => (Some(ServerSideEncryption::AwsKms), Some(key.clone())),
    }
}
