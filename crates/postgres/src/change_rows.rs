//! A change as the log and the news have it.

use model::{AccountId, Owner};
use tokio_postgres::Row;

use super::fault::Fault;
use super::rows;
use ledger::contract::changes::{Change, Position};
use ledger::facts;

/// The one writer of the log, which all nodes are together.
pub(super) const WRITER: u64 = 1;

/// A change from the columns that both tables have: when, the account, whether it is of the test world, and the facts.
pub(super) fn change(row: &Row, at: usize, position: Option<i64>) -> Result<Change, Fault> {
    let account = rows::octets_if_any(row, at + 1)?.map(AccountId::from_bytes);
    let mode = rows::get::<Option<bool>>(row, at + 2)?.map(rows::mode_if_test);
    let owner = account.zip(mode).map(|(account, mode)| Owner { account, mode });
    let broken = || Fault::Broken("the facts of a change cannot be read".to_owned());
    let resource = facts::decode(rows::get(row, at + 3)?).ok_or_else(broken)?;
    let position = position.map(|seq| Position { writer: WRITER, seq: seq.cast_unsigned() });
    Ok(Change { position, at: rows::time(row, at)?, owner, resource })
}
