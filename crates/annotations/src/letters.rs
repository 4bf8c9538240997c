//! The outbox from beside: what waits in it and what is dead, listed, tried again or thrown away, whether or not a
//! service is delivering from it meanwhile.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row, TransactionBehavior};

use crate::{AnnotationsError, rows, schema};

/// What becomes of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterState {
    /// Its video has not ended yet.
    Held,
    /// It waits to be delivered.
    Pending,
    /// It was given up.
    Dead,
}

/// One result, without its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its number in the outbox.
    pub id: u64,
    /// What becomes of it.
    pub state: LetterState,
    /// The id of its upload.
    pub upload: String,
    /// The client's name for its media.
    pub name: Option<String>,
    /// SHA-256 of its media, where it is known.
    pub sha256: Option<String>,
    /// The number of its frame.
    pub frame: u64,
    /// When it was stored, in milliseconds since 1970 by the wall clock.
    pub stored_unix_ms: u64,
    /// How often it was refused.
    pub refusals: u64,
    /// Why it was given up.
    pub reason: Option<String>,
}

/// A door to an outbox that somebody else may have open.
#[derive(Debug)]
pub struct LetterBox {
    path: PathBuf,
    db: Connection,
}

impl LetterBox {
    /// Opens the outbox in `folder`, which must be there.
    ///
    /// # Errors
    /// [`AnnotationsError::Missing`], [`Damaged`](AnnotationsError::Damaged) and the like, naming the file.
    pub fn open(folder: &Path) -> Result<Self, AnnotationsError> {
        let path = schema::file(folder);
        let db = schema::visit(&path)?;
        Ok(Self { path, db })
    }

    /// All that waits, in the order in which it was stored, one at a time.
    ///
    /// # Errors
    /// [`AnnotationsError::Database`], and whatever `each` returns.
    pub fn pending<E: From<AnnotationsError>>(
        &self,
        each: impl FnMut(Letter) -> Result<(), E>,
    ) -> Result<(), E> {
        let query = "SELECT r.id, m.state, m.upload, m.name, m.sha256, r.frame, r.stored_unix_ms, r.refusals, NULL
            FROM results r JOIN media m ON m.id = r.media ORDER BY r.id";
        self.each(query, each)
    }

    /// All dead letters, one at a time.
    ///
    /// # Errors
    /// The same.
    pub fn dead<E: From<AnnotationsError>>(
        &self,
        each: impl FnMut(Letter) -> Result<(), E>,
    ) -> Result<(), E> {
        let query = "SELECT d.id, NULL, m.upload, m.name, m.sha256, d.frame, d.stored_unix_ms, d.refusals, d.reason
            FROM dead d JOIN media m ON m.id = d.media ORDER BY d.id";
        self.each(query, each)
    }

    /// Lets dead letters be tried again, in their old places; gives those of `ids` that are none. A running
    /// service takes them up within a second.
    ///
    /// # Errors
    /// [`AnnotationsError::Database`]; nothing is changed then.
    pub fn replay(&mut self, ids: &[u64]) -> Result<Vec<u64>, AnnotationsError> {
        self.change(|db| {
            let mut unknown = Vec::new();
            for &id in ids {
                if !rows::revive(db, rows::signed(id))? {
                    unknown.push(id);
                }
            }
            Ok(unknown)
        })
    }

    /// Lets all dead letters be tried again; says how many.
    ///
    /// # Errors
    /// [`AnnotationsError::Database`]; nothing is changed then.
    pub fn replay_all(&mut self) -> Result<u64, AnnotationsError> {
        self.change(|db| {
            let mut dead = db.prepare("SELECT id FROM dead ORDER BY id")?;
            let ids = dead.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
            ids.iter().try_for_each(|id| rows::revive(db, *id).map(drop))?;
            Ok(ids.len() as u64)
        })
    }

    /// Throws all dead letters away; says how many.
    ///
    /// # Errors
    /// [`AnnotationsError::Database`]; nothing is changed then.
    pub fn purge_dead(&mut self) -> Result<u64, AnnotationsError> {
        self.change(|db| {
            let mut dead = db.prepare("SELECT DISTINCT media FROM dead")?;
            let media = dead.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
            let purged = db.execute("DELETE FROM dead", [])?;
            media.iter().try_for_each(|media| rows::settle(db, *media))?;
            Ok(purged as u64)
        })
    }

    fn each<E: From<AnnotationsError>>(
        &self,
        query: &str,
        mut each: impl FnMut(Letter) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.db.prepare(query).map_err(|error| self.told(error))?;
        let letters = statement.query_map([], letter).map_err(|error| self.told(error))?;
        for letter in letters {
            each(letter.map_err(|error| self.told(error))?)?;
        }
        Ok(())
    }

    fn change<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, AnnotationsError> {
        let Self { path, db } = self;
        let commit = || -> rusqlite::Result<T> {
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&tx)?;
            tx.commit()?;
            Ok(value)
        };
        commit().map_err(|error| schema::database(path, error))
    }

    fn told(&self, error: rusqlite::Error) -> AnnotationsError {
        schema::database(&self.path, error)
    }
}

fn letter(row: &Row<'_>) -> rusqlite::Result<Letter> {
    let state = match row.get::<_, Option<i64>>(1)? {
        None => LetterState::Dead,
        Some(0) => LetterState::Held,
        Some(_) => LetterState::Pending,
    };
    Ok(Letter {
        id: rows::natural(row, 0)?,
        state,
        upload: row.get(2)?,
        name: row.get(3)?,
        sha256: row.get(4)?,
        frame: rows::natural(row, 5)?,
        stored_unix_ms: rows::natural(row, 6)?,
        refusals: rows::natural(row, 7)?,
        reason: row.get(8)?,
    })
}
