//! What a decoder holds on to. How it behaves is tested from outside, in `tests/codec`.

use super::*;
use crate::{Block, Layout, MetricList, put_long};

/// A stream of our own up to the head of a block of `size` bytes.
fn announced(size: usize) -> Vec<u8> {
    let mut stream = Layout::Old.header().to_vec();
    put_long(&mut stream, 1);
    put_long(&mut stream, i64::try_from(size).unwrap());
    stream
}

fn decoder_after(stream: &[u8], piece: usize) -> StreamDecoder {
    let mut decoder = StreamDecoder::new(Limits::default());
    stream
        .chunks(piece)
        .for_each(|bytes| decoder.feed(bytes, |_| {}).unwrap());
    decoder
}

#[test]
fn memory_follows_what_came_not_what_was_announced() {
    let mut stream = announced(16 << 20);
    assert_eq!(decoder_after(&stream, 1 << 20).pending.capacity(), 0);
    stream.extend_from_slice(&[0; 100]);
    for piece in [1, 60, 1 << 20] {
        // The buffer may have grown to the size of the schema before.
        let held = decoder_after(&stream, piece).pending.capacity();
        assert!((100..1000).contains(&held), "{held} bytes held for 100");
    }
    let mut stream = announced(1000);
    stream.extend_from_slice(&[0; 1000]);
    assert!(decoder_after(&stream, 1).pending.capacity() <= 1000 + SYNC_MARKER.len());
}

#[test]
fn a_large_block_is_not_kept_when_it_is_done() {
    let mut block = Block::new(Layout::Old);
    block.push(&MetricList {
        topic: "t".repeat(2 * KEPT_BYTES),
        ..MetricList::default()
    });
    let mut stream = Vec::new();
    block.write_file(&mut stream);
    let done = decoder_after(&stream, 1448);
    assert_eq!((done.blocks, done.pending.capacity()), (1, 0));

    block.clear();
    block.push(&MetricList {
        topic: "t".into(),
        ..MetricList::default()
    });
    stream.clear();
    block.write_file(&mut stream);
    let done = decoder_after(&stream, 1);
    assert!(
        done.blocks == 1 && done.pending.capacity() > 0,
        "small buffers are reused"
    );
}

#[test]
fn nothing_is_kept_of_a_stream_given_up() {
    let mut decoder = StreamDecoder::new(Limits::default());
    let mut stream = announced(100_000);
    stream.extend_from_slice(&[0xff; 100_000 + SYNC_MARKER.len()]);
    let fed = stream
        .chunks(1448)
        .try_for_each(|bytes| decoder.feed(bytes, |_| {}));
    assert!(fed.is_err());
    assert_eq!((decoder.pending.capacity(), decoder.unpacked.capacity()), (0, 0));
}

#[test]
fn only_a_header_that_asks_for_them_wants_acknowledgements() {
    for (header, wanted) in [
        (Layout::Old.header(), false),
        (Layout::Typed.header(), false),
        (Layout::Old.connection_header(), false),
        (Layout::Typed.connection_header(), true),
    ] {
        for piece in [1, 7, header.len()] {
            let before = decoder_after(&header[..header.len() - 1], piece);
            assert!(!before.wants_acknowledgements());
            assert_eq!(decoder_after(header, piece).wants_acknowledgements(), wanted);
        }
    }
    let mut other = Layout::Typed.connection_header().to_vec();
    let place = other.windows(6).position(|bytes| bytes == b"blocks").unwrap();
    other[place] = b'c';
    assert!(!decoder_after(&other, 1 << 20).wants_acknowledgements());
}
