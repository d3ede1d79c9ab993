//! Decoded records on their way to the sinks.
//!
//! A batch holds what one read of a connection brought. It costs a handful of allocations whatever is in it: all texts
//! lie in one buffer, and records, tags and datapoints refer to them by position. What a record has in common with the
//! one before it, which in a stream of the module is the topic and the identity tags, is stored once.

use stats_schema::{DatapointRef, MetricList, MetricType, RecordRef, TagRef};
use std::mem::size_of;

/// Records, in order of arrival.
#[derive(Debug, Default)]
pub struct Batch {
    text: String,
    tags: Vec<StoredTag>,
    datapoints: Vec<StoredDatapoint>,
    records: Vec<StoredRecord>,
}

/// Where a text lies in [`Batch::text`].
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    len: u32,
}

#[derive(Clone, Copy, Debug)]
struct StoredTag {
    key: Span,
    value: Span,
}

#[derive(Debug)]
struct StoredDatapoint {
    name: Span,
    time_ms: i64,
    value: f64,
    metric_type: MetricType,
    sample_rate: f64,
    text: Option<Span>,
}

/// Its tags and datapoints begin where those of the record before it end.
#[derive(Clone, Copy, Debug)]
struct StoredRecord {
    topic: Span,
    tags_end: usize,
    datapoints_end: usize,
}

impl Batch {
    /// Appends a copy of `record`.
    pub(crate) fn push(&mut self, record: &RecordRef<'_>) {
        let before = self.records.last().copied();
        let mut tags_before = match self.records.as_slice() {
            [.., second_last, last] => second_last.tags_end..last.tags_end,
            [only] => 0..only.tags_end,
            [] => 0..0,
        };
        let topic = self.shared(before.map(|before| before.topic), record.topic);
        for tag in record.tags {
            let before = tags_before.next().map(|index| self.tags[index]);
            let key = self.shared(before.map(|before| before.key), tag.key);
            let value = self.shared(before.map(|before| before.value), tag.value);
            self.tags.push(StoredTag { key, value });
        }
        self.datapoints.reserve(record.datapoints.len());
        for datapoint in record.datapoints {
            let name = self.store(datapoint.name);
            let text = datapoint.text.map(|text| self.store(text));
            self.datapoints.push(StoredDatapoint {
                name,
                time_ms: datapoint.time_ms,
                value: datapoint.value,
                metric_type: datapoint.metric_type,
                sample_rate: datapoint.sample_rate,
                text,
            });
        }
        self.records.push(StoredRecord {
            topic,
            tags_end: self.tags.len(),
            datapoints_end: self.datapoints.len(),
        });
    }

    /// Shows every record.
    ///
    /// # Errors
    ///
    /// The first error that `show` returns; the records after that one are not shown.
    pub fn try_for_each<E>(&self, mut show: impl FnMut(RecordRef<'_>) -> Result<(), E>) -> Result<(), E> {
        let (mut tags, mut datapoints) = (Vec::new(), Vec::new());
        let (mut tags_start, mut datapoints_start) = (0, 0);
        for record in &self.records {
            tags.clear();
            tags.extend(self.tags[tags_start..record.tags_end].iter().map(|tag| TagRef {
                key: self.get(tag.key),
                value: self.get(tag.value),
            }));
            datapoints.clear();
            datapoints.extend(
                self.datapoints[datapoints_start..record.datapoints_end]
                    .iter()
                    .map(|datapoint| DatapointRef {
                        name: self.get(datapoint.name),
                        time_ms: datapoint.time_ms,
                        value: datapoint.value,
                        metric_type: datapoint.metric_type,
                        sample_rate: datapoint.sample_rate,
                        text: datapoint.text.map(|text| self.get(text)),
                    }),
            );
            show(RecordRef {
                topic: self.get(record.topic),
                tags: &tags,
                datapoints: &datapoints,
            })?;
            (tags_start, datapoints_start) = (record.tags_end, record.datapoints_end);
        }
        Ok(())
    }

    /// How many records there are.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// How many datapoints all records have together.
    #[must_use]
    pub fn datapoints(&self) -> usize {
        self.datapoints.len()
    }

    /// The memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.text.capacity()
            + self.tags.capacity() * size_of::<StoredTag>()
            + self.datapoints.capacity() * size_of::<StoredDatapoint>()
            + self.records.capacity() * size_of::<StoredRecord>()
    }

