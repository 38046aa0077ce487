//! Pages of lists, newest first, each of which looks at a bounded number of rows.
//!
//! A list is a subquery that gives the rows that a page looks at, by the index that leaves the fewest, and conditions
//! that these have to meet. Where too few meet them for a page, it ends at the last row that it has looked at. The
//! subquery stops at its own bound; without one, a rare match would have it look at everything.

use model::Mode;
use uuid::Uuid;

use super::fault::Fault;
use super::rows;
use super::unit::{Unit, Values};

/// The rows of both modes, or of one. `rows_of` says which rows those with this value of `test` are, newest first and
/// no more than `$3`; each has its id in a column of that name.
pub(super) fn of_modes(mode: Option<Mode>, rows_of: impl Fn(bool) -> String) -> String {
    match mode {
        Some(mode) => rows_of(rows::is_test(mode)),
        None => {
            let (live, test) = (rows_of(false), rows_of(true));
            format!("SELECT * FROM (({live}) UNION ALL ({test})) u ORDER BY u.id DESC LIMIT $3")
        }
    }
}

/// The last row that a page looks at; `None` where it looks at all that there are. `uses` mentions the values that
/// `rows` may not.
pub(super) async fn last_of(unit: &Unit, rows: &str, uses: &str, values: Values<'_>) -> Result<Option<Uuid>, Fault> {
    // PostgreSQL has to know the type of every value, also of those that decide nothing here.
    let sql = format!("SELECT x.id FROM ({rows}) x WHERE true OR ({uses}) ORDER BY x.id DESC OFFSET $3 - 1 LIMIT 1");
    unit.find(&sql, values).await?.map(|row| rows::get(&row, 0)).transpose()
}

/// A number of rows, as a parameter.
pub(super) fn number_of(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
