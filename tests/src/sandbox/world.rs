//! The state behind both doors, and the handle with which tests arrange and inspect it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use super::accounts::Accounts;
use super::breaking::Breaks;
use super::clock::Clock;
use super::content::mix;
use super::faults::{Fault, Faults};
use super::multipart::Upload;
use super::object::{Encryption, More, Object, ObjectInfo, ObjectSpec};
use super::policy::{Policy, Stored};
use super::record::{Records, Request};
use bytes::Bytes;

/// Lines in a page of a listing, as S3 has it.
const LARGEST_PAGE: i32 = 1000;

/// The state of the sandbox: accounts, roles, buckets, the clock, faults and the record of requests.
///
/// A handle: clones share one world. Its methods are a test's hand from above and ask nobody's permission.
#[derive(Clone)]
pub struct World(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) state: Mutex<State>,
    pub(crate) records: Mutex<Records>,
    pub(crate) clock: Clock,
    pub(crate) region: String,
    pub(crate) seed: u64,
}

pub(crate) struct State {
    pub(crate) buckets: BTreeMap<String, Bucket>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    pub(crate) accounts: Accounts,
    pub(crate) token_life: Option<Duration>,
    pub(crate) faults: Faults,
    pub(crate) breaks: Breaks,
    pub(crate) denies_parts: bool,
    /// Lines in a page of a listing at most.
    pub(crate) page: i32,
    pub(crate) latency: Duration,
    counter: u64,
}

pub(crate) struct Bucket {
    pub(crate) owner: String,
    pub(crate) region: String,
    pub(crate) created: SystemTime,
    pub(crate) objects: BTreeMap<Box<str>, Object>,
    pub(crate) policy: Option<Stored>,
    pub(crate) refused: Refused,
    pub(crate) settings: Settings,
    /// Shared by all objects that have nothing but an owner.
    pub(crate) plain: Arc<More>,
}

/// Keys that are listed but not readable: exact ones and prefixes.
#[derive(Default)]
pub(crate) struct Refused {
    keys: BTreeSet<String>,
    prefixes: BTreeSet<String>,
}

impl Refused {
    pub(crate) fn covers(&self, key: &str) -> bool {
        self.keys.contains(key) || self.prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }
}

/// Who owns what others write into a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// ACLs off, the bucket's owner owns everything: AWS's default.
    BucketOwnerEnforced,
    /// The bucket's owner owns what carries `bucket-owner-full-control`.
    BucketOwnerPreferred,
    /// Whoever writes owns.
    ObjectWriter,
}

impl Ownership {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::ObjectWriter => "ObjectWriter",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::BucketOwnerEnforced, Self::BucketOwnerPreferred, Self::ObjectWriter]
            .into_iter()
            .find(|o| o.name() == name)
    }
}

pub(crate) struct Settings {
    pub(crate) encryption: Encryption,
    pub(crate) kms_key: Option<String>,
    pub(crate) bucket_key: bool,
    /// Whether the key's policy lets other accounts write with it.
    pub(crate) kms_for_others: bool,
    /// None: never set, as in buckets from before April 2023.
    pub(crate) ownership: Option<Ownership>,
    pub(crate) public_access_block: Option<s3s::dto::PublicAccessBlockConfiguration>,
    pub(crate) lifecycle: Option<Vec<s3s::dto::LifecycleRule>>,
}

impl Settings {
    /// Who owns what others write.
    pub(crate) fn owner_rule(&self) -> Ownership {
        self.ownership.unwrap_or(Ownership::ObjectWriter)
    }
}

/// A multipart upload that was neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenUpload {
    /// The key it will write.
    pub key: String,
    /// Its id.
    pub upload_id: String,
    /// Part numbers stored so far.
    pub parts: Vec<i32>,
    /// Who began it.
    pub initiator: String,
}

