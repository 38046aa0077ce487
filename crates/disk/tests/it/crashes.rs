//! The loss of power at any point, thousands of times.

use disk::Disk;
use rusqlite::{Connection, params};

use crate::{FILE, connect};

/// How SQLite is set up, and whether it then promises that what is committed stays.
struct Setting {
    pragmas: &'static str,
    crashes: u64,
}

const WAL: Setting = Setting {
    pragmas: "PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA wal_autocheckpoint = 12; PRAGMA \
        journal_size_limit = 30000",
    crashes: 40,
};
const JOURNAL: Setting = Setting { pragmas: "PRAGMA journal_mode = delete; PRAGMA synchronous = extra", crashes: 40 };
const CARELESS: Setting = Setting {
    pragmas: "PRAGMA journal_mode = wal; PRAGMA synchronous = off; PRAGMA wal_autocheckpoint = 12",
    crashes: 40,
};

/// How many of the last transactions have their rows in the file.
const KEPT: u64 = 20;

/// The number of rows that a transaction writes, and the length of each.
const fn shape(transaction: u64) -> (u64, u64) {
    (1 + transaction % 5, 1 + transaction * 379 % 3_000)
}

/// Commits transactions until the disk fails. Returns the number of the last one that was committed.
fn work(connection: &Connection, mut last: u64) -> u64 {
    let commit = |number: u64| -> rusqlite::Result<()> {
        let transaction = connection.unchecked_transaction()?;
        let (rows, length) = shape(number);
        for part in 0..rows {
            transaction.execute("INSERT INTO rows VALUES (?1, ?2, randomblob(?3))", params![number, part, length])?;
        }
        transaction.execute("DELETE FROM rows WHERE number <= ?1", [number.saturating_sub(KEPT)])?;
        transaction.execute("UPDATE last SET number = ?1", [number])?;
        transaction.commit()
    };
    while commit(last + 1).is_ok() {
        last += 1;
        if last.is_multiple_of(7) {
            // The log is copied and begins anew. A fault shows in the next commit.
            let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    }
    last
}

/// The last transaction that is in the file, or what is wrong with it.
fn look(connection: &Connection) -> Result<u64, String> {
    let told = |error: rusqlite::Error| error.to_string();
    let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(told)?;
    if integrity != "ok" {
        return Err(integrity);
    }
    let last: u64 = connection.query_row("SELECT number FROM last", [], |row| row.get(0)).map_err(told)?;
    let sql = "SELECT count(*), coalesce(sum(length(data)), 0) FROM rows WHERE number = ?1";
    for number in 0..last + 3 {
        let found: (u64, u64) =
            connection.query_row(sql, [number], |row| Ok((row.get(0)?, row.get(1)?))).map_err(told)?;
        let (rows, length) = shape(number);
        let wanted = if number > 0 && number <= last && number + KEPT > last { (rows, rows * length) } else { (0, 0) };
        if found != wanted {
            return Err(format!("transaction {number} of {last}: {found:?} instead of {wanted:?}"));
        }
    }
    Ok(last)
}

fn open(disk: &Disk, setting: &Setting) -> rusqlite::Result<Connection> {
    let connection = connect(disk)?;
    connection.execute_batch(setting.pragmas)?;
    let make = "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS rows (number INTEGER, part INTEGER, data BLOB, PRIMARY KEY \
                (number, part)); CREATE TABLE IF NOT EXISTS last (number INTEGER); INSERT INTO last SELECT 0 \
                WHERE NOT EXISTS (SELECT 1 FROM last); COMMIT";
    connection.execute_batch(make)?;
    Ok(connection)
}

/// Crashes a disk again and again. Returns its digest, or what was lost or half there.
fn story(seed: u64, setting: &Setting) -> Result<u64, String> {
    let mut disk = Disk::new(seed);
    let (mut committed, mut is_made) = (0, false);
    for crash in 0..setting.crashes {
        // Sometimes while the file is made, opened or recovered.
        let at = (seed * 31 + crash * 17) % 90;
        disk.cut_after(at);
        let mut tried = committed;
        if let Ok(connection) = open(&disk, setting) {
            is_made = true;
            committed = work(&connection, committed);
            // The one that failed may be there all the same.
            tried = committed + 1;
        }
        disk = disk.crash(seed ^ (crash << 32));
        let connection = connect(&disk).unwrap();
        // Without a table nothing was ever promised.
        let is_there = connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'last'", [], |row| row.get::<_, bool>(0))
            .map_err(|error| error.to_string())?;
        if !is_there && !is_made {
            continue;
        }
        let found = look(&connection).map_err(|what| format!("seed {seed}, crash {crash}: {what}"))?;
        if found < committed || found > tried {
            return Err(format!("seed {seed}, crash {crash}: {found} of {committed} transactions"));
        }
        committed = found;
    }
    Ok(disk.digest())
}

#[test]
fn a_log_that_is_synced_keeps_every_transaction_whole() {
    for seed in 0..60 {
        story(seed, &WAL).unwrap();
    }
}

#[test]
fn a_journal_that_is_synced_keeps_every_transaction_whole() {
    for seed in 0..20 {
        story(seed, &JOURNAL).unwrap();
    }
}

#[test]
fn without_syncs_the_disk_does_lose() {
    let lost = (0..20).filter(|seed| story(*seed, &CARELESS).is_err()).count();
    assert!(lost > 15, "{lost} of 20");
}

#[test]
fn the_same_seed_makes_the_same_changes() {
    for seed in 0..5 {
        assert_eq!(story(seed, &WAL), story(seed, &WAL));
    }
    assert_ne!(story(1, &WAL), story(2, &WAL));
}

#[test]
fn a_crash_while_the_file_is_made_leaves_one_that_can_be_made_again() {
    for cut in 0..40 {
        for seed in 0..10 {
            let disk = Disk::new(seed);
            disk.cut_after(cut);
            drop(open(&disk, &WAL));
            let disk = disk.crash(seed + cut * 100);
            let connection =
                open(&disk, &WAL).unwrap_or_else(|error| panic!("cut {cut}, seed {seed}: {error}, {:?}", disk.files()));
            assert_eq!(look(&connection), Ok(0), "cut {cut}, seed {seed}");
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_that_it_wrote() {
    for seed in 0..20 {
        let mut disk = Disk::new(seed);
        let mut committed = 0;
        for kill in 0..20 {
            let connection = open(&disk, &CARELESS).unwrap();
            disk.cut_after(20 + kill);
            committed = work(&connection, committed);
            disk = disk.kill();
            drop(connection);
            let found = look(&connect(&disk).unwrap()).unwrap();
            assert!(found == committed || found == committed + 1, "seed {seed}: {found} of {committed}");
            committed = found;
        }
        assert!(disk.files().iter().any(|(name, _)| name == FILE));
    }
}
