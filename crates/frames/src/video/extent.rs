//! How long a container says it is, so that a video that was cut short can be told from one that is over.
//!
//! Only the headers of its outermost parts are read; what is in them is passed over. Boxes are those of
//! ISO/IEC 14496-12 section 4.2, chunks those of RIFF, elements those of RFC 8794, packets those of
//! ISO/IEC 13818-1 section 2.4.3.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

/// Bytes that hold any part's header.
const HEADER: u64 = 16;

/// As many parts of a file are looked at, each of which is a seek.
const MOST_PARTS: usize = 100_000;

/// The elements of Matroska that may have no stated length: a segment and a cluster.
const OPEN_ENDED: [&[u8]; 2] = [b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"];

/// What the outermost parts of a container are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parts {
    Boxes,
    Chunks,
    Elements,
    Packets,
    /// None, or none that can be followed any more: nothing is stated.
    Unstated,
}

/// What a part's header says.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Not all of it is there.
    More,
    /// Where the next part begins, from the start of this one.
    To(u64),
    /// Nothing that could be followed.
    Nowhere,
}

/// Follows the parts of one video.
#[derive(Debug)]
pub(super) struct Extent {
    parts: Parts,
    /// Bytes that came.
    at: u64,
    /// Where the next part begins.
    next: u64,
    /// What came of its header.
    header: Vec<u8>,
}

impl Extent {
    /// For a video in the container of this [word](super::kinds::Kind::word).
    pub(super) const fn of(container: &str) -> Self {
        let parts = match container.as_bytes() {
            b"quicktime" => Parts::Boxes,
            b"avi" => Parts::Chunks,
            b"matroska" | b"webm" => Parts::Elements,
            b"mpegts" => Parts::Packets,
            _ => Parts::Unstated,
        };
        Self { parts, at: 0, next: 0, header: Vec::new() }
    }

    /// Follows what comes next.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.parts != Parts::Unstated && !rest.is_empty() {
            let ahead = usize::try_from(self.next.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let passed = ahead.min(rest.len());
            self.at += passed as u64;
            rest = &rest[passed..];
            if let Some((byte, behind)) = rest.split_first() {
                rest = behind;
                self.read(*byte);
            }
        }
    }

    /// Takes one more byte of a header.
    fn read(&mut self, byte: u8) {
        let start = self.next;
        self.header.push(byte);
        self.at += 1;
        match self.parts.step(&self.header) {
            Step::More => return,
            Step::To(len) => self.next = start.saturating_add(len),
            Step::Nowhere => self.parts = Parts::Unstated,
        }
        self.header.clear();
    }

    /// How many bytes there should be behind the last one, at least; `None` where the video is whole, or does
    /// not say.
    pub(super) fn missing(&self) -> Option<u64> {
        if self.parts == Parts::Unstated {
            return None;
        }
        // Zeros at the end of a file fill it up.
        let within_header = self.header.iter().any(|byte| *byte != 0);
        match self.next.saturating_sub(self.at) {
            0 if within_header => Some(1),
            0 => None,
            missing => Some(missing),
        }
    }

    /// How many bytes should follow the `len` bytes of `file`, by the boxes in it; the file is at its start again.
    pub(super) fn missing_of_file(file: &mut File, len: u64) -> io::Result<Option<u64>> {
        let mut extent = Self::of("quicktime");
        for _ in 0..MOST_PARTS {
            if extent.next >= len || extent.parts == Parts::Unstated {
                break;
            }
            extent.at = file.seek(SeekFrom::Start(extent.next))?;
            let mut header = Vec::new();
            file.by_ref().take(HEADER).read_to_end(&mut header)?;
            let known = extent.next;
            for byte in header {
                if extent.next == known && extent.parts != Parts::Unstated {
                    extent.read(byte);
                }
            }
            if extent.next == known {
                break;
            }
        }
        file.seek(SeekFrom::Start(0))?;
        extent.at = len.max(extent.at);
        // Where the walk was broken off, nothing is known of the end.
        Ok(extent.missing().filter(|_| extent.next >= len))
    }
}

impl Parts {
    fn step(self, header: &[u8]) -> Step {
        let step = match self {
            Self::Boxes => after_box(header),
            Self::Chunks => after_chunk(header),
            Self::Elements => after_element(header),
            Self::Packets => after_packet(header),
            Self::Unstated => Some(Step::Nowhere),
        };
        step.unwrap_or(Step::More)
    }
}

fn after_box(header: &[u8]) -> Option<Step> {
    let size = u32::from_be_bytes(*header.first_chunk()?);
    let long = header.get(8..).and_then(<[u8]>::first_chunk).map(|size| u64::from_be_bytes(*size));
    Some(match size {
        1 => match long? {
            0..16 => Step::Nowhere,
            size => Step::To(size),
        },
        // Up to the end of the file, wherever that is, or nonsense.
        0 | 2..8 => Step::Nowhere,
        size => header.get(7).map(|_| Step::To(u64::from(size)))?,
    })
}

fn after_chunk(header: &[u8]) -> Option<Step> {
    let size = u32::from_le_bytes(*header.get(4..)?.first_chunk()?);
    // Whoever writes without knowing the end leaves one of these there.
    let stated = header.starts_with(b"RIFF") && !matches!(size, 0 | u32::MAX);
    Some(if stated { Step::To(8 + u64::from(size)) } else { Step::Nowhere })
}

