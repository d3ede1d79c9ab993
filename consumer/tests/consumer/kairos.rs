//! KairosDB's endpoint, played by a server that records and answers what a real one seldom does.

use crate::messages::{TAGS, TIME_MS, gauge, message, numbered};
use crate::program::{Program, command};
use crate::recording_server;
use stats_kafka::local::{Broker, new_topic};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn datapoints_with_their_times_and_the_bad_one_alone() {
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    let mut nan = gauge("nan", 0);
    nan.value = f64::NAN;
    broker.produce(
        &topic,
        [message(
            &TAGS,
            &[gauge("a", 1), nan, gauge("bad", 2), gauge("b", 3), gauge("c", 4)],
        )],
    );
    let (port, requests) = recording_server::start(|request| {
        let bad = request.body.contains("\"bad\"");
        if bad {
            (400, r#"{"errors":["bad name"]}"#.to_owned())
        } else {
            (204, String::new())
        }
    });
    let program = Program::start(
        command(&broker.address(), &topic)
            .args(["kairos", "--output-host=127.0.0.1"])
            .env("OUTPUT_PORT", port.to_string()),
    );
    program.wait_for_total("refused", 1);
    program.wait_for_total("delivered", 3);
    assert_eq!(program.terminate().code(), Some(0));

    let mut taken = Vec::new();
    for request in requests
        .try_iter()
        .filter(|request| !request.body.contains("bad"))
    {
        assert_eq!(request.line, "POST /api/v1/datapoints HTTP/1.1");
        assert!(
            request
                .headers
                .contains(&"content-type: application/json".to_owned())
        );
        let serde_json::Value::Array(metrics) = serde_json::from_str(&request.body).unwrap() else {
            panic!("{}", request.body);
        };
        taken.extend(metrics);
    }
    let tags = serde_json::Map::from_iter(TAGS.map(|(key, value)| (key.to_owned(), value.into())));
    let expected = [("a", 1), ("b", 3), ("c", 4)].map(|(name, number)| {
        let time = TIME_MS + number * 100;
        serde_json::json!({"name": name, "timestamp": time, "value": f64::from(i32::try_from(number).unwrap()), "tags": tags})
    });
    assert_eq!(taken, expected);
}

#[test]
fn errors_of_the_server_are_tried_again() {
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    broker.produce(&topic, numbered(0, 5, 10));
    let failures = Arc::new(AtomicU32::new(0));
    let (port, requests) = recording_server::start(move |_| match failures.fetch_add(1, Ordering::Relaxed) {
        0 => (500, "boom".to_owned()),
        1 => (503, String::new()),
        _ => (204, String::new()),
    });
    let program = Program::start(
        command(&broker.address(), &topic)
            .args(["kairos", "--output-host=127.0.0.1"])
            .env("FLUSH_THRESHOLD", "20")
            .env("OUTPUT_PORT", port.to_string()),
    );
    program.wait_for("the first", |line| {
        line.contains("HTTP status 500: boom; trying again in 1 s")
    });
    program.wait_for("the second", |line| {
        line.contains("HTTP status 503; trying again in 2 s")
    });
    program.wait_for_total("delivered", 50);
    assert_eq!(program.terminate().code(), Some(0));
    let sizes: Vec<_> = requests
        .try_iter()
        .map(|request| request.body.matches("\"name\"").count())
        .collect();
    assert_eq!(sizes, [20, 20, 20, 20, 10]);
}
