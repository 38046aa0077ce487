//! What a person sent, and what is kept of the person because of it.

use model::{ErasureCounts, MessageId, Msisdn, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::sqlite::writer::Group;
use crate::sqlite::{inbound_rows, webhooks};
use ledger::contract::erase::ErasedInbound;

/// Blanks at most `limit` messages of a number. The last step also removes everything else about the number.
pub(in crate::sqlite) fn erase(
    group: &mut Group,
    number: Msisdn,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<(ErasureCounts, ErasedInbound)> {
    let (was, is) = (number.to_string(), Msisdn::nobody().to_string());
    let (mut counts, mut erased) = (ErasureCounts::default(), ErasedInbound::default());
    let found = messages(&group.connection, &was, limit)?;
    erased.more = found.len() == limit;
    for id in found {
        webhooks::erase_resource(group, id.to_bytes())?;
        let connection = &group.connection;
        counts = counts.and(of_message(connection, id)?);
        erased.objects.extend(inbound_rows::blank(connection, id)?.unwrap_or_default());
        connection.prepare_cached(BLANK)?.execute(params![id.to_bytes(), was, is, now.as_millis()])?;
    }
    let connection = &group.connection;
    if !erased.more {
        connection.prepare_cached(BLANK_OTHERS)?.execute([&was, &is])?;
        forget_parts(connection, &was)?;
        forget_opt_outs(connection, number)?;
    }
    Ok((counts, erased))
}

/// What [`erase`] would blank in all. Changes nothing.
pub(in crate::sqlite) fn erasable(connection: &Connection, number: Msisdn) -> rusqlite::Result<ErasureCounts> {
    let found = messages(connection, &number.to_string(), i32::MAX as usize)?;
    found.into_iter().try_fold(ErasureCounts::default(), |all, id| Ok(all.and(of_message(connection, id)?)))
}

/// Messages that a number sent, or that were sent to it.
fn messages(connection: &Connection, number: &str, limit: usize) -> rusqlite::Result<Vec<MessageId>> {
    let mut found = Vec::new();
    for sql in [SENT, RECEIVED] {
        let mut select = connection.prepare_cached(sql)?;
        let read = |row: &Row<'_>| row.get(0).map(MessageId::from_bytes);
        let ids = select.query_map(params![number, limit - found.len()], read)?;
        found.extend(ids.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn of_message(connection: &Connection, id: MessageId) -> rusqlite::Result<ErasureCounts> {
    connection.prepare_cached(HAS)?.query_row([id.to_bytes()], |row| {
        let (text, media): (bool, bool) = (row.get(0)?, row.get(1)?);
        let (texts, media) = (u64::from(text), u64::from(media));
        Ok(ErasureCounts { messages: 1, texts, media, ..ErasureCounts::default() })
    })
}

fn forget_parts(connection: &Connection, number: &str) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached(JOINS)?;
    let joins: Vec<i64> = select.query_map([number], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for join in joins {
        connection.prepare_cached(DELETE_PARTS)?.execute([join])?;
        connection.prepare_cached(DELETE_JOIN)?.execute([join])?;
    }
    Ok(())
}

/// Opt-outs stay in force without their reasons. Their history begins anew with them.
fn forget_opt_outs(connection: &Connection, number: Msisdn) -> rusqlite::Result<()> {
    let number = number.to_u64().cast_signed();
    [DELETE_AUTOMATIC, BLANK_REASONS, DELETE_HISTORY, BEGIN_HISTORY]
        .into_iter()
        .try_for_each(|sql| connection.prepare_cached(sql)?.execute([number]).map(drop))
}

const SENT: &str = "SELECT id FROM inbound INDEXED BY inbound_from WHERE sender = ?1 LIMIT ?2";
const RECEIVED: &str = "SELECT id FROM inbound INDEXED BY inbound_to WHERE recipient = ?1 LIMIT ?2";
const HAS: &str = "SELECT body IS NOT NULL OR octets IS NOT NULL, media <> '' FROM inbound WHERE id = ?1";
const BLANK: &str = "UPDATE inbound SET sender = iif(sender = ?2, ?3, sender), \
    recipient = iif(recipient = ?2, ?3, recipient), erased_at = ?4 WHERE id = ?1";
const BLANK_OTHERS: &str = "UPDATE inbound_others INDEXED BY inbound_others_of SET address = ?2 WHERE address = ?1";
const JOINS: &str = "SELECT id FROM inbound_joins INDEXED BY inbound_joins_of WHERE sender = ?1";
const DELETE_PARTS: &str = "DELETE FROM inbound_parts WHERE join_id = ?1";
const DELETE_JOIN: &str = "DELETE FROM inbound_joins WHERE id = ?1";
const DELETE_AUTOMATIC: &str = "DELETE FROM automatic_messages WHERE number = ?1";
const BLANK_REASONS: &str =
    "UPDATE opt_outs INDEXED BY opt_outs_name SET reason = NULL WHERE number = ?1 AND reason IS NOT NULL";
const DELETE_HISTORY: &str = "DELETE FROM opt_out_history INDEXED BY opt_out_history_of WHERE number = ?1";
const BEGIN_HISTORY: &str = "INSERT INTO opt_out_history (account_id, mode, number, sender, is_out, source, keyword, \
    message_id, reason, at) SELECT account_id, mode, number, sender, 1, source, keyword, message_id, NULL, at \
    FROM opt_outs INDEXED BY opt_outs_name WHERE number = ?1";

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[
    SENT,
    RECEIVED,
    HAS,
    BLANK,
    BLANK_OTHERS,
    JOINS,
    DELETE_PARTS,
    DELETE_JOIN,
    DELETE_AUTOMATIC,
    BLANK_REASONS,
    DELETE_HISTORY,
    BEGIN_HISTORY,
];
