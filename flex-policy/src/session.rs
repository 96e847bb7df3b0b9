//! The policy that narrows one session of the copy role to what one run needs.

use std::fmt;

use serde_json::json;

use crate::BucketName;

/// STS takes this many characters of a session policy.
pub const SESSION_POLICY_LIMIT: usize = 2048;

/// How closely a session policy follows what was selected. A policy has room for so many prefixes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionWidth {
    /// The prefixes themselves.
    Exact,
    /// The months that they lie in.
    Months,
    /// The years that they lie in.
    Years,
    /// All keys of both buckets.
    Buckets,
}

/// A policy for AssumeRole: a session may then do what both the role's own policies and this one allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    text: String,
    width: SessionWidth,
}

/// The folder of sample data; what lies in it is dated like production data.
const SAMPLES: &str = "testdata/";

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionPurpose {
    /// To list both buckets and look at the source's objects, as a plan or a verification does. It may write nothing.
    Reading,
    /// To copy, too.
    Copying,
}

/// What a copy writes with: S3 has no actions of their own for copies and parts.
const WRITING: [&str; 4] =
    ["s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];

impl SessionPolicy {
    /// Listing both buckets under these prefixes, reading them in the source, and, for copies, writing them under `key_prefix`
    /// in the destination. Nothing can be deleted with it, whatever the role may do.
    ///
    /// Where the prefixes are too many for [`SESSION_POLICY_LIMIT`], their months are taken, then their years, then all.
    /// A character that means something in a policy (`*`, `?`, `$`) is covered by `?`, and what follows the first one that
    /// STS does not take (beyond U+00FF) by `*`.
    ///
    /// `listed` are the prefixes that listings ask for, which may be shorter than what is then copied of them.
    pub fn new<S: AsRef<str>>(
        purpose: SessionPurpose,
        source: &BucketName,
        destination: Option<&BucketName>,
        key_prefix: &str,
        prefixes: &[S],
        listed: &[S],
    ) -> Self {
        let widths = [SessionWidth::Exact, SessionWidth::Months, SessionWidth::Years];
        let fitting = widths.into_iter().find_map(|width| {
            let wide = |all: &[S]| without_nested(all.iter().map(|prefix| cut(prefix.as_ref(), width)).collect());
            let text = document(purpose, source, destination, key_prefix, &wide(prefixes), &wide(listed));
            (text.len() <= SESSION_POLICY_LIMIT).then_some(Self { text, width })
        });
        fitting.unwrap_or_else(|| {
            // A prefix in the destination may be as long as a key: then it is left out, too.
            let all = [String::new()];
            let whole = |key_prefix: &str| document(purpose, source, destination, key_prefix, &all, &all);
            let text = Some(whole(key_prefix)).filter(|text| text.len() <= SESSION_POLICY_LIMIT);
            Self { text: text.unwrap_or_else(|| whole("")), width: SessionWidth::Buckets }
        })
    }

    /// The document, as AssumeRole takes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How closely it follows the prefixes.
    pub fn width(&self) -> SessionWidth {
        self.width
    }
}

impl fmt::Display for SessionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn document(
    purpose: SessionPurpose,
    source: &BucketName,
    destination: Option<&BucketName>,
    key_prefix: &str,
    prefixes: &[String],
    listed: &[String],
) -> String {
    let under = |before: &str, prefixes: &[String]| -> Vec<String> {
        prefixes.iter().map(|prefix| format!("{}*", literal(&format!("{before}{prefix}")))).collect()
    };
    let bucket = |name: &BucketName| format!("arn:aws:s3:::{name}");
    let objects = |name: &BucketName, patterns: &[String]| -> Vec<String> {
        patterns.iter().map(|pattern| format!("arn:aws:s3:::{name}/{pattern}")).collect()
    };
    // Without a prefix to insist on, a listing need not name one.
    let listing = |buckets: Vec<String>, patterns: &[String]| match patterns {
        [all] if all == "*" => json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": buckets}),
        _ => json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": buckets,
                    "Condition": {"StringLike": {"s3:prefix": patterns}}}),
    };
    let (theirs, ours) = (under("", listed), under(key_prefix, listed));
    let mut statements = Vec::new();
    match destination {
        Some(destination) if theirs == ours => {
            statements.push(listing(vec![bucket(source), bucket(destination)], &theirs));
        }
        Some(destination) => {
            statements.extend([listing(vec![bucket(source)], &theirs), listing(vec![bucket(destination)], &ours)]);
        }
        None => statements.push(listing(vec![bucket(source)], &theirs)),
    }
    let (theirs, ours) = (under("", prefixes), under(key_prefix, prefixes));
    statements.push(json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects(source, &theirs)}));
    let kms: &[&str] = match (purpose, destination) {
        (SessionPurpose::Copying, Some(destination)) => {
            statements.push(json!({"Effect": "Allow", "Action": WRITING, "Resource": objects(destination, &ours)}));
            &["kms:GenerateDataKey", "kms:Decrypt"]
        }
        (SessionPurpose::Copying, None) => &[],
        // HeadObject shows the checksum of an encrypted object to those alone who may decrypt it.
        (SessionPurpose::Reading, _) => &["kms:Decrypt"],
    };
    // A bucket with a KMS key of its own: the keys' policies still decide.
    if !kms.is_empty() {
        statements.push(json!({"Effect": "Allow", "Action": kms, "Resource": "*"}));
    }
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// A prefix as wide as that: cut behind its month or year. Paths that are no dates are cut the same way.
fn cut(prefix: &str, width: SessionWidth) -> String {
    let folders = match width {
        SessionWidth::Exact => return prefix.to_owned(),
        SessionWidth::Months => 2,
        _ => 1,
    };
    let dated = prefix.strip_prefix(SAMPLES).unwrap_or(prefix);
    let root = prefix.len() - dated.len();
    let end = dated.match_indices('/').nth(folders - 1).map_or(prefix.len(), |(at, _)| root + at + 1);
    prefix[..end].to_owned()
}

