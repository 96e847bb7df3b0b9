//! Manifests: what a run proved, in a file that can be proven against later.
//!
//! A manifest is JSON lines. The first tells the run, then there is one for each object, then one that tells how the run
//! ended, and the last holds the number of objects and the SHA-256 of all bytes before it, so that a file that was cut off
//! or altered is known as such. [`ManifestWriter`] writes it as the run goes, [`ManifestReader`] reads it as a stream,
//! [`ManifestIndex`] holds the newest record of each key in little memory, and [`compare`] compares two of them without
//! any network. [`Copier::verify_recorded`](crate::Copier::verify_recorded) joins one with the listings of today.
//!
//! Nothing in it claims more than was proven: an object whose copy is proven by its size alone stays so
//! ([`ManifestRecord::proof`]), and what was not copied is there as what it is ([`UnprovenRecord`]).
//!
//! Lines are read up to [`MAX_LINE`] bytes. Fields that a reader does not know are ignored; a change that it must not
//! ignore raises [`VERSION`].
//!
//! ```
//! use flex_copy::manifest::{ManifestEntry, ManifestReader};
//!
//! # fn example(file: std::fs::File) -> Result<(), flex_copy::manifest::ManifestError> {
//! for entry in ManifestReader::new(std::io::BufReader::new(file))? {
//!     match entry? {
//!         ManifestEntry::Proven(record) => println!("{} proven by {}", record.key, record.proof),
//!         ManifestEntry::Unproven(record) => println!("{} {}", record.key, record.outcome),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod compact;
mod compare;
mod error;
mod index;
mod judge;
mod reader;
mod record;
#[cfg(test)]
mod tests;
mod wire;
mod writer;

pub use compare::{Difference, compare};
pub use error::{LineFault, ManifestError};
pub use index::{Added, ManifestIndex, Recorded, Records};
pub(crate) use judge::{Joined, Told};
pub use reader::ManifestReader;
pub use record::{ManifestEntry, ManifestHeader, ManifestRecord, RunEnd, UnprovenRecord};
pub use writer::ManifestWriter;

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u32 = 1;
/// The longest line that is read or written: a key of 1,024 bytes and 10,000 parts, each of another size, fit in it.
pub const MAX_LINE: usize = 256 * 1024;
