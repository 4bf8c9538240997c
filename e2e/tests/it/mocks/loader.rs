//! The mock Loader gives files as a careful server does.

use std::fs;

use anyhow::Result;
use detections_e2e::mock::Mock;
use reqwest::Method;
use tempfile::TempDir;

fn shelf() -> Result<(TempDir, Mock)> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("m.onnx"), content())?;
    let mock = Mock::loader(&folder.path().to_string_lossy(), &["--max-file-bytes", "1000"])?;
    Ok((folder, mock))
}

/// Longer than what is read from disk at once.
fn content() -> Vec<u8> {
    (0..200_000_u32).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect()
}

#[test]
fn files_are_given_whole_with_their_version_and_digest() -> Result<()> {
    let (_folder, mock) = shelf()?;
    for target in ["/models/m.onnx", "/models/m"] {
        let reply = mock.client().get(target)?;
        assert_eq!((reply.status, reply.body == content()), (200, true), "{target}");
        assert!(reply.header("etag").is_some_and(|tag| tag.starts_with('"')));
        assert!(reply.header("repr-digest").is_some_and(|tag| tag.starts_with("sha-256=:")));
        assert_eq!(reply.header("x-checksum-sha256").map(str::len), Some(64));
        let head = mock.client().send(Method::HEAD, target, &[], Vec::new())?;
        assert_eq!((head.status, head.header("content-length")), (200, Some("200000")));
        assert_eq!(head.header("etag"), reply.header("etag"));
    }
    Ok(())
}

#[test]
fn an_unchanged_file_is_not_sent_and_a_range_is_cut_out() -> Result<()> {
    let (_folder, mock) = shelf()?;
    let etag = mock.client().get("/models/m")?.header("etag").unwrap_or_default().to_owned();
    let get = |headers: &[(&str, &str)]| {
        mock.client().send(Method::GET, "/models/m", headers, Vec::new())
    };
    let unchanged = get(&[("if-none-match", &etag)])?;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    let rest = get(&[("range", "bytes=70000-"), ("if-range", &etag)])?;
    assert_eq!((rest.status, rest.body == content()[70_000..]), (206, true));
    assert_eq!(rest.header("content-range"), Some("bytes 70000-199999/200000"));
    let other = get(&[("range", "bytes=70000-"), ("if-range", "\"other\"")])?;
    assert_eq!((other.status, other.body.len()), (200, 200_000));
    let beyond = get(&[("range", "bytes=200000-")])?;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */200000")));
    Ok(())
}

#[test]
fn a_replacement_is_a_new_version_until_it_is_taken_away() -> Result<()> {
    let (_folder, mock) = shelf()?;
    let before = mock.client().get("/models/m.onnx")?;
    mock.put_file("m.onnx", b"new".to_vec())?;
    let after = mock.client().get("/models/m.onnx")?;
    assert_eq!(after.body, b"new");
    assert_eq!(mock.client().get("/models/m")?.body, b"new", "by the name without its ending");
    assert_ne!(after.header("etag"), before.header("etag"));
    let target = "/control/files/m.onnx";
    let gone = mock.client().send(Method::DELETE, target, &[], Vec::new())?;
    assert_eq!(gone.status, 204);
    assert_eq!(mock.client().get("/models/m.onnx")?.header("etag"), before.header("etag"));
    let large = mock.client().send(Method::PUT, target, &[], vec![0; 1001])?;
    assert_eq!(large.status, 413);
    Ok(())
}

#[test]
fn nothing_outside_the_folder_is_given() -> Result<()> {
    let (folder, mock) = shelf()?;
    fs::create_dir(folder.path().join("sub"))?;
    fs::write(folder.path().join("sub/secret"), "s")?;
    fs::write(folder.path().join(".hidden"), "s")?;
    for (name, status) in [
        ("none", 404),
        ("sub", 404),
        ("sub%2Fsecret", 400),
        ("..%2Fetc%2Fpasswd", 400),
        (".hidden", 400),
        ("a%00b", 400),
    ] {
        assert_eq!(mock.client().get(&format!("/models/{name}"))?.status, status, "{name}");
    }
    Ok(())
}
