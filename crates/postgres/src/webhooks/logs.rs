//! The rows of logs.

use model::{Owner, Timestamp};

use crate::fault::Fault;
use crate::unit::Unit;
use crate::{listeners, rows};

const NUMBER: &str = "SELECT log FROM webhook_logs WHERE account_id = $1 AND test = $2";
const OPEN: &str = "INSERT INTO webhook_logs (account_id, test) VALUES ($1, $2) RETURNING log";
const FOLLOW: &str = "UPDATE webhook_logs SET followed_until = greatest(followed_until, $2) WHERE log = $1";
/// Whether the log is followed for longer than a transaction takes, so that each one under way writes it.
const IS_FOLLOWED: &str = "SELECT log FROM webhook_logs WHERE account_id = $1 AND test = $2 \
    AND followed_until > (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 60000";

/// The number of an owner's log.
pub(super) async fn number(unit: &Unit, owner: Owner) -> Result<Option<u32>, Fault> {
    let account = rows::id(owner.account.to_bytes());
    let found = unit.find(NUMBER, &[&account, &rows::is_test(owner.mode)]).await?;
    found.map(|row| rows::count(&row, 0)).transpose()
}

/// The log of an owner, made where there is none. Whoever calls this is alone ([`listeners::begin`]).
pub(super) async fn open(unit: &Unit, owner: Owner) -> Result<i64, Fault> {
    let (account, test) = (rows::id(owner.account.to_bytes()), rows::is_test(owner.mode));
    let row = match unit.find(NUMBER, &[&account, &test]).await? {
        Some(row) => row,
        None => unit.one(OPEN, &[&account, &test]).await?,
    };
    rows::get(&row, 0)
}

/// Writes an owner's log until this moment at least.
pub(super) async fn follow(unit: &Unit, owner: Owner, until: Timestamp) -> Result<(), Fault> {
    let account = rows::id(owner.account.to_bytes());
    let log = match unit.find(IS_FOLLOWED, &[&account, &rows::is_test(owner.mode)]).await? {
        Some(row) => rows::get(&row, 0)?,
        None => {
            listeners::begin(unit).await?;
            open(unit, owner).await?
        }
    };
    unit.execute(FOLLOW, &[&log, &until.as_millis()]).await.map(drop)
}
