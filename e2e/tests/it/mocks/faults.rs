//! Faults strike as their rules say, and answers are recorded and given again.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::Result;
use detections_e2e::{mock::Mock, wire};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

const LENGTH: usize = 40_000;

fn mock(arguments: &[&str]) -> Result<(TempDir, Mock)> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("m"), vec![7; LENGTH])?;
    let mock = Mock::loader(&folder.path().to_string_lossy(), arguments)?;
    Ok((folder, mock))
}

#[test]
fn a_status_strikes_so_many_times_and_is_written_down() -> Result<()> {
    let (_folder, mock) = mock(&[])?;
    mock.faults(&json!([
        {"match": "/models/*", "times": 2, "fault": "status", "status": 429, "retry_after": "3"}
    ]))?;
    let replies = [(); 3].map(|()| mock.client().get("/models/m"));
    let replies: Vec<_> = replies.into_iter().collect::<Result<_>>()?;
    let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [429, 429, 200]);
    assert_eq!(replies[0].header("retry-after"), Some("3"));
    let requests = mock.requests()?;
    assert_eq!(requests.len(), 3);
    assert!(requests[0]["fault"].as_str().is_some_and(|fault| fault.contains("429")));
    assert_eq!((&requests[2]["fault"], &requests[2]["status"]), (&json!(null), &json!(200)));
    Ok(())
}

#[test]
fn a_truncated_answer_states_its_length_and_is_cut() -> Result<()> {
    let (_folder, mock) = mock(&[])?;
    mock.faults(&json!([{"times": 1, "fault": "truncate", "after_bytes": 1000}]))?;
    let request = wire::head("GET", "/models/m", &[]);
    let cut = wire::exchange(mock.address(), &request, wire::Ending::Wait)?;
    let cut = cut.map(|reply| {
        (reply.status, reply.body.len(), reply.header("content-length").map(str::to_owned))
    });
    assert_eq!(cut, Some((200, 1000, Some(LENGTH.to_string()))));
    assert_eq!(mock.client().get("/models/m")?.body.len(), LENGTH);
    Ok(())
}

#[test]
fn a_reset_and_a_hang_give_no_answer() -> Result<()> {
    let (_folder, mock) = mock(&[])?;
    mock.faults(&json!([{"fault": "reset"}]))?;
    let request = wire::head("GET", "/models/m", &[]);
    assert!(wire::exchange(mock.address(), &request, wire::Ending::Wait).is_err());
    mock.faults(&json!([{"fault": "hang"}]))?;
    let patient =
        reqwest::blocking::Client::builder().no_proxy().timeout(Duration::from_millis(300));
    let given_up = patient.build()?.get(format!("{}/models/m", mock.url())).send();
    assert!(given_up.is_err_and(|error| error.is_timeout()));
    assert_eq!(mock.client().get("/health")?.status, 200, "health is never struck");
    Ok(())
}

#[test]
fn a_slow_answer_takes_its_time_and_wrong_digests_are_wrong() -> Result<()> {
    let (_folder, mock) = mock(&[])?;
    mock.faults(&json!([{"times": 1, "fault": "slow", "bytes_per_s": 100_000}]))?;
    let start = Instant::now();
    assert_eq!(mock.client().get("/models/m")?.body.len(), LENGTH);
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    let right = mock.client().get("/models/m")?;
    mock.faults(&json!([{"fault": "wrong_hash"}]))?;
    let wrong = mock.client().get("/models/m")?;
    for name in ["repr-digest", "x-checksum-sha256"] {
        assert_ne!(wrong.header(name), right.header(name));
    }
    assert_eq!((wrong.body == right.body, wrong.header("etag")), (true, right.header("etag")));
    Ok(())
}

#[test]
fn a_wrong_rule_is_refused_and_rules_can_be_taken_back() -> Result<()> {
    let (_folder, mock) = mock(&[])?;
    let put = |body: &str| {
        mock.client().send(Method::PUT, "/control/faults", &[], body.as_bytes().to_vec())
    };
    assert_eq!(put(r#"{"fault":"status","status":503}"#)?.status, 200, "one rule alone");
    let refused = put(r#"[{"fault":"hang"},{"fault":"slow"}]"#)?;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("rule 1"), "{}", refused.text());
    assert_eq!(put("nonsense")?.status, 400);
    assert_eq!(mock.client().get("/models/m")?.status, 503, "the old rule is in force");
    mock.client().send(Method::DELETE, "/control/faults", &[], Vec::new())?;
    assert_eq!(mock.client().get("/models/m")?.status, 200);
    Ok(())
}

#[test]
fn what_was_recorded_is_given_again_without_the_service() -> Result<()> {
    let tape = tempfile::NamedTempFile::new()?;
    let path = tape.path().to_string_lossy().into_owned();
    let (first, second) = {
        let (_folder, mock) = mock(&["--record", &path])?;
        let first = mock.client().get("/models/m")?;
        mock.put_file("m", b"new".to_vec())?;
        (first, mock.client().get("/models/m")?)
    };
    let empty = tempfile::tempdir()?;
    let mock = Mock::loader(&empty.path().to_string_lossy(), &["--replay", &path])?;
    for recorded in [&first, &second, &second] {
        let given = mock.client().get("/models/m")?;
        assert_eq!((given.status, given.body == recorded.body), (200, true));
        assert_eq!(given.header("etag"), recorded.header("etag"));
    }
    assert_eq!(mock.client().get("/models/other")?.status, 404);
    Ok(())
}
