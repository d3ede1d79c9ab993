//! A datagram being filled with lines.

/// The most a UDP datagram holds over IPv4, in bytes: 65,535 less the headers.
pub(crate) const MAX_DATAGRAM: usize = 65_507;

/// Lines with a newline between them, of a bounded number of bytes, and what they were made of.
#[derive(Debug)]
pub(crate) struct Datagram {
    bytes: Vec<u8>,
    limit: usize,
    /// Records whose last line is in here; whoever packs keeps it.
    pub(crate) records: u64,
    /// Datapoints in here; whoever packs keeps it.
    pub(crate) datapoints: u64,
}

impl Datagram {
    /// An empty one that takes at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(limit),
            limit,
            records: 0,
            datapoints: 0,
        }
    }

    /// Whether `line`, which may be several, is too long for any datagram of this size.
    pub(crate) fn never_fits(&self, line: &[u8]) -> bool {
        line.len() > self.limit
    }

    /// Whether there is room for `line` besides what is there.
    pub(crate) fn fits(&self, line: &[u8]) -> bool {
        let separator = usize::from(!self.is_empty());
        self.bytes.len() + separator + line.len() <= self.limit
    }

    /// Appends `line`, which has to fit.
    pub(crate) fn push(&mut self, line: &[u8]) {
        if !self.is_empty() {
            self.bytes.push(b'\n');
        }
        self.bytes.extend_from_slice(line);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Empties it for the next lines.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        (self.records, self.datapoints) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_its_limit_and_not_a_byte_more() {
        let mut datagram = Datagram::new(8);
        assert!(!datagram.never_fits(b"12345678") && datagram.never_fits(b"123456789"));
        assert!(datagram.fits(b"12345678") && !datagram.fits(b"123456789"));
        datagram.push(b"abc");
        assert!(datagram.fits(b"1234") && !datagram.fits(b"12345"));
        datagram.push(b"1234");
        assert_eq!(datagram.bytes(), b"abc\n1234");
        datagram.clear();
        assert!(datagram.is_empty() && datagram.fits(b"12345678"));
    }
}
