//! A block: its head, its body and which reader its records go to.

use super::cursor::long;
use super::foreign::Foreign;
use super::header::Writer;
use super::native::Native;
use super::records::Records;
use super::{Fault, Item, Limits};
use crate::{Layout, RecordRef, SYNC_MARKER};

/// What precedes a block's body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) records: u64,
    /// In bytes, without the sync marker.
    pub(super) size: usize,
}

/// What it takes to read a block's body.
#[derive(Debug)]
pub(super) struct Reader {
    writer: Writer,
    /// Which of our layouts the writer's schema is.
    layout: Option<Layout>,
}

impl Reader {
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            layout: writer.schema.layout(),
            writer,
        }
    }

    /// The records of a body, decompressed into `buffer` if need be.
    ///
    /// The sync marker, which has to be the header's, is compared first: if a block's size is wrong, that is a
    /// better explanation than whatever its records look like.
    pub(super) fn unpack<'b>(
        &self,
        head: Head,
        body: &'b [u8],
        buffer: &'b mut Vec<u8>,
        limit: usize,
    ) -> Result<&'b [u8], Fault> {
        let (packed, marker) = body.split_at(head.size);
        if marker != self.writer.sync {
            let mut found = [0; SYNC_MARKER.len()];
            found.copy_from_slice(marker);
            return Err(Fault::Sync {
                found,
                expected: self.writer.sync,
            });
        }
        let records = self.writer.codec.unpack(packed, buffer, limit)?;
        // Records of no byte at all could be announced without end, and none that is of use has no byte.
        let max = records.len() as u64;
        if head.records > max {
            let found = i64::try_from(head.records).unwrap_or(i64::MAX);
            return Err(Fault::OutOfRange {
                what: "number of records in the block",
                found,
                max,
            });
        }
        Ok(records)
    }

    /// Shows `count` records, counts them in `shown`, and returns how many bytes are left after them.
    pub(super) fn show(
        &self,
        block: &[u8],
        count: u64,
        limits: Limits,
        shown: &mut u64,
        record: &mut impl FnMut(RecordRef<'_>),
    ) -> Result<usize, Fault> {
        match self.layout {
            Some(layout) => show_all(Native::new(layout, limits, block), count, shown, record),
            None => show_all(
                Foreign::new(&self.writer.schema, limits, block),
                count,
                shown,
                record,
            ),
        }
    }
}

/// The number of records and the size in bytes that a block begins with.
pub(super) fn read_head(bytes: &[u8], limit: usize) -> Result<(Item, Option<Head>), Fault> {
    let needs = (Item::Needs(bytes.len() + 1), None);
    let what = "number of records in the block";
    let Some((found, start)) = long(bytes, what)? else {
        return Ok(needs);
    };
    let records = u64::try_from(found).map_err(|_| Fault::OutOfRange {
        what,
        found,
        max: i64::MAX as u64,
    })?;
    let what = "size of the block";
    let Some((found, len)) = long(&bytes[start..], what)? else {
        return Ok(needs);
    };
    let size = usize::try_from(found).ok().filter(|size| *size <= limit);
    let size = size.ok_or(Fault::OutOfRange {
        what,
        found,
        max: limit as u64,
    })?;
    Ok((Item::Read(start + len), Some(Head { records, size })))
}

fn show_all(
    mut records: impl Records,
    count: u64,
    shown: &mut u64,
    record: &mut impl FnMut(RecordRef<'_>),
) -> Result<usize, Fault> {
    for _ in 0..count {
        record(records.next()?);
        *shown += 1;
    }
    Ok(records.left())
}
