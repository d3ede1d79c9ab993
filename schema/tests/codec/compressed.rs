//! Compressed blocks that are not what they should be, or more than they should be.

use super::*;

/// A stream of one record in one block, the latter compressed already.
fn compressed(codec: &str, packed: &[u8]) -> String {
    let metadata = [("avro.codec", codec.as_bytes()), ("avro.schema", b"\"string\"")];
    read(&[header(&metadata), block(1, packed)].concat()).error()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let mut stream = flate2::Compress::new(flate2::Compression::best(), false);
    stream
        .compress_vec(bytes, &mut out, flate2::FlushCompress::Finish)
        .unwrap();
    out
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut out = snap::raw::Encoder::new().compress_vec(bytes).unwrap();
    out.extend_from_slice(&crc32fast::hash(bytes).to_be_bytes());
    out
}

#[test]
fn compressed_blocks() {
    let good = b"\x08good";
    let limit = vec![0; 1 << 20];
    let beyond = vec![0; (1 << 20) + 1];
    let mut wrong_sum = snappy(good);
    *wrong_sum.last_mut().unwrap() ^= 1;
    let whole = deflate(good);
    let too_large = "decompressed size of the block is 1048577, allowed is 0 to 1048576";
    let trailing = "1048575 bytes are left after the last record";
    let table = [
        ("deflate", whole.clone(), "no error"),
        (
            "deflate",
            whole[..whole.len() - 1].to_vec(),
            "deflate block: compressed data end too early",
        ),
        (
            "deflate",
            Vec::new(),
            "deflate block: compressed data end too early",
        ),
        (
            "deflate",
            [&whole[..], b"x"].concat(),
            "deflate block: 1 bytes follow the end of the compressed data",
        ),
        (
            "deflate",
            vec![0xff; 9],
            "deflate block: deflate decompression error",
        ),
        ("deflate", deflate(&beyond), too_large),
        ("deflate", deflate(&vec![0; 100 << 20]), too_large),
        ("deflate", deflate(&limit), trailing),
        ("snappy", snappy(good), "no error"),
        ("snappy", wrong_sum, "snappy block: checksum is "),
        (
            "snappy",
            b"abc".to_vec(),
            "snappy block: 3 bytes have no room for the checksum of 4",
        ),
        ("snappy", snappy(&beyond), too_large),
        // Announces 4 GiB and brings nothing.
        (
            "snappy",
            b"\xff\xff\xff\xff\x0f\0\0\0\0".to_vec(),
            "decompressed size of the block is 4294967295, allowed",
        ),
        ("snappy", snappy(&limit), trailing),
        (
            "snappy",
            vec![0xff; 20],
            "snappy block: snappy: corrupt input (invalid header)",
        ),
        (
            "snappy",
            snappy(b""),
            "number of records in the block is 1, allowed is 0 to 0",
        ),
    ];
    for (codec, packed, expected) in table {
        let error = compressed(codec, &packed);
        assert!(error.contains(expected), "{codec} {expected}: {error}");
    }
}
