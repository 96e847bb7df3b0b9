//! Lists, plans, copies and verifies FLEX Historical data between two S3 buckets, by server-side copy.
//!
//! A [`Copier`] joins two [`Bucket`]s. [`Copier::plan`] compares their listings, [`Copier::copy`] copies what the
//! destination lacks and proves each copy as strongly as the objects allow ([`Proof`]), and [`Copier::verify`] proves a
//! selection from the listings alone. Each is a stream of typed items; nothing is printed, and nothing is held in memory
//! but a window of the listings. [`Copier::verify_deep`] reads the copies themselves, as their owner ([`deep`]), and
//! [`Cleaner`] finds and ends unfinished uploads, as the bucket's owner.
//!
//! ```no_run
//! use aws_sdk_s3::config::IdentityCache;
//! use flex_copy::{Bucket, Copier, CopyEvent, CopySettings, Outcome, client_config};
//! use flex_keys::{Selection, SelectionContext, TradingCalendar};
//! use futures::StreamExt;
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example(role: aws_types::SdkConfig, today: chrono::NaiveDate) -> Result<(), Box<dyn std::error::Error>> {
//! // `role`: a configuration whose credentials are the copy role's; flex-creds provides them, and is their cache.
//! let config = client_config(&role).identity_cache(IdentityCache::no_cache()).build();
//! let s3 = aws_sdk_s3::Client::from_conf(config);
//! let source = Bucket::new(s3.clone(), "dataservice-flex-bucket").expected_owner("461810399597");
//! let destination = Bucket::new(s3, "my-bucket").expected_owner("123456789012");
//! let copier = Copier::new(source, destination, CopySettings::default());
//!
//! let calendar = TradingCalendar::tse();
//! let context = SelectionContext { today, calendar: &calendar, source_bucket: "dataservice-flex-bucket" };
//! let selection = copier.resolve(Selection::parse(&["2021/05"], &context)?).await?;
//! let mut run = copier.copy(&selection, CancellationToken::new());
//! while let Some(event) = run.next().await {
//!     match event {
//!         CopyEvent::Object(end) if matches!(end.outcome, Outcome::Failed(_)) => println!("failed: {}", end.key),
//!         CopyEvent::Summary(summary) => println!("{} objects copied", summary.copied_total().objects),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is sent
//! One CopyObject for an object up to 5 GiB; UploadPartCopy above that, and for a multipart source whose ETag only its own
//! part layout can reproduce. Every copy is pinned to the listed ETag (`x-amz-copy-source-if-match`) and carries
//! `bucket-owner-full-control`, which the vendor's bucket policy demands. Nothing is deleted at the
//! destination, and nothing read but by [`Copier::verify_deep`].
//!
//! # Failures
//! The engine does its own retries, so the S3 clients must make one attempt a request: make them with [`client_config`].
//! Throttling is waited out and paced; an outage is waited out up to [`DEFAULT_OUTAGE_LIMIT`]; an expired token is renewed
//! through [`RenewableCredentials`] and the object tried again. A refused copy is understood by one HEAD of the source: what
//! cannot be read is [`Outcome::NotEntitled`], anything else is the destination's refusal and ends the run
//! ([`StopReason`]).

mod bound;
mod bucket;
mod checksum;
mod clean;
mod copier;
pub mod deep;
mod direct;
mod engine;
mod event;
mod failure;
mod governor;
mod join;
pub mod journal;
mod layout;
mod list;
mod listing;
pub mod manifest;
mod object;
mod open_uploads;
mod parts;
mod plan;
mod requests;
mod resume;
mod run;
mod sample;
mod settings;
mod signed;
mod stop;
mod telling;
mod upload;
mod verify;
mod whole;

pub use bound::{BoundBy, LowerBound, Work};
pub use bucket::{Bucket, client_config};
pub use checksum::Checksum;
pub use clean::{Cleaner, UnfinishedUpload};
pub use copier::{Copier, Place, ResolveError};
pub use event::{
    CopyEvent, CopyReason, Count, DayCounts, Notice, ObjectEnd, ObjectFailure, OpenUpload, Outcome, Proof, Summary,
};
pub use failure::{FailureKind, Operation, RequestFailure};
pub use journal::{Journal, JournalFile, JournalStore};
pub use layout::PartSizes;
pub use list::{FolderStream, ListEntry};
pub use object::{ETag, ListedObject, Storage};
pub use plan::{Action, Method, PlanItem, PlanStream};
pub use requests::RenewableCredentials;
pub use run::CopyRun;
pub use sample::{LayoutSample, Layouts};
pub use settings::{
    CopySettings, CopySettingsBuilder, DEFAULT_ANSWER_LIMIT, DEFAULT_ATTEMPTS, DEFAULT_LISTING_AHEAD,
    DEFAULT_MAX_IN_FLIGHT, DEFAULT_OUTAGE_LIMIT, Encryption, MAX_IN_FLIGHT_LIMIT, NameFilter, OnChange, ProofWanted,
    SettingsError,
};
pub use stop::StopReason;
pub use verify::{Verdict, VerifyEvent, VerifyRun, VerifySummary};
