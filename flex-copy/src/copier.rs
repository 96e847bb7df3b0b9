//! The copier: both sides, settings and credentials, from which plans, runs and verifications start.

use std::{collections::BTreeMap, fmt, sync::Arc};

use flex_keys::{Selection, SelectionError};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    Bucket, CopyRun, CopySettings, PlanStream, RenewableCredentials, StopReason, VerifyRun,
    list::{self, FolderStream},
    listing::Side,
    plan::{self, Scene},
    requests::Requests,
    run, verify,
};

/// Plans, copies and verifies selections between two buckets. Cheap to clone.
#[derive(Clone)]
pub struct Copier {
    scene: Arc<Scene>,
    credentials: Option<Arc<dyn RenewableCredentials>>,
}

impl fmt::Debug for Copier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copier")
            .field("source", &self.scene.source.name())
            .field("destination", &self.scene.destination.name())
            .field("settings", &self.scene.settings)
            .finish_non_exhaustive()
    }
}

impl Copier {
    /// A copier from the vendor's bucket (`source`) into the subscriber's (`destination`), both reached as the copy role.
    pub fn new(source: Bucket, destination: Bucket, settings: CopySettings) -> Self {
        Self { scene: Arc::new(Scene { source, destination, settings }), credentials: None }
    }

    /// Credentials that are renewed when the service calls them expired. Without them an expired token ends a run.
    pub fn credentials(mut self, credentials: Arc<dyn RenewableCredentials>) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Looks up in the source's listing what the selection leaves open: spellings of folders, the latest version.
    /// A selection of dates needs no look-up and no request.
    pub async fn resolve(&self, mut selection: Selection) -> Result<Selection, ResolveError> {
        let requests = self.requests(CancellationToken::new()).0;
        loop {
            let lookups = selection.lookups();
            if lookups.is_empty() {
                return Ok(selection);
            }
            let mut found = BTreeMap::new();
            for lookup in &lookups {
                let folders = list::folder_names(&requests, &self.scene.source, Side::Source, lookup.prefix()).await?;
                found.insert(lookup.prefix().to_owned(), folders);
            }
            selection = selection.resolve(&found)?;
        }
    }

    /// What a copy would do, object by object, from the two listings alone.
    pub fn plan(&self, selection: &Selection) -> PlanStream {
        let (requests, _) = self.requests(CancellationToken::new());
        let (receive, tasks) = plan::start(self.scene.clone(), requests, Arc::new(selection.clone()));
        PlanStream::new(receive, tasks)
    }

    /// Copies what the destination lacks.
    ///
    /// # Cancellation
    /// Cancelling the token drains: nothing new is begun, whole copies under way are waited for, multipart copies are
    /// aborted, and the summary names what could not be. Dropping the run stops it where it is: CopyObject either
    /// happens or not, and an upload under way stays open ([`CopyRun::open_uploads`] names those before the drop).
    pub fn copy(&self, selection: &Selection, cancel: CancellationToken) -> CopyRun {
        let stop = cancel.child_token();
        let (requests, notices) = self.requests(stop.clone());
        run::start(self.scene.clone(), requests, notices, Arc::new(selection.clone()), cancel, stop)
    }

    /// Proves the selection from the two listings, and claims no more than they show. A key that the destination lacks
    /// costs one HEAD of the source, which tells missing from not entitled.
    pub fn verify(&self, selection: &Selection, cancel: CancellationToken) -> VerifyRun {
        let (requests, notices) = self.requests(cancel);
        verify::start(self.scene.clone(), requests, notices, Arc::new(selection.clone()))
    }

    /// Lists the source's or the destination's keys under a prefix, like `aws s3 ls`: folders and objects of one level,
    /// or all objects below it.
    pub fn list(&self, place: Place, prefix: &str, recursive: bool) -> FolderStream {
        let (requests, _) = self.requests(CancellationToken::new());
        let (bucket, side) = match place {
            Place::Source => (self.scene.source.clone(), Side::Source),
            Place::Destination => (self.scene.destination.clone(), Side::Destination),
        };
        list::start(bucket, side, requests, prefix.to_owned(), recursive)
    }

    fn requests(&self, cancel: CancellationToken) -> (Arc<Requests>, mpsc::UnboundedReceiver<crate::Notice>) {
        let (send, receive) = mpsc::unbounded_channel();
        (Arc::new(Requests::new(&self.scene.settings, self.credentials.clone(), cancel, send)), receive)
    }
}

/// One of the two buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The vendor's bucket.
    Source,
    /// The subscriber's bucket.
    Destination,
}

/// A selection that could not be resolved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// What was asked for does not exist.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The look-up failed.
    #[error(transparent)]
    Stopped(#[from] StopReason),
}
