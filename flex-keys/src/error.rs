use crate::date::DateFault;
use crate::text::{quoted, visible};
use std::fmt;
use std::ops::Range;

/// What kind of mistake a selection holds; a caller may act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SelectionErrorKind {
    /// Nothing was given.
    Empty,
    /// None of the forms of a selection.
    Unrecognised,
    /// A form of a date, but not a date that exists.
    Date,
    /// A day before the service began.
    BeforeService,
    /// Wholly in the future.
    Future,
    /// A range without ends, with too many, or of two kinds of data.
    Range,
    /// A range that ends before it begins.
    Reversed,
    /// The number after `last:`.
    Count,
    /// A file instead of a folder.
    File,
    /// A part of a connection specification's name.
    Specification,
    /// A name that the shell split at its space.
    SplitByShell,
    /// A URL of a bucket that is not the source.
    OtherBucket,
    /// A specification that the source does not hold.
    NotFound,
}

/// Why a selection was not understood: what is wrong, where, what was expected, and an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectionError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    argument: Option<usize>,
    input: String,
    fault: Fault,
}

/// A mistake, with its place in the text that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: SelectionErrorKind,
    pub(crate) at: Range<usize>,
    pub(crate) problem: String,
    pub(crate) expected: String,
    pub(crate) example: String,
    pub(crate) existing: Vec<String>,
}

impl Fault {
    pub(crate) fn new(
        kind: SelectionErrorKind,
        at: Range<usize>,
        problem: impl Into<String>,
        expected: impl Into<String>,
        example: impl Into<String>,
    ) -> Self {
        let (problem, expected, example) = (problem.into(), expected.into(), example.into());
        Fault { kind, at, problem, expected, example, existing: Vec::new() }
    }

    pub(crate) fn date(fault: DateFault, offset: usize) -> Self {
        let at = fault.at.start + offset..fault.at.end + offset;
        Fault::new(SelectionErrorKind::Date, at, fault.problem, fault.part.expected(), fault.part.example())
    }
}

impl SelectionError {
    pub(crate) fn new(argument: Option<usize>, input: &str, fault: Fault) -> Self {
        SelectionError(Box::new(Inner { argument, input: input.to_owned(), fault }))
    }

    /// What kind of mistake it is.
    pub fn kind(&self) -> SelectionErrorKind {
        self.0.fault.kind
    }

    /// The argument as it was given; for [`SelectionErrorKind::NotFound`] its canonical form.
    pub fn input(&self) -> &str {
        &self.0.input
    }

    /// Which of the arguments, counted from 0. None when it was found after reading them.
    pub fn argument(&self) -> Option<usize> {
        self.0.argument
    }

    /// The wrong part of [`input`](Self::input), in bytes. It may be empty, where something is missing.
    pub fn place(&self) -> Range<usize> {
        self.0.fault.at.clone()
    }

    /// What is wrong there.
    pub fn problem(&self) -> &str {
        &self.0.fault.problem
    }

    /// What was expected there.
    pub fn expected(&self) -> &str {
        &self.0.fault.expected
    }

    /// A right form.
    pub fn example(&self) -> &str {
        &self.0.fault.example
    }

    /// For [`SelectionErrorKind::NotFound`]: the names that the source does hold there.
    pub fn existing(&self) -> &[String] {
        &self.0.fault.existing
    }
}

impl fmt::Display for SelectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (input, at) = (self.input(), self.place());
        // The place is given in words: a line of carets would not stand under full-width characters.
        write!(f, "selection {}", quoted(input))?;
        let marked = input.get(at.clone()).unwrap_or_default();
        if !input.is_empty() && marked.len() < input.len() {
            let character = input.get(..at.start).unwrap_or_default().chars().count() + 1;
            if !marked.is_empty() {
                write!(f, ", at {} (character {character})", quoted(marked))?;
            } else if at.start >= input.len() {
                write!(f, ", at its end")?;
            } else {
                write!(f, ", at character {character}")?;
            }
        }
        write!(f, ": {}\nexpected ", visible(self.problem()))?;
        write!(f, "{}, for example {}", visible(self.expected()), visible(self.example()))
    }
}

impl std::error::Error for SelectionError {}
