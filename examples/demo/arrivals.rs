//! What has arrived here, at both ends of the path, container by container.

use crate::reports::Arrived;
use serde::Deserialize;
use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Names that begin so are the module's own metrics, not a task's.
const MODULE: &str = "dcos.metrics.module.";

/// One end of the path.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// Lines or datapoints of each container's task, in the order of [`Arrivals::containers`].
    pub(crate) tasks: Vec<AtomicU64>,
    /// Those the module made itself.
    pub(crate) module: AtomicU64,
    /// Those that name no container of the demo, or cannot be read. There should be none.
    pub(crate) stray: AtomicU64,
    /// Datagrams, where there are any.
    pub(crate) datagrams: AtomicU64,
}

/// Both ends.
#[derive(Debug)]
pub(crate) struct Arrivals {
    pub(crate) containers: Vec<&'static str>,
    pub(crate) statsd: End,
    pub(crate) collector: End,
}

/// What is of interest in a line of the collector.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    tags: Vec<Tag<'a>>,
    #[serde(borrow)]
    datapoints: Vec<Datapoint<'a>>,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Datapoint<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl End {
    fn new(containers: usize) -> Self {
        Self {
            tasks: (0..containers).map(|_| AtomicU64::new(0)).collect(),
            ..Self::default()
        }
    }

    fn count(&self, name: &str, container: Option<usize>) {
        let counter = match container.and_then(|index| self.tasks.get(index)) {
            _ if name.starts_with(MODULE) => &self.module,
            Some(task) => task,
            None => &self.stray,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// The counts as they are now.
    pub(crate) fn arrived(&self) -> Arrived {
        Arrived {
            tasks: self.tasks.iter().map(|task| task.load(Relaxed)).collect(),
            module: self.module.load(Relaxed),
            stray: self.stray.load(Relaxed),
            datagrams: self.datagrams.load(Relaxed),
        }
    }
}

impl Arrivals {
    pub(crate) fn new(containers: &[&'static str]) -> Self {
        Self {
            containers: containers.into(),
            statsd: End::new(containers.len()),
            collector: End::new(containers.len()),
        }
    }

    /// Counts the lines of a StatsD datagram by their DogStatsD tag `container_id`.
    pub(crate) fn count_datagram(&self, datagram: &[u8]) {
        self.statsd.datagrams.fetch_add(1, Relaxed);
        for line in datagram
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let line = String::from_utf8_lossy(line);
            let tag = line
                .split(['|', ',', '#'])
                .find_map(|part| part.strip_prefix("container_id:"));
            self.statsd.count(&line, tag.and_then(|id| self.container(id)));
        }
    }

    /// Counts the datapoints of the collector's JSON lines, to the end of the stream.
    pub(crate) fn count_json_lines(&self, stream: impl Read) {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let Ok(record) = serde_json::from_slice::<Record<'_>>(&line) else {
                self.collector.stray.fetch_add(1, Relaxed);
                continue;
            };
            let tag = record.tags.iter().find(|tag| tag.key == "container_id");
            let container = tag.and_then(|tag| self.container(&tag.value));
            record
                .datapoints
                .iter()
                .for_each(|datapoint| self.collector.count(&datapoint.name, container));
        }
    }

    fn container(&self, id: &str) -> Option<usize> {
        self.containers.iter().position(|container| *container == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(end: &End) -> (Vec<u64>, u64, u64) {
        let Arrived {
            tasks, module, stray, ..
        } = end.arrived();
        (tasks, module, stray)
    }

    #[test]
    fn statsd_lines_by_container() {
        let arrivals = Arrivals::new(&["a", "b"]);
        arrivals.count_datagram(
            b"x:1|c|#own:1,framework_id:f,executor_id:e,container_id:a\nx:1|g|#container_id:b|T1\n\
              dcos.metrics.module.y:1|g|#container_id:a\nx:1|c\nx:1|c|#container_id:other\nx:1|c|#container_id:b",
        );
        assert_eq!(counts(&arrivals.statsd), (vec![1, 2], 1, 2));
        assert_eq!(arrivals.statsd.arrived().datagrams, 1);
    }

    #[test]
    fn datapoints_by_container() {
        let arrivals = Arrivals::new(&["a"]);
        let lines = concat!(
            r#"{"topic":"f","tags":[{"key":"container_id","value":"a"}],"datapoints":[{"name":"x\n"},{"name":"y"}]}"#,
            "\n",
            r#"{"topic":"f","tags":[],"datapoints":[{"name":"x"},{"name":"dcos.metrics.module.y"}]}"#,
            "\nno json\n"
        );
        arrivals.count_json_lines(lines.as_bytes());
        assert_eq!(counts(&arrivals.collector), (vec![2], 1, 2));
    }
}
