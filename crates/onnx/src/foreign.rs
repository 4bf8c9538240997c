//! Files of other formats: what is laid down as a model by mistake is named, with what to do about it.

use crate::OnnxError;

/// How far into a file is looked.
const LOOKED_AT: usize = 4096;

/// How formats begin, what they are called and what to do instead.
const BEGINNINGS: [(&[u8], &str, &str); 13] = [
    (
        b"PK\x03\x04",
        "a ZIP archive",
        "if it is a PyTorch or Keras model, export that to ONNX; if an .onnx file is in it, unpack it",
    ),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer",
        "run `git lfs pull` to get the file that it stands for",
    ),
    (
        b"<?xml",
        "an XML file",
        "OpenVINO's models are kept so; give the .onnx file that they were made from",
    ),
    (b"\x89HDF", "an HDF5 file", "if it is a Keras model, export that to ONNX"),
    (b"\x80\x02", PICKLE, EXPORT),
    (b"\x80\x03", PICKLE, EXPORT),
    (b"\x80\x04", PICKLE, EXPORT),
    (b"ftrt", "an engine of TensorRT", "give the .onnx file that it was made from"),
    (b"\x89PNG", PICTURE, SWAPPED),
    (b"\xff\xd8\xff", PICTURE, SWAPPED),
    (b"GIF8", PICTURE, SWAPPED),
    (b"BM", PICTURE, SWAPPED),
];

const PICKLE: &str = "a Python pickle";
const EXPORT: &str = "if it is a PyTorch checkpoint, export the model to ONNX";
const PICTURE: &str = "a picture";
const SWAPPED: &str = "models and pictures may have been mixed up";

/// What the bytes are instead of a model, where that can be told.
pub(crate) fn recognise(bytes: &[u8]) -> Option<OnnxError> {
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    let known = BEGINNINGS.into_iter().find(|(magic, ..)| start.starts_with(magic));
    let known = known.map(|(_, what, advice)| (what, advice));
    let (what, advice) = known.or_else(|| by_place(start)).or_else(|| text(start))?;
    Some(OnnxError::Foreign { what, advice })
}

/// Formats whose mark is not at the very start.
fn by_place(start: &[u8]) -> Option<(&'static str, &'static str)> {
    match start {
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => {
            Some(("a TensorFlow Lite model", "export the model to ONNX"))
        }
        [_, _, _, _, _, _, 0, 0, b'{', b'"', ..] => {
            Some(("a safetensors file", "it holds weights alone; export the model to ONNX"))
        }
        [0, rest @ ..] if rest.len() > 7 && rest.iter().all(|byte| *byte == 0) => {
            Some(("a file of zeros", "fetch it again: a download or a copy broke off"))
        }
        _ => None,
    }
}

fn text(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = start.utf8_chunks().next()?.valid();
    // The last character may be cut in two.
    let whole = start.len() - text.len() < 4;
    if !whole || text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    Some(match text.trim_start().chars().next()? {
        '<' => ("a web page", "fetch the file itself: the download failed or asks for a login"),
        '{' | '[' => ("JSON", "fetch the .onnx file itself; a failed download may have left this"),
        _ => ("text", "fetch the .onnx file itself"),
    })
}

#[cfg(test)]
mod tests {
    use super::recognise;

    #[test]
    fn other_formats_are_named() {
        let cases: [(&[u8], &str); 13] = [
            (b"PK\x03\x04\x14\0", "ZIP"),
            (b"<!DOCTYPE html><html>", "web page"),
            (b"\n\n  <html lang=\"de\"><p>\xc3\xbc", "web page"),
            (b"\xef\xbb\xbf{\"error\": 404}", "JSON"),
            (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            (b"<?xml version=\"1.0\"?>", "XML"),
            (b"7767517\n5 4\nInput data 0 1", "text"),
            (b"\x1c\0\0\0TFL3\x14\0", "TensorFlow Lite"),
            (b"\x28\0\0\0\0\0\0\0{\"weight\": 1}", "safetensors"),
            (b"\x80\x02}q\0.", "pickle"),
            (&[0; 64], "zeros"),
            (b"\xff\xd8\xff\xe0", "picture"),
            (b"\x1f\x8b\x08", "gzip"),
        ];
        for (bytes, word) in cases {
            let said = recognise(bytes).map(|error| error.to_string());
            assert!(said.as_ref().is_some_and(|said| said.contains(word)), "{word}: {said:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_named() {
        for bytes in [b"".as_slice(), b"\0", b"\x08\x08\x12\x0bdetections", &[0xff; 20], b" \n"] {
            assert!(recognise(bytes).is_none(), "{bytes:?}");
        }
    }
}
