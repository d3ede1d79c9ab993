//! Decoded records on their way to the sinks.
//!
//! A batch holds what one read of a connection brought. It costs a handful of allocations whatever is in it: all texts
//! lie in one buffer, and records, tags and datapoints refer to them by position. What a record has in common with the
//! one before it, which in a stream of the module is the topic and the identity tags, is stored once.

use stats_schema::{DatapointRef, MetricList, MetricType, RecordRef, Tag, TagRef};
use std::mem::size_of;
use std::sync::Arc;

/// Records, in order of arrival.
#[derive(Debug, Default)]
pub struct Batch {
    text: String,
    tags: Vec<StoredTag>,
    datapoints: Vec<StoredDatapoint>,
    records: Vec<StoredRecord>,
    /// What [`Batch::tag`] added, for each run of records that come from the same place.
    added: Vec<Arc<[Tag]>>,
    /// The memory of those, as if no other batch shared them.
    added_bytes: usize,
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
    /// Where in [`Batch::added`] its additional tags are.
    added: Option<usize>,
}

/// Where a record says it comes from; empty where it does not say. Of equal keys the first counts, which for a record
/// of the module is the module's own and not one that a task made up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Origin<'a> {
    /// The framework's id.
    pub(crate) framework: &'a str,
    /// The executor's id.
    pub(crate) executor: &'a str,
    /// The container's id.
    pub(crate) container: &'a str,
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
            added: None,
        });
    }

    /// Adds tags to every record: those that `find` returns for its origin, behind those it has. `find` is called once
    /// for neighbours of the same origin. What was added before is replaced.
    ///
    /// A record of a container loses tags of its own that have the key of an added one, or a task could pretend to be
    /// another one; any other record keeps its own and gets only those whose keys it does not have. Returns how many
    /// tags were lost in this way.
    pub(crate) fn tag(&mut self, mut find: impl FnMut(Origin<'_>) -> Arc<[Tag]>) -> u64 {
        let Self {
            text,
            tags,
            records,
            added,
            added_bytes,
            ..
        } = self;
        added.clear();
        let mut before = None;
        let (mut read, mut written) = (0, 0);
        for record in records {
            let own = read..record.tags_end;
            let origin = origin(text, &tags[own.clone()]);
            if before != Some(origin) {
                added.push(find(origin));
            }
            before = Some(origin);
            let clashes = |tag: &StoredTag, other: &Tag| get(text, tag.key) == other.key;
            let ours = &added[added.len() - 1];
            if origin.container.is_empty() {
                let theirs = &tags[own.clone()];
                if ours.iter().any(|our| theirs.iter().any(|tag| clashes(tag, our))) {
                    let ours = ours
                        .iter()
                        .filter(|our| !theirs.iter().any(|tag| clashes(tag, our)));
                    added.push(ours.cloned().collect());
                    before = None;
                }
                tags.copy_within(own.clone(), written);
                written += own.len();
            } else {
                for index in own.clone() {
                    let tag = tags[index];
                    if !ours.iter().any(|our| clashes(&tag, our)) {
                        tags[written] = tag;
                        written += 1;
                    }
                }
            }
            read = own.end;
            record.tags_end = written;
            record.added = Some(added.len() - 1);
        }
        let lost = tags.len() - written;
        tags.truncate(written);
        let bytes = |tag: &Tag| size_of::<Tag>() + tag.key.len() + tag.value.len();
        *added_bytes = added.iter().flat_map(|tags| tags.iter()).map(bytes).sum();
        lost as u64
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
            tags.extend(
                record
                    .added
                    .iter()
                    .flat_map(|added| &*self.added[*added])
                    .map(TagRef::from),
            );
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
            + self.added_bytes
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
        get(&self.text, span)
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

fn get(text: &str, span: Span) -> &str {
    let start = span.start as usize;
    &text[start..start + span.len as usize]
}

fn origin<'a>(text: &'a str, tags: &[StoredTag]) -> Origin<'a> {
    let mut origin = [None; 3];
    for tag in tags {
        let place = match get(text, tag.key) {
            "framework_id" => 0,
            "executor_id" => 1,
            "container_id" => 2,
            _ => continue,
        };
        origin[place].get_or_insert(get(text, tag.value));
    }
    let [framework, executor, container] = origin.map(Option::unwrap_or_default);
    Origin {
        framework,
        executor,
        container,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats_schema::Datapoint;
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
        assert_eq!(shown(&batch), lists);
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

    fn shown(batch: &Batch) -> Vec<MetricList> {
        let mut shown = Vec::new();
        let Ok(()) = batch.try_for_each(|record| {
            shown.push(record.to_owned());
            Ok::<(), Infallible>(())
        });
        shown
    }

    #[test]
    fn tags_are_added_for_each_origin_and_cannot_be_made_up() {
        let one = [("framework_id", "f"), ("executor_id", "e"), ("container_id", "1")];
        let two = [("framework_id", "f"), ("executor_id", "e"), ("container_id", "2")];
        let with = |identity: &[(&'static str, &'static str)], own: &[(&'static str, &'static str)]| {
            list("f", &[identity, own].concat(), &["n"])
        };
        let mut batch = batch(&[
            with(&one, &[("own", "x")]),
            with(&one, &[("agent", "fake"), ("own", "y"), ("container_id", "2")]),
            with(&two, &[]),
            with(&[], &[("agent", "mine")]),
            with(&[], &[]),
            with(&one, &[]),
        ]);
        for round in ["a", "b"] {
            let mut asked = Vec::new();
            let lost = batch.tag(|origin| {
                asked.push(origin.container.to_owned());
                [("agent", round.to_owned()), ("of", origin.container.to_owned())]
                    .map(|(key, value)| Tag {
                        key: key.into(),
                        value,
                    })
                    .into()
            });
            // A tag that was lost stays so.
            assert_eq!(lost, u64::from(round == "a"));
            assert_eq!(asked, ["1", "2", "", "", "1"]);
            let expected = [
                with(&one, &[("own", "x"), ("agent", round), ("of", "1")]),
                with(
                    &one,
                    &[("own", "y"), ("container_id", "2"), ("agent", round), ("of", "1")],
                ),
                with(&two, &[("agent", round), ("of", "2")]),
                with(&[], &[("agent", "mine"), ("of", "")]),
                with(&[], &[("agent", round), ("of", "")]),
                with(&one, &[("agent", round), ("of", "1")]),
            ];
            assert_eq!(shown(&batch), expected);
        }
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
