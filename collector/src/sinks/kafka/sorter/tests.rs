use super::*;
use crate::Batch;
use stats_schema::{DatapointRef, Layout, MetricType, TagRef};

fn rules() -> Rules {
    Rules {
        prefix: "metrics-".to_owned(),
        single_topic: None,
        max_topics: 10,
        form: Form {
            layout: Layout::Typed,
            message_bytes: 1_000_000,
        },
        records: 3,
        bytes: 2048,
        period: Duration::from_secs(15),
        key: Key::None,
        log_records: false,
    }
}

fn push(sorter: &mut Sorter, topic: &str, name: &str) -> Vec<Message> {
    push_tagged(sorter, topic, name, &[])
}

fn push_tagged(sorter: &mut Sorter, topic: &str, name: &str, tags: &[TagRef<'_>]) -> Vec<Message> {
    let datapoint = DatapointRef {
        name,
        time_ms: 0,
        value: 0.0,
        metric_type: MetricType::Gauge,
        sample_rate: 1.0,
        text: None,
    };
    let record = RecordRef {
        topic,
        tags,
        datapoints: &[datapoint],
    };
    let mut ready = Vec::new();
    sorter.push(&record, &mut ready, &Output::default());
    ready
}

fn sorter(rules: Rules) -> Sorter {
    Sorter::new(rules, Arc::default())
}

/// Topic, number of records and trigger of each.
fn shown(mut messages: Vec<Message>) -> Vec<(String, u64, String)> {
    messages.sort_by(|one, other| one.topic.cmp(&other.topic));
    messages
        .into_iter()
        .map(|message| {
            let trigger = message.trigger.to_string();
            (message.topic.to_string(), message.records, trigger)
        })
        .collect()
}

fn one(topic: &str, records: u64, trigger: &str) -> Vec<(String, u64, String)> {
    vec![(topic.to_owned(), records, trigger.to_owned())]
}

#[test]
fn triggers() {
    let mut sorter = sorter(rules());
    assert!(push(&mut sorter, "a", "n").is_empty());
    assert!(push(&mut sorter, "b", "n").is_empty());
    assert!(push(&mut sorter, "a", "n").is_empty());
    assert_eq!(shown(push(&mut sorter, "a", "n")), one("metrics-a", 3, "3 recs"));
    assert_eq!(
        shown(push(&mut sorter, "b", &"n".repeat(2048))),
        one("metrics-b", 2, "2 KB")
    );

    push(&mut sorter, "a", "n");
    push(&mut sorter, "b", "n");
    let mut ready = Vec::new();
    let now = Instant::now();
    let left = sorter.tick(now, &mut ready);
    assert!(ready.is_empty() && left <= Duration::from_secs(15));
    let period = Duration::from_secs(15);
    assert_eq!(sorter.tick(now + period, &mut ready), period);
    let both = [one("metrics-a", 1, "15000 ms"), one("metrics-b", 1, "15000 ms")].concat();
    assert_eq!(shown(std::mem::take(&mut ready)), both);
    sorter.tick(now + 2 * period, &mut ready);
    assert!(ready.is_empty());
}

#[test]
fn one_topic_for_all() {
    let mut sorter = sorter(Rules {
        single_topic: Some("all".to_owned()),
        ..rules()
    });
    push(&mut sorter, "a", "n");
    push(&mut sorter, "b c", "n");
    assert_eq!(shown(push(&mut sorter, "d", "n")), one("all", 3, "3 recs"));
    assert_eq!(sorter.counters.topics_renamed.get(), 0);
}

#[test]
fn topics_that_kafka_does_not_allow() {
    let mut sorter = sorter(rules());
    for _ in 0..2 {
        push(&mut sorter, "a b", "n");
    }
    assert_eq!(
        shown(push(&mut sorter, "a b", "n")),
        one("metrics-a_b", 3, "3 recs")
    );
    assert_eq!(sorter.counters.topics_renamed.get(), 1, "once for each topic");
    let long = "ü".repeat(100_000);
    push(&mut sorter, &long, "n");
    assert!(
        sorter.topics.keys().all(|name| name.len() < 1000),
        "what a peer chose is cut"
    );
}

#[test]
fn topics_beyond_the_bound_share_one() {
    let mut sorter = sorter(rules());
    let mut ready = Vec::new();
    for number in 0..1000 {
        ready.extend(push(&mut sorter, &format!("t{number}"), "n"));
    }
    sorter.flush_all(Trigger::End, &mut ready);
    let mut records = HashMap::<_, u64>::new();
    for message in ready {
        *records.entry(message.topic.to_string()).or_default() += message.records;
    }
    assert_eq!(records.len(), 11);
    assert_eq!(records["metrics-t9"], 1);
    assert_eq!(records["metrics-overflow"], 990);
    assert_eq!(sorter.counters.topics_overflowed.get(), 990);

    // An hour later they have made room.
    let now = Instant::now() + Duration::from_secs(60);
    sorter.tick(now, &mut Vec::new());
    push(&mut sorter, "t3", "n");
    sorter.tick(now + REMEMBERED, &mut Vec::new());
    assert_eq!(sorter.topics.len(), 1, "only the one in use is left");
    push(&mut sorter, "new", "n");
    assert!(sorter.topics.contains_key("new"));
}

#[test]
fn all_topics_together_are_bounded() {
    let mut sorter = sorter(Rules {
        max_topics: 1000,
        records: usize::MAX,
        bytes: usize::MAX,
        ..rules()
    });
    let name = "n".repeat(50_000);
    let mut messages = 0;
    for round in 0..5 {
        for topic in 0..100 {
            let ready = push(&mut sorter, &format!("{topic}"), &name);
            messages += ready.len();
            assert!(ready.iter().all(|message| message.trigger == Trigger::Memory));
            let held: usize = sorter.topics.values().map(|topic| topic.lists.memory()).sum();
            assert_eq!(held, sorter.memory, "{round}");
            assert!(held <= MEMORY, "{held}");
        }
    }
    assert!(messages > 0);
}

#[test]
fn keys() {
    let tags = [("container_id", "c"), ("agent_id", "a1"), ("agent_id", "a2")];
    let tags = tags.map(|(key, value)| TagRef { key, value });
    for (key, expected) in [
        (Key::None, None),
        (Key::Topic, Some("metrics-t")),
        (Key::AgentId, Some("a1")),
    ] {
        let mut sorter = sorter(Rules {
            key,
            records: 1,
            ..rules()
        });
        let ready = push_tagged(&mut sorter, "t", "n", &tags);
        assert_eq!(ready[0].key.as_deref(), expected);
        let ready = push(&mut sorter, "t", "n");
        assert_eq!(ready[0].key.is_some(), key == Key::Topic);
    }
}

#[test]
fn what_is_too_large_is_counted() {
    let mut sorter = sorter(Rules {
        form: Form {
            layout: Layout::Typed,
            message_bytes: 16_384,
        },
        ..rules()
    });
    let mut batch = Batch::default();
    let output = Output::default();
    let name = "n".repeat(20_000);
    let datapoint = |name| DatapointRef {
        name,
        time_ms: 0,
        value: 0.0,
        metric_type: MetricType::Gauge,
        sample_rate: 1.0,
        text: None,
    };
    for datapoints in [vec![datapoint("a"), datapoint(&name)], vec![datapoint(&name)]] {
        batch.push(&RecordRef {
            topic: "t",
            tags: &[],
            datapoints: &datapoints,
        });
    }
    let mut ready = Vec::new();
    batch
        .try_for_each(|record| {
            sorter.push(&record, &mut ready, &output);
            Ok::<(), std::convert::Infallible>(())
        })
        .unwrap();
    sorter.flush_all(Trigger::End, &mut ready);
    assert_eq!(shown(ready), one("metrics-t", 1, "end"));
    assert_eq!(output.dropped(Reason::TooLarge).get(), (1, 2));
}
