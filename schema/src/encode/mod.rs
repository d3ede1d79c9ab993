//! Avro's binary form of our records, appended to buffers that the caller reuses: once those have grown to their
//! working size, nothing here allocates.

mod block;
mod part;

pub use block::Block;
pub use part::{CustomTags, Identity, Part, write_block};

use crate::{DatapointRef, Layout, TagRef};

/// Appends `value` as an Avro long: zig-zag, seven bits a byte, one to ten bytes.
#[inline]
pub fn put_long(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Appends `text` as an Avro string: its length in bytes, then the bytes.
#[inline]
pub fn put_string(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Appends one `MetricList`.
pub fn put_record<'a>(
    out: &mut Vec<u8>,
    layout: Layout,
    topic: &str,
    tags: impl ExactSizeIterator<Item = TagRef<'a>>,
    datapoints: impl ExactSizeIterator<Item = DatapointRef<'a>>,
) {
    put_string(out, topic);
    put_array(out, tags, |out, tag| {
        put_string(out, tag.key);
        put_string(out, tag.value);
    });
    put_array(out, datapoints, |out, datapoint| {
        put_datapoint(out, layout, &datapoint);
    });
}

/// An array is one block of all items and the zero that ends it; an empty one is only the zero.
fn put_array<T>(
    out: &mut Vec<u8>,
    items: impl ExactSizeIterator<Item = T>,
    mut put: impl FnMut(&mut Vec<u8>, T),
) {
    if items.len() > 0 {
        put_count(out, items.len());
        items.for_each(|item| put(out, item));
    }
    out.push(0);
}

#[inline]
fn put_datapoint(out: &mut Vec<u8>, layout: Layout, datapoint: &DatapointRef<'_>) {
    put_string(out, datapoint.name);
    put_long(out, datapoint.time_ms);
    out.extend_from_slice(&datapoint.value.to_le_bytes());
    if layout == Layout::Typed {
        put_count(out, datapoint.metric_type as usize);
        out.extend_from_slice(&datapoint.sample_rate.to_le_bytes());
        match datapoint.text {
            None => out.push(0),
            Some(text) => {
                put_count(out, 1);
                put_string(out, text);
            }
        }
    }
}

/// Appends a count, length or index, which as a long is never negative.
#[inline]
fn put_count(out: &mut Vec<u8>, count: usize) {
    put_varint(out, (count as u64) << 1);
}

/// How many bytes [`put_count`] appends.
fn count_len(count: usize) -> usize {
    let bits = (u64::BITS - ((count as u64) << 1).leading_zeros()).max(1);
    bits.div_ceil(7) as usize
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time are meant")]
fn put_varint(out: &mut Vec<u8>, mut rest: u64) {
    if rest < 0x80 {
        return out.push(rest as u8);
    }
    let mut bytes = [0; 10];
    let mut len = 0;
    while rest >= 0x80 {
        bytes[len] = rest as u8 | 0x80;
        rest >>= 7;
        len += 1;
    }
    bytes[len] = rest as u8;
    out.extend_from_slice(&bytes[..=len]);
}

#[cfg(test)]
mod tests;
