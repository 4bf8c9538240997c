//! The answer to a request for a file: its version and digest stated, ranges cut out, streamed from disk.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::{
        Method,
        header::{ACCEPT_RANGES, CONTENT_RANGE, ETAG},
    },
    web::{self, Bytes},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{Stream, stream};

use crate::{
    conditions::{Wanted, wanted},
    shelf::{Content, Found, hex},
};

/// Bytes that are read from disk at once.
const PIECE: u64 = 64 << 10;
/// Digits of the digest that make an entity tag.
const TAG_DIGITS: usize = 32;

/// The answer to `GET` or `HEAD`.
#[must_use]
pub fn answer(request: &HttpRequest, file: Found) -> HttpResponse {
    let digest = hex(&file.digest);
    let etag = format!("\"{}\"", &digest[..TAG_DIGITS]);
    let wanted = match *request.method() {
        Method::HEAD => Wanted::All,
        _ => wanted(request.headers(), &etag, file.length),
    };
    let (mut answer, from, to) = match wanted {
        Wanted::Unchanged => {
            return HttpResponse::NotModified().insert_header((ETAG, etag)).finish();
        }
        Wanted::OutOfReach => {
            let range = (CONTENT_RANGE, format!("bytes */{}", file.length));
            return HttpResponse::RangeNotSatisfiable().insert_header(range).finish();
        }
        Wanted::All => (HttpResponse::Ok(), 0, file.length),
        Wanted::Part { from, to } => {
            let mut answer = HttpResponse::PartialContent();
            let range = format!("bytes {from}-{to}/{}", file.length);
            answer.insert_header((CONTENT_RANGE, range));
            (answer, from, to + 1)
        }
    };
    // RFC 9530: the digest of the whole representation, whatever part of it is sent.
    let stated = format!("sha-256=:{}:", STANDARD.encode(file.digest));
    answer
        .insert_header((ETAG, etag))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header(("repr-digest", stated))
        .insert_header(("x-checksum-sha256", digest))
        .content_type("application/octet-stream");
    send(&mut answer, file.content, from, to)
}

fn send(answer: &mut HttpResponseBuilder, content: Content, from: u64, to: u64) -> HttpResponse {
    match content {
        Content::Memory(bytes) => {
            let [from, to] = [from, to].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
            answer.body(bytes.slice(from.min(bytes.len())..to.min(bytes.len())))
        }
        Content::Disk(file) => answer.body(SizedStream::new(to - from, read(file, from, to))),
    }
}

/// The bytes of a file from `at` to `end`, read beside the threads that speak HTTP.
fn read(file: File, at: u64, end: u64) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((file, at), move |(mut file, at)| async move {
        if at >= end {
            return Ok(None);
        }
        let piece = web::block(move || {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(at))?;
            (&mut file).take(PIECE.min(end - at)).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>((file, bytes))
        });
        let (file, bytes) = piece.await.map_err(io::Error::other)??;
        let next = at + u64::try_from(bytes.len()).unwrap_or(0);
        if next == at {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        Ok(Some((Bytes::from(bytes), (file, next))))
    })
}
