//! Plain listings: the folders and objects of a prefix.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::Stream;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    Bucket, ListedObject, StopReason,
    listing::{PageRequest, Side, page},
    requests::{OnCancel, Requests},
};

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListEntry {
    /// A folder: a prefix that ends in `/`, in full.
    Folder(String),
    /// An object.
    Object(ListedObject),
}

impl ListEntry {
    /// The key or the prefix.
    pub fn key(&self) -> &str {
        match self {
            Self::Folder(prefix) => prefix,
            Self::Object(object) => &object.key,
        }
    }
}

/// Entries in key order. Dropping it ends the listing.
#[derive(Debug)]
pub struct FolderStream {
    receive: mpsc::Receiver<Result<ListEntry, StopReason>>,
    _task: JoinSet<()>,
}

impl Stream for FolderStream {
    type Item = Result<ListEntry, StopReason>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().receive.poll_recv(cx)
    }
}

pub(crate) fn start(
    bucket: Bucket,
    side: Side,
    requests: Arc<Requests>,
    prefix: String,
    recursive: bool,
) -> FolderStream {
    let (send, receive) = mpsc::channel(1000);
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut token: Option<String> = None;
        loop {
            let what = PageRequest { prefix: &prefix, after: None, token: token.as_deref(), folders: !recursive };
            let page = match page(&requests, &bucket, side, &what, OnCancel::Stop).await {
                Ok(page) => page,
                Err(reason) => {
                    let _ = send.send(Err(reason)).await;
                    return;
                }
            };
            let mut entries: Vec<_> = page.folders.into_iter().map(ListEntry::Folder).collect();
            entries.extend(page.objects.into_iter().map(ListEntry::Object));
            entries.sort_by(|a, b| a.key().cmp(b.key()));
            for entry in entries {
                if send.send(Ok(entry)).await.is_err() {
                    return;
                }
            }
            match page.next {
                Some(next) => token = Some(next),
                None => return,
            }
        }
    });
    FolderStream { receive, _task: task }
}

/// The folders directly under a prefix, in full.
pub(crate) async fn folder_names(
    requests: &Requests,
    bucket: &Bucket,
    side: Side,
    prefix: &str,
) -> Result<Vec<String>, StopReason> {
    let mut names = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let what = PageRequest { prefix, after: None, token: token.as_deref(), folders: true };
        let page = page(requests, bucket, side, &what, OnCancel::Stop).await?;
        names.extend(page.folders);
        match page.next {
            Some(next) => token = Some(next),
            None => return Ok(names),
        }
    }
}
