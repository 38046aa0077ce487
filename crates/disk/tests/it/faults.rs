//! Faults by plan: SQLite reports them, and what was committed before stays.

use disk::{Disk, Operation};
use rusqlite::ErrorCode;

use crate::{connect, count, durable};

#[test]
fn a_planned_fault_fails_its_transaction_and_no_other() {
    for (operation, wanted) in
        [(Operation::Write, ErrorCode::SystemIoFailure), (Operation::Sync, ErrorCode::SystemIoFailure)]
    {
        let disk = Disk::new(1);
        let connection = durable(&disk).unwrap();
        connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        disk.fail(operation, 0, 1);
        let error = connection.execute("INSERT INTO t VALUES (2)", []).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(wanted), "{operation:?}");
        assert_eq!(count(&connection), 1, "{operation:?}");
        connection.execute("INSERT INTO t VALUES (3)", []).unwrap();
        drop(connection);
        assert_eq!(count(&connect(&disk).unwrap()), 2, "{operation:?}");
    }
}

#[test]
fn a_read_that_fails_is_reported() {
    let disk = Disk::new(1);
    durable(&disk).unwrap().execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    let connection = connect(&disk).unwrap();
    disk.fail(Operation::Read, 0, u64::MAX);
    let error = connection.query_row("SELECT x FROM t", [], |_| Ok(())).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::SystemIoFailure));
    disk.heal();
    assert_eq!(count(&connection), 1);
}

#[test]
fn a_full_disk_takes_nothing_and_is_sound_when_there_is_room_again() {
    let disk = Disk::new(1);
    let connection = durable(&disk).unwrap();
    connection.execute_batch("CREATE TABLE t (x)").unwrap();
    let used: u64 = disk.files().iter().map(|(_, length)| length).sum();
    disk.set_room(Some(used + 100_000));
    let insert = || connection.execute("INSERT INTO t VALUES (randomblob(10000))", []);
    let mut written = 0;
    let error = loop {
        match insert() {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DiskFull));
    assert!(written > 3 && count(&connection) == written);
    assert!(disk.files().iter().map(|(_, length)| length).sum::<u64>() <= used + 100_000);
    disk.set_room(None);
    insert().unwrap();
    assert_eq!(count(&connection), written + 1);
    assert_eq!(connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
}

/// Copies a log to its file, and cuts the power in the midst of it, after the log was synced. Before that, a sync of
/// the log may have failed. Whether everything is there.
fn copied(seed: u64, has_failed: bool) -> bool {
    let disk = Disk::new(seed);
    let connection = connect(&disk).unwrap();
    // The log is synced only when it is copied.
    connection
        .execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA synchronous = normal; CREATE TABLE t (x); PRAGMA \
        wal_checkpoint(TRUNCATE)",
        )
        .unwrap();
    connection.execute("INSERT INTO t VALUES (randomblob(20000))", []).unwrap();
    let copy = || connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if has_failed {
        disk.fail(Operation::Sync, 0, 1);
        assert!(copy().is_err());
    }
    disk.cut_after(3);
    assert!(copy().is_err());
    let disk = disk.crash(seed);
    let connection = connect(&disk).unwrap();
    let is_sound = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
        .is_ok_and(|word| word == "ok");
    is_sound
        && connection.query_row("SELECT count(*), sum(length(x)) FROM t", [], |row| Ok((row.get(0)?, row.get(1)?)))
            == Ok((1_i64, 20_000_i64))
}

#[test]
fn what_a_failed_sync_lost_is_lost_although_a_later_one_succeeds() {
    assert!((0..50).all(|seed| copied(seed, false)), "a sync makes the log durable");
    // A program that goes on after a failed sync promises what is not there: the store's writer takes nothing more.
    assert!((0..50).any(|seed| !copied(seed, true)), "the one after a failed sync does not");
}
