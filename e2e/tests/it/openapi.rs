//! The description of the interface: whole, of version 3.1, and true to the routes.

use anyhow::{Context, Result};
use detections_e2e::server::Server;
use serde_json::Value;

/// Every route, and the methods that it must describe.
const ROUTES: [(&str, &str); 13] = [
    ("/detect", "post"),
    ("/detect/video", "post"),
    ("/jobs/{id}", "get"),
    ("/jobs/{id}", "delete"),
    ("/jobs/{id}/events", "get"),
    ("/health", "get"),
    ("/health/live", "get"),
    ("/health/ready", "get"),
    ("/info", "get"),
    ("/admin/reload", "post"),
    ("/metrics", "get"),
    ("/openapi.json", "get"),
    ("/docs", "get"),
];

fn description() -> Result<Value> {
    Server::start(&[])?.client().get("/openapi.json")?.json()
}

#[test]
fn every_route_is_described_and_no_other() -> Result<()> {
    let document = description()?;
    let version = document["openapi"].as_str().context("no version")?;
    assert!(version.starts_with("3.1"), "{version}");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let paths = document["paths"].as_object().context("no paths")?;
    for (route, method) in ROUTES {
        let operation = &document["paths"][route][method];
        let responses = operation["responses"].as_object();
        let responses = responses.with_context(|| format!("{method} {route} is not described"))?;
        for (status, response) in responses {
            let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described, "{method} {route} {status}");
        }
    }
    let known = ROUTES.map(|(route, _)| route);
    let unknown: Vec<_> = paths.keys().filter(|path| !known.contains(&path.as_str())).collect();
    assert!(unknown.is_empty(), "described but not served: {unknown:?}");
    Ok(())
}

#[test]
fn detecting_is_described_with_its_parameters_bodies_and_errors() -> Result<()> {
    let document = description()?;
    let operation = &document["paths"]["/detect"]["post"];
    let parameters = operation["parameters"].as_array().context("no parameters")?;
    let names: Vec<_> = parameters.iter().filter_map(|one| one["name"].as_str()).collect();
    for name in
        ["confidence", "iou", "max_detections", "classes", "agnostic_nms", "exif", "timeout_ms"]
    {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    for kind in ["multipart/form-data", "application/octet-stream"] {
        assert!(operation["requestBody"]["content"][kind].is_object(), "{kind}");
    }
    for kind in ["application/json", "image/jpeg", "image/png"] {
        assert!(operation["responses"]["200"]["content"][kind].is_object(), "{kind}");
    }
    for status in ["400", "408", "413", "415", "422", "429", "500", "503", "504"] {
        let content = &operation["responses"][status]["content"];
        assert!(content["application/problem+json"].is_object(), "{status}: {content}");
    }
    Ok(())
}

#[test]
fn all_that_is_told_of_an_object_is_described() -> Result<()> {
    let document = description()?;
    let object = &document["components"]["schemas"]["DetectionBody"]["properties"];
    for name in ["class_id", "class", "confidence", "box", "obb", "keypoints", "mask"] {
        let described = object[name]["description"].as_str().is_some_and(|text| !text.is_empty());
        let elsewhere = object[name]["$ref"].is_string() || object[name]["oneOf"].is_array();
        assert!(described || elsewhere, "{name}: {object}");
    }
    Ok(())
}

#[test]
fn every_reference_leads_somewhere() -> Result<()> {
    let document = description()?;
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').context("a reference to another document")?;
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    Ok(())
}

fn collect_references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|inner| collect_references(inner, found));
        }
        Value::Array(array) => array.iter().for_each(|inner| collect_references(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
