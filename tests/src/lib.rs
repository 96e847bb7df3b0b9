//! What the tests of this workspace stand on: a [`sandbox`] of S3, STS and IAM that refuses what AWS refuses.
//! A [`loadmodel`] of S3 and STS for measurements. And the [`simulation`] of whole runs with faults, on a paused clock.

pub mod loadmodel;
pub mod sandbox;
pub mod simulation;
