//! The real binary, run as a user would: exit codes, what it writes and where.

mod outbox;
mod videos;

use std::io::Write as _;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use detections_frames::{StillEncoding, StillOptions, decode_still, encode_still};
use detections_types::{Image, Rect, Source};
use serde_json::Value;
use tempfile::TempDir;

/// How a run of the binary ended and what it wrote.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_detections"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

fn ended(output: Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn run(args: &[&str]) -> Ended {
    ended(command(args).output().unwrap())
}

/// Runs and checks that it ends with `code` and tells each of `words` on standard error.
fn refused(args: &[&str], code: i32, words: &[&str]) -> Ended {
    let ended = run(args);
    assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.err);
    for word in words {
        assert!(ended.err.contains(word), "{args:?}: `{word}` is missing in:\n{}", ended.err);
    }
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    ended
}

/// A file that the project does not carry, or `None` with a line that says so.
fn shared(path: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if path.is_file() {
        return path.to_str().map(str::to_owned);
    }
    // Straight to the stream: the test runner hides what a passing test prints otherwise.
    writeln!(std::io::stderr(), "skipped: {} is not there", path.display()).ok();
    None
}

fn picture(width: u32, height: u32, encoding: StillEncoding) -> Vec<u8> {
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| [x, y, x ^ y]));
    let data = pixels.flatten().map(|channel| channel.to_le_bytes()[0]).collect();
    encode_still(Image::rgb8(width, height, data).unwrap().view(), encoding).unwrap()
}

