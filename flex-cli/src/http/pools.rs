//! Which connections a request goes through.
//!
//! They are kept apart by where they lead and by what they carry: the buffer of a connection that brought a page of a listing
//! stays as large as that, and where pages come through any of a thousand connections, all of them grow in the end. A pool is
//! made when its first request comes, as each reads the platform's certificates, which takes milliseconds.

use std::sync::{Mutex, OnceLock, PoisonError};

use aws_sdk_s3::config::SharedAsyncSleep;
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};

use ::http::uri::Authority;

use super::{bounded, is_local};

/// Trusts these certificates, and goes through this proxy but to the machine itself.
#[derive(Debug)]
pub(super) struct Client {
    trust: TrustStore,
    proxy: ProxyConfig,
    /// One for each pair of time limits, of which a run has a few.
    made: Mutex<Vec<(HttpConnectorSettings, SharedHttpConnector)>>,
}

impl Client {
    pub(super) fn new(trust: TrustStore, proxy: ProxyConfig) -> Self {
        Self { trust, proxy, made: Mutex::default() }
    }

    fn pools(&self, proxy: &ProxyConfig, settings: &HttpConnectorSettings, sleep: Option<SharedAsyncSleep>) -> Pools {
        let pool = || Pool {
            trust: self.trust.clone(),
            proxy: proxy.clone(),
            settings: settings.clone(),
            sleep: sleep.clone(),
            made: OnceLock::new(),
        };
        Pools { listings: pool(), others: pool() }
    }
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        // The list is whole at every moment.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let limits = |s: &HttpConnectorSettings| (s.connect_timeout(), s.read_timeout());
        if let Some((_, connector)) = made.iter().find(|(with, _)| limits(with) == limits(settings)) {
            return connector.clone();
        }
        let pools = |proxy| self.pools(proxy, settings, components.sleep_impl());
        let connector = ByRequest { proxied: pools(&self.proxy), direct: pools(&ProxyConfig::disabled()) };
        let connector = SharedHttpConnector::new(connector);
        made.push((settings.clone(), connector.clone()));
        connector
    }
}

#[derive(Debug)]
struct ByRequest {
    proxied: Pools,
    direct: Pools,
}

#[derive(Debug)]
struct Pools {
    listings: Pool,
    others: Pool,
}

impl HttpConnector for ByRequest {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // No proxy leads to the machine itself, and the tokens that go there unencrypted are none of a proxy's business.
        let local = authority(request.uri()).is_some_and(|authority| is_local(authority.host()));
        let pools = if local { &self.direct } else { &self.proxied };
        // ListObjectsV2 says so in its query.
        let pool = if request.uri().contains("list-type=2") { &pools.listings } else { &pools.others };
        pool.connector().call(request)
    }
}

/// Host and port alone, without the cost of reading a whole URI for each request.
fn authority(uri: &str) -> Option<Authority> {
    uri.split_once("://")?.1.split(['/', '?', '#']).next()?.parse().ok()
}

#[derive(Debug)]
struct Pool {
    trust: TrustStore,
    proxy: ProxyConfig,
    settings: HttpConnectorSettings,
    sleep: Option<SharedAsyncSleep>,
    made: OnceLock<SharedHttpConnector>,
}

impl Pool {
    fn connector(&self) -> &SharedHttpConnector {
        self.made.get_or_init(|| {
            let mut builder =
                Connector::builder().proxy_config(self.proxy.clone()).connector_settings(self.settings.clone());
            builder.set_sleep_impl(self.sleep.clone());
            let mut builder = builder.tls_provider(Provider::Rustls(CryptoMode::Ring));
            if let Ok(context) = TlsContext::builder().with_trust_store(self.trust.clone()).build() {
                builder = builder.tls_context(context);
            }
            bounded::connector(SharedHttpConnector::new(builder.build()))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_runtime_api::client::http::SharedHttpClient;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// The requests of each connection, by their first line.
    type Seen = Arc<Mutex<Vec<Vec<String>>>>;

    async fn answer(mut stream: TcpStream, number: usize, seen: Seen) {
        let mut head = Vec::new();
        while let Ok(byte) = stream.read_u8().await {
            head.push(byte);
            if !head.ends_with(b"\r\n\r\n") {
                continue;
            }
            let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
            let body = if line.starts_with("HEAD") { "" } else { "<ListBucketResult></ListBucketResult>" };
            seen.lock().expect("whole")[number].push(line);
            head.clear();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.expect("a reader");
        }
    }

    #[test]
    fn the_host_is_the_uris() {
        for uri in [
            "http://127.0.0.1:81/x://localhost/",
            "https://[::1]:1?a=b://c",
            "http://user@localhost.example/",
            "https://b.s3.amazonaws.com/a@localhost",
            "https://a.example#@localhost",
        ] {
            let whole: ::http::Uri = uri.parse().expect("a URI");
            assert_eq!(authority(uri).as_ref(), whole.authority(), "{uri}");
        }
        assert_eq!(authority("/127.0.0.1"), None);
    }

    #[tokio::test]
    async fn listings_have_connections_of_their_own_and_keep_them() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Seen::default();
        let server = tokio::spawn({
            let seen = seen.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let number = {
                        let mut seen = seen.lock().expect("whole");
                        seen.push(Vec::new());
                        seen.len() - 1
                    };
                    tokio::spawn(answer(stream, number, seen.clone()));
                }
            }
        });
        let http = SharedHttpClient::new(Client::new(TrustStore::empty(), ProxyConfig::disabled()));
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("ap-northeast-1"))
            .credentials_provider(Credentials::new("a", "s", None, None, "test"))
            .endpoint_url(endpoint)
            .force_path_style(true)
            .http_client(http)
            .build();
        let s3 = aws_sdk_s3::Client::from_conf(config);
        for _ in 0..3 {
            s3.list_objects_v2().bucket("b").send().await.expect("a page");
            s3.head_object().bucket("b").key("k").send().await.expect("an object");
        }
        server.abort();
        let seen = seen.lock().expect("whole");
        let listings = |requests: &Vec<String>| requests.iter().filter(|line| line.contains("list-type=2")).count();
        let counts: Vec<_> = seen.iter().map(|requests| (listings(requests), requests.len())).collect();
        assert_eq!(counts, [(3, 3), (0, 3)], "{seen:?}");
    }
}
