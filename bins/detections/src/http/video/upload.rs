//! A video on its way in: recognised by its first bytes, and then passed on to the decoder, which lets the
//! client wait where it is slower.

use std::{collections::VecDeque, sync::Arc};

use actix_web::{HttpRequest, http::StatusCode, web::Bytes};
use detections_frames::Chunk;
use detections_media::{MediaError, MediaKind, SNIFF_LEN, sniff};
use detections_pipeline::Intake as VideoIntake;

use super::form::Form;
use crate::{
    http::{
        Problem,
        body::{Announced, Intake},
        multipart::named_by,
    },
    videos::{UploadState, Video, VideoMetrics},
};

/// The bytes of a video as they arrive.
pub(super) struct VideoUpload {
    body: Body,
    /// Bytes that were looked at and are still to be passed on.
    head: VecDeque<Bytes>,
    name: Option<String>,
}

enum Body {
    Raw(Intake),
    Form(Box<Form>),
}

impl VideoUpload {
    /// Reads up to the first byte of the video; what a form's field `config` said comes with it.
    pub(super) async fn open(
        request: &HttpRequest,
        announced: Announced,
        intake: Intake,
    ) -> Result<(Self, Option<Vec<u8>>), Problem> {
        let (body, config, name) = if announced.form {
            let (form, config) = Form::open(request.headers(), intake).await?;
            let name = form.name();
            (Body::Form(Box::new(form)), config, name)
        } else {
            (Body::Raw(intake), None, named_by(request.headers()))
        };
        Ok((Self { body, head: VecDeque::new(), name }, config))
    }

    /// The client's name for the video.
    pub(super) fn name(&self) -> Option<String> {
        self.name.clone()
    }

    /// Reads as much as tells what it is, and refuses what is no video.
    pub(super) async fn sniffed(mut self) -> Result<Self, Problem> {
        let mut seen = Vec::new();
        while let Some(chunk) = self.receive().await? {
            seen.extend_from_slice(chunk.get(..SNIFF_LEN).unwrap_or(&chunk));
            self.head.push_back(chunk);
            if seen.len() >= SNIFF_LEN || sniff(&seen).is_some() {
                break;
            }
        }
        match sniff(&seen) {
            Some(kind) if kind.may_be_video() => Ok(self),
            _ if seen.is_empty() => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "empty_body",
                "the request has no video: send it as the body or as the form field `file`",
            )),
            Some(MediaKind::Image(kind)) => Err(Problem::unsupported(format!(
                "the body is a picture ({}); this resource takes one video",
                kind.mime()
            ))),
            _ => Err(Problem::unsupported(
                "the body is not a video of a known type: MP4, MOV, Matroska, WebM, AVI, MPEG-TS, MPEG-PS, H.264, \
                 H.265 or MJPEG",
            )),
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        match self.head.pop_front() {
            Some(chunk) => Ok(Some(chunk)),
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, Problem> {
        match &mut self.body {
            Body::Raw(intake) => intake.next().await,
            Body::Form(form) => form.next().await,
        }
    }
}

/// Passes all bytes on; what comes after the video's end is read and thrown away until nobody waits for it.
pub(super) async fn feed(
    mut upload: VideoUpload,
    intake: VideoIntake,
    video: Arc<Video>,
    metrics: Arc<VideoMetrics>,
) {
    let state = tokio::select! {
        passed = pass_on(&mut upload, intake, &metrics) => match passed {
            Ok(()) => UploadState::Complete,
            Err(problem) => {
                video.stop(problem.into());
                UploadState::Over
            }
        },
        () = video.ended() => {
            // The connection ends this, or the response that waits for it.
            while let Ok(Some(_)) = upload.next().await {}
            UploadState::Over
        }
    };
    video.upload_is(state);
}

async fn pass_on(
    upload: &mut VideoUpload,
    mut intake: VideoIntake,
    metrics: &VideoMetrics,
) -> Result<(), Problem> {
    while let Some(bytes) = upload.next().await? {
        metrics.uploaded(bytes.len() as u64);
        let chunk: Chunk = Box::new(bytes);
        intake.send(chunk).await.map_err(|error| too_large(&error))?;
    }
    intake.finish();
    Ok(())
}

fn too_large(error: &MediaError) -> Problem {
    if let MediaError::TooLarge { limit } = error {
        Problem::body_too_large(*limit)
    } else {
        Problem::internal()
    }
}
