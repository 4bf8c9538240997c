//! Which bytes of media a fingerprint samples.
//!
//! Where a block lies does not depend on the length, so that it is known while bytes stream by; only whether it
//! counts does.

/// Bytes at the start.
pub(super) const HEAD: usize = 128 * 1024;

/// Bytes at the end.
pub(super) const TAIL: usize = 64 * 1024;

/// Bytes of one block between them.
pub(super) const BLOCK: usize = 16 * 1024;

/// Where the first block lies.
pub(super) const FIRST_BLOCK: u64 = 256 * 1024;

/// Where the block after the one at `offset` lies, if offsets reach as far.
pub(super) const fn next_block(offset: u64) -> Option<u64> {
    offset.checked_mul(2)
}

/// Offset and length of each part of media of `length` bytes, in their order.
pub(super) fn parts(length: u64) -> impl Iterator<Item = (u64, usize)> {
    let head = clipped(length, HEAD);
    let tail = clipped(length - head as u64, TAIL);
    let end = length - tail as u64;
    let blocks = std::iter::successors(Some(FIRST_BLOCK), |offset| next_block(*offset))
        .take_while(move |offset| offset.checked_add(BLOCK as u64).is_some_and(|past| past <= end))
        .map(|offset| (offset, BLOCK));
    let edge = |part: (u64, usize)| Some(part).filter(|(_, len)| *len > 0);
    edge((0, head)).into_iter().chain(blocks).chain(edge((end, tail)))
}

/// As many of `length` bytes as are there, at most `most`.
fn clipped(length: u64, most: usize) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX).min(most)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_never_overlap_and_end_with_the_media() {
        for length in [1, 196_608, 196_609, 344_063, 344_064, 1 << 30, u64::MAX] {
            let mut past = 0;
            for (offset, len) in parts(length) {
                assert!(offset >= past && len > 0, "{length}: {offset}");
                past = offset + len as u64;
            }
            assert_eq!(past, length);
        }
    }

    #[test]
    fn short_media_is_sampled_whole_and_empty_media_not_at_all() {
        let of = |length| parts(length).collect::<Vec<_>>();
        assert_eq!(of(0), []);
        assert_eq!(of(1), [(0, 1)]);
        assert_eq!(of(131_073), [(0, 131_072), (131_072, 1)]);
        assert_eq!(of(196_608), [(0, 131_072), (131_072, 65_536)]);
        assert_eq!(of(196_609), [(0, 131_072), (131_073, 65_536)]);
    }

    #[test]
    fn a_block_counts_once_it_lies_wholly_before_the_end() {
        assert_eq!(parts(344_063).count(), 2);
        assert_eq!(parts(344_064).nth(1), Some((262_144, 16_384)));
        assert_eq!(parts(1 << 30).count(), 14);
        assert_eq!(parts(1 << 40).count(), 24);
    }
}
