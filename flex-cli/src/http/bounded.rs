//! What an answer must be before the SDK looks at it. It reads answers into memory as a whole, all but the contents of
//! objects: one that never ends would fill the machine. And it takes XML that breaks off for XML that ends there: half a
//! listing would pass for a whole one, and what it lacks for absent.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use thiserror::Error;

/// A page of a listing has at most 1,000 keys of 1,024 bytes, percent-encoded 3 MB, and as much again of other fields.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;
/// Room for the declaration and the root element's name, which is far less.
const START: usize = 1024;

#[derive(Debug, Error, PartialEq, Eq)]
enum Unfit {
    #[error("the answer is longer than {} MiB, which no answer of the service is", LARGEST_ANSWER >> 20)]
    TooLong,
    #[error("the answer breaks off: its XML has no end")]
    BreaksOff,
    #[error("the answer declares a document type, which no answer of the service does: something else answered")]
    Doctype,
}

/// The connector, with answers that end.
pub(super) fn connector(inner: SharedHttpConnector) -> SharedHttpConnector {
    SharedHttpConnector::new(Bounded(inner))
}

#[derive(Debug)]
struct Bounded(SharedHttpConnector);

impl HttpConnector for Bounded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Contents are streamed. The SDK names the operation in the query.
        let content = request.uri().contains("x-id=GetObject&") || request.uri().ends_with("x-id=GetObject");
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await?;
            // An error in the place of a content is read as a whole.
            if content && answer.status().is_success() {
                return Ok(answer);
            }
            let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
            *answer.body_mut() = match whole(body).await {
                Ok(bytes) => SdkBody::from(bytes),
                // The status says much even then, so that the answer stays one.
                Err(error) => SdkBody::from_body_1_x(Unread(Some(error))),
            };
            Ok(answer)
        })
    }
}

type BodyError = Box<dyn std::error::Error + Send + Sync>;

async fn whole(mut body: SdkBody) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.len() + all.len() + data.len() > LARGEST_ANSWER {
            return Err(Unfit::TooLong.into());
        }
        // Most answers come in one piece, which needs no copy.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    let bytes = if all.is_empty() { first } else { all.freeze() };
    check(&bytes)?;
    Ok(bytes)
}

/// Whether a document is whole, judged by its root element. What is not XML is not judged.
fn check(bytes: &[u8]) -> Result<(), Unfit> {
    // S3 sends white space ahead while a copy is under way.
    let bytes = bytes.trim_ascii();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(START)]);
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = match rest {
            rest if rest.starts_with("<?") => "?>",
            rest if rest.starts_with("<!--") => "-->",
            rest if rest.starts_with("<!") => return Err(Unfit::Doctype),
            rest if rest.starts_with('<') => break,
            _ => return Ok(()),
        };
        rest = rest.split_once(end).ok_or(Unfit::BreaksOff)?.1.trim_start();
    }
    let end = |c: char| c.is_ascii_whitespace() || c == '>' || c == '/';
    let root = rest[1..].split(end).next().unwrap_or_default();
    let closed = bytes.strip_suffix(b">").and_then(|tail| tail.trim_ascii_end().strip_suffix(root.as_bytes()));
    // An element without content may be its own end, if it is the only one.
    let alone = bytes.ends_with(b"/>") && rest.matches('<').count() == 1 && bytes.len() <= START;
    if closed.is_some_and(|tail| tail.ends_with(b"</")) || alone { Ok(()) } else { Err(Unfit::BreaksOff) }
}

/// The body of an answer that could not be read, or is none of the service's.
struct Unread(Option<BodyError>);

impl Body for Unread {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A body that comes in pieces.
    struct Pieces(VecDeque<Bytes>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            Poll::Ready(self.0.pop_front().map(Frame::data).map(Ok))
        }
    }

    async fn read(pieces: impl IntoIterator<Item = Bytes>) -> Result<Bytes, String> {
        let body = SdkBody::from_body_1_x(Pieces(pieces.into_iter().collect()));
        whole(body).await.map_err(|error| error.to_string())
    }

    #[test]
    fn a_document_that_breaks_off_is_no_document() {
        let check = |text: &str| check(text.as_bytes());
        let declared = "<?xml version=\"1.0\"?>\n<!-- a --><Result xmlns=\"x\"><Key>k</Key></Result>\n";
        assert_eq!(check(declared), Ok(()));
        for end in 40..declared.len() - 2 {
            assert_eq!(check(&declared[..end]), Err(Unfit::BreaksOff), "{}", &declared[..end]);
        }
        let long = format!("  \n<R>{}</R >", "<a>".repeat(10_000));
        assert_eq!(check(&long), Ok(()));
        assert_eq!(check(&long[..long.len() - 5]), Err(Unfit::BreaksOff));
        for whole in ["<R/>", "<R a=\"b\" />", "\u{feff}<R></R>", "", " ", "{\"a\": 1}", "text"] {
            assert_eq!(check(whole), Ok(()), "{whole}");
        }
        for half in ["<", "<R", "<R>", "<R><a/>", "<R></a>", "<R></AR>", "<?xml"] {
            assert_eq!(check(half), Err(Unfit::BreaksOff), "{half}");
        }
        assert_eq!(check("<!DOCTYPE html><html></html>"), Err(Unfit::Doctype));
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_put_together_up_to_the_limit() {
        let text = b"<Result><Key>k</Key></Result>\n";
        let bytes = |piece: &[u8]| Bytes::copy_from_slice(piece);
        assert_eq!(read(text.chunks(1).map(bytes)).await.as_deref(), Ok(&text[..]));
        assert_eq!(read([bytes(b""), bytes(text), bytes(b"")]).await.as_deref(), Ok(&text[..]));
        assert_eq!(read([]).await.as_deref(), Ok(&b""[..]));
        assert_eq!(read(text[..20].chunks(1).map(bytes)).await, Err(Unfit::BreaksOff.to_string()));
        let piece = Bytes::from(vec![b'x'; LARGEST_ANSWER / 2]);
        let two = [piece.clone(), piece.clone()];
        assert_eq!(read(two.clone()).await.map(|whole| whole.len()), Ok(LARGEST_ANSWER));
        let more = two.into_iter().chain([bytes(b"x")]);
        assert_eq!(read(more).await, Err(Unfit::TooLong.to_string()));
    }
}