fn after_element(header: &[u8]) -> Option<Step> {
    let name_len = *header.first()?;
    let name_len = name_len.leading_zeros() as usize + 1;
    let Some((name, size)) = header.split_at_checked(name_len) else {
        return Some(if name_len > 4 { Step::Nowhere } else { Step::More });
    };
    let size_len = size.first()?.leading_zeros() as usize + 1;
    if name_len > 4 || size_len > 8 {
        return Some(Step::Nowhere);
    }
    let size = size.get(..size_len)?;
    let marked = size.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let mask = (1 << (7 * size_len)) - 1;
    let (start, length) = ((name_len + size_len) as u64, marked & mask);
    Some(match length {
        length if length != mask => Step::To(start + length),
        _ if OPEN_ENDED.contains(&name) => Step::To(start),
        _ => Step::Nowhere,
    })
}

fn after_packet(header: &[u8]) -> Option<Step> {
    const SYNC: u8 = 0x47;
    if *header.first()? == SYNC {
        return Some(Step::To(188));
    }
    // Blu-ray's variant has a time stamp of 4 bytes before each packet.
    Some(if *header.get(4)? == SYNC { Step::To(192) } else { Step::Nowhere })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::Extent;

    /// What is missing of `bytes`, however they are cut into chunks.
    #[track_caller]
    fn missing(container: &str, bytes: &[u8]) -> Option<u64> {
        let take = |chunk: usize| {
            let mut extent = Extent::of(container);
            bytes.chunks(chunk).for_each(|chunk| extent.take(chunk));
            extent.missing()
        };
        let whole = take(usize::MAX);
        assert_eq!((take(1), take(7)), (whole, whole));
        whole
    }

    /// `whole` states its length, so that each shorter beginning lacks something.
    #[track_caller]
    fn check(container: &str, whole: &[u8], stated: &[usize]) {
        assert_eq!(missing(container, whole), None);
        for len in 1..whole.len() {
            let ends_a_part = stated.contains(&len);
            assert_eq!(missing(container, &whole[..len]).is_none(), ends_a_part, "{len} bytes");
        }
    }

    const MP4: &[u8] = b"\0\0\0\x0cftypmp42\0\0\0\x01mdat\0\0\0\0\0\0\0\x14dataX\0\0\x08moov";

    #[test]
    fn boxes_state_their_length() {
        let mut mp4 = MP4.to_vec();
        mp4[32] = 0;
        // Zeros may fill a file up, so those that a header begins with say nothing.
        check("quicktime", &mp4, &[1, 2, 3, 12, 13, 14, 15, 32, 33, 34, 35]);
        assert_eq!(missing("quicktime", &mp4[..30]), Some(2));
        assert_eq!(missing("quicktime", b"\0\0\0\0mdat to the end"), None);
        assert_eq!(missing("quicktime", b"\0\0\0\x05nonsense"), None);
    }

    #[test]
    fn a_file_of_boxes_is_walked_and_not_read() {
        let mut mp4 = MP4.to_vec();
        mp4[32] = 0;
        for (len, expected) in [(40, None), (30, Some(2)), (18, Some(1)), (14, None), (32, None)] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&mp4[..len]).unwrap();
            let missing = Extent::missing_of_file(&mut file, len as u64).unwrap();
            assert_eq!(missing, expected, "{len} bytes");
        }
    }

    #[test]
    fn chunks_state_their_length_unless_they_were_written_into_a_pipe() {
        check("avi", b"RIFF\x06\0\0\0AVI xxRIFF\x04\0\0\0AVIX", &[14]);
        assert_eq!(missing("avi", b"RIFF\0\0\0\0AVI xx"), None);
        assert_eq!(missing("avi", b"RIFF\xff\xff\xff\xffAVI xx"), None);
    }

    #[test]
    fn elements_are_followed_into_those_without_a_length() {
        let known = b"\x1a\x45\xdf\xa3\x82xx\x18\x53\x80\x67\x40\x03abc";
        check("matroska", known, &[7]);
        let open =
            b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff\x1f\x43\xb6\x75\xff\xa3\x83abc";
        check("webm", open, &[5, 17, 22]);
        assert_eq!(missing("webm", b"\0\0\0"), None);
        assert_eq!(missing("webm", b"\xa3\xff"), None, "a block has to have a length");
    }

    #[test]
    fn packets_are_whole() {
        let mut stream = vec![0; 188 * 3];
        (0..3).for_each(|packet| stream[packet * 188] = 0x47);
        assert_eq!(missing("mpegts", &stream), None);
        assert_eq!(missing("mpegts", &stream[..188 * 2 + 100]), Some(88));
        stream[188] = 0;
        assert_eq!(missing("mpegts", &stream[..300]), None, "out of step");
        let mut timed = vec![0; 192 * 2];
        (0..2).for_each(|packet| timed[packet * 192 + 4] = 0x47);
        assert_eq!(missing("mpegts", &timed), None);
        assert_eq!(missing("mpegts", &timed[..380]), Some(4));
    }
}
