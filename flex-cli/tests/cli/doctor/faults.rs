//! Broken set-ups, one fault each: doctor names that fault and no other, and what it prints cures it.

use std::{
    io::{Read, Write},
    net::TcpListener,
    time::{Duration, SystemTime},
};

use aws_sdk_s3::Client;
use aws_smithy_async::time::StaticTimeSource;
use flex_tests::sandbox::{
    COPY_ROLE_ARN, COPY_ROLE_POLICY, COPY_USER_POLICY, Encryption, Identity, Ownership, STRANGER, SUBSCRIBER, Service,
    VENDOR_BUCKET, copy_role_policy,
};

use super::{
    patient::{OWNER, profiles, well},
    table::{Row, try_all, try_row},
};
use crate::support::{BUCKET, Subscriber};

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A default profile of the manual's user, for when nothing is exported.
fn default_profile(user: &Subscriber) {
    let keys = user.machine.profile("default", &Identity::copy_user()).replace("[profile default]", "[default]");
    user.machine.file(".aws/config", profiles(&user.machine) + &keys);
}

/// The profile `owner`, with other keys.
fn owner_is(user: &Subscriber, identity: &Identity) {
    let own = user.machine.profile("owner", identity) + &user.machine.profile("user", &Identity::copy_user());
    user.machine.file(".aws/config", own);
}

/// A server that answers everything as S3 answers what it does not know.
fn only_s3() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut asked = [0; 8192];
            let _ = stream.read(&mut asked);
            let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>MethodNotAllowed</Code><Message>The specified \
                        method is not allowed against this resource.</Message></Error>";
            let answer = format!(
                "HTTP/1.1 405 Method Not Allowed\r\ncontent-type: application/xml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn of_the_machine_and_the_network() {
    let rows = vec![
        Row::new("an endpoint that is set to nothing", "configuration: empty-endpoint", |user| {
            user.machine.set("AWS_ENDPOINT_URL_S3", "");
        }),
        Row::new("a CA bundle that is not there", "configuration: ca-bundle", |user| {
            user.machine.set("AWS_CA_BUNDLE", "/nowhere/ca.pem");
        }),
        Row::new("an STS endpoint where nothing listens", "sts-endpoint: unreachable", |user| {
            user.machine.set("AWS_ENDPOINT_URL_STS", NOWHERE);
        }),
        Row::new("an S3 endpoint where nothing listens", "s3-endpoint: unreachable", |user| {
            user.machine.set("AWS_ENDPOINT_URL_S3", NOWHERE);
        }),
        Row::new("the same, typed", "s3-endpoint: unreachable", |_| {}).flags(&[
            "--owner-profile",
            "owner",
            "--endpoint-url",
            NOWHERE,
        ]),
        Row::new("an STS endpoint that is S3's", "sts-endpoint: not-sts", |user| {
            user.machine.set("AWS_ENDPOINT_URL_STS", only_s3());
        }),
        Row::new("a proxy that is not there", "sts-endpoint: proxy", |user| {
            // To loopback no proxy is used; this address only leads there.
            let elsewhere = user.sandbox.endpoint().replace("127.0.0.1", "0.0.0.0");
            user.machine.set("HTTP_PROXY", NOWHERE).set("AWS_ENDPOINT_URL", elsewhere).set("FLEX_ALLOW_HTTP", "1");
        }),
        Row::new("no route to S3", "s3-endpoint: unreachable", |user| user.world.unreachable(Service::S3, true))
            .others(flex_tests::sandbox::World::network_mended),
        Row::new("another region", "s3-endpoint: other-region", |user| {
            user.machine.set("FLEX_REGION", "us-east-1");
        }),
        Row::new("STS switched off in the region", "sts-endpoint: region-disabled", |user| {
            user.world.sts_disabled(true);
        })
        .others(|world| world.sts_disabled(false)),
        Row::new("a clock that is 10 minutes slow", "clock: skew", |user| user.world.skew(600))
            .program("sudo timedatectl set-ntp true", |world| world.skew(0)),
        Row::new("a clock that is an hour fast", "clock: skew", |user| user.world.skew(-3600))
            .program("sudo timedatectl set-ntp true", |world| world.skew(0)),
    ];
    try_all(rows, false).await;
}

