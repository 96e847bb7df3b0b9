//! The provider against an STS of its own inside the process, behind the SDK's HTTP client, in virtual time.

mod errors;
mod fake;
mod identity;
mod renewal;
mod secrets;
