//! Layers, their precedence, and that every fault is told at once.

use std::{fs, path::PathBuf};

use detections_infer::DeviceName;

use super::{Config, ConfigFaults, InputSize, LogFormat, Overrides};

fn load(toml: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("detections.toml");
    fs::write(&file, toml).unwrap();
    let env = env.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let mut overrides = Overrides::default();
    for (key, value) in flags {
        overrides.set("--flag", key, value);
    }
    Config::load(Some(&file), env, &overrides)
}

fn problems(toml: &str, env: &[(&str, &str)]) -> Vec<String> {
    let faults = load(toml, env, &[]).unwrap_err().0;
    faults.into_iter().map(|fault| format!("{}: {}", fault.key, fault.problem)).collect()
}

#[test]
fn nothing_set_gives_the_documented_defaults() {
    let config = Config::load(None, [], &Overrides::default()).unwrap();
    assert_eq!(config.server.bind, "127.0.0.1:8080");
    assert_eq!(config.model.path, None);
    assert_eq!(config.classes.path, None);
    assert_eq!((config.log.filter.as_str(), config.log.format), ("info", LogFormat::Text));
    assert_eq!(config.detect.max_detections, 300);
    assert!((config.detect.iou - 0.45).abs() < 1e-6);
    assert!((config.detect.confidence.get() - 0.25).abs() < 1e-6);
}

#[test]
fn each_layer_covers_the_one_below() {
    let toml = "[server]\nbind = \"1.1.1.1:1\"\n";
    let section = ("DETECTIONS__SERVER__BIND", "2.2.2.2:2");
    let plain = ("BIND", "3.3.3.3:3");
    let bind = |env: &[_], flags: &[_]| load(toml, env, flags).unwrap().server.bind;
    assert_eq!(bind(&[], &[]), "1.1.1.1:1");
    assert_eq!(bind(&[section], &[]), "2.2.2.2:2");
    assert_eq!(bind(&[section, plain], &[]), "3.3.3.3:3");
    assert_eq!(bind(&[section, plain], &[("server.bind", "4.4.4.4:4")]), "4.4.4.4:4");
}

#[test]
fn an_empty_variable_is_as_good_as_unset() {
    let config = load("", &[("MODEL", ""), ("DETECTIONS__SERVER__WORKERS", "")], &[]).unwrap();
    assert_eq!(config.model.path, None);
}

#[test]
fn numbers_and_words_are_read_from_toml_and_text() {
    let toml = "[infer]\nthreads = 3\n[model]\ninput_size = \"320x256\"\n[log]\nformat = \"json\"";
    let config = load(toml, &[("DETECTIONS__DETECT__IOU", "0.6")], &[]).unwrap();
    assert_eq!(config.infer.threads.get(), 3);
    assert_eq!(config.model.input_size, Some(InputSize { width: 320, height: 256 }));
    assert_eq!(config.log.format, LogFormat::Json);
    assert!((config.detect.iou - 0.6).abs() < 1e-6);
}

