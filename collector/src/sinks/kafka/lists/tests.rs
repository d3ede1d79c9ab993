use super::*;
use proptest::prelude::*;
use stats_schema::{DatapointRef, Limits, MetricList, MetricType, StreamDecoder, TagRef};

/// A record as a test says it: topic, value of its one tag, and the lengths of its datapoints' names.
type Said = (String, String, Vec<usize>);

fn with_record<T>((topic, tag, names): &Said, number: usize, act: impl FnOnce(&RecordRef<'_>) -> T) -> T {
    let tags = [TagRef { key: "k", value: tag }];
    let names: Vec<String> = names.iter().map(|length| "n".repeat(*length)).collect();
    let datapoints: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(index, name)| DatapointRef {
            name,
            time_ms: i64::try_from(number).unwrap(),
            value: index as f64,
            metric_type: MetricType::Gauge,
            sample_rate: 1.0,
            text: Some("t"),
        })
        .collect();
    act(&RecordRef {
        topic,
        tags: &tags,
        datapoints: &datapoints,
    })
}

fn decode(file: &[u8]) -> Vec<MetricList> {
    let mut decoder = StreamDecoder::new(Limits::default());
    let mut lists = Vec::new();
    decoder
        .feed(file, |record| lists.push(record.to_owned()))
        .unwrap();
    decoder.finish().unwrap();
    lists
}

fn form(layout: Layout, room: usize) -> Form {
    Form {
        layout,
        message_bytes: layout.header().len() + FRAME_BYTES + room,
    }
}

/// All messages that the records become, and what was too large.
fn messages(form: Form, records: &[Said]) -> (Vec<Message>, TooLarge) {
    let mut lists = Lists::new("t".into(), form);
    let (mut ready, mut lost) = (Vec::new(), TooLarge::default());
    for (number, said) in records.iter().enumerate() {
        let now = with_record(said, number, |record| {
            lists.push(record, Some(&said.1), &mut ready)
        });
        lost.records += now.records;
        lost.datapoints += now.datapoints;
    }
    ready.extend(lists.take(Trigger::End));
    assert!(lists.take(Trigger::End).is_none());
    (ready, lost)
}

/// A datapoint that came out: its record's number, its tag, its place in the record, and the length of its name.
type Found = (i64, String, f64, usize);

/// What must come out in the end, of each datapoint that fits.
fn naive(form: Form, records: &[Said]) -> (Vec<Found>, TooLarge) {
    let (mut kept, mut lost) = (Vec::new(), TooLarge::default());
    for (number, said) in records.iter().enumerate() {
        let size = |names: &[usize]| {
            with_record(
                &(said.0.clone(), said.1.clone(), names.to_vec()),
                number,
                |record| {
                    let mut avro = Vec::new();
                    let (tags, datapoints) = (record.tags.iter().copied(), record.datapoints.iter().copied());
                    put_record(&mut avro, form.layout, record.topic, tags, datapoints);
                    avro.len()
                },
            )
        };
        let whole = size(&said.2) <= form.room();
        let split = said.0.len() + said.1.len() + 3 <= form.room() / 2;
        let before = kept.len();
        for (index, name) in said.2.iter().enumerate() {
            if whole || split && size(&[*name]) <= form.room() {
                kept.push((
                    i64::try_from(number).unwrap(),
                    said.1.clone(),
                    index as f64,
                    *name,
                ));
            } else {
                lost.datapoints += 1;
            }
        }
        lost.records += u64::from(kept.len() == before && !whole);
    }
    (kept, lost)
}

proptest! {
    #[test]
    fn no_datapoint_is_lost_or_doubled(
        records in prop::collection::vec(
            ("[a-c]{0,4}", "x{0,40}|x{100,300}", prop::collection::vec(prop_oneof![0usize..30, 0usize..600], 0..12)),
            0..30,
        ),
        typed in any::<bool>(),
        room in 100usize..600,
    ) {
        let form = form(if typed { Layout::Typed } else { Layout::Old }, room);
        let (messages, lost) = messages(form, &records);
        let (expected, expected_lost) = naive(form, &records);
        prop_assert_eq!(lost, expected_lost);
        let mut found = Vec::new();
        for message in &messages {
            prop_assert!(message.file.len() + FRAME_BYTES / 2 <= form.message_bytes);
            let lists = decode(&message.file);
            prop_assert!(!lists.is_empty());
            prop_assert_eq!(lists.iter().map(|list| list.datapoints.len() as u64).sum::<u64>(), message.datapoints);
            for list in lists {
                // The time is the record's number and the value that of the datapoint.
                found.extend(list.datapoints.iter().map(|datapoint| (
                    datapoint.time_ms, list.tags[0].value.clone(), datapoint.value, datapoint.name.len(),
                )));
            }
        }
        prop_assert_eq!(found, expected);
        let kept: u64 = messages.iter().map(|message| message.records).sum();
        prop_assert_eq!(kept + lost.records, records.len() as u64);
    }
}

#[test]
fn a_message_is_the_file_of_2016() {
    let (messages, _) = messages(form(Layout::Old, 1 << 20), &[("f".into(), "v".into(), vec![3])]);
    let file = &messages[0].file;
    assert_eq!(&file[..601], Layout::Old.header());
    let (size, rest) = (file[602] / 2, &file[603..]);
    assert_eq!(
        (file[601], rest.len()),
        (2, usize::from(size) + SYNC_MARKER.len())
    );
    assert!(rest.ends_with(&SYNC_MARKER));
}

#[test]
fn tags_that_fill_a_message_are_not_repeated_for_every_datapoint() {
    let form = form(Layout::Typed, 1000);
    let (messages, lost) = messages(form, &[("f".into(), "v".repeat(600), vec![50; 100])]);
    assert!(messages.is_empty());
    assert_eq!((lost.records, lost.datapoints), (1, 100));
}

#[test]
fn the_key_is_that_of_the_first_record_of_the_message() {
    let record = |key: &str| ("f".to_owned(), key.to_owned(), vec![10; 20]);
    let (messages, _) = messages(form(Layout::Old, 1000), &[record("a"), record("b"), record("c")]);
    let keys: Vec<_> = messages.iter().map(|message| message.key.as_deref()).collect();
    assert_eq!(keys, [Some("a"), Some("c")]);
    let (messages, _) = self::messages(form(Layout::Old, 1000), &[record(&"k".repeat(KEY_BYTES + 1))]);
    assert_eq!(messages[0].key, None);
}
