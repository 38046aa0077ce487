//! Requests under way, and their answers.

use async_trait::async_trait;
use rusqlite::params;

use super::Sqlite;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::nodes::Epoch;
use ledger::contract::requests::{RequestKey, Requests};

#[async_trait]
impl Requests for Sqlite {
    async fn begin_request(&self, node: Epoch, key: &RequestKey) -> Result<bool, StoreError> {
        self.keys.begin(node, key)
    }

    async fn record_answer(&self, node: Epoch, key: &RequestKey, body: String) -> Result<(), StoreError> {
        let key = key.clone();
        let write = move |group: &mut Group| {
            group.living.require(node)?;
            // The record of a request whose person was erased meanwhile stays blank.
            let sql = "UPDATE idempotency SET answer = ?5 WHERE account_id = ?1 AND mode = ?2 AND endpoint = ?3 \
                AND key = ?4 AND fingerprint <> zeroblob(32)";
            let (account, mode) = (key.owner.account.to_bytes(), key.owner.mode.as_str());
            group.connection.prepare_cached(sql)?.execute(params![
                account,
                mode,
                key.endpoint.as_str(),
                key.key.as_str(),
                body
            ])?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn end_request(&self, node: Epoch, key: &RequestKey) {
        self.keys.end(node, key);
    }
}
