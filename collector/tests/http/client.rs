//! Plain HTTP requests, one connection each.

use crate::running::{Running, stream};
use serde_json::Value;
use stats_schema::{Datapoint, Layout, MetricList, MetricType, Tag};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// No test waits for this long unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Status line and headers, in small letters.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.find_map(|(key, value)| (key == name).then_some(value.trim()))
    }
}

/// Sends a request as it is and reads until the peer closes.
pub(crate) fn exchange(address: &str, request: &str) -> Response {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    read(&mut connection)
}

/// Reads an answer: of the length it says, for not every server closes when it is asked to, or up to the end.
pub(crate) fn read(connection: &mut TcpStream) -> Response {
    let mut answer = Vec::new();
    let mut part = [0; 65536];
    loop {
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let response = Response {
            status: head
                .split(' ')
                .nth(1)
                .unwrap_or_default()
                .parse()
                .unwrap_or_default(),
            head: head.to_lowercase().replace("\r\n", "\n"),
            body: body.to_owned(),
        };
        let length = response
            .header("content-length")
            .and_then(|length| length.parse().ok());
        if length.is_some_and(|length: usize| body.len() >= length) {
            return response;
        }
        match connection.read(&mut part).unwrap() {
            0 => return response,
            read => answer.extend(&part[..read]),
        }
    }
}

pub(crate) fn get(address: &str, path: &str) -> Response {
    get_with(address, path, "Accept: */*")
}

pub(crate) fn get_with(address: &str, path: &str, header: &str) -> Response {
    exchange(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n\r\n"),
    )
}

/// Asks until `wanted` is in the answer.
pub(crate) fn get_until(address: &str, path: &str, wanted: impl Fn(&Response) -> bool) -> Response {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let response = get(address, path);
        if wanted(&response) {
            return response;
        }
        assert!(Instant::now() < deadline, "{path}: {response:?}");
    }
}

/// Sends records and waits until all sinks have taken or refused them.
pub(crate) fn send(collector: &Running, lists: &[MetricList]) {
    let before = get(collector.http(), "/health").json()["records_received"]
        .as_u64()
        .unwrap();
    collector
        .connect()
        .write_all(&stream(Layout::Typed, lists))
        .unwrap();
    get_until(collector.http(), "/health", |health| {
        let health = health.json();
        let sinks = health["sinks"].as_array().unwrap().clone();
        let settled = |sink: &Value| {
            let dropped = sink["datapoints_dropped"].as_object().unwrap();
            let dropped: u64 = dropped.values().filter_map(Value::as_u64).sum();
            sink["datapoints_written"].as_u64().unwrap() + dropped == health["datapoints_received"]
        };
        health["records_received"] == before + lists.len() as u64 && sinks.iter().all(settled)
    });
}

pub(crate) fn metrics(topic: &str, tags: &[(&str, &str)], datapoints: &[(&str, f64)]) -> MetricList {
    let tag = |(key, value): &(&str, &str)| Tag {
        key: (*key).into(),
        value: (*value).into(),
    };
    let datapoint = |(name, value): &(&str, f64)| Datapoint {
        name: (*name).into(),
        time_ms: 1_472_688_000_123,
        value: *value,
        metric_type: MetricType::Gauge,
        sample_rate: 1.0,
        text: None,
    };
    MetricList {
        topic: topic.into(),
        tags: tags.iter().map(tag).collect(),
        datapoints: datapoints.iter().map(datapoint).collect(),
    }
}
