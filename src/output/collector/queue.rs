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
mod tests;
