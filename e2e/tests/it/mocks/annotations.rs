//! The mock Annotations service keeps what comes, once each, and says what is wrong with the rest.

use anyhow::Result;
use detections_e2e::{http::Reply, mock::Mock};
use serde_json::{Value, json};

fn result(index: u64) -> Value {
    json!({
        "media": {"sha256": "0".repeat(64), "fingerprint": null, "name": "a", "kind": "video"},
        "model": {"name": "m", "sha256": "1".repeat(64)},
        "params": {},
        "frame": {"index": index, "pts_ms": 0.0},
        "detections": [],
        "image": {"width": 1, "height": 1},
    })
}

fn post(mock: &Mock, headers: &[(&str, &str)], body: &Value) -> Result<Reply> {
    mock.client().post("/annotations", headers, serde_json::to_vec(body)?)
}

#[test]
fn results_are_kept_once_and_in_their_order() -> Result<()> {
    let mock = Mock::annotations(&[])?;
    for (key, index, status) in [("a", 0, 201), ("b", 1, 201), ("a", 0, 201), ("a", 7, 409)] {
        assert_eq!(post(&mock, &[("idempotency-key", key)], &result(index))?.status, status);
    }
    let kept = mock.results()?;
    let keys: Vec<_> = kept.iter().map(|record| (&record["key"], &record["duplicates"])).collect();
    assert_eq!(keys, [(&json!("a"), &json!(1)), (&json!("b"), &json!(0))]);
    let counters = mock.client().get("/control/counters")?.json()?;
    assert_eq!((&counters["kept"], &counters["conflicts"]), (&json!(2), &json!(1)));
    let none = format!("/control/annotations?media={}", "f".repeat(64));
    assert_eq!(mock.client().get(&none)?.json()?["annotations"], json!([]));
    Ok(())
}

#[test]
fn what_is_wrong_is_named() -> Result<()> {
    let mock = Mock::annotations(&[])?;
    assert_eq!(post(&mock, &[], &result(0))?.status, 400, "no key");
    let mut wrong = result(0);
    wrong["frame"]["index"] = json!("first");
    let refused = post(&mock, &[("idempotency-key", "k")], &wrong)?;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("/frame/index"), "{}", refused.text());
    let broken = mock.client().post("/annotations", &[("idempotency-key", "k")], b"{".to_vec())?;
    assert_eq!(broken.status, 400);
    assert!(mock.results()?.is_empty());
    Ok(())
}

#[test]
fn a_token_is_asked_for_and_room_is_bounded() -> Result<()> {
    let mock = Mock::annotations(&["--token", "t", "--max-records", "1"])?;
    let key = ("idempotency-key", "k");
    assert_eq!(post(&mock, &[key], &result(0))?.status, 401);
    let bearer = ("authorization", "Bearer t");
    assert_eq!(post(&mock, &[key, bearer], &result(0))?.status, 201);
    assert_eq!(post(&mock, &[("idempotency-key", "l"), bearer], &result(1))?.status, 507);
    Ok(())
}
