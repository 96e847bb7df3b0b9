//! What must hold after each run, after the last one, and after the clean-up.

use std::collections::{BTreeMap, BTreeSet};

use flex_copy::journal::JournalRecord;
use flex_copy::{ObjectEnd, Outcome, Proof, StopReason, Summary};
use flex_keys::Selection;

use super::plot::Happening;
use super::seed::{MINE, Scene, reported, sums};
use crate::sandbox::VENDOR_BUCKET;

/// CopyObject's limit: what is larger goes by parts, or not at all where parts are refused.
const COPY_OBJECT_LIMIT: u64 = 5 << 30;
/// Requests for the same thing in one run beyond those that failed: a HEAD that explains a refusal, parts of a second upload.
const SLACK: u64 = 24;

/// What one run told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) ending: String,
    pub(crate) selection: Option<Selection>,
    pub(crate) ends: Vec<ObjectEnd>,
    pub(crate) summary: Option<Summary>,
    pub(crate) stopped_before: Option<String>,
    pub(crate) unresolved: Option<String>,
    pub(crate) resumed: u64,
    pub(crate) hung: bool,
    pub(crate) peak: usize,
    /// Objects that were listed and had not ended, at most.
    pub(crate) peak_queue: u64,
}

/// After any run.
pub(crate) fn of_a_run(scene: &Scene, told: &Told, breaches: &mut Vec<String>) {
    let run = &told.ending;
    let mut breach = |what: String| breaches.push(format!("[{run}] {what}"));
    if told.hung {
        breach("the run hangs: it was not over after four virtual days".into());
    }
    let (keys, twice) = reported(&told.ends);
    for key in twice {
        breach(format!("duplicate: {key} is reported twice"));
    }
    let limit = scene.plot.wishes.max_in_flight;
    if told.peak > limit {
        breach(format!("{} requests in flight, {limit} allowed", told.peak));
    }
    // The window, a batch beside it, and those under way; one that waits gives its place to another.
    let wishes = &scene.plot.wishes;
    let room = (wishes.listing_ahead + wishes.listing_ahead.min(1000) + 2 * limit) as u64;
    // Under KMS the end of an object does not tell whether it was to be copied.
    if told.peak_queue > room && !scene.plot.kms {
        breach(format!("{} objects are listed and not ended, {room} allowed", told.peak_queue));
    }
    for often in scene.sea.asked_too_often(SLACK) {
        breach(format!("retries are not bounded: {often}"));
    }
    for end in &told.ends {
        claim(scene, end, &mut breach);
    }
    if let Some(selection) = &told.selection {
        for key in keys.iter().filter(|key| !selection.contains(key)) {
            breach(format!("{key} is not of the selection"));
        }
    }
    let Some(summary) = &told.summary else { return };
    let mut counted = BTreeMap::new();
    for end in &told.ends {
        *counted.entry(end.outcome.name()).or_insert(0_u64) += 1;
    }
    for (name, sum) in sums(summary) {
        let seen = counted.get(name).copied().unwrap_or_default();
        if seen != sum {
            breach(format!("the summary counts {sum} {name}, the events are {seen}"));
        }
    }
    if let Some(reason) = &summary.stopped {
        reason_fits(scene, reason, &mut breach);
    }
    untouched(scene, &mut breach);
}

/// What is said of an object against what is true at the end of the run.
fn claim(scene: &Scene, end: &ObjectEnd, breach: &mut impl FnMut(String)) {
    let key = &end.key;
    let copy = scene.destination_key(key);
    let (source, there) = (scene.world.object(VENDOR_BUCKET, key), scene.world.object(MINE, &copy));
    let proven = match &end.outcome {
        Outcome::Copied { proof, .. } => {
            match &there {
                None => breach(format!("{key} is reported as copied and is not there")),
                Some(there) if there.size != end.size => {
                    breach(format!("{key} is reported as copied with {} bytes and has {}", end.size, there.size));
                }
                Some(_) => {}
            }
            *proof != Proof::SizeOnly
        }
        Outcome::Identical => true,
        Outcome::NotEntitled => {
            if scene.was_always_readable(key) {
                breach(format!("{key} is called not entitled, and was readable all the time"));
            }
            false
        }
        _ => false,
    };
    // Of a version that is no more there is nothing left to compare with.
    let same_version = source.as_ref().is_some_and(|source| source.etag.trim_matches('"') == end.etag.as_str());
    if proven && same_version && (there.is_none() || !scene.world.same_content(VENDOR_BUCKET, key, MINE, &copy)) {
        breach(format!("{key} is called proven ({:?}) and has other content than the source", end.outcome));
    }
}

