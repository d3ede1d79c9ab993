//! Avro's primitives, read from bytes that are complete.

use super::Fault;

/// Reads a long at the start of `bytes`: its value and size, or nothing if it goes on past their end.
#[inline]
pub(super) fn long(bytes: &[u8], what: &'static str) -> Result<Option<(i64, usize)>, Fault> {
    let mut zigzag = 0u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        // The tenth byte has room for one bit.
        if index == 9 && *byte > 1 {
            return Err(Fault::Varint { what });
        }
        zigzag |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            let value = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
            return Ok(Some((value, index + 1)));
        }
    }
    Ok(None)
}

/// What is left of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(super) fn long(&mut self, what: &'static str) -> Result<i64, Fault> {
        let (value, size) = long(self.rest, what)?.ok_or(Fault::Cut { what })?;
        self.rest = &self.rest[size..];
        Ok(value)
    }

    /// A long that has to lie in `0..=max`.
    #[inline]
    pub(super) fn index(&mut self, what: &'static str, max: usize) -> Result<usize, Fault> {
        let found = self.long(what)?;
        match usize::try_from(found) {
            Ok(index) if index <= max => Ok(index),
            _ => Err(Fault::OutOfRange {
                what,
                found,
                max: max as u64,
            }),
        }
    }

    #[inline]
    pub(super) fn double(&mut self, what: &'static str) -> Result<f64, Fault> {
        Ok(f64::from_le_bytes(self.array(what)?))
    }

    pub(super) fn float(&mut self, what: &'static str) -> Result<f32, Fault> {
        Ok(f32::from_le_bytes(self.array(what)?))
    }

    #[inline]
    pub(super) fn text(&mut self, what: &'static str) -> Result<&'a str, Fault> {
        let bytes = self.bytes(what)?;
        std::str::from_utf8(bytes).map_err(|error| Fault::Utf8 {
            what,
            valid: error.valid_up_to(),
        })
    }

    /// A length and that many bytes.
    #[inline]
    pub(super) fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], Fault> {
        let found = self.long(what)?;
        match usize::try_from(found) {
            Ok(len) if len <= self.rest.len() => {
                let (bytes, rest) = self.rest.split_at(len);
                self.rest = rest;
                Ok(bytes)
            }
            _ => Err(Fault::Length {
                what,
                found,
                left: self.rest.len(),
            }),
        }
    }

    pub(super) fn skip(&mut self, len: usize, what: &'static str) -> Result<(), Fault> {
        self.rest = self.rest.get(len..).ok_or(Fault::Cut { what })?;
        Ok(())
    }

    /// The head of a run of items in an array or map: how many, and the bytes they take where the writer says so
    /// (it does by negating the count).
    #[inline]
    pub(super) fn run(&mut self, what: &'static str) -> Result<(u64, Option<usize>), Fault> {
        let count = self.long(what)?;
        if count >= 0 {
            return Ok((count.cast_unsigned(), None));
        }
        let found = self.long(what)?;
        match usize::try_from(found) {
            Ok(size) if size <= self.rest.len() => Ok((count.unsigned_abs(), Some(size))),
            _ => Err(Fault::Length {
                what,
                found,
                left: self.rest.len(),
            }),
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Fault> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Fault::Cut { what })?;
        self.rest = rest;
        Ok(*bytes)
    }
}
