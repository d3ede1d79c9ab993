//! The last value of every series and how fast each container sends: what the `/v0` answers and the page show.
//!
//! A [`StoreSink`] writes on its own thread, HTTP requests read; one lock is between them, held for a batch or for a
//! copy of what is asked for. A series is a container, a metric's name and the datapoint's own tags; a newer datapoint
//! replaces an older one, and a series that gets none for [`Limits::expiry`] is forgotten, as in 6.2 of
//! `reference/metrics.md`. The identity tags ([`Dimension`]) belong to the container: of each, the newest value counts,
//! so that a task's name that is learnt later does not double its series.
//!
//! **Bounds.** Series and bytes are limited, and so are containers ([`MAX_CONTAINERS`]). What has no room is refused and
//! counted; what is known goes on. A series takes about 100 bytes and its name.
//!
//! **Speed.** A datapoint of a known series is one look-up by borrowed parts; a record adds one for its container and one
//! for its own tags. No text is built.

mod dimension;
mod origin;
mod rates;
mod room;
mod shown;
mod sink;
mod source;
mod tags;

pub use dimension::Dimension;
pub use origin::Origin;
pub use rates::{Rates, SourceRate};
pub(super) use rates::{SAMPLE, per_second};
pub use shown::{Shown, ShownDatapoint};
pub use sink::StoreSink;
pub use source::Kind;

use hashbrown::{DefaultHashBuilder, HashTable};
use origin::OriginRef;
use room::Room;
use source::Source;
use stats_schema::RecordRef;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Containers that may be known at a time: several times what a node runs, and a bound for what a peer may invent.
pub const MAX_CONTAINERS: usize = 1000;
/// Expired series are looked for this many times in the time after which one expires.
const SWEEPS: u32 = 10;

/// What a [`Store`] may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Series, of all containers together.
    pub series: usize,
    /// Memory in bytes, reckoned from the size of what is kept; the allocator needs some more.
    pub bytes: usize,
    /// How long a series stays without a datapoint.
    pub expiry: Duration,
}

/// The series of the node and its containers. One thread records while others read.
#[derive(Debug)]
pub struct Store {
    began: Instant,
    expiry: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    sources: HashTable<Source>,
    hasher: DefaultHashBuilder,
    room: Room,
    /// Datapoints of containers beyond [`MAX_CONTAINERS`].
    others: rates::Rate,
    sampled: Duration,
    next_sweep: Duration,
}

/// Datapoints of a record that found room and that did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Taken.
    pub taken: u64,
    /// Refused because of [`Limits`].
    pub refused: u64,
}

