//! A range of keys, read in order and a page at a time, and cut where others can go on with it.

use std::{collections::VecDeque, sync::Arc};

use flex_keys::{KeyRange, Selection, TradingCalendar};

use super::{Page, PageRequest, Side, page};
use crate::{
    Bucket, ListedObject, StopReason,
    requests::{OnCancel, Requests},
};

/// Reads the keys of one range in order, a page at a time.
pub(crate) struct RangeReader {
    requests: Arc<Requests>,
    bucket: Bucket,
    side: Side,
    range: KeyRange,
    /// Where the chain of pages begins.
    start_after: Option<String>,
    token: Option<String>,
    /// The last key of the chain so far.
    last: Option<String>,
    /// The first key of the range, and how many were read from it on.
    first: Option<String>,
    read: usize,
    longest_page: usize,
    page: VecDeque<ListedObject>,
    ended: bool,
}

/// What a listing has ahead of it, by what it has read.
pub(crate) struct Ahead {
    /// Pages, about.
    pub(crate) pages: usize,
    /// Where the rest can be cut.
    pub(crate) cuts: Vec<String>,
}

impl RangeReader {
    pub(crate) fn new(requests: Arc<Requests>, bucket: Bucket, side: Side, range: KeyRange) -> Self {
        let start_after = range.after.clone();
        Self {
            requests,
            bucket,
            side,
            range,
            start_after,
            token: None,
            last: None,
            first: None,
            read: 0,
            longest_page: 0,
            page: VecDeque::new(),
            ended: false,
        }
    }

    /// Makes sure that [`peek`](Self::peek) tells the next object, or that there is none. Not every object is of the
    /// selection, but pages that hold nothing of it are passed over.
    pub(crate) async fn fill(&mut self, selection: &Selection) -> Result<(), StopReason> {
        while self.page.is_empty() && !self.ended {
            let page = page(
                &self.requests,
                &self.bucket,
                self.side,
                &PageRequest {
                    prefix: &self.range.prefix,
                    after: self.start_after.as_deref(),
                    token: self.token.as_deref(),
                    folders: false,
                },
                OnCancel::Stop,
            )
            .await?;
            self.accept(page)?;
            self.pass_over(selection);
        }
        Ok(())
    }

    fn accept(&mut self, page: Page) -> Result<(), StopReason> {
        if page.next.is_some() && page.next == self.token {
            return Err(self.bad("it repeats the same page".into()));
        }
        self.token = page.next;
        self.ended = self.token.is_none();
        let mut last = self.last.as_deref();
        for object in &page.objects {
            if let Some(last) = last
                && object.key.as_str() <= last
            {
                return Err(self.bad(format!("{:?} comes after {last:?}", object.key)));
            }
            if !object.key.starts_with(&self.range.prefix) {
                return Err(self.bad(format!("{:?} is outside of it", object.key)));
            }
            last = Some(&object.key);
        }
        if let Some(object) = page.objects.last() {
            self.last = Some(object.key.clone());
        }
        self.longest_page = self.longest_page.max(page.objects.len());
        self.page = page.objects.into();
        for after in [&self.range.after, &self.start_after].into_iter().flatten() {
            // A store that does not know start-after begins too early; what it gives belongs to another range.
            self.page.drain(..self.page.partition_point(|o| o.key <= *after));
        }
        if let Some(before) = &self.range.before {
            let within = self.page.partition_point(|o| o.key < *before);
            if within < self.page.len() {
                self.page.truncate(within);
                self.ended = true;
            }
        }
        self.read += self.page.len();
        if self.first.is_none() {
            self.first = self.page.front().map(|object| object.key.clone());
        }
        Ok(())
    }

    /// Goes on behind what is not selected, where the listing has come to such.
    fn pass_over(&mut self, selection: &Selection) {
        let Some(last) = self.last.as_deref().filter(|last| !self.ended && !selection.contains(last)) else { return };
        if self.start_after.as_deref().is_some_and(|after| last <= after) {
            // A store that does not know start-after.
            return;
        }
        let inside = |next: &&str| self.range.before.as_deref().is_none_or(|before| *next < before);
        match selection.prefix_after(last).filter(inside) {
            Some(next) => {
                // All keys with a prefix come after the prefix without its last character.
                let mut after = next.to_owned();
                after.pop();
                self.start_after = Some(if after.as_str() > last { after } else { last.to_owned() });
                (self.token, self.last) = (None, None);
            }
            None => self.ended = true,
        }
    }

    fn bad(&self, detail: String) -> StopReason {
        StopReason::BadListing { bucket: self.bucket.name().to_owned(), prefix: self.range.prefix.clone(), detail }
    }

    pub(crate) fn peek(&self) -> Option<&ListedObject> {
        self.page.front()
    }

    pub(crate) fn take(&mut self) -> Option<ListedObject> {
        self.page.pop_front()
    }

    /// Whether the page is used up although more follows.
    pub(crate) fn needs_page(&self) -> bool {
        self.page.is_empty() && !self.ended
    }

    /// What follows the pages that were read; nothing where it cannot be told.
    pub(crate) fn ahead(&self, selection: &Selection, calendar: &TradingCalendar) -> Option<Ahead> {
        let (first, last) = (self.first.as_deref()?, self.last.as_deref().filter(|_| !self.ended)?);
        let cuts_after = |key| {
            let mut cuts = self.range.cuts_after(first, key, calendar);
            cuts.retain(|cut| selection.contains(&format!("{cut}/")));
            cuts
        };
        let (all, cuts) = (cuts_after(first).len(), cuts_after(last));
        // A day that is not at its end counts as one.
        let days = all.saturating_sub(cuts.len()).max(1);
        let keys = self.read.checked_mul(cuts.len())? / days;
        Some(Ahead { pages: keys.div_ceil(self.longest_page.max(1)), cuts })
    }

    /// Cuts off what lies behind a cut, for another reader.
    pub(crate) fn split_off(&mut self, cut: &str) -> Self {
        let range = KeyRange { after: Some(cut.to_owned()), ..self.range.clone() };
        let mut rest = Self::new(self.requests.clone(), self.bucket.clone(), self.side, range);
        self.range.before = Some(format!("{cut}\0"));
        rest.page = self.page.split_off(self.page.partition_point(|object| object.key.as_str() <= cut));
        rest.read = rest.page.len();
        rest.first = rest.page.front().map(|object| object.key.clone());
        self.read -= rest.read;
        if self.ended {
            rest.ended = true;
        } else if self.last.as_deref().is_some_and(|last| last > cut) {
            // The chain of pages is beyond the cut already, and goes on there.
            rest.start_after = self.start_after.clone();
            (rest.token, rest.last, rest.longest_page) = (self.token.take(), self.last.take(), self.longest_page);
            self.ended = true;
        }
        rest
    }
}
