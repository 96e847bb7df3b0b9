//! Merging into policies that somebody else wrote: their statements keep every byte.

use flex_policy::{
    AccountId, BucketName, ChangeKind, Merged, PolicyTextError, RoleArn, Severity, assume_role_policy, bucket_policy,
    check_bucket_policy, merge_assume_role_policy, merge_bucket_policy,
};
use proptest::prelude::*;
use serde_json::Value;

fn role() -> RoleArn {
    let account: AccountId = "012345678901".parse().expect("an account");
    RoleArn::copy_role(&AccountId::VENDOR, &account)
}

fn bucket() -> BucketName {
    "my-flex-data".parse().expect("a name")
}

fn merge(text: &str) -> Merged {
    merge_bucket_policy(Some(text), &role(), &bucket()).unwrap_or_else(|e| panic!("{e} in {text}"))
}

fn kinds(merged: &Merged) -> Vec<ChangeKind> {
    merged.changes.iter().map(|change| change.kind).collect()
}

use ChangeKind::{Added, Replaced, Unchanged};

/// Comments in Sids, single strings for lists, numbers, escapes, odd white space, a member twice.
const FOREIGN: [&str; 4] = [
    r#"{"Sid":"do not touch! // \u0041dmin (2019) 管理者","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::012345678901:root"},"Action":"s3:*","Resource":"arn:aws:s3:::my-flex-data\/*"}"#,
    r#"{ "Effect" : "Deny",
         "Principal":"*", "Action":["s3:*"],
	"Resource": ["arn:aws:s3:::my-flex-data/*"],
    "Condition": {"NumericLessThan":{"s3:TlsVersion":1.20}, "Bool":{"aws:SecureTransport":false} } }"#,
    r#"{"Sid":"twice","Sid":"twice","Effect":"Allow","Principal":{"Service":["logging.s3.amazonaws.com"]},"Action":"s3:PutObject","Resource":["arn:aws:s3:::my-flex-data/logs/*"]}"#,
    r#"{"Sid":"","Effect":"Allow","NotPrincipal":{"AWS":[]},"NotAction":[],"NotResource":"*","Condition":{}}"#,
];

