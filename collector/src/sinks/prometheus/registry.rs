//! All series, and the one lock around them.

use super::families::{Families, Kind, Place};
use super::format::Format;
use super::labels::{LabelSets, label_text};
use super::recorded::{Recorded, Refusal};
use super::render::{self, Row};
use super::series::{Sample, Series};
use super::shown::Sketched;
use hashbrown::{DefaultHashBuilder, HashTable};
use stats_schema::{DatapointRef, RecordRef, TagRef};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Of the bytes allowed, one in this many is for each of the two caches of spellings.
const ALIAS_SHARE: usize = 8;
/// Expired series are looked for this many times in the time after which one expires.
const SWEEPS: u64 = 10;

/// What a [`Registry`] may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Series.
    pub series: usize,
    /// Memory in bytes, reckoned from the size of what is kept; the allocator needs some more.
    pub bytes: usize,
    /// How long a series stays without a datapoint.
    pub expiry: Duration,
}

/// The series of all metrics. One thread records while others render.
#[derive(Debug)]
pub struct Registry {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    series: HashTable<Series>,
    hasher: DefaultHashBuilder,
    families: Families,
    labels: LabelSets,
    /// Memory that series take, in bytes, without families and labels.
    series_bytes: usize,
    max_series: usize,
    max_bytes: usize,
    expiry_ms: u64,
    next_sweep_ms: u64,
}

/// The label set of a record, as far as it had to be found out.
struct Labels<'a> {
    tags: &'a [TagRef<'a>],
    number: Option<u64>,
    text: Option<String>,
}

impl Labels<'_> {
    fn text(&mut self) -> Result<&str, Refusal> {
        match &mut self.text {
            Some(text) => Ok(text),
            unknown => Ok(unknown.insert(label_text(self.tags)?)),
        }
    }
}

impl Registry {
    /// An empty registry. No time handed to it later may be before `now`.
    #[must_use]
    pub fn new(limits: Limits, now: Instant) -> Self {
        let alias_bytes = limits.bytes / ALIAS_SHARE;
        Self {
            began: now,
            state: Mutex::new(State {
                series: HashTable::new(),
                hasher: DefaultHashBuilder::default(),
                families: Families::new(alias_bytes),
                labels: LabelSets::new(alias_bytes),
                series_bytes: 0,
                max_series: limits.series,
                max_bytes: limits.bytes - 2 * alias_bytes,
                expiry_ms: milliseconds(limits.expiry),
                next_sweep_ms: 0,
            }),
        }
    }