#[tokio::test]
#[cfg_attr(not(feature = "iam"), ignore = "setup makes no user without IAM")]
async fn of_the_identity() {
    let rows = vec![
        Row::new("no identity", "identity: none", |user| {
            user.machine.no_identity();
        }),
        Row::new("a profile that does not exist", "identity: no-such-profile", |user| {
            user.machine.no_identity().set("AWS_PROFILE", "nobody");
        }),
        Row::new("the same, typed", "identity: no-such-profile", |_| {}).flags(&[
            "--owner-profile",
            "owner",
            "--profile",
            "nobody",
        ]),
        Row::new("half a key", "identity: half-exported", |user| {
            user.machine.unset("AWS_SECRET_ACCESS_KEY");
        }),
        Row::new("a profile that is flex itself", "identity: own-profile", |user| {
            user.machine.no_identity().set("AWS_PROFILE", "role");
            let role = "[profile role]\ncredential_process = flex creds process\n";
            user.machine.file(".aws/config", profiles(&user.machine) + role);
        }),
        Row::new("a credential_process that fails", "identity: process", |user| {
            user.machine.no_identity().set("AWS_PROFILE", "vault");
            let vault = "[profile vault]\ncredential_process = /bin/false\n";
            user.machine.file(".aws/config", profiles(&user.machine) + vault);
        }),
        Row::new("a token left over", "identity: stale-token", |user| {
            user.machine.set("AWS_SESSION_TOKEN", "bGVmdG92ZXI=");
        }),
        Row::new("a temporary key without its token", "identity: no-token", |user| {
            default_profile(user);
            let session = user.world.session(&Identity::copy_user(), Duration::from_secs(3600));
            user.machine.identity(&session).unset("AWS_SESSION_TOKEN");
        }),
        Row::new("an exported session that has ended", "identity: expired", |user| {
            default_profile(user);
            user.machine.identity(&user.world.session(&Identity::copy_user(), Duration::ZERO));
        }),
        Row::new("a wrong secret", "identity: wrong-secret", |user| {
            user.machine.set("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00");
        }),
        Row::new("a deactivated key", "identity: unknown-key", |user| {
            user.world.key_active(Identity::copy_user().access_key_id(), false);
        }),
        Row::new("a deleted key", "identity: unknown-key", |user| {
            user.world.remove_key(Identity::copy_user().access_key_id());
        }),
        Row::new("a session name that AWS does not take", "identity: settings", |user| {
            user.machine.set("FLEX_SESSION_NAME", "a name");
        }),
        Row::new("another account in a variable", "account: other-account", |user| {
            user.machine.set("FLEX_ACCOUNT", STRANGER);
        }),
        Row::new("another account in flex.toml", "account: other-account", |user| {
            user.machine.file("flex.toml", format!("# ours\naccount = \"{STRANGER}\"\n"));
        }),
        Row::new("another account, typed", "account: other-account", |_| {}).flags(&[
            "--owner-profile",
            "owner",
            "--account",
            STRANGER,
        ]),
        Row::new("the role of another subscriber", "account: role-of-another", |user| {
            user.machine
                .set("FLEX_ROLE_ARN", format!("arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_{STRANGER}"));
        }),
    ];
    try_all(rows, false).await;
}

#[tokio::test]
#[cfg_attr(not(feature = "iam"), ignore = "setup makes no user without IAM")]
async fn of_the_role_and_the_owner() {
    let rows = vec![
        Row::new("the user lacks the policy", "role: own-policy", |user| {
            user.world.delete_policy(&Identity::copy_user().arn(), COPY_USER_POLICY);
        }),
        Row::new("the user's policy names another role", "role: own-policy", |user| {
            let other = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
                "Resource":"arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789013"}]}"#;
            user.world.put_policy(&Identity::copy_user().arn(), COPY_USER_POLICY, other);
        }),
        Row::new("the role of another vendor", "role: other-role", |user| {
            user.machine.set("FLEX_SOURCE_ACCOUNT", STRANGER);
        }),
        Row::new("a role of another name", "role: other-role", |user| {
            user.machine.set("FLEX_ROLE_ARN", "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copi");
        }),
        Row::new("the user is forbidden", "role: own-policy-denies", |user| {
            let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:*","Resource":"*"}]}"#;
            user.world.put_policy(&Identity::copy_user().arn(), "Guard", deny);
        })
        .others(|world| {
            world.delete_policy(&Identity::copy_user().arn(), "Guard");
        }),
        Row::new("the vendor trusts another account", "role: trust", |user| user.world.role_trusts(&[STRANGER]))
            .others(|world| world.role_trusts(&[SUBSCRIBER])),
        Row::new("the vendor has not made the role", "role: not-created", |user| {
            user.world.role_exists(false);
            user.world.delete_bucket_policy(BUCKET);
        })
        .others(|world| world.role_exists(true)),
        Row::new("the vendor has deleted the role", "role: deleted", |user| {
            user.world.recreate_role();
            user.world.role_exists(false);
        })
        .others(|world| world.role_exists(true)),
        Row::new("the owner's profile is another account's", "owner: other-account", |user| {
            owner_is(user, &Identity::stranger());
        }),
        Row::new("the owner has no rights", "owner: no-rights", |user| {
            let poor = user.world.add_user("poor");
            owner_is(user, &poor);
        })
        .others(|world| {
            let all = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
            world.put_policy("arn:aws:iam::123456789012:user/poor", "All", all);
        }),
    ];
    try_all(rows, false).await;
}

