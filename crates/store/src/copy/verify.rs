//! Whether the copy is what the source is: every row of the source is looked up in the copy by its key, and there are
//! no more.

use sha2::{Digest as _, Sha256};

use super::source::Source;
use super::{CopiedTable, Told};
use ledger::StoreError;
use ledger::portable::tables::Table;
use ledger::portable::value::{self, Value};
use postgres::Target;

/// Compares a table, which has so many rows in the source.
///
/// # Errors
/// [`StoreError::Refused`] with the name of the table and the key of the first row that differs.
pub(super) async fn compare(
    source: &Source,
    target: &Target,
    table: &'static Table,
    rows: u64,
    rows_per_slice: usize,
    told: &mut Told<'_>,
) -> Result<CopiedTable, StoreError> {
    let (mut ours, mut theirs) = (Sha256::new(), Sha256::new());
    let (mut place, mut octets) = (None, Vec::new());
    loop {
        let slice = source.slice(table, place, rows_per_slice).await?;
        let copies = target.read_back(table, &slice.rows).await?;
        for (row, copy) in slice.rows.iter().zip(&copies) {
            let copy = copy.as_ref().ok_or_else(|| differs(table, row, "is missing in the copy"))?;
            if let Some((column, _)) = table
                .columns
                .iter()
                .zip(row)
                .zip(copy)
                .find_map(|((column, ours), theirs)| (ours != theirs).then_some((column.0, ours)))
            {
                return Err(differs(table, row, &format!("has another `{column}` in the copy")));
            }
            for (hash, row) in [(&mut ours, row), (&mut theirs, copy)] {
                octets.clear();
                value::write(row, &mut octets);
                hash.update(&octets);
            }
        }
        told.add(table, slice.rows.len() as u64);
        if slice.is_last {
            break;
        }
        place = Some(slice.place);
    }
    let (digest, copied): ([u8; 32], [u8; 32]) = (ours.finalize().into(), theirs.finalize().into());
    let there = target.count(table).await?;
    if there != rows || digest != copied {
        let extra = first_extra(source, target, table, rows_per_slice).await?;
        let named = extra.map(|key| format!(", which lacks the one with {}", named(table, &key))).unwrap_or_default();
        return Err(refused(&format!("`{}` has {there} rows in the copy and {rows} in the source{named}", table.name)));
    }
    Ok(CopiedTable { name: table.name, rows, digest })
}

/// The key of the first row of the copy that the source does not have.
async fn first_extra(
    source: &Source,
    target: &Target,
    table: &'static Table,
    rows_per_slice: usize,
) -> Result<Option<Vec<Value>>, StoreError> {
    let mut gathered = target.gather_keys(table).await?;
    let mut place = None;
    loop {
        let slice = source.slice(table, place, rows_per_slice).await?;
        gathered.add(&slice.rows).await?;
        if slice.is_last {
            return gathered.first_other().await;
        }
        place = Some(slice.place);
    }
}

fn differs(table: &Table, row: &[Value], how: &str) -> StoreError {
    let key: Vec<Value> = table.key_places().into_iter().map(|place| row[place].clone()).collect();
    refused(&format!("the row of `{}` with {} {how}", table.name, named(table, &key)))
}

fn named(table: &Table, key: &[Value]) -> String {
    format!("{} ({})", table.key.join(", "), value::shown(key))
}

fn refused(what: &str) -> StoreError {
    StoreError::Refused(format!("the copy differs from the source: {what}; empty the database and copy again"))
}