impl World {
    pub(crate) fn new(clock: Clock, region: &str, seed: u64, records: usize) -> Self {
        let state = State {
            buckets: BTreeMap::new(),
            uploads: BTreeMap::new(),
            accounts: Accounts::default(),
            token_life: None,
            faults: Faults::new(seed),
            breaks: Breaks::default(),
            denies_parts: false,
            page: LARGEST_PAGE,
            latency: Duration::ZERO,
            counter: 0,
        };
        let world = Self(Arc::new(Inner {
            state: Mutex::new(state),
            records: Mutex::new(Records::new(records)),
            clock,
            region: region.into(),
            seed,
        }));
        world.populate();
        world
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn records(&self) -> MutexGuard<'_, Records> {
        self.0.records.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The world's time.
    pub fn now(&self) -> SystemTime {
        self.0.clock.now_at_the_service()
    }

    /// Moves the world's clock on: tokens expire. Clients of [`sdk_config`](super::Sandbox::sdk_config) move with it.
    pub fn advance(&self, by: Duration) {
        self.0.clock.advance(by);
    }

    /// The region that the endpoint stands for.
    pub fn region(&self) -> &str {
        &self.0.region
    }

    // ----- buckets and objects

    /// Makes an empty bucket with AWS's defaults (BucketOwnerEnforced, SSE-S3).
    pub fn create_bucket(&self, name: &str, owner: &str, region: &str) {
        let bucket = Bucket::new(owner, region, self.now());
        self.state().buckets.insert(name.into(), bucket);
    }

    /// Stores a bucket policy without asking whether its principals exist (PutBucketPolicy does ask).
    ///
    /// # Panics
    /// When there is no such bucket, or the policy is one that S3 would call malformed, or one that the sandbox cannot judge.
    pub fn put_bucket_policy(&self, bucket: &str, policy: &str) {
        match Policy::of_bucket(policy, bucket) {
            Ok(parsed) => self.with_bucket(bucket, |b| b.policy = Some(Stored { text: policy.into(), policy: parsed })),
            Err(flaw) => panic!("the policy for {bucket} cannot be stored: {flaw:?}"),
        }
    }

    /// Removes the bucket's policy.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn delete_bucket_policy(&self, bucket: &str) {
        self.with_bucket(bucket, |b| b.policy = None);
    }

