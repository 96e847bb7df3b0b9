//! Endpoints: which are taken, and from where.

use std::net::IpAddr;

use super::{ConfigError, Given, Origin};

/// Whether a host is this machine itself.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().map_or_else(
        |_| bare.eq_ignore_ascii_case("localhost") || bare.to_ascii_lowercase().ends_with(".localhost"),
        |ip| ip.is_loopback(),
    )
}

/// Whether a file that was merely found may not name this endpoint.
pub(crate) fn leads_away(url: &str) -> bool {
    url.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !is_loopback(host)))
}

/// Whether requests would leave this machine unencrypted. Signatures keep them from being changed, but session tokens,
/// keys and contents could be read by everybody on the way.
pub(crate) fn is_plain(url: &str) -> bool {
    url.parse::<http::Uri>()
        .is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !is_loopback(host)))
}

/// What an endpoint must be, wherever it is set: scheme and host, and no more than a path. A user name or a password would
/// get into messages and names of files. Gives the host.
pub(crate) fn host_of(text: &str) -> Result<String, String> {
    let expected = "expected http:// or https:// and a host, for example http://127.0.0.1:9000";
    let uri: http::Uri = text.parse().map_err(|e| format!("{e}: {expected}"))?;
    let host = match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => host.to_owned(),
        _ => return Err(expected.into()),
    };
    if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
        return Err(format!("it holds a user name: {expected}"));
    }
    if uri.query().is_some() {
        return Err(format!("it holds a query: {expected}"));
    }
    Ok(host)
}

/// A usable endpoint. Plain HTTP to another machine is refused unless `allow_http`. One that is not loopback is not taken
/// from a file that was merely found: whoever can put a `flex.toml` into a folder could otherwise have signed requests sent
/// to a host of their own.
pub(super) fn check(given: Given<String>, allow_http: bool) -> Result<String, ConfigError> {
    let found = matches!(given.origin, Origin::File { chosen: false, .. });
    let read = |text: &str| -> Result<String, String> {
        let host = host_of(text)?;
        if found && !is_loopback(&host) {
            return Err(
                "an endpoint that is not on this machine is taken from a flag, the environment or --config only, \
                        not from a file that was found"
                    .into(),
            );
        }
        Ok(text.trim_end_matches('/').to_owned())
    };
    let origin = given.origin.clone();
    let read = given.with(read).map(|given| given.value);
    if let Ok(url) = &read
        && is_plain(url)
        && !allow_http
    {
        return Err(ConfigError::PlainHttp { origin, url: url.clone() });
    }
    read.map_err(|error| match error {
        // What stands before the @ may be a password.
        ConfigError::Value { name, origin, value, source } => {
            ConfigError::Value { name, origin, value: without_user(&value), source }
        }
        other => other,
    })
}

/// A URL as it may be shown: without what stands before an `@`.
pub(crate) fn without_user(url: &str) -> String {
    match (url.rsplit_once('@'), url.split_once("://")) {
        (None, _) => url.to_owned(),
        (Some((_, rest)), Some((scheme, _))) => format!("{scheme}://{rest}"),
        (Some((_, rest)), None) => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: Origin, url: &str) -> Result<String, ConfigError> {
        check(Given { name: "endpoint-url", value: url.into(), origin }, true)
    }

    #[test]
    fn plain_http_leaves_this_machine_only_when_that_is_allowed() {
        let given = |url: &str| Given { name: "endpoint-url", value: url.into(), origin: Origin::Flag("endpoint-url") };
        for url in
            ["http://s3.example.com", "HTTP://10.0.0.1:9000", "http://127.0.0.1.example.com", "http://[fe80::1]:9"]
        {
            assert!(matches!(check(given(url), false), Err(ConfigError::PlainHttp { .. })), "{url}");
            assert!(check(given(url), true).is_ok(), "{url}");
        }
        for url in [
            "https://s3.example.com",
            "http://127.0.0.2:9",
            "http://localhost",
            "http://[::1]:9",
            "http://s3.localhost",
        ] {
            assert!(check(given(url), false).is_ok(), "{url}");
        }
    }

    fn found(path: &str, chosen: bool) -> Origin {
        Origin::File { path: path.into(), name: "endpoint-url", line: 1, chosen }
    }

    #[test]
    fn a_refused_url_does_not_show_its_password() {
        for url in ["http://me:hidden@h", "http://me:hid@den/@h", "me:hidden@h", "https://hidden@h/p?q"] {
            let error = from(Origin::Flag("endpoint-url"), url).expect_err(url);
            let text = crate::error::chain(&error).join(" ");
            assert!(!text.contains("hid") && text.contains('h'), "{text}");
        }
        assert_eq!(without_user("http://a:b@c:1/x"), "http://c:1/x");
        assert_eq!(without_user("http://c:1/x"), "http://c:1/x");
    }

    #[test]
    fn a_found_file_may_name_loopback_only() {
        for url in ["http://127.0.0.1:9000", "http://localhost:9000/", "https://[::1]:9", "http://s3.localhost:1"] {
            assert!(from(found("./flex.toml", false), url).is_ok(), "{url}");
        }
        for url in
            ["http://example.com", "https://127.0.0.1.example.com", "http://10.0.0.1", "http://localhost.example"]
        {
            assert!(from(found("./flex.toml", false), url).is_err(), "{url}");
            assert!(from(found("./flex.toml", true), url).is_ok(), "{url}");
            assert!(from(Origin::Flag("endpoint-url"), url).is_ok(), "{url}");
        }
    }

    #[test]
    fn an_endpoint_has_scheme_and_host_and_no_more_than_a_path() {
        for url in [
            "127.0.0.1:9000",
            "localhost",
            "ftp://h",
            "http://",
            "http:///x",
            "http://a:b@127.0.0.1",
            "http://h/?q",
            "",
        ] {
            assert!(from(Origin::Flag("endpoint-url"), url).is_err(), "{url}");
        }
        assert_eq!(from(Origin::Flag("endpoint-url"), "http://h:1/").ok().as_deref(), Some("http://h:1"));
    }
}
