//! Blocks that wait for the collector, oldest first, bounded in bytes.
//!
//! When the bound is passed the oldest blocks go: what is happening now matters more than what happened when the collector
//! was still there. Only a block of which a part is already on the wire stays, since its end has to follow.
//!
//! A collector that acknowledges blocks is one that can be asked to take them again: what it has been sent stays here until
//! it says that it has it, and goes once more on the next connection if it never does. Such blocks take up half of the
//! bound at most; then nothing is sent until it says something, and what waits behind is subject to the bound as ever.

use std::collections::VecDeque;
use std::io::IoSlice;

/// Memory of the buffers kept for the next blocks, all together, so that a steady flow allocates nothing: several times
/// what is queued between two writes.
const SPARE_BYTES: usize = 1 << 20;

struct Block {
    bytes: Vec<u8>,
    datapoints: u64,
    /// How many connections ended over it: the collector spoke, and took over nothing.
    refusals: u8,
}

/// A block that as many connections end over is not one that the collector can take, and must not keep all others from it.
const REFUSALS: u8 = 5;

/// What the end of a connection leads to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Rewound {
    /// Datapoints that are sent again.
    pub(crate) again: u64,
    /// The block that was refused too often.
    pub(crate) refused: Left,
}

/// Number and size of blocks that left the queue.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Left {
    pub(crate) blocks: u64,
    pub(crate) datapoints: u64,
    pub(crate) bytes: u64,
}

/// What the collector at the other end of this connection says of the blocks it gets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Peer {
    /// Nothing yet. It may, so everything is kept as if it did.
    MayAcknowledge,
    Acknowledges,
    /// It is one that never does: a block is gone when the kernel has it.
    Silent,
}

/// The collector said what cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the collector acknowledges {acknowledged} blocks of {sent}")]
pub(crate) struct Impossible {
    acknowledged: u64,
    sent: u64,
}

/// See the module's text.
pub(crate) struct Queue {
    blocks: VecDeque<Block>,
    peer: Peer,
    /// How many blocks, the first ones, are on the wire and not acknowledged; and their bytes.
    sent: usize,
    sent_bytes: usize,
    /// Blocks that were sent on this connection and have left the queue.
    gone: u64,
    /// Bytes of the first block not sent that are on the wire.
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
            peer: Peer::Silent,
            sent: 0,
            sent_bytes: 0,
            gone: 0,
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
        self.blocks.push_back(Block {
            bytes,
            datapoints,
            refusals: 0,
        });
        let mut dropped = Left::default();
        while self.bytes > self.limit {
            let oldest = self.sent + usize::from(self.written > 0);
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
        let mut on_the_wire = self.sent_bytes;
        for (slice, block) in slices.iter_mut().zip(self.blocks.range(self.sent..)) {
            // What was begun has to be ended.
            if self.is_wide(on_the_wire) && skip == 0 {
                break;
            }
            *slice = IoSlice::new(&block.bytes[skip..]);
            on_the_wire += block.bytes.len();
            skip = 0;
            filled += 1;
        }
        filled
    }

    /// Whether so many bytes are all that may be without an acknowledgement.
    fn is_wide(&self, bytes: usize) -> bool {
        self.peer != Peer::Silent && bytes > self.limit / 2
    }

    /// Whether there is something to write now.
    pub(crate) fn is_writable(&self) -> bool {
        self.blocks.len() > self.sent && (self.written > 0 || !self.is_wide(self.sent_bytes))
    }

    /// Says that the next `count` bytes were written; the blocks that thereby are the collector's.
    pub(crate) fn written(&mut self, count: usize) -> Left {
        self.written += count;
        while let Some(next) = self.blocks.get(self.sent) {
            let length = next.bytes.len();
            if self.written < length {
                break;
            }
            self.written -= length;
            self.sent += 1;
            self.sent_bytes += length;
        }
        match self.peer {
            Peer::Silent => self.leave_sent(self.sent),
            Peer::MayAcknowledge | Peer::Acknowledges => Left::default(),
        }
    }

    /// Begins a connection to a peer that may acknowledge what it gets, or never will.
    pub(crate) fn connected(&mut self, may_acknowledge: bool) {
        self.peer = if may_acknowledge {
            Peer::MayAcknowledge
        } else {
            Peer::Silent
        };
    }

    /// The peer has had time enough to say that it acknowledges: what was sent is its own.
    pub(crate) fn peer_is_silent(&mut self) -> Left {
        self.peer = Peer::Silent;
        self.leave_sent(self.sent)
    }

    /// Says that the peer has taken over so many blocks of this connection; those that thereby leave.
    ///
    /// # Errors
    ///
    /// If it was not sent so many.
    pub(crate) fn acknowledged(&mut self, blocks: u64) -> Result<Left, Impossible> {
        self.peer = Peer::Acknowledges;
        let sent = self.gone + self.sent as u64;
        if blocks > sent {
            return Err(Impossible {
                acknowledged: blocks,
                sent,
            });
        }
        // It may be late: what was sent before its first word came has left by itself.
        let new = blocks.saturating_sub(self.gone);
        Ok(self.leave_sent(usize::try_from(new).unwrap_or(self.sent)))
    }

