//! `/_model/…`: the scene, the counters, the bound.
//!
//! `GET scene`: what the scene is, and its bounds for two layouts. `GET stats`: counters since the last reset, what the
//! destination holds, and the bound for the layouts that were used. `POST reset`: the destination as at the start.

use std::sync::atomic::Ordering;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::bound::{Bound, Work};
use super::layout::Layout;
use super::model::{DESTINATION, Model, SOURCE};
use super::reply::Reply;

pub(super) fn answer(model: &Model, method: &Method, action: &str) -> Reply {
    match (method, action) {
        (&Method::GET, "scene") => Reply::json(&scene(model)),
        (&Method::GET, "stats") => Reply::json(&stats(model)),
        (&Method::POST, "reset") => {
            model.reset();
            Reply::empty(StatusCode::NO_CONTENT)
        }
        _ => Reply::error(404, "NoSuchKey", "GET scene, GET stats, POST reset"),
    }
}

impl Model {
    /// What the scene is, as `GET /_model/scene` tells it.
    pub fn scene(&self) -> Value {
        scene(self)
    }

    /// The counters and the judgement, as `GET /_model/stats` tells them.
    pub fn stats(&self) -> Value {
        stats(self)
    }
}

fn told(bound: &Bound) -> Value {
    json!({
        "seconds": bound.seconds,
        "longest_object": bound.longest,
        "durations_on_1024_places": bound.places,
        "writes_by_rate": bound.rate,
        "writes": bound.writes,
    })
}

/// The bound if everything is copied anew, each object in the layout that is chosen for its size.
fn bound_by(model: &Model, layout: impl Fn(u64) -> Layout) -> Bound {
    let state = model.state();
    let mut work = Work::default();
    for index in 0..model.source.len() {
        let size = model.source.size(index);
        let partition = match &state.writes {
            Some(limit) => limit.partition(DESTINATION, &model.source.key(index)),
            None => 0,
        };
        work.add(&model.scene, size, layout(size), partition);
    }
    work.bound(&model.scene, state.writes.as_ref())
}

fn scene(model: &Model) -> Value {
    let (scene, source) = (&model.scene, &model.source);
    let dates = source.dates();
    let date = |date: Option<chrono::NaiveDate>| date.map(|date| date.format("%Y/%m/%d").to_string());
    let bytes: u64 = (0..source.len()).map(|index| source.size(index)).sum();
    let mut out = json!({
        "name": scene.name,
        "source": SOURCE,
        "destination": DESTINATION,
        "first_day": date(dates.map(|(first, _)| first)),
        "last_day": date(dates.map(|(_, last)| last)),
        "days": scene.days,
        "per_day": scene.per_day,
        "objects": source.len(),
        "bytes": bytes,
        "part_size": scene.part_size,
        "checksums": scene.checksums,
        "latency_ms": scene.latency * 1e3,
        "latency_sigma": scene.latency_sigma,
        "bandwidth": scene.bandwidth,
        "write_limit": scene.write_limit,
        "read_limit": scene.read_limit,
        "partition": format!("{:?}", scene.partition).to_lowercase(),
        "time_scale": scene.time_scale,
        "filled": scene.filled,
        "seed": scene.seed,
    });
    if !scene.filled {
        out["bound_in_source_layout"] = told(&bound_by(model, |size| source.layout(size)));
        // Above 5 GiB one request does not do; 128 MiB is then as good as any.
        let at_once = |size| if size > 5 << 30 { Layout::Uniform(128 << 20) } else { Layout::Single };
        out["bound_at_once"] = told(&bound_by(model, at_once));
    }
    out
}

fn stats(model: &Model) -> Value {
    let state = model.state();
    let stats = &state.stats;
    let mut work = Work::default();
    let judged = state.destination.judge(&model.source, |index, held| {
        let partition = match &state.writes {
            Some(limit) => limit.partition(DESTINATION, &model.source.key(index)),
            None => 0,
        };
        work.add(&model.scene, held.size, held.layout, partition);
    });
    let bound = work.bound(&model.scene, state.writes.as_ref());
    let objects = model.source.len();
    let by_name: Map<String, Value> = stats.requests().map(|(name, count)| (name.into(), count.into())).collect();
    let number = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let open = state.uploads.count();
    json!({
        "requests": stats.requests().map(|(_, count)| count).sum::<u64>(),
        "by_operation": by_name,
        "connections": number(&stats.connections),
        "peak_in_flight": stats.in_flight.peak(),
        "slow_downs": number(&stats.slow_downs),
        "refused": number(&stats.refused),
        "abandoned": number(&stats.abandoned),
        "busy_seconds": number(&stats.busy_micros) as f64 / 1e6,
        "bytes_read": number(&stats.bytes_read),
        "objects": objects,
        "present": judged.present,
        "copied": judged.copied,
        "content_right": judged.right,
        "same_etag": judged.same_etag,
        "foreign": judged.foreign,
        "open_uploads": open,
        "complete": judged.present == objects && open == 0,
        "right": judged.right == judged.present && judged.foreign == 0,
        "bound": told(&bound),
    })
}