    /// Keeps names from being used, for families that others write to the same page.
    pub fn reserve<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        let mut state = self.lock();
        for name in names {
            state.families.reserve(name);
        }
    }

    /// Takes the datapoints of a record that arrived at `now`. Never waits for a page to be formatted.
    pub fn record(&self, record: &RecordRef<'_>, now: Instant) -> Recorded {
        let now_ms = self.since(now);
        let mut recorded = Recorded::default();
        let mut state = self.lock();
        if now_ms >= state.next_sweep_ms {
            state.sweep(now_ms);
        }
        let mut labels = Labels {
            tags: record.tags,
            number: state.labels.known(record.tags),
            text: None,
        };
        for datapoint in record.datapoints {
            match state.take(&mut labels, datapoint, now_ms) {
                Ok(sketched) => {
                    recorded.taken += 1;
                    recorded.unsketched += u64::from(sketched == Sketched::No);
                }
                Err(refusal) => recorded.refuse(refusal),
            }
        }
        recorded
    }

    /// Appends all series that have not expired at `now`, and for OpenMetrics the end of the page: what else the page
    /// shall show has to be in `page` before.
    pub fn render(&self, format: Format, now: Instant, page: &mut String) {
        let rows = self.rows(now);
        render::render(rows, format, page);
    }

    /// How many series there are, expired ones included that were not looked for yet.
    #[must_use]
    pub fn series(&self) -> usize {
        self.lock().series.len()
    }

    /// The memory that the series take, in bytes, without the caches of spellings, which are a quarter of
    /// [`Limits::bytes`] at most.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes()
    }

    fn rows(&self, now: Instant) -> Vec<Row> {
        let now_ms = self.since(now);
        let mut state = self.lock();
        state.sweep(now_ms);
        let State {
            series, series_bytes, ..
        } = &mut *state;
        series
            .iter_mut()
            .map(|series| {
                // Showing it may end its minute, and free the sketch.
                *series_bytes -= series.grown();
                let shown = series.show(now_ms);
                *series_bytes += series.grown();
                Row {
                    family: Arc::clone(&series.family),
                    labels: Arc::clone(&series.labels),
                    shown,
                }
            })
            .collect()
    }

    fn since(&self, now: Instant) -> u64 {
        milliseconds(now.saturating_duration_since(self.began))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Should a sketch panic, the page lacks a datapoint; everything else is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn bytes(&self) -> usize {
        self.series_bytes + self.families.bytes() + self.labels.bytes()
    }

    fn take(
        &mut self,
        labels: &mut Labels<'_>,
        datapoint: &DatapointRef<'_>,
        now_ms: u64,
    ) -> Result<Sketched, Refusal> {
        let sample = Sample::of(datapoint)?;
        let kind = Kind::of(datapoint.metric_type);
        if let Some(labels) = labels.number
            && let Some(family) = self.families.known(datapoint.name, kind)
            && let Some(result) = self.add((family, labels), sample, now_ms)
        {
            return result;
        }
        let key = self.find_or_create(labels, datapoint, now_ms)?;
        // It is there now.
        self.add(key, sample, now_ms).unwrap_or(Err(Refusal::SeriesLimit))
    }

    /// Adds a sample to the series with this key, if there is one.
    fn add(&mut self, key: (u64, u64), sample: Sample<'_>, now_ms: u64) -> Option<Result<Sketched, Refusal>> {
        let spare = self.max_bytes.saturating_sub(self.bytes());
        let series = self
            .series
            .find_mut(self.hasher.hash_one(key), |series| series.key == key)?;
        self.series_bytes -= series.grown();
        if now_ms.saturating_sub(series.updated_ms) > self.expiry_ms {
            series.reset(now_ms);
        }
        let result = series.add(sample, now_ms, spare);
        self.series_bytes += series.grown();
        Some(result)
    }

    /// The key of the datapoint's series, which exists then.
    #[cold]
    fn find_or_create(
        &mut self,
        labels: &mut Labels<'_>,
        datapoint: &DatapointRef<'_>,
        now_ms: u64,
    ) -> Result<(u64, u64), Refusal> {
        let kind = Kind::of(datapoint.metric_type);
        let place = self.families.place(datapoint.name, kind)?;
        let tags = labels.tags;
        let text = labels.text()?;
        let set = self.labels.find(text).cloned();
        if let (Place::Exists(family), Some(set)) = (&place, &set) {
            let key = (family.number, set.number);
            let hash = self.hasher.hash_one(key);
            if self.series.find(hash, |series| series.key == key).is_some() {
                self.families.remember(datapoint.name, kind, family.number);
                self.labels.remember(tags, set.number);
                labels.number = Some(set.number);
                return Ok(key);
            }
        }
        if self.series.len() >= self.max_series {
            return Err(Refusal::SeriesLimit);
        }
        let mut cost = Series::cost(kind);
        if let Place::Free(name) = &place {
            cost += Families::cost(name, kind);
        }
        if set.is_none() {
            cost += LabelSets::cost(text);
        }
        if self.bytes() + cost > self.max_bytes {
            return Err(Refusal::Memory);
        }
        let family = match place {
            Place::Exists(family) => family,
            Place::Free(name) => self.families.create(&name, datapoint.name, datapoint.metric_type),
        };
        let set = set.unwrap_or_else(|| self.labels.create(text));
        self.families.remember(datapoint.name, kind, family.number);
        self.labels.remember(tags, set.number);
        labels.number = Some(set.number);
        let series = Series::new(family, set, now_ms);
        let key = series.key;
        self.series_bytes += series.bytes();
        let hasher = &self.hasher;
        self.series
            .insert_unique(hasher.hash_one(key), series, |series| hasher.hash_one(series.key));
        Ok(key)
    }

    /// Forgets what has expired.
    fn sweep(&mut self, now_ms: u64) {
        self.next_sweep_ms = now_ms + (self.expiry_ms / SWEEPS).max(1);
        let before = self.series.len();
        self.series.retain(|series| {
            let expired = now_ms.saturating_sub(series.updated_ms) > self.expiry_ms;
            if expired {
                self.series_bytes -= series.bytes();
            }
            !expired
        });
        if self.series.len() < before {
            self.families.sweep();
            self.labels.sweep();
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
