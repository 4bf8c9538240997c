//! A body that is a form: the picture in the field `file` or `image`, parameters in `config`.

use actix_multipart::{Field, Multipart};
use actix_web::{
    error::PayloadError,
    http::header::{CONTENT_DISPOSITION, ContentDisposition, HeaderMap},
    web::Bytes,
};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::{
    Problem,
    body::{Intake, Kept},
    problem::told_with_causes,
};

/// Longest `config` field.
const MAX_CONFIG_BYTES: usize = 64 * 1024;

/// What is kept of a name.
const MAX_NAME_CHARS: usize = 255;

/// Reads a form to its end: the picture goes to `kept`, the `config` field and the
/// picture's name are returned.
pub(super) async fn receive(
    headers: &HeaderMap,
    intake: Intake,
    kept: &mut Kept<'_>,
) -> Result<(Option<Vec<u8>>, Option<String>), Problem> {
    let mut form = Multipart::new(headers, pieces(intake));
    let mut fields = Fields { kept, config: None, has_picture: false, name: None };
    while let Some(field) = form.try_next().await.map_err(refused)? {
        fields.take(field).await?;
    }
    Ok((fields.config, fields.name))
}

/// What was found in the form so far.
struct Fields<'a, 'b> {
    kept: &'a mut Kept<'b>,
    config: Option<Vec<u8>>,
    has_picture: bool,
    name: Option<String>,
}

impl Fields<'_, '_> {
    async fn take(&mut self, mut field: Field) -> Result<(), Problem> {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" | "image" if !self.has_picture => {
                self.has_picture = true;
                self.name = name_of(&field);
                while let Some(piece) = field.try_next().await.map_err(refused)? {
                    self.kept.add(&piece)?;
                }
                Ok(())
            }
            "config" if self.config.is_none() => {
                self.config = Some(config_field(field).await?);
                Ok(())
            }
            "file" | "image" => Err(Problem::malformed("the form has more than one picture")),
            "config" => Err(Problem::malformed("the form has more than one field `config`")),
            other => {
                let name: String = other.chars().take(64).collect();
                let detail =
                    format!("unknown form field `{name}`: it may have file or image, and config");
                Err(Problem::malformed(detail))
            }
        }
    }
}

/// The client's name for what a field holds; it is only ever told, never opened.
pub(super) fn name_of(field: &Field) -> Option<String> {
    field.content_disposition().and_then(file_name)
}

/// The client's name for a body that is no form.
pub(super) fn named_by(headers: &HeaderMap) -> Option<String> {
    let header = headers.get(CONTENT_DISPOSITION)?;
    ContentDisposition::from_raw(header).ok().as_ref().and_then(file_name)
}

fn file_name(disposition: &ContentDisposition) -> Option<String> {
    let name = disposition.get_filename()?;
    Some(name.chars().take(MAX_NAME_CHARS).collect())
}

pub(super) async fn config_field(mut field: Field) -> Result<Vec<u8>, Problem> {
    let mut config = Vec::new();
    while let Some(piece) = field.try_next().await.map_err(refused)? {
        if config.len() + piece.len() > MAX_CONFIG_BYTES {
            let detail = format!("the form field `config` has more than {MAX_CONFIG_BYTES} bytes");
            return Err(Problem::malformed(detail));
        }
        config.extend_from_slice(&piece);
    }
    Ok(config)
}

/// The intake as the form reader wants it: our own errors travel through it as I/O errors.
pub(super) fn pieces(intake: Intake) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    stream::try_unfold(intake, async |mut intake: Intake| {
        let piece = intake.next().await.map_err(std::io::Error::other)?;
        Ok(piece.map(|piece| (piece, intake)))
    })
    .boxed_local()
}

/// Our own errors come out as they went in; the reader's own mean a broken form.
pub(super) fn refused(error: actix_multipart::MultipartError) -> Problem {
    let detail = format!("the form cannot be read: {}", told_with_causes(&error));
    let ours = if let actix_multipart::MultipartError::Payload(PayloadError::Io(error)) = error {
        error.into_inner()
    } else {
        None
    };
    match ours.and_then(|error| error.downcast::<Problem>().ok()) {
        Some(problem) => *problem,
        None => Problem::malformed(detail),
    }
}
