//! The list of metrics that is sent.

use stats_examples::Memory;
use stats_schema::{Datapoint, MetricList, MetricType, Tag};
use std::io;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Time, memory and ids of this process, with the tags `hostname` and `pid`.
pub(crate) fn about_this_process(topic: &str, start: Instant) -> io::Result<MetricList> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let Memory {
        alloc,
        total_alloc,
        sys,
        lookups,
        mallocs,
        frees,
    } = Memory::now()?;
    let pid = std::process::id();
    let values = [
        ("time.unix", now.as_secs() as f64),
        ("time.unix_ms", now.as_millis() as f64),
        ("time.uptime_ms", start.elapsed().as_millis() as f64),
        ("mem.alloc", alloc as f64),
        ("mem.total_alloc", total_alloc as f64),
        ("mem.sys", sys as f64),
        ("mem.lookups", lookups as f64),
        ("mem.mallocs", mallocs as f64),
        ("mem.frees", frees as f64),
        ("proc.pid", f64::from(pid)),
        ("proc.uid", f64::from(rustix::process::getuid().as_raw())),
    ];
    let datapoints = values.map(|(name, value)| Datapoint {
        name: name.to_owned(),
        time_ms,
        value,
        metric_type: MetricType::Gauge,
        sample_rate: 1.0,
        text: None,
    });
    let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let tags = [("hostname", hostname), ("pid", pid.to_string())];
    Ok(MetricList {
        topic: topic.to_owned(),
        tags: tags
            .map(|(key, value)| Tag {
                key: key.to_owned(),
                value,
            })
            .into(),
        datapoints: datapoints.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `reference/metrics.md` 4.2.
    #[test]
    fn names_are_those_of_the_old_emitter() {
        let list = about_this_process("t", Instant::now()).unwrap();
        let names: Vec<_> = list
            .datapoints
            .iter()
            .map(|datapoint| datapoint.name.as_str())
            .collect();
        assert_eq!(
            names.join(" "),
            "time.unix time.unix_ms time.uptime_ms mem.alloc mem.total_alloc mem.sys mem.lookups mem.mallocs mem.frees \
             proc.pid proc.uid"
        );
        let tags: Vec<_> = list.tags.iter().map(|tag| tag.key.as_str()).collect();
        assert_eq!((list.topic.as_str(), tags), ("t", vec!["hostname", "pid"]));
        assert_eq!(list.tags[1].value, std::process::id().to_string());
    }
}
