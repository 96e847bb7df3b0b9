//! The vendor's bucket as the copy role sees it: listable, and how much of a sample can be read.

use std::time::Duration;

use aws_sdk_s3::{Client, types::Object};
use futures::{StreamExt, stream};

use super::{
    link::{Id, Link, Mend},
    refusal::{Kind, Refusal, ask},
    remedy::Remedy,
};
use crate::{config::Settings, language::msg};

/// Objects that are looked at: the latest session's and one of some years.
const SAMPLE: usize = 10;
/// Years that are looked at when none of the sample can be read: a contract may cover a single one.
const WIDER: usize = 24;
/// Objects listed at a place, of which the smallest is looked at.
const PAGE: i32 = 20;

/// What the root of the bucket holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Root {
    folders: Vec<String>,
    objects: usize,
}

/// One object that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) key: String,
    pub(super) size: i64,
    pub(super) readable: Result<bool, Vec<String>>,
}

/// The bucket, asked as the role.
pub(super) struct Source<'a> {
    pub(super) s3: &'a Client,
    pub(super) settings: &'a Settings,
    pub(super) deadline: Duration,
}

impl Source<'_> {
    fn owner(&self, pinned: bool) -> Option<String> {
        (pinned && self.settings.expected_owner).then(|| self.settings.source_account.to_string())
    }

    async fn list(
        &self,
        prefix: &str,
        folders: bool,
        most: i32,
        pinned: bool,
    ) -> Result<(Vec<String>, Vec<Object>), Refusal> {
        let call = self
            .s3
            .list_objects_v2()
            .bucket(self.settings.source_bucket.as_str())
            .prefix(prefix)
            .max_keys(most)
            .set_delimiter(folders.then(|| "/".to_owned()))
            .set_expected_bucket_owner(self.owner(pinned));
        let page = ask("ListObjectsV2", self.deadline, call.send()).await?;
        let prefixes = page.common_prefixes().iter().filter_map(|p| p.prefix().map(str::to_owned)).collect();
        Ok((prefixes, page.contents.unwrap_or_default()))
    }

    /// The root's folders; and of a refusal, whether it is for the owner that was pinned.
    pub(super) async fn root(&self) -> Result<Root, (Refusal, bool)> {
        match self.list("", true, 1000, true).await {
            Ok((folders, objects)) => Ok(Root { folders, objects: objects.len() }),
            Err(refusal) => {
                let pinned = refusal.kind == Kind::Denied
                    && self.settings.expected_owner
                    && self.list("", true, 1, false).await.is_ok();
                Err((refusal, pinned))
            }
        }
    }

    /// The smallest object that is not archived, of the first page at a place.
    async fn smallest(&self, prefix: &str) -> Option<(String, i64)> {
        let (_, objects) = self.list(prefix, false, PAGE, true).await.ok()?;
        let archived = |object: &Object| {
            object.storage_class().is_some_and(|class| matches!(class.as_str(), "GLACIER" | "DEEP_ARCHIVE"))
        };
        let usable = objects.into_iter().filter(|object| object.size().unwrap_or(0) > 0 && !archived(object));
        let smallest = usable.min_by_key(|object| object.size().unwrap_or(0))?;
        Some((smallest.key()?.to_owned(), smallest.size().unwrap_or(0)))
    }

    /// The folders of the latest month's days, the latest last: of the last year's last month.
    async fn latest(&self, years: &[String]) -> Vec<String> {
        let mut parents: Vec<String> = years.last().into_iter().cloned().collect();
        let mut inside = Vec::new();
        // Months, then days; a folder of another number is neither. A month may have both spellings, 06 and 6.
        for most in [12, 31] {
            inside.clear();
            for parent in &parents {
                let found = self.list(parent, true, 1000, true).await;
                inside.extend(found.map(|(folders, _)| folders).unwrap_or_default());
            }
            inside.retain(|name| number_of(name).is_some_and(|number| (1..=most).contains(&number)));
            inside.sort_by_key(|name| number_of(name));
            let last = inside.last().and_then(|name| number_of(name));
            parents = inside.iter().filter(|name| number_of(name) == last).cloned().collect();
        }
        inside
    }

    async fn look(&self, key: String, size: i64) -> Looked {
        let call = self
            .s3
            .head_object()
            .bucket(self.settings.source_bucket.as_str())
            .key(&key)
            .set_expected_bucket_owner(self.owner(true));
        let readable = match ask("HeadObject", self.deadline, call.send()).await {
            Ok(_) => Ok(true),
            Err(refusal) if refusal.kind == Kind::Denied => Ok(false),
            Err(refusal) => Err(refusal.lines),
        };
        Looked { key, size, readable }
    }

    /// The latest day's folder, and what can be read of a sample.
    pub(super) async fn sample(&self, root: &Root) -> (Option<String>, Vec<Looked>) {
        let years = years(root);
        let mut days = self.latest(&years).await;
        let latest = days.pop();
        let mut places: Vec<String> = latest.iter().cloned().collect();
        places.extend(root.folders.iter().filter(|folder| number_of(folder).is_none()).take(2).cloned());
        places.extend(spread(&years, SAMPLE - places.len()));
        // Where there are few years, more days of the latest month.
        places.extend(spread(&days, SAMPLE.saturating_sub(places.len())));
        let mut looked = self.look_at(&places).await;
        if !looked.iter().any(|one| one.readable == Ok(true)) {
            let rest: Vec<_> = years.iter().filter(|year| !places.contains(year)).take(WIDER).cloned().collect();
            looked.extend(self.look_at(&rest).await);
        }
        (latest, looked)
    }

    async fn look_at(&self, places: &[String]) -> Vec<Looked> {
        let looks = places.iter().map(|place| async move {
            let (key, size) = self.smallest(place).await?;
            Some(self.look(key, size).await)
        });
        let mut looked: Vec<Looked> =
            stream::iter(looks).buffered(SAMPLE).filter_map(|one| async { one }).collect().await;
        let mut seen = std::collections::BTreeSet::new();
        looked.retain(|one| seen.insert(one.key.clone()));
        looked
    }
}

