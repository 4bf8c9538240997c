//! The statements over the outbox's tables. Each leaves them whole: a media goes with its last row, and a token as
//! soon as nothing of its media waits any more.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{Authorization, Identity, Upload, payload::Queued};

/// What there is in the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) pending: u64,
    pub(crate) dead: u64,
    pub(crate) bytes: u64,
    /// When the oldest pending result was stored, by the outbox's own clock.
    pub(crate) oldest_ms: Option<u64>,
}

/// One result on its way into the outbox.
#[derive(Debug, Clone)]
pub(crate) struct NewRow {
    pub(crate) frame: u64,
    pub(crate) pts_ms: Option<f64>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) findings: String,
    pub(crate) jpeg: Option<Vec<u8>>,
}

/// When something is stored: by the outbox's own clock, which runs while it is open, and by the wall's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) open_ms: u64,
    pub(crate) unix_ms: u64,
}

/// What a row counts for besides its contents.
const ROW_BYTES: u64 = 256;

impl NewRow {
    /// What it counts for.
    pub(crate) fn bytes(&self) -> u64 {
        let jpeg = self.jpeg.as_ref().map_or(0, Vec::len);
        ROW_BYTES + (self.findings.len() + jpeg) as u64
    }
}

pub(crate) fn totals(db: &Connection) -> rusqlite::Result<Totals> {
    let mut totals =
        db.prepare_cached("SELECT pending, dead, bytes FROM totals")?.query_row([], |row| {
            let [pending, dead, bytes] = [natural(row, 0)?, natural(row, 1)?, natural(row, 2)?];
            Ok(Totals { pending, dead, bytes, oldest_ms: None })
        })?;
    let mut oldest = db.prepare_cached("SELECT stored_ms FROM results ORDER BY id LIMIT 1")?;
    totals.oldest_ms = oldest.query_row([], |row| natural(row, 0)).optional()?;
    Ok(totals)
}

/// The outbox's own clock as it was last noted.
pub(crate) fn open_ms(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT open_ms FROM totals", [], |row| natural(row, 0))
}

pub(crate) fn note_open_ms(db: &Connection, now: u64) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE totals SET open_ms = max(open_ms, ?1)")?.execute([signed(now)])?;
    Ok(())
}

/// Adds a row, and its media where it is the first; a frame that is there already is the same under the same key.
pub(crate) fn insert(
    db: &Connection,
    upload: &Upload,
    row: &NewRow,
    stamp: Stamp,
) -> rusqlite::Result<()> {
    let authorization = upload.authorization.as_ref().map(Authorization::expose);
    db.prepare_cached(
        "INSERT INTO media (upload, state, request, kind, name, model, model_sha256, params, authorization)
         VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (upload) DO NOTHING",
    )?
    .execute(params![
        upload.id,
        upload.request,
        upload.kind.word(),
        upload.name,
        upload.model.name,
        upload.model.sha256,
        upload.params,
        authorization,
    ])?;
    db.prepare_cached(
        "INSERT INTO results (media, frame, pts_ms, width, height, findings, jpeg, bytes, stored_ms, stored_unix_ms)
         SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM media WHERE upload = ?1
         ON CONFLICT (media, frame) DO NOTHING",
    )?
    .execute(params![
        upload.id,
        signed(row.frame),
        row.pts_ms,
        row.width,
        row.height,
        row.findings,
        row.jpeg,
        signed(row.bytes()),
        signed(stamp.open_ms),
        signed(stamp.unix_ms),
    ])?;
    Ok(())
}

/// Takes out a frame of an unfinished media that is not needed any more.
pub(crate) fn supersede(db: &Connection, upload: &str, frame: u64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "DELETE FROM results WHERE frame = ?2 AND media = (SELECT id FROM media WHERE upload = ?1)",
    )?
    .execute(params![upload, signed(frame)])?;
    Ok(())
}

/// Nothing more is added to a media: what it has may be delivered, under the identity that is known.
pub(crate) fn close(
    db: &Connection,
    upload: &str,
    known: Option<&Identity>,
) -> rusqlite::Result<()> {
    let (sha256, fingerprint) = known.map(|id| (&id.sha256, &id.fingerprint)).unzip();
    db.prepare_cached(
        "UPDATE media SET state = 1, sha256 = ?2, fingerprint = ?3 WHERE upload = ?1 AND state = 0",
    )?
    .execute(params![upload, sha256, fingerprint])?;
    let mut id = db.prepare_cached("SELECT id FROM media WHERE upload = ?1")?;
    let id: Option<i64> = id.query_row([upload], |row| row.get(0)).optional()?;
    id.map_or(Ok(()), |media| settle(db, media))
}

/// Media that were not finished before the program ended: they were cut off.
pub(crate) fn close_all(db: &Connection) -> rusqlite::Result<usize> {
    let closed = db.execute("UPDATE media SET state = 1 WHERE state = 0", [])?;
    db.execute(
        "DELETE FROM media WHERE NOT EXISTS (SELECT 1 FROM results WHERE media = media.id)
         AND NOT EXISTS (SELECT 1 FROM dead WHERE media = media.id)",
        [],
    )?;
    Ok(closed)
}

/// A result has arrived.
pub(crate) fn remove(db: &Connection, row: i64, media: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM results WHERE id = ?1")?.execute([row])?;
    settle(db, media)
}

