//! What is left of a store's limits.

/// Series and bytes taken, and how many there may be.
#[derive(Debug)]
pub(super) struct Room {
    series: usize,
    max_series: usize,
    bytes: usize,
    max_bytes: usize,
}

impl Room {
    pub(super) fn new(max_series: usize, max_bytes: usize) -> Self {
        Self {
            series: 0,
            max_series,
            bytes: 0,
            max_bytes,
        }
    }

    pub(super) fn series(&self) -> usize {
        self.series
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes so many bytes, if there are.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let enough = bytes <= self.max_bytes.saturating_sub(self.bytes);
        if enough {
            self.bytes += bytes;
        }
        enough
    }

    /// Takes room for a series of so many bytes, if there is.
    pub(super) fn take_series(&mut self, bytes: usize) -> bool {
        let enough = self.series < self.max_series && self.take(bytes);
        self.series += usize::from(enough);
        enough
    }

    pub(super) fn give(&mut self, bytes: usize) {
        self.bytes -= bytes;
    }

    pub(super) fn give_series(&mut self, bytes: usize) {
        self.series -= 1;
        self.give(bytes);
    }
}