/// The number that a folder's own name is.
fn number_of(folder: &str) -> Option<u32> {
    folder.trim_end_matches('/').rsplit('/').next()?.parse().ok()
}

/// The root's folders that are years, in order.
fn years(root: &Root) -> Vec<String> {
    let mut years: Vec<_> = root.folders.iter().filter(|name| number_of(name).is_some()).cloned().collect();
    years.sort_by_key(|name| number_of(name));
    years
}

/// So many of them at most, the first and the last among them, evenly between.
fn spread(all: &[String], most: usize) -> Vec<String> {
    if all.len() <= most || most < 2 {
        return all.iter().take(most).cloned().collect();
    }
    (0..most).map(|n| all[n * (all.len() - 1) / (most - 1)].clone()).collect()
}

/// Whether it can be listed.
pub(super) fn source(listed: &Result<Root, (Refusal, bool)>, settings: &Settings, remedy: &Remedy<'_>) -> Link {
    let id = Id::Source;
    let name = settings.source_bucket.as_str();
    let (refusal, pinned) = match listed {
        Ok(root) if root.folders.is_empty() && root.objects == 0 => {
            return Link::broken(id, "empty", msg!("doctor-source-empty", bucket = name))
                .mends(remedy.take_back("source-bucket"));
        }
        Ok(_) => return Link::ok(id, msg!("doctor-source-ok", bucket = name)).detail("bucket", name),
        Err((refusal, pinned)) => (refusal, *pinned),
    };
    let link = match refusal.kind {
        _ if refusal.is_by_vpc_endpoint() => {
            Link::broken(id, "vpc-endpoint-policy", msg!("doctor-vpc-endpoint", bucket = name))
                .mend(Mend::say(msg!("doctor-mend-vpc-endpoint", bucket = name)))
        }
        Kind::Denied if pinned => Link::broken(
            id,
            "other-owner",
            msg!("doctor-source-other", bucket = name, account = settings.source_account),
        )
        .mends(remedy.take_back("source-account")),
        Kind::Denied => Link::broken(id, "denied", msg!("doctor-source-denied", bucket = name))
            .mend(Mend::say(msg!("doctor-mend-source-denied")))
            .mends(remedy.take_back("source-bucket").map(Mend::or)),
        Kind::NoSuchBucket => Link::broken(id, "no-such-bucket", msg!("doctor-source-missing", bucket = name))
            .mends(remedy.take_back("source-bucket")),
        Kind::WrongRegion => {
            Link::broken(id, "other-region", msg!("doctor-source-region", bucket = name, region = &settings.region))
                .mends(remedy.take_back("region"))
        }
        Kind::NoAnswer => Link::broken(id, "no-answer", msg!("doctor-source-no-answer", bucket = name))
            .mend(Mend::say(msg!("doctor-mend-network"))),
        Kind::Other => Link::broken(id, "failed", msg!("doctor-source-failed", bucket = name))
            .mend(Mend::say(msg!("doctor-mend-support"))),
    };
    link.because(refusal.lines.clone()).detail("bucket", name)
}

