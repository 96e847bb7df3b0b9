use std::fmt;

/// Where a text is not JSON, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InvalidJson {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) mistake: JsonMistake,
}

impl InvalidJson {
    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column, from 1, in characters.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong.
    pub fn mistake(&self) -> &JsonMistake {
        &self.mistake
    }
}

impl fmt::Display for InvalidJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.mistake)
    }
}

impl std::error::Error for InvalidJson {}

/// What makes a text invalid JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum JsonMistake {
    /// `,` before a closing bracket.
    #[error("a comma after the last element")]
    TrailingComma,
    /// Two values side by side.
    #[error("a comma is missing before this")]
    MissingComma,
    /// `,,`.
    #[error("one comma too many")]
    DoubleComma,
    /// Typographic quotation marks, as word processors put them in.
    #[error("a typographic quotation mark {0} in place of \"")]
    SmartQuote(char),
    /// `'` around a string.
    #[error("a single quotation mark in place of \"")]
    SingleQuote,
    /// A full-width or Japanese sign in place of the ASCII one.
    #[error("a full-width {found} in place of {wanted}")]
    WideSign {
        /// What stands there.
        found: char,
        /// What JSON wants.
        wanted: char,
    },
    /// A space that JSON does not know, for example the ideographic one.
    #[error("a space that is not an ordinary one (U+{:04X})", *.0 as u32)]
    OddSpace(char),
    /// A byte order mark at the beginning.
    #[error("a byte order mark at the beginning")]
    ByteOrderMark,
    /// `//` or `/* */`.
    #[error("a comment, which JSON does not have")]
    Comment,
    /// The text ends too early.
    #[error("the text ends too early: {opened} of line {line} is not closed")]
    Unclosed {
        /// The bracket or quotation mark that is open.
        opened: char,
        /// Its line.
        line: usize,
    },
    /// Nothing there at all.
    #[error("there is nothing")]
    Empty,
    /// Something after the end.
    #[error("there is more text after the end of the JSON value")]
    TextAfterEnd,
    /// A line break or control character within a string.
    #[error("a line break or control character in a string; perhaps its closing quotation mark is missing")]
    ControlCharacter,
    /// `\` and something that JSON does not know.
    #[error("a \\ with something that JSON does not know after it")]
    Escape,
    /// Not a number that JSON knows.
    #[error("a number as JSON does not write it")]
    Number,
    /// Another character than was expected.
    #[error("found {found:?}, expected {expected}")]
    Unexpected {
        /// What stands there.
        found: char,
        /// What could stand there.
        expected: &'static str,
    },
    /// More brackets within brackets than any policy has.
    #[error("nested too deeply")]
    TooDeep,
}

impl JsonMistake {
    /// A word for it that does not change.
    pub fn code(&self) -> &'static str {
        match self {
            JsonMistake::TrailingComma => "trailing-comma",
            JsonMistake::MissingComma => "missing-comma",
            JsonMistake::DoubleComma => "double-comma",
            JsonMistake::SmartQuote(_) => "smart-quote",
            JsonMistake::SingleQuote => "single-quote",
            JsonMistake::WideSign { .. } => "wide-sign",
            JsonMistake::OddSpace(_) => "odd-space",
            JsonMistake::ByteOrderMark => "byte-order-mark",
            JsonMistake::Comment => "comment",
            JsonMistake::Unclosed { .. } => "unclosed",
            JsonMistake::Empty => "empty",
            JsonMistake::TextAfterEnd => "text-after-end",
            JsonMistake::ControlCharacter => "control-character",
            JsonMistake::Escape => "escape",
            JsonMistake::Number => "number",
            JsonMistake::Unexpected { .. } => "unexpected",
            JsonMistake::TooDeep => "too-deep",
        }
    }
}
