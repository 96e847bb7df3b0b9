//! Names and documents that IAM does not take, and how long its policies may be.

use flex_tests::sandbox::{Effect, Fault};

use super::iam::{ASSUME, owner};
use super::{is, message, refusal};

#[tokio::test]
async fn names_and_documents_are_checked() {
    let (_, iam) = owner();
    for (name, code) in [
        ("", "ValidationError"),
        ("with space", "ValidationError"),
        ("a/b", "ValidationError"),
        ("日本", "ValidationError"),
        (&"x".repeat(65), "ValidationError"),
        ("owner", "EntityAlreadyExists"),
        ("OWNER", "EntityAlreadyExists"),
    ] {
        assert_eq!(refusal(iam.create_user().user_name(name).send().await).1, code, "{name}");
    }
    iam.create_user().user_name("x".repeat(64)).send().await.expect("the longest");
    iam.create_user().user_name("a+=,.@_-b").send().await.expect("all characters");
    assert_eq!(refusal(iam.create_user().user_name("p").path("/dept/").send().await), is(501, "NotImplemented"));
    assert_eq!(refusal(iam.get_user().user_name("nobody").send().await), is(404, "NoSuchEntity"));

    let put = |text: &str| iam.put_user_policy().user_name("owner").policy_name("p").policy_document(text).send();
    for (text, want) in [
        ("{", "Syntax errors in policy."),
        (&ASSUME.replace("Allow", "Permit"), "Syntax errors in policy."),
        (&ASSUME.replace("2012-10-17", "2026-01-01"), "Syntax errors in policy."),
        (&ASSUME.replace("\"Action\"", "\"Actions\""), "Syntax errors in policy."),
        (
            &ASSUME.replace("\"Effect\"", "\"Principal\": \"*\", \"Effect\""),
            "Policy document should not specify a principal.",
        ),
        (
            &ASSUME.replace("sts:AssumeRole", "AssumeRole"),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (&ASSUME.replace("arn:aws:iam", "iam"), "must be in ARN format or \"*\"."),
        (&ASSUME.replace("arn:aws:iam", "arn:amazon:iam"), "Partition \"amazon\" is not valid"),
        (
            &ASSUME.replace("\"Effect\"", "\"Sid\": \"two words\", \"Effect\""),
            "Statement IDs (SID) must be alpha-numeric.",
        ),
    ] {
        let said = message(put(text).await);
        assert!(said.contains(want), "{text}: {said}");
        assert_eq!(refusal(put(text).await), is(400, "MalformedPolicyDocument"));
    }
    let unknown =
        ASSUME.replace("\"Effect\"", r#""Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, "Effect""#);
    assert_eq!(refusal(put(&unknown).await), is(501, "NotImplemented"));
}

#[tokio::test]
async fn inline_policies_of_one_user_have_a_size_together() {
    let of_size = |size: usize| {
        let bare = ASSUME.chars().filter(|c| !c.is_whitespace()).count() + "\"Sid\":\"\",".len();
        ASSUME.replace("\"Effect\"", &format!("\"Sid\": \"{}\", \"Effect\"", "x".repeat(size - bare)))
    };
    let (sandbox, iam) = owner();
    let user = sandbox.world().add_user("loader");
    let put = |name: &str, text: String| {
        iam.put_user_policy().user_name("loader").policy_name(name).policy_document(text).send()
    };
    assert_eq!(refusal(put("a", of_size(2049)).await), is(409, "LimitExceeded"));
    put("a", of_size(2048)).await.expect("the longest");
    put("a", of_size(2048) + &" ".repeat(5000)).await.expect("once more: it takes the old one's place");
    assert_eq!(refusal(put("b", of_size(300)).await), is(409, "LimitExceeded"));
    put("a", of_size(1748)).await.expect("shorter");
    put("b", of_size(300)).await.expect("now there is room");
    assert_eq!(sandbox.world().policies(&user.arn()).len(), 2);
    // A role's may be longer: more than STS would read of a form.
    let role =
        |size| iam.put_role_policy().role_name("TickUser").policy_name("p").policy_document(of_size(size)).send();
    assert!(sandbox.world().delete_policy("arn:aws:iam::123456789012:role/TickUser", "AssumeCopyRole"));
    role(10_240).await.expect("the longest");
    assert_eq!(refusal(role(10_241).await), is(409, "LimitExceeded"));
}

#[tokio::test]
async fn faults_and_records_know_iam() {
    let (sandbox, iam) = owner();
    sandbox.world().fault(Fault::on("GetUser").key("owner").nth(1).then(Effect::Status(500, "ServiceFailure")));
    let get = |name: &str| iam.get_user().user_name(name).send();
    get("flex-copy").await.expect("another user");
    assert_eq!(refusal(get("owner").await), is(500, "ServiceFailure"));
    get("owner").await.expect("once only");
    assert_eq!(sandbox.world().count("GetUser"), 3);
    let last = sandbox.world().requests().pop().expect("recorded");
    assert_eq!((last.operation, last.key.as_str(), last.status), ("GetUser", "owner", 200));
    assert!(last.form.contains(&("UserName".into(), "owner".into())) && last.bucket.is_empty());
}
