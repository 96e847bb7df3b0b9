//! Set-ups that are broken in one place, and what a plain client then sees; and that each is mended by its mend.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_smithy_http_client::Builder as HttpBuilder;
use flex_tests::sandbox::{
    COPY_ROLE_ARN, COPY_ROLE_POLICY, COPY_USER_NAME, COPY_USER_POLICY, Encryption, FlexSeed, Identity, Ownership,
    REGION, STRANGER, SUBSCRIBER, Sandbox, Service, VENDOR_BUCKET, World, copy_role_policy, manual_policy, seed_flex,
    subscriber_bucket,
};

use super::iam::iam;
use super::{KEY, MINE, copy, is, message, refusal, scene_with_object};

async fn assume(sandbox: &Sandbox, identity: &Identity) -> Result<(), (u16, String)> {
    let asked = sandbox.sts(identity).assume_role().role_arn(COPY_ROLE_ARN).role_session_name("flex").send().await;
    match asked {
        Ok(_) => Ok(()),
        Err(error) => Err(refusal::<(), _>(Err(error))),
    }
}

fn denied() -> Result<(), (u16, String)> {
    Err(is(403, "AccessDenied"))
}

#[tokio::test(start_paused = true)]
async fn the_vendor_makes_the_role_later() {
    let scene = scene_with_object();
    scene.world.role_exists_after(Duration::from_secs(60));
    let user = Identity::copy_user();
    let put = || scene.owner.put_bucket_policy().bucket(MINE).policy(manual_policy(MINE)).send();
    assert_eq!(assume(&scene.sandbox, &user).await, denied());
    assert_eq!(message(put().await), "Invalid principal in policy");
    // Until then there are no sessions of it, either.
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(403, "InvalidAccessKeyId"));
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(assume(&scene.sandbox, &user).await, denied());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(assume(&scene.sandbox, &user).await, Ok(()));
    put().await.expect("the role is there");
}

#[tokio::test]
async fn a_trust_that_does_not_name_the_subscriber() {
    let scene = scene_with_object();
    for trusted in [vec![], vec![STRANGER]] {
        scene.world.role_trusts(&trusted);
        assert_eq!(assume(&scene.sandbox, &Identity::copy_user()).await, denied(), "{trusted:?}");
        assert_eq!(assume(&scene.sandbox, &Identity::owner()).await, denied(), "{trusted:?}");
        // The role is there all the same: a bucket policy may name it.
        scene.owner.put_bucket_policy().bucket(MINE).policy(manual_policy(MINE)).send().await.expect("put");
    }
    scene.world.role_trusts(&[SUBSCRIBER]);
    assert_eq!(assume(&scene.sandbox, &Identity::copy_user()).await, Ok(()));
}

#[tokio::test]
async fn a_role_made_anew_is_not_the_one_that_the_policy_named() {
    let scene = scene_with_object();
    let before = scene.sandbox.sts(&scene.world.copy_role()).get_caller_identity().send().await.expect("known");
    scene.world.recreate_role();
    // The sessions of the old one are gone.
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(403, "InvalidAccessKeyId"));
    let role = scene.world.copy_role();
    let after = scene.sandbox.sts(&role).get_caller_identity().send().await.expect("known");
    let id = |who: &aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput| {
        who.user_id().unwrap_or_default().split(':').next().unwrap_or_default().to_owned()
    };
    assert_eq!(before.arn(), after.arn());
    assert_ne!(id(&before), id(&after));

    let text = scene.owner.get_bucket_policy().bucket(MINE).send().await.expect("read");
    let text = text.policy().unwrap_or_default();
    assert!(text.contains(&id(&before)) && !text.contains(COPY_ROLE_ARN) && text.contains("S3CopyStmtList"), "{text}");
    let s3 = scene.sandbox.s3(&role);
    assert_eq!(refusal(copy(&s3, KEY).send().await), is(403, "AccessDenied"));
    s3.list_objects_v2().bucket(VENDOR_BUCKET).send().await.expect("at the vendor's nothing has changed");
    // Nor can the dead one be put again.
    let put = |policy: String| scene.owner.put_bucket_policy().bucket(MINE).policy(policy).send();
    assert_eq!(message(put(text.to_owned()).await), "Invalid principal in policy");
    put(manual_policy(MINE)).await.expect("put");
    copy(&s3, KEY).send().await.expect("named again");
}

