//! Copies of what a store holds.

use super::dimension::Dimension;
use super::tags::TagSet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of the node or a container.
#[derive(Debug)]
pub struct Shown {
    pub(super) dimensions: [Option<Arc<str>>; Dimension::ALL.len()],
    /// By name, then by tags.
    pub datapoints: Vec<ShownDatapoint>,
}

/// The last datapoint of a series.
#[derive(Debug)]
pub struct ShownDatapoint {
    /// The metric's name.
    pub name: Arc<str>,
    /// As it was sent, in the unit it was sent in.
    pub value: f64,
    /// Milliseconds since the Unix epoch, as the sender said.
    pub time_ms: i64,
    pub(super) tags: Arc<TagSet>,
}

impl Shown {
    /// An identity tag, if it is known and not empty.
    #[must_use]
    pub fn dimension(&self, dimension: Dimension) -> Option<&str> {
        self.dimensions[dimension as usize].as_deref()
    }

    pub(super) fn sort(&mut self) {
        self.datapoints.sort_by(|one, other| {
            (one.name.cmp(&other.name)).then_with(|| {
                if Arc::ptr_eq(&one.tags, &other.tags) {
                    std::cmp::Ordering::Equal
                } else {
                    one.tags().cmp(&other.tags())
                }
            })
        });
    }
}

impl ShownDatapoint {
    /// Its own tags. Of several with one key the alphabetically first value counts, because the order in which they were sent is
    /// not part of a series.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<&str, &str> {
        let mut tags = BTreeMap::new();
        for (key, value) in &self.tags.tags {
            let kept = tags.entry(&**key).or_insert(&**value);
            *kept = (*kept).min(&**value);
        }
        tags
    }
}
