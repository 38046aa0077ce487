//! What the writer knows of rules for texts: a message that ends loses its text where a rule says so.

use std::collections::{BTreeMap, BTreeSet};

use model::{AccountId, TextRetention};
use rusqlite::Connection;

use ledger::contract::retention::Walk;

/// What the writer knows of rules for texts without asking the file.
#[derive(Default)]
pub(super) struct TextRules {
    /// Accounts whose texts go with the end of their message.
    discarding: BTreeSet<AccountId>,
    /// How far the walks through texts have come on disk.
    pub(super) passed: BTreeMap<Walk, u128>,
    /// From which id on texts of each walk are young, as the last step had it.
    pub(super) young_from: BTreeMap<Walk, u128>,
}

impl TextRules {
    /// Reads the state of the file, at the start and after a transaction that was rolled back.
    pub(super) fn load(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut select = connection.prepare_cached(DISCARDING)?;
        self.discarding = select
            .query_map([], |row| row.get(0).map(AccountId::from_bytes))?
            .collect::<rusqlite::Result<BTreeSet<_>>>()?;
        self.passed = passed(connection)?;
        Ok(())
    }

    /// An account has this rule from now on.
    pub(super) fn set(&mut self, account: AccountId, rule: Option<TextRetention>) {
        if rule == Some(TextRetention::Discard) {
            self.discarding.insert(account);
        } else {
            self.discarding.remove(&account);
        }
    }

    /// Whether the text of a message goes with its end: its account keeps none, or it is so old that a walk has passed
    /// it or is about to. No id for a message that leaves later: its age says nothing, and no walk passes it.
    pub(super) fn goes_with_message(&self, account: AccountId, id: Option<u128>) -> bool {
        match id {
            Some(id) => self.goes(account, id, [Walk::Texts(None), Walk::Texts(Some(account))]),
            None => self.discarding.contains(&account),
        }
    }

    /// The same of a broadcast.
    pub(super) fn goes_with_broadcast(&self, account: AccountId, id: u128) -> bool {
        self.goes(account, id, [Walk::BroadcastTexts(None), Walk::BroadcastTexts(Some(account))])
    }

    fn goes(&self, account: AccountId, id: u128, walks: [Walk; 2]) -> bool {
        let is_old = |walk: &Walk| {
            self.passed.get(walk).is_some_and(|passed| id <= *passed)
                || self.young_from.get(walk).is_some_and(|young| id < *young)
        };
        self.discarding.contains(&account) || walks.iter().any(is_old)
    }
}

/// How far the walks through texts have come on disk.
fn passed(connection: &Connection) -> rusqlite::Result<BTreeMap<Walk, u128>> {
    let mut passed = BTreeMap::new();
    for (name, walk) in
        [("texts", Walk::Texts as fn(Option<AccountId>) -> Walk), ("broadcast_texts", Walk::BroadcastTexts)]
    {
        let mut select = connection.prepare_cached(MARKS)?;
        let mut found = select.query([name])?;
        while let Some(row) = found.next()? {
            let (account, id): (Vec<u8>, [u8; 16]) = (row.get(0)?, row.get(1)?);
            let account = <[u8; 16]>::try_from(account).ok().map(AccountId::from_bytes);
            passed.insert(walk(account), u128::from_be_bytes(id));
        }
    }
    Ok(passed)
}

const DISCARDING: &str = "SELECT id FROM accounts INDEXED BY accounts_retention WHERE retention IS NOT NULL \
    AND id >= x'' AND retention = 'discard'";
const MARKS: &str = "SELECT account_id, id FROM retention_marks WHERE walk = ?1";

/// Every statement of this file.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[DISCARDING, MARKS];
