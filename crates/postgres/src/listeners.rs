//! Who listens: the consumers of the log of changes, and the owners whose events are logged.
//!
//! Who begins to listen gets everything that is committed after the call returned. So transactions hold the table
//! `listeners` together, from their look at who listens until their commit, and who begins to listen holds it alone:
//! no transaction that looked before commits later. Such a lock costs nothing while nobody waits for it, and whoever
//! waits for it is let in when it is their turn, however many others come.

use std::collections::{BTreeMap, BTreeSet};

use model::Owner;
use model::webhook::Subscription;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::fault::Fault;
use super::rows;
use super::unit::Unit;
use ledger::contract::changes::Kinds;
use ledger::event_log::Taken;

/// Who listens to the changes of a transaction.
pub(super) struct Listeners {
    /// What consumers want, all together.
    pub(super) kinds: Kinds,
    /// The logs of events of the owners whose resources changed.
    pub(super) logs: BTreeMap<Owner, Log>,
}

/// The log of an owner.
pub(super) struct Log {
    pub(super) number: i64,
    pub(super) taken: Taken,
}

const HOLD: &str = "LOCK TABLE listeners IN ROW SHARE MODE";
const HOLD_ALONE: &str = "LOCK TABLE listeners IN EXCLUSIVE MODE";
const CONSUMERS: &str = "SELECT kinds FROM change_consumers";
const LOGS: &str = "SELECT l.log, l.account_id, l.test, l.followed_until, w.events, w.broadcast_messages \
    FROM unnest($1::uuid[], $2::boolean[]) AS o(account_id, test) \
    JOIN webhook_logs l ON l.account_id = o.account_id AND l.test = o.test \
    LEFT JOIN webhook_endpoints w ON w.log = l.log AND NOT w.removed";

/// Who listens to what this transaction noted. Nobody begins to listen before it is over.
pub(super) async fn look(unit: &Unit) -> Result<Listeners, Fault> {
    let owners: BTreeSet<Owner> = unit.noted.iter().filter_map(|change| change.owner).collect();
    let (accounts, tests): (Vec<Uuid>, Vec<bool>) =
        owners.iter().map(|owner| (rows::id(owner.account.to_bytes()), rows::is_test(owner.mode))).unzip();
    let connection = unit.connection().await?;
    let hold = connection.prepare_cached(HOLD).await?;
    let (consumers, logs) = (connection.prepare_cached(CONSUMERS).await?, connection.prepare_cached(LOGS).await?);
    let of_owners: [&(dyn ToSql + Sync); 2] = [&accounts, &tests];
    // Sent together and run in this order: the looks see what the lock waited for.
    let (held, consumers, found) = tokio::join!(
        biased;
        connection.execute(&hold, &[]),
        connection.query(&consumers, &[]),
        connection.query(&logs, &of_owners),
    );
    held?;
    let mut kinds = Kinds::NONE;
    for row in consumers? {
        kinds = kinds.and(Kinds::from_bits(rows::count(&row, 0)?));
    }
    let mut logs = BTreeMap::new();
    for row in found? {
        let log = match logs.entry(rows::owner(&row, 1)?) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Log { number: rows::get(&row, 0)?, taken: Taken::until(rows::time(&row, 3)?) })
            }
        };
        if let Some(wanted) = rows::word_if_any(&row, 4, subscription)? {
            log.taken.add(&wanted, rows::get(&row, 5)?);
        }
    }
    Ok(Listeners { kinds, logs })
}

/// Begins a transaction in which somebody begins to listen: waits for those that looked, and has others look
/// afterwards. Comes before every other lock of the transaction.
pub(super) async fn begin(unit: &Unit) -> Result<(), Fault> {
    unit.execute(HOLD_ALONE, &[]).await.map(drop)
}

/// The subscription that is written so.
pub(super) fn subscription(text: &str) -> Option<Subscription> {
    Subscription::parse(text.split(' '))
}
