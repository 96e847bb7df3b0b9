//! A record and today's listings, joined.

use super::index::{Recorded, Records};
use crate::{Action, PlanItem, Proof, Verdict};

/// The records of a verification, and which of them the listings have shown.
pub(crate) struct Joined {
    records: Records,
    /// A bit for each record.
    seen: Vec<u64>,
    next: usize,
}

/// What the records say of an object that a bucket lists.
pub(crate) enum Told {
    /// There is no record, and it is not asked for.
    NotAsked,
    /// No record of a copy: the listings alone tell. How a run ended it without a copy, if one did.
    Nothing(Option<Box<Recorded>>),
    /// The verdict, and the record that it stands on.
    Verdict(Verdict, Box<Recorded>),
}

impl Joined {
    pub(crate) fn new(records: Records) -> Self {
        let seen = vec![0; records.index.len().div_ceil(64)];
        Self { records, seen, next: 0 }
    }

    pub(crate) fn tell(&mut self, item: &PlanItem) -> Told {
        let found = self.records.index.find(&item.object.key);
        let record = found.and_then(|at| {
            self.seen[at / 64] |= 1 << (at % 64);
            self.records.index.entry(at).map(|(_, record)| Box::new(record))
        });
        match record {
            None if self.records.only_recorded => Told::NotAsked,
            None => Told::Nothing(None),
            Some(record) => match judge(&record, item) {
                Some(verdict) => Told::Verdict(verdict, record),
                None => Told::Nothing(Some(record)),
            },
        }
    }

    /// The next copy on record that neither bucket lists, once both are listed.
    pub(crate) fn next_unseen(&mut self) -> Option<(String, Recorded)> {
        while self.next < self.records.index.len() {
            let at = self.next;
            self.next += 1;
            if self.seen[at / 64] & (1 << (at % 64)) == 0
                && let Some((key, record)) = self.records.index.entry(at)
                && record.state.is_ok()
            {
                return Some((key.to_owned(), record));
            }
        }
        None
    }
}

/// `None` where the record tells of no copy.
fn judge(record: &Recorded, item: &PlanItem) -> Option<Verdict> {
    let (dest_etag, proof) = record.state.as_ref().ok()?;
    let Some((etag, size)) = item.destination_etag.as_ref().zip(item.destination_size) else {
        return Some(Verdict::Missing);
    };
    let same_copy = etag == dest_etag && size == record.size;
    let same_source =
        item.action != Action::Extra && item.object.etag == record.etag && item.object.size == record.size;
    Some(match (&item.action, same_copy, same_source) {
        (Action::Identical, true, true) => Verdict::Recorded { proof: (*proof).min(Proof::Etag) },
        // Another version on both sides, or copied again since: the listings prove it by themselves.
        (Action::Identical, ..) => Verdict::Proven,
        (_, false, _) => Verdict::ChangedAtDestination { found: etag.clone() },
        (Action::Extra, true, _) => Verdict::SourceGone { proof: *proof },
        (_, true, false) => Verdict::ChangedAtSource { found: item.object.etag.clone() },
        (_, true, true) if *proof == Proof::SizeOnly => Verdict::SizeOnly,
        (_, true, true) => Verdict::Recorded { proof: *proof },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CopyReason, ETag, ListedObject, Method, Storage};

    const COPY: Action =
        Action::Copy { reason: CopyReason::Changed, method: Method::Whole { head: false }, kms_possible: false };

    /// (size, ETag) at the source and the destination.
    fn item(action: Action, source: (u64, &str), there: Option<(u64, &str)>) -> PlanItem {
        PlanItem {
            object: ListedObject {
                key: "k".into(),
                size: source.0,
                etag: ETag::new(source.1),
                last_modified: 1,
                storage: Storage::Online,
                full_object_checksum: false,
            },
            action,
            destination_etag: there.map(|(_, etag)| ETag::new(etag)),
            destination_size: there.map(|(size, _)| size),
        }
    }

    #[test]
    fn each_state_of_both_sides_has_its_verdict() {
        let (a, opaque, other) = ("a-2", "opaque", "other");
        let cases = [
            // The record's proof, the action of the listings, source, destination, and the verdict.
            (Proof::Checksum, Action::Kept, (5, a), Some((5, opaque)), "Recorded { proof: Checksum }"),
            (Proof::Etag, Action::Kept, (5, a), Some((5, opaque)), "Recorded { proof: Etag }"),
            (Proof::SizeOnly, Action::Kept, (5, a), Some((5, opaque)), "SizeOnly"),
            (Proof::SizeOnly, COPY, (5, a), Some((5, opaque)), "SizeOnly"),
            (Proof::Checksum, Action::Archived, (5, a), Some((5, opaque)), "Recorded { proof: Checksum }"),
            (Proof::Checksum, Action::Kept, (5, a), Some((5, other)), "ChangedAtDestination { found: other }"),
            (Proof::Checksum, COPY, (5, a), Some((4, opaque)), "ChangedAtDestination { found: opaque }"),
            (Proof::Checksum, Action::Identical, (5, a), Some((5, a)), "Proven"),
            (Proof::Checksum, Action::Identical, (6, other), Some((6, other)), "Proven"),
            (Proof::Checksum, COPY, (5, other), Some((5, opaque)), "ChangedAtSource { found: other }"),
            (Proof::Checksum, Action::Kept, (5, other), Some((5, opaque)), "ChangedAtSource { found: other }"),
            (Proof::Checksum, COPY, (6, a), Some((5, opaque)), "ChangedAtSource { found: a-2 }"),
            (Proof::Checksum, COPY, (5, a), None, "Missing"),
            (Proof::SizeOnly, Action::Archived, (5, a), None, "Missing"),
            (Proof::Checksum, Action::Extra, (5, opaque), Some((5, opaque)), "SourceGone { proof: Checksum }"),
            (Proof::Checksum, Action::Extra, (5, other), Some((5, other)), "ChangedAtDestination { found: other }"),
        ];
        for (proof, action, source, there, want) in cases {
            let state = Ok((ETag::new(opaque), proof));
            let record = Recorded { size: 5, etag: ETag::new(a), state, at: 1, run: "r".into() };
            let item = item(action, source, there);
            assert_eq!(format!("{:?}", judge(&record, &item).expect("a verdict")), want, "{proof:?} {item:?}");
        }
        let plain = Recorded {
            size: 5,
            etag: ETag::new(a),
            state: Ok((ETag::new(a), Proof::SizeOnly)),
            at: 1,
            run: "r".into(),
        };
        let identical = item(Action::Identical, (5, a), Some((5, a)));
        assert!(matches!(judge(&plain, &identical), Some(Verdict::Recorded { proof: Proof::Etag })));
        let unproven = Recorded { state: Err("failed".into()), ..plain };
        assert!(judge(&unproven, &identical).is_none());
    }
}
