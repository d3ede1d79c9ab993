//! The node or one container: whose it is, its series, how fast it sends.

use super::Recorded;
use super::dimension::Dimension;
use super::origin::{Origin, OriginRef};
use super::rates::{Rate, SourceRate};
use super::room::Room;
use super::shown::{Shown, ShownDatapoint};
use super::tags::{OwnTags, TagSet};
use hashbrown::{DefaultHashBuilder, HashTable};
use stats_schema::{DatapointRef, RecordRef};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

/// What a metric tells about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The node itself.
    Node,
    /// A container, as the agent measures it.
    Container,
    /// What runs in a container, as it measures itself.
    App,
}

#[derive(Debug)]
pub(super) struct Source {
    pub(super) origin: Origin,
    dimensions: [Option<Arc<str>>; Dimension::ALL.len()],
    tags: HashTable<Arc<TagSet>>,
    series: HashTable<Series>,
    rate: Rate,
}

#[derive(Debug)]
struct Series {
    name: Arc<str>,
    tags: Arc<TagSet>,
    value: f64,
    time_ms: i64,
    /// When it was updated, in milliseconds since the store began.
    seen_ms: u64,
}

impl Kind {
    pub(super) fn of(origin: OriginRef<'_>, name: &str) -> Self {
        match origin {
            OriginRef::Node => Self::Node,
            OriginRef::Container(_) if name.starts_with("dcos.metrics.container.") => Self::Container,
            OriginRef::Container(_) | OriginRef::UnknownContainer => Self::App,
        }
    }
}

impl Source {
    pub(super) fn new(origin: OriginRef<'_>) -> Self {
        Self {
            origin: match origin {
                OriginRef::Node => Origin::Node,
                OriginRef::UnknownContainer => Origin::UnknownContainer,
                OriginRef::Container(id) => Origin::Container(id.into()),
            },
            dimensions: Default::default(),
            tags: HashTable::new(),
            series: HashTable::new(),
            rate: Rate::default(),
        }
    }

    /// The memory that a new source takes, in bytes, with its place in a table that keeps places free.
    pub(super) fn cost(origin: OriginRef<'_>) -> usize {
        2 * (size_of::<Self>() + 1) + origin.id_bytes() + Rate::BYTES
    }

    pub(super) fn record(
        &mut self,
        record: &RecordRef<'_>,
        now_ms: u64,
        hasher: &DefaultHashBuilder,
        room: &mut Room,
    ) -> Recorded {
        self.rate.add(record.datapoints.len() as u64);
        self.learn(record, room);
        let tags = OwnTags::of(record.tags, hasher);
        let mut set = self.tags.find(tags.hash, |set| tags.are(set)).cloned();
        let mut recorded = Recorded::default();
        for datapoint in record.datapoints {
            let hash = hasher.hash_one((datapoint.name, tags.hash));
            let known = set.as_ref().and_then(|set| {
                self.series.find_mut(hash, |series| {
                    *series.name == *datapoint.name && Arc::ptr_eq(&series.tags, set)
                })
            });
            if let Some(series) = known {
                series.value = datapoint.value;
                series.time_ms = datapoint.time_ms;
                series.seen_ms = now_ms;
            } else if !self.create(datapoint, (hash, now_ms), tags, &mut set, hasher, room) {
                recorded.refused += 1;
                continue;
            }
            recorded.taken += 1;
        }
        recorded
    }

    /// Takes over identity tags that are new or have changed.
    fn learn(&mut self, record: &RecordRef<'_>, room: &mut Room) {
        let mut seen = [false; Dimension::ALL.len()];
        for tag in record.tags {
            let Some(dimension) = Dimension::of(tag.key) else {
                continue;
            };
            let index = dimension as usize;
            let known = &mut self.dimensions[index];
            if std::mem::replace(&mut seen[index], true)
                || tag.value.is_empty()
                || known.as_deref() == Some(tag.value)
            {
                continue;
            }
            if room.take(tag.value.len()) {
                room.give(known.as_ref().map_or(0, |value| value.len()));
                *known = Some(tag.value.into());
            }
        }
    }

