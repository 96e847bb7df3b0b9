//! A policy of the user or role that shall assume the copy role: as for a bucket's policy.
#![no_main]

use flex_fuzz::policy::{Kit, check};
use flex_policy::{
    AccountId, RoleArn, assume_role_policy, check_assume_role_policy, fix_assume_role_policy, merge_assume_role_policy,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let account: AccountId = "012345678901".parse().expect("an account");
    let role = RoleArn::copy_role(&AccountId::VENDOR, &account);
    let manual = assume_role_policy(&role).to_string();
    check(
        text,
        &Kit {
            manual: &manual,
            check: &|text| check_assume_role_policy(text, &role),
            merge: &|text| merge_assume_role_policy(text, &role),
            fix: &|text| fix_assume_role_policy(text, &role),
        },
    );
});
