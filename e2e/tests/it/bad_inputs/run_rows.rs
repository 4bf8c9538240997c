//! Wrong runs of the command line: bad model files, bad classes, bad configuration, bad paths.

use super::{
    Exit, Row,
    given::{
        Content::{self, Bytes, Fixture, Start, Text, Zeros},
        Run,
    },
};

type RunRow = Row<Run, Exit>;

const USAGE: i32 = 64;
const BAD_INPUT: i32 = 65;

/// Nothing but arguments.
const fn line(
    name: &'static str,
    arguments: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
) -> RunRow {
    Row { name, given: Run { arguments, variables: &[], files: &[] }, expected: Exit(code, says) }
}

/// A service that is started with a wrong environment.
const fn environment(
    name: &'static str,
    variables: &'static [(&'static str, &'static str)],
    code: i32,
    says: &'static [&'static str],
) -> RunRow {
    let given = Run { arguments: &["serve"], variables, files: &[] };
    Row { name, given, expected: Exit(code, says) }
}

/// A service that is started with a wrong class file.
const fn classes(
    name: &'static str,
    files: &'static [(&'static str, Content)],
    says: &'static [&'static str],
) -> RunRow {
    let variables = &[("BIND", "127.0.0.1:0"), ("CLASSES", "classes.json")];
    let given = Run { arguments: &["serve"], variables, files };
    Row { name, given, expected: Exit(USAGE, says) }
}

/// A service that is started with a wrong configuration file.
const fn configured(
    name: &'static str,
    files: &'static [(&'static str, Content)],
    says: &'static [&'static str],
) -> RunRow {
    let given = Run { arguments: &["serve", "--config", "a.toml"], variables: &[], files };
    Row { name, given, expected: Exit(USAGE, says) }
}

/// A model file in the folder of the run.
const fn model(
    name: &'static str,
    files: &'static [(&'static str, Content)],
    says: &'static [&'static str],
) -> RunRow {
    let variables = &[("BIND", "127.0.0.1:0"), ("MODEL", "m.onnx")];
    let given = Run { arguments: &["serve"], variables, files };
    Row { name, given, expected: Exit(BAD_INPUT, says) }
}

