use std::collections::BTreeMap;

use super::*;

fn merged(flags: &Global, variables: &[(&str, &str)], toml: &str) -> Result<Settings, ConfigError> {
    let variables: BTreeMap<String, OsString> =
        variables.iter().map(|(k, v)| ((*k).to_owned(), OsString::from(v))).collect();
    let file = ConfigFile {
        path: "./flex.toml".into(),
        entries: file::entries(Path::new("./flex.toml"), toml).expect("the test's own toml"),
        chosen: false,
    };
    Settings::merge(flags, &|name| variables.get(name).cloned(), Some(file))
}

fn bucket(settings: &Settings) -> Option<String> {
    settings.bucket.as_ref().map(|given| given.value.to_string())
}

#[test]
fn flag_before_environment_before_file() {
    let flags = Global { bucket: Some("from-flag".into()), ..Global::default() };
    let variable = [("FLEX_BUCKET", "from-environment")];
    let toml = "bucket = 'from-file'";
    let none = Global::default();
    for (flags, variables, toml, want) in [
        (&flags, &variable[..], toml, Some("from-flag")),
        (&none, &variable[..], toml, Some("from-environment")),
        (&none, &[("FLEX_BUCKET", "")][..], toml, Some("from-file")),
        (&none, &[][..], "", None),
    ] {
        let settings = merged(flags, variables, toml).expect("settings");
        assert_eq!(bucket(&settings).as_deref(), want);
    }
}

#[test]
fn only_the_flag_makes_a_profile_the_one_source() {
    let flags = Global { profile: Some("p".into()), ..Global::default() };
    let alone = |settings: Settings| settings.profile.map(|p| (p.name, p.alone));
    let none = Global::default();
    let variable = [("AWS_PROFILE", "e")];
    assert_eq!(alone(merged(&flags, &variable, "").expect("settings")), Some(("p".into(), true)));
    assert_eq!(alone(merged(&none, &variable, "profile = 'f'").expect("settings")), Some(("e".into(), false)));
    assert_eq!(alone(merged(&none, &[], "profile = 'f'").expect("settings")), Some(("f".into(), false)));
}

#[test]
fn the_region_is_tokyo_whatever_the_aws_variables_say() {
    let region = |variables: &[(&str, &str)], toml| merged(&Global::default(), variables, toml).map(|s| s.region).ok();
    let aws = [("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-1")];
    assert_eq!(region(&aws, "").as_deref(), Some("ap-northeast-1"));
    assert_eq!(region(&[("FLEX_REGION", "us-west-2")], "").as_deref(), Some("us-west-2"));
    assert_eq!(region(&[], "region = 'cn-north-1'"), None);
}

