//! The links before anybody is asked anything: endpoints, proxies, the clock.

use http::Uri;

use super::{
    link::{Id, Link, Mend, State},
    reach::{Reached, Silence, Skew},
    remedy::{Remedy, export, unset},
};
use crate::{
    config::{Origin, is_plain},
    language::msg,
};

/// A difference that begins to matter.
const SKEW_OF_NOTE: u64 = 60;
/// STS refuses signatures further off than this, S3 those beyond 15 minutes.
const STS_TOLERATES: u64 = 5 * 60;
const S3_TOLERATES: u64 = 15 * 60;

/// An endpoint as a link. `region`: the one that requests are signed for.
pub(super) fn endpoint(id: Id, reached: &Reached, remedy: &Remedy<'_>, region: &str) -> Link {
    let link = match &reached.outcome {
        Err(silence) => silent(id, reached, silence, remedy),
        Ok(answer) if answer.status == 407 => {
            Link::broken(id, "proxy-auth", msg!("doctor-endpoint-proxy-auth", endpoint = &reached.url))
                .mend(Mend::say(msg!("doctor-mend-proxy-auth")))
        }
        Ok(answer) if matches!(answer.status, 502..=504) => Link::broken(
            id,
            "gateway",
            msg!("doctor-endpoint-gateway", endpoint = &reached.url, status = answer.status),
        )
        .mends(past_the_proxy(reached, true))
        .mend(Mend::say(msg!("doctor-mend-network"))),
        Ok(answer) => match &answer.bucket_region {
            Some(found) if found != region && !remedy.is_compat() => other_region(id, found, region, remedy),
            _ if is_plain(&reached.url) => {
                Link::warning(id, "plain-http", msg!("doctor-endpoint-plain-http", endpoint = &reached.url))
                    .mend(Mend::say(msg!("doctor-mend-https")))
            }
            _ => Link::ok(id, msg!("doctor-endpoint-ok", endpoint = &reached.url)),
        },
    };
    let private = reached.private.as_ref().map(|address| msg!("doctor-value-private", address = address));
    let proxy = reached.proxy.as_ref().map(|proxy| format!("{} ({})", proxy.address, proxy.variable));
    link.detail("endpoint", reached.url.clone()).detail_if("proxy", proxy).detail_if("address", private)
}

fn silent(id: Id, reached: &Reached, silence: &Silence, remedy: &Remedy<'_>) -> Link {
    let said = silence.chain.join(": ").to_ascii_lowercase();
    let endpoint = &reached.url;
    let link = if let Some(proxy) = &reached.proxy {
        Link::broken(
            id,
            "proxy",
            msg!("doctor-endpoint-proxy", endpoint = endpoint, proxy = &proxy.address, variable = proxy.variable),
        )
    } else if silence.timed_out {
        Link::broken(id, "timeout", msg!("doctor-endpoint-timeout", endpoint = endpoint))
    } else if said.contains("dns error") || said.contains("failed to lookup") {
        Link::broken(id, "dns", msg!("doctor-endpoint-dns", endpoint = endpoint))
    } else if said.contains("certificate") || said.contains("tls") {
        Link::broken(id, "tls", msg!("doctor-endpoint-tls", endpoint = endpoint))
            .mend(Mend::say(msg!("doctor-mend-ca-bundle")))
    } else {
        Link::broken(id, "unreachable", msg!("doctor-endpoint-unreachable", endpoint = endpoint))
    };
    let link = link.because(silence.chain.clone()).mends(past_the_proxy(reached, silence.past_proxy));
    // An endpoint may be of the user's own choice. One that serves all is not the first to blame.
    let setting = if id == Id::StsEndpoint { "sts-endpoint-url" } else { "endpoint-url" };
    let for_all = matches!(remedy.origin(setting), Some(Origin::Environment("AWS_ENDPOINT_URL")));
    let own = if reached.proxy.is_none() { remedy.take_back(setting) } else { None };
    let network = Mend::say(msg!("doctor-mend-network"));
    match own {
        Some(own) if for_all => link.mend(network).mend(own.or()),
        Some(own) => link.mend(own).mend(network.or()),
        None if reached.proxy.is_some() => link.mend(network.or()),
        None => link.mend(network),
    }
}