#[tokio::test]
async fn the_vendor_registered_another_bucket_or_none() {
    let scene = scene_with_object();
    for break_it in [(|world: &World| world.register(VENDOR_BUCKET, "another")) as fn(&World), |world| {
        world.register_none(VENDOR_BUCKET)
    }] {
        break_it(&scene.world);
        assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(403, "AccessDenied"));
        assert_eq!(refusal(scene.role.list_objects_v2().bucket(MINE).send().await), is(403, "AccessDenied"));
        scene.role.head_object().bucket(VENDOR_BUCKET).key(KEY).send().await.expect("the source can be read");
        scene.world.register(VENDOR_BUCKET, MINE);
        copy(&scene.role, KEY).send().await.expect("registered");
    }
}

#[tokio::test]
async fn the_vendors_own_policy_lacks_a_right() {
    let scene = scene_with_object();
    let whole = copy_role_policy(VENDOR_BUCKET, Some(MINE));
    scene.world.put_policy(COPY_ROLE_ARN, COPY_ROLE_POLICY, &whole.replace("s3:ListBucket", "s3:GetBucketLocation"));
    assert_eq!(refusal(scene.role.list_objects_v2().bucket(VENDOR_BUCKET).send().await), is(403, "AccessDenied"));
    scene.role.head_object().bucket(VENDOR_BUCKET).key(KEY).send().await.expect("the rest holds");
    scene.world.put_policy(COPY_ROLE_ARN, COPY_ROLE_POLICY, &whole);
    scene.role.list_objects_v2().bucket(VENDOR_BUCKET).send().await.expect("mended");
    assert!(scene.world.delete_policy(COPY_ROLE_ARN, COPY_ROLE_POLICY));
    assert_eq!(refusal(scene.role.head_object().bucket(VENDOR_BUCKET).key(KEY).send().await), is(403, ""));
}

#[tokio::test]
async fn nothing_is_licensed() {
    let scene = scene_with_object();
    scene.world.refuse_read(VENDOR_BUCKET, "");
    scene.role.list_objects_v2().bucket(VENDOR_BUCKET).send().await.expect("the listing shows it");
    assert_eq!(refusal(scene.role.head_object().bucket(VENDOR_BUCKET).key(KEY).send().await), is(403, ""));
    assert!(scene.world.allow_read(VENDOR_BUCKET, ""));
    scene.role.head_object().bucket(VENDOR_BUCKET).key(KEY).send().await.expect("licensed");
}

#[tokio::test]
async fn the_bucket_is_elsewhere_or_somebody_elses_or_nowhere() {
    let scene = scene_with_object();
    let head = || scene.owner.head_bucket().bucket(MINE).send();
    scene.world.create_bucket(MINE, SUBSCRIBER, "us-west-2");
    let error = head().await.expect_err("it is elsewhere");
    let region = error.raw_response().and_then(|raw| raw.headers().get("x-amz-bucket-region")).map(str::to_owned);
    assert_eq!(region.as_deref(), Some("us-west-2"));
    assert_eq!(refusal::<(), _>(Err(error)), is(301, ""));
    scene.world.create_bucket(MINE, STRANGER, REGION);
    let error = head().await.expect_err("it is somebody else's");
    let region = error.raw_response().and_then(|raw| raw.headers().get("x-amz-bucket-region")).map(str::to_owned);
    assert_eq!((region.as_deref(), refusal::<(), _>(Err(error))), (Some(REGION), is(403, "")));
    assert!(scene.world.remove_bucket(MINE) && !scene.world.bucket_exists(MINE));
    assert_eq!(refusal(head().await), is(404, "NotFound"));
    subscriber_bucket(&scene.world, MINE);
    head().await.expect("as it should be");
}

#[tokio::test]
async fn a_bucket_from_before_2023() {
    let scene = scene_with_object();
    scene.world.bucket_ownership(MINE, None);
    scene.world.bucket_public_access_block(MINE, false);
    let controls = scene.owner.get_bucket_ownership_controls().bucket(MINE).send().await;
    assert_eq!(refusal(controls), is(404, "OwnershipControlsNotFoundError"));
    let block = scene.owner.get_public_access_block().bucket(MINE).send().await;
    assert_eq!(refusal(block), is(404, "NoSuchPublicAccessBlockConfiguration"));
    copy(&scene.role, KEY).send().await.expect("copied");
    assert_eq!(scene.world.object(MINE, KEY).expect("stored").owner, "461810399597", "whoever writes owns");
    scene.world.bucket_ownership(MINE, Ownership::BucketOwnerEnforced);
    scene.world.bucket_public_access_block(MINE, true);
    scene.owner.get_public_access_block().bucket(MINE).send().await.expect("on");
    scene.owner.delete_bucket_ownership_controls().bucket(MINE).send().await.expect("taken away");
    let controls = scene.owner.get_bucket_ownership_controls().bucket(MINE).send().await;
    assert_eq!(refusal(controls), is(404, "OwnershipControlsNotFoundError"));
}

