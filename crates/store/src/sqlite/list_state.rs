//! Which messages the index of lists has, as the writer knows without asking the file.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

/// The source of a gap that belongs to no broadcast.
pub(super) const NO_BROADCAST: [u8; 16] = [0; 16];

/// The gaps of broadcasts: the lowest and the highest id in each.
pub(super) type Gaps = BTreeMap<[u8; 16], (u128, u128)>;

/// What the writer knows of the index without asking the file.
#[derive(Default)]
pub(super) struct ListState {
    /// The mark: messages with lower ids are in the index, except those in gaps.
    pub(super) below: u128,
    /// The gaps of broadcasts. No message in them has an entry yet.
    pub(super) gaps: Gaps,
    /// How many calls the writer has run.
    pub(super) calls: u64,
}

impl ListState {
    /// Reads the state of the file, at the start and after a transaction that was rolled back.
    pub(super) fn load(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.below = mark(connection)?;
        self.gaps.clear();
        let mut select = connection.prepare_cached("SELECT source, low, high FROM list_gaps")?;
        let mut gaps = select.query([])?;
        while let Some(row) = gaps.next()? {
            let source: [u8; 16] = row.get(0)?;
            if source != NO_BROADCAST {
                self.gaps.insert(source, (id(row, 1)?, id(row, 2)?));
            }
        }
        Ok(())
    }
}

/// The mark, as a number.
pub(super) fn mark(connection: &Connection) -> rusqlite::Result<u128> {
    connection.prepare_cached("SELECT below FROM list_mark WHERE id = 1")?.query_row([], |row| id(row, 0))
}

/// The id in a column, as a number.
pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<u128> {
    row.get(column).map(u128::from_be_bytes)
}