/// A result was refused once more.
pub(crate) fn refuse(db: &Connection, row: i64) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE results SET refusals = refusals + 1 WHERE id = ?1")?
        .execute([row])?;
    Ok(())
}

/// A result becomes a dead letter.
pub(crate) fn bury(db: &Connection, row: i64, media: i64, reason: &str) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO dead SELECT id, media, frame, pts_ms, width, height, findings, jpeg, bytes, stored_ms,
         stored_unix_ms, refusals + 1, ?2 FROM results WHERE id = ?1",
    )?
    .execute(params![row, reason])?;
    remove(db, row, media)
}

/// A dead letter is tried again, at its old place in its media.
pub(crate) fn revive(db: &Connection, row: i64) -> rusqlite::Result<bool> {
    let moved = db.execute(
        "INSERT INTO results SELECT id, media, frame, pts_ms, width, height, findings, jpeg, bytes,
         (SELECT open_ms FROM totals), stored_unix_ms, 0 FROM dead WHERE id = ?1",
        [row],
    )?;
    if moved == 0 {
        return Ok(false);
    }
    db.execute("UPDATE media SET state = 1 WHERE state = 2 AND id = (SELECT media FROM dead WHERE id = ?1)", [row])?;
    db.execute("DELETE FROM dead WHERE id = ?1", [row])?;
    Ok(true)
}

/// Takes out the oldest row, a dead letter where there is one; `false` when nothing is left.
pub(crate) fn drop_oldest(db: &Connection) -> rusqlite::Result<bool> {
    for table in ["dead", "results"] {
        let oldest =
            format!("DELETE FROM {table} WHERE id = (SELECT min(id) FROM {table}) RETURNING media");
        let mut oldest = db.prepare_cached(&oldest)?;
        let media: Option<i64> = oldest.query_row([], |row| row.get(0)).optional()?;
        if let Some(media) = media {
            settle(db, media)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes out what was stored before `open_ms`, so many rows at most.
pub(crate) fn expire(db: &Connection, open_ms: u64, most: u32) -> rusqlite::Result<u64> {
    let mut expired = 0;
    for table in ["dead", "results"] {
        let old = format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE stored_ms < ?1 ORDER BY id LIMIT ?2)
             RETURNING media"
        );
        let mut old = db.prepare_cached(&old)?;
        let media = old.query_map(params![signed(open_ms), most], |row| row.get::<_, i64>(0))?;
        for media in media.collect::<Result<Vec<_>, _>>()? {
            expired += 1;
            settle(db, media)?;
        }
    }
    Ok(expired)
}

/// Media with results that may be delivered, the oldest first.
pub(crate) fn ready(db: &Connection, most: usize) -> rusqlite::Result<Vec<i64>> {
    let mut ready =
        db.prepare_cached("SELECT id FROM media WHERE state = 1 ORDER BY id LIMIT ?1")?;
    ready.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |row| row.get(0))?.collect()
}

/// The next result of a media.
pub(crate) fn next(db: &Connection, media: i64) -> rusqlite::Result<Option<Queued>> {
    let mut next = db.prepare_cached(
        "SELECT r.id, m.id, m.upload, m.request, m.kind, m.name, m.sha256, m.fingerprint, m.model, m.model_sha256,
         m.params, m.authorization, r.frame, r.pts_ms, r.width, r.height, r.findings, r.jpeg, r.refusals
         FROM results r JOIN media m ON m.id = r.media WHERE r.media = ?1 ORDER BY r.frame LIMIT 1",
    )?;
    next.query_row([media], queued).optional()
}

fn queued(row: &Row<'_>) -> rusqlite::Result<Queued> {
    let authorization: Option<String> = row.get(11)?;
    Ok(Queued {
        row: row.get(0)?,
        media: row.get(1)?,
        upload: row.get(2)?,
        request: row.get(3)?,
        kind: row.get(4)?,
        name: row.get(5)?,
        sha256: row.get(6)?,
        fingerprint: row.get(7)?,
        model: row.get(8)?,
        model_sha256: row.get(9)?,
        params: row.get(10)?,
        authorization: authorization.and_then(|value| Authorization::new(value).ok()),
        frame: natural(row, 12)?,
        pts_ms: row.get(13)?,
        width: row.get(14)?,
        height: row.get(15)?,
        findings: row.get(16)?,
        jpeg: row.get(17)?,
        refusals: row.get(18)?,
    })
}

/// After a row of a closed media went: the media goes with its last row, its token with the last that waits.
pub(crate) fn settle(db: &Connection, media: i64) -> rusqlite::Result<()> {
    let waits = "EXISTS (SELECT 1 FROM results WHERE media = ?1)";
    let dead = "EXISTS (SELECT 1 FROM dead WHERE media = ?1)";
    let gone =
        format!("DELETE FROM media WHERE id = ?1 AND state <> 0 AND NOT {waits} AND NOT {dead}");
    db.prepare_cached(&gone)?.execute([media])?;
    let rests = format!(
        "UPDATE media SET state = 2, authorization = NULL WHERE id = ?1 AND state = 1 AND NOT {waits}"
    );
    db.prepare_cached(&rests)?.execute([media])?;
    Ok(())
}

/// A number that is never negative.
pub(crate) fn natural(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    Ok(u64::try_from(value).unwrap_or(0))
}

pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
