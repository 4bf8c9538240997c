//! What those who run the service rely on: request ids, metrics and clean errors.

use anyhow::{Context, Result};
use detections_e2e::{metrics, server::Server};

use crate::pictures::town;

#[test]
fn sane_request_ids_are_echoed_and_others_made() -> Result<()> {
    let server = Server::start(&[])?;
    let long = "x".repeat(200);
    for (given, kept) in [("my-id-42", true), ("with space", false), (long.as_str(), false)] {
        let reply = server.client().post("/detect", &[("x-request-id", given)], town()?)?;
        let id = reply.header("x-request-id").context("no id")?.to_owned();
        assert_eq!(id == given, kept, "{given}");
        assert_eq!(reply.json()?["id"], id.as_str());
    }
    let ids = [(); 2].map(|()| server.client().get("/health/live"));
    let [first, second] = ids.map(|reply| reply.ok()?.header("x-request-id").map(str::to_owned));
    assert!(first.is_some() && second.is_some() && first != second);
    Ok(())
}

#[test]
fn errors_are_problems_that_carry_the_request_id() -> Result<()> {
    let server = Server::start(&[])?;
    for (target, status) in [("/detect?confidence=7", 400), ("/nowhere", 404)] {
        let reply = server.client().post(target, &[("x-request-id", "e-1")], town()?)?;
        assert_eq!(reply.status, status, "{target}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        let problem = reply.json()?;
        for key in ["type", "title", "code", "detail"] {
            assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], "e-1");
    }
    Ok(())
}

#[test]
fn metrics_count_what_happened() -> Result<()> {
    let server = Server::start(&[])?;
    let read = |name: &str, label: &str| -> Result<f64> {
        let page = server.client().get("/metrics")?.text();
        Ok(metrics::sum(&page, name, label).unwrap_or(0.0))
    };
    let watched = [
        ("detections_http_requests_total", "route=\"/detect\""),
        ("detections_http_requests_total", "status=\"422\""),
        ("detections_stage_seconds_count", "stage=\"infer\""),
    ];
    let before = watched.map(|(name, label)| read(name, label));
    for _ in 0..3 {
        assert_eq!(server.client().post("/detect", &[], town()?)?.status, 200);
    }
    let truncated = town()?[..1000].to_vec();
    assert_eq!(server.client().post("/detect", &[], truncated)?.status, 422);
    let grown = [4.0, 1.0, 3.0];
    for (((name, label), before), grown) in watched.into_iter().zip(before).zip(grown) {
        let change = read(name, label)? - before?;
        assert!((change - grown).abs() < 1e-9, "{name}{{{label}}} grew by {change}, not {grown}");
    }
    for (name, expected) in [("detections_ready", 1.0), ("detections_in_flight_items", 0.0)] {
        assert!((read(name, "")? - expected).abs() < 1e-9, "{name}");
    }
    Ok(())
}

#[test]
fn the_page_for_people_is_served() -> Result<()> {
    let server = Server::start(&[])?;
    let page = server.client().get("/docs")?;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    let script = server.client().get("/docs/swagger-ui-bundle.js")?;
    assert_eq!(script.status, 200);
    // A script of that size is the real page and no notice that there is none.
    assert!(script.body.len() > 100_000, "{} bytes", script.body.len());
    Ok(())
}
