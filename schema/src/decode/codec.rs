//! Compressed blocks, with the size of the result bounded before there is one.

use super::{Fault, error::quoted};
use flate2::{Decompress, FlushDecompress, Status};

/// How a stream's blocks are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Codec {
    #[default]
    Null,
    Deflate,
    Snappy,
}

impl Codec {
    pub(super) fn from_name(name: &[u8]) -> Result<Self, Fault> {
        match name {
            b"null" => Ok(Self::Null),
            b"deflate" => Ok(Self::Deflate),
            b"snappy" => Ok(Self::Snappy),
            other => Err(Fault::Codec {
                found: quoted(&String::from_utf8_lossy(other)).into(),
            }),
        }
    }

    /// The records of a block: `packed` itself, or decompressed into `buffer` if they are at most `limit` bytes.
    pub(super) fn unpack<'a>(
        self,
        packed: &'a [u8],
        buffer: &'a mut Vec<u8>,
        limit: usize,
    ) -> Result<&'a [u8], Fault> {
        buffer.clear();
        match self {
            Self::Null => return Ok(packed),
            Self::Deflate => inflate(packed, buffer, limit)?,
            Self::Snappy => unsnap(packed, buffer, limit)?,
        }
        Ok(buffer)
    }
}

fn too_large(found: usize, limit: usize) -> Fault {
    Fault::OutOfRange {
        what: "decompressed size of the block",
        found: i64::try_from(found).unwrap_or(i64::MAX),
        max: limit as u64,
    }
}

/// Raw deflate, without zlib's frame and checksum.
fn inflate(packed: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
    let fault = |reason: &str| Fault::Compressed {
        codec: "deflate",
        reason: reason.into(),
    };
    let mut stream = Decompress::new(false);
    loop {
        if out.len() == out.capacity() {
            if out.len() > limit {
                return Err(too_large(out.len(), limit));
            }
            // One byte beyond the limit shows that it is exceeded.
            out.reserve_exact(
                out.len()
                    .max(4 * packed.len())
                    .max(4096)
                    .min(limit + 1 - out.len()),
            );
        }
        let (taken, made) = (stream.total_in(), out.len());
        let rest = packed
            .get(usize::try_from(taken).unwrap_or(usize::MAX)..)
            .unwrap_or_default();
        let status = stream
            .decompress_vec(rest, out, FlushDecompress::None)
            .map_err(|error| fault(&error.to_string()))?;
        if status == Status::StreamEnd {
            break;
        }
        if stream.total_in() == taken && out.len() == made {
            return Err(fault("compressed data end too early"));
        }
    }
    if out.len() > limit {
        return Err(too_large(out.len(), limit));
    }
    match packed.len() as u64 - stream.total_in() {
        0 => Ok(()),
        more => Err(fault(&format!(
            "{more} bytes follow the end of the compressed data"
        ))),
    }
}

/// Snappy's raw format, then the CRC-32 of the decompressed bytes, big-endian.
fn unsnap(packed: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
    let fault = |reason: String| Fault::Compressed {
        codec: "snappy",
        reason: reason.into(),
    };
    let (data, stated) = packed.split_last_chunk::<4>().ok_or_else(|| {
        fault(format!(
            "{} bytes have no room for the checksum of 4",
            packed.len()
        ))
    })?;
    let len = snap::raw::decompress_len(data).map_err(|error| fault(error.to_string()))?;
    if len > limit {
        return Err(too_large(len, limit));
    }
    out.resize(len, 0);
    snap::raw::Decoder::new()
        .decompress(data, out)
        .map_err(|error| fault(error.to_string()))?;
    let (stated, computed) = (u32::from_be_bytes(*stated), crc32fast::hash(out));
    if stated == computed {
        Ok(())
    } else {
        Err(fault(format!(
            "checksum is {stated:08x}, that of the data {computed:08x}"
        )))
    }
}
