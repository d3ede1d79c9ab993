//! `GET /metrics/snapshot` and the call `GET_METRICS`: how the agent itself is doing.

use super::{AgentApi, BadData, MAX_VALUES, Measured, json};
use serde::Deserialize;
use serde_json::value::RawValue;
use stats_schema::{Datapoint, MetricList, MetricType};

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    get_metrics: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metrics<'a> {
    #[serde(borrow)]
    metrics: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metric<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// Reads an answer: one list without tags, `slave/cpus_used` being `dcos.metrics.agent.slave.cpus_used`
/// (`reference/metrics.md` 2.4). `time_ms` is the time of all values, in milliseconds since the Unix epoch, because the
/// answer has none. All are gauges, as in [`super::containers`].
///
/// # Errors
///
/// When the answer is not of the expected shape, or has no number in it.
pub fn snapshot(api: AgentApi, answer: &str, topic: &str, time_ms: i64) -> Result<Measured, BadData> {
    let mut datapoints = Vec::new();
    let mut unsupported = 0;
    let mut take = |key: &str, value: &RawValue| match json::number(value) {
        Some(value) if datapoints.len() < MAX_VALUES && key.len() <= json::MAX_TEXT_BYTES => {
            datapoints.push(Datapoint {
                name: format!("dcos.metrics.agent.{}", key.replace('/', ".")),
                time_ms,
                value,
                metric_type: MetricType::Gauge,
                sample_rate: 1.0,
                text: None,
            });
        }
        _ => unsupported += 1,
    };
    match api {
        AgentApi::Rest => json::members(answer, |key, value| take(&key, value))?,
        AgentApi::V1 => {
            let mut nameless = 0;
            json::elements(v1_metrics(answer)?, |metric| {
                let metric: Option<Metric> = json::object(metric);
                match metric.and_then(|metric| Some((json::text(metric.name)?, metric.value?))) {
                    Some((name, value)) => take(&name, value),
                    None => nameless += 1,
                }
            })?;
            unsupported += nameless;
        }
    }
    if datapoints.is_empty() {
        return Err(BadData::Empty);
    }
    Ok(Measured {
        values: datapoints.len() as u64,
        lists: vec![MetricList {
            topic: topic.to_owned(),
            tags: Vec::new(),
            datapoints,
        }],
        unsupported,
        ..Measured::default()
    })
}

fn v1_metrics(answer: &str) -> Result<&str, BadData> {
    let answer: Answer = serde_json::from_str(answer)?;
    let metrics: Option<Metrics> = answer.get_metrics.and_then(json::object);
    let metrics = metrics.and_then(|metrics| metrics.metrics);
    Ok(metrics.ok_or(BadData::Missing("metrics"))?.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(api: AgentApi, answer: &str) -> Result<(Vec<(String, f64)>, u64), BadData> {
        let measured = snapshot(api, answer, "agent", 5)?;
        let [list] = measured.lists.as_slice() else {
            panic!("{answer}: {:?}", measured.lists)
        };
        assert_eq!((list.topic.as_str(), list.tags.len()), ("agent", 0));
        assert_eq!(measured.values, list.datapoints.len() as u64);
        assert!(list.datapoints.iter().all(|datapoint| {
            (datapoint.time_ms, datapoint.metric_type, datapoint.sample_rate) == (5, MetricType::Gauge, 1.0)
        }));
        let values = list
            .datapoints
            .iter()
            .map(|datapoint| (datapoint.name.clone(), datapoint.value));
        Ok((values.collect(), measured.unsupported))
    }

    #[test]
    fn numbers_go_out_and_the_rest_is_counted() {
        // `reference/metrics-vectors.md` 19.4
        let rest = r#"{"slave\/cpus_percent":0.925,"system\/load_1min":0.25,
            "containerizer\/mesos\/container_destroy_errors":0.0,"bad":"x","n":null}"#;
        let v1 = r#"{"type":"GET_METRICS","get_metrics":{"metrics":[{"name":"slave/cpus_percent","value":0.925},
            {"name":"system/load_1min","value":0.25},{"name":"containerizer/mesos/container_destroy_errors","value":0},
            {"name":"bad","value":"x"},{"name":"n"}]}}"#;
        let expected = [
            ("dcos.metrics.agent.slave.cpus_percent", 0.925),
            ("dcos.metrics.agent.system.load_1min", 0.25),
            (
                "dcos.metrics.agent.containerizer.mesos.container_destroy_errors",
                0.0,
            ),
        ];
        for (api, answer) in [(AgentApi::Rest, rest), (AgentApi::V1, v1)] {
            let (values, unsupported) = values(api, answer).unwrap();
            let values: Vec<_> = values
                .iter()
                .map(|(name, value)| (name.as_str(), *value))
                .collect();
            assert_eq!((values.as_slice(), unsupported), (expected.as_slice(), 2));
        }
        assert_eq!(values(AgentApi::Rest, r#"{"a":1e999,"b":1}"#).unwrap().1, 1);
    }

    #[test]
    fn answers_of_other_shapes_are_refused() {
        for answer in [
            "{}",
            "[]",
            "null",
            "3",
            "",
            "{",
            r#"{"a":1"#,
            r#"{"a":"x"}"#,
            r#"{"a":1}}"#,
        ] {
            assert!(values(AgentApi::Rest, answer).is_err(), "{answer}");
        }
        for answer in [
            "{}",
            "[]",
            r#"{"get_metrics":[]}"#,
            r#"{"get_metrics":{}}"#,
            r#"{"get_metrics":{"metrics":{}}}"#,
            r#"{"get_metrics":{"metrics":[]}}"#,
            r#"{"get_metrics":{"metrics":[{"value":1},{"name":3,"value":1},4]}}"#,
        ] {
            assert!(values(AgentApi::V1, answer).is_err(), "{answer}");
        }
    }

    #[test]
    fn all_metrics_of_a_real_agent() {
        let (rest, _) = values(
            AgentApi::Rest,
            include_str!("../../tests/agent/metrics-snapshot.json"),
        )
        .unwrap();
        let (v1, _) = values(
            AgentApi::V1,
            include_str!("../../tests/agent/v1-GET_METRICS.json"),
        )
        .unwrap();
        assert_eq!(rest.len(), 69);
        let names =
            |values: &[(String, f64)]| values.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&rest), names(&v1));
    }
}
