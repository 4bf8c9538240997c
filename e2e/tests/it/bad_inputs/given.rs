//! Wrong inputs as data, and how they are carried out.

use std::{fs, net::SocketAddr, process::Output};

use anyhow::Result;
use detections_e2e::{
    http::{Reply, multipart},
    picture::{claiming_png, fixture, fixture_path},
    program,
    wire::{self, Ending},
};

use crate::pictures::laborious;

/// Bytes that are sent or written.
pub(super) enum Content {
    Bytes(&'static [u8]),
    Text(&'static str),
    /// So many zeros.
    Zeros(usize),
    Fixture(&'static str),
    /// The first so-many hundredths of a fixture.
    Start(&'static str, usize),
    /// A fixture with a run of bytes in its middle inverted.
    Damaged(&'static str),
    /// A PNG of a few kilobytes that claims this width and height.
    Claims(u32, u32),
    /// A picture that takes long to decode.
    Laborious,
    /// So many opening brackets.
    Brackets(usize),
}

impl Content {
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Bytes(bytes) => bytes.to_vec(),
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Zeros(count) => vec![0; *count],
            Self::Fixture(name) => fixture(name)?,
            Self::Start(name, hundredths) => {
                let mut bytes = fixture(name)?;
                bytes.truncate(bytes.len() * hundredths / 100);
                bytes
            }
            Self::Damaged(name) => {
                let mut bytes = fixture(name)?;
                let middle = bytes.len() / 2;
                bytes[middle..middle + 64].iter_mut().for_each(|byte| *byte = !*byte);
                bytes
            }
            Self::Claims(width, height) => claiming_png(*width, *height),
            Self::Laborious => laborious()?,
            Self::Brackets(count) => vec![b'['; *count],
        })
    }
}

/// A wrong request.
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) target: &'static str,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: Body,
}

/// What follows the headers.
pub(super) enum Body {
    /// Nothing, and no word about it.
    None,
    /// With its length.
    Whole(Content),
    /// With its length, and then the client goes away.
    AndLeave(Content),
    /// In chunks.
    Chunked(Content),
    /// A length, and then less than that.
    Short(Content, Stop),
    /// A form of fields: name, whether it has a file name, content.
    Form(&'static [(&'static str, bool, Content)]),
    /// Whatever bytes after the empty line, with no length added.
    Raw(&'static [u8]),
    /// These bytes in place of the whole request.
    InPlaceOfAll(Content),
}

/// What the client does after half of what it promised.
#[derive(Clone, Copy)]
pub(super) enum Stop {
    /// Stays and says nothing.
    Stall,
    /// Goes away.
    Leave,
}

/// Sends a request and gives the answer, if the client stays for one.
pub(super) fn perform(address: SocketAddr, request: &Request) -> Result<Option<Reply>> {
    let leaves = matches!(request.body, Body::AndLeave(_) | Body::Short(_, Stop::Leave));
    let ending = if leaves { Ending::Leave } else { Ending::Wait };
    wire::exchange(address, &spell(request)?, ending)
}

/// The bytes of a request.
fn spell(request: &Request) -> Result<Vec<u8>> {
    Ok(match &request.body {
        Body::None => request.head(&[]),
        Body::Raw(bytes) => [request.head(&[]).as_slice(), bytes].concat(),
        Body::InPlaceOfAll(content) => content.bytes()?,
        Body::Whole(content) | Body::AndLeave(content) => {
            request.with_length(&[], &content.bytes()?)
        }
        Body::Short(content, _) => {
            let body = content.bytes()?;
            let mut bytes = request.with_length(&[], &body);
            bytes.truncate(bytes.len() - body.len() / 2);
            bytes
        }
        Body::Chunked(content) => {
            let head = request.head(&[("Transfer-Encoding", "chunked")]);
            [head, wire::chunks(&content.bytes()?, 50_000), b"0\r\n\r\n".to_vec()].concat()
        }
        Body::Form(fields) => {
            let contents = fields.iter().map(|(.., content)| content.bytes());
            let contents = contents.collect::<Result<Vec<_>>>()?;
            let named = fields.iter().zip(&contents).map(|((name, is_file, _), content)| {
                (*name, is_file.then_some("a.jpg"), content.as_slice())
            });
            let (kind, body) = multipart(&named.collect::<Vec<_>>());
            request.with_length(&[("Content-Type", &kind)], &body)
        }
    })
}

impl Request {
    fn head(&self, more: &[(&str, &str)]) -> Vec<u8> {
        wire::head(self.method, self.target, &[self.headers, more].concat())
    }

    fn with_length(&self, more: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let length = body.len().to_string();
        let head = self.head(&[more, &[("Content-Length", &length)]].concat());
        [head.as_slice(), body].concat()
    }
}

/// A wrong run of the program, in a folder of its own.
pub(super) struct Run {
    pub(super) arguments: &'static [&'static str],
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// Files that are written into the folder first.
    pub(super) files: &'static [(&'static str, Content)],
}

/// Runs the program to its end. `fixtures/…` in an argument or a variable means the project's.
pub(super) fn run(run: &Run) -> Result<Output> {
    let folder = tempfile::tempdir()?;
    for (name, content) in run.files {
        fs::write(folder.path().join(name), content.bytes()?)?;
    }
    let real = |text: &str| match text.strip_prefix("fixtures/") {
        Some(name) => fixture_path(name).to_string_lossy().into_owned(),
        None => text.to_owned(),
    };
    let mut command = program::command(run.arguments.iter().map(|argument| real(argument)))?;
    command.envs(run.variables.iter().map(|(name, value)| (*name, real(value))));
    command.current_dir(folder.path()).output()
}