fn reason_fits(scene: &Scene, reason: &StopReason, breach: &mut impl FnMut(String)) {
    let happened = |what: fn(&Happening) -> bool| scene.plot.events.iter().any(|(_, event)| what(event));
    let policy = scene.plot.denies_parts || happened(|event| matches!(event, Happening::PolicyRemoved));
    let listings = scene.plot.rates.lost_next + scene.plot.rates.repeated_page + scene.plot.rates.cut_off > 0;
    let fits = match reason {
        StopReason::DestinationRefused { .. } | StopReason::DestinationNotListable { .. } => policy,
        StopReason::SourceNotListable { .. } | StopReason::NoSuchBucket { .. } | StopReason::WrongRegion { .. } => {
            false
        }
        StopReason::BadListing { .. } => listings,
        StopReason::ClockSkew { .. } => happened(|event| matches!(event, Happening::Skew(_))),
        StopReason::Internal(_) => false,
        _ => true,
    };
    if !fits {
        breach(format!("the run stopped for a reason that was not given: {reason:?}"));
    }
}

/// What the vendor does not have is as it was.
fn untouched(scene: &Scene, breach: &mut impl FnMut(String)) {
    for (key, etag) in &scene.extras {
        if scene.world.object(MINE, key).map(|object| object.etag) != Some(etag.clone()) {
            breach(format!("{key} is the subscriber's own and was touched"));
        }
    }
}

/// After the last run, without faults: everything is there.
pub(crate) fn of_the_end(scene: &Scene, told: &Told, breaches: &mut Vec<String>) {
    let mut breach = |what: String| breaches.push(format!("[the last run] {what}"));
    let (Some(summary), Some(selection)) = (&told.summary, &told.selection) else {
        breach(format!("it did not come to its end: {:?} {:?}", told.stopped_before, told.unresolved));
        return;
    };
    if let Some(reason) = &summary.stopped {
        breach(format!("it stopped: {reason:?}"));
        return;
    }
    if summary.cancelled || !summary.listing_complete {
        breach("it is not complete".into());
    }
    let outcomes: BTreeMap<&str, &Outcome> = told.ends.iter().map(|end| (end.key.as_str(), &end.outcome)).collect();
    let mut may_be_there: BTreeSet<String> = scene.extras.keys().cloned().collect();
    for object in scene.plot.objects.iter().filter(|object| object.copy().is_some()) {
        may_be_there.insert(scene.destination_key(&object.key));
    }
    for key in scene.world.objects(VENDOR_BUCKET) {
        let copy = scene.destination_key(&key);
        if !selection.contains(&key) {
            continue;
        }
        may_be_there.insert(copy.clone());
        let Some(outcome) = outcomes.get(key.as_str()) else {
            breach(format!("{key} is in the selection and is not reported"));
            continue;
        };
        let size = scene.world.object(VENDOR_BUCKET, &key).map_or(0, |object| object.size);
        let there = scene.world.object(MINE, &copy).is_some();
        let same = there && scene.world.same_content(VENDOR_BUCKET, &key, MINE, &copy);
        match outcome {
            Outcome::Copied { .. } | Outcome::Identical if same => {}
            // Nothing happens any more: what may be read now could be read all the time of this run.
            Outcome::NotEntitled if scene.world.is_refused(VENDOR_BUCKET, &key) => {}
            Outcome::Archived | Outcome::Marker => {}
            Outcome::Failed(_) if scene.plot.denies_parts && size > COPY_OBJECT_LIMIT => {}
            _ => breach(format!("lost: {key} ended as {outcome:?}, at the destination: {there}, same content: {same}")),
        }
    }
    // Objects of versions before, or that vanished, may be there: from the plot. Nothing else.
    for object in &scene.plot.objects {
        if selection.contains(&object.key) {
            may_be_there.insert(scene.destination_key(&object.key));
        }
    }
    for key in scene.world.objects(MINE) {
        if !may_be_there.contains(&key) {
            breach(format!("{key} was not asked for"));
        }
    }
}

/// Before the clean-up: no upload is open that the journal does not know, unless it could not be written.
pub(crate) fn known_uploads(scene: &Scene, records: &[JournalRecord], breaches: &mut Vec<String>) {
    if !scene.plot.journal || scene.plot.rates.disk_full > 0 {
        return;
    }
    for upload in scene.world.open_uploads(MINE) {
        let known = records.iter().any(|record| match record {
            JournalRecord::Opened { upload: known, .. } => known.upload_id == upload.upload_id,
            JournalRecord::Intent { key, .. } => *key == upload.key,
            _ => false,
        });
        if !known {
            breaches.push(format!("an upload of {} is open and the journal does not know it", upload.key));
        }
    }
}
