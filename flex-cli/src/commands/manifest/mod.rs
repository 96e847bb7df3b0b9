//! Manifests: written by `copy`, read by `verify`.

pub(super) mod compare;
pub(super) mod read;
pub(super) mod write;
