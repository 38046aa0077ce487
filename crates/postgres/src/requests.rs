//! Requests under way, and their answers. A key that a request holds is a row in the name of an epoch; whoever ends the
//! epoch removes its rows.

use async_trait::async_trait;

use super::admission::{AGAIN, Holding, keys, name_of_key};
use super::fault::Fault;
use super::unit::Unit;
use super::{Postgres, living, rows};
use ledger::StoreError;
use ledger::contract::nodes::Epoch;
use ledger::contract::requests::{RequestKey, Requests};

#[async_trait]
impl Requests for Postgres {
    async fn begin_request(&self, node: Epoch, key: &RequestKey) -> Result<bool, StoreError> {
        let number = self.core.next_request();
        let holding = Holding::of_beginning(&self.core, node, key, number);
        let input = (node, key, number);
        let begun =
            self.core.write(input, |unit, (node, key, number)| Box::pin(begin(unit, *node, key, *number))).await?;
        holding.keep();
        Ok(begun)
    }

    async fn record_answer(&self, node: Epoch, key: &RequestKey, body: String) -> Result<(), StoreError> {
        self.core.write((node, key, body), |unit, (node, key, body)| Box::pin(record(unit, *node, key, body))).await
    }

    async fn end_request(&self, node: Epoch, key: &RequestKey) {
        loop {
            let ended = self.core.write((node, key), |unit, (node, key)| Box::pin(end(unit, *node, key))).await;
            match ended {
                Err(StoreError::Unavailable(_)) if !self.core.is_closed() => self.core.runtime.sleep(AGAIN).await,
                _ => return,
            }
        }
    }
}

async fn begin(unit: &Unit, node: Epoch, key: &RequestKey, number: i64) -> Result<bool, Fault> {
    living::require(unit, node).await?;
    keys::begin(unit, name_of_key(key), node, number).await
}

async fn record(unit: &Unit, node: Epoch, key: &RequestKey, body: &str) -> Result<(), Fault> {
    living::require(unit, node).await?;
    let (account, test, endpoint, key) = name_of_key(key);
    // The record of a request whose person was erased meanwhile stays blank.
    let sql = "UPDATE idempotency SET answer = $5 WHERE account_id = $1 AND test = $2 AND endpoint = $3 AND key = $4 \
        AND fingerprint <> $6";
    let blank: &[u8] = &[0; 32];
    unit.execute(sql, &[&account, &test, &endpoint, &key, &rows::kept(body), &blank]).await.map(drop)
}

/// The keys of an epoch that is over are free already.
async fn end(unit: &Unit, node: Epoch, key: &RequestKey) -> Result<(), Fault> {
    let (account, test, endpoint, key) = name_of_key(key);
    let sql = "DELETE FROM held_keys WHERE account_id = $1 AND test = $2 AND endpoint = $3 AND key = $4 AND epoch = $5";
    unit.execute(sql, &[&account, &test, &endpoint, &key, &rows::epoch_number(node)]).await.map(drop)
}