    /// Makes a series for `datapoint`, and `set` for its tags if there is none, unless there is no room.
    #[cold]
    fn create(
        &mut self,
        datapoint: &DatapointRef<'_>,
        (hash, now_ms): (u64, u64),
        tags: OwnTags<'_>,
        set: &mut Option<Arc<TagSet>>,
        hasher: &DefaultHashBuilder,
        room: &mut Room,
    ) -> bool {
        let set_bytes = if set.is_none() { tags.cost() } else { 0 };
        if !room.take(set_bytes) {
            return false;
        }
        if !room.take_series(Series::cost(datapoint.name)) {
            room.give(set_bytes);
            return false;
        }
        let set = set.get_or_insert_with(|| {
            let set = Arc::new(tags.to_set());
            self.tags
                .insert_unique(set.hash, Arc::clone(&set), |set| set.hash);
            set
        });
        let series = Series {
            name: datapoint.name.into(),
            tags: Arc::clone(set),
            value: datapoint.value,
            time_ms: datapoint.time_ms,
            seen_ms: now_ms,
        };
        self.series
            .insert_unique(hash, series, |series| series.hash(hasher));
        true
    }

    pub(super) fn sample(&mut self, elapsed: Duration) {
        self.rate.sample(elapsed);
    }

    /// Forgets series that were not updated since then, and says whether any is left.
    pub(super) fn sweep(&mut self, since_ms: u64, hasher: &DefaultHashBuilder, room: &mut Room) -> bool {
        self.series.retain(|series| {
            let kept = series.seen_ms >= since_ms;
            if !kept {
                room.give_series(Series::cost(&series.name));
            }
            kept
        });
        self.tags.retain(|set| {
            let kept = Arc::strong_count(set) > 1;
            if !kept {
                room.give(set.bytes());
            }
            kept
        });
        if self.series.is_empty() {
            let dimensions: usize = self.dimensions.iter().flatten().map(|value| value.len()).sum();
            room.give(Self::cost(self.origin.borrowed()) + dimensions);
            return false;
        }
        // Or every container could keep the memory of its best days.
        if self.series.capacity() > 4 * self.series.len() {
            self.series.shrink_to_fit(|series| series.hash(hasher));
            self.tags.shrink_to_fit(|set| set.hash);
        }
        true
    }

    /// Copies the series that were updated since then and whose names are wanted, in no order.
    pub(super) fn show(&self, since_ms: u64, wanted: impl Fn(&str) -> bool) -> Shown {
        let datapoints = (self.series.iter())
            .filter(|series| series.seen_ms >= since_ms && wanted(&series.name))
            .map(|series| ShownDatapoint {
                name: Arc::clone(&series.name),
                value: series.value,
                time_ms: series.time_ms,
                tags: Arc::clone(&series.tags),
            })
            .collect();
        Shown {
            dimensions: self.dimensions.clone(),
            datapoints,
        }
    }

    pub(super) fn rate(&self) -> SourceRate {
        let first = |dimensions: &[Dimension]| {
            let known = |dimension: &Dimension| self.dimensions[*dimension as usize].as_deref();
            dimensions.iter().find_map(known).map(str::to_owned)
        };
        SourceRate {
            origin: self.origin.clone(),
            task_name: first(&[
                Dimension::TaskName,
                Dimension::ApplicationName,
                Dimension::TaskId,
                Dimension::ExecutorId,
            ]),
            framework: first(&[Dimension::FrameworkName, Dimension::FrameworkId]),
            series: self.series.len(),
            history: self.rate.history(),
        }
    }
}

impl Series {
    /// The memory that a series takes, in bytes: twice its place, as a table keeps places free, and its name.
    fn cost(name: &str) -> usize {
        2 * (size_of::<Self>() + 1) + 2 * size_of::<usize>() + name.len()
    }

    fn hash(&self, hasher: &DefaultHashBuilder) -> u64 {
        hasher.hash_one((&*self.name, self.tags.hash))
    }
}
