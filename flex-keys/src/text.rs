//! Full-width characters, as a Japanese keyboard enters them, read as the ASCII ones they stand for.

use std::ops::Range;

/// One character, or the ASCII character that it is the full-width form of.
pub(crate) fn narrow(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// For comparing folder names: width and case do not count.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    let fold = |s: &str| -> String { s.chars().map(narrow).flat_map(char::to_lowercase).collect() };
    fold(a) == fold(b)
}

/// A text in ASCII width that remembers where each byte stood in the original.
pub(crate) struct Narrowed<'a> {
    original: &'a str,
    text: String,
}

impl<'a> Narrowed<'a> {
    pub(crate) fn new(original: &'a str) -> Self {
        Narrowed { original, text: original.chars().map(narrow).collect() }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The place in the original that a place in `text()` came from.
    pub(crate) fn place(&self, at: &Range<usize>) -> Range<usize> {
        self.original_offset(at.start)..self.original_offset(at.end)
    }

    /// The original from a place in `text()` on.
    pub(crate) fn original_from(&self, offset: usize) -> &'a str {
        &self.original[self.original_offset(offset)..]
    }

    fn original_offset(&self, offset: usize) -> usize {
        // One character here is one character there, so counting characters is enough.
        let chars = self.text.char_indices().take_while(|(at, _)| *at < offset).count();
        self.original.char_indices().nth(chars).map_or(self.original.len(), |(at, _)| at)
    }
}

/// `text` for a message: quoted, control characters escaped, cut when it is long.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("\"{}…\"", text[..cut].escape_debug()),
        None => format!("\"{}\"", text.escape_debug()),
    }
}

/// `text` for a message, without quotation marks: a folder's name may hold control characters.
pub(crate) fn visible(text: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    text.chars().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_width_becomes_ascii_and_places_lead_back() {
        let narrowed = Narrowed::new("２０２１/０５あx");
        assert_eq!(narrowed.text(), "2021/05あx");
        assert_eq!(narrowed.place(&(5..7)), 13..19);
        assert_eq!(narrowed.place(&(11..11)), 23..23, "the end stays the end");
        assert_eq!(narrowed.original_from(10), "x");
    }

    #[test]
    fn names_are_the_same_in_any_case_and_width() {
        assert!(same_name("Version　１７.4", "version 17.4"));
        assert!(!same_name("version 17.4", "version 17.40"));
    }

    #[test]
    fn a_quoted_text_has_no_control_characters_and_an_end() {
        assert_eq!(quoted("a\u{1b}[31m"), "\"a\\u{1b}[31m\"");
        assert!(quoted(&"あ".repeat(5000)).chars().count() < 100);
    }
}
