//! Encoded datapoints, one after the other.

/// Bytes of several datapoints and where each ends.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// Appends one datapoint: what `encode` writes. If it comes to more than `limit` bytes, it is taken back and the answer
    /// is false.
    pub(crate) fn push(&mut self, limit: usize, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
        let start = self.bytes.len();
        encode(&mut self.bytes);
        if self.bytes.len() - start > limit {
            self.bytes.truncate(start);
            return false;
        }
        self.ends.push(self.bytes.len());
        true
    }

    /// How many datapoints there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes they have together.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of the datapoints from `first` to before `end`.
    pub(crate) fn range(&self, first: usize, end: usize) -> &[u8] {
        let start_of = |index: usize| if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start_of(first)..start_of(end)]
    }

    /// The end of the longest row of datapoints that begins with `first` and has at most `limit` bytes. A single datapoint
    /// is a row whatever its size.
    pub(crate) fn fitting(&self, first: usize, limit: usize) -> usize {
        let start = self.range(0, first).len();
        let fit = self.ends[first..].partition_point(|end| end - start <= limit);
        (first + fit.max(1)).min(self.len())
    }

    /// Drops all datapoints before `first`.
    pub(crate) fn drop_before(&mut self, first: usize) {
        let start = self.range(0, first).len();
        self.bytes.drain(..start);
        self.ends.drain(..first);
        for end in &mut self.ends {
            *end -= start;
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_datapoints() {
        let mut batch = Batch::default();
        for text in ["aaa", "bb", "toolong", "cccc", "d"] {
            assert_eq!(
                batch.push(5, |out| out.extend_from_slice(text.as_bytes())),
                text != "toolong"
            );
        }
        assert_eq!((batch.len(), batch.bytes()), (4, 10));
        assert_eq!(batch.range(1, 3), b"bbcccc");
        assert_eq!(
            [0, 2, 3, 5, 9, 10, 99].map(|limit| batch.fitting(0, limit)),
            [1, 1, 1, 2, 3, 4, 4]
        );
        assert_eq!([0, 2, 6, 7].map(|limit| batch.fitting(1, limit)), [2, 2, 3, 4]);
        batch.drop_before(2);
        assert_eq!(batch.range(0, 2), b"ccccd");
        assert_eq!(batch.fitting(0, 4), 1);
        batch.clear();
        assert_eq!((batch.len(), batch.bytes()), (0, 0));
    }
}
