//! Datapoints one by one, and what the page says then.

use crate::{Clocked, LIMITS, datapoint, member};
use MetricType::{Counter, Distribution, Gauge, GaugeDelta, Histogram, Timer, Unknown};
use stats_collector::sinks::prometheus::{Format, Limits, Refusal};
use stats_schema::{DatapointRef, MetricType};

#[test]
fn a_page_in_both_formats() {
    let clocked = Clocked::new(LIMITS);
    let tags = [("task", "web \"1\"\n"), ("a.b", "\\")];
    clocked.take(&tags, "shop.hits", Counter, 2.0);
    clocked.take(&tags, "shop.hits", Counter, 0.5);
    clocked.take(&[], "load", Gauge, 1e300);
    clocked.take(&[("q", "1")], "took", Timer, 12.0);
    let text = "\
# HELP load gauge load
# TYPE load gauge
load 1e300
# HELP shop_hits_total counter shop.hits
# TYPE shop_hits_total counter
shop_hits_total{a_b=\"\\\\\",task=\"web \\\"1\\\"\\n\"} 2.5
# HELP took timer took, in milliseconds
# TYPE took summary
took{q=\"1\",quantile=\"0.5\"} 12.0
took{q=\"1\",quantile=\"0.9\"} 12.0
took{q=\"1\",quantile=\"0.99\"} 12.0
took_sum{q=\"1\"} 12.0
took_count{q=\"1\"} 1.0
";
    assert_eq!(clocked.text(Format::Text), text);
    let open_metrics = text.replace("P shop_hits_total", "P shop_hits") + "# EOF\n";
    let open_metrics = open_metrics.replace("E shop_hits_total", "E shop_hits");
    assert_eq!(clocked.text(Format::OpenMetrics), open_metrics);
    clocked.page(Format::Text);
    clocked.page(Format::OpenMetrics);
}

#[test]
fn nothing_recorded_is_an_empty_page() {
    let clocked = Clocked::new(LIMITS);
    assert_eq!(clocked.text(Format::Text), "");
    assert_eq!(clocked.text(Format::OpenMetrics), "# EOF\n");
}

#[test]
fn gauges() {
    let clocked = Clocked::new(LIMITS);
    for (metric_type, value, shown) in [
        (GaugeDelta, 3.0, 3.0),
        (GaugeDelta, -5.0, -2.0),
        (Gauge, 10.0, 10.0),
        (GaugeDelta, 1.0, 11.0),
        (Unknown, 7.0, 7.0),
    ] {
        clocked.take(&[], "g", metric_type, value);
        assert_eq!(clocked.page(Format::Text).get("g", &[]), Some(shown));
    }
}

#[test]
fn bad_values_are_refused_and_change_nothing() {
    let clocked = Clocked::new(LIMITS);
    let long = "x".repeat(9000);
    clocked.take(&[], "c", Counter, f64::MAX);
    clocked.take(&[], "g", Gauge, f64::MIN);
    clocked.take(&[], "t", Timer, f64::MAX);
    for (bad, refusal) in [
        (datapoint("c", Counter, -1.0), Refusal::NegativeIncrement),
        (datapoint("c", Counter, f64::NAN), Refusal::NotFinite),
        (datapoint("c", Counter, f64::MAX), Refusal::NotFinite),
        (datapoint("g", Unknown, f64::INFINITY), Refusal::NotFinite),
        (datapoint("g", GaugeDelta, f64::MIN), Refusal::NotFinite),
        (datapoint("t", Histogram, f64::MAX), Refusal::NotFinite),
        (datapoint("s", MetricType::Set, f64::NAN), Refusal::NotFinite),
        (datapoint("", Gauge, 1.0), Refusal::BadName),
        (datapoint(&long, Gauge, 1.0), Refusal::BadName),
    ] {
        let recorded = clocked.record(&[], &[bad]);
        assert_eq!(
            (
                recorded.taken,
                recorded.refused_total(),
                recorded.refused(refusal)
            ),
            (0, 1, 1),
            "{bad:?}"
        );
    }
    let recorded = clocked.record(&[("a", &long)], &[datapoint("g", Gauge, 1.0); 2]);
    assert_eq!(recorded.refused(Refusal::LabelsTooLong), 2);
    let page = clocked.page(Format::Text);
    assert_eq!(
        ["c_total", "g", "t_count"].map(|name| page.get(name, &[])),
        [Some(f64::MAX), Some(f64::MIN), Some(1.0)]
    );
    assert_eq!(clocked.registry.series(), 3);
}

#[test]
fn series_that_are_the_same_once_legal_are_one() {
    let clocked = Clocked::new(LIMITS);
    clocked.take(&[("a", "1"), ("b", "2")], "x.y", Counter, 1.0);
    clocked.take(&[("b", "2"), ("a", "1")], "x-y", Counter, 2.0);
    clocked.take(&[("b", "2"), ("a", "1"), ("b", "3")], "x_y_total", Counter, 4.0);
    clocked.take(&[("b", "2"), ("a", "1"), ("bare", "")], "x_y", Counter, 8.0);
    let page = clocked.page(Format::OpenMetrics);
    assert_eq!(page.get("x_y_total", &[("a", "1"), ("b", "2")]), Some(15.0));
    assert_eq!(page.samples.len(), 1);
}

#[test]
fn another_type_has_another_name() {
    let clocked = Clocked::new(LIMITS);
    for metric_type in MetricType::ALL {
        clocked.take(&[], "n", metric_type, 1.0);
    }
    for format in [Format::Text, Format::OpenMetrics] {
        let page = clocked.page(format);
        // 1 of unknown type, 1 as a gauge, a change by 1.
        assert_eq!(page.get("n", &[]), Some(2.0));
        assert_eq!(page.get("n_increments_total", &[]), Some(1.0));
        assert_eq!(page.get("n_samples_count", &[]), Some(3.0));
        assert_eq!(page.get("n_members", &[]), Some(1.0));
    }
}

#[test]
fn reserved_names_stay_free() {
    let clocked = Clocked::new(LIMITS);
    clocked.registry.reserve(["ours", "ours_total"]);
    clocked.take(&[], "ours", Counter, 1.0);
    clocked.take(&[], "ours_total", Gauge, 1.0);
    let page = clocked.page(Format::OpenMetrics);
    assert_eq!(page.get("ours_increments_total", &[]), Some(1.0));
    assert_eq!(page.get("ours_total_value", &[]), Some(1.0));
    assert_eq!(page.samples.len(), 2);
}

#[test]
fn a_rate_is_a_samples_weight() {
    let clocked = Clocked::new(LIMITS);
    for (value, sample_rate) in [(1.0, 1.0), (100.0, 0.1), (7.0, 0.4)] {
        let recorded = clocked.record(
            &[],
            &[DatapointRef {
                sample_rate,
                ..datapoint("t", Distribution, value)
            }],
        );
        assert_eq!(recorded.taken, 1);
    }
    let page = clocked.page(Format::Text);
    assert_eq!(page.get("t_sum", &[]), Some(1018.5));
    // 13.5 events, which nobody can have counted.
    assert_eq!(page.get("t_count", &[]), Some(14.0));
    let median = page.get("t", &[("quantile", "0.5")]).unwrap();
    assert!((median / 100.0 - 1.0).abs() < 0.0101, "{median}");
}

#[test]
fn samples_below_zero() {
    let clocked = Clocked::new(LIMITS);
    for value in [-4.0, -3.0, 8.0] {
        clocked.take(&[], "t", Timer, value);
    }
    let text = clocked.page(Format::Text);
    assert_eq!(text.get("t_sum", &[]), Some(1.0));
    assert!(text.get("t", &[("quantile", "0.5")]).unwrap() < -2.9);
    let strict = clocked.page(Format::OpenMetrics);
    assert_eq!(strict.get("t_sum", &[]), None);
    assert_eq!(strict.get("t", &[("quantile", "0.5")]), None);
    assert_eq!(strict.get("t_count", &[]), Some(3.0));
}

#[test]
fn quantiles_and_members_are_those_of_a_minute() {
    let mut clocked = Clocked::new(LIMITS);
    let median = |clocked: &Clocked| {
        clocked
            .page(Format::Text)
            .get("t", &[("quantile", "0.5")])
            .unwrap()
    };
    let members = |clocked: &Clocked| clocked.page(Format::Text).get("s", &[]).unwrap();
    clocked.take(&[], "t", Timer, 1000.0);
    clocked.record(&[], &["a", "b", "a"].map(|text| member("s", text)));
    // The first minute as far as it is.
    assert_eq!((median(&clocked), members(&clocked)), (1000.0, 2.0));
    clocked.pass(60);
    for _ in 0..10 {
        clocked.take(&[], "t", Timer, 1.0);
        clocked.record(&[], &[member("s", "c")]);
    }
    // The last that is complete, not the one that has begun.
    assert_eq!((median(&clocked), members(&clocked)), (1000.0, 2.0));
    clocked.pass(60);
    assert_eq!((median(&clocked), members(&clocked)), (1.0, 1.0));
    clocked.pass(60);
    assert!(median(&clocked).is_nan());
    assert_eq!(members(&clocked), 0.0);
    assert_eq!(clocked.page(Format::OpenMetrics).get("t_count", &[]), Some(11.0));
    clocked.pass(120);
    clocked.take(&[], "t", Timer, 5.0);
    assert!(median(&clocked).is_nan());
}

#[test]
fn series_expire_and_start_anew() {
    let mut clocked = Clocked::new(LIMITS);
    clocked.take(&[("a", "1")], "c", Counter, 5.0);
    clocked.take(&[("a", "2")], "c", Counter, 6.0);
    let bytes = clocked.registry.bytes();
    clocked.pass(200);
    clocked.take(&[("a", "1")], "c", Counter, 1.0);
    clocked.pass(101);
    let page = clocked.page(Format::Text);
    assert_eq!(page.get("c_total", &[("a", "1")]), Some(6.0));
    assert_eq!(page.samples.len(), 1);
    assert!(clocked.registry.bytes() < bytes);
    clocked.take(&[("a", "2")], "c", Counter, 1.0);
    assert_eq!(
        clocked.page(Format::Text).get("c_total", &[("a", "2")]),
        Some(1.0)
    );
    clocked.pass(301);
    assert_eq!(clocked.text(Format::Text), "");
    assert_eq!((clocked.registry.series(), clocked.registry.bytes()), (0, 0));
    // The same when nobody has looked for what expired: a look is a tenth of the expiry.
    clocked.take(&[], "again", Counter, 5.0);
    clocked.pass(290);
    clocked.take(&[], "other", Counter, 1.0);
    clocked.pass(11);
    clocked.take(&[], "again", Counter, 1.0);
    assert_eq!(clocked.page(Format::Text).get("again_total", &[]), Some(1.0));
    // The name is free for another type.
    clocked.take(&[], "c", Gauge, 1.0);
    assert_eq!(clocked.page(Format::Text).get("c", &[]), Some(1.0));
}

#[test]
fn more_series_are_refused_and_the_others_go_on() {
    let mut clocked = Clocked::new(Limits { series: 2, ..LIMITS });
    let names = ["a", "b", "c", "d", "a", "b"];
    let recorded = clocked.record(&[], &names.map(|name| datapoint(name, Counter, 1.0)));
    assert_eq!((recorded.taken, recorded.refused(Refusal::SeriesLimit)), (4, 2));
    let page = clocked.page(Format::Text);
    assert_eq!(page.get("a_total", &[]), Some(2.0));
    assert_eq!(page.samples.len(), 2);
    // Room again once the old ones have expired.
    clocked.pass(301);
    clocked.take(&[], "c", Counter, 1.0);
}

#[test]
fn memory_is_bounded_and_series_go_on() {
    let bytes = 256 << 10;
    let clocked = Clocked::new(Limits { bytes, ..LIMITS });
    let (mut taken, mut unsketched) = (0, 0);
    for number in 0..5000 {
        let recorded = clocked.record(
            &[("number", &number.to_string())],
            &[
                datapoint("t", Timer, f64::from(number).exp2()),
                datapoint("t", Timer, 1e-3),
                member("s", &number.to_string()),
            ],
        );
        assert_eq!(
            recorded.taken + recorded.refused_total(),
            3,
            "{number}: {recorded:?}"
        );
        assert_eq!(
            recorded.refused_total(),
            recorded.refused(Refusal::Memory) + recorded.refused(Refusal::NotFinite)
        );
        taken += recorded.taken;
        unsketched += recorded.unsketched;
        // The rest is for the caches of spellings.
        assert!(clocked.registry.bytes() <= bytes / 4 * 3);
    }
    assert!(taken < 1000, "{taken}");
    // Known series are counted on, with or without their sketch.
    let wide = [1.0, 1e-8, 1e8, -1.0, -1e8].map(|value| datapoint("t", Timer, value));
    let before = clocked.page(Format::Text);
    let count = |page: &crate::page::Page| page.get("t_count", &[("number", "3")]).unwrap();
    let recorded = clocked.record(&[("number", "3")], &wide);
    unsketched += recorded.unsketched;
    assert_eq!(recorded.taken, 5);
    assert_eq!(count(&clocked.page(Format::Text)), count(&before) + 5.0);
    assert!(unsketched > 0);
    for set in 0..20 {
        for number in 0..200 {
            let recorded = clocked.record(
                &[("number", &set.to_string())],
                &[member("s", &number.to_string())],
            );
            assert_eq!(recorded.taken, 1);
        }
    }
    // The rest is for the caches of spellings.
    assert!(clocked.registry.bytes() <= bytes / 4 * 3);
}

#[test]
fn pages_are_whole_while_others_record() {
    const ROUNDS: u32 = 2000;
    let clocked = Clocked::new(LIMITS);
    std::thread::scope(|scope| {
        let recording: Vec<_> = ["1", "2"]
            .map(|thread| {
                let clocked = &clocked;
                scope.spawn(move || {
                    for number in 0..ROUNDS {
                        let own = (number % 50).to_string();
                        let datapoints = [datapoint("c", Counter, 1.0), datapoint("t", Timer, 1.0)];
                        assert_eq!(clocked.record(&[("own", &own)], &datapoints).taken, 2);
                        clocked.take(&[("thread", thread)], "c", Counter, 1.0);
                    }
                })
            })
            .into();
        while !recording.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            clocked.page(Format::Text);
            clocked.page(Format::OpenMetrics);
        }
    });
    let page = clocked.page(Format::Text);
    let sum = |name: &str| -> f64 {
        let samples = page.samples.iter().filter(|((sample, _), _)| sample == name);
        samples.map(|(_, value)| value).sum()
    };
    assert_eq!(sum("c_total"), f64::from(4 * ROUNDS));
    assert_eq!(sum("t_count"), f64::from(2 * ROUNDS));
    assert_eq!(page.get("c_total", &[("thread", "2")]), Some(f64::from(ROUNDS)));
}
