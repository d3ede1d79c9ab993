//! A stream's header, item by item as it arrives.

use super::codec::Codec;
use super::cursor::long;
use super::writer_schema::WriterSchema;
use super::{Fault, Item};
use crate::SYNC_MARKER;
use crate::schema::ACKNOWLEDGE;

/// What is known so far, and which item comes next.
#[derive(Debug, Default)]
pub(super) struct Header {
    next: Next,
    /// Entries left in the current run of the metadata map.
    entries: u64,
    codec: Codec,
    schema: Option<WriterSchema>,
    acknowledge: bool,
    /// What was read so far, in bytes.
    size: usize,
}

#[derive(Debug, Default)]
enum Next {
    #[default]
    Magic,
    Run,
    Key,
    Value(Key),
    Sync,
}

#[derive(Clone, Copy, Debug)]
enum Key {
    Schema,
    Codec,
    Acknowledge,
    Other,
}

/// What a complete header says about the blocks.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) codec: Codec,
    pub(super) schema: WriterSchema,
    pub(super) sync: [u8; SYNC_MARKER.len()],
    pub(super) acknowledge: bool,
}

impl Header {
    /// Reads the next item from the start of `bytes`; with the last one, the header is complete. All items
    /// together may have `limit` bytes.
    pub(super) fn read(&mut self, bytes: &[u8], limit: usize) -> Result<(Item, Option<Writer>), Fault> {
        let mut writer = None;
        let item = match self.next {
            Next::Magic => self.magic(bytes)?,
            Next::Run => self.run(bytes)?,
            Next::Key => self.key(bytes)?,
            Next::Value(key) => self.value(bytes, key)?,
            Next::Sync => match bytes.first_chunk() {
                None => Item::Needs(SYNC_MARKER.len()),
                Some(sync) => {
                    let missing = Fault::Schema {
                        reason: "it is missing".into(),
                    };
                    let schema = self.schema.take().ok_or(missing)?;
                    writer = Some(Writer {
                        codec: self.codec,
                        schema,
                        sync: *sync,
                        acknowledge: self.acknowledge,
                    });
                    Item::Read(sync.len())
                }
            },
        };
        let (Item::Needs(more) | Item::Read(more)) = item;
        let size = self.size.saturating_add(more);
        if size > limit {
            let found = i64::try_from(size).unwrap_or(i64::MAX);
            return Err(Fault::OutOfRange {
                what: "size of the header",
                found,
                max: limit as u64,
            });
        }
        if let Item::Read(_) = item {
            self.size = size;
        }
        Ok((item, writer))
    }

    fn magic(&mut self, bytes: &[u8]) -> Result<Item, Fault> {
        match bytes.first_chunk() {
            None => Ok(Item::Needs(4)),
            Some(b"Obj\x01") => {
                self.next = Next::Run;
                Ok(Item::Read(4))
            }
            Some(found) => Err(Fault::Magic { found: *found }),
        }
    }

    /// How many entries follow; a negative number is followed by their size, which we do not need.
    fn run(&mut self, bytes: &[u8]) -> Result<Item, Fault> {
        let what = "number of metadata entries";
        let Some((count, mut size)) = long(bytes, what)? else {
            return Ok(Item::Needs(bytes.len() + 1));
        };
        if count < 0 {
            let Some((_, more)) = long(&bytes[size..], what)? else {
                return Ok(Item::Needs(bytes.len() + 1));
            };
            size += more;
        }
        self.entries = count.unsigned_abs();
        self.next = if count == 0 { Next::Sync } else { Next::Key };
        Ok(Item::Read(size))
    }

    fn key(&mut self, bytes: &[u8]) -> Result<Item, Fault> {
        let (item, key) = counted(bytes, "length of a metadata key")?;
        if let Some(key) = key {
            self.next = Next::Value(match key {
                b"avro.schema" => Key::Schema,
                b"avro.codec" => Key::Codec,
                key if key == ACKNOWLEDGE.0 => Key::Acknowledge,
                _ => Key::Other,
            });
        }
        Ok(item)
    }

    fn value(&mut self, bytes: &[u8], key: Key) -> Result<Item, Fault> {
        let (item, value) = counted(bytes, "length of a metadata value")?;
        let Some(value) = value else {
            return Ok(item);
        };
        match key {
            Key::Schema => {
                let json = std::str::from_utf8(value).map_err(|error| Fault::Utf8 {
                    what: "avro.schema",
                    valid: error.valid_up_to(),
                })?;
                self.schema = Some(WriterSchema::parse(json)?);
            }
            Key::Codec => self.codec = Codec::from_name(value)?,
            Key::Acknowledge => self.acknowledge = value == ACKNOWLEDGE.1,
            Key::Other => {}
        }
        self.entries -= 1;
        self.next = if self.entries == 0 { Next::Run } else { Next::Key };
        Ok(item)
    }
}

/// A length and that many bytes.
fn counted<'a>(bytes: &'a [u8], what: &'static str) -> Result<(Item, Option<&'a [u8]>), Fault> {
    let Some((found, start)) = long(bytes, what)? else {
        return Ok((Item::Needs(bytes.len() + 1), None));
    };
    let len = u64::try_from(found).map_err(|_| Fault::OutOfRange {
        what,
        found,
        max: i64::MAX as u64,
    })?;
    let end = usize::try_from(len).unwrap_or(usize::MAX).saturating_add(start);
    match bytes.get(start..end) {
        Some(value) => Ok((Item::Read(end), Some(value))),
        None => Ok((Item::Needs(end), None)),
    }
}
