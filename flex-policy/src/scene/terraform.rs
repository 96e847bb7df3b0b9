//! Terraform: the AWS provider's resources, one a setting. Policies go through `jsonencode`, so that Terraform shows
//! differences of their content.

use super::tree::{Tree, quoted};
use super::{Scene, SceneIdentity, documents};
use crate::{ASSUME_ROLE_POLICY_NAME, BucketName, LIFECYCLE_RULE_ID, RoleArn};

pub(super) fn scene(scene: &Scene) -> String {
    // Version 4 split the bucket's settings up; 6.37 knows namespaces.
    let (version, namespace) = match documents::namespace(scene) {
        Some(namespace) => ("6.37", format!("  bucket_namespace = {}\n", text(namespace))),
        None => ("4.9", String::new()),
    };
    let mut out = format!(
        "# The whole set-up of FLEX Historical, for a provider of the region {}.\n\
         # Until the vendor has made the copy role: terraform apply -var vendor_has_made_the_copy_role=false\n\
         # The user's access key is not made here: it would be readable in the state.\n\n\
         terraform {{\n  required_providers {{\n    aws = {{\n      source  = \"hashicorp/aws\"\n      version = \
         \">= {version}\"\n    }}\n  }}\n}}\n\n\
         variable \"vendor_has_made_the_copy_role\" {{\n  type        = bool\n  default     = true\n  description = \
         \"S3 refuses the bucket policy while the copy role does not exist\"\n}}\n\n",
        scene.region
    );
    out.push_str(&format!(
        "resource \"aws_s3_bucket\" \"flex\" {{\n  {} = {}\n{namespace}\n  lifecycle {{\n    prevent_destroy = true\n  }}\n}}\n\n",
        if namespace.is_empty() { "bucket" } else { "bucket          " },
        text(scene.bucket.as_str())
    ));
    out.push_str(
        "resource \"aws_s3_bucket_public_access_block\" \"flex\" {\n  bucket                  = aws_s3_bucket.flex.id\n  \
         block_public_acls       = true\n  block_public_policy     = true\n  ignore_public_acls      = true\n  \
         restrict_public_buckets = true\n}\n\n\
         resource \"aws_s3_bucket_ownership_controls\" \"flex\" {\n  bucket = aws_s3_bucket.flex.id\n\n  rule {\n    \
         object_ownership = \"BucketOwnerEnforced\"\n  }\n}\n\n\
         resource \"aws_s3_bucket_server_side_encryption_configuration\" \"flex\" {\n  bucket = \
         aws_s3_bucket.flex.id\n\n  rule {\n    apply_server_side_encryption_by_default {\n      sse_algorithm = \
         \"AES256\"\n    }\n  }\n}\n\n",
    );
    out.push_str(&format!(
        "resource \"aws_s3_bucket_lifecycle_configuration\" \"flex\" {{\n  bucket = aws_s3_bucket.flex.id\n\n  rule {{\n    \
         id     = {}\n    status = \"Enabled\"\n\n    filter {{}}\n\n    abort_incomplete_multipart_upload {{\n      \
         days_after_initiation = {}\n    }}\n  }}\n}}\n\n",
        text(LIFECYCLE_RULE_ID),
        scene.lifecycle_days
    ));
    out.push_str(&format!(
        "resource \"aws_s3_bucket_policy\" \"flex\" {{\n  count  = var.vendor_has_made_the_copy_role ? 1 : 0\n  bucket = \
         aws_s3_bucket.flex.id\n  policy = {}\n\n  depends_on = [aws_s3_bucket_public_access_block.flex]\n}}\n",
        encoded(&documents::bucket_policy(scene))
    ));
    out.push_str(&identity(scene));
    out
}

fn identity(scene: &Scene) -> String {
    let policy = |kind: &str| {
        format!(
            "\nresource \"aws_iam_{kind}_policy\" \"flex\" {{\n  name = {}\n  {kind} = aws_iam_{kind}.flex.name\n  \
             policy = {}\n}}\n",
            text(ASSUME_ROLE_POLICY_NAME),
            encoded(&documents::assume_role_policy(scene))
        )
    };
    match &scene.identity {
        SceneIdentity::None => String::new(),
        SceneIdentity::User { name } => {
            format!("\nresource \"aws_iam_user\" \"flex\" {{\n  name = {}\n}}\n{}", text(name.as_str()), policy("user"))
        }
        SceneIdentity::Role { name, service } => {
            let mut out = format!(
                "\nresource \"aws_iam_role\" \"flex\" {{\n  name = {}\n  assume_role_policy = {}\n}}\n{}",
                text(name.as_str()),
                encoded(&documents::trust(*service)),
                policy("role")
            );
            if service.needs_instance_profile() {
                out.push_str(&format!(
                    "\nresource \"aws_iam_instance_profile\" \"flex\" {{\n  name = {}\n  role = aws_iam_role.flex.name\n}}\n",
                    text(name.as_str())
                ));
            }
            out
        }
    }
}

