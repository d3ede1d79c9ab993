//! Tells a peer that asks for it how many of its blocks are in our hands. What it was not told it can send again on its
//! next connection, so that a collector that dies loses nothing it had only received.

use std::io;
use tokio::net::TcpStream;

/// What one connection was told. The number of blocks goes as eight bytes, the most significant first.
#[derive(Debug, Default)]
pub(super) struct Acknowledge {
    /// The number being told, and how many of its bytes the kernel took.
    telling: [u8; 8],
    told_bytes: usize,
    /// The number told last or being told; nothing before the first.
    blocks: Option<u64>,
    /// The peer does not listen any more. What it sent before may still be here.
    deaf: bool,
}

impl Acknowledge {
    /// Tells the peer that `blocks` were taken over, unless it knows, as far as it reads. What it leaves unread takes no
    /// memory of ours: a later number stands for all before it.
    pub(super) fn tell(&mut self, stream: &TcpStream, blocks: u64) {
        while !self.deaf {
            if !self.is_unfinished() {
                if self.blocks == Some(blocks) {
                    return;
                }
                self.blocks = Some(blocks);
                self.telling = blocks.to_be_bytes();
                self.told_bytes = 0;
            }
            match stream.try_write(&self.telling[self.told_bytes..]) {
                Ok(written) => self.told_bytes += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.deaf = true,
            }
        }
    }

    /// Whether part of a number is still to be told, for which the peer has to read.
    pub(super) fn is_unfinished(&self) -> bool {
        !self.deaf && self.blocks.is_some() && self.told_bytes < self.telling.len()
    }
}