#[tokio::test]
#[cfg_attr(not(feature = "iam"), ignore = "setup makes no user without IAM")]
async fn of_the_bucket() {
    let rows = vec![
        Row::new("no bucket", "bucket: missing", |user| {
            user.world.remove_bucket(BUCKET);
        }),
        Row::new("a bucket in another region", "bucket: other-region", |user| {
            user.world.create_bucket(BUCKET, SUBSCRIBER, "us-west-2");
        }),
        Row::new("somebody else's bucket", "bucket: other-owner", |user| {
            user.world.create_bucket(BUCKET, STRANGER, "ap-northeast-1");
        }),
        Row::new("encryption with AWS's own KMS key", "encryption: kms-of-aws", |user| {
            user.world.bucket_encryption(BUCKET, Encryption::Kms, false);
        }),
    ];
    try_all(rows, false).await;
}

#[tokio::test]
#[cfg_attr(not(feature = "iam"), ignore = "setup makes no user without IAM")]
async fn of_settings_that_only_warn() {
    let rows = vec![
        Row::new("Block Public Access is off", "public-access: open", |user| {
            user.world.bucket_public_access_block(BUCKET, false);
        }),
        Row::new("writers own objects", "ownership: object-writer", |user| {
            user.world.bucket_ownership(BUCKET, Ownership::ObjectWriter);
        }),
        Row::new("no rule ends unfinished uploads", "lifecycle: absent", |user| {
            user.world.delete_lifecycle(BUCKET);
        }),
        Row::new("a clock that drifts", "clock: drift", |user| user.world.skew(120))
            .program("sudo timedatectl set-ntp true", |world| world.skew(0)),
        Row::new("a stray half of a key", "identity: half-exported", |user| {
            default_profile(user);
            user.machine.unset("AWS_SECRET_ACCESS_KEY");
        }),
        Row::new("the role's keys exported, as in the manual", "token: exported-role-keys", |user| {
            default_profile(user);
            user.machine.identity(&user.world.copy_role());
        }),
    ];
    try_all(rows, true).await;
}

#[tokio::test]
async fn of_uploads_that_were_never_finished() {
    let user = well().await;
    // Two hours ago, by this machine's clock.
    user.world.skew(-7200);
    let past = StaticTimeSource::new(SystemTime::now() - Duration::from_secs(7200));
    let role = user.sandbox.s3(&user.world.copy_role());
    let role = Client::from_conf(role.config().to_builder().time_source(past).build());
    let call = role.create_multipart_upload().bucket(BUCKET).key("2021/05/31/left");
    call.acl("bucket-owner-full-control".into()).send().await.unwrap();
    user.world.skew(0);
    let row = Row::new("uploads", "uploads: unfinished", |_| {});
    try_row(&row, &user, true).unwrap_or_else(|why| panic!("{why}"));
    assert!(user.world.open_uploads(BUCKET).is_empty());
}

/// A bucket policy as somebody wrote it.
fn policy(user: &Subscriber, statements: &str) {
    user.world.put_bucket_policy(BUCKET, &format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#));
}

const LIST: &str = r#"{"Sid":"S3CopyStmtList","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012"},
    "Action":"s3:ListBucket","Resource":"arn:aws:s3:::my-bucket"}"#;
const PUT: &str = r#"{"Sid":"S3CopyStmtPutObject","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012"},
    "Action":["s3:PutObject","s3:PutObjectAcl"],"Resource":["arn:aws:s3:::my-bucket/*"],
    "Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}"#;