    /// The span `before` if it holds the same text, or a new one.
    fn shared(&mut self, before: Option<Span>, text: &str) -> Span {
        match before {
            Some(span) if self.get(span) == text => span,
            _ => self.store(text),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a batch is cut long before, and a record is no larger than a block, which has at most 1 GiB"
    )]
    fn store(&mut self, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Span {
            start,
            len: text.len() as u32,
        }
    }

    fn get(&self, span: Span) -> &str {
        let start = span.start as usize;
        &self.text[start..start + span.len as usize]
    }
}

impl FromIterator<MetricList> for Batch {
    fn from_iter<T: IntoIterator<Item = MetricList>>(lists: T) -> Self {
        let mut batch = Self::default();
        for list in lists {
            let tags: Vec<_> = list.tags.iter().map(TagRef::from).collect();
            let datapoints: Vec<_> = list.datapoints.iter().map(DatapointRef::from).collect();
            batch.push(&RecordRef {
                topic: &list.topic,
                tags: &tags,
                datapoints: &datapoints,
            });
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats_schema::{Datapoint, Tag};
    use std::convert::Infallible;

    fn list(topic: &str, tags: &[(&str, &str)], names: &[&str]) -> MetricList {
        MetricList {
            topic: topic.into(),
            tags: tags
                .iter()
                .map(|(key, value)| Tag {
                    key: (*key).into(),
                    value: (*value).into(),
                })
                .collect(),
            datapoints: names
                .iter()
                .map(|name| Datapoint {
                    name: (*name).into(),
                    time_ms: 7,
                    value: 0.5,
                    metric_type: MetricType::Set,
                    sample_rate: 0.1,
                    text: name.starts_with('t').then(|| "mémber".into()),
                })
                .collect(),
        }
    }

    fn batch(lists: &[MetricList]) -> Batch {
        lists.iter().cloned().collect()
    }

    #[test]
    fn returns_what_was_pushed() {
        let identity = [("framework_id", "f"), ("executor_id", "e")];
        let lists = [
            list("f", &identity, &["a", "tb"]),
            list("f", &[identity[0], identity[1], ("own", "ü")], &["c"]),
            list("f", &[("own", "ü")], &[]),
            list("", &[], &["", "a"]),
            list("f", &identity, &["a"]),
        ];
        let batch = batch(&lists);
        let mut shown = Vec::new();
        batch
            .try_for_each(|record| {
                shown.push(record.to_owned());
                Ok::<(), Infallible>(())
            })
            .unwrap();
        assert_eq!(shown, lists);
        assert_eq!((batch.records(), batch.datapoints()), (5, 6));
    }

    #[test]
    fn what_neighbours_share_is_stored_once() {
        let identity = [("framework_id", "f"), ("executor_id", "e")];
        let one = batch(&[list("f", &identity, &["a"])]).text.len();
        let three = batch(&[
            list("f", &identity, &["a"]),
            list("f", &identity, &["b"]),
            list("f", &identity, &["c"]),
        ]);
        assert_eq!(three.text.len(), one + 2);
    }

    #[test]
    fn an_error_ends_the_showing() {
        let mut shown = 0;
        let result = batch(&[list("a", &[], &[]), list("b", &[], &[])]).try_for_each(|_| {
            shown += 1;
            Err("full")
        });
        assert_eq!((result, shown), (Err("full"), 1));
    }
}
