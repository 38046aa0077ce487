//! Texts: those that are old, and those that go with the end of their message or broadcast.
//!
//! A walk leaves the text of a message that has not ended, and whoever ends the message removes it then. So that one of
//! the two does, the walk locks the message before it writes its mark, and whoever ends it locks it before the marks
//! are read.

use std::collections::BTreeSet;

use model::{AccountId, BroadcastId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use super::ended::{allowed, lock_ended, lock_over};
use ledger::life::Life;

const HAVE_ENDED: &str = "SELECT message_id, status NOT IN ('scheduled', 'queued') AND receipt_by IS NULL \
    FROM delivery \
    WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3";
const ARE_OVER: &str = "SELECT broadcast_id, status NOT IN ('queued', 'sending') FROM broadcast_progress \
    WHERE broadcast_id = ANY($1)";

/// Removes the texts and the media of those of these messages that have ended. Returns how many had any.
pub(super) async fn blank_old(unit: &Unit, ids: &[Uuid]) -> Result<u64, Fault> {
    let (Some(low), Some(high)) = (ids.iter().min(), ids.iter().max()) else { return Ok(0) };
    // What has ended is not locked: nearly all has, and it stays so.
    let mut ended = allowed(&unit.query(HAVE_ENDED, &[&ids, low, high]).await?)?;
    ended.extend(lock_ended(unit, &others(ids, &ended)).await?);
    blank_messages(unit, &ended).await
}

/// The same of broadcasts.
pub(super) async fn blank_old_broadcasts(unit: &Unit, ids: &[Uuid]) -> Result<u64, Fault> {
    let mut over = allowed(&unit.query(ARE_OVER, &[&ids]).await?)?;
    over.extend(lock_over(unit, &others(ids, &over)).await?);
    blank_broadcasts(unit, &over).await
}

fn others(ids: &[Uuid], those: &[Uuid]) -> Vec<Uuid> {
    let those: BTreeSet<&Uuid> = those.iter().collect();
    ids.iter().filter(|id| !those.contains(id)).copied().collect()
}

/// No walk passes what leaves later: its age is not that of its id.
const GOING: &str = "SELECT n.id FROM unnest($1::uuid[], $2::uuid[], $5::boolean[]) AS n(id, account, later) \
    WHERE EXISTS (SELECT 1 FROM accounts a WHERE a.id = n.account AND a.retention = 'discard') \
    OR NOT n.later AND EXISTS (SELECT 1 FROM retention_marks r WHERE r.walk = $3 \
    AND r.account_id IN (n.account, $4) AND r.id >= n.id)";

/// Removes the texts that go with the end of their messages: of accounts that keep none, and those that a walk has
/// passed. The messages are locked.
pub(crate) async fn blank_ended(unit: &Unit, lives: &[Life]) -> Result<(), Fault> {
    let ended = || lives.iter().filter(|life| life.ends());
    let ids: Vec<Uuid> = ended().map(|life| rows::id(life.id.to_bytes())).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let accounts: Vec<Uuid> = ended().map(|life| rows::id(life.account.to_bytes())).collect();
    let later: Vec<bool> = ended().map(Life::leaves_later).collect();
    let going = unit.query(GOING, &[&ids, &accounts, &"texts", &rows::NO_ACCOUNT, &later]).await?;
    let going: Vec<Uuid> = going.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    blank_messages(unit, &going).await.map(drop)
}

/// The same of a broadcast that is not open any more. Its counts are locked.
pub(crate) async fn blank_ended_broadcast(unit: &Unit, account: AccountId, id: BroadcastId) -> Result<(), Fault> {
    let (ids, accounts) = ([rows::id(id.to_bytes())], [rows::id(account.to_bytes())]);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&&ids[..], &&accounts[..], &"broadcast_texts", &rows::NO_ACCOUNT, &&[false][..]];
    if unit.find(GOING, &values).await?.is_some() {
        blank_broadcasts(unit, &ids).await?;
    }
    Ok(())
}

const BLANK: &str = "WITH found AS (SELECT id, media_id FROM messages WHERE id = ANY($1) AND id BETWEEN $2 AND $3 \
    AND (body IS NOT NULL OR media_url IS NOT NULL OR media_id IS NOT NULL) ORDER BY id FOR UPDATE), \
    blanked AS (UPDATE messages m SET body = NULL, media_url = NULL, media_id = NULL FROM found f \
    WHERE m.id = f.id AND m.id BETWEEN $2 AND $3) SELECT media_id FROM found";
const BLANK_BROADCASTS: &str = "WITH found AS (SELECT id, media_id FROM broadcasts WHERE id = ANY($1) \
    AND (body IS NOT NULL OR media_url IS NOT NULL OR media_id IS NOT NULL) ORDER BY id FOR UPDATE), \
    blanked AS (UPDATE broadcasts b SET body = NULL, media_url = NULL, media_id = NULL FROM found f \
    WHERE b.id = f.id) SELECT media_id FROM found";
const LET_GO: &str = "WITH found AS (SELECT id FROM media WHERE id = ANY($1) ORDER BY id FOR UPDATE) \
    UPDATE media m SET unneeded_since = 0 FROM found f WHERE m.id = f.id";

/// Removes the texts of messages and where their media came from, and lets their media go that nothing else needs.
/// Returns how many had any.
async fn blank_messages(unit: &Unit, ids: &[Uuid]) -> Result<u64, Fault> {
    let (Some(low), Some(high)) = (ids.iter().min(), ids.iter().max()) else { return Ok(0) };
    let blanked = unit.query(BLANK, &[&ids, low, high]).await?;
    let_go(unit, &blanked).await?;
    Ok(blanked.len() as u64)
}

async fn blank_broadcasts(unit: &Unit, ids: &[Uuid]) -> Result<u64, Fault> {
    if ids.is_empty() {
        return Ok(0);
    }
    let blanked = unit.query(BLANK_BROADCASTS, &[&ids]).await?;
    let_go(unit, &blanked).await?;
    Ok(blanked.len() as u64)
}

/// Has the media in the first column go with the next sweep, if nothing else needs them.
pub(super) async fn let_go(unit: &Unit, of: &[Row]) -> Result<(), Fault> {
    let media: Vec<Option<Uuid>> = of.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    let media: Vec<Uuid> = media.into_iter().flatten().collect();
    if !media.is_empty() {
        unit.execute(LET_GO, &[&media]).await?;
    }
    Ok(())
}