#[tokio::test]
async fn a_key_that_the_role_cannot_use() {
    let scene = scene_with_object();
    scene.world.bucket_encryption(MINE, Encryption::Kms, false);
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(403, "AccessDenied"));
    scene.world.bucket_encryption(MINE, Encryption::S3, false);
    copy(&scene.role, KEY).send().await.expect("mended");
}

#[tokio::test]
async fn keys_switched_off_or_deleted_and_sessions_that_have_ended() {
    let scene = scene_with_object();
    let user = Identity::copy_user();
    let unknown = || Err(is(403, "InvalidClientTokenId"));
    scene.world.key_active(user.access_key_id(), false);
    assert_eq!(assume(&scene.sandbox, &user).await, unknown());
    scene.world.key_active(user.access_key_id(), true);
    assert_eq!(assume(&scene.sandbox, &user).await, Ok(()));
    let other = scene.world.add_user("other");
    assert_eq!(scene.world.keys_of("other").len(), 1);
    assert!(scene.world.remove_key(other.access_key_id()) && scene.world.keys_of("other").is_empty());
    assert_eq!(assume(&scene.sandbox, &other).await, unknown());
    assert!(scene.world.remove_user(COPY_USER_NAME) && !scene.world.remove_user(COPY_USER_NAME));
    assert_eq!(assume(&scene.sandbox, &user).await, unknown());

    let ended = scene.world.session(&Identity::owner(), Duration::ZERO);
    assert_eq!(assume(&scene.sandbox, &ended).await, Err(is(403, "ExpiredToken")));
    let living = scene.world.session(&Identity::owner(), Duration::from_secs(60));
    assert_eq!(assume(&scene.sandbox, &living).await, Ok(()));
    scene.world.advance(Duration::from_secs(60));
    assert_eq!(assume(&scene.sandbox, &living).await, Err(is(403, "ExpiredToken")));
}

#[tokio::test]
async fn the_services_clock_is_not_the_clients() {
    let scene = scene_with_object();
    // A client each time: they learn the offset from what they are answered.
    let list = || scene.sandbox.s3(&Identity::owner()).list_objects_v2().bucket(MINE).send();
    for (seconds, word) in [(3600, "Signature expired"), (-3600, "Signature not yet current")] {
        scene.world.skew(seconds);
        let config = aws_sdk_sts::config::Builder::from(&scene.sandbox.sdk_config(&Identity::owner()))
            .retry_config(aws_sdk_sts::config::retry::RetryConfig::disabled());
        let who = aws_sdk_sts::Client::from_conf(config.build()).get_caller_identity().send().await;
        assert!(message(who).starts_with(word), "{seconds}");
        assert_eq!(refusal(list().await), is(403, "RequestTimeTooSkewed"));
        let user = iam(&scene.sandbox, &Identity::owner()).get_user().send().await;
        assert_eq!(refusal(user), is(403, "SignatureDoesNotMatch"));
    }
    scene.world.skew(600);
    list().await.expect("ten minutes are allowed");
    scene.world.network_mended();
    iam(&scene.sandbox, &Identity::owner()).get_user().send().await.expect("mended");
}

/// A VPC endpoint's policy that admits the bucket of the subscriber and no other.
const OWN_BUCKET_ONLY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*",
    "Resource":["arn:aws:s3:::my-bucket","arn:aws:s3:::my-bucket/*"]}]}"#;

#[tokio::test]
async fn a_vpc_endpoint_that_does_not_admit_the_vendors_bucket() {
    let scene = scene_with_object();
    scene.world.vpc_endpoint(Some(OWN_BUCKET_ONLY));
    let listed = || scene.role.list_objects_v2().bucket(VENDOR_BUCKET).send();
    assert_eq!(
        message(listed().await),
        format!(
            "User: arn:aws:sts::461810399597:assumed-role/JeuServiceRoleForS3Copy_123456789012/flex is not authorized to \
             perform: s3:ListBucket on resource: \"arn:aws:s3:::{VENDOR_BUCKET}\" because no VPC endpoint policy allows \
             the s3:ListBucket action"
        )
    );
    assert_eq!(refusal(listed().await), is(403, "AccessDenied"));
    let text = message(copy(&scene.role, KEY).send().await);
    assert!(text.ends_with("because no VPC endpoint policy allows the s3:GetObject action"), "{text}");
    scene.owner.list_objects_v2().bucket(MINE).send().await.expect("the own bucket is admitted");
    scene.role.list_objects_v2().bucket(MINE).send().await.expect("for the role, too");
    assert_eq!(assume(&scene.sandbox, &Identity::copy_user()).await, Ok(()), "STS does not pass through it");

    let deny = OWN_BUCKET_ONLY.replace("Allow", "Deny");
    scene.world.vpc_endpoint(Some(&deny));
    let text = message(scene.owner.list_objects_v2().bucket(MINE).send().await);
    assert!(text.ends_with("with an explicit deny in a VPC endpoint policy"), "{text}");
    // Across accounts S3 gives no reasons.
    assert_eq!(message(scene.role.list_objects_v2().bucket(MINE).send().await), "Access Denied");
    scene.world.vpc_endpoint(None);
    copy(&scene.role, KEY).send().await.expect("no endpoint, no refusal");
}

