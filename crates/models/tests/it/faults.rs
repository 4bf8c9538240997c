//! Every way in which a download can fail: each has its error, and none leaves a file that is taken for whole.

use std::{fs, path::Path};

use detections_media::hash_bytes;
use detections_models::{Change, ModelsError, RemoteFile};
use detections_types::ErrorKind;

use super::server::{Script, Server, answer, raw, remote};

/// Checks that a single answer is refused with `kind` and words, and that nothing is cached.
#[track_caller]
fn refused(script: Script, kind: ErrorKind, says: &str) {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::new(vec![script]);
    let mut file = remote(&server.url, cache.path());
    let error = file.check(None).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(says), "`{error}` does not say `{says}`");
    assert!(remote(&server.url, cache.path()).cached().is_none());
    assert_eq!(whole_files(cache.path()), 0);
}

/// Files of the cache that were given their place.
fn whole_files(cache: &Path) -> usize {
    let folders = fs::read_dir(cache).unwrap().map(|folder| folder.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    files
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == "file"))
        .count()
}

#[test]
fn what_is_no_file_is_refused_by_its_status() {
    let send = |status| Script::Send(answer(status, &[], b"x"));
    refused(send("404 Not Found"), ErrorKind::InvalidInput, "404");
    refused(send("500 Oops"), ErrorKind::Unavailable, "500");
    refused(send("304 Not Modified"), ErrorKind::Unavailable, "304");
    refused(send("206 Partial Content"), ErrorKind::Unavailable, "206");
}

#[test]
fn nobody_there_is_told_as_such() {
    let cache = tempfile::tempdir().unwrap();
    for url in ["http://127.0.0.1:1", "https://127.0.0.1:1"] {
        let error = remote(url, cache.path()).check(None).unwrap_err();
        assert!(matches!(error, ModelsError::Unreachable { .. }), "{error}");
    }
}

#[test]
fn plain_text_where_tls_was_asked_for_is_an_error_and_no_panic() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::new(vec![Script::Send(b"not TLS\r\n\r\n".to_vec())]);
    let url = server.url.replace("http:", "https:");
    let error = remote(&url, cache.path()).check(None).unwrap_err();
    // The server waits for the head of a request, which never comes, or sends what is no greeting.
    let told = matches!(error, ModelsError::TimedOut { .. } | ModelsError::Unreachable { .. });
    assert!(told, "{error}");
}

#[test]
fn a_loader_that_hangs_is_left() {
    let head = raw("200 OK", &["content-length: 100"], b"begun");
    refused(Script::Hang(Vec::new()), ErrorKind::TimedOut, "too long");
    refused(Script::Hang(head), ErrorKind::TimedOut, "too long");
}

#[test]
fn too_many_bytes_are_refused_stated_or_not() {
    let stated = raw("200 OK", &["content-length: 1001"], b"");
    refused(Script::Send(stated), ErrorKind::TooLarge, "1000");
    let body = [&b"3e9\r\n"[..], &[7; 1001], b"\r\n0\r\n\r\n"].concat();
    let unstated = raw("200 OK", &["transfer-encoding: chunked"], &body);
    refused(Script::Send(unstated), ErrorKind::TooLarge, "1000");
}

#[test]
fn bodies_that_are_not_the_file_are_refused() {
    let send = |headers: &[&str], body: &[u8]| Script::Send(answer("200 OK", headers, body));
    let wrong = format!("x-checksum-sha256: {}", hash_bytes(b"other").sha256);
    refused(send(&[&wrong], b"bytes"), ErrorKind::InvalidInput, "states");
    refused(send(&[], b""), ErrorKind::InvalidInput, "empty");
    refused(send(&["repr-digest: sha-256=:no:"], b"bytes"), ErrorKind::Unavailable, "Repr-Digest");
    refused(send(&["content-encoding: gzip"], b"bytes"), ErrorKind::Unavailable, "compressed");
    let endless = raw("200 OK", &[], b"bytes");
    refused(Script::Send(endless), ErrorKind::Unavailable, "neither how long");
    let chunked = raw("200 OK", &["transfer-encoding: chunked"], b"5\r\nbytes\r\n5\r\nby");
    refused(Script::Send(chunked), ErrorKind::Unavailable, "ended after");
}

#[test]
fn redirects_to_another_host_are_not_followed() {
    let away = answer("302 Found", &["location: http://localhost:1/m"], b"");
    refused(Script::Send(away), ErrorKind::Unavailable, "not the Loader");
}

/// A download that was cut in its middle, under the tag `"a"`.
fn cut(more: Vec<Script>) -> (tempfile::TempDir, Server, RemoteFile) {
    let cache = tempfile::tempdir().unwrap();
    let first = raw("200 OK", &["etag: \"a\"", "content-length: 10"], b"01234");
    let server = Server::new([vec![Script::Send(first)], more].into_iter().flatten().collect());
    let mut file = remote(&server.url, cache.path());
    let error = file.check(None).unwrap_err();
    assert!(matches!(error, ModelsError::Interrupted { received: 5, .. }), "{error:?}");
    // What was begun survives a restart.
    let file = remote(&server.url, cache.path());
    (cache, server, file)
}

#[track_caller]
fn new(file: &mut RemoteFile) -> Vec<u8> {
    let Change::New(entry) = file.check(None).unwrap() else { panic!("nothing new") };
    file.read(&entry).unwrap()
}

#[test]
fn a_download_goes_on_where_it_was_cut() {
    let rest =
        answer("206 Partial Content", &["etag: \"a\"", "content-range: bytes 5-9/10"], b"56789");
    let (_cache, server, mut file) = cut(vec![Script::Send(rest)]);
    assert_eq!(new(&mut file), b"0123456789");
    let head = server.head(1);
    assert!(head.contains("range: bytes=5-\n") && head.contains("if-range: \"a\""), "{head}");
}

#[test]
fn a_file_that_changed_in_between_is_never_mixed() {
    let whole = || Script::Send(answer("200 OK", &["etag: \"b\""], b"abcdefghij"));
    let (_cache, _server, mut file) = cut(vec![whole()]);
    assert_eq!(new(&mut file), b"abcdefghij");

    let lies =
        answer("206 Partial Content", &["etag: \"b\"", "content-range: bytes 5-9/10"], b"fghij");
    let (_cache, server, mut file) = cut(vec![Script::Send(lies), whole()]);
    assert_eq!(new(&mut file), b"abcdefghij");
    assert!(!server.head(2).contains("range"), "{}", server.head(2));

    let gone = answer("416 Range Not Satisfiable", &[], b"");
    let (_cache, _server, mut file) = cut(vec![Script::Send(gone), whole()]);
    assert_eq!(new(&mut file), b"abcdefghij");
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("file");
    fs::write(&cache, b"not a folder").unwrap();
    let server = Server::new(vec![Script::Send(answer("200 OK", &[], b"bytes"))]);
    let error = remote(&server.url, &cache).check(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(cache.to_str().unwrap()), "{error}");
}
