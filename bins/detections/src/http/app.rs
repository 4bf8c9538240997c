//! The routes, put together; tests drive the same application in process.

use actix_web::{
    App, Error, FromRequest, Handler, HttpResponse, Resource, Responder,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    guard,
    middleware::from_fn,
    web,
};

use super::{
    Problem, Service,
    access::{access, management_access},
    access_log::access_log,
    admin, detect, docs, health, info, jobs, metrics, video,
};

/// The whole application over a service, ready or not; without what a second port serves.
pub fn create_app(
    service: web::Data<Service>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let has_second_port = service.config.server.management_bind.is_some();
    let app = App::new().app_data(service).configure(product);
    let app = if has_second_port { app } else { app.configure(management) };
    app.default_service(web::to(|| async { Err::<HttpResponse, _>(not_found()) }))
        .wrap(from_fn(access))
        .wrap(from_fn(access_log))
}

/// The application of the second port: for those who look after the service.
pub fn create_management_app(
    service: web::Data<Service>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(service)
        .configure(management)
        .default_service(web::to(|| async { Err::<HttpResponse, _>(not_found()) }))
        .wrap(from_fn(management_access))
        .wrap(from_fn(access_log))
}

/// What moves to the second port where there is one.
fn management(app: &mut web::ServiceConfig) {
    app.service(readable("/health", health::health))
        .service(readable("/health/live", health::live))
        .service(readable("/health/ready", health::ready))
        .service(readable("/metrics", metrics::metrics))
        .service(
            web::resource("/admin/reload")
                .route(web::post().to(admin::reload))
                .default_service(web::to(|| other_method("POST"))),
        );
}

/// What clients come for.
fn product(app: &mut web::ServiceConfig) {
    app.service(readable("/info", info::info))
        .service(readable("/openapi.json", docs::openapi))
        .service(readable("/docs", docs::to_page))
        .service(docs::page())
        .service(
            web::resource("/detect")
                .route(web::post().to(detect::detect))
                .default_service(web::to(|| other_method("POST"))),
        )
        .service(
            web::resource("/detect/video")
                .route(web::post().to(video::detect_video))
                .default_service(web::to(|| other_method("POST"))),
        )
        .service(
            web::resource("/jobs/{id}")
                .route(web::get().to(jobs::job))
                .route(web::head().to(jobs::job))
                .route(web::delete().to(jobs::end_job))
                .default_service(web::to(|| other_method("GET, HEAD, DELETE"))),
        )
        .service(readable("/jobs/{id}/events", jobs::events));
}

/// A resource that is only ever read.
fn readable<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .route(web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler))
        .default_service(web::to(|| other_method("GET, HEAD")))
}

async fn other_method(allow: &'static str) -> Result<HttpResponse, Problem> {
    Err(Problem::method_not_allowed(allow))
}

fn not_found() -> Problem {
    Problem::from_status(actix_web::http::StatusCode::NOT_FOUND)
}
