//! Datapoints as lines of StatsD or DogStatsD, with the type each had when its task sent it:
//! `name:value|type|@rate|#key:value,...`.
//!
//! * A counter's value is already divided by its sample rate, so it goes out without one: the total at the server is the
//!   same. Timers, histograms and distributions go out as they came in, with the rate as their weight.
//! * A sign makes a gauge a change of itself, so one below zero is two lines, zero and then the value. Servers that know
//!   no changes end up with the same value.
//! * A datapoint of unknown type is a gauge: the record of 2016 says no more.
//! * Control characters and those that mean something in a line become `_`: `:|@#,` in names, `|,` in tags and `:` in
//!   keys, `|:` in members of sets. This is not counted, for the datapoint arrives.

use crate::{DatapointRef, MetricType, TagRef};
use std::io::Write;

/// Why StatsD cannot express a datapoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inexpressible {
    /// The value is no finite number.
    NotFinite,
    /// The name, or the member of the set, has no characters.
    Empty,
}

/// Appends `|#key:value,key`, or nothing if there are no tags. A value may be empty, a key without one is a tag as well.
pub fn put_tags(out: &mut Vec<u8>, tags: &[TagRef<'_>]) {
    let mut before: &[u8] = b"|#";
    for tag in tags
        .iter()
        .filter(|tag| !(tag.key.is_empty() && tag.value.is_empty()))
    {
        out.extend_from_slice(before);
        before = b",";
        put_legal(out, tag.key, b":|,");
        if !tag.value.is_empty() {
            out.push(b':');
            put_legal(out, tag.value, b"|,");
        }
    }
}

/// Appends the line of one datapoint, without a newline at its end; a gauge below zero has two. `prefix` stands right before
/// the name, and `tags`, which [`put_tags`] wrote, at the end.
///
/// # Errors
///
/// Why StatsD cannot express it; nothing has been appended then.
pub fn put_datapoint(
    out: &mut Vec<u8>,
    prefix: &str,
    datapoint: &DatapointRef<'_>,
    tags: &[u8],
) -> Result<(), Inexpressible> {
    let value = datapoint.value;
    let member = datapoint
        .text
        .filter(|_| datapoint.metric_type == MetricType::Set);
    if member.is_none() && !value.is_finite() {
        return Err(Inexpressible::NotFinite);
    }
    if datapoint.name.is_empty() || member.is_some_and(str::is_empty) {
        return Err(Inexpressible::Empty);
    }
    let gauge = matches!(datapoint.metric_type, MetricType::Gauge | MetricType::Unknown);
    if gauge && value.is_sign_negative() {
        put_line(out, prefix, datapoint, tags, |out| out.push(b'0'));
        out.push(b'\n');
    }
    put_line(out, prefix, datapoint, tags, |out| {
        // Writing to a vector does not fail.
        let _written = match (member, datapoint.metric_type) {
            (Some(member), _) => {
                put_legal(out, member, b"|:");
                Ok(())
            }
            (None, MetricType::GaugeDelta) => write!(out, "{value:+}"),
            (None, _) => write!(out, "{value}"),
        };
    });
    Ok(())
}

fn put_line(
    out: &mut Vec<u8>,
    prefix: &str,
    datapoint: &DatapointRef<'_>,
    tags: &[u8],
    value: impl FnOnce(&mut Vec<u8>),
) {
    put_legal(out, prefix, b":|@#,");
    put_legal(out, datapoint.name, b":|@#,");
    out.push(b':');
    value(out);
    out.extend_from_slice(match datapoint.metric_type {
        MetricType::Counter => b"|c",
        MetricType::Unknown | MetricType::Gauge | MetricType::GaugeDelta => b"|g",
        MetricType::Timer => b"|ms",
        MetricType::Histogram => b"|h",
        MetricType::Distribution => b"|d",
        MetricType::Set => b"|s",
    });
    let rate = datapoint.sample_rate;
    let weighted = matches!(
        datapoint.metric_type,
        MetricType::Timer | MetricType::Histogram | MetricType::Distribution
    );
    if weighted && rate > 0.0 && rate < 1.0 {
        let _written = write!(out, "|@{rate}");
    }
    out.extend_from_slice(tags);
}

/// Appends `text` with `_` for control characters and `special` ones.
fn put_legal(out: &mut Vec<u8>, text: &str, special: &[u8]) {
    out.extend(text.bytes().map(|byte| {
        if byte.is_ascii_control() || special.contains(&byte) {
            b'_'
        } else {
            byte
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use MetricType::{Counter, Distribution, Gauge, GaugeDelta, Histogram, Set, Timer, Unknown};
    use proptest::prelude::*;

    fn point<'a>(
        name: &'a str,
        metric_type: MetricType,
        value: f64,
        rate: f64,
        text: Option<&'a str>,
    ) -> DatapointRef<'a> {
        DatapointRef {
            name,
            time_ms: 0,
            value,
            metric_type,
            sample_rate: rate,
            text,
        }
    }

    fn line(prefix: &str, datapoint: &DatapointRef<'_>) -> Result<String, Inexpressible> {
        let mut out = Vec::new();
        put_datapoint(&mut out, prefix, datapoint, b"$")?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn every_type_keeps_its_meaning() {
        for (metric_type, value, rate, text, expected) in [
            (Counter, 30.0, 0.1, None, "n:30|c$"),
            (Counter, -2.5, 1.0, None, "n:-2.5|c$"),
            (Gauge, 3.25, 0.5, None, "n:3.25|g$"),
            (Gauge, -3.0, 1.0, None, "n:0|g$\nn:-3|g$"),
            (Unknown, 7.0, 1.0, None, "n:7|g$"),
            (Unknown, -7.0, 1.0, None, "n:0|g$\nn:-7|g$"),
            (GaugeDelta, 4.0, 1.0, None, "n:+4|g$"),
            (GaugeDelta, -4.5, 1.0, None, "n:-4.5|g$"),
            (Timer, 320.0, 0.1, None, "n:320|ms|@0.1$"),
            (Timer, 320.0, 1.0, None, "n:320|ms$"),
            (Timer, 320.0, f64::NAN, None, "n:320|ms$"),
            (Timer, 320.0, 0.0, None, "n:320|ms$"),
            (Histogram, 1e21, 0.5, None, "n:1000000000000000000000|h|@0.5$"),
            (Distribution, 0.001, 0.25, None, "n:0.001|d|@0.25$"),
            (Set, f64::NAN, 0.5, Some("a:b|c\n@#,"), "n:a_b_c_@#,|s$"),
            (Set, 5.0, 1.0, None, "n:5|s$"),
            (Gauge, 5.0, 1.0, Some("no set"), "n:5|g$"),
        ] {
            let found = line("", &point("n", metric_type, value, rate, text));
            assert_eq!(found.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_statsd_cannot_say() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for metric_type in [Gauge, Set] {
                let found = line("", &point("n", metric_type, value, 1.0, None));
                assert_eq!(found, Err(Inexpressible::NotFinite));
            }
        }
        for (name, metric_type, text) in [("", Gauge, None), ("", Set, Some("m")), ("n", Set, Some(""))] {
            let found = line("p.", &point(name, metric_type, 1.0, 1.0, text));
            assert_eq!(found, Err(Inexpressible::Empty));
        }
    }

    #[test]
    fn no_text_breaks_the_line() {
        for (prefix, expected) in [
            ("", "a_b_c_d_e_f__g.ü:1|g$"),
            ("p.", "p.a_b_c_d_e_f__g.ü:1|g$"),
            ("p:|@#,\n.", "p______.a_b_c_d_e_f__g.ü:1|g$"),
        ] {
            let found = line(prefix, &point("a:b|c@d#e,f\n\tg.ü", Gauge, 1.0, 1.0, None));
            assert_eq!(found.as_deref(), Ok(expected));
        }
        let tag = |key, value| TagRef { key, value };
        for (tags, expected) in [
            (vec![], ""),
            (vec![tag("a", "b:c|d,e")], "|#a:b:c_d_e"),
            (vec![tag("a:,\n", ""), tag("b", "@#")], "|#a___,b:@#"),
            (vec![tag("", ""), tag("", "v")], "|#:v"),
            (vec![tag("", "")], ""),
        ] {
            let mut out = Vec::new();
            put_tags(&mut out, &tags);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    /// A line as a server takes it apart.
    struct Line<'a> {
        name: &'a str,
        value: &'a str,
        rate: Option<f64>,
        tags: Vec<(&'a str, &'a str)>,
    }

    fn read(line: &str) -> Line<'_> {
        let (name, rest) = line.split_once(':').unwrap();
        let mut parts = rest.split('|');
        let (value, metric_type) = (parts.next().unwrap(), parts.next().unwrap());
        assert!(["c", "g", "ms", "h", "d", "s"].contains(&metric_type), "{line}");
        let (mut rate, mut tags) = (None, Vec::new());
        for part in parts {
            if let Some(text) = part.strip_prefix('@') {
                rate = Some(text.parse().unwrap());
            } else {
                let pairs = part.strip_prefix('#').unwrap().split(',');
                tags.extend(pairs.map(|pair| pair.split_once(':').unwrap_or((pair, ""))));
            }
        }
        Line {
            name,
            value,
            rate,
            tags,
        }
    }

    const TYPES: [MetricType; 8] = [
        Counter,
        Distribution,
        Gauge,
        GaugeDelta,
        Histogram,
        Set,
        Timer,
        Unknown,
    ];

    proptest! {
        #[test]
        fn every_line_can_be_taken_apart(
            prefix in "[a:|@#,\n.]*",
            name in ".*|[a:|@#,\n.]*",
            member in proptest::option::of("[a:|@#,\n]*"),
            tags in proptest::collection::vec(("[a:|@#,\n]*", "[a:|@#,\n]*"), 0..4),
            metric_type in proptest::sample::select(&TYPES[..]),
            value in proptest::num::f64::ANY,
            rate in proptest::num::f64::ANY,
        ) {
            let tags: Vec<_> = tags.iter().map(|(key, value)| TagRef { key, value }).collect();
            let mut end = Vec::new();
            put_tags(&mut end, &tags);
            let mut out = Vec::new();
            let datapoint = point(&name, metric_type, value, rate, member.as_deref());
            if put_datapoint(&mut out, &prefix, &datapoint, &end).is_err() {
                prop_assert!(out.is_empty());
                return Ok(());
            }
            let out = String::from_utf8(out).unwrap();
            let lines: Vec<_> = out.split('\n').map(read).collect();
            let twice = matches!(metric_type, Gauge | Unknown) && value.is_sign_negative();
            prop_assert_eq!(lines.len(), if twice { 2 } else { 1 });
            let kept = tags.iter().filter(|tag| !(tag.key.is_empty() && tag.value.is_empty()));
            let kept: Vec<_> = kept.map(|tag| (tag.key.len(), tag.value.len())).collect();
            for line in &lines {
                prop_assert_eq!(line.name.len(), prefix.len() + name.len());
                prop_assert!(line.rate.is_none_or(|read| read == rate));
                let tags = line.tags.iter().map(|(key, value)| (key.len(), value.len()));
                prop_assert_eq!(tags.collect::<Vec<_>>(), kept.clone());
            }
            let last = lines[lines.len() - 1].value;
            match member.filter(|_| metric_type == Set) {
                Some(member) => prop_assert_eq!(last.len(), member.len()),
                None => prop_assert_eq!(last.parse::<f64>().unwrap(), value),
            }
        }
    }
}
