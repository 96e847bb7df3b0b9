//! A POSIX shell script of AWS CLI commands: it may run twice, and what belongs to others it leaves and names.

use super::tree::Tree;
use super::{Scene, SceneIdentity, ServiceTrust, documents};
use crate::{ASSUME_ROLE_POLICY_NAME, BucketName, LIFECYCLE_RULE_ID, LIST_SID, PUT_SID, RoleArn};

const HEAD: &str = r#"#!/bin/sh
set -eu

left=0
say() { printf '%s\n' "$*"; }
leave() { printf 'left as it is: %s\n' "$*" >&2; left=1; }
fail() { printf 'failed: %s\n' "$*" >&2; exit 1; }
"#;

const TAIL: &str = r#"
if [ "$left" -ne 0 ]; then
  say "not all is done: see what was left as it is"
  exit 1
fi
say "done"
"#;

pub(super) fn scene(scene: &Scene) -> String {
    let mut out = format!(
        "{HEAD}\n# The whole set-up of FLEX Historical. It may run again: what is right already stays as it is.\n{}",
        variables(&[
            ("account", scene.account.as_str()),
            ("bucket", scene.bucket.as_str()),
            ("region", &scene.region),
            ("role", &scene.role.to_string()),
        ])
    );
    out.push_str(
        r#"
caller=$(aws sts get-caller-identity --region "$region" --query Account --output text)
[ "$caller" = "$account" ] || fail "this identity belongs to the account $caller, not to $account"
"#,
    );
    out.push_str(&bucket(scene));
    out.push_str(&lifecycle(scene));
    out.push_str(&policy(&documents::bucket_policy(scene)));
    match &scene.identity {
        SceneIdentity::None => {}
        SceneIdentity::User { name } => out.push_str(&user(scene, name.as_str())),
        SceneIdentity::Role { name, service } => out.push_str(&role(scene, name.as_str(), *service)),
    }
    out.push_str(TAIL);
    out
}

fn bucket(scene: &Scene) -> String {
    let location = match documents::location_constraint(scene) {
        Some(_) => r#" --create-bucket-configuration "LocationConstraint=$region""#,
        None => "",
    };
    let namespace = documents::namespace(scene).map(|name| format!(" --bucket-namespace {name}")).unwrap_or_default();
    let step = r#"
# 1-1: the bucket
if aws s3api head-bucket --bucket "$bucket" --region "$region" --expected-bucket-owner "$account" >/dev/null 2>&1; then
  say "the bucket $bucket is there"
else
  aws s3api create-bucket --bucket "$bucket" --region "$region"LOCATION >/dev/null
  say "the bucket $bucket is made"
fi
found=$(aws s3api get-bucket-location --bucket "$bucket" --query LocationConstraint --output text)
case "$found" in
  None | null) found=us-east-1 ;;
esac
[ "$found" = "$region" ] || fail "the bucket $bucket is in $found, not in $region"

aws s3api put-public-access-block --bucket "$bucket" --region "$region" --public-access-block-configuration BLOCK
found=$(aws s3api get-bucket-ownership-controls --bucket "$bucket" --region "$region" \
  --query 'OwnershipControls.Rules[0].ObjectOwnership' --output text 2>/dev/null) || found=none
if [ "$found" != BucketOwnerEnforced ]; then
  aws s3api put-bucket-ownership-controls --bucket "$bucket" --region "$region" --ownership-controls OWNERSHIP
fi
found=$(aws s3api get-bucket-encryption --bucket "$bucket" --region "$region" --query \
  'ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm' --output text 2>&1) ||
  case "$found" in
    *ServerSideEncryptionConfigurationNotFoundError*) found=none ;;
    *) fail "$found" ;;
  esac
case "$found" in
  AES256) ;;
  aws:kms*) leave "the bucket encrypts with $found; the copy role needs a right to its key, or use AES256" ;;
  *)
    aws s3api put-bucket-encryption --bucket "$bucket" --region "$region" --server-side-encryption-configuration ENCRYPTION
    ;;
