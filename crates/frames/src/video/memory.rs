//! How many decoded frames are held at once: fewer of large ones, so that all of them together stay bounded.
//!
//! Frames of 10 or 12 bits and of full colour take up to four times as much while they are converted.

/// Decoded frames that wait to be pulled.
const QUEUED_FRAMES: u32 = 4;

/// Frames beside those of threads and queue: what a decoder keeps to refer to and to put in order, and the one
/// that is looked at.
const HELD_FRAMES: u64 = 4;

/// The fewest frames with which a video can be decoded: one in a thread, one in the queue, and those held.
const FEWEST_FRAMES: u64 = HELD_FRAMES + 2;

/// Threads of a decoder and frames of its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) threads: u32,
    pub(super) queued: u32,
}

/// The share of a decoder that has up to `threads` threads and `max_bytes` for frames of this size.
///
/// # Errors
/// The bytes that the fewest frames need, when those are more.
pub(super) fn share(
    (width, height): (u32, u32),
    max_bytes: u64,
    threads: u32,
) -> Result<Share, u64> {
    // I420: a byte for each pixel, and two bytes of colour for four of them.
    let frame = (u64::from(width) * u64::from(height)).saturating_mul(3).div_ceil(2).max(1);
    let needed = frame.saturating_mul(FEWEST_FRAMES);
    if needed > max_bytes {
        return Err(needed);
    }
    let spare = u32::try_from(max_bytes / frame - FEWEST_FRAMES).unwrap_or(u32::MAX);
    let queued = (spare / 2).min(QUEUED_FRAMES - 1);
    Ok(Share { threads: (spare - queued).saturating_add(1).min(threads), queued: queued + 1 })
}

#[cfg(test)]
mod tests {
    use super::{Share, share};

    #[test]
    fn large_frames_get_fewer_threads_and_a_shorter_queue_and_the_largest_are_refused() {
        const MIB: u64 = 1 << 20;
        let check = |size, expected| assert_eq!(share(size, 1024 * MIB, 8), expected, "{size:?}");
        check((1920, 1080), Ok(Share { threads: 8, queued: 4 }));
        check((3840, 2160), Ok(Share { threads: 8, queued: 4 }));
        check((8192, 8192), Ok(Share { threads: 3, queued: 3 }));
        check((10_000, 10_000), Ok(Share { threads: 2, queued: 1 }));
        check((16_384, 8192), Err(6 * 16_384 * 8192 * 3 / 2));
        check((0, 0), Ok(Share { threads: 8, queued: 4 }));
        check((u32::MAX, u32::MAX), Err(u64::MAX));
    }

    #[test]
    fn all_frames_together_fit() {
        for side in (100..9000).step_by(100) {
            let frame = u64::from(side) * u64::from(side) * 3 / 2;
            let Ok(share) = share((side, side), 1 << 29, 8) else { continue };
            let frames = u64::from(share.threads + share.queued) + 4;
            assert!(frames * frame <= 1 << 29, "{side}: {share:?}");
        }
    }
}
