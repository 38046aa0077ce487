//! The disk, through SQLite: what it promises is what SQLite needs, and what it takes away is what SQLite must survive.

#![allow(clippy::unwrap_used, reason = "what a test does not expect ends it")]

mod crashes;
mod faults;
mod sharing;

use disk::Disk;
use rusqlite::{Connection, OpenFlags};

/// The file of these tests.
const FILE: &str = "test.db";

fn connect(disk: &Disk) -> rusqlite::Result<Connection> {
    Connection::open_with_flags_and_vfs(FILE, OpenFlags::default(), disk.name())
}

/// A connection that waits for the disk before it says that something is committed.
fn durable(disk: &Disk) -> rusqlite::Result<Connection> {
    let connection = connect(disk)?;
    connection.execute_batch("PRAGMA journal_mode = wal; PRAGMA synchronous = full")?;
    Ok(connection)
}

fn count(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}
