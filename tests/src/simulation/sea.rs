//! The seam: an SDK HTTP client inside the process, with weather between it and the services.
//!
//! Each request is carried out by a task of its own, as a server does it: a client that leaves, or dies, does not take back
//! what was asked.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use flex_copy::journal::JournalRecord;
use http::{HeaderValue, Response, header};
use s3s::Body;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::chance::{Dice, hash};
use super::disk::Disk;
use super::plot::{Plot, Rates, Weather};
use crate::sandbox::{Asked, Effect, Front, LARGEST_FORM, Reset, VENDOR_BUCKET, World, is_form};

/// Longer than the engine waits for any attempt.
const FOR_EVER: Duration = Duration::from_secs(20_000);

/// The seam of one seed. Clones share it.
#[derive(Clone)]
pub(crate) struct Sea(Arc<Inner>);

struct Inner {
    plot: Plot,
    world: World,
    front: Front,
    started: Instant,
    /// Told at the moment of a death.
    death: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    run: u64,
    calm: bool,
    dead: bool,
    /// Crossings of the seam in this run.
    crossings: u64,
    dies_at: Option<u64>,
    /// The run has told its summary.
    over: bool,
    writes: u64,
    disk: Option<Disk>,
    journal_failed: bool,
    in_flight: usize,
    peak: usize,
    /// Requests of this run by what they ask, and those among them that did not succeed.
    asked: BTreeMap<String, (u64, u64)>,
    requests: u64,
    struck: BTreeMap<&'static str, u64>,
    digest: u64,
    trace: Option<Vec<String>>,
    broken: Vec<String>,
}

impl fmt::Debug for Sea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sea").field("seed", &self.seed()).finish_non_exhaustive()
    }
}

