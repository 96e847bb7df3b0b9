//! The copier: both sides, settings and credentials, from which plans, runs and verifications start.

use std::{collections::BTreeMap, fmt, sync::Arc};

use flex_keys::{Selection, SelectionError};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    Bucket, CopyRun, CopySettings, Journal, JournalStore, LayoutSample, Layouts, PlanStream, RenewableCredentials,
    StopReason, VerifyRun,
    deep::{self, DeepRecord, DeepRecordError, DeepRun, DeepSettings},
    join,
    list::{self, FolderStream},
    listing::Side,
    manifest::Records,
    plan::Scene,
    requests::Requests,
    run, sample, verify,
};

/// Plans, copies and verifies selections between two buckets. Cheap to clone.
#[derive(Clone)]
pub struct Copier {
    scene: Arc<Scene>,
    credentials: Option<Arc<dyn RenewableCredentials>>,
    journal: Option<Journal>,
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
        Self { scene: Arc::new(Scene { source, destination, settings }), credentials: None, journal: None }
    }

    /// Credentials that are renewed when the service calls them expired. Without them an expired token ends a run.
    pub fn credentials(mut self, credentials: Arc<dyn RenewableCredentials>) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// A journal of uploads under way, so that a later run can resume or abort what a killed one left. None by default. One
    /// journal serves one destination.
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
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
        let (receive, tasks) = join::start(self.scene.clone(), requests, Arc::new(selection.clone()));
        PlanStream::new(receive, tasks)
    }

    /// Asks the source which part layouts a sample of its objects has. What cannot be asked for counts as unknown.
    pub async fn layouts(&self, sample: &LayoutSample) -> Layouts {
        let (requests, _) = self.requests(CancellationToken::new());
        sample::layouts(&self.scene, &requests, sample).await
    }

    /// Copies what the destination lacks.
    ///
    /// # Cancellation
    /// Cancelling the token drains: nothing new is begun, whole copies under way are waited for, multipart copies are
    /// aborted, and the summary names what could not be. Dropping the run stops it where it is: CopyObject either
    /// happens or not, and an upload under way stays open ([`CopyRun::open_uploads`] names those before the drop); with a
    /// [`journal`](Self::journal) the next run resumes it.
    pub fn copy(&self, selection: &Selection, cancel: CancellationToken) -> CopyRun {
        let stop = cancel.child_token();
        let (requests, notices) = self.requests(stop.clone());
        let selection = Arc::new(selection.clone());
        run::start(self.scene.clone(), requests, notices, selection, self.journal.clone(), cancel, stop)
    }

    /// Proves the selection from the two listings, and claims no more than they show. A key that the destination lacks
    /// costs one HEAD of the source, which tells missing from not entitled.
    pub fn verify(&self, selection: &Selection, cancel: CancellationToken) -> VerifyRun {
        let (requests, notices) = self.requests(cancel);
        verify::start(self.scene.clone(), requests, notices, Arc::new(selection.clone()), None)
    }

    /// Proves again what manifests have on record, from the records and the two listings: a copy that is as it was
    /// recorded is proven as strongly as it was then, whatever the listings can show.
    pub fn verify_recorded(&self, selection: &Selection, records: Records, cancel: CancellationToken) -> VerifyRun {
        let (requests, notices) = self.requests(cancel);
        verify::start(self.scene.clone(), requests, notices, Arc::new(selection.clone()), Some(records))
    }

    /// Reads what the destination has of the selection, and compares the content with what the source says: see
    /// [`deep`](crate::deep). `owner` reaches the destination with the right to read there, which the copy role does not
    /// have; make it with [`client_config`](crate::client_config).
    ///
    /// # Cancellation
    /// Cancelling the token ends the reading where it is; what was begun and not finished is reported as interrupted. The
    /// record keeps what was found until then, also when the run is dropped.
    pub fn verify_deep(
        &self,
        selection: &Selection,
        owner: aws_sdk_s3::Client,
        settings: DeepSettings,
        record: Option<DeepRecord>,
        cancel: CancellationToken,
    ) -> DeepRun {
        let stop = cancel.child_token();
        let (send, notices) = mpsc::unbounded_channel();
        let scene = self.scene.clone();
        let requests = Requests::new(&scene.settings, self.credentials.clone(), stop.clone(), send.clone());
        // A place each is enough: what holds one is an object that is being opened.
        let as_owner = CopySettings { max_in_flight: settings.max_in_flight, ..scene.settings.clone() };
        // The owner's credentials are renewed by the client's own provider.
        let as_owner = Requests::new(&as_owner, None, stop.clone(), send);
        let destination = scene.destination.through(owner);
        let parts = deep::Parts {
            scene,
            requests: Arc::new(requests),
            owner: as_owner,
            notices,
            settings,
            destination,
            record,
            cancel,
            stop,
        };
        deep::start(parts, Arc::new(selection.clone()))
    }

    /// Opens a record of earlier deep verifications between these two buckets.
    pub async fn deep_record(&self, store: Arc<dyn JournalStore>) -> Result<DeepRecord, DeepRecordError> {
        DeepRecord::open(store, &self.scene).await
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