#[test]
fn all_faults_are_told_at_once_with_their_origin() {
    let toml = "[server]\nbind = \"nowhere\"\nporrt = 1\n[detect]\niou = 1.5\nconfidence = [1]\n";
    let env = [("DETECTIONS__INFER__THREADS", "many"), ("LOG", "a=b=c"), ("DETECTIONS__X", "1")];
    let text = load(toml, &env, &[]).unwrap_err().to_string();
    for part in [
        "server.bind (from ",
        "server.porrt",
        "detect.iou",
        "must be a number within 0..=1, but it is `1.5`",
        "detect.confidence",
        "must be a single value",
        "infer.threads (from the environment): must be a number within 1..=1024, but it is `many`",
        "log.filter (from LOG)",
        "\n  x (from the environment): unknown key",
    ] {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
    assert_eq!(text.lines().count(), 8, "{text}");
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_other_faults() {
    let found = problems("[server\n", &[("BIND", "x")]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("detections.toml"), "{found:?}");
    assert!(found[1].starts_with("server.bind"), "{found:?}");
    let missing = Config::load(Some("/nowhere.toml".as_ref()), [], &Overrides::default());
    assert!(missing.unwrap_err().to_string().contains("/nowhere.toml"));
}

#[test]
fn model_is_a_path_or_a_name_and_names_need_a_loader() {
    for path in ["yolo.onnx", "models/yolo", "Cargo.toml"] {
        let config = load("", &[("MODEL", path)], &[]).unwrap();
        assert_eq!(config.model.path, Some(PathBuf::from(path)));
    }
    let found = problems("", &[("MODEL", "yolo")]);
    assert!(found[0].starts_with("model.name: needs loader.url"), "{found:?}");
    let config = load("", &[("MODEL", "yolo"), ("LOADER_URL", "http://loader")], &[]).unwrap();
    assert_eq!((config.model.path, config.model.name.as_deref()), (None, Some("yolo")));
}

#[test]
fn a_loader_that_nothing_would_use_is_a_fault() {
    let url = ("LOADER_URL", "http://loader");
    let found = problems("", &[url]);
    assert!(found.len() == 1 && found[0].starts_with("loader.url: is set, but"), "{found:?}");
    assert!(load("", &[url], &[("model.path", "a.onnx")]).is_ok(), "one that is just not needed");
    assert!(load("[classes]\nname = \"c\"", &[url], &[]).is_ok());
    let same = problems("[classes]\nname = \"a\"", &[url, ("DETECTIONS__MODEL__NAME", "a")]);
    assert!(same[0].starts_with("classes.name: is the same"), "{same:?}");
}

#[test]
fn a_token_is_never_repeated() {
    let toml = "[loader]\nurl = \"http://loader\"\ntoken = \"two words\"\n[model]\nname = \"a\"";
    let text = load(toml, &[], &[]).unwrap_err().to_string();
    assert!(text.contains("loader.token") && !text.contains("words"), "{text}");
    let config = load(&toml.replace(' ', "-").replace("-=-", "="), &[], &[]).unwrap();
    assert!(!format!("{config:?}").contains("words"));
}

#[test]
fn addresses_of_the_loader_are_checked() {
    for bad in ["loader:8080", "http://u:secret@loader", "ftp://loader"] {
        let found = problems("", &[("LOADER_URL", bad), ("MODEL", "yolo")]);
        assert!(found[0].starts_with("loader.url: "), "{found:?}");
        assert!(!found[0].contains("secret"), "{found:?}");
    }
}

#[test]
fn a_model_chosen_higher_up_undoes_the_choice_below() {
    let config = load("[model]\nname = \"a\"", &[], &[("model.path", "b.onnx")]).unwrap();
    assert_eq!(config.model.path, Some(PathBuf::from("b.onnx")));
    assert_eq!(config.model.name, None);
    let url = [("LOADER_URL", "http://l"), ("DETECTIONS__CLASSES__NAME", "c")];
    let config = load("[classes]\npath = \"c.json\"", &url, &[]).unwrap();
    assert_eq!((config.classes.path, config.classes.name.as_deref()), (None, Some("c")));
}

#[test]
fn what_this_build_lacks_is_refused_and_what_it_has_is_taken() {
    for (name, value, key, built_in) in [
        ("DETECTIONS__INFER__BACKEND", "tract", "infer.backend", true),
        ("DETECTIONS__INFER__BACKEND", "candle", "infer.backend", cfg!(feature = "candle")),
        ("DETECTIONS__INFER__BACKEND", "onnx", "infer.backend", false),
        ("DETECTIONS__INFER__DEVICE", "cpu", "infer.device", true),
        ("DETECTIONS__INFER__DEVICE", "gpu", "infer.device", false),
    ] {
        if built_in {
            assert!(load("", &[(name, value)], &[]).is_ok(), "{name}={value}");
            continue;
        }
        let found = problems("", &[(name, value)]);
        assert!(found.len() == 1 && found[0].starts_with(key), "{found:?}");
        assert!(found[0].contains(&format!("`{value}`")), "{found:?}");
    }
}

#[test]
fn a_graphics_processor_is_for_candle_and_for_builds_that_have_cuda() {
    let both = [("DETECTIONS__INFER__BACKEND", "candle"), ("DETECTIONS__INFER__DEVICE", "cuda:1")];
    if cfg!(feature = "cuda") {
        let infer = load("", &both, &[]).unwrap().infer;
        assert_eq!(infer.device, DeviceName::Cuda(1));
        let found = problems("", &both[1..]);
        assert!(found[0].contains("tract runs on the cpu alone"), "{found:?}");
    } else {
        let found = problems("", &both[1..]);
        assert!(found.len() == 1 && found[0].starts_with("infer.device"), "{found:?}");
        assert!(found[0].contains("CUDA is not in this build"), "{found:?}");
    }
}

#[test]
fn a_body_that_could_never_be_admitted_is_a_fault() {
    let found = problems("[server]\nmax_body_bytes = 100\nmax_in_flight_bytes = 99", &[]);
    assert!(found[0].starts_with("server.max_in_flight_bytes: 99 is less"), "{found:?}");
}

#[test]
fn addresses_are_checked_for_host_and_port() {
    for bad in ["8080", ":8080", "host:", "host:99999", "::1:80"] {
        assert!(problems("", &[("BIND", bad)])[0].starts_with("server.bind"), "{bad}");
    }
    for good in ["localhost:0", "0.0.0.0:8080", "[::1]:80"] {
        assert!(load("", &[("BIND", good)], &[]).is_ok(), "{good}");
    }
}
