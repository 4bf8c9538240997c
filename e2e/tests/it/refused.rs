//! A table of model files that must not run, each with the words that must be said of it: what was seen and what to
//! set or do. Looking into one, searching a picture with it and starting the service with it end soon, in bounded
//! memory, with no panic, and say the same.

mod made;
mod rows;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    image,
    picture::{fixture, fixture_path},
    program,
};

use self::rows::{ROWS, Row, Source};

/// How long a run may take: most of it is an unoptimised build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much memory a run may hold. The program alone holds a third of it.
const MOST_BYTES: u64 = 300 << 20;

/// How much a run may say, whatever the file holds.
const MOST_WORDS: usize = 32_000;

/// Fewer rows than this and somebody emptied the table.
const AT_LEAST: usize = 60;

/// The file that all others differ from.
const SOUND: &str = "sound";

const DONE: i32 = 0;
const USAGE: i32 = 64;
const BAD_INPUT: i32 = 65;

#[test]
fn every_bad_model_is_refused_with_what_was_seen_and_what_to_do() -> Result<()> {
    assert!(ROWS.len() >= AT_LEAST, "only {} rows", ROWS.len());
    let folder = tempfile::tempdir()?;
    let next = AtomicUsize::new(0);
    let told = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some(row) = ROWS.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = check(row, folder.path()).map_err(|error| format!("{error:#}"));
            told.lock().unwrap_or_else(PoisonError::into_inner).insert(row.name, outcome);
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    print(&told);
    let wrong = told.iter().filter_map(|(name, outcome)| Some((name, outcome.as_ref().err()?)));
    let wrong: Vec<String> = wrong.map(|(name, error)| format!("{name}: {error}")).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn the_model_that_the_bad_ones_differ_from_is_taken() -> Result<()> {
    let path = fixture_path(&format!("refused/{SOUND}.onnx"));
    let inspected = run(&["model", "inspect", path.to_str().context("no text")?], None)?;
    assert_eq!(inspected.code, Some(DONE), "{}", inspected.words);
    assert!(inspected.words.contains("nothing: this model runs"), "{}", inspected.words);
    let detected = run(&["detect", &picture()?], Some(&path))?;
    assert_eq!(detected.code, Some(DONE), "{}", detected.words);
    Ok(())
}

#[test]
fn the_folder_its_page_and_the_table_name_the_same_files() -> Result<()> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(fixture_path("refused"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "onnx") {
            files.insert(path.file_stem().context("no name")?.to_string_lossy().into_owned());
        }
    }
    let page = String::from_utf8(fixture("refused/README.md")?)?;
    let on_the_page = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let on_the_page: BTreeSet<String> = on_the_page.map(str::to_owned).collect();
    assert_eq!(on_the_page, files);
    let in_the_table = ROWS.iter().filter(|row| matches!(row.source, Source::File));
    let mut in_the_table: BTreeSet<String> = in_the_table.map(|row| row.name.to_owned()).collect();
    in_the_table.insert(SOUND.to_owned());
    assert_eq!(in_the_table, files);
    Ok(())
}

/// What a run came to.
struct Run {
    code: Option<i32>,
    words: String,
}

/// Looks into the file, searches a picture with it, and starts the service with it; gives what was said first.
fn check(row: &Row, folder: &Path) -> Result<String> {
    let path = match row.source {
        Source::File => fixture_path(&format!("refused/{}.onnx", row.name)),
        Source::Made(make) => {
            let path = folder.join(format!("{}.onnx", row.name));
            make(&path).context("making the file")?;
            path
        }
    };
    let outcome = check_file(row, &path);
    if matches!(row.source, Source::Made(_)) {
        fs::remove_file(&path)?;
    }
    outcome
}

fn check_file(row: &Row, path: &Path) -> Result<String> {
    let text = path.to_str().context("a path that is no text")?;
    let inspected = run(&["model", "inspect", text], None)?;
    let of_inspection = if row.code == DONE { DONE } else { BAD_INPUT };
    require(&inspected, of_inspection, row).context("inspecting")?;
    let detected = run(&["detect", &picture()?], Some(path))?;
    require(&detected, row.code, row).context("detecting")?;
    if row.code != DONE {
        require(&run(&["serve"], Some(path))?, row.code, row).context("serving")?;
    }
    let line = inspected.words.lines().rev().find(|line| line.contains(row.says[0]));
    Ok(line.unwrap_or_default().chars().take(300).collect())
}

fn require(run: &Run, code: i32, row: &Row) -> Result<()> {
    let Run { code: ended, words } = run;
    let shown: String = words.chars().take(2_000).collect();
    ensure!(*ended == Some(code), "exit {ended:?}, not {code}: {shown}");
    // The table of a search that is done tells of the picture alone.
    let missing = row.says.iter().find(|part| code != DONE && !words.contains(**part));
    ensure!(missing.is_none(), "`{}` is not said: {shown}", missing.unwrap_or(&""));
    ensure!(!words.contains("panic"), "{shown}");
    ensure!(words.len() < MOST_WORDS, "{} bytes were said", words.len());
    Ok(())
}

fn picture() -> Result<String> {
    let path: PathBuf = fixture_path("media/town.jpg");
    Ok(path.to_str().context("a path that is no text")?.to_owned())
}

/// Runs the program, which must end in time and hold little.
fn run(arguments: &[&str], model: Option<&Path>) -> Result<Run> {
    let mut command = program::command(arguments)?;
    command.env("DETECTIONS__INFER__THREADS", "1").env("BIND", "127.0.0.1:0");
    if let Some(model) = model {
        command.env("MODEL", model);
    }
    let watched = command.watched(PATIENCE)?;
    let peak = watched.peak_bytes.or(image::under_test().map(|_| 0)).context("no memory seen")?;
    ensure!(peak <= MOST_BYTES, "{} MiB were held", peak >> 20);
    let output = watched.output;
    let words = [output.stdout, output.stderr].concat();
    Ok(Run { code: output.status.code(), words: String::from_utf8_lossy(&words).into_owned() })
}

#[expect(clippy::print_stdout, reason = "the table is for whoever runs the test with --nocapture")]
fn print(told: &BTreeMap<&'static str, Result<String, String>>) {
    for (name, outcome) in told {
        let (mark, words) = match outcome {
            Ok(words) => ("", words),
            Err(error) => ("WRONG ", error),
        };
        println!("{name:<28} | {mark}{}", words.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}
