//! Policies damaged at random: nothing panics, and a fix is valid, no worse, and settled.

use flex_policy::{
    AccountId, BucketName, Finding, RoleArn, Severity, assume_role_policy, bucket_policy, check_assume_role_policy,
    check_bucket_policy, fix_assume_role_policy, fix_bucket_policy, merge_bucket_policy,
};
use proptest::prelude::*;

fn role() -> RoleArn {
    let account: AccountId = "012345678901".parse().expect("an account");
    RoleArn::copy_role(&AccountId::VENDOR, &account)
}

fn bucket() -> BucketName {
    "my-flex-data".parse().expect("a name")
}

/// Some places of a text, each with what is put over so many characters there.
fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, &'static str)>> {
    let put = prop::sample::select(vec![
        "",
        "x",
        ",",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ":",
        "“",
        "，",
        "*",
        " ",
        "\n",
        "\\",
        "Deny",
        "null",
        "true",
        "1",
        "\"Sid\": \"x\",",
        "NotAction",
        "\u{3000}",
        "'",
        "//",
        "é",
        "${aws:userid}",
        "\\ud800",
    ]);
    prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, put), 1..4)
}

fn damaged(good: &str, damage: &[(prop::sample::Index, usize, &'static str)]) -> String {
    let mut text: Vec<char> = good.chars().collect();
    for (at, over, put) in damage {
        let at = at.index(text.len().max(1)).min(text.len());
        let end = (at + over).min(text.len());
        text.splice(at..end, put.chars());
    }
    text.into_iter().collect()
}

fn errors(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.severity() == Severity::Error).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_damaged_bucket_policy_is_told_and_mended_as_far_as_it_goes(damage in damage(), compact in any::<bool>()) {
        let good = bucket_policy(&role(), &bucket());
        let good = if compact { serde_json::to_string(&good).expect("JSON") } else { good.to_string() };
        let text = damaged(&good, &damage);
        let found = check_bucket_policy(&text, &role(), &bucket());
        for finding in &found {
            prop_assert!(finding.path().starts_with('$') && !finding.to_string().is_empty());
            prop_assert!(!finding.mend().is_empty() && !finding.consequence().is_empty());
        }
        let _ = merge_bucket_policy(Some(&text), &role(), &bucket());
        let Ok(fixed) = fix_bucket_policy(&text, &role(), &bucket()) else {
            prop_assert!(errors(&found) > 0);
            return Ok(());
        };
        prop_assert!(serde_json::from_str::<serde_json::Value>(&fixed.policy).is_ok(), "{text}\n{}", fixed.policy);
        prop_assert!(errors(&fixed.remaining) <= errors(&found), "{text}\n{}", fixed.policy);
        prop_assert_eq!(fixed.changed(), fixed.policy != text);
        let again = fix_bucket_policy(&fixed.policy, &role(), &bucket()).expect("a policy");
        prop_assert!(!again.changed(), "{}\n{}", again.difference(), text);
    }

    #[test]
    fn a_damaged_identity_policy_likewise(damage in damage()) {
        let text = damaged(&assume_role_policy(&role()).to_string(), &damage);
        let found = check_assume_role_policy(&text, &role());
        let Ok(fixed) = fix_assume_role_policy(&text, &role()) else { return Ok(()) };
        prop_assert!(serde_json::from_str::<serde_json::Value>(&fixed.policy).is_ok(), "{text}\n{}", fixed.policy);
        prop_assert!(errors(&fixed.remaining) <= errors(&found), "{text}\n{}", fixed.policy);
        let again = fix_assume_role_policy(&fixed.policy, &role()).expect("a policy");
        prop_assert!(!again.changed(), "{}\n{}", again.difference(), text);
    }
}
