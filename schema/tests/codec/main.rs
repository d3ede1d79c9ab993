//! The codec from outside: streams of ours and of others, whole and in pieces, honest and hostile.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod compressed;
mod foreign;
mod foreign_writer;
mod hostile;
mod oracle;
mod properties;
mod streams;
mod twin;

use stats_schema::{
    Block, Datapoint, Layout, Limits, MetricList, MetricType, StreamDecoder, StreamError, Tag, put_long,
    put_string,
};

/// What a stream turned out to hold, and how it ended.
#[derive(Debug, PartialEq)]
struct Outcome {
    lists: Vec<MetricList>,
    blocks: u64,
    end: Result<(), StreamError>,
}

impl Outcome {
    /// The error's text.
    fn error(&self) -> String {
        self.end
            .as_ref()
            .map_or_else(ToString::to_string, |()| "no error".into())
    }
}

/// Reads a stream that arrives in `pieces`.
fn read_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: Limits) -> Outcome {
    let mut decoder = StreamDecoder::new(limits);
    let mut lists = Vec::new();
    for piece in pieces {
        if let Err(error) = decoder.feed(piece, |record| lists.push(record.to_owned())) {
            assert_eq!(
                decoder.feed(b"more", |_| panic!("a record after an error")),
                Err(error)
            );
            break;
        }
    }
    assert_eq!(decoder.records(), lists.len() as u64);
    Outcome {
        lists,
        blocks: decoder.blocks(),
        end: decoder.finish(),
    }
}

/// Reads a stream whole and in pieces of several sizes, which must make no difference.
fn read(stream: &[u8]) -> Outcome {
    let limits = Limits {
        block_bytes: 1 << 20,
        ..Limits::default()
    };
    let whole = read_pieces([stream], limits);
    for size in [1, 2, 3, 7, 16, 100, 1448] {
        assert_eq!(
            read_pieces(stream.chunks(size), limits),
            whole,
            "in pieces of {size}"
        );
    }
    whole
}

const SYNC: &[u8; 16] = b"0123456789abcdef";

/// A header with these metadata entries in one run.
fn header(metadata: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"Obj\x01".to_vec();
    if !metadata.is_empty() {
        put_len(&mut out, metadata.len());
    }
    for (key, value) in metadata {
        put_string(&mut out, key);
        put_bytes(&mut out, value);
    }
    out.push(0);
    out.extend_from_slice(SYNC);
    out
}

fn block(records: i64, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_long(&mut out, records);
    put_bytes(&mut out, bytes);
    out.extend_from_slice(SYNC);
    out
}

/// A stream of one block, uncompressed.
fn stream(schema: &str, records: i64, bytes: &[u8]) -> Vec<u8> {
    [
        header(&[("avro.schema", schema.as_bytes())]),
        block(records, bytes),
    ]
    .concat()
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    put_long(out, i64::try_from(len).unwrap());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn file_of(layout: Layout, lists: &[MetricList]) -> Vec<u8> {
    let mut block = Block::new(layout);
    lists.iter().for_each(|list| block.push(list));
    let mut out = Vec::new();
    block.write_file(&mut out);
    out
}

fn list(topic: &str, tags: &[(&str, &str)], datapoints: &[Datapoint]) -> MetricList {
    let tags = tags.iter().map(|(key, value)| Tag {
        key: (*key).into(),
        value: (*value).into(),
    });
    MetricList {
        topic: topic.into(),
        tags: tags.collect(),
        datapoints: datapoints.into(),
    }
}

fn datapoint(name: &str, time_ms: i64, value: f64) -> Datapoint {
    Datapoint {
        name: name.into(),
        time_ms,
        value,
        metric_type: MetricType::Unknown,
        sample_rate: 1.0,
        text: None,
    }
}

fn member(name: &str, text: &str) -> Datapoint {
    Datapoint {
        metric_type: MetricType::Set,
        sample_rate: 0.25,
        text: Some(text.into()),
        ..datapoint(name, 7, 0.0)
    }
}
