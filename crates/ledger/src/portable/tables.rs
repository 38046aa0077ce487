//! What becomes of each table: where the rows of a table of the copy come from, and how each column is translated.
//!
//! What is not here is not copied: indexes of lists, which PostgreSQL keeps by itself, the sessions of carriers, whose
//! holders are gone, and counts of requests within a minute.

mod accounts;
mod handsets;
mod messages;
mod operators;
mod webhooks;
mod work;

use super::value::Kind;

/// A table of the copy.
pub struct Table {
    /// The name of the table.
    pub name: &'static str,
    /// Whether rows are in a partition for the week of the id in the first column of the key.
    pub has_weeks: bool,
    /// Where the rows come from, as SQLite reads it.
    pub from: &'static str,
    /// Which of them there are.
    pub only: &'static str,
    /// What orders and names them there, by an index.
    pub walk: &'static [&'static str],
    /// The columns that name a row of the copy, for those that read it back.
    pub key: &'static [&'static str],
    /// The columns, in the order of the copy.
    pub columns: &'static [Column],
    /// The column that numbers rows, if the database gives the numbers.
    pub numbered_by: Option<&'static str>,
}

/// A column of the copy: its name, what it is, and what is read from SQLite for it.
pub(crate) type Column = (&'static str, Kind, &'static str);

/// A table whose rows are those of SQLite's table of that name.
const PLAIN: Table =
    Table { name: "", has_weeks: false, from: "", only: "true", walk: &[], key: &[], columns: &[], numbered_by: None };

/// Every table, in an order in which each one finds those that it refers to.
pub(crate) const TABLES: &[&[Table]] =
    &[accounts::TABLES, messages::TABLES, work::TABLES, handsets::TABLES, webhooks::TABLES, operators::TABLES];

/// Every table, one after the other.
pub fn all() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().copied().flatten()
}

impl Table {
    /// The places of the columns of the key.
    pub fn key_places(&self) -> Vec<usize> {
        let place = |name: &&str| self.columns.iter().position(|column| column.0 == *name);
        self.key.iter().filter_map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_columns() {
        for table in all() {
            assert_eq!(table.key_places().len(), table.key.len(), "{}", table.name);
            assert!(!table.walk.is_empty() && !table.key.is_empty(), "{}", table.name);
            if table.has_weeks {
                assert_eq!(table.columns[table.key_places()[0]].1, Kind::Id, "{}", table.name);
            }
        }
    }
}
