//! Servers that do not behave.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

/// What such a server says.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes, and the connection closes.
    Bytes(Vec<u8>),
    /// The first, and then the second for ever.
    Endless(Vec<u8>, Vec<u8>),
}

impl Answer {
    /// A 200 with this body.
    pub(crate) fn body(body: impl AsRef<[u8]>) -> Self {
        Self::status(200, body)
    }

    pub(crate) fn status(status: u16, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/xml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }

    /// A 200 whose body begins so and never ends.
    pub(crate) fn endless(beginning: &str, then: &str) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\nconnection: close\r\n\r\n{beginning}");
        Self::Endless(head.into_bytes(), then.repeat(64 * 1024 / then.len()).into_bytes())
    }
}

/// A server that answers every request so.
pub(crate) fn hostile(answer: Answer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            thread::spawn(move || serve(client, &answer));
        }
    });
    address
}

fn serve(client: TcpStream, answer: &Answer) -> Option<()> {
    let mut client = BufReader::new(client);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if client.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    client.read_exact(&mut vec![0; length]).ok()?;
    let mut client = client.into_inner();
    match answer {
        Answer::Bytes(bytes) => client.write_all(bytes).ok(),
        Answer::Endless(first, then) => {
            client.write_all(first).ok()?;
            while client.write_all(then).is_ok() {}
            None
        }
    }
}

/// A server that accepts, reads, and never answers.
pub(crate) fn black_hole() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(1..) = client.read(&mut bytes) {}
            });
        }
    });
    address
}