#[test]
fn endpoints_come_from_the_service_first() {
    let both = [("AWS_ENDPOINT_URL", "https://all"), ("AWS_ENDPOINT_URL_S3", "https://s3")];
    let none = Global::default();
    let settings = merged(&none, &both, "").expect("settings");
    assert_eq!(settings.s3_endpoint.as_deref(), Some("https://s3"));
    assert_eq!(settings.sts_endpoint.as_deref(), Some("https://all"));
    // The flag is one half of a pair: STS has its own.
    let flags = Global { endpoint_url: Some("https://flag".into()), ..Global::default() };
    let settings = merged(&flags, &[], "").expect("settings");
    assert_eq!((settings.s3_endpoint.as_deref(), settings.sts_endpoint), (Some("https://flag"), None));
    let ignored = [both[0], both[1], ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")];
    let settings = merged(&flags, &ignored, "").expect("settings");
    assert_eq!((settings.s3_endpoint.as_deref(), settings.sts_endpoint), (Some("https://flag"), None));
}

#[test]
fn a_found_file_is_named_where_it_decides_and_may_not_lead_away() {
    let none = Global::default();
    let toml = "bucket = 'from-file'\nendpoint-url = 'http://127.0.0.1:1'";
    let notes = merged(&none, &[], toml).expect("settings").notes;
    assert_eq!(notes.len(), 2, "{notes:?}");
    for (entry, shown) in [
        ("bucket = 'b-b'", "bucket = \"b-b\""),
        ("source-bucket = 'b-b'", "source-bucket = \"b-b\""),
        ("source-account = '012345678901'", "source-account = \"012345678901\""),
        ("role-arn = 'arn:aws:iam::123456789012:role/x'", "role-arn = \"arn:aws:iam::123456789012:role/x\""),
        ("endpoint-url = 'http://localhost:1'", "endpoint-url = \"http://localhost:1\""),
        ("sts-endpoint-url = 'http://localhost:1'", "sts-endpoint-url = \"http://localhost:1\""),
        ("no-expected-owner = true", "no-expected-owner = true"),
    ] {
        assert_eq!(merged(&none, &[], entry).expect("settings").notes, [format!("./flex.toml sets {shown}")]);
    }
    let flags = Global { no_expected_owner: true, ..Global::default() };
    for (flags, entry) in [(&flags, "no-expected-owner = true"), (&none, "no-expected-owner = false")] {
        assert_eq!(merged(flags, &[], entry).expect("settings").notes, [""; 0]);
    }
    assert!(notes.iter().any(|n| n == "./flex.toml sets bucket = \"from-file\""), "{notes:?}");
    let flags = Global { bucket: Some("from-flag".into()), ..Global::default() };
    assert_eq!(merged(&flags, &[], "bucket = 'from-file'").expect("settings").notes, [""; 0]);
    assert!(merged(&none, &[], "endpoint-url = 'http://example.com'").is_err());
    assert!(merged(&none, &[], "sts-endpoint-url = 'http://example.com'").is_err());
}

#[test]
fn a_wrong_value_names_its_origin() {
    let wrong = |flags: &Global, variables: &[(&str, &str)], toml: &str| match merged(flags, variables, toml) {
        Ok(_) => String::new(),
        Err(e) => e.to_string(),
    };
    let none = Global::default();
    let flags = Global { max_in_flight: Some("0".into()), ..Global::default() };
    let excluding = Global { exclude: vec!["a/b".into()], ..Global::default() };
    for (got, want) in [
        (wrong(&flags, &[], ""), "--max-in-flight = \"0\""),
        (wrong(&none, &[], "max-rps = 0.0"), "max-rps (./flex.toml, line 1) = \"0\""),
        (wrong(&none, &[("FLEX_ACCOUNT", "123")], ""), "FLEX_ACCOUNT = \"123\""),
        (wrong(&none, &[], "bucket = 'bb'\n\naccount = '12'"), "account (./flex.toml, line 3) = \"12\""),
        (wrong(&none, &[("FLEX_LANG", "fr")], ""), "FLEX_LANG = \"fr\""),
        (wrong(&none, &[], "proof = 'md5'"), "proof (./flex.toml, line 1) = \"md5\""),
        (wrong(&none, &[], "include = ['[a']"), "include (./flex.toml, line 1) = \"[a\""),
        (wrong(&none, &[], "exclude = ['*']"), "exclude (./flex.toml, line 1) = \"*\""),
        (wrong(&excluding, &[], "exclude = ['a']"), "--exclude = \"a/b\""),
        (wrong(&none, &[("FLEX_ROLE_ARN", "role")], ""), "FLEX_ROLE_ARN = \"role\""),
    ] {
        assert!(got.starts_with(want), "{got:?}, expected {want:?}");
    }
}

#[test]
fn every_setting_tells_where_it_came_from() {
    let flags = Global { bucket: Some("from-flag".into()), compat: true, ..Global::default() };
    let variables =
        [("FLEX_ACCOUNT", "123456789012"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("FLEX_BUCKET", "x")];
    let settings =
        merged(&flags, &variables, "bucket = 'from-file'\nregion = 'us-east-1'\nmax-rps = 5").expect("settings");
    let found: BTreeMap<_, _> = settings
        .found
        .iter()
        .filter_map(|f| f.given.as_ref().map(|(value, origin)| (f.key.name, (value.toml(), origin.to_string()))))
        .collect();
    let want = [
        ("account", "\"123456789012\"", "FLEX_ACCOUNT"),
        ("bucket", "\"from-flag\"", "--bucket"),
        ("compat", "true", "--compat"),
        ("endpoint-url", "\"http://127.0.0.1:1\"", "AWS_ENDPOINT_URL"),
        ("max-rps", "5", "max-rps (./flex.toml, line 3)"),
        ("region", "\"us-east-1\"", "region (./flex.toml, line 2)"),
        ("sts-endpoint-url", "\"http://127.0.0.1:1\"", "AWS_ENDPOINT_URL"),
    ];
    assert_eq!(found, want.map(|(name, value, from)| (name, (value.to_owned(), from.to_owned()))).into());
    assert_eq!(settings.found.len(), keys::all().count());
}
