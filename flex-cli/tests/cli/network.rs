//! Proxies and certificates.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

use crate::support::{BUCKET, Subscriber};

/// A proxy for plain HTTP (absolute form) and for tunnels (CONNECT). `upstream`: where all of it really goes.
async fn proxy(upstream: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (plain, tunnels) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (plain.clone(), tunnels.clone());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (plain, tunnels) = counts.clone();
            tokio::spawn(async move { serve(client, upstream, &plain, &tunnels).await });
        }
    });
    (address, plain, tunnels)
}

/// One request a connection, so that this proxy stays small.
async fn serve(client: TcpStream, upstream: SocketAddr, plain: &AtomicUsize, tunnels: &AtomicUsize) -> Option<()> {
    let mut client = BufReader::new(client);
    let mut line = String::new();
    client.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    let mut head = String::new();
    let mut length = 0;
    while !head.ends_with("\r\n\r\n") {
        let mut header = String::new();
        if client.read_line(&mut header).await.ok()? == 0 {
            return None;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        head += &header;
    }
    let mut server = TcpStream::connect(upstream).await.ok()?;
    if method == "CONNECT" {
        tunnels.fetch_add(1, Ordering::SeqCst);
        client.get_mut().write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
        let _ = copy_bidirectional(&mut client, &mut server).await;
        return None;
    }
    plain.fetch_add(1, Ordering::SeqCst);
    // Absolute form: the path begins behind the authority.
    let path = target.strip_prefix("http://")?.find('/').map(|at| &target[7 + at..])?;
    let mut body = vec![0; length];
    client.read_exact(&mut body).await.ok()?;
    let request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n{head}");
    server.write_all(request.as_bytes()).await.ok()?;
    server.write_all(&body).await.ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.ok()?;
    client.get_mut().write_all(&answer).await.ok()
}

fn address(user: &Subscriber) -> SocketAddr {
    user.sandbox.endpoint().strip_prefix("http://").unwrap().parse().unwrap()
}

async fn flex(user: &Subscriber, arguments: &[&str]) -> crate::support::Run {
    // The servers of this test run on this very runtime.
    let mut command = user.machine.command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    crate::support::Run::of(arguments, output)
}

#[tokio::test]
async fn a_proxy_gets_every_request_unless_no_proxy_names_the_host() {
    let mut user = Subscriber::plain().await;
    let (proxy, plain, _) = proxy(address(&user)).await;
    // A name that only the proxy can reach.
    user.machine
        .set("AWS_ENDPOINT_URL", "http://s3.flex.test")
        .set("FLEX_ALLOW_HTTP", "1")
        .set("HTTP_PROXY", format!("http://{proxy}"));
    flex(&user, &["copy", "2021/05/31"]).await.expect(0);
    let seen = plain.load(Ordering::SeqCst);
    assert_eq!(seen, user.world.requests().len());
    assert_eq!(user.world.object_count(BUCKET), 3);

    // The sandbox by an address that is not loopback's, though it leads there.
    let elsewhere = user.sandbox.endpoint().replace("127.0.0.1", "0.0.0.0");
    user.machine.set("AWS_ENDPOINT_URL", elsewhere).set("NO_PROXY", "0.0.0.0");
    flex(&user, &["verify", "2021/05/31"]).await.expect(0);
    assert_eq!(plain.load(Ordering::SeqCst), seen);
    user.machine.unset("NO_PROXY");
    flex(&user, &["verify", "2021/05/31"]).await.expect(0);
    assert!(plain.load(Ordering::SeqCst) > seen);
}

#[tokio::test]
async fn what_goes_to_this_machine_goes_through_no_proxy() {
    let mut user = Subscriber::plain().await;
    let (proxy, plain, tunnels) = proxy(address(&user)).await;
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        user.machine.set(name, format!("http://{proxy}"));
    }
    for host in ["127.0.0.1", "localhost", "LOCALHOST"] {
        user.machine.set("AWS_ENDPOINT_URL", user.sandbox.endpoint().replace("127.0.0.1", host));
        flex(&user, &["copy", "2021/05/31"]).await.expect(0);
        flex(&user, &["doctor"]).await.expect(0);
    }
    assert_eq!((plain.load(Ordering::SeqCst), tunnels.load(Ordering::SeqCst)), (0, 0), "a proxy read the tokens");
    assert_eq!(user.world.object_count(BUCKET), 3);
}

