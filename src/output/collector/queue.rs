//! Blocks that wait for the collector, oldest first, bounded in bytes.
//!
//! When the bound is passed the oldest blocks go: what is happening now matters more than what happened when the collector
//! was still there. Only a block of which a part is already on the wire stays, since its end has to follow.

use std::collections::VecDeque;
use std::io::IoSlice;

/// Memory of the buffers kept for the next blocks, all together, so that a steady flow allocates nothing: several times
/// what is queued between two writes.
const SPARE_BYTES: usize = 1 << 20;

struct Block {
    bytes: Vec<u8>,
    datapoints: u64,
}

/// Number and size of blocks that left the queue.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Left {
    pub(crate) blocks: u64,
    pub(crate) datapoints: u64,
    pub(crate) bytes: u64,
}

/// See the module's text.
pub(crate) struct Queue {
    blocks: VecDeque<Block>,
    /// Bytes of the first block that are on the wire.
    written: usize,
    bytes: usize,
    datapoints: u64,
    limit: usize,
    spare: Vec<Vec<u8>>,
    spare_bytes: usize,
}

impl Queue {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self {
            blocks: VecDeque::new(),
            written: 0,
            bytes: 0,
            datapoints: 0,
            limit: limit_bytes,
            spare: Vec::new(),
            spare_bytes: 0,
        }
    }

    /// An empty buffer for the next block.
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        let buffer = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= buffer.capacity();
        buffer
    }

    /// Adds a block; what had to go for it.
    pub(crate) fn push(&mut self, bytes: Vec<u8>, datapoints: u64) -> Left {
        self.bytes += bytes.len();
        self.datapoints += datapoints;
        self.blocks.push_back(Block { bytes, datapoints });
        let mut dropped = Left::default();
        while self.bytes > self.limit {
            let oldest = usize::from(self.written > 0);
            let Some(block) = self.blocks.remove(oldest) else {
                break;
            };
            self.leave(block, &mut dropped);
        }
        dropped
    }

    /// The bytes to write next, in order, as far as there is room in `slices`; how many slices were filled.
    pub(crate) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let mut skip = self.written;
        for (slice, block) in slices.iter_mut().zip(&self.blocks) {
            *slice = IoSlice::new(&block.bytes[skip..]);
            skip = 0;
            filled += 1;
        }
        filled
    }

    /// Says that the next `count` bytes were written; the blocks that thereby are complete.
    pub(crate) fn written(&mut self, count: usize) -> Left {
        self.written += count;
        let mut complete = Left::default();
        while let Some(first) = self.blocks.front() {
            if self.written < first.bytes.len() {
                break;
            }
            self.written -= first.bytes.len();
            if let Some(block) = self.blocks.pop_front() {
                self.leave(block, &mut complete);
            }
        }
        complete
    }

    /// Says that the connection ended: a block of which a part was written begins anew on the next. The receiver can do
    /// nothing with a part of a block.
    pub(crate) fn rewind(&mut self) {
        self.written = 0;
    }

    /// Empties the queue.
    pub(crate) fn clear(&mut self) -> Left {
        let mut left = Left::default();
        self.written = 0;
        while let Some(block) = self.blocks.pop_front() {
            self.leave(block, &mut left);
        }
        left
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Bytes of all blocks, those already written of the first included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Datapoints in those blocks.
    pub(crate) fn datapoints(&self) -> u64 {
        self.datapoints
    }

    fn leave(&mut self, mut block: Block, left: &mut Left) {
        self.bytes -= block.bytes.len();
        self.datapoints -= block.datapoints;
        left.blocks += 1;
        left.datapoints += block.datapoints;
        left.bytes += block.bytes.len() as u64;
        let capacity = block.bytes.capacity();
        if self.spare_bytes + capacity <= SPARE_BYTES {
            self.spare_bytes += capacity;
            block.bytes.clear();
            self.spare.push(block.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn next(queue: &Queue) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 4];
        let count = queue.slices(&mut slices);
        slices[..count].iter().flat_map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn drops_the_oldest_but_not_the_one_on_the_wire() {
        let mut queue = Queue::new(10);
        assert_eq!(queue.push(b"aaaa".to_vec(), 1), Left::default());
        assert_eq!(queue.push(b"bbbb".to_vec(), 2), Left::default());
        assert_eq!(
            queue.push(b"cccc".to_vec(), 4),
            Left {
                blocks: 1,
                datapoints: 1,
                bytes: 4
            }
        );
        assert_eq!(queue.written(1), Left::default());
        assert_eq!(
            queue.push(b"dddd".to_vec(), 8),
            Left {
                blocks: 1,
                datapoints: 4,
                bytes: 4
            }
        );
        assert_eq!(next(&queue), b"bbbdddd");
        queue.rewind();
        assert_eq!(next(&queue), b"bbbbdddd");
        assert_eq!(
            queue.written(6),
            Left {
                blocks: 1,
                datapoints: 2,
                bytes: 4
            }
        );
        assert_eq!(next(&queue), b"dd");
        assert_eq!(
            queue.clear(),
            Left {
                blocks: 1,
                datapoints: 8,
                bytes: 4
            }
        );
        assert!(queue.is_empty());
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn a_block_larger_than_the_bound_is_dropped_itself() {
        let mut queue = Queue::new(3);
        assert_eq!(
            queue.push(b"abcd".to_vec(), 9),
            Left {
                blocks: 1,
                datapoints: 9,
                bytes: 4
            }
        );
        assert!(queue.is_empty());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        Write(usize),
        Disconnect,
    }

    proptest! {
        /// Against a plain model: a list of blocks, of which the first has some bytes written.
        #[test]
        fn behaves_like_a_list(steps in proptest::collection::vec(prop_oneof![
            (1_usize..8).prop_map(Step::Push), (0_usize..20).prop_map(Step::Write), Just(Step::Disconnect)], 0..60)) {
            let limit = 20;
            let mut queue = Queue::new(limit);
            let mut model: Vec<Vec<u8>> = Vec::new();
            let mut written = 0;
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(length) => {
                        let block = vec![u8::try_from(number).unwrap(); length];
                        model.push(block.clone());
                        let mut dropped = 0;
                        while model.iter().map(Vec::len).sum::<usize>() > limit {
                            model.remove(usize::from(written > 0));
                            dropped += 1;
                        }
                        prop_assert_eq!(queue.push(block, 1).datapoints, dropped);
                    }
                    Step::Write(count) => {
                        let available = next(&queue).len();
                        let count = count.min(available);
                        written += count;
                        let mut complete = 0;
                        while model.first().is_some_and(|block| block.len() <= written) {
                            written -= model.remove(0).len();
                            complete += 1;
                        }
                        prop_assert_eq!(queue.written(count).datapoints, complete);
                    }
                    Step::Disconnect => {
                        queue.rewind();
                        written = 0;
                    }
                }
                let rest: Vec<u8> = model.iter().take(4).flatten().copied().skip(written).collect();
                prop_assert_eq!(next(&queue), rest);
                prop_assert_eq!(queue.bytes(), model.iter().map(Vec::len).sum::<usize>());
                prop_assert!(queue.bytes() <= limit);
            }
        }
    }
}
