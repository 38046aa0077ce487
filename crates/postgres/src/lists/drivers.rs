//! By which index a page of messages looks at rows: the one that leaves the fewest.

use model::{Mode, Status};
use uuid::Uuid;

use crate::fault::Fault;
use crate::pages::of_modes;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::messages::MessageFilter;
use ledger::listing::Scope;

/// The rows of `messages` that a page looks at, newest first: no more than `$3` of those from `$1` on and below `$2`.
pub(super) async fn choose(
    unit: &Unit,
    filter: &MessageFilter,
    scope: Scope,
    (low, high): (Uuid, Uuid),
    rows_max: i64,
) -> Result<String, Fault> {
    if filter.recipient.is_some() {
        return Ok(messages_with("m.recipient = $6"));
    }
    if filter.either.is_some() {
        return Ok(EITHER.to_owned());
    }
    if let Some(reference) = &filter.reference {
        if scope.account.is_some() {
            let named =
                |test| messages_with(&format!("m.client_reference = $8 AND m.account_id = $4 AND m.test = {test}"));
            return Ok(of_modes(scope.mode, named));
        }
        let count = unit.one(COUNT_NAMED, &[&&**reference, &low, &high, &rows_max]).await?;
        if rows::get::<i64>(&count, 0)? < rows_max {
            return Ok(NAMED_BY_ANYBODY.to_owned());
        }
    }
    match filter.status {
        Some(Status::Scheduled) => return Ok(scheduled(scope)),
        Some(Status::Queued) => return Ok(of_other_table("queue", "")),
        Some(Status::Failed | Status::Undelivered | Status::Canceled) => return Ok(failed(filter, scope)),
        Some(Status::Sent | Status::Delivered) | None => {}
    }
    if filter.broadcast.is_some() {
        // Its messages are the ids from $1 on and below $2.
        return Ok(messages_with("true"));
    }
    if filter.originator.is_some() {
        return Ok(of_modes(scope.mode, |test| messages_with(&format!("m.originator = $7 AND m.test = {test}"))));
    }
    if scope.account.is_some() {
        return Ok(of_modes(scope.mode, |test| messages_with(&format!("m.account_id = $4 AND m.test = {test}"))));
    }
    Ok(messages_with(if scope.mode == Some(Mode::Test) { "m.test" } else { "true" }))
}

fn messages_with(what: &str) -> String {
    format!("SELECT m.* FROM messages m WHERE {what} AND m.id >= $1 AND m.id < $2 ORDER BY m.id DESC LIMIT $3")
}

/// The messages of the rows of another table that names them.
fn of_other_table(table: &str, what: &str) -> String {
    format!(
        "SELECT m.* FROM (SELECT f.message_id FROM {table} f WHERE f.message_id >= $1 AND f.message_id < $2{what} \
         ORDER BY f.message_id DESC LIMIT $3) f JOIN LATERAL (SELECT m.* FROM messages m WHERE m.id = f.message_id \
         AND m.id >= $1 AND m.id < $2 OFFSET 0) m ON m.id = f.message_id"
    )
}

fn scheduled(scope: Scope) -> String {
    if scope.account.is_none() {
        return of_other_table("schedule", "");
    }
    of_modes(scope.mode, |test| of_other_table("schedule", &format!(" AND f.account_id = $4 AND f.test = {test}")))
}

fn failed(filter: &MessageFilter, scope: Scope) -> String {
    let status = filter.status.map_or("", Status::as_str);
    if scope.account.is_none() {
        return of_other_table("failures", &format!(" AND f.status = '{status}'"));
    }
    of_modes(scope.mode, |test| {
        let what = format!(" AND f.account_id = $4 AND f.test = {test} AND f.status = '{status}'");
        of_other_table("failures", &what)
    })
}

/// The messages to a number and those from it, of both modes: each by the index that has them in their order.
const EITHER: &str = "SELECT * FROM ( \
    (SELECT m.* FROM messages m WHERE m.recipient = $11 AND m.id >= $1 AND m.id < $2 ORDER BY m.id DESC LIMIT $3) \
    UNION ALL (SELECT m.* FROM messages m WHERE m.originator = $11 AND m.test = false AND m.recipient <> $11 \
    AND m.id >= $1 AND m.id < $2 ORDER BY m.id DESC LIMIT $3) \
    UNION ALL (SELECT m.* FROM messages m WHERE m.originator = $11 AND m.test = true AND m.recipient <> $11 \
    AND m.id >= $1 AND m.id < $2 ORDER BY m.id DESC LIMIT $3)) u ORDER BY u.id DESC LIMIT $3";

/// A reference of clients is one account's most of the time, but nothing makes it so.
const COUNT_NAMED: &str = "SELECT count(*) FROM (SELECT 1 FROM messages m WHERE m.client_reference = $1 \
    AND m.id >= $2 AND m.id < $3 LIMIT $4) x";

/// `OFFSET 0` keeps the order out of the choice of the index.
const NAMED_BY_ANYBODY: &str = "SELECT * FROM (SELECT m.* FROM messages m WHERE m.client_reference = $8 \
    AND m.id >= $1 AND m.id < $2 OFFSET 0) m ORDER BY m.id DESC LIMIT $3";
