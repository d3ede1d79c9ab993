//! What a metric line says: a name, values, and sections (`reference/metrics.md` 1.18).

use crate::statsd::number::{self, Number};
use stats_schema::{CustomTags, DatapointRef, MetricType};

/// Which of the old system's rules about values still hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// Values are divided by the sample rate whatever their type. By default only counters are: the rate of a timer
    /// says how much it weighs, not how long it took.
    pub sample_rate_all_types: bool,
    /// Of several values in one line the first is taken, as in 2016, when no client sent more.
    pub first_value_only: bool,
}

/// What became of the values of one line.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Values {
    /// Datapoints made.
    pub datapoints: u64,
    /// Of those, the ones whose value could not be read and is 0.
    pub corrupt: u64,
    /// Values left out because they were no finite numbers.
    pub non_finite: u64,
    /// Values behind the first that [`Rules::first_value_only`] left out.
    pub not_first: u64,
    /// Sample rates that were no numbers above 0, and were taken as 1.
    pub corrupt_rates: u64,
}

/// The sections of a metric line, as far as they are understood.
struct Metric<'a> {
    name: &'a str,
    /// What is behind the first colon.
    values: Option<&'a str>,
    metric_type: MetricType,
    sample_rate: f64,
    corrupt_rates: u64,
    time_ms: Option<i64>,
}

/// Makes datapoints of a metric line that arrived at `now_ms`, calling `datapoint` for each value. `tags` is cleared and
/// then holds the line's own tags.
pub fn datapoints(
    line: &str,
    now_ms: i64,
    rules: Rules,
    tags: &mut CustomTags,
    mut datapoint: impl FnMut(&CustomTags, &DatapointRef<'_>),
) -> Values {
    let metric = parse(line, tags);
    let mut fate = Values {
        corrupt_rates: metric.corrupt_rates,
        ..Values::default()
    };
    let mut emit = |text: &str, first: bool| {
        if rules.first_value_only && !first {
            fate.not_first += 1;
            return;
        }
        let set = metric.metric_type == MetricType::Set;
        let (value, corrupt) = match number::parse(text) {
            Number::NonFinite if !set => {
                fate.non_finite += 1;
                return;
            }
            Number::Finite(value) => (value, false),
            // A set's members are texts; that one is no number is no fault of it.
            Number::NonFinite | Number::Corrupt => (0.0, !set),
        };
        let divided = metric.metric_type == MetricType::Counter || rules.sample_rate_all_types;
        let value = if divided {
            value / metric.sample_rate
        } else {
            value
        };
        if !value.is_finite() {
            fate.non_finite += 1;
            return;
        }
        let metric_type = match metric.metric_type {
            // The old system's 0 is kept, but must not pass for something measured.
            _ if corrupt => MetricType::Unknown,
            MetricType::Gauge if text.starts_with(['+', '-']) => MetricType::GaugeDelta,
            known => known,
        };
        fate.datapoints += 1;
        fate.corrupt += u64::from(corrupt);
        datapoint(
            tags,
            &DatapointRef {
                name: metric.name,
                time_ms: metric.time_ms.unwrap_or(now_ms),
                value,
                metric_type,
                sample_rate: metric.sample_rate,
                text: set.then_some(text),
            },
        );
    };
    match metric.values {
        None => emit("", true),
        // A set's member may hold colons; DogStatsD packs all types but sets.
        Some(member) if metric.metric_type == MetricType::Set => emit(member, true),
        Some(values) => {
            let mut first = true;
            let mut rest = values;
            loop {
                let Some(colon) = memchr::memchr(b':', rest.as_bytes()) else {
                    emit(rest, first);
                    break;
                };
                emit(&rest[..colon], first);
                rest = &rest[colon + 1..];
                first = false;
            }
        }
    }
    fate
}

fn parse<'a>(line: &'a str, tags: &mut CustomTags) -> Metric<'a> {
    tags.clear();
    let bar = memchr::memchr(b'|', line.as_bytes()).unwrap_or(line.len());
    let (name, values) = match memchr::memchr(b':', &line.as_bytes()[..bar]) {
        Some(colon) => (&line[..colon], Some(&line[colon + 1..bar])),
        None => (&line[..bar], None),
    };
    let mut metric = Metric {
        name,
        values,
        metric_type: MetricType::Unknown,
        sample_rate: 1.0,
        corrupt_rates: 0,
        time_ms: None,
    };
    let mut rest = line.get(bar + 1..).unwrap_or("");
    while !rest.is_empty() {
        let end = memchr::memchr(b'|', rest.as_bytes()).unwrap_or(rest.len());
        let section = &rest[..end];
        match section.as_bytes() {
            [b'#', ..] => push_tags(&section[1..], tags),
            [b'@', ..] => match number::parse(&section[1..]) {
                Number::Finite(rate) if rate > 0.0 => metric.sample_rate = rate,
                _ => metric.corrupt_rates += 1,
            },
            [b'T', ..] => metric.time_ms = time_ms(&section[1..]).or(metric.time_ms),
            // A container id (c:), external data (e:) and whatever is invented next are passed over.
            _ => metric.metric_type = metric_type(section).unwrap_or(metric.metric_type),
        }
        rest = rest.get(end + 1..).unwrap_or("");
    }
    metric
}

fn metric_type(section: &str) -> Option<MetricType> {
    Some(match section {
        "c" => MetricType::Counter,
        "g" => MetricType::Gauge,
        "ms" => MetricType::Timer,
        "h" => MetricType::Histogram,
        "d" => MetricType::Distribution,
        "s" => MetricType::Set,
        _ => return None,
    })
}

/// Milliseconds for the seconds of a `|T` section; `None` if it holds anything but a time before the year 10000.
fn time_ms(text: &str) -> Option<i64> {
    const YEAR_10000: i64 = 253_402_300_800;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text
        .parse::<i64>()
        .ok()
        .filter(|seconds| digits && *seconds < YEAR_10000)?;
    Some(seconds * 1000)
}

fn push_tags(section: &str, tags: &mut CustomTags) {
    let mut rest = section;
    loop {
        let end = memchr::memchr(b',', rest.as_bytes()).unwrap_or(rest.len());
        let tag = &rest[..end];
        let (key, value) = match memchr::memchr(b':', tag.as_bytes()) {
            Some(colon) => (&tag[..colon], &tag[colon + 1..]),
            None => (tag, ""),
        };
        if !(key.is_empty() && value.is_empty()) {
            tags.push(key, value);
        }
        let Some(next) = rest.get(end + 1..) else { break };
        rest = next;
    }
}

#[cfg(test)]
mod tests;