esac
"#;
    step.replace("LOCATION ", &format!("{namespace}{location} "))
        .replace(" BLOCK\n", &format!(" \\\n  {}\n", inline(&documents::public_access_block())))
        .replace(" OWNERSHIP\n", &format!(" \\\n    {}\n", inline(&documents::ownership())))
        .replace(" ENCRYPTION\n", &format!(" \\\n      {}\n", inline(&documents::encryption())))
}

/// Putting a lifecycle configuration replaces all its rules, so that it is put only where there is none.
fn lifecycle(scene: &Scene) -> String {
    let step = r#"
# Unfinished uploads are ended: their parts cost money, and the copy role cannot see them.
if found=$(aws s3api get-bucket-lifecycle-configuration --bucket "$bucket" --region "$region" \
  --query 'Rules[?AbortIncompleteMultipartUpload && Status==`Enabled`].ID' --output text 2>&1); then
  case "$found" in
    '' | None) leave "the bucket has other lifecycle rules; add the rule RULE to them, or run: flex setup" ;;
    *) say "unfinished uploads are ended by the rule $found" ;;
  esac
else
  case "$found" in
    *NoSuchLifecycleConfiguration*)
      aws s3api put-bucket-lifecycle-configuration --bucket "$bucket" --region "$region" \
        --lifecycle-configuration CONFIGURATION
      ;;
    *) fail "$found" ;;
  esac
fi
"#;
    step.replace(" RULE ", &format!(" {LIFECYCLE_RULE_ID} "))
        .replace(" CONFIGURATION\n", &format!(" {}\n", inline(&documents::lifecycle(scene))))
}

/// A policy that is there belongs to somebody: merging is flex's work, not a shell's.
fn policy(document: &Tree) -> String {
    let step = r#"
# 1-3: the bucket policy. S3 refuses it until the vendor has made the copy role, about 5 business days after the notice.
policy=POLICY
if found=$(aws s3api get-bucket-policy --bucket "$bucket" --region "$region" --query Policy --output text 2>&1); then
  case "$found" in
    *LIST*PUT* | *PUT*LIST*)
      case "$found" in
        *"$role\""*) say "the bucket policy has the statements for $role; to check them: flex policy check" ;;
        *) leave "the bucket policy has statements for another role than $role; to mend them: flex policy apply" ;;
      esac
      ;;
    *) leave "the bucket has another policy; to add the statements to it: flex policy apply" ;;
  esac
else
  case "$found" in
    *NoSuchBucketPolicy*)
      if found=$(aws s3api put-bucket-policy --bucket "$bucket" --region "$region" --policy "$policy" 2>&1); then
        say "the bucket policy is put"
      else
        case "$found" in
          *"nvalid principal"*) leave "no bucket policy yet: the vendor has not made $role; run this again later" ;;
          *) fail "$found" ;;
        esac
      fi
      ;;
    *) fail "$found" ;;
  esac
fi
"#;
    step.replace("LIST", LIST_SID)
        .replace("PUT", PUT_SID)
        .replace("policy=POLICY", &format!("policy={}", single_quoted(&document.json())))
}

fn user(scene: &Scene, name: &str) -> String {
    let step = r#"
# 1-4: the user that may assume the copy role. A key for it: aws iam create-access-key --user-name NAME
if ! aws iam get-user --user-name "$user" >/dev/null 2>&1; then
  aws iam create-user --user-name "$user" >/dev/null
  say "the user $user is made"
fi
aws iam put-user-policy --user-name "$user" --policy-name POLICY_NAME --policy-document DOCUMENT
"#;
    let step = step
        .replace("POLICY_NAME", ASSUME_ROLE_POLICY_NAME)
        .replace(" DOCUMENT\n", &format!(" {}\n", single_quoted(&documents::assume_role_policy(scene).json())))
        .replace("NAME\nif", &format!("{name}\nif"));
    format!("{}{step}", variables(&[("user", name)]))
}

