//! The outbox's file: where it lies, what is in it, and who may open it. A file that cannot be trusted is refused by
//! name and left as it is.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use crate::AnnotationsError;

/// Marks our files among all SQLite files: `detA`.
const APPLICATION_ID: i64 = 0x6465_7441;

/// The newest schema that is known.
const VERSION: i64 = 1;

/// A larger file is not read through when it is opened; damage in it shows when it is met.
const CHECKED_WHOLE: u64 = 64 << 20;

/// How long one process waits for another that writes.
const BUSY: Duration = Duration::from_secs(5);

/// How large the write-ahead log stays after a checkpoint; one is made every 1000 pages.
const WAL_BYTES: i64 = 16 << 20;

const SCHEMA: &str = "
CREATE TABLE totals (
    id INTEGER PRIMARY KEY CHECK (id = 0), open_ms INTEGER NOT NULL,
    pending INTEGER NOT NULL, dead INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES (0, 0, 0, 0, 0);
-- state: 0 while results are added, 1 when they may be delivered, 2 when only dead letters are left.
CREATE TABLE media (
    id INTEGER PRIMARY KEY AUTOINCREMENT, upload TEXT NOT NULL UNIQUE, state INTEGER NOT NULL,
    request TEXT NOT NULL, kind TEXT NOT NULL, name TEXT, sha256 TEXT, fingerprint TEXT,
    model TEXT NOT NULL, model_sha256 TEXT NOT NULL, params TEXT NOT NULL, authorization TEXT
) STRICT;
CREATE INDEX media_ready ON media (id) WHERE state = 1;
CREATE TABLE results (
    id INTEGER PRIMARY KEY AUTOINCREMENT, media INTEGER NOT NULL, frame INTEGER NOT NULL, pts_ms REAL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, findings TEXT NOT NULL, jpeg BLOB,
    bytes INTEGER NOT NULL, stored_ms INTEGER NOT NULL, stored_unix_ms INTEGER NOT NULL,
    refusals INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX results_frame ON results (media, frame);
CREATE TABLE dead (
    id INTEGER PRIMARY KEY, media INTEGER NOT NULL, frame INTEGER NOT NULL, pts_ms REAL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, findings TEXT NOT NULL, jpeg BLOB,
    bytes INTEGER NOT NULL, stored_ms INTEGER NOT NULL, stored_unix_ms INTEGER NOT NULL,
    refusals INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE INDEX dead_media ON dead (media);
CREATE TRIGGER result_in AFTER INSERT ON results BEGIN
    UPDATE totals SET pending = pending + 1, bytes = bytes + NEW.bytes; END;
CREATE TRIGGER result_out AFTER DELETE ON results BEGIN
    UPDATE totals SET pending = pending - 1, bytes = bytes - OLD.bytes; END;
CREATE TRIGGER dead_in AFTER INSERT ON dead BEGIN
    UPDATE totals SET dead = dead + 1, bytes = bytes + NEW.bytes; END;
CREATE TRIGGER dead_out AFTER DELETE ON dead BEGIN
    UPDATE totals SET dead = dead - 1, bytes = bytes - OLD.bytes; END;
";

/// The file of the outbox in `folder`.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("outbox.sqlite3")
}

/// The right to deliver from an outbox, given back when it is dropped or its process ends.
#[derive(Debug)]
pub(crate) struct Claim {
    _lock: File,
}

impl Claim {
    /// Makes the folder and takes its lock.
    pub(crate) fn take(folder: &Path) -> Result<Self, AnnotationsError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| unusable(folder, source))?;
        let path = folder.join("outbox.lock");
        let lock = private().open(&path).map_err(|source| unusable(&path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(AnnotationsError::InUse { path: file(folder) }),
            Err(TryLockError::Error(source)) => Err(unusable(&path, source)),
        }
    }
}

/// Opens the file for whoever holds the claim; makes it where it is missing. Only its owner may read it.
pub(crate) fn open(path: &Path, _claim: &Claim) -> Result<Connection, AnnotationsError> {
    let opened = private().open(path).map_err(|source| unusable(path, source))?;
    let length = opened.metadata().map_err(|source| unusable(path, source))?.len();
    let owner_only = opened.set_permissions(fs::Permissions::from_mode(0o600));
    owner_only.map_err(|source| unusable(path, source))?;
    drop(opened);
    let connection = connect(path)?;
    if length == 0 && is_blank(path, &connection)? {
        make(&connection).map_err(|error| database(path, error))?;
    }
    check(path, &connection)?;
    if length <= CHECKED_WHOLE {
        check_whole(path, &connection)?;
    }
    Ok(connection)
}

/// Opens a file that is there, beside whoever holds the claim.
pub(crate) fn visit(path: &Path) -> Result<Connection, AnnotationsError> {
    if !path.is_file() {
        return Err(AnnotationsError::Missing { path: path.to_owned() });
    }
    let connection = connect(path)?;
    check(path, &connection)?;
    Ok(connection)
}

/// What the database said of the file at `path`; damage is told apart from everything else.
pub(crate) fn database(path: &Path, error: rusqlite::Error) -> AnnotationsError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => {
            AnnotationsError::Damaged { path, reason: error.to_string() }
        }
        _ => AnnotationsError::Database { path, source: Arc::new(error) },
    }
}

fn private() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

fn unusable(path: &Path, source: io::Error) -> AnnotationsError {
    AnnotationsError::Unusable { path: path.to_owned(), source: Arc::new(source) }
}

fn connect(path: &Path) -> Result<Connection, AnnotationsError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let told = |error| database(path, error);
    let connection = Connection::open_with_flags(path, flags).map_err(told)?;
    connection.busy_timeout(BUSY).map_err(told)?;
    // What was delivered is overwritten: tokens are among it.
    connection.pragma_update(None, "secure_delete", true).map_err(told)?;
    Ok(connection)
}

/// Whether nothing was ever put into the file; a process may have been killed before it made the schema.
fn is_blank(path: &Path, connection: &Connection) -> Result<bool, AnnotationsError> {
    let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0));
    let tables: i64 = tables.map_err(|error| database(path, error))?;
    Ok(tables == 0)
}

fn make(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_row| Ok(()))?;
    let version = format!("PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION};");
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} {version} COMMIT;"))
}

fn check(path: &Path, connection: &Connection) -> Result<(), AnnotationsError> {
    let told = |error| database(path, error);
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if number("application_id").map_err(told)? != APPLICATION_ID {
        let reason = "it does not carry the mark of an outbox".to_owned();
        return Err(AnnotationsError::Damaged { path: path.to_owned(), reason });
    }
    let found = number("user_version").map_err(told)?;
    if found != VERSION {
        return Err(AnnotationsError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES).map_err(told)
}

fn check_whole(path: &Path, connection: &Connection) -> Result<(), AnnotationsError> {
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match verdict.map_err(|error| database(path, error))?.as_str() {
        "ok" => Ok(()),
        reason => {
            let reason = reason.chars().take(200).collect();
            Err(AnnotationsError::Damaged { path: path.to_owned(), reason })
        }
    }
}