pub(super) fn bucket_policy(role: &RoleArn, bucket: &BucketName) -> String {
    format!(
        "# The policy of a bucket that is there already. It becomes the bucket's only policy.\n\
         resource \"aws_s3_bucket_policy\" \"flex\" {{\n  bucket = {}\n  policy = {}\n}}\n",
        text(bucket.as_str()),
        encoded(&Tree::from(&crate::bucket_policy(role, bucket)))
    )
}

pub(super) fn assume_role_policy(role: &RoleArn) -> String {
    format!(
        "# A policy to attach to the user or role that copies.\n\
         resource \"aws_iam_policy\" \"flex_assume_copy_role\" {{\n  name        = {}\n  description = \"May assume the \
         copy role of FLEX Historical\"\n  policy = {}\n}}\n",
        text(ASSUME_ROLE_POLICY_NAME),
        encoded(&Tree::from(&crate::assume_role_policy(role)))
    )
}

fn encoded(document: &Tree) -> String {
    format!("jsonencode({})", hcl(document, 2))
}

/// A value as an HCL expression, laid out as `terraform fmt` does.
fn hcl(value: &Tree, depth: usize) -> String {
    let (outer, inner) = ("  ".repeat(depth - 1), "  ".repeat(depth));
    match value {
        Tree::Object(members) if !members.is_empty() => {
            let keys: Vec<String> = members.iter().map(|(key, _)| hcl_key(key)).collect();
            let mut out = "{\n".to_owned();
            for (index, (key, (_, value))) in keys.iter().zip(members).enumerate() {
                let width = row_width(&keys, members, index);
                out.push_str(&format!("{inner}{key:width$} = {}\n", hcl(value, depth + 1)));
            }
            format!("{out}{outer}}}")
        }
        Tree::List(items) if !items.is_empty() => {
            let lines: Vec<String> = items.iter().map(|item| format!("{inner}{},\n", hcl(item, depth + 1))).collect();
            format!("[\n{}{outer}]", lines.concat())
        }
        Tree::Object(_) => "{}".to_owned(),
        Tree::List(_) => "[]".to_owned(),
        Tree::Text(string) => text(string),
        Tree::Plain(plain) => plain.clone(),
    }
}

/// `terraform fmt` aligns the equals signs of lines side by side; a value over several lines stands alone.
fn row_width(keys: &[String], members: &[(String, Tree)], index: usize) -> usize {
    let alone = |at: usize| members[at].1.is_block();
    if alone(index) {
        return keys[index].len();
    }
    let start = (0..index).rev().find(|at| alone(*at)).map_or(0, |at| at + 1);
    let end = (index..keys.len()).find(|at| alone(*at)).unwrap_or(keys.len());
    keys[start..end].iter().map(String::len).max().unwrap_or(0)
}

fn hcl_key(key: &str) -> String {
    match key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(|c| c.is_ascii_alphanumeric()) {
        true => key.to_owned(),
        false => text(key),
    }
}

/// A string in quotes; `${` and `%{` would begin a template.
fn text(text: &str) -> String {
    quoted(text).replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::tree::{list, object};

    #[test]
    fn no_value_begins_a_template() {
        assert_eq!(text("a\"${b}%{c}$d"), r#""a\"$${b}%%{c}$d""#);
    }

    #[test]
    fn expressions_are_laid_out_as_terraform_does() {
        let tree = object([
            ("A", "x".into()),
            ("Long", true.into()),
            ("B", list(["y".into(), object([("s3:z", 1.into())])])),
            ("C", list([])),
        ]);
        let want = "{\n  A    = \"x\"\n  Long = true\n  B = [\n    \"y\",\n    {\n      \"s3:z\" = 1\n    },\n  ]\n  C = []\n}";
        assert_eq!(hcl(&tree, 1), want);
    }
}
