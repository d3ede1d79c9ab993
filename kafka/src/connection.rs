//! What the scheduler of a Kafka framework says about its brokers.

use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;

/// The longest answer. A broker takes some 30 bytes of one.
const ANSWER_BYTES: u64 = 1 << 20;

/// How many brokers are believed. The Kafka client starts a thread for each.
const MOST_BROKERS: usize = 1000;

/// How much of an entry that is none is shown.
const SHOWN_CHARS: usize = 60;

/// The brokers, each as `host:port`, of the scheduler that is called `host` and listens on `address`.
///
/// # Errors
///
/// That there is no answer within `timeout`, or what is wrong with it.
pub(crate) fn brokers(host: &str, address: SocketAddr, timeout: Duration) -> Result<Vec<String>, String> {
    parse(&get(host, address, timeout)?)
}

fn get(host: &str, address: SocketAddr, timeout: Duration) -> Result<Vec<u8>, String> {
    // Names in the cluster mean nothing to a proxy, and a scheduler has no reason to send anybody elsewhere.
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .into();
    let mut response = agent
        .get(format!("http://{address}/v1/connection"))
        .header("Host", format!("{host}:{}", address.port()))
        .header("Accept", "application/json")
        .call()
        .map_err(|error| error.to_string())?;
    if response.status() != 200 {
        return Err(format!("HTTP status {}", response.status().as_u16()));
    }
    let body = response
        .body_mut()
        .with_config()
        .limit(ANSWER_BYTES)
        .read_to_vec();
    body.map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(limit) => format!("the answer is longer than {limit} bytes"),
        other => other.to_string(),
    })
}

/// Whatever is not as it should be is an error; the collector of 2016 panicked (`reference/metrics.md` 2.6).
fn parse(body: &[u8]) -> Result<Vec<String>, String> {
    let answer: Value =
        serde_json::from_slice(body).map_err(|error| format!("the answer is no JSON: {error}"))?;
    let entries = match answer.get("dns") {
        None => return Err("the answer has no field \"dns\"".to_owned()),
        Some(Value::Array(entries)) => entries,
        Some(other) => return Err(format!("the field \"dns\" is {}, not an array", shown(other))),
    };
    if entries.is_empty() {
        return Err("the field \"dns\" names no broker".to_owned());
    }
    if entries.len() > MOST_BROKERS {
        return Err(format!(
            "the field \"dns\" names {} brokers, allowed are {MOST_BROKERS}",
            entries.len()
        ));
    }
    entries
        .iter()
        .map(|entry| match entry {
            Value::String(broker) if is_broker(broker) => Ok(broker.clone()),
            other => Err(format!("the field \"dns\" has {}, not host:port", shown(other))),
        })
        .collect()
}

/// Whether `text` is `host:port`, and nothing that the Kafka client takes for a list or a protocol.
fn is_broker(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let host = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .map_or_else(
            || {
                !host.is_empty()
                    && host
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
            },
            |address| address.parse::<std::net::Ipv6Addr>().is_ok(),
        );
    host && digits && port.parse::<u16>().is_ok_and(|port| port != 0)
}

fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    if let Some((end, _)) = text.char_indices().nth(SHOWN_CHARS) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        for (body, expected) in [
            (
                r#"{"address":["192.0.2.1:1"],"dns":["b-0.kafka.mesos:9092"]}"#,
                Ok(&["b-0.kafka.mesos:9092"][..]),
            ),
            (
                r#"{"dns":["a:1","[2001:db8::1]:65535"]}"#,
                Ok(&["a:1", "[2001:db8::1]:65535"]),
            ),
            ("", Err("no JSON: EOF")),
            ("<html>", Err("no JSON")),
            ("\u{0}", Err("no JSON")),
            (r#"{"dns":["a:1"]"#, Err("no JSON")),
            ("[]", Err("no field \"dns\"")),
            ("7", Err("no field \"dns\"")),
            (r#"{"address":["a:1"]}"#, Err("no field \"dns\"")),
            (r#"{"dns":null}"#, Err("\"dns\" is null, not an array")),
            (r#"{"dns":"a:1"}"#, Err("\"dns\" is \"a:1\", not an array")),
            (r#"{"dns":{"a":1}}"#, Err("not an array")),
            (r#"{"dns":[]}"#, Err("names no broker")),
            (r#"{"dns":["a:1",5]}"#, Err("has 5, not host:port")),
            (r#"{"dns":["a"]}"#, Err("has \"a\", not host:port")),
            (r#"{"dns":[":1"]}"#, Err("not host:port")),
            (r#"{"dns":["a:"]}"#, Err("not host:port")),
            (r#"{"dns":["a:0"]}"#, Err("not host:port")),
            (r#"{"dns":["a:65536"]}"#, Err("not host:port")),
            (r#"{"dns":["a:+1"]}"#, Err("not host:port")),
            (r#"{"dns":["a:1,b:2"]}"#, Err("not host:port")),
            (r#"{"dns":["ssl://a:1"]}"#, Err("not host:port")),
            (r#"{"dns":["a b:1"]}"#, Err("not host:port")),
            (r#"{"dns":["2001:db8::1:9092"]}"#, Err("not host:port")),
            (r#"{"dns":["[x]:1"]}"#, Err("not host:port")),
        ] {
            match (parse(body.as_bytes()), expected) {
                (Ok(brokers), Ok(expected)) => assert_eq!(brokers, expected, "{body}"),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{body}: {error}"),
                (parsed, _) => panic!("{body}: {parsed:?}"),
            }
        }
        let many = |count| serde_json::json!({"dns": vec!["a:1"; count]}).to_string();
        assert_eq!(parse(many(MOST_BROKERS).as_bytes()).unwrap().len(), MOST_BROKERS);
        assert!(parse(many(MOST_BROKERS + 1).as_bytes()).is_err());
        let long = format!(r#"{{"dns":["{}"]}}"#, "ä".repeat(100_000));
        assert!(parse(long.as_bytes()).unwrap_err().chars().count() < 200);
        // Nesting that would end a naive parser's stack.
        assert!(parse("[".repeat(1 << 20).as_bytes()).is_err());
    }
}