#[tokio::test]
async fn credentials_of_a_container_are_not_asked_for_through_a_proxy() {
    let mut user = Subscriber::plain().await;
    let identity = flex_tests::sandbox::Identity::chained();
    let answer = serde_json::json!({
        "AccessKeyId": identity.access_key_id(),
        "SecretAccessKey": identity.secret_access_key(),
        "Token": identity.session_token(),
        "Expiration": "2999-01-01T00:00:00Z",
    })
    .to_string();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let container = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let mut client = BufReader::new(client);
            let mut line = String::new();
            while client.read_line(&mut line).await.is_ok_and(|read| read > 2) {
                count.fetch_add(usize::from(line.trim() == "authorization: token-of-the-container"), Ordering::SeqCst);
                line.clear();
            }
            let length = answer.len();
            let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{answer}");
            let _ = client.get_mut().write_all(answer.as_bytes()).await;
        }
    });
    // It leads everything to the sandbox, which answers no such question.
    let (proxy, plain, _) = proxy(address(&user)).await;
    user.machine
        .no_identity()
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{container}/x"))
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token-of-the-container")
        .set("AWS_ENDPOINT_URL", "http://s3.flex.test")
        .set("FLEX_ALLOW_HTTP", "1")
        .set("HTTP_PROXY", format!("http://{proxy}"));
    flex(&user, &["copy", "2021/05/31"]).await.expect(0);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(plain.load(Ordering::SeqCst), user.world.requests().len());
    assert!(user.world.requests().iter().all(|r| r.header("authorization") != "token-of-the-container"));
}

/// TLS before the sandbox, with a certificate of an authority that nobody knows. Gives its PEM.
async fn tls_front(upstream: SocketAddr) -> (SocketAddr, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(vec![]).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let leaf = rcgen::CertificateParams::new(vec!["localhost".into(), "s3.flex.test".into()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await.ok()?;
                let mut server = TcpStream::connect(upstream).await.ok()?;
                copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    (address, root.pem())
}

#[tokio::test]
async fn a_machine_without_any_certificate_reaches_plain_http() {
    let mut user = Subscriber::plain().await;
    user.machine.set("SSL_CERT_FILE", "/nowhere").set("SSL_CERT_DIR", "/nowhere");
    flex(&user, &["copy", "2021/05/31"]).await.expect(0).says(&["no CA certificates"]);
}

#[tokio::test]
async fn a_ca_bundle_is_trusted_and_a_bad_one_refused() {
    let mut user = Subscriber::plain().await;
    let (front, pem) = tls_front(address(&user)).await;
    user.machine.set("AWS_ENDPOINT_URL", format!("https://localhost:{}", front.port()));
    flex(&user, &["copy", "2021/05/31"]).await.expect(3).says(&["certificate", "AWS_CA_BUNDLE"]);
    let bundle = user.machine.file("ca.pem", &pem);
    user.machine.set("AWS_CA_BUNDLE", bundle.to_str().unwrap());
    flex(&user, &["copy", "2021/05/31"]).await.expect(0);
    assert_eq!(user.world.object_count(BUCKET), 3);

    // Through a tunnel, too.
    let (proxy, plain, tunnels) = proxy(front).await;
    user.machine.set("AWS_ENDPOINT_URL", "https://s3.flex.test").set("HTTPS_PROXY", format!("http://{proxy}"));
    flex(&user, &["verify", "2021/05/31"]).await.expect(0);
    assert!(tunnels.load(Ordering::SeqCst) > 0 && plain.load(Ordering::SeqCst) == 0);

    for (content, why) in
        [("", "no certificate"), ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate 1")]
    {
        let bad = user.machine.file("bad.pem", content);
        user.machine.set("AWS_CA_BUNDLE", bad.to_str().unwrap());
        flex(&user, &["copy", "2021/05/31"]).await.expect(2).says(&["bad.pem", "AWS_CA_BUNDLE", why]);
    }
    user.machine.set("AWS_CA_BUNDLE", "/nowhere/ca.pem");
    flex(&user, &["copy", "2021/05/31"]).await.expect(2).says(&["/nowhere/ca.pem"]);
}
