//! What goes wrong around a set-up and not in it: clocks, the network, regions.

use std::collections::BTreeSet;

use super::policy::Policy;
use super::world::World;

/// The services behind the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Simple Storage Service.
    S3,
    /// Security Token Service.
    Sts,
    /// Identity and Access Management.
    Iam,
}

impl Service {
    /// Its name in a credential's scope.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::Iam => "iam",
        }
    }

    /// The namespace of its answers, where they have one in the form of the query protocol.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::S3 | Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}

#[derive(Default)]
pub(crate) struct Breaks {
    pub(crate) unreachable: BTreeSet<Service>,
    pub(crate) sts_disabled: bool,
    /// The policy of the endpoint through which all requests to S3 come, when there is one.
    pub(crate) vpc_endpoint: Option<Policy>,
}

impl World {
    /// Whether a service closes every connection without an answer, as when no route leads to it.
    pub fn unreachable(&self, service: Service, unreachable: bool) {
        let set = &mut self.state().breaks.unreachable;
        let _ = if unreachable { set.insert(service) } else { set.remove(&service) };
    }

    /// Whether the account has STS switched off in this region.
    pub fn sts_disabled(&self, disabled: bool) {
        self.state().breaks.sts_disabled = disabled;
    }

    /// Sends all requests to S3 through a VPC endpoint with this policy (JSON, with principals), or no longer through one.
    /// STS and IAM are not touched: an S3 endpoint does not serve them.
    ///
    /// # Panics
    /// When the policy is malformed, or one that the sandbox cannot judge.
    pub fn vpc_endpoint(&self, policy: Option<&str>) {
        let read = |json| match Policy::of_vpc_endpoint(json) {
            Ok(policy) => policy,
            Err(flaw) => panic!("the endpoint's policy cannot be used: {flaw:?}"),
        };
        let policy = policy.map(read);
        self.state().breaks.vpc_endpoint = policy;
    }

    /// Sets the clock of the services ahead of the clients' (or behind it, when negative). [`now`](Self::now) is the
    /// services' time; clients of [`sdk_config`](super::Sandbox::sdk_config) keep the other one.
    pub fn skew(&self, seconds: i64) {
        self.0.clock.skew(seconds);
    }

    /// The network as it should be: all services reachable and enabled, no VPC endpoint, no skew.
    pub fn network_mended(&self) {
        self.state().breaks = Breaks::default();
        self.skew(0);
    }
}
