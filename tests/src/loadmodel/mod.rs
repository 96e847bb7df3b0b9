//! A load model: S3 and STS on loopback for measurements, in metadata only, fast and without permissions.
//!
//! The [sandbox](crate::sandbox) refuses what AWS refuses; this one takes nearly everything and counts. Source objects are
//! computed from a seed, the destination is one byte an object, so that ten million keys cost ten megabytes. Requests take
//! the time that the [`Scene`] gives them, partitions refuse what is above their rate with SlowDown, and ETags follow from
//! how an object was put together: only the source's own part layout gives the source's `-N` ETag. At the end the model
//! judges whether every object has its source's bytes, and says the least time that the service would have allowed.

mod bound;
mod control;
mod copying;
mod destination;
mod floor;
mod hash;
mod layout;
mod listing;
mod model;
mod reading;
mod reply;
mod request;
mod scene;
mod server;
mod source;
mod stats;
mod sts;
mod text;
mod timing;
mod uploads;

#[cfg(test)]
mod tests;

pub use floor::{Floor, floor};
pub use model::{DESTINATION, Model, SOURCE};
pub use scene::{Partition, Scene};
pub use server::serve;
