//! What is understood, what is refused, and by which name.

use actix_web::ResponseError;
use detections_classes::{BoundClasses, ClassMap};
use detections_frames::Exif;
use detections_infer::{NmsMode, Overlap, TileMerge, TileSize, Tiling};
use detections_pipeline::ClassSelection;
use serde_json::json;

use super::{Given, Params};
use crate::{
    config::{Config, Overrides},
    http::Problem,
};

fn classes() -> BoundClasses {
    let labels = ["car", "truck", "boat"].map(str::to_owned);
    ClassMap::identity().bind(&labels).unwrap()
}

fn settle(query: &str, json: &str) -> Result<Params, Problem> {
    let config = Config::load(None, [], &Overrides::default()).unwrap();
    let mut given = Given::from_query(query)?;
    if !json.is_empty() {
        given.add_json(json.as_bytes())?;
    }
    Params::settle(given, &config, &classes())
}

#[test]
fn nothing_given_is_the_default() {
    let params = settle("", "").unwrap();
    assert_eq!(params.request, detections_pipeline::StillRequest::default());
    assert_eq!(params.timeout.as_millis(), 30_000);
}

#[test]
fn every_alias_means_the_same() {
    for word in ["confidence", "conf", "min_confidence", "threshold"] {
        let params = settle(&format!("{word}=0.5"), "").unwrap();
        assert!((params.request.search.confidence.get() - 0.5).abs() < 1e-6, "{word}");
    }
    for word in ["iou", "overlap", "iou_threshold"] {
        let params = settle("", &format!(r#"{{"{word}": 0.75}}"#)).unwrap();
        assert!((params.request.search.iou - 0.75).abs() < 1e-6, "{word}");
    }
    for word in ["max_detections", "max_det"] {
        assert_eq!(
            settle(&format!("{word}=7"), "").unwrap().request.search.max_detections,
            7,
            "{word}"
        );
    }
}

#[test]
fn query_and_config_add_up() {
    let json = r#"{"agnostic_nms": true, "exif": "ignore", "timeout_ms": 9, "classes": null}"#;
    let params = settle("conf=0.5&tile=off&tile_overlap=0.2", json).unwrap();
    assert_eq!((params.request.search.nms, params.request.exif), (NmsMode::Agnostic, Exif::Ignore));
    assert_eq!(params.request.search.classes, ClassSelection::All);
    assert_eq!(params.body().timeout_ms, Some(9));
}

#[test]
fn tiles_are_asked_for_and_told() {
    let json = r#"{"tile_merge": "nms", "tile_match": "iou"}"#;
    let params = settle("tile=640x480&tile_overlap=0.25", json).unwrap();
    let size = TileSize::Fixed { width: 640, height: 480 };
    let (merge, measure) = (TileMerge::Nms, Overlap::OverUnion);
    let expected = Tiling { overlap: 0.25, merge, measure, ..Tiling::of(size) };
    assert_eq!(params.request.search.tiling, Some(expected));
    let told = serde_json::to_value(params.body()).unwrap();
    assert_eq!(told["tile"], "640x480");
    assert_eq!(told["tile_overlap"], 0.25);
    assert_eq!((&told["tile_merge"], &told["tile_match"]), (&json!("nms"), &json!("iou")));
    let whole = serde_json::to_value(settle("tile=off", "").unwrap().body()).unwrap();
    assert_eq!((&whole["tile"], whole.get("tile_merge")), (&json!("off"), None));
}

#[test]
fn classes_are_ids_or_names_in_any_form() {
    let expected = ClassSelection::Only(vec![0, 2]);
    for query in ["classes=boat,0", "classes=2,car", "classes=[\"car\",2]", "classes=Boat,%20CAR"] {
        assert_eq!(settle(query, "").unwrap().request.search.classes, expected, "{query}");
    }
    for json in [r#"{"classes":["boat","car"]}"#, r#"{"classes":"2,0"}"#, r#"{"classes":[0,2]}"#] {
        assert_eq!(settle("", json).unwrap().request.search.classes, expected, "{json}");
    }
}

#[test]
fn what_is_wrong_is_400_and_named() {
    for (query, json, part) in [
        ("foo=1", "", "unknown parameter `foo`"),
        ("frames=all", "", "unknown parameter `frames`"),
        ("", r#"{"foo": 1}"#, "unknown parameter `foo`"),
        ("conf=1.5", "", "`conf` must be a number within 0..=1"),
        ("conf=NaN", "", "`conf` must be a number within 0..=1"),
        ("confidence=", "", "`confidence` must be a number"),
        ("iou=-0.1", "", "`iou` must be"),
        ("max_det=0", "", "`max_det` must be a number within 1..=10000"),
        ("max_det=1.5", "", "`max_det` must be"),
        ("conf=0.1&threshold=0.2", "", "`threshold` is given twice, first as `conf`"),
        ("conf=0.1", r#"{"conf": 0.1}"#, "`conf` is given twice"),
        ("", r#"{"conf": 0.1, "conf": 0.2}"#, "`conf` is given twice"),
        ("tile=on", "", "`tile` must be off, auto or WIDTHxHEIGHT"),
        ("tile=16x16", "", "`tile` must be off, auto or WIDTHxHEIGHT with sides of 32"),
        ("tile=auto&gsd=0.1", "", "`gsd` needs the setting model.gsd"),
        ("tile=auto&gsd=0", "", "`gsd` must be metres"),
        ("tile=640x640&gsd=0.1", "", "`gsd` needs tile=auto"),
        ("tile=auto&tile_merge=wbf", "", "`tile_merge` must be nmm or nms"),
        ("tile=auto&tile_match=giou", "", "`tile_match` must be ios or iou"),
        ("tile_overlap=0.2", "", "`tile_overlap` needs tile"),
        ("tile=off&tile_overlap=2", "", "`tile_overlap` must be"),
        ("exif=maybe", "", "`exif` must be apply or ignore"),
        ("agnostic_nms=perhaps", "", "`agnostic_nms` must be true or false"),
        ("timeout_ms=0", "", "`timeout_ms` must be a number within 1..=30000"),
        ("timeout_ms=30001", "", "`timeout_ms` must be"),
        ("classes=car,plane", "", "`classes` no class has the id or name `plane`"),
        ("classes=", "", "`classes` must name at least one class"),
        ("", r#"{"classes": [[1]]}"#, "`classes` must be"),
        ("", r#"{"iou": [0.5]}"#, "`iou` must be a single value"),
        ("", r#"{"iou": {"a": 1}}"#, "`iou` must be"),
        ("", "[1]", "`config` is not a JSON object"),
        ("", "{", "`config` is not a JSON object"),
    ] {
        let problem = settle(query, json).unwrap_err();
        assert_eq!(problem.status_code().as_u16(), 400, "{query} {json}");
        assert!(problem.to_string().contains(part), "{query} {json}: {problem}");
    }
}
