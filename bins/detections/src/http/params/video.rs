//! The parameters of a video: those of every search, and which of its frames are wanted, how, and how many.

use std::{num::NonZeroU64, time::Duration};

use detections_classes::BoundClasses;
use detections_frames::Sampling;
use detections_pipeline::{Tracking, VideoRequest};

use super::{Given, Name, Text, flag, search, timeout, whole_ms, within};
use crate::{config::Config, http::Problem, wire::VideoParamsBody};

const MOST_FRAMES: u64 = 1_000_000_000;

const FRAMES: &str = "must be all, every:N, fps:X or keyframes";

/// What a request for a video asks for, checked and complete.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::http) struct VideoParams {
    /// What is asked of the frames.
    pub(in crate::http) request: VideoRequest,
    /// Which frames are wanted.
    pub(in crate::http) sampling: Sampling,
    /// After how long the answer is of no use.
    pub(in crate::http) timeout: Duration,
    /// How the events are wanted.
    pub(in crate::http) delivery: Delivery,
}

/// How the events of a video are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Delivery {
    /// As the response.
    Stream,
    /// From a job, later.
    Job,
}

impl VideoParams {
    /// Checks what was given and fills in the configured defaults for the rest.
    pub(in crate::http) fn settle(
        mut given: Given,
        config: &Config,
        classes: &BoundClasses,
    ) -> Result<Self, Problem> {
        let search = search(&mut given, config, classes)?;
        let track = given.read(Name::Track, flag)?.unwrap_or(true);
        let tracking = if track { Tracking::On } else { Tracking::Off };
        let max_frames = given.read(Name::MaxFrames, within(1..=MOST_FRAMES))?;
        let sampling = given.read(Name::Frames, frames)?.unwrap_or_default();
        let timeout = timeout(&mut given, config.video.timeout)?;
        let later = given.read(Name::Async, flag)?.unwrap_or(false);
        given.refuse_the_rest()?;
        let request = VideoRequest { search, tracking, max_frames };
        let delivery = if later { Delivery::Job } else { Delivery::Stream };
        Ok(Self { request, sampling, timeout, delivery })
    }

    /// The effective values, as the start event tells them.
    pub(in crate::http) fn body(&self) -> VideoParamsBody {
        let timeout_ms = Some(whole_ms(self.timeout));
        VideoParamsBody { timeout_ms, ..VideoParamsBody::new(&self.request, self.sampling) }
    }
}

fn frames(text: &Text) -> Result<Sampling, String> {
    let word = text.one()?;
    match word.split_once(':') {
        None if word == "all" => Ok(Sampling::All),
        None if word == "keyframes" => Ok(Sampling::Keyframes),
        Some(("every", step)) => {
            let step = step.parse().ok().filter(|step: &NonZeroU64| step.get() <= MOST_FRAMES);
            step.map(Sampling::Every).ok_or_else(|| format!("{FRAMES}, with N from 1"))
        }
        Some(("fps", rate)) => {
            let rate = rate.parse().ok().filter(|rate| (0.001..=1000.0).contains(rate));
            rate.map(Sampling::Fps).ok_or_else(|| format!("{FRAMES}, with X within 0.001..=1000"))
        }
        _ => Err(FRAMES.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use detections_classes::ClassMap;
    use detections_frames::Sampling;
    use detections_pipeline::{Tracking, VideoRequest};

    use super::{Delivery, Given, VideoParams};
    use crate::{
        config::{Config, Overrides},
        http::Problem,
    };

    fn settle(query: &str) -> Result<VideoParams, Problem> {
        let config = Config::load(None, [], &Overrides::default()).unwrap();
        let classes = ClassMap::identity().bind(&["car".to_owned()]).unwrap();
        VideoParams::settle(Given::from_query(query)?, &config, &classes)
    }

    #[test]
    fn nothing_given_is_the_default() {
        let params = settle("").unwrap();
        assert_eq!(params.request, VideoRequest::default());
        assert_eq!((params.sampling, params.delivery), (Sampling::All, Delivery::Stream));
        assert_eq!(params.timeout.as_secs(), 3600);
    }

    #[test]
    fn what_is_given_is_understood() {
        let params = settle("frames=fps:2.5&track=false&max_frames=7&async=1&conf=0.5").unwrap();
        assert_eq!(params.sampling, Sampling::Fps(2.5));
        assert_eq!(params.request.tracking, Tracking::Off);
        assert_eq!(params.request.max_frames, Some(7));
        assert_eq!(params.delivery, Delivery::Job);
        assert_eq!(params.body().frames, "fps:2.5");
        assert_eq!(settle("frames=every:3").unwrap().body().frames, "every:3");
    }

    #[test]
    fn what_is_wrong_is_400_and_named() {
        for (query, part) in [
            ("frames=some", "`frames` must be all, every:N"),
            ("frames=every:0", "with N from 1"),
            ("frames=every:-1", "with N from 1"),
            ("frames=fps:0", "with X within"),
            ("frames=fps:NaN", "with X within"),
            ("frames=fps:inf", "with X within"),
            ("frames=", "`frames` must be"),
            ("track=maybe", "`track` must be true or false"),
            ("max_frames=0", "`max_frames` must be a number within 1..="),
            ("timeout_ms=3600001", "`timeout_ms` must be a number within 1..=3600000"),
            ("exif=apply", "unknown parameter `exif`"),
            ("async=later", "`async` must be true or false"),
        ] {
            let problem = settle(query).unwrap_err();
            assert_eq!(problem.status_code().as_u16(), 400, "{query}");
            assert!(problem.to_string().contains(part), "{query}: {problem}");
        }
    }
}
