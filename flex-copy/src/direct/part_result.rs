//! Reads the answer to an UploadPartCopy. The SDK reads it twice, for whether it is an error and for what it says, which takes an
//! eighth of the instructions of a copy in parts.

use aws_sdk_s3::types::CopyPartResult;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::{DateTime, date_time::Format};
use quick_xml::{Reader, events::Event};

const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
const ROOTS: [&[u8]; 2] = [b"CopyPartResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"", b"CopyPartResult"];

/// What the SDK would read. `None` for whatever is not written as S3 writes it, which is the SDK's to understand.
pub(super) fn read(answer: &HttpResponse) -> Option<CopyPartResult> {
    let body = answer.body().bytes().filter(|_| answer.status().as_u16() == 200)?;
    let mut reader = Reader::from_reader(body.strip_prefix(DECLARATION).unwrap_or(body));
    let mut result = CopyPartResult::builder();
    let mut depth = 0;
    let mut text = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if depth == 0 && ROOTS.contains(&&*start) => depth = 1,
            Event::Start(start) if depth == 1 && start.attributes_raw().is_empty() => depth = 2,
            Event::Text(piece) if depth == 2 && piece.iter().all(is_plain) => text.push_str(&piece.decode().ok()?),
            Event::Text(piece) if depth < 2 && piece.iter().all(|byte| b" \t\r\n".contains(byte)) => {}
            // Around the ETag.
            Event::GeneralRef(entity) if depth == 2 && *entity == *b"quot" => text.push('"'),
            Event::End(end) if depth == 2 => {
                depth = 1;
                let said = std::mem::take(&mut text);
                result = match end.name().as_ref() {
                    b"ETag" => result.e_tag(said),
                    b"LastModified" => {
                        result.last_modified(DateTime::from_str(&said, Format::DateTimeWithOffset).ok()?)
                    }
                    b"ChecksumCRC64NVME" => result.checksum_crc64_nvme(said),
                    b"ChecksumCRC32" => result.checksum_crc32(said),
                    b"ChecksumCRC32C" => result.checksum_crc32_c(said),
                    _ => return None,
                };
            }
            Event::End(_) => return result.get_e_tag().is_some().then(|| result.build()),
            _ => return None,
        }
    }
}

/// Of an ETag, a date or Base64.
fn is_plain(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"\"-+/=:.".contains(byte)
}