/// How much of the sample can be read.
pub(super) fn licence(latest: Option<&str>, looked: &[Looked]) -> Link {
    let id = Id::Licence;
    let count = |want: bool| looked.iter().filter(|one| one.readable == Ok(want)).count();
    let (readable, refused) = (count(true), count(false));
    let unread: Vec<String> =
        looked.iter().filter_map(|one| one.readable.as_ref().err()).flat_map(|lines| lines.iter().cloned()).collect();
    let link = if readable == looked.len() && readable > 0 {
        Link::ok(id, msg!("doctor-licence-all", all = readable))
    } else if readable > 0 {
        Link::ok(id, msg!("doctor-licence-ok", readable = readable, all = looked.len()))
    } else if refused > 0 {
        Link::broken(id, "nothing-licensed", msg!("doctor-licence-none", all = looked.len()))
            .mend(Mend::say(msg!("doctor-mend-licence")))
    } else if looked.is_empty() {
        Link::not_checked(id, "nothing-found", msg!("doctor-licence-nothing"))
    } else {
        Link::not_checked(id, "no-answer", msg!("doctor-licence-unknown")).because(unread)
    };
    let example = looked.iter().find(|one| one.readable == Ok(false)).map(|one| one.key.clone());
    link.detail("sample", looked.len().to_string())
        .detail("not-licensed", refused.to_string())
        .detail_if("example", example)
        .detail_if("latest", latest.map(str::to_owned))
}

/// The smallest object of the sample that can be read.
pub(super) fn smallest(looked: &[Looked]) -> Option<&Looked> {
    looked.iter().filter(|one| one.readable == Ok(true)).min_by_key(|one| one.size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::link::State;

    fn looked(readable: &[Result<bool, Vec<String>>]) -> Vec<Looked> {
        let one = |(n, readable): (usize, &Result<bool, Vec<String>>)| Looked {
            key: format!("k{n}"),
            size: 10 - n as i64,
            readable: readable.clone(),
        };
        readable.iter().enumerate().map(one).collect()
    }

    #[test]
    fn one_readable_object_is_a_licence() {
        let failed = || Err(vec!["no answer".to_owned()]);
        for (sample, state, code) in [
            (vec![Ok(true), Ok(false), failed()], State::Ok, None),
            (vec![Ok(false), Ok(false)], State::Broken, Some("nothing-licensed")),
            (vec![failed()], State::NotChecked, Some("no-answer")),
            (vec![], State::NotChecked, Some("nothing-found")),
        ] {
            let link = licence(Some("2021/05/31/"), &looked(&sample));
            assert_eq!((link.state, link.code), (state, code), "{sample:?}");
        }
        let sample = looked(&[Ok(true), Ok(true), Ok(false)]);
        assert_eq!(smallest(&sample).map(|one| one.key.as_str()), Some("k1"));
    }

    #[test]
    fn years_are_spread_and_ordered_by_number() {
        let folders = ["ConnectionSpec/", "2010/", "2021/", "2009/", "testdata/"].map(str::to_owned).to_vec();
        assert_eq!(years(&Root { folders, objects: 0 }), ["2009/", "2010/", "2021/"]);
        let all: Vec<String> = (2010..2027).map(|year| format!("{year}/")).collect();
        let some = spread(&all, 8);
        assert_eq!((some.len(), some[0].as_str(), some[7].as_str()), (8, "2010/", "2026/"));
        assert_eq!(number_of("2021/5/9/"), Some(9));
    }
}
