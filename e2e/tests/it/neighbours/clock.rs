//! Clocks that jump: the real program under a wall clock that the test sets, by a library that is put before the
//! system's. Tokens count by that clock; what waits for delivery does not.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    http::Reply, mock::Mock, picture::fixture, program, server::Server, shared::skipped,
};

use super::{health, left_by, results_of, settings, text};

/// The seconds of a year.
const YEAR: i64 = 365 * 24 * 3600;

/// A wall clock that is as many seconds off as a file says.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    const char *path = getenv("CLOCK_OFFSET");
    if (failed || clock != CLOCK_REALTIME || !path) return (int)failed;
    char text[32] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
        close(file);
    }
    return 0;
}
"#;

/// The library and the file that sets it.
struct WallClock {
    folder: tempfile::TempDir,
}

impl WallClock {
    /// `None` where no compiler makes the library.
    fn make() -> Result<Option<Self>> {
        let clock = Self { folder: tempfile::tempdir()? };
        fs::write(clock.path("clock.c"), CLOCK)?;
        clock.set(0)?;
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([clock.path("clock.so"), clock.path("clock.c")])
            .output();
        match built {
            Ok(built) => {
                ensure!(built.status.success(), "{built:?}");
                Ok(Some(clock))
            }
            Err(_missing) => Ok(None),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets the clock so many seconds off; whole at every moment.
    fn set(&self, seconds: i64) -> Result<()> {
        fs::write(self.path("new"), seconds.to_string())?;
        Ok(fs::rename(self.path("new"), self.path("offset"))?)
    }
}

/// The list of one token that ends with the year 2035, in a file, and the token.
fn token_until_2036(folder: &Path) -> Result<(PathBuf, String)> {
    let made = program::run(["token", "new", "--name", "ada", "--scope", "detect"], &[])?;
    let told = String::from_utf8(made.stderr)?;
    let token = told.split_whitespace().last().context("no token")?.to_owned();
    let entry = String::from_utf8(made.stdout)?;
    let file = folder.join("tokens.toml");
    fs::write(&file, format!("{}\nexpires = \"2036-01-01T00:00:00Z\"\n", entry.trim_end()))?;
    Ok((file, token))
}

/// Sends a picture as the token's holder, with parameters of its own.
fn detect(server: &Server, token: &str, id: &str, confidence: &str) -> Result<Reply> {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("x-request-id", id)];
    let target = format!("/detect?confidence={confidence}");
    server.client().post(&target, &headers, fixture("media/harbour.png")?)
}

#[test]
fn a_clock_that_jumps_ends_tokens_and_drops_nothing_that_waits() -> Result<()> {
    let Some(clock) = WallClock::make()? else {
        skipped("no C compiler to make a clock with");
        return Ok(());
    };
    let data = tempfile::tempdir()?;
    let (file, token) = token_until_2036(data.path())?;
    let mock = Mock::annotations(&[])?;
    let url = mock.url();
    let address = left_by(mock)?;
    let (library, offset) = (clock.path("clock.so"), clock.path("offset"));
    let server = Server::start(&settings(
        data.path(),
        &[
            ("ANNOTATIONS_URL", &url),
            ("DETECTIONS__ANNOTATIONS__MAX_AGE_MS", "600000"),
            ("DETECTIONS__ACCESS__TOKENS_FILE", text(&file)?),
            ("LD_PRELOAD", text(&library)?),
            ("CLOCK_OFFSET", text(&offset)?),
        ],
    )?)?;
    assert_eq!(detect(&server, &token, "now", "0.25")?.status, 200);
    clock.set(20 * YEAR)?;
    let expired = detect(&server, &token, "late", "0.26")?;
    assert_eq!(expired.status, 401);
    assert!(expired.text().contains("expired"), "{}", expired.text());
    clock.set(-30 * YEAR)?;
    assert_eq!(detect(&server, &token, "early", "0.27")?.status, 200);
    let waiting = health(&server, "two results", |health| health["outbox"]["pending"] == 2)?;
    let waited = waiting["outbox"]["oldest_s"].as_f64().context("no age")?;
    assert!((0.0..600.0).contains(&waited), "an age by the wall clock: {waited} s");
    let mock = Mock::annotations_at(address)?;
    results_of(&mock, &["now".to_owned(), "early".to_owned()])?;
    let end = health(&server, "an empty outbox", |health| health["outbox"]["pending"] == 0)?;
    assert_eq!(end["outbox"]["dead"], 0);
    assert!(!server.log().contains("panicked"), "{}", server.log());
    Ok(())
}
