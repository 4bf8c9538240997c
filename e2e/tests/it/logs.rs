//! Log lines: readable by machines or people, with request ids, and in files when a folder is set.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use detections_e2e::server::Server;
use serde_json::Value;

use crate::pictures::town;

/// Sends a request with this id to a server with these settings, ends it, and gives its log.
fn log_of(variables: &[(&str, &str)], id: &str) -> Result<String> {
    let mut server = Server::start(variables)?;
    let reply = server.client().post("/detect", &[("x-request-id", id)], town()?)?;
    assert_eq!(reply.status, 200);
    server.signal("TERM")?;
    assert_eq!(server.wait_for_end(Duration::from_secs(30))?.code(), Some(0));
    Ok(server.log())
}

/// The files of a folder that look like one day's log.
fn daily_files(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let date = name.split('.').find(|part| part.split('-').count() == 3);
        date.with_context(|| format!("{name} has no date"))?;
        texts.push(fs::read_to_string(&path)?);
    }
    Ok(texts)
}

#[test]
fn json_lines_carry_the_request_id_also_in_the_rotated_file() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("logs").to_string_lossy().into_owned();
    let variables = [("DETECTIONS__LOG__FORMAT", "json"), ("DETECTIONS__LOG__DIR", dir.as_str())];
    let stderr = log_of(&variables, "find-me-7")?;
    let files = daily_files(Path::new(&dir))?;
    assert_eq!(files.len(), 1, "one day, one file");
    for text in [&stderr, &files[0]] {
        let lines = text.lines().map(serde_json::from_str::<Value>);
        let lines = lines.collect::<Result<Vec<_>, _>>().with_context(|| text.clone())?;
        assert!(lines.len() >= 3, "{text}");
        assert!(
            lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string())
        );
        let ours = lines.iter().filter(|line| line.to_string().contains("find-me-7"));
        let access: Vec<_> = ours.filter(|line| line["status"] == 200).collect();
        assert_eq!(access.len(), 1, "{text}");
        assert_eq!((&access[0]["method"], &access[0]["path"]), (&"POST".into(), &"/detect".into()));
    }
    Ok(())
}

#[test]
fn text_lines_carry_the_request_id_and_the_filter_is_obeyed() -> Result<()> {
    let text = log_of(&[], "find-me-8")?;
    assert!(text.lines().any(|line| line.contains("find-me-8") && line.contains("200")), "{text}");
    let debug = log_of(&[("LOG", "debug")], "find-me-9")?;
    assert!(debug.contains("DEBUG") && !text.contains("DEBUG"), "{debug}");
    Ok(())
}
