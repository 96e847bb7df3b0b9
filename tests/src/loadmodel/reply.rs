//! What is answered.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};

use super::text::push_escaped;

pub(super) const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// An answer's body.
pub(super) enum Content {
    /// As it stands; none once it is taken.
    Whole(Option<Bytes>),
    /// So many zero bytes, which stand for an object's.
    Zeros(u64),
}

static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            Self::Whole(bytes) => bytes.take().filter(|bytes| !bytes.is_empty()),
            Self::Zeros(0) => None,
            Self::Zeros(left) => {
                let now = (*left).min(ZEROS.len() as u64);
                *left -= now;
                Some(Bytes::from_static(&ZEROS[..now as usize]))
            }
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::Zeros(0))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Whole(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Self::Zeros(left) => *left,
        })
    }
}

/// An answer.
pub(super) struct Reply(Box<Response<Content>>);

impl Reply {
    pub(super) fn new(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut response = Response::new(Content::Whole(Some(body.into())));
        *response.status_mut() = status;
        response.headers_mut().insert("x-amz-request-id", HeaderValue::from_static("4C4F41444D4F4445"));
        Self(Box::new(response))
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self::new(status, Bytes::new())
    }

    pub(super) fn xml(body: String) -> Self {
        Self::new(StatusCode::OK, body).header(header::CONTENT_TYPE, "application/xml")
    }

    pub(super) fn json(value: &serde_json::Value) -> Self {
        Self::new(StatusCode::OK, value.to_string()).header(header::CONTENT_TYPE, "application/json")
    }

    /// An object's bytes.
    pub(super) fn zeros(mut self, count: u64) -> Self {
        *self.0.body_mut() = Content::Zeros(count);
        self
    }

    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = format!("{XML}<Error><Code>{code}</Code><Message>");
        push_escaped(&mut body, message);
        body.push_str("</Message><RequestId>4C4F41444D4F4445</RequestId></Error>");
        Self::new(status, body).header(header::CONTENT_TYPE, "application/xml")
    }

    pub(super) fn slow_down() -> Self {
        Self::error(503, "SlowDown", "Please reduce your request rate.")
    }

    /// A value that no header can hold is left out.
    pub(super) fn header(mut self, name: impl Into<Name>, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(name.into().0, value);
        }
        self
    }

    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// For HEAD: nothing but the headers.
    pub(super) fn without_body(mut self) -> Self {
        if !self.0.headers().contains_key(header::CONTENT_LENGTH) {
            self.0.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        *self.0.body_mut() = Content::Whole(None);
        self
    }

    pub(super) fn into_response(self) -> Response<Content> {
        *self.0
    }
}

/// A header's name.
pub(super) struct Name(HeaderName);

impl From<HeaderName> for Name {
    fn from(name: HeaderName) -> Self {
        Self(name)
    }
}

impl From<&'static str> for Name {
    fn from(name: &'static str) -> Self {
        Self(HeaderName::from_static(name))
    }
}
