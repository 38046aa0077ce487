//! Rows found by their keys, and those whose keys are not among the gathered ones.

use tokio_postgres::types::ToSql;

use super::super::fault::Fault;
use super::super::unit::Unit;
use super::fields::{self, Field};
use ledger::StoreError;
use ledger::portable::tables::Table;
use ledger::portable::value::{Kind, Value};

/// The keys of these rows, a list for each column of the key.
pub(super) fn columns<'v>(table: &Table, rows: &'v [Vec<Value>]) -> Vec<Vec<Field<'v>>> {
    let column = |place: usize| {
        let kind = table.columns[place].1;
        rows.iter().map(|row| Field { kind, value: &row[place] }).collect()
    };
    table.key_places().into_iter().map(column).collect()
}

/// The lists of [`columns`] as a table with the columns k0, k1 and so on, and the place from 1.
fn listed(table: &Table) -> String {
    let lists: Vec<String> = kinds(table).zip(1..).map(|(kind, n)| format!("${n}::{}[]", fields::of(kind))).collect();
    let names: Vec<String> = (0..table.key.len()).map(|n| format!("k{n}")).collect();
    format!("unnest({}) WITH ORDINALITY AS k ({}, place)", lists.join(", "), names.join(", "))
}

fn kinds(table: &Table) -> impl Iterator<Item = Kind> {
    table.key_places().into_iter().map(|place| table.columns[place].1)
}

/// That a row of the table, as `t`, has the key that `k` has.
fn has_key(table: &Table) -> String {
    let same: Vec<String> = table.key.iter().enumerate().map(|(n, name)| format!("t.\"{name}\" = k.k{n}")).collect();
    same.join(" AND ")
}

/// The place of each key that is there, and the columns of its row. Each row is looked up by itself, which `OFFSET 0`
/// makes sure of: the tables are too large to be read for a slice.
pub(super) fn look_up(table: &Table) -> String {
    let columns = table.columns.iter().enumerate();
    let read: Vec<String> =
        columns.clone().map(|(n, (name, kind, _))| format!("{} AS c{n}", fields::expression(*kind, name))).collect();
    let told: Vec<String> = columns.map(|(n, _)| format!("r.c{n}")).collect();
    format!(
        "SELECT k.place, {} FROM {} CROSS JOIN LATERAL (SELECT {} FROM {} t WHERE {} OFFSET 0) r",
        told.join(", "),
        listed(table),
        read.join(", "),
        table.name,
        has_key(table)
    )
}

/// Keys that were gathered in a table that ends with the transaction.
pub struct Keys {
    unit: Unit,
    table: &'static Table,
}

impl Keys {
    pub(super) async fn begin(unit: Unit, table: &'static Table) -> Result<Self, Fault> {
        let columns: Vec<String> =
            kinds(table).enumerate().map(|(n, kind)| format!("k{n} {}", fields::of(kind))).collect();
        unit.execute(&format!("CREATE TEMPORARY TABLE gathered ({}) ON COMMIT DROP", columns.join(", ")), &[]).await?;
        Ok(Self { unit, table })
    }

    /// Adds the keys of these rows.
    pub async fn add(&mut self, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        let columns = columns(self.table, rows);
        let values: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|column| column as _).collect();
        let names: Vec<String> = (0..self.table.key.len()).map(|n| format!("k{n}")).collect();
        let sql = format!("INSERT INTO gathered SELECT {} FROM {}", names.join(", "), listed(self.table));
        self.unit.execute(&sql, &values).await.map(drop).map_err(Fault::told)
    }

    /// The first key of the table that was not added.
    pub async fn first_other(self) -> Result<Option<Vec<Value>>, StoreError> {
        let Self { unit, table } = self;
        let names: Vec<String> = table.key.iter().map(|name| format!("t.\"{name}\"")).collect();
        let sql = format!(
            "SELECT {0} FROM {1} t WHERE NOT EXISTS (SELECT 1 FROM gathered k WHERE {2}) ORDER BY {0} LIMIT 1",
            names.join(", "),
            table.name,
            has_key(table)
        );
        let read = async {
            let found = unit.find(&sql, &[]).await?;
            let key =
                found.map(|row| kinds(table).enumerate().map(|(at, kind)| fields::read(&row, at, kind)).collect());
            unit.roll_back().await;
            key.transpose()
        };
        read.await.map_err(Fault::told)
    }
}
