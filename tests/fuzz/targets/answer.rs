//! An answer of something that claims to be S3, as the SDK gets it: unchanged if it is whole, refused if it is XML that
//! breaks off or declares a document type, and never more of it than the limit, however it comes in pieces.
//!
//! flex-cli is a program and no library, so that its check is included here as source.
#![no_main]
#![allow(dead_code, unreachable_pub, reason = "the module serves the program")]

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use flex_fuzz::{Dice, check_message, long_bytes, now};
use http_body::{Body, Frame};
use libfuzzer_sys::fuzz_target;

#[path = "../../../flex-cli/src/http/bounded.rs"]
mod bounded;

const LIMIT: usize = 8 << 20;
const LIST: &str = "https://b.s3.amazonaws.com/?list-type=2&prefix=x-id%3DGetObject";
const GET: &str = "https://b.s3.amazonaws.com/k?x-id=GetObject";

fuzz_target!(|bytes: &[u8]| {
    any(bytes, &mut Dice::new(bytes));
    made(&mut Dice::new(bytes));
    if let Some(long) = long_bytes(bytes, b"") {
        any(&long, &mut Dice::new(bytes));
        // Up to the limit, which one byte more is beyond.
        let rest = LIMIT - long.len();
        let mut pieces = vec![Bytes::from(long), Bytes::from(vec![b'x'; rest])];
        let fits = read(pieces.clone(), LIST, 200);
        assert!(fits.as_ref().err().is_none_or(|error| !error.contains("longer")), "{fits:?}");
        pieces.push(Bytes::from_static(b"x"));
        let error = read(pieces.clone(), LIST, 200).expect_err("one byte too many");
        assert!(error.contains("longer than 8 MiB"), "{error}");
        assert_eq!(read(pieces, GET, 206).expect("contents have no limit").len(), LIMIT + 1);
    }
});

/// What is answered, in these pieces.
#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    pieces: VecDeque<Bytes>,
}

impl HttpConnector for Answer {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = self.status.try_into().expect("a status");
        let body = SdkBody::from_body_1_x(Pieces(self.pieces.clone()));
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

/// The body as the SDK reads it, or why it cannot.
fn read(pieces: Vec<Bytes>, uri: &str, status: u16) -> Result<Vec<u8>, String> {
    let connector = bounded::connector(SharedHttpConnector::new(Answer { status, pieces: pieces.into() }));
    let mut request = HttpRequest::empty();
    request.set_uri(uri).expect("a URI");
    let mut body = now(connector.call(request)).expect("an answer").into_body();
    let mut read = Vec::new();
    loop {
        match Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(None) => return Ok(read),
            Poll::Ready(Some(Ok(frame))) => read.extend_from_slice(&frame.into_data().expect("no trailers")),
            Poll::Ready(Some(Err(error))) => return Err(error.to_string()),
            Poll::Pending => panic!("nothing here waits"),
        }
        assert!(read.len() <= LIMIT || uri == GET, "beyond the limit");
    }
}

fn one(bytes: &[u8]) -> Vec<Bytes> {
    vec![Bytes::copy_from_slice(bytes)]
}

fn in_pieces(mut bytes: &[u8], dice: &mut Dice<'_>) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let length = usize::from(dice.byte());
        let length = if length < 128 { length % 4 } else { length * 8 };
        // When the input is used up, the rest in one.
        let (piece, rest) = bytes.split_at(if dice.is_empty() { bytes.len() } else { length.min(bytes.len()) });
        pieces.push(Bytes::copy_from_slice(piece));
        bytes = rest;
    }
    pieces
}

fn any(bytes: &[u8], dice: &mut Dice<'_>) {
    let judged = read(one(bytes), LIST, 200);
    match &judged {
        Ok(read) => assert_eq!(read, bytes, "unchanged"),
        Err(error) => check_message(error, 0),
    }
    assert_eq!(read(one(bytes), LIST, 503), judged, "errors are judged alike");
    assert_eq!(read(one(bytes), GET, 404), judged, "and in the place of contents");
    assert_eq!(read(in_pieces(bytes, dice), GET, 200).as_deref(), Ok(bytes), "contents are not judged");
    let text = bytes.trim_ascii_start();
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text).trim_ascii_start();
    if !String::from_utf8_lossy(text).trim_start().starts_with('<') {
        assert!(judged.is_ok(), "what is no XML is not judged: {judged:?}");
    }
    if text.to_ascii_lowercase().starts_with(b"<!doctype") {
        assert!(judged.as_ref().is_err_and(|error| error.contains("document type")), "{judged:?}");
    }
    assert_eq!(read(in_pieces(bytes, dice), LIST, 200), judged, "in pieces");
}

/// A document as a service writes it: whole it is taken, cut off anywhere in it it is not.
fn made(dice: &mut Dice<'_>) {
    let prolog = dice.one_of(&[
        "",
        " \n",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "\u{feff}<?xml version=\"1.0\"?><!-- <R> -->",
    ]);
    let root = dice.one_of(&["ListBucketResult", "CopyObjectResult", "Error", "a:r"]);
    let attribute = dice.one_of(&["", " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"", " a='x>y'"]);
    let mut text = format!("{prolog}<{root}{attribute}");
    if dice.byte().is_multiple_of(16) {
        text += "/>";
    } else {
        text += ">";
        for _ in 0..dice.byte() {
            let name = dice.one_of(&["Key", "Contents", "XError", "Result"]);
            let value = dice.text().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            text += &if dice.byte().is_multiple_of(8) {
                format!("<{name} />\n")
            } else {
                format!("<{name}>{value}</{name}>")
            };
        }
        text += &format!("</{root}{}>", dice.one_of(&["", "", " "]));
    }
    let cut = prolog.len() + 1 + dice.number(text.len() - prolog.len() - 1);
    let bytes = text.as_bytes();
    let whole = read(in_pieces(bytes, dice), LIST, 200);
    assert_eq!(whole.as_deref(), Ok(bytes), "{text:?}");
    let padded = [bytes, b"\r\n "].concat();
    assert_eq!(read(in_pieces(&padded, dice), LIST, 200).as_deref(), Ok(&padded[..]), "{text:?}");
    let cut = read(in_pieces(&bytes[..cut], dice), LIST, 200).map(|_| cut);
    assert!(cut.as_ref().is_err_and(|error| error.contains("breaks off")), "{cut:?} of {text:?}");
}
