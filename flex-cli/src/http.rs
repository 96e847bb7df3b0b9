//! The HTTP client of all requests: rustls with ring, proxies from the environment, `AWS_CA_BUNDLE` beside the
//! platform's own roots.

mod bounded;
mod pools;

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use aws_smithy_http_client::{proxy::ProxyConfig, tls::TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use pools::Client;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use thiserror::Error;

use crate::config::is_loopback;

/// A CA bundle that cannot be used.
#[derive(Debug, Error)]
#[error("the CA bundle {} (AWS_CA_BUNDLE) cannot be used", path.display())]
pub(crate) struct BundleError {
    path: PathBuf,
    source: BundleFault,
}

#[derive(Debug, Error)]
enum BundleFault {
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error("it holds no certificate in PEM form")]
    Empty,
    #[error("its certificate {number} is damaged: {detail}")]
    Damaged { number: usize, detail: String },
}

/// The client of a run, trusting the bundle's certificates too. It goes through the environment's proxies, but not to the
/// machine itself.
pub(crate) fn client(ca_bundle: Option<&Path>) -> Result<SharedHttpClient, BundleError> {
    let mut trust = platform_roots();
    if let Some(path) = ca_bundle {
        let pem = checked(path).map_err(|source| BundleError { path: path.to_owned(), source })?;
        trust.add_pem_certificate(pem);
    }
    Ok(SharedHttpClient::new(Client::new(trust, ProxyConfig::from_env())))
}

/// A client for the instance metadata service, which lives on the instance itself: no proxy reaches it.
pub(crate) fn direct() -> SharedHttpClient {
    SharedHttpClient::new(Client::new(platform_roots(), ProxyConfig::disabled()))
}

/// The machine's own addresses: loopback, and those from which the AWS SDKs accept credentials over plain HTTP (ECS, EKS in
/// both families, EC2).
pub(crate) fn is_local(host: &str) -> bool {
    if is_loopback(host) {
        return true;
    }
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => matches!(address.octets(), [169, 254, 170, 2 | 23] | [169, 254, 169, 254]),
        Ok(IpAddr::V6(address)) => matches!(address.segments(), [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23 | 0x254]),
        Err(_) => false,
    }
}

/// The platform's certificates. A bare container may have none, which is no reason to fail before TLS is spoken.
fn platform_roots() -> TrustStore {
    static ANY: LazyLock<bool> = LazyLock::new(|| {
        let found = rustls_native_certs::load_native_certs();
        RootCertStore::empty().add_parsable_certificates(found.certs).0 > 0
    });
    if !*ANY {
        tracing::warn!(
            "this machine has no CA certificates: https needs them (package ca-certificates, or AWS_CA_BUNDLE)"
        );
    }
    TrustStore::empty().with_native_roots(*ANY)
}

/// The bundle, if each certificate in it can be read: the SDK would panic at one that cannot.
fn checked(path: &Path) -> Result<Vec<u8>, BundleFault> {
    let pem = std::fs::read(path)?;
    let mut roots = RootCertStore::empty();
    for (before, certificate) in CertificateDer::pem_slice_iter(&pem).enumerate() {
        let damaged = |detail: String| BundleFault::Damaged { number: before + 1, detail };
        let certificate = certificate.map_err(|e| damaged(e.to_string()))?;
        roots.add(certificate).map_err(|e| damaged(e.to_string()))?;
    }
    if roots.is_empty() { Err(BundleFault::Empty) } else { Ok(pem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(content: Option<&str>) -> String {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("ca.pem");
        if let Some(content) = content {
            std::fs::write(&path, content).expect("a file");
        }
        let error = client(Some(&path)).expect_err("no usable bundle");
        assert!(error.to_string().contains("ca.pem"), "{error}");
        error.source.to_string()
    }

    #[test]
    fn a_bundle_that_cannot_be_used_says_why() {
        assert!(fault(None).contains("os error 2"), "{}", fault(None));
        assert!(fault(Some("")).contains("no certificate"));
        assert!(
            fault(Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")).contains("certificate 1")
        );
        assert!(fault(Some("-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n")).contains("certificate 1"));
    }

    #[test]
    fn the_machines_own_addresses_need_no_proxy() {
        for host in [
            "127.0.0.1",
            "localhost",
            "S3.LocalHost",
            "[::1]",
            "169.254.170.2",
            "169.254.170.23",
            "[fd00:ec2::23]",
            "[FD00:EC2:0::254]",
            "169.254.169.254",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in
            ["sts.amazonaws.com", "169.254.170.3", "[fd00:ec2::24]", "127.0.0.1.example.com", "localhost.example"]
        {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn a_real_bundle_is_taken() {
        let ca = rcgen::generate_simple_self_signed(vec!["flex.test".into()]).expect("a certificate");
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("ca.pem");
        std::fs::write(&path, ca.cert.pem()).expect("a file");
        assert!(client(Some(&path)).is_ok());
    }
}
