//! Files of 30 pictures of which three, the 14th to the 16th, become something else.

/// Three pictures of an MP4 file with H.264 become something else; the lengths before them stay.
pub(crate) fn mp4(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = bytes.windows(4).position(|name| name == b"mdat").unwrap() + 4;
    let mut pictures = 0;
    while pictures < 16 {
        let len = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let unit = &mut bytes[at + 4..at + 4 + len];
        if matches!(unit[0] & 0x1f, 1 | 5) {
            if pictures >= 13 {
                unit.iter_mut().for_each(|byte| *byte ^= 0xa5);
            }
            pictures += 1;
        }
        at += 4 + len;
    }
    bytes
}

/// The same of a file of `Matroska`; the first byte of each picture stays, which says whether it is shown.
pub(crate) fn matroska(mut bytes: Vec<u8>) -> Vec<u8> {
    const SEGMENT: u64 = 0x1853_8067;
    const CLUSTER: u64 = 0x1f43_b675;
    const SIMPLE_BLOCK: u64 = 0xa3;
    let (mut at, mut pictures) = (0, 0);
    while at < bytes.len() {
        let (id, len) = variable(&bytes[at..]);
        at += len;
        let (size, len) = variable(&bytes[at..]);
        at += len;
        if matches!(id, SEGMENT | CLUSTER) {
            continue;
        }
        // Without the bit that says how long the number is.
        let end = at + (size & !(1 << (7 * len))) as usize;
        if id == SIMPLE_BLOCK {
            // Behind the track, the time and the flags.
            let picture = &mut bytes[at + 5..end];
            if (13..16).contains(&pictures) {
                picture.iter_mut().for_each(|byte| *byte ^= 0xa5);
            }
            pictures += 1;
        }
        at = end;
    }
    bytes
}

/// A number whose first byte tells its length, and that length.
fn variable(bytes: &[u8]) -> (u64, usize) {
    let len = bytes[0].leading_zeros() as usize + 1;
    (bytes[..len].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), len)
}
