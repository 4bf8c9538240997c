//! A video in a form: parameters first, in the field `config`, then the video in the field `file`, which is
//! passed on as it arrives.

use actix_multipart::{Field, Multipart};
use actix_web::{
    http::{StatusCode, header::HeaderMap},
    web::Bytes,
};
use futures_util::TryStreamExt;

use crate::http::{
    Problem,
    body::Intake,
    multipart::{config_field, name_of, pieces, refused},
};

/// A form, read up to somewhere in its video.
pub(super) struct Form {
    form: Multipart,
    /// `None` behind the video.
    file: Option<Field>,
}

impl Form {
    /// Reads up to the video; what the field `config` said comes with it.
    pub(super) async fn open(
        headers: &HeaderMap,
        intake: Intake,
    ) -> Result<(Self, Option<Vec<u8>>), Problem> {
        let mut form = Multipart::new(headers, pieces(intake));
        let mut config = None;
        while let Some(field) = form.try_next().await.map_err(refused)? {
            match field.name().unwrap_or_default() {
                "file" => return Ok((Self { form, file: Some(field) }, config)),
                "config" if config.is_none() => config = Some(config_field(field).await?),
                "config" => {
                    return Err(Problem::malformed("the form has more than one field `config`"));
                }
                other => return Err(unknown(other)),
            }
        }
        Ok((Self { form, file: None }, config))
    }

    /// The client's name for the video.
    pub(super) fn name(&self) -> Option<String> {
        self.file.as_ref().and_then(name_of)
    }

    /// The next bytes of the video; `None` once the form was read to its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let Some(file) = &mut self.file else { return Ok(None) };
        if let Some(piece) = file.try_next().await.map_err(refused)? {
            return Ok(Some(piece));
        }
        self.file = None;
        match self.form.try_next().await.map_err(refused)? {
            None => Ok(None),
            Some(field) => Err(behind_the_video(&field)),
        }
    }
}

fn behind_the_video(field: &Field) -> Problem {
    match field.name().unwrap_or_default() {
        "file" => Problem::malformed("the form has more than one video"),
        "config" => Problem::new(
            StatusCode::BAD_REQUEST,
            "config_after_file",
            "the form field `config` comes after `file`: send it first, as the video is searched while it arrives",
        ),
        other => unknown(other),
    }
}

fn unknown(name: &str) -> Problem {
    let name: String = name.chars().take(64).collect();
    let detail = format!("unknown form field `{name}`: it may have config, and then file");
    Problem::malformed(detail)
}
