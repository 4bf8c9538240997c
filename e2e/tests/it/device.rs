//! A device that is asked for and not there: the program says within two seconds what is missing, ends with an
//! exit code of its own, and works on nothing else in its place. What can be asked of a build depends on what is
//! compiled into it; each test says which it met.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    image,
    picture::fixture_path,
    program::{self, PROGRAM_VARIABLE},
    shared::{note, skipped},
};
use tempfile::TempDir;

/// How long a refusal may take.
const AT_ONCE: Duration = Duration::from_secs(2);
const USAGE: i32 = 64;
const NO_DEVICE: i32 = 69;
/// A model that is not there: who complains of it has not looked at the device first.
const NO_MODEL: (&str, &str) = ("MODEL", "/nowhere/at/all.onnx");

/// What is compiled into the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    Tract,
    Candle,
    Cuda,
}

fn build() -> Result<Build> {
    let output = refused_or_not(&["--version"], &library_path(None))?.0;
    let told = String::from_utf8(output.stdout)?;
    let line = told.lines().find(|line| line.starts_with("backends: "));
    let line = line.with_context(|| format!("no backends in {told}"))?;
    Ok(match (line.contains("candle"), line.contains("cuda")) {
        (_, true) => Build::Cuda,
        (true, false) => Build::Candle,
        (false, false) => Build::Tract,
    })
}

/// Where libraries are looked for: `first`, then where the machine's variable says, or the image's own.
fn library_path(first: Option<&Path>) -> Vec<(String, String)> {
    let theirs = match image::under_test() {
        Some(image) => image::inspect(&image).ok().and_then(|told| {
            let variables = told["Config"]["Env"].as_array()?.clone();
            let mut texts = variables.iter().filter_map(serde_json::Value::as_str);
            texts.find_map(|text| Some(text.strip_prefix("LD_LIBRARY_PATH=")?.to_owned()))
        }),
        None => env::var("LD_LIBRARY_PATH").ok(),
    };
    let first = first.map(|path| path.display().to_string());
    let both: Vec<String> = first.iter().cloned().chain(theirs).collect();
    let mut variables = vec![("LD_LIBRARY_PATH".to_owned(), both.join(":"))];
    // A container sees the folders that variables name alone.
    variables.extend(first.map(|path| ("STAND_IN".to_owned(), path)));
    variables
}

/// Runs the program to its end; how it ended, and how long it took.
fn refused_or_not(
    arguments: &[&str],
    variables: &[(String, String)],
) -> Result<(Output, Duration)> {
    let mut command = program::command(arguments)?;
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command.envs([NO_MODEL, ("BIND", "127.0.0.1:0")]);
    let started = Instant::now();
    let output = command.output()?;
    Ok((output, started.elapsed()))
}

/// Asks for a device and checks that it is refused in time, with this code and these words, before any model is
/// looked for.
fn assert_refused(
    arguments: &[&str],
    variables: &[(String, String)],
    (code, words): (i32, &[&str]),
) -> Result<()> {
    let (output, took) = refused_or_not(arguments, variables)?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(code), "{arguments:?}: {:?}\n{told}", output.status);
    let last = told.lines().last().unwrap_or_default();
    ensure!(last.starts_with("error: "), "{told}");
    for word in words {
        ensure!(told.contains(word), "{arguments:?}: no `{word}` in\n{told}");
    }
    ensure!(!told.contains("nowhere") && !told.contains("panick"), "{told}");
    // Starting a container is none of the program's time.
    ensure!(image::under_test().is_some() || took < AT_ONCE, "{arguments:?} took {took:?}");
    note(&format!("{}: exit {code} after {took:.1?}: {last}", arguments.join(" ")));
    Ok(())
}

const CUDA: [&str; 5] = ["serve", "--backend", "candle", "--device", "cuda:0"];

