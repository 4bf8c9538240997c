//! A stand-in for the Loader, the service that gives models: serves the files of a folder as a careful
//! server would, takes new versions through a control route, and fails as its rules say.

pub mod answer;
pub mod conditions;
pub mod name;
pub mod shelf;

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self, Bytes, Data, PayloadConfig, ServiceConfig},
};
use detections_mock_kit::Problem;

use self::{name::FileName, shelf::Shelf};

/// Adds the mock's own routes: `/models/{name}` and `/control/files/{name}`.
pub fn routes(config: &mut ServiceConfig, shelf: &Data<Shelf>) {
    let largest = usize::try_from(shelf.max_bytes()).unwrap_or(usize::MAX);
    config
        .app_data(shelf.clone())
        .service(web::resource("/models/{name}").get(give).head(give))
        .service(
            web::resource("/control/files/{name}")
                .app_data(PayloadConfig::new(largest))
                .put(replace)
                .delete(restore),
        );
}

async fn give(
    request: HttpRequest,
    name: web::Path<String>,
    shelf: Data<Shelf>,
) -> Result<HttpResponse, Problem> {
    let name = FileName::parse(&name).map_err(Problem::bad_request)?;
    let file = web::block(move || shelf.find(&name)).await;
    let file = file.map_err(|_gone| internal("the thread that reads files is gone"))?;
    let file = file.map_err(|error| internal(&error.to_string()))?;
    match file {
        Some(file) => Ok(answer::answer(&request, file)),
        None => Err(Problem::not_found(format!("no model at {}", request.path()))),
    }
}

async fn replace(
    name: web::Path<String>,
    shelf: Data<Shelf>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let name = FileName::parse(&name).map_err(Problem::bad_request)?;
    let full = |words| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", words);
    let digest = shelf.replace(&name, body).map_err(full)?;
    Ok(HttpResponse::Ok().json(std::collections::BTreeMap::from([("sha256", digest)])))
}

async fn restore(name: web::Path<String>, shelf: Data<Shelf>) -> Result<HttpResponse, Problem> {
    let name = FileName::parse(&name).map_err(Problem::bad_request)?;
    shelf.restore(&name);
    Ok(HttpResponse::NoContent().finish())
}

fn internal(words: &str) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", words)
}
