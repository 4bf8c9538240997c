//! The samples of bytes that stream by and whose number is not known before their end.
//!
//! All bytes after the head pass through a tail of fixed length: what leaves it lies before the end for sure,
//! and what is in it at the end is the tail of the media.

use std::collections::VecDeque;

use super::{
    Fingerprint, Samples,
    layout::{BLOCK, FIRST_BLOCK, HEAD, TAIL, next_block},
};

/// Samples bytes as they arrive; however they are cut, the fingerprint is the same.
#[derive(Debug, Clone)]
pub(crate) struct Sampler {
    head: usize,
    tail: VecDeque<u8>,
    /// Where the tail starts.
    tail_at: u64,
    blocks: Blocks,
}

impl Sampler {
    pub(crate) fn new() -> Self {
        let blocks =
            Blocks { samples: Samples::new(), offset: Some(FIRST_BLOCK), block: Vec::new() };
        Self { head: 0, tail: VecDeque::new(), tail_at: HEAD as u64, blocks }
    }

    /// Adds the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.head));
        self.head += head.len();
        self.blocks.samples.add(head);
        rest.chunks(TAIL).for_each(|piece| self.pass(piece));
    }

    /// The fingerprint of all bytes so far, of which there are `length`.
    pub(crate) fn finish(self, length: u64) -> Fingerprint {
        let mut samples = self.blocks.samples;
        let (first, second) = self.tail.as_slices();
        samples.add(first);
        samples.add(second);
        samples.finish(length)
    }

    /// Moves at most a tail of bytes into the tail, and as many out of it as there is no room for.
    fn pass(&mut self, piece: &[u8]) {
        let leaving = (self.tail.len() + piece.len()).saturating_sub(TAIL);
        let (first, second) = self.tail.as_slices();
        let cut = leaving.min(first.len());
        self.blocks.see(self.tail_at, &first[..cut]);
        self.blocks.see(self.tail_at + cut as u64, &second[..leaving - cut]);
        self.tail.drain(..leaving);
        self.tail_at += leaving as u64;
        self.tail.extend(piece);
    }
}

/// The blocks between head and tail; a block is sampled once all of it has been seen.
#[derive(Debug, Clone)]
struct Blocks {
    samples: Samples,
    /// Where the next block lies.
    offset: Option<u64>,
    /// What has been seen of it.
    block: Vec<u8>,
}

impl Blocks {
    /// Looks at the bytes from `at` on, at most a tail of them, which is less than blocks are apart.
    fn see(&mut self, at: u64, bytes: &[u8]) {
        let Some(offset) = self.offset else {
            return;
        };
        let before = (offset + self.block.len() as u64).saturating_sub(at);
        let Some(inside) = usize::try_from(before).ok().and_then(|before| bytes.get(before..))
        else {
            return;
        };
        let missing = BLOCK - self.block.len();
        self.block.extend_from_slice(&inside[..inside.len().min(missing)]);
        if self.block.len() == BLOCK {
            self.samples.add(&self.block);
            self.block.clear();
            self.offset = next_block(offset);
        }
    }
}