    fn leave_sent(&mut self, count: usize) -> Left {
        let mut left = Left::default();
        for _ in 0..count {
            if let Some(block) = self.blocks.pop_front() {
                self.sent_bytes -= block.bytes.len();
                self.leave(block, &mut left);
            }
        }
        self.sent -= count;
        self.gone += count as u64;
        left
    }

    /// Says that the connection ended: what was not acknowledged is sent again on the next, and a block of which a part was
    /// written begins anew. The receiver can do nothing with a part of a block. One that the receiver refuses again and again
    /// leaves.
    pub(crate) fn rewind(&mut self) -> Rewound {
        let mut refused = Left::default();
        if self.peer == Peer::Acknowledges
            && self.gone == 0
            && self.sent + self.written > 0
            && let Some(first) = self.blocks.front_mut()
        {
            first.refusals += 1;
            if first.refusals == REFUSALS
                && let Some(first) = self.blocks.pop_front()
            {
                self.sent = self.sent.saturating_sub(1);
                self.leave(first, &mut refused);
            }
        }
        let again = self.blocks.range(..self.sent).map(|block| block.datapoints).sum();
        self.written = 0;
        self.sent = 0;
        self.sent_bytes = 0;
        self.gone = 0;
        Rewound { again, refused }
    }

    /// Empties the queue.
    pub(crate) fn clear(&mut self) -> Left {
        let mut left = Left::default();
        self.written = 0;
        self.sent = 0;
        self.sent_bytes = 0;
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

    fn left(blocks: u64, datapoints: u64, bytes: u64) -> Left {
        Left {
            blocks,
            datapoints,
            bytes,
        }
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again() {
        let mut queue = Queue::new(100);
        queue.connected(true);
        queue.push(b"aaaa".to_vec(), 1);
        queue.push(b"bbbb".to_vec(), 2);
        queue.push(b"cccc".to_vec(), 4);
        assert_eq!(queue.written(9), Left::default());
        assert_eq!(queue.acknowledged(0), Ok(Left::default()));
        assert_eq!(queue.acknowledged(1), Ok(left(1, 1, 4)));
        assert_eq!(queue.acknowledged(1), Ok(Left::default()));
        assert_eq!(next(&queue), b"ccc");
        assert_eq!(queue.rewind().again, 2);
        queue.connected(true);
        assert_eq!(next(&queue), b"bbbbcccc");
        queue.written(4);
        assert_eq!(queue.acknowledged(1), Ok(left(1, 2, 4)));
        let error = queue.acknowledged(2).unwrap_err();
        assert_eq!(error.to_string(), "the collector acknowledges 2 blocks of 1");
    }

    #[test]
    fn a_block_that_is_refused_again_and_again_leaves() {
        let mut queue = Queue::new(100);
        queue.push(b"aaaa".to_vec(), 1);
        queue.push(b"bbbb".to_vec(), 2);
        for refusal in 1..=REFUSALS {
            queue.connected(true);
            queue.acknowledged(0).unwrap();
            queue.written(8);
            let refused = if refusal == REFUSALS {
                left(1, 1, 4)
            } else {
                Left::default()
            };
            assert_eq!(queue.rewind().refused, refused);
        }
        assert_eq!((next(&queue), queue.bytes()), (b"bbbb".to_vec(), 4));
        // One that never spoke has refused nothing, and one that has taken something over has not refused the rest.
        for _ in 0..=REFUSALS {
            queue.connected(true);
            queue.written(4);
            assert_eq!(queue.rewind().refused, Left::default());
        }
    }

    #[test]
    fn a_peer_that_says_nothing_has_what_the_kernel_has() {
        let mut queue = Queue::new(100);
        queue.connected(true);
        queue.push(b"aaaa".to_vec(), 1);
        queue.push(b"bbbb".to_vec(), 2);
        queue.written(6);
        assert_eq!(queue.peer, Peer::MayAcknowledge);
        assert_eq!(queue.peer_is_silent(), left(1, 1, 4));
        assert_eq!(queue.written(2), left(1, 2, 4));
        // Its first word comes late.
        queue.push(b"cccc".to_vec(), 4);
        assert_eq!(queue.acknowledged(1), Ok(Left::default()));
        assert_eq!(queue.written(4), Left::default());
        assert_eq!(queue.acknowledged(3), Ok(left(1, 4, 4)));
    }

    #[test]
    fn no_more_than_half_of_the_bound_waits_for_an_acknowledgement() {
        let mut queue = Queue::new(20);
        queue.connected(true);
        for _ in 0..4 {
            queue.push(b"aaaa".to_vec(), 1);
        }
        assert_eq!(next(&queue).len(), 12);
        queue.written(12);
        assert!(!queue.is_writable());
        assert_eq!(next(&queue), b"");
        // What waits is bounded as ever, and what was sent stays.
        assert_eq!(queue.push(b"bbbb".to_vec(), 2), Left::default());
        assert_eq!(queue.push(b"cccc".to_vec(), 4), left(1, 1, 4));
        assert_eq!(queue.acknowledged(2), Ok(left(2, 2, 8)));
        assert!(queue.is_writable());
        assert_eq!(next(&queue), b"bbbbcccc");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        Write(usize),
        Acknowledge(u64),
        GiveUpWaiting,
        Disconnect(bool),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1_usize..8).prop_map(Step::Push),
            4 => (0_usize..20).prop_map(Step::Write),
            3 => (0_u64..4).prop_map(Step::Acknowledge),
            1 => Just(Step::GiveUpWaiting),
            1 => any::<bool>().prop_map(Step::Disconnect),
        ]
    }

