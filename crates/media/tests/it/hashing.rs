//! Streaming equals one shot, whatever the chunks; a file equals its bytes.

use detections_media::{MediaHasher, hash_bytes, hash_file, sniff};
use proptest::prelude::{any, prop_assert_eq, proptest};

proptest! {
    #[test]
    fn any_chunking_gives_the_same_identity(
        bytes in proptest::collection::vec(any::<u8>(), 0..5_000),
        cuts in proptest::collection::vec(0_usize..300, 0..40),
    ) {
        let mut hasher = MediaHasher::new();
        let mut rest = bytes.as_slice();
        for cut in cuts {
            let (chunk, tail) = rest.split_at(cut.min(rest.len()));
            hasher.update(chunk).unwrap();
            rest = tail;
        }
        hasher.update(rest).unwrap();
        prop_assert_eq!(hasher.finish(), hash_bytes(&bytes));
    }

    #[test]
    fn no_bytes_make_sniffing_panic(
        magic in proptest::sample::select(vec![
            &b""[..], b"\x1a\x45\xdf\xa3", b"\0\0\0\x01", b"\0\0\0\x18ftyp", b"RIFF", b"BM", b"\x47",
        ]),
        tail in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = sniff(&[magic, &tail].concat());
    }
}

#[test]
fn a_file_hashes_like_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("media");
    let bytes = vec![7; 300_000];
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(hash_file(&path).unwrap(), hash_bytes(&bytes));
}
