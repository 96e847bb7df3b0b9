//! Credentials of the FLEX Historical copy role for any `aws-sdk-*` client.
//!
//! The vendor of FLEX Historical gives each subscriber a role, the *copy role*, that reads the vendor's bucket and writes
//! into the subscriber's. [`CopyRole`] assumes it with the identity that the program has anyway (the *base identity*),
//! keeps the token fresh for as long as the program runs, and hands it to clients as a credentials provider.
//! [`Session`] tells which role that is, until when and why so long; [`CredsError`] tells each cause of failure
//! from the others and what mends it. [`environment`] and [`process_json`] hand the token to other programs.
//!
//! ```no_run
//! # async fn example(base: aws_types::SdkConfig) -> Result<(), Box<dyn std::error::Error>> {
//! use aws_sdk_s3::config::IdentityCache;
//! use flex_creds::CopyRole;
//!
//! // `base`: what aws_config::load_defaults gives, or built by hand.
//! let role = CopyRole::builder(&base).account("123456789012".parse()?).build()?;
//! let session = role.session().await?;
//! println!("{} until {:?}: {}", session.role(), session.expires(), session.lifetime());
//!
//! let s3 = aws_sdk_s3::Client::from_conf(
//!     aws_sdk_s3::config::Builder::from(&base)
//!         .credentials_provider(role.clone())
//!         .identity_cache(IdentityCache::no_cache()) // `role` is the cache
//!         .build(),
//! );
//! loop {
//!     let seen = role.generation();
//!     match s3.list_objects_v2().bucket("dataservice-flex-bucket").send().await {
//!         Ok(page) => break println!("{} keys", page.key_count().unwrap_or(0)),
//!         // Refused before its time: replaced once, for however many requests in flight.
//!         Err(error) if error.as_service_error().is_some_and(|e| e.meta().code() == Some("ExpiredToken")) => {
//!             role.renew(seen).await?;
//!         }
//!         Err(error) => return Err(error.into()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Time, chance and the network come from outside: the time source, the sleep and the HTTP client of the base
//! configuration, and `fastrand`'s generator of the thread. The environment is not read. Renewals run as tasks of the
//! tokio runtime that the call is made on. No secret is in the `Debug` of any type here, nor in the log.
//!
//! Stable: the renewal rules that [`CopyRole`] lists, the kinds of [`CredsError`] and the exported formats. Error texts may
//! change, kinds may be added.

mod acquire;
mod error;
mod export;
mod role;
mod schedule;
mod session;
mod slot;
mod sts;

// The provider.
pub use role::{CopyRole, CopyRoleBuilder, DEFAULT_SESSION_NAME};
// What it found.
pub use session::{LONG_SESSION, Lifetime, SHORT_SESSION, Session};
// What went wrong.
pub use error::{ClockSkew, CredsError, ProviderFailure, StsFailure};
// For other programs.
pub use export::{ExportError, Shell, UnknownShell, VARIABLES, environment, process_json, unset_environment};