#[test]
fn a_build_without_the_backend_or_its_device_says_so() -> Result<()> {
    let here = library_path(None);
    match build()? {
        Build::Tract => {
            note("tested: a build without candle");
            let words =
                ["infer.backend", "feature `candle`", "infer.device", "CUDA is not in this build"];
            assert_refused(&CUDA, &here, (USAGE, &words))?;
            assert_refused(&["serve", "--backend", "candle"], &here, (USAGE, &words[..2]))
        }
        Build::Candle => {
            note("tested: a build with candle and without CUDA");
            let words = ["infer.device", "CUDA is not in this build", "feature `cuda`"];
            assert_refused(&CUDA, &here, (USAGE, &words))
        }
        Build::Cuda => {
            note("tested: a build with CUDA, whose other backend runs on the processor alone");
            let wrong = ["serve", "--backend", "tract", "--device", "cuda:0"];
            assert_refused(&wrong, &here, (USAGE, &["infer.device", "tract runs on the cpu alone"]))
        }
    }
}

/// Whether there is a build with CUDA to test; a line says where there is none.
fn has_cuda() -> Result<bool> {
    let has = build()? == Build::Cuda;
    if !has {
        skipped(&format!(
            "the program is built without CUDA; {PROGRAM_VARIABLE} may name one with it"
        ));
    }
    Ok(has)
}

/// A library in the place of the driver, made with these macros; `None`, and a line, without a compiler.
fn stand_in(macros: &[&str]) -> Result<Option<TempDir>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cuda/driver.c");
    let folder = tempfile::tempdir()?;
    let library: PathBuf = folder.path().join("libcuda.so.1");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(library).arg(source);
    match compiler.args(macros.iter().map(|text| format!("-D{text}"))).output() {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "{told}");
            Ok(Some(folder))
        }
        Err(error) => {
            skipped(&format!("no C compiler makes a stand-in for the driver ({error})"));
            Ok(None)
        }
    }
}

#[test]
fn a_cuda_build_says_that_there_is_no_driver_and_needs_none_for_all_else() -> Result<()> {
    if !has_cuda()? {
        return Ok(());
    }
    if Path::new("/proc/driver/nvidia/version").exists() {
        skipped("this machine has NVIDIA's driver");
        return Ok(());
    }
    let here = library_path(None);
    let words = ["the device cuda:0 cannot be used", "no NVIDIA driver", "libcuda.so.1"];
    assert_refused(&CUDA, &here, (NO_DEVICE, &words))?;
    assert_refused(
        &["bench", "--backend", "candle", "--device", "cuda:0"],
        &here,
        (NO_DEVICE, &words),
    )?;
    let model = fixture_path("model/topview.onnx").display().to_string();
    let (output, _) = refused_or_not(
        &["model", "inspect", "--backend", "tract", "--device", "cpu", &model],
        &here,
    )?;
    assert!(output.status.success(), "{output:?}");
    Ok(())
}

#[test]
fn a_cuda_build_says_what_the_driver_says() -> Result<()> {
    if !has_cuda()? {
        return Ok(());
    }
    let third = ["serve", "--backend", "candle", "--device", "cuda:3"];
    let none: &[&str] = &["the NVIDIA driver says that there is no device"];
    let cases: [(&[&str], &[&str], &[&str]); 5] = [
        (&["INIT=100"], &CUDA, none),
        (&["DEVICES=0"], &CUDA, none),
        (&["INIT=803"], &CUDA, &["cuInit", "803", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"]),
        (&["DEVICES=2"], &third, &["there is no device cuda:3: the driver knows 2"]),
        // It answers questions and opens nothing, as a device that is broken or exclusively somebody else's.
        (&["DEVICES=1"], &CUDA, &["the device cuda:0 cannot be used", "does not give it"]),
    ];
    for (macros, arguments, words) in cases {
        let Some(folder) = stand_in(macros)? else { return Ok(()) };
        note(&format!("tested: a build with CUDA and a stand-in for the driver with {macros:?}"));
        assert_refused(arguments, &library_path(Some(folder.path())), (NO_DEVICE, words))?;
    }
    Ok(())
}
