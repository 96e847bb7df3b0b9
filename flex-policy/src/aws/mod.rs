//! The live side of set-up: a bucket and an identity are read, compared and changed.
//!
//! Clients are the caller's; they need the rights of somebody in the subscriber's own account. Nothing here is called
//! twice by accident: what is already right is left alone, and what belongs to others is not touched.

mod bucket_setup;
mod bucket_state;
mod client;
mod failure;
#[cfg(feature = "iam")]
mod identity;
#[cfg(feature = "iam")]
mod identity_setup;

pub use bucket_setup::{BucketSetup, Created};
pub use bucket_state::{BucketState, DefaultEncryption, Lifecycle, Owner, Ownership, PublicAccess, Reading};
pub use failure::{Failure, FailureKind, Operation};
#[cfg(feature = "iam")]
pub use identity::{MayAssume, may_assume};
#[cfg(feature = "iam")]
pub use identity_setup::{Entity, Found, IdentitySetup, KnownKey, NewKey, trusts_service};