/// The table.
pub(super) const ROWS: &[RunRow] = &[
    // Model files.
    model("a model that is not there", &[], &["no model file", "m.onnx"]),
    model("an empty model file", &[("m.onnx", Bytes(b""))], &["empty", "m.onnx"]),
    model("a model of zeros", &[("m.onnx", Zeros(4096))], &["m.onnx"]),
    model("a picture as a model", &[("m.onnx", Fixture("media/town.jpg"))], &["not an ONNX file"]),
    model("garbage as a model", &[("m.onnx", Fixture("onnx/garbage.onnx"))], &["not an ONNX file"]),
    model("half a model", &[("m.onnx", Start("model/topview.onnx", 50))], &["not an ONNX file"]),
    model("a truncated model", &[("m.onnx", Fixture("onnx/truncated.onnx"))], &["m.onnx"]),
    model(
        "a model that detects nothing",
        &[("m.onnx", Fixture("onnx/not_a_detector.onnx"))],
        &["m.onnx"],
    ),
    model(
        "a model with an unknown input",
        &[("m.onnx", Fixture("onnx/two_inputs.onnx"))],
        &["input gain", "is not known"],
    ),
    model(
        "a model with an unknown operator",
        &[("m.onnx", Fixture("onnx/unsupported_op.onnx"))],
        &["not supported"],
    ),
    line("a folder as a model", &["model", "inspect", "."], BAD_INPUT, &["not a file"]),
    line(
        "inspecting garbage",
        &["model", "inspect", "fixtures/onnx/garbage.onnx"],
        BAD_INPUT,
        &["not an ONNX file"],
    ),
    environment(
        "a head that is not known",
        &[("BIND", "127.0.0.1:0"), ("DETECTIONS__MODEL__HEAD", "hydra")],
        USAGE,
        &["model.head", "hydra"],
    ),
    // Classes.
    classes("classes that are not there", &[], &["classes.json"]),
    classes(
        "classes that are not JSON",
        &[("classes.json", Text("car, truck"))],
        &["classes.json", "not JSON"],
    ),
    classes("classes that are a number", &[("classes.json", Text("7"))], &["classes.json"]),
    classes("too few names", &[("classes.json", Text("[\"car\"]"))], &["classes.json"]),
    classes("a class without a name", &[("classes.json", Text("[{\"id\": 1}]"))], &["has no name"]),
    classes(
        "a class with an unknown key",
        &[("classes.json", Text("[{\"name\": \"car\", \"colour\": \"red\"}]"))],
        &["colour"],
    ),
    classes(
        "a label that the model has not",
        &[("classes.json", Text("[{\"name\": \"a\", \"label\": \"unicorn\"}]"))],
        &["unicorn"],
    ),
    classes(
        "two classes with one id",
        &[(
            "classes.json",
            Text("[{\"id\": 1, \"name\": \"car\"}, {\"id\": 1, \"name\": \"truck\"}]"),
        )],
        &["id 1"],
    ),
    classes(
        "a colour that is none",
        &[("classes.json", Text("[{\"name\": \"car\", \"color\": \"reddish\"}]"))],
        &["color"],
    ),
    classes(
        "a confidence above 1",
        &[("classes.json", Text("[{\"name\": \"car\", \"min_confidence\": 2}]"))],
        &["min_confidence"],
    ),
    classes(
        "two faults at once",
        &[("classes.json", Text("[{\"name\": \"\"}, {\"name\": \"car\", \"color\": \"x\"}]"))],
        &["name", "color"],
    ),
    classes("classes of 2 MB", &[("classes.json", Zeros(2 << 20))], &["more than"]),
    // Configuration.
    configured("a configuration that is not there", &[], &["a.toml"]),
    configured("a configuration that is not TOML", &[("a.toml", Text("[server"))], &["a.toml"]),
    configured(
        "an unknown key",
        &[("a.toml", Text("[server]\nport = 80"))],
        &["server.port", "unknown key"],
    ),
    configured(
        "an unknown section",
        &[("a.toml", Text("[sever]\nbind = 'x'"))],
        &["sever.bind", "unknown key"],
    ),
    configured(
        "four faults at once",
        &[(
            "a.toml",
            Text("[server]\nbind = 'here'\nworkers = 0\n[detect]\niou = 3\n[log]\nformat = 'xml'"),
        )],
        &["server.bind", "server.workers", "detect.iou", "log.format"],
    ),
    configured(
        "a list for a value",
        &[("a.toml", Text("[server]\nbind = ['a', 'b']"))],
        &["server.bind", "single value"],
    ),
    configured(
        "a body that the gate never admits",
        &[("a.toml", Text("[server]\nmax_in_flight_bytes = 10"))],
        &["server.max_in_flight_bytes", "never be admitted"],
    ),
    environment(
        "an address without a port",
        &[("BIND", "localhost")],
        USAGE,
        &["server.bind", "BIND"],
    ),
    environment("a port that is none", &[("BIND", "127.0.0.1:70000")], USAGE, &["server.bind"]),
    environment("no threads", &[("DETECTIONS__INFER__THREADS", "0")], USAGE, &["infer.threads"]),
    environment(
        "a Loader, which this build has not",
        &[("LOADER_URL", "http://127.0.0.1:1")],
        USAGE,
        &["loader.url", "LOADER_URL"],
    ),
    environment(
        "a model by its name without a Loader",
        &[("MODEL", "topview")],
        USAGE,
        &["model.name", "loader.url"],
    ),
    environment("a filter that filters nothing", &[("LOG", "===")], USAGE, &["log.filter"]),
    environment(
        "a misspelled variable",
        &[("DETECTIONS__SERVER__BINDD", "x")],
        USAGE,
        &["server.bindd", "unknown key"],
    ),
    environment("an address of somebody else", &[("BIND", "192.0.2.1:80")], 1, &["192.0.2.1:80"]),
    line(
        "a backend that there is not",
        &["serve", "--backend", "onnxruntime"],
        USAGE,
        &["infer.backend", "onnxruntime"],
    ),
    line(
        "a device that is none",
        &["serve", "--device", "gpu"],
        USAGE,
        &["infer.device", "gpu", "cuda:0"],
    ),
    // Arguments and paths.
    line("an unknown flag", &["detect", "--fast", "a.jpg"], USAGE, &["--fast"]),
    line("an unknown command", &["detekt"], USAGE, &["detekt"]),
    line("nothing to detect in", &["detect"], USAGE, &["<PATH>"]),
    line(
        "a confidence that is none",
        &["detect", "--confidence", "1.5", "fixtures/media/town.jpg"],
        USAGE,
        &["confidence"],
    ),
    line(
        "a class that is not there",
        &["detect", "--only", "unicorn", "fixtures/media/town.jpg"],
        USAGE,
        &["unicorn"],
    ),
    line("a picture that is not there", &["detect", "nowhere.jpg"], BAD_INPUT, &["nowhere.jpg"]),
    line(
        "a model as a picture",
        &["detect", "fixtures/model/topview.onnx"],
        BAD_INPUT,
        &["topview.onnx"],
    ),
    line("a folder without pictures", &["detect", "."], BAD_INPUT, &["no picture"]),
    Row {
        name: "a folder for logs that is a file",
        given: Run {
            arguments: &["serve"],
            variables: &[("BIND", "127.0.0.1:0"), ("DETECTIONS__LOG__DIR", "file")],
            files: &[("file", Text("in the way"))],
        },
        expected: Exit(USAGE, &["log.dir", "file"]),
    },
];
