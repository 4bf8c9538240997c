//! Memory stays as it is, however often a session runs.

use std::{env, fs, process::Command};

use detections_infer::Model;
use detections_infer_candle::{CandleDevice, CandleModel};

use crate::cases::case;

/// Runs before the first look at the memory: allocators and thread pools have settled by then.
const BEFORE: usize = 1000;
/// Runs between the two looks.
const BETWEEN: usize = 10_000;
/// What may come and go in the process besides, in KiB.
const ALLOWED: i64 = 1024;

/// Other tests run in this process, so the runs get one of their own: this binary with one test.
#[test]
fn memory_is_flat_over_ten_thousand_runs() {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "memory::ten_thousand_runs", "--ignored", "--nocapture"]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let grown = text.lines().find_map(|line| line.strip_prefix("grown by ")).unwrap();
    let grown: i64 = grown.trim_end_matches(" KiB").parse().unwrap();
    assert!(grown <= ALLOWED, "{BETWEEN} runs made the process {grown} KiB larger");
}

#[test]
#[ignore = "measures its process, so it needs one of its own"]
fn ten_thousand_runs() {
    let case = case("batch1.onnx");
    let model = CandleModel::load(&case.file, case.input, &CandleDevice::cpu()).unwrap();
    let mut session = model.session().unwrap();
    session.input().copy_from_slice(&case.pixels);
    for _ in 0..BEFORE {
        session.run(1).unwrap();
    }
    let before = resident();
    for _ in 0..BETWEEN {
        session.run(1).unwrap();
    }
    println!("\ngrown by {} KiB", resident() - before);
}

/// The process' resident memory in KiB.
fn resident() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