    /// Ends the connection. Which block is refused too often has a test of its own.
    fn leave_refused(queue: &mut Queue, model: &mut Vec<Vec<u8>>, sent: &mut usize) -> u64 {
        let rewound = queue.rewind();
        if rewound.refused.blocks > 0 {
            model.remove(0);
            *sent = sent.saturating_sub(1);
        }
        rewound.again
    }

    proptest! {
        /// Against a plain model: a list of blocks, of which some are sent and the next has some bytes written. Every block
        /// is in it once, has left once, or was dropped once.
        #[test]
        fn behaves_like_a_list(may_acknowledge in any::<bool>(), steps in proptest::collection::vec(step(), 0..80)) {
            let limit = 20;
            let mut queue = Queue::new(limit);
            queue.connected(may_acknowledge);
            let mut keeps = may_acknowledge;
            let mut model: Vec<Vec<u8>> = Vec::new();
            let (mut sent, mut gone, mut written) = (0, 0, 0);
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(length) => {
                        let block = vec![u8::try_from(number).unwrap(); length];
                        model.push(block.clone());
                        let mut dropped = 0;
                        while model.iter().map(Vec::len).sum::<usize>() > limit && model.len() > sent + usize::from(written > 0) {
                            model.remove(sent + usize::from(written > 0));
                            dropped += 1;
                        }
                        prop_assert_eq!(queue.push(block, 1).datapoints, dropped);
                    }
                    Step::Write(count) => {
                        let count = count.min(next(&queue).len());
                        written += count;
                        while model.get(sent).is_some_and(|block| block.len() <= written) {
                            written -= model[sent].len();
                            sent += 1;
                        }
                        let leaving = if keeps { 0 } else { sent };
                        model.drain(..leaving);
                        sent -= leaving;
                        gone += leaving;
                        prop_assert_eq!(queue.written(count).datapoints, leaving as u64);
                    }
                    Step::Acknowledge(more) => {
                        let total = gone as u64 + more;
                        let result = queue.acknowledged(total);
                        keeps = true;
                        if more > sent as u64 {
                            prop_assert!(result.is_err());
                            // As the connection does.
                            leave_refused(&mut queue, &mut model, &mut sent);
                            (sent, gone, written) = (0, 0, 0);
                        } else {
                            let more = usize::try_from(more).unwrap();
                            model.drain(..more);
                            sent -= more;
                            gone += more;
                            prop_assert_eq!(result.unwrap().datapoints, more as u64);
                        }
                    }
                    Step::GiveUpWaiting => {
                        if queue.peer == Peer::MayAcknowledge {
                            prop_assert_eq!(queue.peer_is_silent().datapoints, sent as u64);
                            model.drain(..sent);
                            gone += sent;
                            sent = 0;
                            keeps = false;
                        }
                    }
                    Step::Disconnect(may_acknowledge) => {
                        let again = leave_refused(&mut queue, &mut model, &mut sent);
                        prop_assert_eq!(again, sent as u64);
                        queue.connected(may_acknowledge);
                        keeps = may_acknowledge;
                        (sent, gone, written) = (0, 0, 0);
                    }
                }
                let rest: Vec<u8> = model[sent..].iter().flatten().copied().skip(written).collect();
                let offered = next(&queue);
                prop_assert!(rest.starts_with(&offered));
                prop_assert_eq!(queue.is_writable(), !offered.is_empty());
                let sent_bytes: usize = model[..sent].iter().map(Vec::len).sum();
                let begun = usize::from(written > 0);
                prop_assert!(!keeps || sent_bytes <= limit / 2 + 8 || offered.len() < 8 * begun.max(1));
                prop_assert!(keeps || model.is_empty() || !offered.is_empty());
                prop_assert_eq!(queue.bytes(), model.iter().map(Vec::len).sum::<usize>());
                prop_assert!(queue.bytes() <= limit);
            }
        }
    }
}
