//! Names made safe for a terminal.

use std::borrow::Cow;

/// The text as it stands, or for a terminal with everything escaped that would move the cursor, hide text or turn its
/// direction. Letters of all languages stay.
pub(crate) fn line(text: &str, for_terminal: bool) -> Cow<'_, str> {
    if !for_terminal || !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .map(|c| if is_unsafe(c) { c.escape_unicode().to_string() } else { c.to_string() })
        .collect::<String>()
        .into()
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            // Zero width, marks and overrides of direction, separators of lines, invisible operators.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn what_moves_or_hides_is_escaped_and_only_for_a_terminal() {
        for (text, want) in [
            ("2021/05/31/a.gz", "2021/05/31/a.gz"),
            ("仕様書 é.pdf", "仕様書 é.pdf"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\tb\nc\rd\u{7f}", "a\\u{9}b\\u{a}c\\u{d}d\\u{7f}"),
            ("x\u{202e}gpj.exe\u{200b}", "x\\u{202e}gpj.exe\\u{200b}"),
            ("\u{9b}31m", "\\u{9b}31m"),
        ] {
            assert_eq!(line(text, true), want);
            assert_eq!(line(text, false), text);
        }
    }
}
