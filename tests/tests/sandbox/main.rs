//! The sandbox's own tests: for each refusal of AWS's, a plain SDK client that meets it.

mod breakages;
mod copies;
mod documents;
mod doors;
mod faults;
mod iam;
mod lifecycle;
mod listings;
mod parts;
#[cfg(unix)]
mod program;
mod readings;
mod rights;
mod roles;
mod seeds;
mod sessions;
mod settings;
mod signatures;

use std::fmt::Debug;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use flex_tests::sandbox::{
    COPY_ROLE_ARN, Identity, ObjectSpec, REGION, Sandbox, VENDOR, VENDOR_BUCKET, World, subscriber_bucket,
};

/// The subscriber's bucket in these tests.
const MINE: &str = "my-bucket";
const KEY: &str = "2021/05/31/20210531_1_001.pcap.gz";
const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// Status and code of a refusal; panics when there was none.
#[track_caller]
fn refusal<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, SdkError<E, HttpResponse>>) -> (u16, String) {
    let error = result.expect_err("this must be refused");
    let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
    (status, error.code().unwrap_or_default().to_owned())
}

/// The message of a refusal.
#[track_caller]
fn message<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, SdkError<E, HttpResponse>>) -> String {
    result.expect_err("this must be refused").message().unwrap_or_default().to_owned()
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// A sandbox in process with an empty vendor's bucket and the subscriber's bucket under the manual's policy.
struct Scene {
    sandbox: Sandbox,
    world: World,
    /// The copy role's client.
    role: Client,
    /// The subscriber's owner's client.
    owner: Client,
}

fn scene() -> Scene {
    let sandbox = Sandbox::builder().in_process();
    let world = sandbox.world();
    world.create_bucket(VENDOR_BUCKET, VENDOR, REGION);
    subscriber_bucket(&world, MINE);
    let role = sandbox.s3(&world.copy_role());
    let owner = sandbox.s3(&Identity::owner());
    Scene { sandbox, world, role, owner }
}

/// As [`scene`], with one object of 1,000 bytes at [`KEY`] of the vendor's bucket.
fn scene_with_object() -> Scene {
    let scene = scene();
    scene.world.put_object(VENDOR_BUCKET, KEY, ObjectSpec::new(1000).seed(1));
    scene
}

/// The copy source of a key of the vendor's.
fn from(key: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEEP: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    format!("{VENDOR_BUCKET}/{}", utf8_percent_encode(key, KEEP))
}

/// A CopyObject as the manual's policy wants it.
fn copy(client: &Client, key: &str) -> aws_sdk_s3::operation::copy_object::builders::CopyObjectFluentBuilder {
    client.copy_object().copy_source(from(key)).bucket(MINE).key(key).acl("bucket-owner-full-control".into())
}

/// A statement for the copy role on [`MINE`], as a whole policy.
fn policy(effect: &str, actions: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{{"AWS":"{COPY_ROLE_ARN}"}},
            "Action":{actions},"Resource":"{resource}"}}]}}"#
    )
}
