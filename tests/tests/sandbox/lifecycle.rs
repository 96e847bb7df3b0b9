//! Lifecycle rules: kept as given, refused where S3 refuses them.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration, Tag, Transition,
    TransitionStorageClass, builders::LifecycleRuleBuilder,
};

use super::{MINE, Scene, is, refusal, scene};

fn rule() -> LifecycleRuleBuilder {
    LifecycleRule::builder().status(ExpirationStatus::Enabled)
}

fn prefix(text: &str) -> LifecycleRuleFilter {
    LifecycleRuleFilter::builder().prefix(text).build()
}

fn aborts(days: i32) -> AbortIncompleteMultipartUpload {
    AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build()
}

fn expires(days: i32) -> LifecycleExpiration {
    LifecycleExpiration::builder().days(days).build()
}

fn tag() -> Tag {
    Tag::builder().key("k").value("v").build().expect("a tag")
}

async fn put(scene: &Scene, rules: Vec<LifecycleRule>) -> Result<(), (u16, String)> {
    let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().expect("a configuration");
    let put = scene.owner.put_bucket_lifecycle_configuration().bucket(MINE).lifecycle_configuration(rules);
    match put.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(refusal::<(), _>(Err(error))),
    }
}

async fn kept(scene: &Scene) -> Vec<LifecycleRule> {
    let answer = scene.owner.get_bucket_lifecycle_configuration().bucket(MINE).send().await.expect("given back");
    answer.rules().to_vec()
}

#[tokio::test]
async fn several_rules_are_given_back_as_they_came() {
    let scene = scene();
    let both = LifecycleRuleAndOperator::builder().prefix("logs/").tags(tag()).object_size_greater_than(1024).build();
    let noncurrent = NoncurrentVersionExpiration::builder().noncurrent_days(30).newer_noncurrent_versions(2).build();
    let later = Transition::builder().days(90).storage_class(TransitionStorageClass::GlacierIr).build();
    let build = |rule: LifecycleRuleBuilder| rule.build().expect("a rule");
    let rules = vec![
        build(rule().id("end unfinished uploads").filter(prefix("")).abort_incomplete_multipart_upload(aborts(7))),
        build(rule().id("b").filter(LifecycleRuleFilter::builder().and(both).build()).expiration(expires(3))),
        build(rule().id("c").filter(LifecycleRuleFilter::builder().tag(tag()).build()).transitions(later)),
        build(
            LifecycleRule::builder()
                .status(ExpirationStatus::Disabled)
                .id("d")
                .filter(LifecycleRuleFilter::builder().object_size_less_than(10).build())
                .noncurrent_version_expiration(noncurrent),
        ),
        #[expect(deprecated, reason = "the old form, which buckets may still hold")]
        build(rule().id("e").prefix("old/").expiration(expires(1))),
        build(rule().id("f").filter(LifecycleRuleFilter::builder().build()).expiration(expires(2))),
    ];
    put(&scene, rules.clone()).await.expect("stored");
    assert_eq!(kept(&scene).await, rules);
    let nameless = build(rule().filter(prefix("")).abort_incomplete_multipart_upload(aborts(1)));
    put(&scene, vec![nameless]).await.expect("stored");
    assert!(kept(&scene).await[0].id().is_some_and(|id| !id.is_empty()), "it is given a name");
    assert!(scene.world.delete_lifecycle(MINE) && !scene.world.delete_lifecycle(MINE));
    let gone = scene.owner.get_bucket_lifecycle_configuration().bucket(MINE).send().await;
    assert_eq!(refusal(gone), is(404, "NoSuchLifecycleConfiguration"));
}

#[tokio::test]
async fn rules_that_s3_does_not_take() {
    let scene = scene();
    let good = || rule().id("a").filter(prefix("")).abort_incomplete_multipart_upload(aborts(7));
    let sized = LifecycleRuleFilter::builder().object_size_greater_than(1).build();
    let two = LifecycleRuleFilter::builder().prefix("a/").tag(tag()).build();
    for (rules, code, why) in [
        (vec![], "MalformedXML", "none"),
        (vec![good(), good()], "InvalidArgument", "the same id twice"),
        (vec![good().id("x".repeat(256))], "InvalidArgument", "a long id"),
        (vec![good().status("Maybe".into())], "MalformedXML", "a status that there is not"),
        (vec![good().set_filter(None)], "MalformedXML", "neither filter nor prefix"),
        (vec![good().filter(two)], "MalformedXML", "two kinds of filter"),
        (vec![rule().id("a").filter(prefix(""))], "InvalidRequest", "nothing to do"),
        (vec![good().abort_incomplete_multipart_upload(aborts(0))], "InvalidArgument", "no days"),
        (
            vec![good().filter(LifecycleRuleFilter::builder().tag(tag()).build())],
            "InvalidRequest",
            "uploads have no tags",
        ),
        (vec![good().filter(sized)], "InvalidRequest", "nor sizes"),
        (vec![good().expiration(expires(0))], "InvalidArgument", "no days"),
    ] {
        let rules = rules.into_iter().map(|rule| rule.build().expect("a rule")).collect();
        assert_eq!(put(&scene, rules).await, Err(is(400, code)), "{why}");
    }
    put(&scene, vec![good().build().expect("a rule")]).await.expect("the good one");
}
