//! What a person sent, and what is kept of the person because of it.

use model::{ErasureCounts, MessageId, Msisdn, Timestamp};
use uuid::Uuid;

use crate::fault::Fault;
use crate::unit::Unit;
use crate::{handsets, inbound_rows, rows, webhooks};
use ledger::contract::erase::ErasedInbound;

const BLANK: &str = "UPDATE inbound SET sender = CASE sender WHEN $2 THEN $3 ELSE sender END, \
    recipient = CASE recipient WHEN $2 THEN $3 ELSE recipient END, erased_at = $4 WHERE id = ANY($1)";
const BLANK_OTHERS: &str = "UPDATE inbound_others SET address = $2 WHERE address = $1";

/// Blanks at most `limit` messages of a number. The last step also removes everything else about the number.
pub(super) async fn erase(
    unit: &Unit,
    number: Msisdn,
    now: Timestamp,
    limit: usize,
) -> Result<(ErasureCounts, ErasedInbound), Fault> {
    let (was, is) = (number.to_string(), Msisdn::nobody().to_string());
    handsets::lock_numbers(unit, &[number]).await?;
    let found = messages(unit, &was, Some(limit)).await?;
    let mut erased = ErasedInbound { objects: Vec::new(), more: found.len() == limit };
    let counts = of_messages(unit, &found).await?;
    if !found.is_empty() {
        let ids: Vec<MessageId> = found.iter().map(|id| MessageId::from_bytes(id.into_bytes())).collect();
        erased.objects = inbound_rows::blank(unit, &ids).await?.objects;
        unit.execute(BLANK, &[&found, &was, &is, &now.as_millis()]).await?;
        webhooks::erase_resources(unit, &found).await?;
    }
    if !erased.more {
        unit.execute(BLANK_OTHERS, &[&was, &is]).await?;
        forget_parts(unit, &was).await?;
        forget_opt_outs(unit, number).await?;
        // Who waits for the handset makes its row again.
        unit.execute("DELETE FROM handsets WHERE number = $1", &[&was]).await?;
    }
    Ok((counts, erased))
}

/// What [`erase`] would blank in all. Changes nothing.
pub(super) async fn erasable(unit: &Unit, number: Msisdn) -> Result<ErasureCounts, Fault> {
    of_messages(unit, &messages(unit, &number.to_string(), None).await?).await
}

const MESSAGES: &str = "(SELECT id FROM inbound WHERE sender = $1 LIMIT $2) \
    UNION (SELECT id FROM inbound WHERE recipient = $1 LIMIT $2) LIMIT $2";

/// Messages that a number sent, or that were sent to it.
async fn messages(unit: &Unit, number: &str, limit: Option<usize>) -> Result<Vec<Uuid>, Fault> {
    let limit = limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let mut found: Vec<Uuid> = unit
        .query(MESSAGES, &[&number, &limit])
        .await?
        .iter()
        .map(|row| rows::get(row, 0))
        .collect::<Result<_, _>>()?;
    found.sort_unstable();
    Ok(found)
}

const HAVE: &str = "SELECT count(*), count(*) FILTER (WHERE body IS NOT NULL OR octets IS NOT NULL), \
    count(*) FILTER (WHERE media <> '') FROM inbound WHERE id = ANY($1)";

async fn of_messages(unit: &Unit, ids: &[Uuid]) -> Result<ErasureCounts, Fault> {
    let have = unit.one(HAVE, &[&ids]).await?;
    Ok(ErasureCounts {
        messages: rows::count(&have, 0)?,
        texts: rows::count(&have, 1)?,
        media: rows::count(&have, 2)?,
        ..ErasureCounts::default()
    })
}

const DELETE_PARTS: &str =
    "DELETE FROM inbound_parts WHERE join_id = ANY(ARRAY(SELECT id FROM inbound_joins WHERE sender = $1))";
const DELETE_JOINS: &str = "DELETE FROM inbound_joins WHERE sender = $1";

async fn forget_parts(unit: &Unit, number: &str) -> Result<(), Fault> {
    unit.execute(DELETE_PARTS, &[&number]).await?;
    unit.execute(DELETE_JOINS, &[&number]).await.map(drop)
}

const DELETE_AUTOMATIC: &str = "DELETE FROM automatic_messages WHERE number = $1";
const BLANK_REASONS: &str = "UPDATE opt_outs SET reason = NULL WHERE number = $1 AND reason IS NOT NULL";
const DELETE_HISTORY: &str = "DELETE FROM opt_out_history WHERE number = $1";
const BEGIN_HISTORY: &str = "INSERT INTO opt_out_history (account_id, test, number, sender, is_out, source, keyword, \
    message_id, reason, at) SELECT account_id, test, number, sender, true, source, keyword, message_id, NULL, at \
    FROM opt_outs WHERE number = $1 ORDER BY id";

/// Opt-outs stay in force without their reasons. Their history begins anew with them.
async fn forget_opt_outs(unit: &Unit, number: Msisdn) -> Result<(), Fault> {
    let number = number.to_u64().cast_signed();
    for sql in [DELETE_AUTOMATIC, BLANK_REASONS, DELETE_HISTORY, BEGIN_HISTORY] {
        unit.execute(sql, &[&number]).await?;
    }
    Ok(())
}
