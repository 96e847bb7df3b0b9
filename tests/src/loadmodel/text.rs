//! Text that is written so often that `format!` would show.

/// At least so many digits.
pub(super) fn push_number(out: &mut String, number: u64, least: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    let mut rest = number;
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let from = at.min(digits.len() - least.clamp(1, digits.len()));
    push_ascii(out, &digits[from..]);
}

/// 32 hexadecimal digits.
pub(super) fn push_hex(out: &mut String, number: u128) {
    let mut digits = [0; 32];
    for (two, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        two[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        two[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    push_ascii(out, &digits);
}

/// One look at the whole is quicker than a character at a time.
fn push_ascii(out: &mut String, digits: &[u8]) {
    out.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

/// Text inside an element.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
}

/// The texts of all elements of this name, unescaped as far as ETags need it.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let from = rest.find(&open)? + open.len();
        let to = from + rest[from..].find(&close)?;
        let text = &rest[from..to];
        rest = &rest[to..];
        Some(text.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_padded_and_never_cut() {
        for (number, least, want) in
            [(0, 1, "0"), (7, 3, "007"), (12_345, 3, "12345"), (u64::MAX, 1, "18446744073709551615")]
        {
            let mut out = String::new();
            push_number(&mut out, number, least);
            assert_eq!(out, want);
        }
        let mut out = String::new();
        push_hex(&mut out, 0xab);
        assert_eq!(out, format!("{:032x}", 0xab));
    }

    #[test]
    fn elements_are_found_in_order() {
        let xml = "<A><N>1</N><E>&quot;x&quot;</E></A><A><N> 2 </N></A>";
        assert_eq!(elements(xml, "N").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(elements(xml, "E").collect::<Vec<_>>(), ["&quot;x&quot;"]);
    }
}
