//! CloudFormation in YAML: values come from the same documents as everywhere else, strings always in quotes.

use super::tree::{Tree, list, members, object, quoted};
use super::{Scene, SceneIdentity, documents};
use crate::{ASSUME_ROLE_POLICY_NAME, BucketName, LIFECYCLE_RULE_ID, RoleArn};

const LANGUAGE: &str = "2010-09-09";

pub(super) fn scene(scene: &Scene) -> String {
    let mut resources = vec![("FlexBucket".to_owned(), bucket(scene))];
    let mut add = |name: &str, value: Tree| resources.push((name.to_owned(), value));
    // S3 refuses the policy while the copy role does not exist.
    add(
        "FlexBucketPolicy",
        object([
            ("Type", "AWS::S3::BucketPolicy".into()),
            ("Condition", "CopyRoleExists".into()),
            (
                "Properties",
                object([("Bucket", reference("FlexBucket")), ("PolicyDocument", documents::bucket_policy(scene))]),
            ),
        ]),
    );
    let inline = || {
        let policy = documents::assume_role_policy(scene);
        list([object([("PolicyName", ASSUME_ROLE_POLICY_NAME.into()), ("PolicyDocument", policy)])])
    };
    match &scene.identity {
        SceneIdentity::None => {}
        SceneIdentity::User { name } => {
            let properties = object([("UserName", name.as_str().into()), ("Policies", inline())]);
            add("FlexUser", resource("AWS::IAM::User", properties));
        }
        SceneIdentity::Role { name, service } => {
            let properties = object([
                ("RoleName", name.as_str().into()),
                ("AssumeRolePolicyDocument", documents::trust(*service)),
                ("Policies", inline()),
            ]);
            add("FlexRole", resource("AWS::IAM::Role", properties));
            if service.needs_instance_profile() {
                let roles = list([reference("FlexRole")]);
                let properties = object([("InstanceProfileName", name.as_str().into()), ("Roles", roles)]);
                add("FlexInstanceProfile", resource("AWS::IAM::InstanceProfile", properties));
            }
        }
    }
    let parameter = object([
        ("Type", "String".into()),
        ("AllowedValues", list(["true".into(), "false".into()])),
        ("Default", "true".into()),
        (
            "Description",
            "false until the vendor says that the copy role exists; then update the stack with true".into(),
        ),
    ]);
    let condition = object([("Fn::Equals", list([reference("VendorHasMadeTheCopyRole"), "true".into()]))]);
    let region = &scene.region;
    let head = format!(
        "# The whole set-up of FLEX Historical, for a stack in {region}:\n\
         # aws cloudformation deploy --region {region} --stack-name flex --capabilities CAPABILITY_NAMED_IAM \
         --template-file FILE --parameter-overrides VendorHasMadeTheCopyRole=true\n\
         # Until the vendor has made the copy role, write false; then run it again with true, which is not changed by leaving \
         it out.\n\
         # No access key is made here: it would be readable in the stack.\n"
    );
    let description = format!("FLEX Historical: the bucket {} and who may copy into it", scene.bucket);
    let body = [
        ("AWSTemplateFormatVersion", LANGUAGE.into()),
        ("Description", description.as_str().into()),
        ("Parameters", object([("VendorHasMadeTheCopyRole", parameter)])),
        ("Conditions", object([("CopyRoleExists", condition)])),
        ("Resources", Tree::Object(resources)),
    ];
    template(head, &body)
}

fn reference(name: &str) -> Tree {
    object([("Ref", name.into())])
}

fn resource(kind: &str, properties: Tree) -> Tree {
    object([("Type", kind.into()), ("Properties", properties)])
}