    /// Sets the bucket's default encryption; `for_others` says whether a KMS key's policy lets the copy role use it.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn bucket_encryption(&self, bucket: &str, encryption: Encryption, for_others: bool) {
        self.with_bucket(bucket, |b| {
            b.settings.encryption = encryption;
            b.settings.kms_for_others = for_others;
        });
    }

    /// Sets who owns what others write. None: nobody ever set it, as in a bucket from before April 2023, whose writers own.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn bucket_ownership(&self, bucket: &str, ownership: impl Into<Option<Ownership>>) {
        let ownership = ownership.into();
        self.with_bucket(bucket, |b| b.settings.ownership = ownership);
    }

    /// Switches all four settings of Block Public Access on, or takes the configuration away.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn bucket_public_access_block(&self, bucket: &str, on: bool) {
        self.with_bucket(bucket, |b| b.settings.public_access_block = on.then(all_blocked));
    }

    /// Takes the bucket's lifecycle configuration away; true when there was one.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn delete_lifecycle(&self, bucket: &str) -> bool {
        self.with_bucket(bucket, |b| b.settings.lifecycle.take().is_some())
    }

    /// Removes a bucket and all that is in it; true when there was one.
    pub fn remove_bucket(&self, name: &str) -> bool {
        let mut state = self.state();
        state.uploads.retain(|_, upload| upload.bucket != name);
        state.buckets.remove(name).is_some()
    }

    /// Whether there is a bucket of this name, whoever owns it.
    pub fn bucket_exists(&self, name: &str) -> bool {
        self.state().buckets.contains_key(name)
    }

    /// The bucket's policy as it is stored.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn bucket_policy(&self, bucket: &str) -> Option<String> {
        self.with_bucket(bucket, |b| b.policy.as_ref().map(|stored| stored.text.clone()))
    }

    /// Stores an object, replacing what was there.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn put_object(&self, bucket: &str, key: &str, spec: ObjectSpec) {
        let now = self.now();
        let nonce = self.nonce();
        self.with_bucket(bucket, |b| {
            let plain = b.plain.clone();
            let mut object = spec.build(now, &plain.owner, nonce);
            if object.more() == Some(&*plain) {
                object.share_more(&plain);
            }
            b.objects.insert(key.into(), object);
        });
    }

    /// Gives an object other bytes of the same number under the same ETag, date and checksum: what nobody wrote and no
    /// listing shows.
    ///
    /// # Panics
    /// When there is no such object, or it has another size.
    pub fn rot(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) {
        let content = super::content::Content::real(bytes.into());
        self.with_bucket(bucket, |b| match b.objects.get_mut(key) {
            Some(object) if object.content.len() == content.len() => object.content = content,
            _ => panic!("{bucket} holds no {key} of {} bytes", content.len()),
        });
    }

    /// Removes an object; true when there was one.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn remove_object(&self, bucket: &str, key: &str) -> bool {
        self.with_bucket(bucket, |b| b.objects.remove(key).is_some())
    }

    /// What is stored there.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn object(&self, bucket: &str, key: &str) -> Option<ObjectInfo> {
        self.with_bucket(bucket, |b| b.objects.get(key).map(Object::info))
    }

    /// All keys, in S3's order.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn objects(&self, bucket: &str) -> Vec<String> {
        self.with_bucket(bucket, |b| b.objects.keys().map(ToString::to_string).collect())
    }

    /// How many objects the bucket holds.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn object_count(&self, bucket: &str) -> usize {
        self.with_bucket(bucket, |b| b.objects.len())
    }

    /// The bytes of a small object.
    ///
    /// # Panics
    /// When there is no such object, or it is larger than 256 MiB.
    pub fn read(&self, bucket: &str, key: &str) -> Bytes {
        let content = self.content(bucket, key);
        assert!(content.len() <= 256 << 20, "{bucket}/{key} is too large to hold in memory: use same_content");
        content.to_bytes()
    }

    /// Whether two objects hold the same bytes, without making them.
    ///
    /// # Panics
    /// When one of them does not exist.
    pub fn same_content(&self, bucket: &str, key: &str, other_bucket: &str, other_key: &str) -> bool {
        self.content(bucket, key).same_as(&self.content(other_bucket, other_key))
    }

    fn content(&self, bucket: &str, key: &str) -> super::content::Content {
        match self.with_bucket(bucket, |b| b.objects.get(key).map(|object| object.content.clone())) {
            Some(content) => content,
            None => panic!("{bucket} holds no {key}"),
        }
    }

    /// Lists this key, or every key that begins so when it ends in `/`, and refuses to let the copy role read it. Nothing
    /// (`""`) stands for every key: a contract that licenses none.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn refuse_read(&self, bucket: &str, key_or_prefix: &str) {
        self.with_bucket(bucket, |b| {
            let prefix = key_or_prefix.is_empty() || key_or_prefix.ends_with('/');
            let set = if prefix { &mut b.refused.prefixes } else { &mut b.refused.keys };
            set.insert(key_or_prefix.into());
        });
    }

    /// Whether a [`refuse_read`](Self::refuse_read) covers this key.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn is_refused(&self, bucket: &str, key: &str) -> bool {
        self.with_bucket(bucket, |b| b.refused.covers(key))
    }

    /// Takes a [`refuse_read`](Self::refuse_read) back; true when there was one.
    ///
    /// # Panics
    /// When there is no such bucket.
    pub fn allow_read(&self, bucket: &str, key_or_prefix: &str) -> bool {
        self.with_bucket(bucket, |b| b.refused.keys.remove(key_or_prefix) || b.refused.prefixes.remove(key_or_prefix))
    }

    /// Multipart uploads that are still open.
    pub fn open_uploads(&self, bucket: &str) -> Vec<OpenUpload> {
        let state = self.state();
        let open = state.uploads.iter().filter(|(_, upload)| upload.bucket == bucket);
        open.map(|(id, upload)| OpenUpload {
            key: upload.key.clone(),
            upload_id: id.clone(),
            parts: upload.parts.keys().copied().collect(),
            initiator: upload.initiator.clone(),
        })
        .collect()
    }

    // ----- misbehaviour

    /// Adds a fault; see [`Fault`].
    pub fn fault(&self, fault: Fault) {
        self.state().faults.add(fault);
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Lets every request take this long before anything happens.
    pub fn latency(&self, each: Duration) {
        self.state().latency = each;
    }

    /// Gives so many lines in a page of a listing at most, 1 to 1000: of objects, of uploads, of parts.
    pub fn page_size(&self, lines: u16) {
        self.state().page = i32::from(lines).clamp(1, LARGEST_PAGE);
    }

    /// Denies parts under a policy that asks for an ACL, as some S3-compatible stores do (and S3 did until 2018).
    pub fn deny_parts(&self, deny: bool) {
        self.state().denies_parts = deny;
    }

    // ----- what was asked

    /// The requests answered so far, in the order of their answers, up to the configured number of records.
    pub fn requests(&self) -> Vec<Request> {
        self.records().all().to_vec()
    }

    /// How often an operation was asked for, refused ones included. Exact, however many requests there were.
    pub fn count(&self, operation: &str) -> u64 {
        self.records().count(operation)
    }

    /// How often each operation was asked for.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.records().counts().clone()
    }

    /// The most requests that were in flight at once.
    pub fn peak_in_flight(&self) -> usize {
        self.records().peak()
    }

    /// The most requests of one operation that were in flight at once.
    pub fn peak_in_flight_of(&self, operation: &str) -> usize {
        self.records().peak_of(operation)
    }

    /// Forgets records, counts and peaks.
    pub fn forget_requests(&self) {
        self.records().forget();
    }

    // ----- inside

    /// A number that no other write has: makes upload ids, keys and opaque ETags.
    pub(crate) fn nonce(&self) -> u64 {
        let mut state = self.state();
        state.counter += 1;
        mix(self.0.seed ^ mix(state.counter))
    }

    pub(crate) fn with_bucket<T>(&self, bucket: &str, f: impl FnOnce(&mut Bucket) -> T) -> T {
        match self.state().buckets.get_mut(bucket) {
            Some(found) => f(found),
            None => panic!("the sandbox has no bucket {bucket}"),
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("region", &self.0.region).field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Bucket {
    pub(crate) fn new(owner: &str, region: &str, created: SystemTime) -> Self {
        let plain = More { metadata: Default::default(), tags: 0, annotations: 0, owner: owner.into() };
        Self {
            owner: owner.into(),
            region: region.into(),
            created,
            objects: BTreeMap::new(),
            policy: None,
            refused: Refused::default(),
            settings: Settings {
                encryption: Encryption::S3,
                kms_key: None,
                bucket_key: false,
                kms_for_others: false,
                ownership: Some(Ownership::BucketOwnerEnforced),
                public_access_block: Some(all_blocked()),
                lifecycle: None,
            },
            plain: Arc::new(plain),
        }
    }
}

/// Block Public Access as new buckets have it.
fn all_blocked() -> s3s::dto::PublicAccessBlockConfiguration {
    let on = Some(true);
    s3s::dto::PublicAccessBlockConfiguration {
        block_public_acls: on,
        block_public_policy: on,
        ignore_public_acls: on,
        restrict_public_buckets: on,
    }
}
