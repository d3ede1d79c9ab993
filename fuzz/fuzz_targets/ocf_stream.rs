//! Any bytes, in any pieces, to `StreamDecoder`: it never panics, and how the bytes arrive makes no difference.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stats_schema::{Layout, Limits, StreamDecoder, put_long};

/// Small, so that an input can reach them.
const LIMITS: Limits = Limits {
    header_bytes: 2048,
    block_bytes: 4096,
    record_tags: 16,
    record_datapoints: 16,
};

fuzz_target!(|input: &[u8]| {
    let [form, piece, rest @ ..] = input else { return };
    let stream = stream(*form, rest);
    let whole = read(&stream, stream.len().max(1));
    assert_eq!(read(&stream, 1), whole);
    assert_eq!(read(&stream, usize::from(*piece) + 2), whole);
});

/// The input as a stream, or as a part of one that is in order otherwise: fuzzing alone seldom finds a header, and
/// hardly ever a sync marker.
fn stream(form: u8, input: &[u8]) -> Vec<u8> {
    match form % 8 {
        0 => input.to_vec(),
        1 => [Layout::Old.header(), input].concat(),
        2 => [Layout::Typed.header(), input].concat(),
        3 => with_block(Layout::Old.header().to_vec(), input),
        4 => with_block(Layout::Typed.header().to_vec(), input),
        codec => {
            // A schema, a byte that is in no JSON text, and the records.
            let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
            let (schema, records) = input.split_at(end);
            let mut header = b"Obj\x01\x04\x14avro.codec".to_vec();
            put_bytes(
                &mut header,
                [b"null".as_slice(), b"deflate", b"snappy"][usize::from(codec) - 5],
            );
            header.extend_from_slice(b"\x16avro.schema");
            put_bytes(&mut header, schema);
            header.push(0);
            header.extend_from_slice(&stats_schema::SYNC_MARKER);
            with_block(header, records.get(1..).unwrap_or_default())
        }
    }
}

/// `stream` and one block, whose number of records is the first byte of `input`.
fn with_block(mut stream: Vec<u8>, input: &[u8]) -> Vec<u8> {
    let Some((records, bytes)) = input.split_first() else {
        return stream;
    };
    put_long(&mut stream, i64::from(*records));
    put_bytes(&mut stream, bytes);
    stream.extend_from_slice(&stats_schema::SYNC_MARKER);
    stream
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_long(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

/// All that can be seen of a stream, as text because NaN is not equal to itself.
fn read(stream: &[u8], piece: usize) -> String {
    let mut decoder = StreamDecoder::new(LIMITS);
    let mut seen = Vec::new();
    for bytes in stream.chunks(piece) {
        if decoder
            .feed(bytes, |record| seen.push(record.to_owned()))
            .is_err()
        {
            break;
        }
    }
    let counts = (decoder.blocks(), decoder.records());
    format!("{counts:?} {seen:?} {:?}", decoder.finish())
}
