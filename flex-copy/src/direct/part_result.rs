//! Reads the answer to an UploadPartCopy. The SDK reads it twice, for whether it is an error and for what it says, which takes an
//! eighth of the instructions of a copy in parts.

use aws_sdk_s3::types::CopyPartResult;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use quick_xml::{Reader, events::Event};

/// What completes an upload: the part's ETag and checksums. `None` for whatever is not plainly that, which is the SDK's to understand.
pub(super) fn read(answer: &HttpResponse) -> Option<CopyPartResult> {
    let body = answer.body().bytes().filter(|_| answer.status().as_u16() == 200)?;
    let mut reader = Reader::from_reader(body);
    let mut result = CopyPartResult::builder();
    let mut depth = 0;
    let mut text = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Decl(_) if depth == 0 => {}
            Event::Start(start) => {
                depth += 1;
                if depth == 1 && start.name().as_ref() != b"CopyPartResult" {
                    return None;
                }
                text.clear();
            }
            Event::Text(piece) => text.push_str(&piece.decode().ok()?),
            // Around the ETag.
            Event::GeneralRef(entity) if *entity == *b"quot" => text.push('"'),
            Event::End(end) => {
                depth -= 1;
                let said = std::mem::take(&mut text);
                result = match (depth, end.name().as_ref()) {
                    (1, b"ETag") => result.e_tag(said),
                    (1, b"ChecksumCRC64NVME") => result.checksum_crc64_nvme(said),
                    (1, b"ChecksumCRC32") => result.checksum_crc32(said),
                    (1, b"ChecksumCRC32C") => result.checksum_crc32_c(said),
                    (1, b"LastModified") => result,
                    (0, _) => return result.get_e_tag().is_some().then(|| result.build()),
                    _ => return None,
                };
            }
            _ => return None,
        }
    }
}
