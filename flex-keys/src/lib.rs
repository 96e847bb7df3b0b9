//! Keys, prefixes, selections and the trading calendar of the *FLEX Historical* service, as types.
//!
//! The vendor's bucket is laid out by date: production data in `YYYY/MM/DD/`, samples under `testdata/`, documents under
//! `ConnectionSpec/`. This crate knows that layout. It does no I/O, has no clock and knows nothing of AWS's SDK: today's
//! date and the results of listings are arguments.
//!
//! A [`Selection`] is what a user asks for, read from any number of arguments: dates, ranges, `last:5`, samples,
//! specifications, the manual's `s3://` URLs. It turns into disjoint [prefixes](Selection::prefixes), in both spellings of
//! each date folder (`2021/05/` and `2021/5/`), and into [key ranges](Selection::key_ranges) to list in parallel. Where a
//! name must be looked up first, the selection says [what to list](Selection::lookups). What cannot be read gives a
//! [`SelectionError`] with the place, what was expected, and an example.
//!
//! An [`ObjectKey`] is a listed key, read as far as it is known; a [`DatePrefix`] is a folder of a year, month or day; a
//! [`SpecVersion`] orders 18.10 after 18.9; the [`TradingCalendar`] has the sessions of the Tokyo Stock Exchange.
//!
//! ```
//! use flex_keys::{ObjectKey, Selection, SelectionContext, TradingCalendar};
//!
//! let calendar = TradingCalendar::tse();
//! let cx = SelectionContext {
//!     today: "2021-06-01".parse()?,
//!     calendar: &calendar,
//!     source_bucket: "dataservice-flex-bucket",
//! };
//! let selection = Selection::parse(&["2021/5", "20210601", "2021-05-24..2021-05-28"], &cx)?;
//! assert_eq!(selection.to_string(), "2021/05/01..2021/06/01 2021/06/01");
//! assert_eq!(selection.prefixes()[..2], ["2021/05/", "2021/06/01/"]);
//! assert_eq!(selection.sessions(&calendar).count(), 19);
//!
//! let key = ObjectKey::parse("2021/5/31/20210531_1_001.pcap.gz");
//! assert!(selection.contains(key.as_str()) && !key.is_unknown());
//!
//! let refused = Selection::parse(&["2021/13"], &cx).unwrap_err();
//! assert_eq!(
//!     refused.to_string(),
//!     "selection \"2021/13\", at \"13\" (character 6): there is no month 13\n\
//!      expected a month from 01 to 12, for example 2021/05",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Stable: the forms that [`Selection::parse`] reads, and what is printed as canonical. Error messages may change; error
//! kinds, and days that are still provisional, may be added or corrected.

mod calendar;
mod dataset;
mod date;
mod days;
mod error;
mod holidays;
mod key;
mod lookup;
mod parse;
mod ranges;
mod selection;
mod spec;
mod text;

// What a user asks for.
pub use error::{SelectionError, SelectionErrorKind};
pub use lookup::{FolderLookup, SpecPrefix};
pub use parse::split_s3_url;
pub use ranges::KeyRange;
pub use selection::{Selection, SelectionContext};

// What the bucket holds.
pub use dataset::Dataset;
pub use date::{DateError, DatePart, DatePrefix, PCAP_START, SERVICE_START};
pub use key::{FileParts, ObjectKey};
pub use spec::{Feed, Language, NotAVersion, SpecKey, SpecVersion, VersionNumber};

// When the exchange was open.
pub use calendar::{DayKind, OverrideError, TradingCalendar};
