//! The service as clients see it: one file for each resource, and one for each thing that all
//! resources share. Nothing here decodes or infers.

mod access;
mod access_log;
mod admin;
mod app;
mod body;
mod detect;
mod docs;
mod health;
mod info;
mod jobs;
mod metrics;
mod multipart;
mod negotiate;
mod params;
mod problem;
mod request_id;
mod state;
mod stream;
mod video;

pub(crate) use self::problem::told_with_causes;
pub use self::{
    app::{create_app, create_management_app},
    docs::ApiDoc,
    metrics::Metrics,
    problem::{Problem, ProblemBody},
    state::{Loaded, Service},
};