fn bucket(scene: &Scene) -> Tree {
    let encryption = object([("ServerSideEncryptionByDefault", object([("SSEAlgorithm", "AES256".into())]))]);
    let rule = object([
        ("Id", LIFECYCLE_RULE_ID.into()),
        ("Status", "Enabled".into()),
        ("AbortIncompleteMultipartUpload", object([("DaysAfterInitiation", scene.lifecycle_days.into())])),
    ]);
    let mut properties = vec![("BucketName", scene.bucket.as_str().into())];
    properties.extend(documents::namespace(scene).map(|namespace| ("BucketNamespace", namespace.into())));
    properties.extend([
        ("PublicAccessBlockConfiguration", documents::public_access_block()),
        ("OwnershipControls", documents::ownership()),
        ("BucketEncryption", object([("ServerSideEncryptionConfiguration", list([encryption]))])),
        ("LifecycleConfiguration", object([("Rules", list([rule]))])),
    ]);
    object([
        ("Type", "AWS::S3::Bucket".into()),
        // A first stack that fails, for want of the copy role, takes its empty bucket along: one left behind would keep the
        // next stack from being made.
        ("DeletionPolicy", "RetainExceptOnCreate".into()),
        ("UpdateReplacePolicy", "Retain".into()),
        ("Properties", members(properties)),
    ])
}

pub(super) fn bucket_policy(role: &RoleArn, bucket: &BucketName) -> String {
    let document = Tree::from(&crate::bucket_policy(role, bucket));
    let properties = object([("Bucket", bucket.as_str().into()), ("PolicyDocument", document)]);
    single(
        "# The policy of a bucket that is there already. It becomes the bucket's only policy.\n",
        "FLEX Historical: the policy of the subscriber's bucket",
        "FlexBucketPolicy",
        resource("AWS::S3::BucketPolicy", properties),
    )
}

pub(super) fn assume_role_policy(role: &RoleArn) -> String {
    let properties = object([
        ("ManagedPolicyName", ASSUME_ROLE_POLICY_NAME.into()),
        ("Description", "May assume the copy role of FLEX Historical".into()),
        ("PolicyDocument", Tree::from(&crate::assume_role_policy(role))),
    ]);
    single(
        "# A policy to attach to the user or role that copies.\n",
        "FLEX Historical: the right to assume the copy role",
        "FlexAssumeCopyRole",
        resource("AWS::IAM::ManagedPolicy", properties),
    )
}

fn single(head: &str, description: &str, name: &str, resource: Tree) -> String {
    let body = [
        ("AWSTemplateFormatVersion", LANGUAGE.into()),
        ("Description", description.into()),
        ("Resources", object([(name, resource)])),
    ];
    template(head.to_owned(), &body)
}

fn template(mut out: String, members: &[(&str, Tree)]) -> String {
    for (key, value) in members {
        out.push_str(key);
        out.push(':');
        yaml(value, 1, &mut out);
    }
    out
}

/// Writes what comes after a key or dash, to the end of its last line.
fn yaml(value: &Tree, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Tree::Object(members) if !members.is_empty() => {
            out.push('\n');
            for (key, value) in members {
                out.push_str(&format!("{indent}{}:", plain_key(key)));
                yaml(value, depth + 1, out);
            }
        }
        Tree::List(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                let mut inner = String::new();
                yaml(item, depth + 1, &mut inner);
                // The first line of an object stands beside the dash.
                match inner.strip_prefix('\n') {
                    Some(block) => out.push_str(&format!("{indent}- {}", block.trim_start_matches(' '))),
                    None => out.push_str(&format!("{indent}-{inner}")),
                }
            }
        }
        Tree::Object(_) => out.push_str(" {}\n"),
        Tree::List(_) => out.push_str(" []\n"),
        // A JSON string is a YAML string, too: its escapes are among YAML's.
        Tree::Text(text) => out.push_str(&format!(" {}\n", quoted(text))),
        Tree::Plain(text) => out.push_str(&format!(" {text}\n")),
    }
}

fn plain_key(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == ':';
    match key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(plain) && !key.ends_with(':') {
        true => key.to_owned(),
        false => quoted(key),
    }
}
