//! Lists, plans, copies and verifies FLEX Historical data between two S3 buckets, by server-side copy.
//!
//! A [`Copier`] joins two [`Bucket`]s. [`Copier::plan`] compares their listings, [`Copier::copy`] copies what the
//! destination lacks and proves each copy as strongly as the objects allow, and [`Copier::verify`] proves a selection
//! from the listings alone. Each is a stream of typed items; nothing is printed and nothing is held in memory but a
//! window of the listings.
//!
//! The engine does its own retries, so the S3 clients must make one attempt a request: make them with [`client_config`].

mod bucket;
mod checksum;
mod clean;
mod copier;
mod engine;
mod event;
mod failure;
mod governor;
mod layout;
mod list;
mod listing;
mod object;
mod parts;
mod plan;
mod requests;
mod run;
mod settings;
mod stop;
mod verify;
mod whole;

pub use bucket::{Bucket, client_config};
pub use clean::{Cleaner, UnfinishedUpload};
pub use copier::{Copier, Place, ResolveError};
pub use event::{
    CopyEvent, CopyReason, Count, DayCounts, Notice, ObjectEnd, ObjectFailure, OpenUpload, Outcome, Proof, Summary,
};
pub use failure::{FailureKind, Operation, RequestFailure};
pub use list::{FolderStream, ListEntry};
pub use object::{ETag, ListedObject, Storage};
pub use plan::{Action, Method, PlanItem, PlanStream};
pub use requests::RenewableCredentials;
pub use run::CopyRun;
pub use settings::{
    CopySettings, CopySettingsBuilder, DEFAULT_ATTEMPTS, DEFAULT_MAX_IN_FLIGHT, DEFAULT_OUTAGE_LIMIT, Encryption,
    MAX_IN_FLIGHT_LIMIT, NameFilter, ProofWanted, SettingsError,
};
pub use stop::StopReason;
pub use verify::{Verdict, VerifyEvent, VerifyRun, VerifySummary};
