//! What an answer must be before the SDK looks at it. It reads answers into memory as a whole, all but the contents of
//! objects: one that never ends would fill the machine. And it takes XML that breaks off for XML that ends there: half a
//! listing would pass for a whole one, and what it lacks for absent.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;

/// A page of a listing has at most 1,000 keys of 1,024 bytes, percent-encoded 3 MB, and as much again of other fields.
const LARGEST_ANSWER: u64 = 8 * 1024 * 1024;

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
            let answer = answer.await?;
            // An error in the place of a content is read as a whole.
            if content && answer.status().is_success() {
                return Ok(answer);
            }
            Ok(answer.map(|body| SdkBody::from_body_1_x(Limited { body, left: LARGEST_ANSWER, xml: Xml::default() })))
        })
    }
}

struct Limited {
    body: SdkBody,
    left: u64,
    xml: Xml,
}

/// The two ends of a document.
#[derive(Default)]
struct Xml {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Xml {
    /// Room for the declaration and the root element's name, which is far less.
    const HEAD: usize = 1024;
    const TAIL: usize = 256;

    fn take(&mut self, mut data: &[u8]) {
        // S3 sends white space ahead while a copy is under way.
        if self.head.is_empty() {
            data = data.trim_ascii_start();
        }
        let room = Self::HEAD - self.head.len();
        self.head.extend(&data[..data.len().min(room)]);
        let data = data.trim_ascii_end();
        if !data.is_empty() {
            self.tail.extend(&data[data.len().saturating_sub(Self::TAIL)..]);
            self.tail.drain(..self.tail.len().saturating_sub(Self::TAIL));
        }
    }

    /// Whether the document is whole, judged by its root element. What is not XML is not judged.
    fn check(&self) -> Result<(), Unfit> {
        let text = String::from_utf8_lossy(&self.head);
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
        let name = |c: char| !(c.is_ascii_whitespace() || c == '>' || c == '/');
        let root: String = rest.chars().skip(1).take_while(|c| name(*c)).collect();
        let tail = String::from_utf8_lossy(&self.tail);
        let closed = tail.strip_suffix('>').and_then(|tail| tail.trim_ascii_end().strip_suffix(root.as_str()));
        // An element without content may be its own end, if it is the only one.
        let alone = tail.ends_with("/>") && rest.matches('<').count() == 1 && text.len() < Self::HEAD;
        if closed.is_some_and(|tail| tail.ends_with("</")) || alone { Ok(()) } else { Err(Unfit::BreaksOff) }
    }
}

impl Body for Limited {
    type Data = bytes::Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            match self.left.checked_sub(data.len() as u64) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(Unfit::TooLong.into()))),
            }
            let data = data.clone();
            self.xml.take(&data);
        }
        if frame.is_none() {
            self.xml.check()?;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        // Whoever believed the inner body would not ask for the end, where the check is.
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::{Unfit, Xml};

    fn check(pieces: &[&str]) -> Result<(), Unfit> {
        let mut xml = Xml::default();
        for piece in pieces {
            xml.take(piece.as_bytes());
        }
        xml.check()
    }

    #[test]
    fn a_document_that_breaks_off_is_no_document() {
        let declared = "<?xml version=\"1.0\"?>\n<!-- a --><Result xmlns=\"x\"><Key>k</Key></Result>\n";
        assert_eq!(check(&[declared]), Ok(()));
        let pieces: Vec<String> = declared.chars().map(String::from).collect();
        assert_eq!(check(&pieces.iter().map(String::as_str).collect::<Vec<_>>()), Ok(()));
        for end in 40..declared.len() - 2 {
            assert_eq!(check(&[&declared[..end]]), Err(Unfit::BreaksOff), "{}", &declared[..end]);
        }
        let long = format!("<R>{}</R >", "<a>".repeat(10_000));
        assert_eq!(check(&["  ", "\n", &long]), Ok(()));
        assert_eq!(check(&[&long[..long.len() - 5]]), Err(Unfit::BreaksOff));
        for whole in ["<R/>", "<R a=\"b\" />", "\u{feff}<R></R>", "", " ", "{\"a\": 1}", "text"] {
            assert_eq!(check(&[whole]), Ok(()), "{whole}");
        }
        for half in ["<", "<R", "<R>", "<R><a/>", "<R></a>", "<R></AR>", "<?xml"] {
            assert_eq!(check(&[half]), Err(Unfit::BreaksOff), "{half}");
        }
        assert_eq!(check(&["<!DOCTYPE html><html></html>"]), Err(Unfit::Doctype));
    }
}