fn without_nested(mut prefixes: Vec<String>) -> Vec<String> {
    prefixes.sort_unstable();
    prefixes.dedup_by(|later, kept| later.starts_with(kept.as_str()));
    prefixes
}

/// Text that stands for itself in a policy, as far as policies and STS can say it.
fn literal(text: &str) -> String {
    text.chars()
        .take_while(|c| (' '..='\u{ff}').contains(c))
        .map(|c| if matches!(c, '*' | '?' | '$') { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> BucketName {
        text.parse().expect("a name")
    }

    fn policy(key_prefix: &str, prefixes: &[&str]) -> SessionPolicy {
        SessionPolicy::new(
            SessionPurpose::Copying,
            &name("source"),
            Some(&name("mine")),
            key_prefix,
            prefixes,
            prefixes,
        )
    }

    #[test]
    fn a_run_may_do_what_it_needs_under_its_prefixes_and_no_more() {
        let found = policy("", &["2021/05/", "2021/5/"]);
        assert_eq!(
            found.as_str(),
            concat!(
                r#"{"Statement":[{"Action":"s3:ListBucket","Condition":{"StringLike":{"s3:prefix":["2021/05/*","2021/5/*"]}},"#,
                r#""Effect":"Allow","Resource":["arn:aws:s3:::source","arn:aws:s3:::mine"]},"#,
                r#"{"Action":"s3:GetObject","Effect":"Allow","Resource":["arn:aws:s3:::source/2021/05/*","arn:aws:s3:::source/2021/5/*"]},"#,
                r#"{"Action":["s3:PutObject","s3:PutObjectAcl","s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],"#,
                r#""Effect":"Allow","Resource":["arn:aws:s3:::mine/2021/05/*","arn:aws:s3:::mine/2021/5/*"]},"#,
                r#"{"Action":["kms:GenerateDataKey","kms:Decrypt"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}"#,
            )
        );
        assert_eq!(found.width(), SessionWidth::Exact);
        let below = policy("raw/", &["2021/05/"]).to_string();
        assert!(below.contains("arn:aws:s3:::mine/raw/2021/05/*") && below.contains(r#"["raw/2021/05/*"]"#), "{below}");
        let week = ["2021/05/30/", "2021/05/31/"];
        let listed =
            SessionPolicy::new(SessionPurpose::Copying, &name("source"), None, "", &week, &["2021/05/"]).to_string();
        assert!(listed.contains(r#""s3:prefix":["2021/05/*"]"#) && !listed.contains("source/2021/05/*"), "{listed}");
        let reading =
            SessionPolicy::new(SessionPurpose::Copying, &name("source"), None, "", &["2021/05/"], &["2021/05/"])
                .to_string();
        assert!(!reading.contains("Put") && !reading.contains("kms"), "{reading}");
    }

    #[test]
    fn what_only_reads_may_write_nothing() {
        let prefixes = ["2021/05/"];
        for destination in [None, Some(&name("mine"))] {
            let found =
                SessionPolicy::new(SessionPurpose::Reading, &name("source"), destination, "raw/", &prefixes, &prefixes);
            let document: serde_json::Value = serde_json::from_str(found.as_str()).expect("JSON");
            let mut actions = Vec::new();
            for statement in document["Statement"].as_array().expect("statements") {
                match &statement["Action"] {
                    serde_json::Value::Array(several) => actions.extend(several.iter().filter_map(|a| a.as_str())),
                    one => actions.extend(one.as_str()),
                }
            }
            actions.dedup();
            assert_eq!(actions, ["s3:ListBucket", "s3:GetObject", "kms:Decrypt"], "{found}");
            assert_eq!(found.as_str().contains("arn:aws:s3:::mine"), destination.is_some(), "{found}");
            assert!(!found.as_str().contains("arn:aws:s3:::mine/"), "{found}");
        }
    }

    #[test]
    fn what_does_not_fit_is_widened_to_months_then_years_then_all() {
        let days: Vec<String> = (1..=28).map(|day| format!("2021/05/{day:02}/")).collect();
        let months: Vec<String> =
            (2010..=2021).flat_map(|y| (1..=12).map(move |m| format!("testdata/{y}/{m:02}/01/"))).collect();
        let raw: Vec<String> = (0..100).map(|n| format!("some-folder-{n}/")).collect();
        for (prefixes, width, want) in [
            (&days, SessionWidth::Months, r#""arn:aws:s3:::source/2021/05/*""#),
            (&months, SessionWidth::Years, r#""arn:aws:s3:::source/testdata/2010/*""#),
            (&raw, SessionWidth::Buckets, r#""arn:aws:s3:::source/*""#),
        ] {
            let found = SessionPolicy::new(
                SessionPurpose::Copying,
                &name("source"),
                Some(&name("mine")),
                "",
                prefixes,
                prefixes,
            );
            assert_eq!(found.width(), width, "{found}");
            assert!(found.as_str().contains(want), "{found}");
            assert!(found.as_str().len() <= SESSION_POLICY_LIMIT);
        }
        let long = "x".repeat(1000) + "/";
        let found = policy(&long, &["2021/"]);
        assert!(found.as_str().len() <= SESSION_POLICY_LIMIT && found.width() == SessionWidth::Buckets, "{found}");
    }

    #[test]
    fn what_a_policy_would_read_otherwise_is_covered_by_a_wildcard() {
        let found = policy("", &["a*b?c${x}/", "仕様/x", "b\n"]).to_string();
        for pattern in [r#"source/a?b?c?{x}/*""#, r#"source/*""#, r#"source/b*""#] {
            assert!(found.contains(pattern), "{pattern}\n{found}");
        }
        assert!(found.is_ascii());
    }
}