#[test]
fn others_statements_keep_every_byte() {
    for (text, want) in [
        (format!(r#"{{"Version":"2008-10-17","Id":"x","Statement":[{}]}}"#, FOREIGN.join(",")), vec![Added, Added]),
        (format!("{{\n\t\"Statement\": [\n\t\t{}\n\t]\n}}\n", FOREIGN.join(",\n\t\t")), vec![Added, Added]),
        (format!(r#"{{"Statement": {}}}"#, FOREIGN[1]), vec![Added, Added]),
        (format!(r#"{{"Statement": [ ], "Id": {:?}}}"#, "x"), vec![Added, Added]),
        (r#"{"Version": "2012-10-17"}"#.to_owned(), vec![Added, Added]),
        (
            format!(
                r#"{{"Statement":[{},{{"Sid":"S3CopyStmtList","Effect":"Deny"}},{},{{"Sid":"S3CopyStmtList"}}, {}]}}"#,
                FOREIGN[0], FOREIGN[1], FOREIGN[2]
            ),
            vec![Replaced, Added],
        ),
        (r#"{"Statement": {"Sid": "S3CopyStmtPutObject", "Effect": "Allow"}}"#.to_owned(), vec![Added, Replaced]),
    ] {
        let merged = merge(&text);
        assert_eq!(kinds(&merged), want, "{text}");
        for foreign in FOREIGN.iter().filter(|foreign| text.contains(*foreign)) {
            assert!(merged.policy.contains(foreign), "{foreign}\nin {}", merged.policy);
        }
        let (before, after): (Value, Value) = (json(&text), json(&merged.policy));
        for key in ["Version", "Id"] {
            assert_eq!(before.get(key), after.get(key), "{text}");
        }
        for sid in flex_policy::BUCKET_POLICY_SIDS {
            let count = after["Statement"].as_array().expect("a list").iter().filter(|s| s["Sid"] == sid).count();
            assert_eq!(count, 1, "{sid} in {}", merged.policy);
        }
        let again = merge(&merged.policy);
        assert_eq!((again.policy.as_str(), kinds(&again)), (merged.policy.as_str(), vec![Unchanged, Unchanged]));
        assert!(merged.changed() && !again.changed() && again.difference().is_empty());
        assert!(merged.difference().contains("+ "), "{}", merged.difference());
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e} in {text}"))
}

#[test]
fn nothing_becomes_the_manuals_policy() {
    for nothing in [None, Some(""), Some(" \n"), Some("{}"), Some("{ }")] {
        let merged = merge_bucket_policy(nothing, &role(), &bucket()).expect("nothing to refuse");
        assert_eq!(merged.policy, bucket_policy(&role(), &bucket()).to_string());
        assert_eq!(kinds(&merged), [Added, Added]);
    }
}

#[test]
fn the_same_in_another_form_is_left_as_it_is() {
    let role = role();
    for text in [
        format!(
            r#"{{"Statement":[{{"Resource":"arn:aws:s3:::my-flex-data","Action":["s3:ListBucket"],"Sid":"S3CopyStmtList",
            "Effect":"Allow","Principal":{{"AWS":"{role}"}}}},{{"Sid":"S3CopyStmtPutObject","Effect":"Allow",
            "Principal":{{"AWS":["{role}"]}},"Action":["s3:PutObjectAcl","s3:\u0050utObject"],
            "Resource":["arn:aws:s3:::my-flex-data/*"],
            "Condition":{{"StringEquals":{{"S3:x-amz-ACL":["bucket-owner-full-control"]}}}}}}]}}"#
        ),
        // Under other names, or none.
        bucket_policy(&role, &bucket())
            .to_string()
            .replace("S3CopyStmtList", "mine")
            .replace("\"Sid\": \"S3CopyStmtPutObject\",", ""),
    ] {
        let merged = merge(&text);
        assert_eq!((kinds(&merged), merged.changed()), (vec![Unchanged, Unchanged], false), "{text}");
    }
    // What means something else by a hair is replaced.
    let good = bucket_policy(&role, &bucket()).to_string();
    for (old, new) in [
        ("\"s3:ListBucket\"", "\"s3:ListBucket*\""),
        ("StringEquals", "StringLike"),
        ("bucket-owner-full-control", "bucket-owner-Full-control"),
        ("\"Effect\": \"Allow\",", "\"Effect\": \"Allow\", \"Effect\": \"Allow\","),
        ("\"arn:aws:s3:::my-flex-data\"\n", "\"arn:aws:s3:::my-flex-data\", \"arn:aws:s3:::my-flex-data/x\"\n"),
        ("\"Principal\"", "\"NotPrincipal\""),
    ] {
        let text = good.replacen(old, new, 1);
        assert_ne!(text, good, "{old}");
        let merged = merge(&text);
        assert!(kinds(&merged).contains(&Replaced), "{new}: {:?}", merged.changes);
        assert_eq!(json(&merged.policy), json(&good), "{new}");
    }
}

#[test]
fn a_statement_under_the_other_ones_sid_is_replaced_and_its_own_is_put_beside_it() {
    let good = bucket_policy(&role(), &bucket()).to_string();
    let statements = json(&good)["Statement"].as_array().expect("a list").clone();
    for (only, sid) in [(1, "S3CopyStmtList"), (0, "S3CopyStmtPutObject")] {
        let mut misnamed = statements[only].clone();
        misnamed["Sid"] = sid.into();
        let merged = merge(&serde_json::json!({"Statement": [misnamed]}).to_string());
        assert_eq!(json(&merged.policy)["Statement"].as_array().expect("a list").len(), 2, "{}", merged.policy);
        assert!(check_bucket_policy(&merged.policy, &role(), &bucket()).is_empty(), "{}", merged.policy);
    }
}

#[test]
fn the_new_statements_look_like_those_around_them() {
    let tabs = "{\n\t\"Statement\": [\n\t\t{\n\t\t\t\"Sid\": \"a\"\n\t\t}\n\t]\n}";
    let merged = merge(tabs);
    assert!(merged.policy.contains("\n\t\t},\n\t\t{\n\t\t\t\"Sid\": \"S3CopyStmtList\",\n"), "{}", merged.policy);
    let one_line = merge(r#"{"Statement":[{"Sid":"a"}]}"#);
    assert!(!one_line.policy.contains('\n'), "{}", one_line.policy);
    assert!(!one_line.difference().contains("- "), "{}", one_line.difference());
    let flat = merge("{\n  \"Statement\": [{\n    \"Sid\": \"a\"\n  }]\n}");
    assert!(flat.policy.contains("\n  }, {\n    \"Sid\": \"S3CopyStmtList\",\n"), "{}", flat.policy);
}

#[test]
fn a_text_that_is_no_policy_is_refused_with_its_place() {
    for (text, want) in [
        ("{\"Statement\": [],}", "the policy is not valid JSON: line 1, column 17: a comma after the last element"),
        ("[]", "this is not a policy: $ is a list, expected an object"),
        ("{\"Statement\": [{}, \"x\"]}", "this is not a policy: $.Statement[1] is a string, expected an object"),
        (
            "{\"Statement\": {}, \"Statement\": []}",
            "the policy has \"Statement\" twice; put all statements into one list",
        ),
    ] {
        let error: PolicyTextError = merge_bucket_policy(Some(text), &role(), &bucket()).expect_err("not a policy");
        assert_eq!(error.to_string(), want);
    }
}

/// JSON of any form that a foreign statement could have, with white space of any kind.
fn foreign() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("\"s3:GetObject\"".to_owned()),
        Just("\"*\"".to_owned()),
        Just("\"arn:aws:s3:::my-flex-data/x\"".to_owned()),
        Just("\"\\u00e9 // \\\" {[,\"".to_owned()),
        Just("1.50e1".to_owned()),
        Just("null".to_owned()),
        "[a-z ]{0,8}".prop_map(|text| format!("\"{text}\"")),
    ];
    let space = prop_oneof![Just(""), Just(" "), Just("\n  "), Just("\r\n\t")];
    let value =
        (word.clone(), prop::collection::vec(word, 0..3), any::<bool>()).prop_map(|(one, many, list)| match list {
            true => format!("[{}]", many.join(" , ")),
            false => one,
        });
    let key = prop_oneof![Just("Action"), Just("Resource"), Just("Effect"), Just("NotAction"), Just("Sid"), Just("x")];
    (prop::collection::vec((key, value), 0..5), space).prop_map(|(members, space)| {
        let members: Vec<String> =
            members.iter().map(|(key, value)| format!("{space}\"{key}\":{space}{value}")).collect();
        format!("{{{}{space}}}", members.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn merging_keeps_others_and_settles(
        statements in prop::collection::vec(foreign(), 0..4),
        between in prop_oneof![Just(","), Just(" ,\n    "), Just(",\n\t")],
        ours in prop::option::of((0_usize..4, prop_oneof![Just("S3CopyStmtList"), Just("S3CopyStmtPutObject")])),
        single in any::<bool>(),
    ) {
        let mut all = statements.clone();
        if let Some((at, sid)) = ours {
            all.insert(at.min(all.len()), format!("{{\"Sid\": \"{sid}\", \"Effect\": \"Allow\"}}"));
        }
        let text = match (single, all.as_slice()) {
            (true, [one]) => format!("{{\"Statement\": {one}}}"),
            _ => format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{}]}}", all.join(between)),
        };
        let merged = merge_bucket_policy(Some(&text), &role(), &bucket()).expect("a policy");
        let mut rest = merged.policy.as_str();
        for statement in &statements {
            let at = rest.find(statement.as_str());
            prop_assert!(at.is_some(), "{statement} is gone from {}", merged.policy);
            rest = &rest[at.unwrap_or(0) + statement.len()..];
        }
        prop_assert!(serde_json::from_str::<Value>(&merged.policy).is_ok(), "{}", merged.policy);
        let again = merge_bucket_policy(Some(&merged.policy), &role(), &bucket()).expect("a policy");
        prop_assert_eq!(&again.policy, &merged.policy);
        // Others may have what is an error by itself; of what copies need nothing is missing.
        for finding in check_bucket_policy(&merged.policy, &role(), &bucket()) {
            let about_us = ["missing-statement", "missing-action", "wrong-principal", "wrong-condition"];
            prop_assert!(
                finding.severity() == Severity::Warning || !about_us.contains(&finding.code()),
                "{finding} at {} in {}", finding.path(), merged.policy
            );
        }
    }
}

#[test]
fn a_new_policy_of_a_user_is_put_without_white_space() {
    let merged = merge_assume_role_policy(None, &role()).expect("nothing to refuse");
    assert_eq!(json(&merged.policy), json(&assume_role_policy(&role()).to_string()));
    assert!(!merged.policy.contains(char::is_whitespace), "{}", merged.policy);
    for text in [merged.policy, assume_role_policy(&role()).to_string()] {
        assert!(!merge_assume_role_policy(Some(&text), &role()).expect("our own").changed(), "{text}");
    }
}
