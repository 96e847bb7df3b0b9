//! The body of a listing's page: never a panic, never a page where it ends early, errors that a person can read, and keys as they
//! were written, whatever they hold.
//!
//! flex-copy keeps its reader to itself, so that it is included here as source.
#![no_main]
#![allow(dead_code, unreachable_pub, reason = "the module serves the library")]

use flex_fuzz::{Dice, check_message, long_bytes};
use libfuzzer_sys::fuzz_target;
use quick_xml::escape::escape;

#[path = "."]
mod listing {
    #[path = "../../../flex-copy/src/listing/answer.rs"]
    mod answer;

    /// The keys and sizes of a page, and where the next begins.
    pub type Page = (Vec<(Option<String>, Option<i64>)>, Option<String>);

    pub fn read(body: &[u8]) -> Result<Page, String> {
        let page = answer::read(body).map_err(|fault| fault.to_string())?;
        let objects = page.contents().iter().map(|o| (o.key().map(str::to_owned), o.size())).collect();
        Ok((objects, page.next_continuation_token().map(str::to_owned)))
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let inside = [b"<ListBucketResult>", bytes, b"</ListBucketResult>"].concat();
    check(&inside);
    check(&[b"<ListBucketResult><Contents>", bytes, b"</Contents></ListBucketResult>"].concat());
    if let Some(long) = long_bytes(bytes, b"") {
        check(&long);
    }
    made(&mut Dice::new(bytes));
});

fn check(body: &[u8]) {
    match listing::read(body) {
        Ok(page) => assert_eq!(listing::read(body).as_ref(), Ok(&page)),
        Err(message) => check_message(&message, body.len()),
    }
}

fn made(dice: &mut Dice) {
    let mut body = String::from("<?xml version=\"1.0\"?><ListBucketResult>");
    let mut objects = Vec::new();
    while !dice.is_empty() {
        // Not what XML cannot hold, or changes: S3 encodes such keys.
        let key: String =
            dice.text().chars().filter(|c| !c.is_control() && *c != '\u{2028}' && *c != '\u{85}').collect();
        let size = dice.byte();
        body += &format!("<Contents><Key>{}</Key><Size>{size}</Size></Contents>", escape(key.as_str()));
        objects.push((Some(key), Some(i64::from(size))));
    }
    let token = objects.first().and_then(|(key, _)| key.clone());
    if let Some(token) = &token {
        body += &format!("<NextContinuationToken>{}</NextContinuationToken>", escape(token.as_str()));
    }
    body += "</ListBucketResult>";
    assert_eq!(listing::read(body.as_bytes()), Ok((objects, token)), "{body}");
    let end = dice_end(&body);
    assert!(listing::read(&body.as_bytes()[..end]).is_err(), "a page that ends early: {}", &body[..end]);
}

/// Somewhere before the end, on a character.
fn dice_end(body: &str) -> usize {
    let end = body.len() * 2 / 3;
    (0..=end).rev().find(|end| body.is_char_boundary(*end)).unwrap_or(0)
}