/// Leaves the host out of the proxy's, where it can be reached without.
fn past_the_proxy(reached: &Reached, works: bool) -> Option<Mend> {
    let proxy = reached.proxy.as_ref()?;
    let host = reached.url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned))?;
    Some(if works {
        let exempt = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default();
        let list = if exempt.is_empty() { host } else { format!("{exempt},{host}") };
        let mut command = export("NO_PROXY", &list);
        if std::env::var_os("no_proxy").is_some() {
            command = format!("{}; {command}", unset(&["no_proxy"]));
        }
        Mend::run(msg!("doctor-mend-no-proxy", variable = proxy.variable), command)
    } else {
        Mend::say(msg!("doctor-mend-proxy", variable = proxy.variable))
    })
}

fn other_region(id: Id, found: &str, asked: &str, remedy: &Remedy<'_>) -> Link {
    let mend = remedy.take_back("region").unwrap_or_else(|| {
        Mend::run(msg!("doctor-mend-region", region = found), remedy.again().with("region", found).text())
    });
    Link::broken(id, "other-region", msg!("doctor-endpoint-region", found = found, asked = asked))
        .detail("region", found)
        .mend(mend)
}

/// Two endpoints that fail alike have one cause: the second waits for the first.
pub(super) fn have_one_cause(first: &Link, second: &Link) -> bool {
    first.state == State::Broken && second.state == State::Broken && first.code == second.code
}

/// STS answers, but not as STS does: an S3 endpoint of a VPC, or some other server.
pub(super) fn not_sts(url: &str, because: Vec<String>, remedy: &Remedy<'_>) -> Link {
    let link = Link::broken(Id::StsEndpoint, "not-sts", msg!("doctor-endpoint-not-sts", endpoint = url))
        .because(because)
        .detail("endpoint", url);
    let for_both = |name| matches!(remedy.origin(name), Some(Origin::Environment("AWS_ENDPOINT_URL")));
    if for_both("sts-endpoint-url") && for_both("endpoint-url") {
        // One variable for all services: S3 keeps what it had.
        let command = format!("{}; {}", export("AWS_ENDPOINT_URL_S3", url), unset(&["AWS_ENDPOINT_URL"]));
        return link.mend(Mend::run(msg!("doctor-mend-split-endpoint"), command));
    }
    let own = remedy.take_back("sts-endpoint-url");
    link.mend(own.unwrap_or_else(|| Mend::say(msg!("doctor-mend-sts-endpoint-file"))))
}

/// The clock, by the answers of the two services.
pub(super) fn clock(sts: Option<Skew>, s3: Option<Skew>) -> Link {
    let (skew, tolerated) = match (sts, s3) {
        (Some(skew), _) => (skew, STS_TOLERATES),
        (None, Some(skew)) => (skew, S3_TOLERATES),
        (None, None) => return Link::not_checked(Id::Clock, "no-date", msg!("doctor-clock-unknown")),
    };
    let off = skew.seconds.unsigned_abs();
    let value = match (skew.seconds > 0, off < 120) {
        (true, true) => msg!("doctor-value-ahead-seconds", number = off),
        (false, true) => msg!("doctor-value-behind-seconds", number = off),
        (true, false) => msg!("doctor-value-ahead-minutes", number = off / 60),
        (false, false) => msg!("doctor-value-behind-minutes", number = off / 60),
    };
    let link = if off > tolerated {
        Link::broken(Id::Clock, "skew", msg!("doctor-clock-broken", minutes = tolerated / 60))
    } else if off > SKEW_OF_NOTE {
        Link::warning(Id::Clock, "drift", msg!("doctor-clock-drift"))
    } else {
        return Link::ok(Id::Clock, msg!("doctor-clock-ok")).detail_if("skew", (off > 0).then_some(value));
    };
    link.detail("skew", value).mend(Mend::run(msg!("doctor-mend-clock"), SET_CLOCK))
}

const SET_CLOCK: &str = if cfg!(windows) {
    "w32tm /resync"
} else if cfg!(target_os = "macos") {
    "sudo sntp -sS time.apple.com"
} else {
    "sudo timedatectl set-ntp true"
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_judged_by_what_each_service_tolerates() {
        let at = |seconds| Some(Skew { seconds });
        for (sts, s3, want) in [
            (at(0), None, State::Ok),
            (at(-60), at(900), State::Ok),
            (at(61), None, State::Warning),
            (at(-300), None, State::Warning),
            (at(301), at(0), State::Broken),
            (None, at(-301), State::Warning),
            (None, at(901), State::Broken),
            (None, None, State::NotChecked),
        ] {
            assert_eq!(clock(sts, s3).state, want, "{sts:?} {s3:?}");
        }
    }
}
