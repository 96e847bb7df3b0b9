//! The least time that the service lets a scene take.
//!
//! First request, first page, and then the longest of three: the longest object, its parts side by side; all requests'
//! durations on 1,024 places; requests by the permitted rate. Durations are means; times are as they pass here.

use std::collections::HashMap;

use super::layout::Layout;
use super::scene::Scene;
use super::timing::Limit;

/// Requests that one client has under way at once.
const PLACES: f64 = 1_024.0;
const PAGE: u64 = 1_000;

/// What a bound is computed from, added up object by object.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    writes: u64,
    /// Those of each partition.
    partitions: HashMap<u64, u64>,
    bytes: u64,
    longest: f64,
}

/// A bound and its terms, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bound {
    pub(super) seconds: f64,
    pub(super) longest: f64,
    pub(super) places: f64,
    pub(super) rate: f64,
    pub(super) writes: u64,
}

impl Work {
    /// Adds the copying of one object into this partition.
    pub(super) fn add(&mut self, scene: &Scene, size: u64, layout: Layout, partition: u64) {
        let latency = scene.mean_latency();
        let requests = layout.parts(size).map_or(1, |parts| u64::from(parts) + 2);
        // Creation, the parts, completion: one after the other.
        let rounds = if requests == 1 { 1.0 } else { 3.0 };
        self.longest = self.longest.max(rounds * latency + scene.moving(layout.largest(size)));
        self.writes += requests;
        self.bytes += size;
        *self.partitions.entry(partition).or_default() += requests;
    }

    pub(super) fn bound(&self, scene: &Scene, writes: Option<&Limit>) -> Bound {
        let latency = scene.mean_latency();
        let pages = scene.objects().div_ceil(PAGE) * if scene.filled { 2 } else { 1 };
        let places = ((pages + self.writes) as f64 * latency + scene.moving(self.bytes)) / PLACES;
        let most = self.partitions.values().copied().max().unwrap_or_default() as f64;
        let rate = writes.map_or(0.0, |limit| (most - limit.burst()).max(0.0) / limit.per_second());
        let seconds = 2.0 * latency + self.longest.max(places).max(rate);
        Bound { seconds, longest: self.longest, places, rate, writes: self.writes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn scene() -> Scene {
        let named = Scene::named("latency").expect("a scene");
        Scene { latency: 0.05, latency_sigma: 0.0, bandwidth: Some(100.0 * MIB as f64), days: 25, ..named }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn one_object_is_as_long_as_its_rounds() {
        let scene = scene();
        let mut one = Work::default();
        one.add(&scene, 400 * MIB, Layout::Single, 0);
        assert!(close(one.bound(&scene, None).seconds, 0.1 + 0.05 + 4.0));
        let mut parts = Work::default();
        parts.add(&scene, 400 * MIB, Layout::Uniform(50 * MIB), 0);
        let bound = parts.bound(&scene, None);
        assert!(close(bound.seconds, 0.1 + 3.0 * 0.05 + 0.5), "{bound:?}");
        assert_eq!(bound.writes, 10);
        // At scale 5 all passes five times as fast.
        let fast = Scene { time_scale: 5.0, ..scene };
        let mut parts = Work::default();
        parts.add(&fast, 400 * MIB, Layout::Uniform(50 * MIB), 0);
        assert!(close(parts.bound(&fast, None).seconds, bound.seconds / 5.0));
    }

    #[test]
    fn many_objects_are_bound_by_places_or_by_the_rate() {
        let scene = scene();
        let mut many = Work::default();
        for n in 0..100_000 {
            many.add(&scene, MIB, Layout::Single, n % 2);
        }
        let bound = many.bound(&scene, None);
        assert!(close(bound.places, (100_001.0 * 0.05 + 1_000.0) / 1_024.0), "{bound:?}");
        assert!(close(bound.seconds, 0.1 + bound.places));
        let limit = Limit::new(&scene, Some(300.0)).expect("a limit");
        let limited = many.bound(&scene, Some(&limit));
        assert!(close(limited.seconds, 0.1 + (50_000.0 - 30.0) / 300.0), "half in each partition: {limited:?}");
    }
}