#[tokio::test]
async fn an_endpoint_does_not_know_the_initiators_defaults() {
    let scene = scene_with_object();
    let upload = scene.role.create_multipart_upload().bucket(MINE).key("k").acl("bucket-owner-full-control".into());
    let id = upload.send().await.expect("begun").upload_id().unwrap_or_default().to_owned();
    let abort = || scene.role.abort_multipart_upload().bucket(MINE).key("k").upload_id(&id).send();
    let puts_only = OWN_BUCKET_ONLY.replace("s3:*", "s3:PutObject");
    scene.world.vpc_endpoint(Some(&puts_only));
    assert_eq!(refusal(abort().await), is(403, "AccessDenied"));
    scene.world.vpc_endpoint(None);
    abort().await.expect("without it, the initiator may");
}

#[tokio::test]
async fn sts_is_switched_off_in_the_region() {
    let scene = scene_with_object();
    scene.world.sts_disabled(true);
    assert_eq!(assume(&scene.sandbox, &Identity::copy_user()).await, Err(is(403, "RegionDisabledException")));
    copy(&scene.role, KEY).send().await.expect("S3 goes on");
    scene.world.sts_disabled(false);
    assert_eq!(assume(&scene.sandbox, &Identity::copy_user()).await, Ok(()));
}

#[tokio::test]
async fn one_service_can_be_out_of_reach() {
    use aws_sdk_s3::error::SdkError;
    // Over TCP, where a closed connection is one.
    let sandbox = Sandbox::builder().start().await.expect("a free port on loopback");
    let world = sandbox.world();
    world.create_bucket(MINE, SUBSCRIBER, REGION);
    let config = || {
        aws_types::SdkConfig::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::from_static(REGION))
            .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(Identity::owner().credentials()))
            .endpoint_url(sandbox.endpoint())
            .http_client(HttpBuilder::new().build_http())
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
            .build()
    };
    let s3 = Client::from_conf(aws_sdk_s3::config::Builder::from(&config()).force_path_style(true).build());
    let sts = aws_sdk_sts::Client::new(&config());
    let iam = aws_sdk_iam::Client::new(&config());
    for broken in [Service::S3, Service::Sts, Service::Iam] {
        world.unreachable(broken, true);
        let cut = [
            s3.head_bucket()
                .bucket(MINE)
                .send()
                .await
                .map(|_| ())
                .map_err(|e| matches!(e, SdkError::DispatchFailure(_))),
            sts.get_caller_identity().send().await.map(|_| ()).map_err(|e| matches!(e, SdkError::DispatchFailure(_))),
            iam.get_user().send().await.map(|_| ()).map_err(|e| matches!(e, SdkError::DispatchFailure(_))),
        ];
        let want = [Service::S3, Service::Sts, Service::Iam].map(|s| if s == broken { Err(true) } else { Ok(()) });
        assert_eq!(cut, want, "{broken:?}");
        world.network_mended();
    }
}

#[tokio::test]
async fn before_the_first_step_there_is_only_the_owner() {
    let sandbox = Sandbox::builder().in_process();
    let world = sandbox.world();
    seed_flex(&world, &FlexSeed::default());
    world.nothing_set_up();
    let users = iam(&sandbox, &Identity::owner()).list_users().send().await.expect("listed");
    assert_eq!(users.users().iter().map(|user| user.user_name()).collect::<Vec<_>>(), ["owner"]);
    assert_eq!(assume(&sandbox, &Identity::owner()).await, denied());
    // A new user with the old policy is as good as the one that was there.
    let user = world.add_user(COPY_USER_NAME);
    world.role_exists(true);
    assert_eq!(assume(&sandbox, &user).await, denied());
    let allow = world.policies("arn:aws:iam::123456789012:role/TickUser");
    world.put_policy(&user.arn(), COPY_USER_POLICY, &allow[COPY_USER_POLICY]);
    assert_eq!(assume(&sandbox, &user).await, Ok(()));
}