impl Store {
    /// An empty store. No time handed to it later may be before `now`.
    #[must_use]
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            began: now,
            expiry: limits.expiry,
            state: Mutex::new(State {
                sources: HashTable::new(),
                hasher: DefaultHashBuilder::default(),
                room: Room::new(limits.series, limits.bytes),
                others: rates::Rate::default(),
                sampled: Duration::ZERO,
                next_sweep: Duration::ZERO,
            }),
        }
    }

    /// Series that are kept, and the memory they take in bytes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let state = self.lock();
        (state.room.series(), state.room.bytes())
    }

    /// The ids of all containers that sent something, sorted.
    #[must_use]
    pub fn containers(&self) -> Vec<String> {
        let state = self.lock();
        let mut ids: Vec<String> = state
            .sources
            .iter()
            .filter_map(|source| source.origin.container_id().map(str::to_owned))
            .collect();
        drop(state);
        ids.sort_unstable();
        ids
    }

    /// What is known of the node itself.
    #[must_use]
    pub fn node(&self, now: Instant) -> Option<Shown> {
        self.show(OriginRef::Node, Kind::Node, "", now)
    }

    /// What is known of the container with exactly this id, of metrics of this kind whose names begin with `prefix`.
    #[must_use]
    pub fn container(&self, id: &str, kind: Kind, prefix: &str, now: Instant) -> Option<Shown> {
        self.show(OriginRef::Container(id), kind, prefix, now)
    }

    /// Everything.
    #[must_use]
    pub fn all(&self, now: Instant) -> Vec<(Origin, Shown)> {
        let since = self.oldest(now);
        let state = self.lock();
        let mut all: Vec<_> = state
            .sources
            .iter()
            .map(|source| (source.origin.clone(), source.show(since, |_| true)))
            .filter(|(_, shown)| !shown.datapoints.is_empty())
            .collect();
        drop(state);
        all.iter_mut().for_each(|(_, shown)| shown.sort());
        all.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        all
    }

    /// How fast everybody sends. Those who sent most in the last minutes come first: an order by the last sample would
    /// change with every one.
    #[must_use]
    pub fn rates(&self) -> Rates {
        let state = self.lock();
        let mut sources: Vec<_> = state.sources.iter().map(Source::rate).collect();
        let others = state.others.history();
        drop(state);
        sources.sort_unstable_by(|one, other| {
            other
                .sum()
                .total_cmp(&one.sum())
                .then_with(|| one.origin.cmp(&other.origin))
        });
        Rates { sources, others }
    }

    fn show(&self, origin: OriginRef<'_>, kind: Kind, prefix: &str, now: Instant) -> Option<Shown> {
        let since = self.oldest(now);
        let state = self.lock();
        let hash = state.hasher.hash_one(origin);
        let source = state.sources.find(hash, |source| source.origin.is(origin))?;
        let mut shown = source.show(since, |name| {
            name.starts_with(prefix) && Kind::of(origin, name) == kind
        });
        drop(state);
        shown.sort();
        (!shown.datapoints.is_empty()).then_some(shown)
    }

    /// Takes many records that arrived at `now`.
    fn record(&self, now: Instant, each: impl FnOnce(&mut dyn FnMut(&RecordRef<'_>) -> Recorded)) {
        let now = now.saturating_duration_since(self.began);
        let mut state = self.lock();
        each(&mut |record| state.record(record, now));
    }

    /// Ends a sample of the rates, and forgets what has expired.
    fn sample(&self, now: Instant) {
        let since = self.oldest(now);
        let now = now.saturating_duration_since(self.began);
        let mut state = self.lock();
        state.sample(now);
        if now >= state.next_sweep {
            state.next_sweep = now + self.expiry / SWEEPS;
            state.sweep(since);
        }
    }

    /// The time since the store began, in milliseconds, from which on series have not expired.
    fn oldest(&self, now: Instant) -> u64 {
        let now = now.saturating_duration_since(self.began);
        milliseconds(now.saturating_sub(self.expiry))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn record(&mut self, record: &RecordRef<'_>, now: Duration) -> Recorded {
        let count = record.datapoints.len() as u64;
        let origin = OriginRef::of(record);
        let hash = self.hasher.hash_one(origin);
        if self
            .sources
            .find(hash, |source| source.origin.is(origin))
            .is_none()
        {
            let known = self.sources.len();
            if known >= MAX_CONTAINERS || !self.room.take(Source::cost(origin)) {
                self.others.add(count);
                return Recorded {
                    taken: 0,
                    refused: count,
                };
            }
            let hasher = &self.hasher;
            self.sources.insert_unique(hash, Source::new(origin), |source| {
                hasher.hash_one(source.origin.borrowed())
            });
        }
        // It is there now.
        self.sources
            .find_mut(hash, |source| source.origin.is(origin))
            .map_or_else(Recorded::default, |source| {
                source.record(record, milliseconds(now), &self.hasher, &mut self.room)
            })
    }

    fn sample(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.sampled);
        self.sampled = now;
        for source in &mut self.sources {
            source.sample(elapsed);
        }
        self.others.sample(elapsed);
    }

    fn sweep(&mut self, since: u64) {
        let Self {
            sources,
            hasher,
            room,
            ..
        } = self;
        sources.retain(|source| source.sweep(since, hasher, room));
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