#[tokio::test]
async fn of_the_bucket_policy() {
    let rows = vec![
        Row::new("no policy", "policy: absent", |user| user.world.delete_bucket_policy(BUCKET)),
        Row::new("another subscriber's role", "policy: wrong-principal", |user| {
            policy(user, &format!("{LIST},{PUT}").replace("123456789012", "123456789021"));
        }),
        Row::new("a statement is missing", "policy: missing-statement", |user| policy(user, LIST)),
        Row::new("an action is missing", "policy: missing-action", |user| {
            policy(user, &format!("{LIST},{}", PUT.replace(r#","s3:PutObjectAcl""#, "")));
        }),
        Row::new("anybody may list", "policy: public-principal", |user| {
            let anybody = LIST.replace(r#"{"AWS":"arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012"}"#, r#""*""#);
            policy(user, &format!("{anybody},{PUT}"));
        }),
        Row::new("another ACL is asked for", "policy: wrong-condition", |user| {
            policy(user, &format!("{LIST},{}", PUT.replace("bucket-owner-full-control", "private")));
        }),
        Row::new("the role was made anew", "policy: dead-principal", |user| user.world.recreate_role()),
        Row::new("a Deny wins", "policy: deny-wins", |user| {
            let deny = r#"{"Sid":"Guard","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::my-bucket/*"}"#;
            policy(user, &format!("{LIST},{PUT},{deny}"));
        })
        .others(|world| world.put_bucket_policy(BUCKET, &flex_tests::sandbox::manual_policy(BUCKET))),
        Row::new("a Deny unless copies ask for an encryption", "policy: deny-wins", |user| {
            let deny = r#"{"Sid":"Guard","Effect":"Deny","Principal":"*","Action":"s3:PutObject",
                "Resource":"arn:aws:s3:::my-bucket/*","Condition":{"Null":{"s3:x-amz-server-side-encryption":"true"}}}"#;
            policy(user, &format!("{LIST},{PUT},{deny}"));
        })
        .flags(&["--owner-profile", "owner", "--write-probe"]),
        Row::new("an organisation of which the role is not", "policy: missing-statement", |user| {
            let org = LIST.replace(r#"{"AWS":"arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012"}"#, r#""*""#);
            let org = org.replace("S3CopyStmtList", "Team");
            let org = org.replacen("\"Effect\"", r#""Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}},"Effect""#, 1);
            policy(user, &format!("{org},{PUT}"));
        }),
    ];
    try_all(rows, false).await;
}

#[tokio::test]
#[cfg_attr(not(feature = "iam"), ignore = "setup makes no user without IAM")]
async fn of_the_vendors_side() {
    const PROBE: &[&str] = &["--owner-profile", "owner", "--write-probe"];
    let rows = vec![
        Row::new("another source bucket", "source: no-such-bucket", |user| {
            user.machine.set("FLEX_SOURCE_BUCKET", "dataservice-flex-bukket");
        }),
        Row::new("the contract has ended", "source: denied", |user| {
            let own = copy_role_policy("another-source", Some(BUCKET));
            user.world.put_policy(COPY_ROLE_ARN, COPY_ROLE_POLICY, &own);
        })
        .others(|world| world.register(VENDOR_BUCKET, "*")),
        Row::new("a VPC endpoint that knows our bucket alone", "source: vpc-endpoint-policy", |user| {
            let own = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*",
                "Resource":["arn:aws:s3:::my-bucket","arn:aws:s3:::my-bucket/*"]}]}"#;
            user.world.vpc_endpoint(Some(own));
        })
        .others(|world| world.vpc_endpoint(None)),
        Row::new("a VPC endpoint that knows the vendor's alone", "bucket: vpc-endpoint-policy", |user| {
            let vendors = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*",
                "Resource":["arn:aws:s3:::dataservice-flex-bucket","arn:aws:s3:::dataservice-flex-bucket/*"]}]}"#;
            user.world.vpc_endpoint(Some(vendors));
        })
        .others(|world| world.vpc_endpoint(None)),
        Row::new("a VPC endpoint that knows neither", "bucket: vpc-endpoint-policy", |user| {
            let none = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#;
            user.world.vpc_endpoint(Some(none));
        })
        .others(|world| world.vpc_endpoint(None)),
        Row::new("nothing of the contract", "licence: nothing-licensed", |user| {
            user.world.refuse_read(VENDOR_BUCKET, "2021/");
        })
        .others(|world| {
            world.allow_read(VENDOR_BUCKET, "2021/");
        }),
        Row::new("another bucket is registered", "destination: not-registered", |user| {
            user.world.register(VENDOR_BUCKET, "another-bucket");
        })
        .others(|world| world.register(VENDOR_BUCKET, BUCKET)),
        Row::new("the role may list and not put", "write-probe: refused", |user| {
            let lists = format!(
                r#"{{"Version":"2012-10-17","Statement":[
                {{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}},
                {{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::{VENDOR_BUCKET}/*"}}]}}"#
            );
            user.world.put_policy(COPY_ROLE_ARN, COPY_ROLE_POLICY, &lists);
        })
        .flags(PROBE)
        .others(|world| world.register(VENDOR_BUCKET, BUCKET)),
    ];
    assert_eq!(PROBE[..2], OWNER);
    try_all(rows, false).await;
}
