use super::*;

/// One datapoint as it came out: name, value, type, rate, time and text.
type Seen = (String, f64, MetricType, f64, i64, Option<String>);

fn all(line: &str, rules: Rules) -> (Vec<Seen>, Values, usize) {
    let mut tags = CustomTags::default();
    let mut seen = Vec::new();
    let values = datapoints(line, 77, rules, &mut tags, |_, d| {
        seen.push((
            d.name.to_owned(),
            d.value,
            d.metric_type,
            d.sample_rate,
            d.time_ms,
            d.text.map(str::to_owned),
        ));
    });
    assert_eq!(values.datapoints, seen.len() as u64, "{line}");
    (seen, values, tags.len())
}

const OLD: Rules = Rules {
    sample_rate_all_types: true,
    first_value_only: true,
};

/// metrics-vectors.md 5: line, name, value at B18, number of custom tags, value under the 2018 rule.
const VECTORS: [(&str, &str, f64, usize, f64); 54] = [
    ("hello", "hello", 0.0, 0, 0.0),
    ("hello:", "hello", 0.0, 0, 0.0),
    ("hello: ", "hello", 0.0, 0, 0.0),
    ("hello:hi", "hello", 0.0, 0, 0.0),
    ("|#tag:val", "", 0.0, 1, 0.0),
    (":|#tag:val", "", 0.0, 1, 0.0),
    ("hello|#tag:val", "hello", 0.0, 1, 0.0),
    ("hello|#tag", "hello", 0.0, 1, 0.0),
    ("hello: |#tag:val", "hello", 0.0, 1, 0.0),
    ("hello:hi|#tag:val", "hello", 0.0, 1, 0.0),
    ("hello|@0.5|#tag:val", "hello", 0.0, 1, 0.0),
    ("hello|#tag:val|@0.5", "hello", 0.0, 1, 0.0),
    ("hello|#ta|@0.5", "hello", 0.0, 1, 0.0),
    ("hello:0.35", "hello", 0.35, 0, 0.35),
    ("hello:0.35|#tag", "hello", 0.35, 1, 0.35),
    ("hello:0.35|@0.5|#tag:val", "hello", 0.7, 1, 0.35),
    ("hello:0.35|#ta:val|@0.5", "hello", 0.7, 1, 0.35),
    ("hello:0.35|#ta:val|@0", "hello", 0.35, 1, 0.35),
    ("hello:0.35|&other|@0.5|#tag:val,t2:v2", "hello", 0.7, 2, 0.35),
    ("hello:0.35|&other|#tag:val,t2:v2|@0.5", "hello", 0.7, 2, 0.35),
    ("hello:0.35|&other|#tag:val,t2:v2|@0.0", "hello", 0.35, 2, 0.35),
    ("hello:0.35|#t:v,t2:v2|&other|@0.5", "hello", 0.7, 2, 0.35),
    ("hello:0.35|#tag:val|&other|@0.5|#t2:v2", "hello", 0.7, 2, 0.35),
    (
        "hello:0.35|&other|#tag:val,t2:v2|@0.0|#tag:val",
        "hello",
        0.35,
        3,
        0.35,
    ),
    ("hello:0.35|#", "hello", 0.35, 0, 0.35),
    ("hello:0.35|#,", "hello", 0.35, 0, 0.35),
    ("hello:0.35|#:,:", "hello", 0.35, 0, 0.35),
    ("hello:0.35|", "hello", 0.35, 0, 0.35),
    ("hello:0.35||", "hello", 0.35, 0, 0.35),
    ("hello:0.35||#", "hello", 0.35, 0, 0.35),
    ("hello:0.35||#,", "hello", 0.35, 0, 0.35),
    ("hello:0.35||#:,:", "hello", 0.35, 0, 0.35),
    ("hello:0.35|#|", "hello", 0.35, 0, 0.35),
    ("hello:0.35|#,|", "hello", 0.35, 0, 0.35),
    ("hello:0.35|#:,:|", "hello", 0.35, 0, 0.35),
    ("hello:0.35|#tag1|", "hello", 0.35, 1, 0.35),
    ("hello:0.35|#tag1:|", "hello", 0.35, 1, 0.35),
    ("hello:0.35||#tag1", "hello", 0.35, 1, 0.35),
    ("hello:0.35||#tag1:", "hello", 0.35, 1, 0.35),
    ("hello:0.35|#tag1:val|", "hello", 0.35, 1, 0.35),
    ("hello:0.35||#tag1:val", "hello", 0.35, 1, 0.35),
    ("hello:0.35|#tag1|#tag2", "hello", 0.35, 2, 0.35),
    ("hello:0.35|#tag1|#tag2:", "hello", 0.35, 2, 0.35),
    ("hello:0.35|#tag1|#tag2:val", "hello", 0.35, 2, 0.35),
    ("hello:0.35|c|@0.5", "hello", 0.7, 0, 0.7),
    ("hello:0.35|ms|@0.5", "hello", 0.7, 0, 0.35),
    ("h:4|c|@0.25", "h", 16.0, 0, 16.0),
    ("hello:1|c|@0.1|", "hello", 10.0, 0, 10.0),
    ("hello:1|c|@", "hello", 1.0, 0, 1.0),
    ("hello:1:2|g", "hello", 1.0, 0, 1.0),
    ("hello:+5|g", "hello", 5.0, 0, 5.0),
    ("hello:-5|g", "hello", -5.0, 0, -5.0),
    ("hello:5xyz|g", "hello", 5.0, 0, 5.0),
    ("hello:1e999|g", "hello", 0.0, 0, 0.0),
];

