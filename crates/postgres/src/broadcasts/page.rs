//! A page of a list of broadcasts.

use model::{AccountId, BroadcastId, BroadcastRecord, BroadcastStatus, Owner};
use uuid::Uuid;

use crate::broadcast_records::{BROADCAST, PROGRESS, record};
use crate::fault::Fault;
use crate::pages::{self, number_of, of_modes};
use crate::rows;
use crate::unit::{Unit, Values};
use ledger::contract::broadcasts::{BroadcastFilter, BroadcastPage};
use ledger::listing::{self, BROADCASTS_PER_PAGE, Scope};

/// What a broadcast has to meet, but for its status.
const MEETS: &str = "($4::uuid IS NULL OR b.account_id = $4) AND ($5::boolean IS NULL OR b.test = $5) \
    AND ($6::text IS NULL OR b.originator = $6) AND ($7::text IS NULL OR b.client_reference = $7) \
    AND ($8::text IS NULL OR p.status = $8)";

/// The same values, deciding nothing.
const USES: &str = "$4::uuid IS NULL AND $5::boolean IS NULL AND $6::text IS NULL AND $7::text IS NULL \
    AND $8::text IS NULL";

pub(super) async fn page(
    unit: &Unit,
    owner: Option<Owner>,
    filter: &BroadcastFilter,
    after: Option<BroadcastId>,
    limit: usize,
) -> Result<BroadcastPage, Fault> {
    if limit == 0 {
        return Ok(BroadcastPage { broadcasts: Vec::new(), next: after });
    }
    let ids = listing::broadcast_ids(filter, after);
    let scope = Scope::of(owner, filter.account, filter.mode).filter(|_| !ids.is_empty());
    let Some(scope) = scope else { return Ok(BroadcastPage { broadcasts: Vec::new(), next: None }) };
    let (low, high) = (Uuid::from_u128(ids.start), Uuid::from_u128(ids.end));
    let rows_max = number_of(BROADCASTS_PER_PAGE);
    let account = scope.account.map(AccountId::to_bytes).map(rows::id);
    let test = scope.mode.map(rows::is_test);
    let originator = filter.originator.map(rows::address);
    let reference = filter.reference.as_deref();
    let status = filter.status.map(BroadcastStatus::as_str);
    let rows = looked_at(filter, scope);
    // One more than the limit tells whether there is a next page.
    let wanted = number_of(limit.saturating_add(1));
    let sql = format!(
        "SELECT {BROADCAST}, {PROGRESS} FROM ({rows}) x JOIN broadcasts b ON b.id = x.id \
         JOIN broadcast_progress p ON p.broadcast_id = x.id WHERE {MEETS} ORDER BY x.id DESC LIMIT $9"
    );
    let values: Values<'_> = &[&low, &high, &rows_max, &account, &test, &originator, &reference, &status, &wanted];
    let found = unit.query(&sql, values).await?;
    let mut broadcasts: Vec<BroadcastRecord> = found.iter().map(record).collect::<Result<_, _>>()?;
    if broadcasts.len() > limit {
        broadcasts.truncate(limit);
        let next = broadcasts.last().map(|record| record.broadcast.id);
        return Ok(BroadcastPage { broadcasts, next });
    }
    let last = pages::last_of(unit, &rows, USES, &values[..values.len() - 1]).await?;
    Ok(BroadcastPage { broadcasts, next: last.map(|id| BroadcastId::from_bytes(id.into_bytes())) })
}

/// The ids that a page looks at, newest first: by the index that leaves the fewest to look at.
fn looked_at(filter: &BroadcastFilter, scope: Scope) -> String {
    let of_account = |what: &str| {
        of_modes(scope.mode, |test| {
            format!(
                "SELECT b.id FROM broadcasts b WHERE b.account_id = $4 AND b.test = {test}{what} AND b.id >= $1 \
                 AND b.id < $2 ORDER BY b.id DESC LIMIT $3"
            )
        })
    };
    match scope.account {
        Some(_) if filter.reference.is_some() => of_account(" AND b.client_reference = $7"),
        Some(_) if filter.status.is_some() => of_modes(scope.mode, |test| {
            format!(
                "SELECT p.broadcast_id AS id FROM broadcast_progress p WHERE p.account_id = $4 AND p.test = {test} \
                 AND p.status = $8 AND p.broadcast_id >= $1 AND p.broadcast_id < $2 ORDER BY p.broadcast_id DESC \
                 LIMIT $3"
            )
        }),
        Some(_) if filter.originator.is_some() => of_account(" AND b.originator = $6"),
        Some(_) => of_account(""),
        None => "SELECT b.id FROM broadcasts b WHERE b.id >= $1 AND b.id < $2 ORDER BY b.id DESC LIMIT $3".to_owned(),
    }
}
