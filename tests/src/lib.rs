//! What the tests of this workspace stand on: a [`sandbox`] of S3, STS and IAM that refuses what AWS refuses.

pub mod sandbox;
