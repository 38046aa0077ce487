//! Several connections, several threads, several disks.

use std::thread;
use std::time::Duration;

use disk::Disk;
use rusqlite::ErrorCode;

use crate::{connect, count, durable};

#[test]
fn a_reader_keeps_its_snapshot_and_a_second_writer_waits() {
    let disk = Disk::new(1);
    let writer = durable(&disk).unwrap();
    writer.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    let (reader, other) = (connect(&disk).unwrap(), connect(&disk).unwrap());
    other.busy_timeout(Duration::ZERO).unwrap();
    let snapshot = reader.unchecked_transaction().unwrap();
    assert_eq!(count(&snapshot), 1);
    writer.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (2)").unwrap();
    let error = other.execute_batch("BEGIN IMMEDIATE").unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(count(&snapshot), 1);
    drop(snapshot);
    assert_eq!((count(&reader), count(&other)), (2, 2));
    other.execute_batch("BEGIN IMMEDIATE; COMMIT").unwrap();
}

#[test]
fn the_log_goes_with_the_last_connection() {
    let disk = Disk::new(1);
    let (first, second) = (durable(&disk).unwrap(), durable(&disk).unwrap());
    first.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(first);
    assert_eq!(disk.files().len(), 2);
    drop(second);
    assert_eq!(disk.files().into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["test.db"]);
}

#[test]
fn threads_share_a_file() {
    let disk = Disk::new(1);
    durable(&disk).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let connection = durable(&disk).unwrap();
                connection.busy_timeout(Duration::from_secs(60)).unwrap();
                for _ in 0..50 {
                    connection.execute("INSERT INTO t VALUES (randomblob(500))", []).unwrap();
                }
            });
        }
    });
    let connection = connect(&disk).unwrap();
    assert_eq!(count(&connection), 200);
    assert_eq!(connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
}

#[test]
fn a_disk_knows_nothing_of_another_and_ends_with_its_owner() {
    let (one, other) = (Disk::new(1), Disk::new(1));
    durable(&one).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(other.files().is_empty());
    let name = one.name().to_owned();
    drop(one);
    let opened =
        rusqlite::Connection::open_with_flags_and_vfs("test.db", rusqlite::OpenFlags::default(), name.as_str());
    assert!(opened.is_err(), "nothing is opened on a disk that is gone");
}

#[test]
fn what_was_open_fails_after_a_crash_and_harms_nothing() {
    let disk = Disk::new(1);
    let before = durable(&disk).unwrap();
    before.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    let after = disk.crash(7);
    assert!(before.execute("INSERT INTO t VALUES (2)", []).is_err());
    assert!(connect(&disk).and_then(|connection| connection.execute_batch("CREATE TABLE u (x)")).is_err());
    let files = after.files();
    drop(before);
    drop(disk);
    assert_eq!(after.files(), files, "closing what is dead changes nothing");
    assert_eq!(count(&connect(&after).unwrap()), 1);
}
