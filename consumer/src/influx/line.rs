//! InfluxDB's line protocol: `measurement,tag=value field=1.5 time`.

use stats_schema::{DatapointRef, TagRef};
use std::io::Write;

/// What is escaped in tag keys, tag values and field keys.
const KEY_SPECIAL: &[u8] = b", =";
/// What is escaped in measurements.
const MEASUREMENT_SPECIAL: &[u8] = b", ";

/// Appends measurement and tags. A tag without key or value cannot be written and is left out; of several with the same
/// key the first stays.
pub(super) fn put_series(out: &mut Vec<u8>, measurement: &str, tags: &[TagRef<'_>]) {
    put_escaped(out, measurement, MEASUREMENT_SPECIAL);
    for (index, tag) in tags.iter().enumerate() {
        if tag.key.is_empty()
            || tag.value.is_empty()
            || tags[..index].iter().any(|earlier| earlier.key == tag.key)
        {
            continue;
        }
        out.push(b',');
        put_escaped(out, tag.key, KEY_SPECIAL);
        out.push(b'=');
        put_escaped(out, tag.value, KEY_SPECIAL);
    }
}

/// Appends the only field of a point, its time and the newline: the number, or if `text` is given that.
pub(super) fn put_field(
    out: &mut Vec<u8>,
    datapoint: &DatapointRef<'_>,
    suffix: Option<&str>,
    text: Option<&str>,
) {
    out.push(b' ');
    put_escaped(
        out,
        if datapoint.name.is_empty() {
            "_"
        } else {
            datapoint.name
        },
        KEY_SPECIAL,
    );
    if let Some(suffix) = suffix {
        out.push(b'.');
        out.extend_from_slice(suffix.as_bytes());
    }
    out.push(b'=');
    // Writing to a vector does not fail.
    let _written = match text {
        Some(text) => {
            out.push(b'"');
            for byte in text.bytes() {
                if byte == b'"' || byte == b'\\' {
                    out.push(b'\\');
                }
                out.push(byte);
            }
            writeln!(out, "\" {}", datapoint.time_ms)
        }
        None => writeln!(out, "{:?} {}", datapoint.value, datapoint.time_ms),
    };
}

/// Appends `text` with a backslash before each of the `special` bytes. Control characters, which could end the line, become `_`,
/// and so do backslashes at the end, which would escape what follows: the protocol has no escape for a backslash.
fn put_escaped(out: &mut Vec<u8>, text: &str, special: &[u8]) {
    let end = text.trim_end_matches('\\').len();
    for (index, byte) in text.bytes().enumerate() {
        if byte.is_ascii_control() || index >= end {
            out.push(b'_');
            continue;
        }
        if special.contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stats_schema::MetricType;

    fn line(measurement: &str, tags: &[(&str, &str)], name: &str, value: f64, text: Option<&str>) -> String {
        let tags: Vec<_> = tags.iter().map(|&(key, value)| TagRef { key, value }).collect();
        let datapoint = DatapointRef {
            name,
            time_ms: 1_472_688_000_123,
            value,
            metric_type: MetricType::Gauge,
            sample_rate: 1.0,
            text,
        };
        let mut out = Vec::new();
        put_series(&mut out, measurement, &tags);
        put_field(&mut out, &datapoint, None, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines() {
        for (measurement, tags, name, value, text, expected) in [
            ("m", &[][..], "n", 1.0, None, "m n=1.0"),
            (
                "m 1,2=3",
                &[("a b", "c,d"), ("e=f", "g=h")],
                "i j",
                -1e300,
                None,
                r"m\ 1\,2=3,a\ b=c\,d,e\=f=g\=h i\ j=-1e300",
            ),
            (
                "m",
                &[("k", "first"), ("k", "second"), ("", "x"), ("y", "")],
                "",
                5e-324,
                None,
                "m,k=first _=5e-324",
            ),
            (
                "m",
                &[("k", r"a\"), ("l", r"\b\\")],
                r"c\,",
                0.5,
                None,
                r"m,k=a_,l=\b__ c\\,=0.5",
            ),
            ("m", &[("k", "a\nb\rc\0")], "é", 0.5, None, "m,k=a_b_c_ é=0.5"),
            (
                "m",
                &[],
                "set",
                0.0,
                Some("say \"hi\"\\ a,b=c\n"),
                "m set=\"say \\\"hi\\\"\\\\ a,b=c\n\"",
            ),
        ] {
            assert_eq!(
                line(measurement, tags, name, value, text),
                format!("{expected} 1472688000123\n")
            );
        }
    }

    /// Splits at each `separator` before which there is no backslash, as InfluxDB does.
    fn split(text: &str, separator: char) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut before = ' ';
        for character in text.chars() {
            if character == separator && before != '\\' {
                parts.push(String::new());
            } else if let Some(part) = parts.last_mut() {
                part.push(character);
            }
            before = character;
        }
        parts
    }

    fn unescape(text: &str) -> String {
        text.replace(r"\,", ",").replace(r"\ ", " ").replace(r"\=", "=")
    }

    /// What must come back: the text itself but for what cannot be written.
    fn written(text: &str) -> String {
        let kept = text.trim_end_matches('\\');
        let kept: String = kept
            .chars()
            .map(|c| if c.is_ascii_control() { '_' } else { c })
            .collect();
        kept + &"_".repeat(text.len() - text.trim_end_matches('\\').len())
    }

    proptest! {
        #[test]
        fn a_naive_reader_gets_everything_back(
            measurement in r"[a-z ,=\\\n]{1,9}",
            key in r"[a-zé ,=\\\n]{1,9}",
            value in r"(?s)[^=]{0,2}[a-z ,=\\\n\r]{1,9}",
            name in r"[a-z ,=\\\n.]{1,9}",
            number in any::<f64>().prop_filter("finite", |number| number.is_finite()),
        ) {
            let line = line(&measurement, &[(&key, &value)], &name, number, None);
            let line = line.strip_suffix('\n').unwrap();
            prop_assert!(!line.contains('\n'));
            let parts = split(line, ' ');
            prop_assert_eq!(parts.len(), 3);
            let series = split(&parts[0], ',');
            prop_assert_eq!(series.len(), 2);
            prop_assert_eq!(series[0].replace(r"\,", ",").replace(r"\ ", " "), written(&measurement));
            let tag = split(&series[1], '=');
            prop_assert_eq!(tag.iter().map(|text| unescape(text)).collect::<Vec<_>>(), [written(&key), written(&value)]);
            let field = split(&parts[1], '=');
            prop_assert_eq!(unescape(&field[0]), written(&name));
            prop_assert_eq!(field[1].parse::<f64>().unwrap(), number);
        }
    }
}
