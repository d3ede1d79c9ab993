//! What a peer may cost.

/// How much of a stream is kept in memory at a time; a stream that needs more is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the header in bytes. Parsing a schema can take a hundred times its size for a moment.
    /// Default 64 KiB; our own headers have less than 1 KiB.
    pub header_bytes: usize,
    /// Size of a block in bytes, once as received and once decompressed. Default 16 MiB; the modules of 2016
    /// never sent more than 256 KiB, ours no more than fits their queue (4 MiB unless configured).
    pub block_bytes: usize,
    /// Tags of one record. Default 4,096, which takes 128 KiB.
    pub record_tags: usize,
    /// Datapoints of one record. Default 262,144, which takes 16 MiB; in 4 MiB there is no room for more.
    pub record_datapoints: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 64 << 10,
            block_bytes: 16 << 20,
            record_tags: 4096,
            record_datapoints: 1 << 18,
        }
    }
}
