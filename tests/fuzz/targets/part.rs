//! The answer to an UploadPartCopy: what flex-copy reads of it is to the letter what the SDK reads, and one that ends early is not
//! read.
//!
//! flex-copy keeps its reader to itself, so that it is included here as source.
#![no_main]
#![allow(unreachable_pub, reason = "the module serves the library")]

use aws_sdk_s3::{
    operation::upload_part_copy::{UploadPartCopy, UploadPartCopyOutput},
    types::CopyPartResult,
};
use aws_smithy_runtime_api::client::{
    orchestrator::HttpResponse,
    runtime_plugin::RuntimePlugin,
    ser_de::{DeserializeResponse, SharedResponseDeserializer},
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use flex_fuzz::{Dice, long_bytes};
use libfuzzer_sys::fuzz_target;

#[path = "."]
mod direct {
    #[path = "../../../flex-copy/src/direct/part_result.rs"]
    mod part_result;

    pub fn read(answer: &super::HttpResponse) -> Option<super::CopyPartResult> {
        part_result::read(answer)
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&[b"<CopyPartResult><ETag>e</ETag>", bytes, b"</CopyPartResult>"].concat());
    check(&[b"<CopyPartResult><ETag>", bytes, b"</ETag></CopyPartResult>"].concat());
    check(&[b"<CopyPartResult><LastModified>", bytes, b"</LastModified><ETag>e</ETag></CopyPartResult>"].concat());
    if let Some(long) = long_bytes(bytes, b"") {
        check(&long);
    }
    made(&mut Dice::new(bytes));
});

fn answer(body: &[u8]) -> HttpResponse {
    HttpResponse::new(200.try_into().expect("a status"), SdkBody::from(body))
}

fn sdk(answer: &HttpResponse) -> Option<CopyPartResult> {
    let operation = UploadPartCopy::new().config().expect("an operation");
    let reader = operation.load::<SharedResponseDeserializer>().expect("its reader");
    let output = reader.deserialize_nonstreaming_with_config(answer, &ConfigBag::base()).ok()?;
    output.downcast::<UploadPartCopyOutput>().expect("its output").copy_part_result
}

fn check(body: &[u8]) {
    let answer = answer(body);
    if let Some(read) = direct::read(&answer) {
        assert_eq!(Some(read), sdk(&answer), "{}", String::from_utf8_lossy(body));
    }
}

/// As S3 writes it.
fn made(dice: &mut Dice<'_>) {
    let mut body =
        String::from(dice.one_of(&["", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<?xml version=\"1.0\"?>"]));
    body += dice.one_of(&["", "\n", " \r\n\t"]);
    body += dice.one_of(&["<CopyPartResult>", "<CopyPartResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"]);
    body += dice.one_of(&["", "<LastModified>2021-05-31T01:02:03.000Z</LastModified>"]);
    let etag = format!("{:x}", dice.number(usize::MAX));
    body += &format!("<ETag>&quot;{etag}&quot;</ETag>");
    body += dice.one_of(&["", "\n", "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>", "<ChecksumSHA1>A</ChecksumSHA1>"]);
    body += "</CopyPartResult>";
    check(body.as_bytes());
    let read = direct::read(&answer(body.as_bytes()));
    let plain = !body.starts_with("<?xml version=\"1.0\"?>") && !body.contains("SHA1");
    let quoted = format!("\"{etag}\"");
    assert_eq!(read.as_ref().and_then(CopyPartResult::e_tag), plain.then_some(quoted.as_str()), "{body}");
    let end = dice.number(body.len());
    assert_eq!(direct::read(&answer(&body.as_bytes()[..end])), None, "cut off at {end}: {body}");
}
