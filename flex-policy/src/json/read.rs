use std::ops::Range;

use super::{Edit, InvalidJson, JsonMistake, Member, Node, Value};

/// Far more than the grammar of policies needs.
const DEPTH: usize = 48;

/// A text that was read, perhaps past mistakes whose mend is certain.
pub(crate) struct Read {
    pub(crate) root: Node,
    /// In the order of the text, each with what mends it. None: the text is JSON.
    pub(crate) slips: Vec<(InvalidJson, Vec<Edit>)>,
}

/// Reads a text. Mistakes of which everybody sees what was meant are passed over and told; at others reading ends.
pub(crate) fn read(text: &str) -> Result<Read, InvalidJson> {
    let mut reader = Reader { text, at: 0, slips: Vec::new() };
    match reader.document() {
        Ok(root) => {
            let mut slips = reader.slips;
            slips.sort_by_key(|slip| slip.at);
            let slips = slips.into_iter().map(|slip| (place(text, slip.at, slip.mistake), slip.mend)).collect();
            Ok(Read { root, slips })
        }
        Err(fault) => {
            // What comes first is what the reader of a message should look at first.
            let first = reader.slips.into_iter().map(|slip| (slip.at, slip.mistake)).chain([(fault.at, fault.mistake)]);
            let (at, mistake) = first.min_by_key(|(at, _)| *at).unwrap_or((0, JsonMistake::Empty));
            Err(place(text, at, mistake))
        }
    }
}

