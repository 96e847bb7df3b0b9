//! A bucket policy that somebody else wrote: told, merged and mended without a byte of others' statements changed.
#![no_main]

use flex_fuzz::policy::{Kit, check};
use flex_policy::{
    AccountId, BucketName, RoleArn, bucket_policy, check_bucket_policy, fix_bucket_policy, merge_bucket_policy,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let account: AccountId = "012345678901".parse().expect("an account");
    let role = RoleArn::copy_role(&AccountId::VENDOR, &account);
    let bucket: BucketName = "my-flex-data".parse().expect("a name");
    let manual = bucket_policy(&role, &bucket).to_string();
    check(
        text,
        &Kit {
            manual: &manual,
            check: &|text| check_bucket_policy(text, &role, &bucket),
            merge: &|text| merge_bucket_policy(text, &role, &bucket),
            fix: &|text| fix_bucket_policy(text, &role, &bucket),
        },
    );
});
