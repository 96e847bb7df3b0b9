//! The socket, and that both doors lead to the same place.

use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_smithy_http_client::Builder as HttpBuilder;
use flex_tests::sandbox::{
    COPY_ROLE_ARN, Effect, Fault, FlexSeed, Identity, Sandbox, VENDOR_BUCKET, seed_flex, subscriber_bucket,
};

use super::{KEY, MINE, copy, is, refusal};

/// A client that goes by TCP and the machine's clock, as a program of its own would.
fn by_tcp(sandbox: &Sandbox, identity: &Identity) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .region(aws_sdk_s3::config::Region::from_static("ap-northeast-1"))
        .credentials_provider(identity.credentials())
        .endpoint_url(sandbox.endpoint())
        .force_path_style(true)
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .http_client(HttpBuilder::new().build_http())
        .build();
    Client::from_conf(config)
}

async fn served() -> Sandbox {
    let sandbox = Sandbox::builder().start().await.expect("a free port on loopback");
    seed_flex(&sandbox.world(), &FlexSeed::default());
    subscriber_bucket(&sandbox.world(), MINE);
    sandbox
}

#[tokio::test]
async fn copies_go_through_the_socket() {
    let sandbox = served().await;
    let world = sandbox.world();
    assert!(sandbox.endpoint().starts_with("http://127.0.0.1:"));
    let role = by_tcp(&sandbox, &world.copy_role());
    copy(&role, KEY).send().await.expect("copied");
    assert!(world.same_content(VENDOR_BUCKET, KEY, MINE, KEY));
    // What a socket cannot carry.
    assert_eq!(refusal(role.head_object().bucket(MINE).key(KEY).send().await), is(403, ""));
    assert_eq!(refusal(role.head_object().bucket(VENDOR_BUCKET).key("no").send().await), is(404, "NotFound"));
    let part = role.head_object().bucket(VENDOR_BUCKET).key("2021/05/31/20210531_2_001.pcap.gz").part_number(3);
    assert_eq!(part.send().await.expect("read").parts_count(), Some(3));
    let body = role.get_object().bucket(VENDOR_BUCKET).key(KEY).send().await.expect("read").body;
    assert_eq!(body.collect().await.expect("whole").into_bytes(), world.read(VENDOR_BUCKET, KEY));
    let key = "ConnectionSpec/Standard/version 17.4/Japanese/接続仕様書(Standard).pdf";
    copy(&role, key).send().await.expect("copied");
    assert!(world.same_content(VENDOR_BUCKET, key, MINE, key));
    // The same state behind both doors.
    let listed = sandbox.s3(&world.copy_role()).list_objects_v2().bucket(MINE).send().await.expect("listed");
    assert_eq!(listed.key_count(), Some(2));
}

#[tokio::test]
async fn bodies_go_up_through_the_socket() {
    let sandbox = served().await;
    let owner = by_tcp(&sandbox, &Identity::owner());
    let bytes: Vec<u8> = (0..300_000u32).map(|n| n.to_le_bytes()[0]).collect();
    owner.put_object().bucket(MINE).key("k").body(bytes.clone().into()).send().await.expect("stored");
    assert_eq!(sandbox.world().read(MINE, "k"), bytes);
    let checksum = sandbox.world().object(MINE, "k").and_then(|o| o.checksum).expect("the SDK sends one");
    assert_eq!(checksum.algorithm.name(), "CRC32");
}

#[tokio::test]
async fn sts_is_on_the_same_port() {
    let sandbox = served().await;
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
        .region(aws_sdk_sts::config::Region::from_static("ap-northeast-1"))
        .credentials_provider(Identity::copy_user().credentials())
        .endpoint_url(sandbox.endpoint())
        .http_client(HttpBuilder::new().build_http())
        .build();
    let sts = aws_sdk_sts::Client::from_conf(config);
    let answer = sts.assume_role().role_arn(COPY_ROLE_ARN).role_session_name("flex").send().await.expect("assumed");
    assert!(answer.credentials().is_some_and(|given| given.access_key_id().starts_with("ASIA")));
}

#[tokio::test]
async fn faults_on_the_socket_are_seen_as_such() {
    let sandbox = served().await;
    let world = sandbox.world();
    world.fault(Fault::on("CopyObject").nth(1).then(Effect::ResetBefore));
    world.fault(Fault::on("CopyObject").nth(2).then(Effect::ResetAfter));
    world.fault(Fault::on("CopyObject").nth(3).then(Effect::Truncate));
    let role = by_tcp(&sandbox, &world.copy_role());
    for done in [false, true, true] {
        let error = copy(&role, KEY).send().await.expect_err("the connection breaks");
        assert!(matches!(error, SdkError::DispatchFailure(_) | SdkError::ResponseError(_)), "{error:?}");
        assert_eq!(world.object(MINE, KEY).is_some(), done);
    }
    copy(&role, KEY).send().await.expect("the fourth passes");
}

#[tokio::test]
async fn shutdown_ends_the_listener_within_its_bound() {
    let sandbox = served().await;
    let world = sandbox.world();
    world.latency(Duration::from_secs(600));
    let role = by_tcp(&sandbox, &world.copy_role());
    let hanging = tokio::spawn(role.list_objects_v2().bucket(MINE).send());
    while world.count("ListObjectsV2") == 0 {
        tokio::task::yield_now().await;
    }
    let begin = Instant::now();
    sandbox.shutdown().await;
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    hanging.await.expect("it ran").expect_err("the connection was cut");
    assert!(role.list_objects_v2().bucket(MINE).send().await.is_err());
}

#[tokio::test]
async fn dropping_stops_it() {
    let sandbox = served().await;
    let endpoint = sandbox.endpoint();
    let address = endpoint.trim_start_matches("http://").to_owned();
    drop(sandbox);
    let deadline = Instant::now() + Duration::from_secs(5);
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        assert!(Instant::now() < deadline, "still listening on {address}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let sandbox = served().await;
    let port: u16 = sandbox.endpoint().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    Sandbox::builder().port(port).start().await.expect_err("it is taken");
}