fn place(text: &str, at: usize, mistake: JsonMistake) -> InvalidJson {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    InvalidJson { line: line_of(text, at), column: before[line_start..].chars().count() + 1, mistake }
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

struct Slip {
    at: usize,
    mistake: JsonMistake,
    mend: Vec<Edit>,
}

struct Fault {
    at: usize,
    mistake: JsonMistake,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    slips: Vec<Slip>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn fail<T>(&self, mistake: JsonMistake) -> Result<T, Fault> {
        Err(Fault { at: self.at, mistake })
    }

    fn slip(&mut self, at: Range<usize>, mistake: JsonMistake, with: &str) {
        self.slips.push(Slip { at: at.start, mistake, mend: vec![Edit { at, with: with.to_owned() }] });
    }

    fn document(&mut self) -> Result<Node, Fault> {
        if self.peek() == Some('\u{feff}') {
            self.at += 3;
            self.slip(0..3, JsonMistake::ByteOrderMark, "");
        }
        self.space()?;
        if self.peek().is_none() {
            return self.fail(JsonMistake::Empty);
        }
        let root = self.value(0)?;
        self.space()?;
        match self.peek() {
            None => Ok(root),
            Some(_) => self.fail(JsonMistake::TextAfterEnd),
        }
    }

    /// Skips what stands between values.
    fn space(&mut self) -> Result<(), Fault> {
        while let Some(c) = self.peek() {
            let start = self.at;
            match c {
                ' ' | '\t' | '\n' | '\r' => self.at += 1,
                '\u{a0}' | '\u{3000}' | '\u{200b}' | '\u{feff}' | '\u{2000}'..='\u{200a}' => {
                    self.at += c.len_utf8();
                    self.slip(start..self.at, JsonMistake::OddSpace(c), " ");
                }
                '/' if self.text[start..].starts_with("//") => {
                    self.at = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
                    self.slip(start..self.at, JsonMistake::Comment, "");
                }
                '/' if self.text[start..].starts_with("/*") => {
                    let Some(length) = self.text[start..].find("*/") else { return self.unclosed('/', start) };
                    self.at = start + length + 2;
                    self.slip(start..self.at, JsonMistake::Comment, "");
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn unclosed<T>(&self, opened: char, at: usize) -> Result<T, Fault> {
        let mistake = JsonMistake::Unclosed { opened, line: line_of(self.text, at) };
        Err(Fault { at: self.text.len(), mistake })
    }

    fn value(&mut self, depth: usize) -> Result<Node, Fault> {
        if depth > DEPTH {
            return self.fail(JsonMistake::TooDeep);
        }
        let start = self.at;
        let value = match self.sign() {
            Some('{') => self.object(depth)?,
            Some('[') => self.array(depth)?,
            Some(c) if is_quote(c) => Value::String(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some(_) if self.word("true") => Value::Bool(true),
            Some(_) if self.word("false") => Value::Bool(false),
            Some(_) if self.word("null") => Value::Null,
            Some(found) => return self.fail(JsonMistake::Unexpected { found, expected: "a value" }),
            None => return self.fail(JsonMistake::Empty),
        };
        Ok(Node { span: start..self.at, value })
    }

    fn word(&mut self, word: &str) -> bool {
        let there = self.text[self.at..].starts_with(word)
            && !self.text[self.at + word.len()..].starts_with(|c: char| c.is_alphanumeric());
        if there {
            self.at += word.len();
        }
        there
    }

    /// The next character as JSON means it: full-width brackets, colons and commas count as the narrow ones.
    fn sign(&self) -> Option<char> {
        self.peek().map(|c| narrow(c).unwrap_or(c))
    }

    /// Takes the sign that [`Self::sign`] saw.
    fn take_sign(&mut self) {
        let Some(found) = self.peek() else { return };
        let at = self.at..self.at + found.len_utf8();
        self.at = at.end;
        if let Some(wanted) = narrow(found) {
            self.slip(at, JsonMistake::WideSign { found, wanted }, wanted.encode_utf8(&mut [0; 4]));
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Fault> {
        let opened = self.at;
        self.take_sign();
        let mut items = Vec::new();
        while self.another(']', '[', opened, !items.is_empty())? {
            items.push(self.value(depth + 1)?);
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        let opened = self.at;
        self.take_sign();
        let mut members = Vec::new();
        while self.another('}', '{', opened, !members.is_empty())? {
            let key_start = self.at;
            match self.peek() {
                Some(c) if is_quote(c) => {}
                Some(found) => return self.fail(JsonMistake::Unexpected { found, expected: "a name in \"" }),
                None => return self.unclosed('{', opened),
            }
            let key = self.string()?;
            let key_span = key_start..self.at;
            self.space()?;
            match self.sign() {
                Some(':') => self.take_sign(),
                Some(found) => return self.fail(JsonMistake::Unexpected { found, expected: "a colon after the name" }),
                None => return self.unclosed('{', opened),
            }
            self.space()?;
            if self.peek().is_none() {
                return self.unclosed('{', opened);
            }
            members.push(Member { key, key_span, value: self.value(depth + 1)? });
        }
        Ok(Value::Object(members))
    }

    /// Goes to the next element of a list or object, or past its closing bracket.
    fn another(&mut self, close: char, open: char, opened: usize, after_one: bool) -> Result<bool, Fault> {
        let end_of_last = self.at;
        self.space()?;
        let mut commas: Vec<usize> = Vec::new();
        while self.sign() == Some(',') {
            commas.push(self.at);
            self.take_sign();
            self.space()?;
        }
        let next = self.sign();
        let comma = |reader: &mut Self, at: usize, mistake| {
            let sign = reader.text[at..].chars().next().map_or(1, char::len_utf8);
            // A wide comma that goes away needs no narrow one first.
            reader.slips.retain(|slip| slip.at != at);
            reader.slip(at..at + sign, mistake, "");
        };
        for at in commas.iter().skip(usize::from(after_one)) {
            comma(self, *at, JsonMistake::DoubleComma);
        }
        match next {
            None => return self.unclosed(open, opened),
            Some(c) if c == close => {
                if let Some(at) = commas.first().filter(|_| after_one) {
                    comma(self, *at, JsonMistake::TrailingComma);
                }
                self.take_sign();
                return Ok(false);
            }
            Some(c) if after_one && commas.is_empty() => {
                if !(is_quote(c) || matches!(c, '{' | '[')) {
                    let expected = if close == ']' { "a comma or ]" } else { "a comma or }" };
                    return self.fail(JsonMistake::Unexpected { found: c, expected });
                }
                let mend = vec![Edit { at: end_of_last..end_of_last, with: ",".to_owned() }];
                self.slips.push(Slip { at: self.at, mistake: JsonMistake::MissingComma, mend });
            }
            Some(_) => {}
        }
        Ok(true)
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(rest.len());
        // serde_json knows the grammar of numbers.
        match serde_json::from_str::<serde_json::Number>(&rest[..length]) {
            Ok(_) => self.at += length,
            Err(_) => return self.fail(JsonMistake::Number),
        }
        Ok(Value::Number)
    }

    fn string(&mut self) -> Result<String, Fault> {
        let opened = self.at;
        let Some(quote) = self.peek() else { return self.unclosed('"', opened) };
        self.at += quote.len_utf8();
        let inner = self.at;
        let mut text = String::new();
        loop {
            let start = self.at;
            let Some(c) = self.peek() else { return self.unclosed('"', opened) };
            self.at += c.len_utf8();
            match c {
                '"' if quote == '\'' => return Err(Fault { at: opened, mistake: JsonMistake::SingleQuote }),
                _ if closes(quote, c) => {
                    if quote != '"' || c != '"' {
                        self.mend_quotes(opened..inner, start..self.at, quote, c);
                    }
                    return Ok(text);
                }
                '\\' => text.push(self.escape(start)?),
                c if c < ' ' => return Err(Fault { at: start, mistake: JsonMistake::ControlCharacter }),
                c => text.push(c),
            }
        }
    }

    fn mend_quotes(&mut self, open: Range<usize>, close: Range<usize>, opening: char, closing: char) {
        let (at, mistake) = match (opening, closing) {
            ('\'', _) => (open.start, JsonMistake::SingleQuote),
            ('"', closing) => (close.start, JsonMistake::SmartQuote(closing)),
            (opening, _) => (open.start, JsonMistake::SmartQuote(opening)),
        };
        let mend = [open, close].map(|at| Edit { at, with: "\"".to_owned() });
        self.slips.push(Slip { at, mistake, mend: mend.to_vec() });
    }

    fn escape(&mut self, start: usize) -> Result<char, Fault> {
        let fault = Fault { at: start, mistake: JsonMistake::Escape };
        let Some(c) = self.peek() else { return Err(fault) };
        self.at += c.len_utf8();
        let simple = match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let Some(first) = self.hex() else { return Err(fault) };
                let code = match first {
                    0xd800..=0xdbff => {
                        let pair = self.text[self.at..].starts_with("\\u").then(|| {
                            self.at += 2;
                            self.hex().filter(|second| (0xdc00..=0xdfff).contains(second))
                        });
                        let Some(second) = pair.flatten() else { return Err(fault) };
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    code => code,
                };
                char::from_u32(code).ok_or(fault)?
            }
            _ => return Err(fault),
        };
        Ok(simple)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

fn is_quote(c: char) -> bool {
    c == '"' || c == '\'' || is_smart(c)
}

fn is_smart(c: char) -> bool {
    matches!(c, '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ff02}')
}

/// Typographic marks may close with any of their kind or a straight one, and now and then they close a straight one:
/// then only where the string could not go on, which is not tried here.
fn closes(opening: char, c: char) -> bool {
    match opening {
        '"' => c == '"',
        '\'' => c == '\'',
        _ => c == '"' || is_smart(c),
    }
}

fn narrow(c: char) -> Option<char> {
    Some(match c {
        '：' => ':',
        '，' | '、' => ',',
        '｛' => '{',
        '｝' => '}',
        '［' => '[',
        '］' => ']',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::apply;
    use super::*;
    use proptest::prelude::*;

    fn codes(text: &str) -> Vec<String> {
        let told = |e: &InvalidJson| format!("{}:{} {}", e.line(), e.column(), e.mistake().code());
        match read(text) {
            Ok(read) => read.slips.iter().map(|(e, _)| told(e)).collect(),
            Err(fault) => vec![format!("! {}", told(&fault))],
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, want) in [
            ("{\"a\": [1, 2,]}", vec!["1:12 trailing-comma"]),
            ("{\"a\": 1,\n}", vec!["1:8 trailing-comma"]),
            ("{\"a\": 1\n \"b\": 2}", vec!["2:2 missing-comma"]),
            ("[{} {}]", vec!["1:5 missing-comma"]),
            ("[1,,2]", vec!["1:4 double-comma"]),
            ("[,1]", vec!["1:2 double-comma"]),
            ("{“a”: \"é\", 'b': 1}", vec!["1:2 smart-quote", "1:12 single-quote"]),
            ("{\"a\"：1，\"b\":2｝", vec!["1:5 wide-sign", "1:7 wide-sign", "1:13 wide-sign"]),
            ("[1，]", vec!["1:3 trailing-comma"]),
            ("\u{feff}{\u{3000}}", vec!["1:1 byte-order-mark", "1:3 odd-space"]),
            ("{} // why", vec!["1:4 comment"]),
            ("/* why */ {}", vec!["1:1 comment"]),
            ("{\"a\": [1}", vec!["! 1:9 unexpected"]),
            ("{\n\"a\": [1", vec!["! 2:8 unclosed"]),
            ("{\"a\"", vec!["! 1:5 unclosed"]),
            ("{\"a\":", vec!["! 1:6 unclosed"]),
            ("{a: 1}", vec!["! 1:2 unexpected"]),
            ("{\"a\" 1}", vec!["! 1:6 unexpected"]),
            ("[\"a\nb\"]", vec!["! 1:4 control-character"]),
            ("[\"\\x\"]", vec!["! 1:3 escape"]),
            ("[\"\\ud800\"]", vec!["! 1:3 escape"]),
            ("[01]", vec!["! 1:2 number"]),
            ("[True]", vec!["! 1:2 unexpected"]),
            ("{} {}", vec!["! 1:4 text-after-end"]),
            ("", vec!["! 1:1 empty"]),
            (" \n", vec!["! 2:1 empty"]),
            // The first mistake is told, though reading went past it.
            ("[1,,\n2", vec!["! 1:4 double-comma"]),
        ] {
            assert_eq!(codes(text), want, "{text}");
        }
        assert_eq!(codes(&"[".repeat(100_000)), ["! 1:50 too-deep"]);
    }

    #[test]
    fn mends_make_json_of_the_same_meaning() {
        for (text, want) in [
            ("{“a”: 'b',\n \"c\"： [1，2,,3,],} // x", "{\"a\": \"b\",\n \"c\": [1,2,3]} "),
            ("{\"a\": 1 \"b\": {} /* x */ \"c\": 2}", "{\"a\": 1, \"b\": {},  \"c\": 2}"),
            ("\u{feff}[\u{3000}]", "[ ]"),
        ] {
            let edits = read(text).expect("mendable").slips.into_iter().flat_map(|(_, mend)| mend).collect();
            let mended = apply(text, edits);
            assert_eq!(mended, want, "{text}");
            serde_json::from_str::<serde_json::Value>(&mended).expect("JSON");
        }
    }

    fn same(node: &Node, value: &serde_json::Value) -> bool {
        match (&node.value, value) {
            (Value::Null, serde_json::Value::Null) => true,
            (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
            (Value::Number, serde_json::Value::Number(_)) => true,
            (Value::String(a), serde_json::Value::String(b)) => a == b,
            (Value::Array(a), serde_json::Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Value::Object(a), serde_json::Value::Object(b)) => {
                a.iter().all(|m| b.get(&m.key).is_some_and(|b| same(&a[..].last_of(&m.key).value, b)))
                    && b.keys().all(|key| a.iter().any(|m| m.key == *key))
            }
            _ => false,
        }
    }

    trait LastOf {
        fn last_of(&self, key: &str) -> &Member;
    }

    impl LastOf for [Member] {
        fn last_of(&self, key: &str) -> &Member {
            self.iter().rfind(|m| m.key == key).expect("a member of that name")
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// serde_json is the other opinion: what it reads we read alike, what it refuses we tell.
        #[test]
        fn agrees_with_serde_json(text in r#"([\[\]{},:"\\ua0d8 1e.+-]|"a"|"b": |true|null|\\n|\\u00e9|“|,\n){0,14}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            match (read(&text), theirs) {
                (Ok(ours), Ok(theirs)) => {
                    prop_assert!(ours.slips.is_empty(), "{text}: {:?}", codes(&text));
                    prop_assert!(same(&ours.root, &theirs), "{}", text);
                }
                (Ok(ours), Err(_)) => {
                    // What we read past must be mended by the edits, and be the same value then.
                    prop_assert!(!ours.slips.is_empty(), "{}", text);
                    let mended = apply(&text, ours.slips.into_iter().flat_map(|(_, mend)| mend).collect());
                    let again = serde_json::from_str::<serde_json::Value>(&mended);
                    prop_assert!(again.is_ok_and(|value| same(&ours.root, &value)), "{text} -> {mended}");
                }
                (Err(_), Err(_)) => {}
                (Err(fault), Ok(_)) => prop_assert!(false, "{text}: {fault}"),
            }
        }
    }
}
