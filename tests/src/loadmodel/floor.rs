//! What a trivial client reaches against the model: what no measured program can go beyond.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::model::{DESTINATION, Model, SOURCE};

/// Rates of a client that writes prepared requests and looks for nothing but the end of the answers.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// CopyObject a second.
    pub copies: f64,
    /// Pages of ListObjectsV2 a second.
    pub pages: f64,
}

/// Measures a running server of this model, over so many connections.
pub async fn floor(address: SocketAddr, model: Arc<Model>, connections: usize) -> io::Result<Floor> {
    let copying = model.clone();
    let copy = move |nth: u64| {
        let key = copying.source.key(nth % copying.source.len());
        format!(
            "PUT /{DESTINATION}/{key} HTTP/1.1\r\nhost: {address}\r\nx-amz-copy-source: {SOURCE}/{key}\r\n\
             content-length: 0\r\n\r\n"
        )
    };
    let page = move |nth: u64| {
        let after = model.source.key(nth * 1_000 % model.source.len());
        format!("GET /{SOURCE}?list-type=2&start-after={after} HTTP/1.1\r\nhost: {address}\r\n\r\n")
    };
    let copies = rate(address, connections, copy).await?;
    Ok(Floor { copies, pages: rate(address, connections, page).await? })
}

/// Requests a second, over two seconds.
async fn rate<F>(address: SocketAddr, connections: usize, request: F) -> io::Result<f64>
where
    F: Fn(u64) -> String + Send + Sync + 'static,
{
    let (next, request) = (Arc::new(AtomicU64::new(0)), Arc::new(request));
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let (next, request) = (next.clone(), request.clone());
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut buffer = Vec::with_capacity(1 << 16);
            let mut done = 0_u64;
            while begun.elapsed() < Duration::from_secs(2) {
                stream.write_all(request(next.fetch_add(1, Ordering::Relaxed)).as_bytes()).await?;
                answer(&mut stream, &mut buffer).await?;
                done += 1;
            }
            io::Result::Ok(done)
        });
    }
    let mut done = 0;
    while let Some(client) = clients.join_next().await {
        done += client.map_err(io::Error::other)??;
    }
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}

/// Reads one answer of 200 to its end.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    let mut head: Option<(usize, usize)> = None;
    loop {
        if let Some((end, length)) = head
            && buffer.len() >= end + length
        {
            return Ok(());
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if head.is_none()
            && let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&buffer[..end]);
            if !text.starts_with("HTTP/1.1 200") {
                return Err(io::Error::other(text.into_owned()));
            }
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            head = Some((end + 4, length.ok_or_else(|| io::Error::other("an answer without a length"))?));
        }
    }
}
