//! Two ways in: a socket on loopback, and an HTTP client that never leaves the process.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::{HeaderValue, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::front::{Front, Reset};

/// A server thread has this long to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// The socket: a listener served by a thread of its own, so that tests may block while they run a program.
pub(crate) struct Socket {
    pub(crate) address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Socket {
    pub(crate) async fn open(front: Front, port: u16) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let (ready, opened) = oneshot::channel();
        let serve = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = ready.send(Err(error));
                    return;
                }
            };
            runtime.block_on(async move {
                let bound = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                    Ok(listener) => listener.local_addr().map(|address| (listener, address)),
                    Err(error) => Err(error),
                };
                match bound {
                    Ok((listener, address)) => {
                        let _ = ready.send(Ok(address));
                        accept(listener, front, stopped).await;
                    }
                    Err(error) => {
                        let _ = ready.send(Err(error));
                    }
                }
            });
        };
        let thread = thread::Builder::new().name("sandbox".into()).spawn(serve)?;
        let address = opened.await.map_err(|_| io::Error::other("the sandbox's thread ended at once"))??;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Ends the listener and cuts what is in flight; waits for the thread, but not for ever.
    pub(crate) async fn close(mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let joined = tokio::task::spawn_blocking(move || thread.join());
            let _ = tokio::time::timeout(PATIENCE, joined).await;
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

async fn accept(listener: TcpListener, front: Front, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => break,
            _ = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(serve(stream, front.clone())); }
                // Out of file descriptors, most likely: give some connections time to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
}

async fn serve(stream: TcpStream, front: Front) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |req: http::Request<Incoming>| {
        let front = front.clone();
        async move {
            // An error here makes hyper drop the connection without an answer, which is what a reset is to a client.
            front.handle(req.map(Body::from)).await.map_err(|Reset| io::Error::from(io::ErrorKind::ConnectionReset))
        }
    });
    // How a client ends its connection is its own affair.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The door inside the process: an SDK HTTP client that hands requests to the sandbox. No socket, no thread, no DNS, so it
/// works in tokio's paused time.
#[derive(Clone)]
pub(crate) struct Wire {
    front: Front,
    read_timeout: Option<Duration>,
}

impl Wire {
    pub(crate) fn new(front: Front) -> Self {
        Self { front, read_timeout: None }
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("read_timeout", &self.read_timeout).finish_non_exhaustive()
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Self { read_timeout: settings.read_timeout(), ..self.clone() })
    }
}

impl HttpConnector for Wire {
    fn call(&self, req: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let mut req = req.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            // The SDK signs the host and leaves writing it to the HTTP client.
            let host = req.uri().authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
            let host = HeaderValue::from_str(&host).map_err(|error| ConnectorError::user(error.into()))?;
            req.headers_mut().entry(header::HOST).or_insert(host);
            let answer = this.front.handle(req.map(Body::http_body));
            let answer = match this.read_timeout {
                Some(limit) => {
                    tokio::time::timeout(limit, answer).await.map_err(|slow| ConnectorError::timeout(slow.into()))?
                }
                None => answer.await,
            };
            let broken = |Reset| ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into());
            let response = answer.map_err(broken)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