#[test]
fn values_as_the_vectors_say() {
    for (line, name, old, tags, counters_only) in VECTORS {
        let (seen, _, count) = all(line, OLD);
        assert_eq!(
            (seen.len(), seen[0].0.as_str(), seen[0].1, count),
            (1, name, old, tags),
            "{line}"
        );
        let (seen, _, _) = all(line, Rules::default());
        assert_eq!((seen[0].0.as_str(), seen[0].1), (name, counters_only), "{line}");
    }
}

#[test]
fn tags_as_the_vectors_say() {
    for (line, expected) in [
        ("hello:1|#a:b:c", &[("a", "b:c")][..]),
        ("hello:1|#:v", &[("", "v")]),
        (
            "hello:0.35|#tag:val,t2:v2|#tag:val",
            &[("tag", "val"), ("t2", "v2"), ("tag", "val")],
        ),
        ("hello:1|#a,,:,b:", &[("a", ""), ("b", "")]),
    ] {
        let mut tags = CustomTags::default();
        datapoints(line, 0, Rules::default(), &mut tags, |_, _| {});
        let mut same = CustomTags::default();
        expected.iter().for_each(|(key, value)| same.push(key, value));
        assert_eq!(tags, same, "{line}");
    }
}

#[test]
fn types_rates_and_texts() {
    use MetricType::{Counter, Distribution, Gauge, GaugeDelta, Histogram, Set, Timer, Unknown};
    for (line, value, metric_type, rate, text) in [
        ("a:1|c", 1.0, Counter, 1.0, None),
        ("a:1|c|@0.1", 10.0, Counter, 0.1, None),
        ("a:1|@0.1|c", 10.0, Counter, 0.1, None),
        ("a:1|ms|@0.1", 1.0, Timer, 0.1, None),
        ("a:1|h", 1.0, Histogram, 1.0, None),
        ("a:1|d", 1.0, Distribution, 1.0, None),
        ("a:1|g", 1.0, Gauge, 1.0, None),
        ("a:+1|g", 1.0, GaugeDelta, 1.0, None),
        ("a:-1|g", -1.0, GaugeDelta, 1.0, None),
        ("a:-1|c", -1.0, Counter, 1.0, None),
        ("a:12|s", 12.0, Set, 1.0, Some("12")),
        ("a:u:n:o|s", 0.0, Set, 1.0, Some("u:n:o")),
        ("a:nan|s", 0.0, Set, 1.0, Some("nan")),
        ("a:1|m", 1.0, Unknown, 1.0, None),
        ("a:1", 1.0, Unknown, 1.0, None),
        ("a:x|c", 0.0, Unknown, 1.0, None),
        ("a:+x|g", 0.0, Unknown, 1.0, None),
        ("a:1|c|@2", 0.5, Counter, 2.0, None),
        ("a:1|c|@-0.5", 1.0, Counter, 1.0, None),
        ("a:1|c|@nan", 1.0, Counter, 1.0, None),
        ("a:1|ms|c:ci-0123|e:it-false|#x", 1.0, Timer, 1.0, None),
    ] {
        let (seen, values, _) = all(line, Rules::default());
        let expected = (
            "a".to_owned(),
            value,
            metric_type,
            rate,
            77,
            text.map(str::to_owned),
        );
        assert_eq!(seen, vec![expected], "{line}");
        assert_eq!(
            values.corrupt,
            u64::from(line.contains('x') && !line.contains("#x")),
            "{line}"
        );
    }
    assert_eq!(all("a:1|c|@0|@x", Rules::default()).1.corrupt_rates, 2);
}

#[test]
fn several_values_are_several_datapoints() {
    let (seen, values, _) = all("a:1:nan:x:2|ms|@0.5|#t", Rules::default());
    assert_eq!(seen.iter().map(|d| d.1).collect::<Vec<_>>(), [1.0, 0.0, 2.0]);
    assert_eq!(
        values,
        Values {
            datapoints: 3,
            corrupt: 1,
            non_finite: 1,
            not_first: 0,
            corrupt_rates: 0
        }
    );
    let (seen, values, _) = all(
        "a:1:nan:x:2|ms|@0.5|#t",
        Rules {
            first_value_only: true,
            ..Rules::default()
        },
    );
    assert_eq!(seen.len(), 1);
    assert_eq!(
        values,
        Values {
            datapoints: 1,
            not_first: 3,
            ..Values::default()
        }
    );
    // A value of a packed gauge may be a delta of its own.
    let (seen, _, _) = all("a:1:-2|g", Rules::default());
    assert_eq!(
        seen.iter().map(|d| d.2).collect::<Vec<_>>(),
        [MetricType::Gauge, MetricType::GaugeDelta]
    );
}

#[test]
fn only_finite_numbers_get_through() {
    for line in ["a:nan|g", "a:inf|c", "a:-inf|ms", "a:1e308|c|@0.001"] {
        let (seen, values, _) = all(line, Rules::default());
        assert!(seen.is_empty(), "{line}");
        assert_eq!(
            values,
            Values {
                non_finite: 1,
                ..Values::default()
            },
            "{line}"
        );
    }
}

#[test]
fn a_time_section_is_the_time() {
    for (line, time) in [
        ("a:1|c|T1650000000", 1_650_000_000_000),
        ("a:1|c|T0", 0),
        ("a:1|c|T253402300799", 253_402_300_799_000),
        ("a:1|c|T253402300800", 77),
        ("a:1|c|T", 77),
        ("a:1|c|T-1", 77),
        ("a:1|c|T+1", 77),
        ("a:1|c|T1.5", 77),
        ("a:1|c|T99999999999999999999", 77),
    ] {
        assert_eq!(all(line, Rules::default()).0[0].4, time, "{line}");
    }
}