fn png() -> Vec<u8> {
    picture(64, 48, StillEncoding::Png)
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn help_and_version_end_well() {
    for args in [&["--help"][..], &["detect", "--help"], &["help", "bench"], &["model", "--help"]] {
        let ended = run(args);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{args:?}");
        assert!(ended.out.contains("--threads") || args[0] == "help", "{}", ended.out);
    }
    let version = run(&["--version"]);
    assert_eq!(version.code, Some(0));
    for word in [env!("CARGO_PKG_VERSION"), "commit: ", "backends: tract", "built-in model: "] {
        assert!(version.out.contains(word), "{}", version.out);
    }
}

#[test]
fn bad_usage_ends_with_64() {
    refused(&["--no-such-flag"], 64, &["--no-such-flag"]);
    refused(&["fly"], 64, &["fly"]);
    refused(&["detect"], 64, &["<PATH>"]);
    refused(&["model"], 64, &[]);
    refused(&["bench", "--runs", "0"], 64, &["--runs"]);
    refused(&["bench", "--batch", "many"], 64, &["--batch"]);
    refused(&["detect", "a.jpg", "--exif", "maybe"], 64, &["--exif", "apply", "ignore"]);
}

#[test]
fn all_faults_of_the_configuration_are_told_at_once() {
    let folder = folder(&[("c.toml", b"[server]\nporrt = 1\n")]);
    let file = folder.path().join("c.toml");
    let args = [
        "detect",
        "a.jpg",
        "--config",
        text(&file),
        "--threads",
        "0",
        "--confidence",
        "-1",
        "--iou",
        "much",
        "--max-detections",
        "0",
        "--backend",
        "onnx",
        "--device",
        "gpu",
    ];
    let words = [
        "server.porrt",
        "infer.threads (from --threads)",
        "detect.confidence (from --confidence)",
        "detect.iou",
        "detect.max_detections",
        "infer.backend",
        "infer.device",
        "`gpu`",
    ];
    refused(&args, 64, &words);
    refused(&["--config", "/nowhere/c.toml", "bench"], 64, &["/nowhere/c.toml"]);
}

#[test]
fn bad_model_files_end_with_65() {
    let folder = folder(&[("a.png", &png()), ("bad.onnx", b"not a model"), ("empty.onnx", b"")]);
    let path = |name| folder.path().join(name);
    let picture = path("a.png");
    for (model, word) in [("bad.onnx", "ONNX"), ("empty.onnx", "empty"), ("none.onnx", "none")] {
        let model = path(model);
        refused(&["detect", text(&picture), "--model", text(&model)], 65, &[word]);
        refused(&["bench", "--model", text(&model)], 65, &[word]);
    }
}

#[test]
fn a_bad_class_file_ends_with_64() {
    let classes: &[u8] = br#"[{"id":0,"name":"x","label":"no such label"},{"id":1,"nam":"y"}]"#;
    let folder = folder(&[("a.png", &png()), ("classes.json", classes)]);
    let (picture, classes) = (folder.path().join("a.png"), folder.path().join("classes.json"));
    refused(&["detect", text(&picture), "--classes", text(&classes)], 64, &["classes.json", "nam"]);
    refused(&["detect", text(&picture), "--classes", "/none.json"], 64, &["/none.json"]);
}

#[test]
fn what_is_no_picture_ends_with_65() {
    let mp4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
    let cut = &png()[..40];
    let files = [("clip.mp4", mp4), ("notes.png", b"text"), ("empty.jpg", b""), ("cut.png", cut)];
    let folder = folder(&files);
    let path = |name| folder.path().join(name);
    refused(&["detect", text(&path("clip.mp4"))], 65, &["clip.mp4: "]);
    refused(&["detect", text(&path("notes.png"))], 65, &["notes.png: not a picture or video"]);
    refused(&["detect", text(&path("empty.jpg"))], 65, &["empty.jpg: empty"]);
    refused(&["detect", text(&path("cut.png"))], 65, &["cut.png: "]);
    refused(&["detect", text(&path("none.jpg"))], 65, &["none.jpg: No such file", "no picture"]);
    fs::create_dir(path("hollow")).unwrap();
    refused(&["detect", text(&path("hollow"))], 65, &["no picture"]);
}

#[test]
fn pictures_that_fail_do_not_stop_the_others() {
    let jpeg = picture(200, 100, StillEncoding::Jpeg { quality: 90 });
    let files: [(&str, &[u8]); 5] = [
        ("1.png", &png()),
        ("2.png", &png()[..60]),
        ("3/a.jpg", &jpeg),
        ("4.txt", b"no picture"),
        ("5.png", &png()),
    ];
    let folder = folder(&files);
    let named = folder.path().join("4.txt");
    let args = ["detect", text(folder.path()), text(&named), "--threads", "3"];
    let words =
        ["2.png: ", "4.txt: not a picture", "in 3 pictures, 2 failed", "left out 1 other file"];
    let ended = refused(&args, 65, &words);
    let lines = lines(&ended.out);
    let paths: Vec<PathBuf> = lines.iter().map(|l| l["path"].as_str().unwrap().into()).collect();
    assert_eq!(paths, ["1.png", "3/a.jpg", "5.png"].map(|name| folder.path().join(name)));
    assert_eq!(
        (&lines[1]["image"]["width"], &lines[1]["image"]["height"]),
        (&200.into(), &100.into())
    );
}

#[test]
fn a_line_is_the_response_of_the_service_behind_its_path() {
    let folder = folder(&[("a.png", &png())]);
    let path = folder.path().join("a.png");
    let ended = run(&["detect", text(&path), "--confidence", "0.5", "--agnostic-nms"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.starts_with(r#"{"path":""#), "{}", ended.out);
    let line = &lines(&ended.out)[0];
    for key in ["id", "model", "image", "params", "detections", "timing_ms"] {
        assert!(line.get(key).is_some(), "{key}");
    }
    assert_eq!(line["params"]["confidence"], 0.5);
    assert_eq!(line["params"]["agnostic_nms"], true);
    assert_eq!(line["model"]["backend"], "tract");
    assert_eq!(line["image"]["sha256"], detections_media::hash_bytes(&png()).sha256.to_string());
}

#[test]
fn saved_pictures_keep_their_names_and_sizes() {
    let jpeg = picture(200, 100, StillEncoding::Jpeg { quality: 90 });
    let files = [("in/foo.png", png()), ("in/foo.jpg", jpeg.clone()), ("in/sub/foo.jpg", jpeg)];
    let folder = folder(&files.each_ref().map(|(name, bytes)| (*name, bytes.as_slice())));
    let (from, to) = (folder.path().join("in"), folder.path().join("in/out"));
    // The second run finds its own results in the folder that it searches.
    for _ in 0..2 {
        let ended = run(&["detect", text(&from), "--save", text(&to)]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert_eq!(ended.out.lines().count(), 3);
    }
    for (name, size) in
        [("foo.png", (64, 48)), ("foo.jpg", (200, 100)), ("sub/foo.jpg", (200, 100))]
    {
        let bytes = fs::read(to.join(name)).unwrap();
        assert_eq!(bytes.starts_with(b"\x89PNG"), name.ends_with("png"));
        let still = decode_still(&bytes, &StillOptions::default()).unwrap();
        assert_eq!((still.image.width(), still.image.height()), size, "{name}");
    }
    assert_eq!(fs::read_dir(&to).unwrap().count(), 3);
    refused(&["detect", text(&from), "--save", text(&from)], 64, &["overwrite"]);
    let file = from.join("foo.png");
    refused(&["detect", text(&from), "--save", text(&file)], 64, &["--save", "foo.png"]);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let folder = folder(&[("a.png", &png()), ("b.png", &png())]);
    for args in [&["detect", text(folder.path())][..], &["model", "inspect"]] {
        let mut child =
            command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = ended(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn inspecting_tells_all_that_is_known() {
    let sheet = run(&["model", "inspect"]);
    assert_eq!(sheet.code, Some(0), "{}", sheet.err);
    for word in
        ["sha256", "inputs", "outputs", "head", "because", "labels", "nothing: this model runs"]
    {
        assert!(sheet.out.contains(word), "{word} is missing in:\n{}", sheet.out);
    }
    let json = run(&["model", "inspect", "--json"]);
    let inspection: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(inspection["model"], "topview");
    assert_eq!(inspection["refused"], Value::Array(vec![]));
    assert!(inspection["labels"].as_array().is_some_and(|labels| labels.len() >= 5));
}

#[test]
fn inspecting_a_refused_model_tells_the_rest() {
    let folder = folder(&[("bad.onnx", b"not a model")]);
    let path = folder.path().join("bad.onnx");
    let sheet = run(&["model", "inspect", text(&path)]);
    assert_eq!(sheet.code, Some(65), "{}", sheet.err);
    let sha256 = detections_media::hash_bytes(b"not a model").sha256.to_string();
    for word in ["bad", "11 bytes", &sha256, "refused", "ONNX"] {
        assert!(sheet.out.contains(word), "{word} is missing in:\n{}", sheet.out);
    }
    refused(&["model", "inspect", "/none.onnx"], 65, &["/none.onnx"]);
}

#[test]
fn bench_times_every_stage() {
    let args = ["bench", "--runs", "4", "--threads", "2", "--json"];
    let ended = run(&args);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["threads"], 2);
    assert_eq!((&report["model"], &report["backend"]), (&"topview".into(), &"tract".into()));
    for stage in ["preprocess_ms", "infer_ms", "postprocess_ms", "total_ms"] {
        let at = |percentile| report[stage][percentile].as_f64().unwrap();
        assert!(at("median") <= at("p90") && at("p90") <= at("p99"), "{report}");
        assert!(at("p99") > 0.0, "{report}");
    }
    assert!(report["images_per_s"].as_f64().unwrap() > 0.0);
    let table = run(&["bench", "--runs", "1", "--threads", "1"]);
    assert!(table.out.contains("postprocess") && table.out.contains("images/s"), "{}", table.out);
}

#[test]
fn bench_measures_with_a_given_picture() {
    let folder = folder(&[("a.png", &png()), ("b.png", b"text")]);
    let (good, bad) = (folder.path().join("a.png"), folder.path().join("b.png"));
    let ended = run(&["bench", "--runs", "1", "--threads", "1", "--json", "--image", text(&good)]);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["image"], serde_json::json!([64, 48]));
    refused(&["bench", "--image", text(&bad)], 65, &["b.png: not a picture"]);
}

/// A detection of the reference result: class, score, box.
type Reference = (u64, f64, [f32; 4]);

const TRUCK: [Reference; 2] =
    [(7, 0.906, [98.8, 274.4, 1708.9, 850.9]), (2, 0.456, [106.1, 278.8, 1689.8, 847.8])];

fn rect(detection: &Value) -> Rect<Source> {
    let edge = |name: &str| serde_json::from_value::<f32>(detection["box"][name].clone()).unwrap();
    Rect::from_corners(edge("x1"), edge("y1"), edge("x2"), edge("y2"))
}

#[test]
fn the_truck_is_found_as_by_the_reference() {
    let (Some(picture), Some(model)) =
        (shared("media/truck.jpg"), shared("models/yolox_nano.onnx"))
    else {
        return;
    };
    let ended = run(&["detect", &picture, "--model", &model, "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let line = &lines(&ended.out)[0];
    let found = line["detections"].as_array().unwrap();
    assert_eq!(found.len(), TRUCK.len(), "{line}");
    for (found, (class, score, [x0, y0, x1, y1])) in found.iter().zip(TRUCK) {
        assert_eq!(found["class_id"], class, "{found}");
        assert!((found["confidence"].as_f64().unwrap() - score).abs() <= 0.02, "{found}");
        let iou = rect(found).iou(&Rect::from_corners(x0, y0, x1, y1));
        assert!(iou >= 0.95, "{found}: {iou}");
    }
}

#[test]
fn only_the_wanted_classes_are_reported_and_drawn() {
    let (Some(picture), Some(model)) =
        (shared("media/truck.jpg"), shared("models/yolox_nano.onnx"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let base = ["detect", &picture, "--model", &model];
    let with = |more: &[&str]| run(&[&base, more].concat());
    let ended = with(&["--only", "truck", "--save", text(folder.path())]);
    let classes: Vec<_> = lines(&ended.out)[0]["detections"].as_array().unwrap().clone();
    assert_eq!(classes.len(), 1, "{}", ended.out);
    assert_eq!(classes[0]["class"], "truck");
    assert!(folder.path().join("truck.jpg").is_file());
    assert_eq!(lines(&with(&["--only", "2,truck"]).out)[0]["detections"][1]["class"], "car");
    refused(&[&base[..], &["--only", "trick"]].concat(), 64, &["--only: no class trick", "truck"]);
}

#[test]
fn a_fixed_batch_is_not_silently_another() {
    let Some(model) = shared("models/yolox_nano.onnx") else { return };
    refused(&["bench", "--model", &model, "--batch", "4"], 64, &["--batch 4", "fixed"]);
}