fn role(scene: &Scene, name: &str, service: ServiceTrust) -> String {
    let step = r#"
# 1-4: the role that may assume the copy role
if ! aws iam get-role --role-name "$own_role" >/dev/null 2>&1; then
  aws iam create-role --role-name "$own_role" --assume-role-policy-document TRUST >/dev/null
  say "the role $own_role is made"
fi
case "$(aws iam get-role --role-name "$own_role" --query Role.AssumeRolePolicyDocument --output json)" in
  *'"SERVICE"'*) ;;
  *) leave "the role $own_role is there and is not for SERVICE: its trust policy does not name it" ;;
esac
aws iam put-role-policy --role-name "$own_role" --policy-name POLICY_NAME --policy-document DOCUMENT
"#;
    let profile = r#"
if ! aws iam get-instance-profile --instance-profile-name "$own_role" >/dev/null 2>&1; then
  aws iam create-instance-profile --instance-profile-name "$own_role" >/dev/null
  say "the instance profile $own_role is made"
fi
found=$(aws iam get-instance-profile --instance-profile-name "$own_role" \
  --query 'InstanceProfile.Roles[0].RoleName' --output text)
case "$found" in
  "$own_role") ;;
  None | null | '') aws iam add-role-to-instance-profile --instance-profile-name "$own_role" --role-name "$own_role" ;;
  *) leave "the instance profile $own_role has the role $found" ;;
esac
"#;
    let step = step
        .replace("SERVICE", service.principal())
        .replace(" TRUST ", &format!(" {} ", single_quoted(&documents::trust(service).json())))
        .replace("POLICY_NAME", ASSUME_ROLE_POLICY_NAME)
        .replace(" DOCUMENT\n", &format!(" {}\n", single_quoted(&documents::assume_role_policy(scene).json())));
    let profile = if service.needs_instance_profile() { profile } else { "" };
    format!("{}{step}{profile}", variables(&[("own_role", name)]))
}

pub(super) fn bucket_policy(role: &RoleArn, bucket: &BucketName) -> String {
    let variables =
        variables(&[("bucket", bucket.as_str()), ("region", crate::HOME_REGION), ("role", &role.to_string())]);
    let document = Tree::from(&crate::bucket_policy(role, bucket));
    format!("{HEAD}\n# The policy of the subscriber's bucket.\n{variables}{}{TAIL}", policy(&document))
}

pub(super) fn assume_role_policy(role: &RoleArn) -> String {
    let step = r#"
# 1-4: a policy to attach to the user or role that copies
policy=POLICY
found=$(aws iam list-policies --scope Local --query "Policies[?PolicyName=='NAME'].Arn" --output text)
case "$found" in
  '' | None)
    found=$(aws iam create-policy --policy-name NAME --policy-document "$policy" --query Policy.Arn --output text)
    say "made $found"
    ;;
  *) say "$found is there" ;;
esac
say "to attach it: aws iam attach-user-policy --user-name USER --policy-arn $found"
"#;
    let document = Tree::from(&crate::assume_role_policy(role)).json();
    let step = step
        .replace("policy=POLICY", &format!("policy={}", single_quoted(&document)))
        .replace("NAME'", &format!("{ASSUME_ROLE_POLICY_NAME}'"))
        .replace("--policy-name NAME", &format!("--policy-name {ASSUME_ROLE_POLICY_NAME}"));
    format!("{HEAD}{step}")
}

fn variables(values: &[(&str, &str)]) -> String {
    values.iter().map(|(name, value)| format!("{name}={}\n", single_quoted(value))).collect()
}

/// A document in one line, as one word of the shell.
fn inline(document: &Tree) -> String {
    let lines = document.json();
    single_quoted(&lines.lines().map(str::trim_start).collect::<Vec<_>>().join(" "))
}

/// One word for any POSIX shell.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(single_quoted("a b"), "'a b'");
        assert_eq!(single_quoted("a'$(b)"), r"'a'\''$(b)'");
    }
}
