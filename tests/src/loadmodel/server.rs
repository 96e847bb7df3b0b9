//! The door: HTTP/1.1 on loopback, by hyper alone.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::model::Model;
use super::reply::Content;

/// The largest body that is looked at: 10,000 parts with their checksums.
const BODY_LIMIT: usize = 4 << 20;

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, model: Arc<Model>) -> io::Result<()> {
    loop {
        // A client that goes away before it is let in, or a moment without descriptors, ends nobody else.
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(connection(stream, model.clone()))),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

async fn connection(stream: TcpStream, model: Arc<Model>) {
    // Without this a small answer may wait for an acknowledgement; where it fails, it is only slower.
    let _ = stream.set_nodelay(true);
    let fresh = AtomicBool::new(true);
    let service = service_fn(|request| {
        let first = fresh.swap(false, Ordering::Relaxed);
        answer(&model, request, first)
    });
    // A client that breaks off is no fault of the model's.
    let _ = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(model: &Model, request: Request<Incoming>, first: bool) -> Result<Response<Content>, Infallible> {
    let (parts, body) = request.into_parts();
    let place = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let reply = model.serve(&parts.method, place, &parts.headers, first, whole(body)).await;
    Ok(reply.into_response())
}

/// A body, unless it is too long or breaks off.
async fn whole(mut body: Incoming) -> Option<Bytes> {
    let mut out = BytesMut::new();
    loop {
        let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await;
        match frame {
            None => return Some(out.freeze()),
            Some(Err(_)) => return None,
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    out.extend_from_slice(data);
                }
                if out.len() > BODY_LIMIT {
                    return None;
                }
            }
        }
    }
}