/// What becomes of one request.
#[derive(Clone, Debug)]
enum Fate {
    Well,
    /// The service answers with an effect.
    Told(&'static str, Effect),
    ResetBefore,
    ResetAfter,
    /// No answer for longer than anybody waits; the effect comes at once, or never.
    Stall {
        effect: bool,
    },
}

impl Sea {
    pub(crate) fn new(plot: &Plot, world: &World, front: Front, trace: bool) -> Self {
        let state = State { trace: trace.then(Vec::new), ..State::default() };
        Self(Arc::new(Inner {
            plot: plot.clone(),
            world: world.clone(),
            front,
            started: Instant::now(),
            death: Notify::new(),
            state: Mutex::new(state),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.0.plot.seed
    }

    pub(crate) fn rates(&self) -> Rates {
        if self.lock().calm { Rates::default() } else { self.0.plot.rates }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// A process begins. It dies at this crossing, if at one.
    pub(crate) fn begin(&self, dies_at: Option<u64>, disk: Option<Disk>) {
        let mut state = self.lock();
        state.run += 1;
        state.dead = false;
        state.over = false;
        state.crossings = 0;
        state.dies_at = dies_at;
        state.disk = disk;
        state.journal_failed = false;
        state.in_flight = 0;
        state.peak = 0;
        state.asked.clear();
    }

    /// No fault from here on.
    pub(crate) fn calm(&self) {
        self.lock().calm = true;
    }

    /// The summary was told, or the process is gone: nothing more may be asked.
    pub(crate) fn over(&self) {
        self.lock().over = true;
    }

    pub(crate) async fn death(&self) {
        loop {
            let death = self.0.death.notified();
            if self.lock().dead {
                return;
            }
            death.await;
        }
    }

    /// A point at which a process may die. One that is dead gets no further.
    pub(crate) async fn cross(&self) {
        let dead = {
            let mut state = self.lock();
            state.crossings += 1;
            if state.dies_at == Some(state.crossings) && !state.dead {
                state.dead = true;
                *state.struck.entry("process-death").or_default() += 1;
                self.0.death.notify_waiters();
            }
            state.dead
        };
        if dead {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn next_write(&self) -> u64 {
        let mut state = self.lock();
        state.writes += 1;
        state.writes
    }

    pub(crate) fn struck(&self, what: &'static str) {
        *self.lock().struck.entry(what).or_default() += 1;
    }

    pub(crate) fn journal_failed(&self) {
        self.lock().journal_failed = true;
    }

    /// Notes what happened, for the digest and the trace.
    pub(crate) fn note(&self, what: &str) {
        let at = self.elapsed().as_millis();
        let mut state = self.lock();
        state.digest = hash(state.digest, &[what], u64::try_from(at).unwrap_or(u64::MAX));
        if let Some(trace) = &mut state.trace {
            trace.push(format!("{:>9} ms  {what}", at));
        }
    }

    pub(crate) fn broken(&self, what: String) {
        self.lock().broken.push(what);
    }

    pub(crate) fn breaches(&self) -> Vec<String> {
        self.lock().broken.clone()
    }

    pub(crate) fn digest(&self) -> u64 {
        self.lock().digest
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        self.lock().trace.clone().unwrap_or_default()
    }

    pub(crate) fn counts(&self) -> (u64, BTreeMap<&'static str, u64>) {
        let state = self.lock();
        (state.requests, state.struck.clone())
    }

    pub(crate) fn peak(&self) -> usize {
        self.lock().peak
    }

    /// What was asked more often than its failures explain.
    pub(crate) fn asked_too_often(&self, slack: u64) -> Vec<String> {
        let state = self.lock();
        // Tokens of seconds are renewed every few seconds.
        let often = state
            .asked
            .iter()
            .filter(|(what, (asked, failed))| !what.starts_with("AssumeRole") && *asked > failed + slack);
        often.map(|(what, (asked, failed))| format!("{what}: asked {asked} times, failed {failed}")).collect()
    }

    fn fate(&self, asked: &Asked, sts: bool, part: &str, nth: u64) -> Fate {
        let (calm, run) = {
            let state = self.lock();
            (state.calm, state.run)
        };
        if calm {
            return Fate::Well;
        }
        let operation = asked.operation;
        let subject = asked.subject();
        let mut dice = Dice::from(hash(self.seed(), &[operation, part, &subject], nth ^ (run << 32)));
        let now = self.elapsed();
        for spell in &self.0.plot.spells {
            if now < spell.from || now >= spell.to {
                continue;
            }
            let slow = Effect::Status(503, "SlowDown");
            match spell.weather {
                Weather::Storm if !sts && dice.per_mille(900) => return Fate::Told("storm", slow),
                Weather::Errors if dice.per_mille(800) => {
                    return Fate::Told("error-spell", Effect::Status(503, "ServiceUnavailable"));
                }
                Weather::Outage => return Fate::ResetBefore,
                Weather::S3Outage if !sts => return Fate::ResetBefore,
                Weather::StsOutage if sts => return Fate::ResetBefore,
                Weather::StsErrors if sts => {
                    return Fate::Told("sts-errors", Effect::Status(503, "ServiceUnavailable"));
                }
                _ => {}
            }
        }
        let rates = self.0.plot.rates;
        let copies = matches!(operation, "CopyObject" | "UploadPartCopy");
        let answers = copies || matches!(operation, "CreateMultipartUpload" | "CompleteMultipartUpload");
        let body = operation != "HeadObject" && operation != "AbortMultipartUpload";
        let lists = matches!(operation, "ListObjectsV2" | "ListMultipartUploads");
        let draws = [
            (rates.slow_down, !sts, Fate::Told("slow-down", Effect::Status(503, "SlowDown"))),
            (rates.unavailable, true, Fate::Told("unavailable", Effect::Status(503, "ServiceUnavailable"))),
            (rates.internal, true, Fate::Told("internal-error", Effect::Status(500, "InternalError"))),
            (rates.reset_before, true, Fate::ResetBefore),
            (rates.reset_after, true, Fate::ResetAfter),
            (
                rates.error_200,
                answers && !operation.starts_with("Create"),
                Fate::Told("error-in-200", Effect::Error200("InternalError")),
            ),
            (rates.empty_200, answers, Fate::Told("empty-200", Effect::Empty200)),
            (rates.cut_off, body, Fate::Told("cut-off", Effect::Truncate)),
            (
                rates.slow_body,
                answers,
                Fate::Told("slow-body", Effect::SlowBody(Duration::from_secs(dice.skewed(1, 40)))),
            ),
            (rates.stall, true, Fate::Stall { effect: dice.per_mille(500) }),
            (rates.lost_next, lists, Fate::Told("lost-next-page", Effect::LoseNext)),
            (rates.repeated_page, lists, Fate::Told("repeated-page", Effect::RepeatPage)),
            (rates.end_token, !sts, Fate::Told("ended-token", Effect::EndToken)),
            (rates.change, copies, Fate::Told("changed-source", Effect::ChangeSource)),
        ];
        for (rate, fits, fate) in draws {
            if dice.per_mille(rate) && fits {
                return fate;
            }
        }
        if dice.per_mille(rates.vanish) && copies && !asked.key.contains("ConnectionSpec/") {
            let key = asked.key.strip_prefix(self.0.plot.prefix).unwrap_or(&asked.key);
            if self.0.world.remove_object(VENDOR_BUCKET, key) {
                self.struck("vanished-source");
            }
        }
        Fate::Well
    }

    /// What must hold when a request arrives.
    fn check_arrival(&self, asked: &Asked) {
        let (disk, over) = {
            let state = self.lock();
            if state.dead {
                return;
            }
            (state.disk.clone().filter(|_| !state.journal_failed), state.over)
        };
        if over {
            self.broken(format!("{} {} is asked after the end of the run", asked.operation, asked.key));
        }
        if matches!(asked.operation, "DeleteObject" | "DeleteObjects") {
            self.broken(format!("{} of {}", asked.operation, asked.key));
        }
        let Some(disk) = disk else { return };
        match asked.operation {
            "CreateMultipartUpload" => {
                let intended = |r: &JournalRecord| matches!(r, JournalRecord::Intent { key, .. } if *key == asked.key);
                if !disk.records().iter().any(intended) {
                    self.broken(format!("a creation for {} without an intent on disk", asked.key));
                }
            }
            "UploadPartCopy" => {
                let id = asked.parameter("uploadId").unwrap_or_default();
                let opened =
                    |r: &JournalRecord| matches!(r, JournalRecord::Opened { upload, .. } if upload.upload_id == id);
                if !disk.records().iter().any(opened) {
                    self.broken(format!("a part of {} whose upload is not on disk", asked.key));
                }
            }
            _ => {}
        }
    }

    async fn carry(self, req: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let mut req = req.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let host = req.uri().authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
        let host = HeaderValue::from_str(&host).map_err(|error| ConnectorError::user(error.into()))?;
        req.headers_mut().entry(header::HOST).or_insert(host);
        let mut req = req.map(Body::http_body);
        let sts = is_form(req.method(), req.uri(), req.headers());
        let asked = if sts {
            let form = req.body_mut().store_all_limited(LARGEST_FORM).await.unwrap_or_default();
            *req.body_mut() = Body::from(form.clone());
            Asked::of_form(&form)
        } else {
            Asked::of(req.method(), req.uri(), req.headers())
        };
        let part = asked.parameter("partNumber").unwrap_or_default().to_owned();
        let page = ["continuation-token", "start-after", "part-number-marker"]
            .iter()
            .find_map(|name| asked.parameter(name))
            .unwrap_or_default();
        let what = format!("{} {} {part}{page}", asked.operation, asked.subject());
        let _place = InFlight::take(&self, !sts);
        self.check_arrival(&asked);
        let nth = {
            let mut state = self.lock();
            state.requests += 1;
            let counted = state.asked.entry(what.clone()).or_default();
            counted.0 += 1;
            counted.0
        };
        self.cross().await;
        let fate = self.fate(&asked, sts, &part, nth);
        let name = match &fate {
            Fate::Well => "",
            Fate::Told(name, _) => name,
            Fate::ResetBefore => "reset-before",
            Fate::ResetAfter => "reset-after",
            Fate::Stall { effect: true } => "stall-after",
            Fate::Stall { effect: false } => "stall-before",
        };
        if !name.is_empty() {
            self.struck(name);
        }
        let mut dice = Dice::from(hash(self.seed(), &["latency", &what], nth));
        let (least, most) = self.0.plot.latency;
        let mut way = || Duration::from_millis(dice.skewed(least, most) / 2);
        let (there, back) = (way(), way());
        let (answer, answered) = oneshot::channel();
        let server = self.clone();
        let (fate_there, what_there) = (fate.clone(), what.clone());
        tokio::spawn(async move {
            tokio::time::sleep(there).await;
            if matches!(fate_there, Fate::ResetBefore | Fate::Stall { effect: false }) {
                if matches!(fate_there, Fate::Stall { .. }) {
                    tokio::time::sleep(FOR_EVER).await;
                }
                let _ = answer.send(Err(Reset));
                return;
            }
            let told = if let Fate::Told(_, effect) = &fate_there { Some(effect.clone()) } else { None };
            let result = server.0.front.handle_with(req, told).await;
            let status = result.as_ref().map_or(0, |response| response.status().as_u16());
            server.note(&format!("{what_there} -> {status} {}", if name.is_empty() { "" } else { name }));
            match fate_there {
                Fate::Stall { .. } => tokio::time::sleep(FOR_EVER).await,
                Fate::ResetAfter => {
                    let _ = answer.send(Err(Reset));
                    return;
                }
                _ => {}
            }
            let _ = answer.send(result);
        });
        let result = answered.await.unwrap_or(Err(Reset));
        tokio::time::sleep(back).await;
        self.cross().await;
        let well = matches!(&result, Ok(response) if response.status().is_success()) && matches!(fate, Fate::Well);
        if !well && let Some(counted) = self.lock().asked.get_mut(&what) {
            counted.1 += 1;
        }
        let response: Response<Body> = result.map_err(|Reset| reset())?;
        HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
            .map_err(|error| ConnectorError::other(error.into(), None))
    }
}

fn reset() -> ConnectorError {
    ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())
}

/// A request under way, as its sender sees it.
struct InFlight(Option<Sea>);

impl InFlight {
    fn take(sea: &Sea, counts: bool) -> Self {
        if counts {
            let mut state = sea.lock();
            state.in_flight += 1;
            state.peak = state.peak.max(state.in_flight);
        }
        Self(counts.then(|| sea.clone()))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(sea) = &self.0 {
            let mut state = sea.lock();
            state.in_flight = state.in_flight.saturating_sub(1);
        }
    }
}

impl HttpClient for Sea {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Sea {
    fn call(&self, req: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().carry(req))
    }
}
