//! Blocks that the operator sets and lifts.

use model::number::{Block, BlockKind};
use model::{AccountId, Originator};
use store::StoreError;

use super::TenantBook;
use super::order::{BlockName, Listed};

impl TenantBook {
    /// Blocks of this kind, of this account (`None` does not narrow), in order of their numbers, beginning after
    /// `after`: at most `limit`.
    pub fn blocks(
        &self,
        kind: Option<BlockKind>,
        account: Option<AccountId>,
        after: Option<&BlockName>,
        limit: usize,
    ) -> Listed<Block> {
        let tables = self.read();
        tables.order.blocks_after(kind, account, after, limit).look_up(|name| tables.blocks.get(name))
    }

    /// Every block of a number: those that hold for all accounts, and those of one.
    pub fn blocks_of_number(&self, number: Originator) -> Vec<Block> {
        let tables = self.read();
        tables.order.blocks_of_number(number).filter_map(|name| tables.blocks.get(&name).cloned()).collect()
    }

    /// Blocks a number, for one account or for all.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown account.
    pub async fn put_block(
        &self,
        number: Originator,
        kind: BlockKind,
        account: Option<AccountId>,
        reason: Option<String>,
    ) -> Result<Block, StoreError> {
        let block = Block { number, kind, account, reason, created_at: self.clock.now() };
        self.store.put_block(block.clone()).await?;
        self.follow().await?;
        Ok(block)
    }

    /// Lifts a block.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn delete_block(
        &self,
        number: Originator,
        kind: BlockKind,
        account: Option<AccountId>,
    ) -> Result<(), StoreError> {
        self.store.delete_block(number, kind, account, self.clock.now()).await?;
        self.follow().await
    }
}
