//! The news that are written and not told yet.

use tokio_postgres::Row;

use super::fault::Fault;
use super::followed::News;
use super::unit::Unit;
use super::{change_rows, rows};

const BEFORE: &str = "SELECT seq, position, at, account_id, test, facts FROM news WHERE seq > $1 AND seq < $2 \
    ORDER BY seq";

/// The news before `first` that this process has not told yet, for a transaction that has written `first`.
pub(super) async fn before(unit: &Unit, first: i64) -> Result<Vec<News>, Fault> {
    let told = unit.core.followed.told();
    if told + 1 >= first {
        return Ok(Vec::new());
    }
    unit.query(BEFORE, &[&told, &first]).await?.iter().map(read).collect()
}

/// News from the columns number, position, and those of a change.
pub(super) fn read(row: &Row) -> Result<News, Fault> {
    // What a newer release wrote may not be understood: then it is missed.
    Ok(News { seq: rows::get(row, 0)?, change: change_rows::change(row, 2, rows::get(row, 1)?).ok() })
}
