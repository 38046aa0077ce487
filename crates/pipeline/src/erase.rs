//! Erasure of a person: finds everything about a number, and has the store blank it in small steps.
//!
//! An erasure is recorded before it begins, and a task works on the recorded ones, so the next process finishes an
//! erasure that a process left unfinished. An erasure ends when nothing about the number is left, no attempt of its
//! messages is under way, and the store's log is empty.

use std::sync::Arc;
use std::time::Duration;

use model::{Entropy, Erasure, ErasureCounts, ErasureId, MessageId, Msisdn};
use runtime::Runtime;
use store::contract::erase::NewErasure;
use store::contract::messages::MessageFilter;
use store::{Store, StoreError};
use tokio::sync::Notify;

use crate::expand::Bell;
use crate::media::Shelf;
use crate::tenants::TenantBook;

/// How many messages are blanked in one transaction: few, so that a write beside them waits for a few milliseconds.
const STEP: usize = 25;

/// How long there is nothing of an erasure to do for the store between two steps.
const REST: Duration = Duration::from_millis(5);

/// The time between two checks whether the attempts under way have ended.
const LOOK: Duration = Duration::from_millis(500);

/// The time between two attempts to empty the log. Readers use it for moments.
const TRIES: usize = 100;

/// The pause after a failure of the store.
const STORE_REST: Duration = Duration::from_secs(1);

/// Erasures that run at once; others wait.
const OPEN_MAX: usize = 100;

/// The admin API's part.
pub(crate) struct Erasing {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Rung when an erasure was recorded.
    pub(crate) wake: Arc<Notify>,
}

impl Erasing {
    /// Records an erasure. If one of this number is under way, returns that one instead.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] for a number that is a sender.
    pub(crate) async fn begin(
        &self,
        number: Msisdn,
        operator: String,
        reference: Option<String>,
    ) -> Result<Erasure, StoreError> {
        let at = self.runtime.now();
        let id = ErasureId::new(at, &*self.entropy);
        let digest = self.tenants.digest_of_number(number);
        let erasure = self.store.begin_erasure(NewErasure { id, number, digest, operator, reference, at }).await?;
        self.wake.notify_one();
        tracing::info!(erasure.id = %erasure.id, "Erasure {} of a number has begun", erasure.id);
        Ok(erasure)
    }

    /// The data that an erasure of the number would remove or blank now. Changes nothing.
    pub(crate) async fn look(&self, number: Msisdn) -> Result<ErasureCounts, StoreError> {
        if self.tenants.number(number.into()).is_some() {
            return Err(StoreError::AlreadyExists);
        }
        let mut counts = ErasureCounts::default();
        let mut after = None;
        loop {
            let packed = self.store.packed_with(number, after).await?;
            counts.recipients += packed.recipients;
            after = packed.next;
            if after.is_none() {
                break;
            }
        }
        counts = counts.and(self.store.erasable_inbound(number).await?);
        for filter in filters(number) {
            let mut after = None;
            loop {
                let (found, next) = page(&*self.store, filter.clone(), after).await?;
                counts = counts.and(self.store.erasable(number, found).await?);
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        let mut after = None;
        loop {
            let receipts = self.store.receipts_of(number, after).await?;
            counts.receipts += receipts.places.len() as u64;
            after = receipts.next;
            if after.is_none() {
                return Ok(counts);
            }
        }
    }
}

/// The messages of a number: those to it, and those from it.
fn filters(number: Msisdn) -> [MessageFilter; 2] {
    let (recipient, originator) = (Some(number), Some(number.into()));
    [MessageFilter { recipient, ..MessageFilter::default() }, MessageFilter { originator, ..MessageFilter::default() }]
}

/// The messages of a filter, and the start of the next page.
async fn page(
    store: &dyn Store,
    filter: MessageFilter,
    after: Option<MessageId>,
) -> Result<(Vec<MessageId>, Option<MessageId>), StoreError> {
    let page = store.messages(None, filter, after, STEP).await?;
    Ok((page.messages.iter().map(|record| record.message.id).collect(), page.next))
}

/// Works on the recorded erasures.
pub(crate) struct Eraser {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) wake: Arc<Notify>,
}

impl Eraser {
    /// Erases until the future is dropped.
    pub(crate) async fn run(self) {
        loop {
            match self.round().await {
                Ok(true) => {}
                Ok(false) => self.wake.notified().await,
                Err(error) => {
                    tracing::warn!(%error, "An erasure failed for now and continues later: {error}");
                    self.runtime.sleep(STORE_REST).await;
                }
            }
        }
    }

    /// Finishes the recorded erasures. Returns whether there was one.
    async fn round(&self) -> Result<bool, StoreError> {
        let open = self.store.open_erasures(OPEN_MAX).await?;
        for (id, number) in &open {
            self.finish(*id, *number).await?;
        }
        Ok(!open.is_empty())
    }

    async fn finish(&self, id: ErasureId, number: Option<Msisdn>) -> Result<(), StoreError> {
        if let Some(number) = number {
            self.erase(id, number).await?;
            // The log is emptied behind it, so that no file has the number when the erasure has ended.
            self.store.forget_number(id).await?;
        }
        self.empty_log(id).await?;
        let erasure = self.store.end_erasure(id, self.runtime.now()).await?;
        report(&erasure);
        Ok(())
    }

    async fn erase(&self, id: ErasureId, number: Msisdn) -> Result<(), StoreError> {
        self.erase_packed(id, number).await?;
        let mut under_way = Vec::new();
        for filter in filters(number) {
            self.erase_messages(id, filter, &mut under_way).await?;
        }
        self.erase_inbound(id).await?;
        while !under_way.is_empty() {
            self.runtime.sleep(LOOK).await;
            let mut still = Vec::new();
            for some in under_way.chunks(STEP) {
                still.extend(self.step(id, some.to_vec()).await?);
            }
            under_way = still;
        }
        // The receipts of what was under way have come last.
        self.erase_receipts(id, number).await?;
        self.erase_audit(id, number).await
    }

    async fn erase_packed(&self, id: ErasureId, number: Msisdn) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let packed = self.store.packed_with(number, after).await?;
            if !packed.chunks.is_empty() {
                self.store.erase_packed(id, packed.chunks).await?;
                // They have no owner now, and their next turn waits for one.
                self.bell.arrived();
            }
            after = packed.next;
            if after.is_none() {
                return Ok(());
            }
            self.runtime.sleep(REST).await;
        }
    }

    async fn erase_messages(
        &self,
        id: ErasureId,
        filter: MessageFilter,
        under_way: &mut Vec<MessageId>,
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let (found, next) = page(&*self.store, filter.clone(), after).await?;
            if !found.is_empty() {
                under_way.extend(self.step(id, found).await?);
            }
            after = next;
            if after.is_none() {
                return Ok(());
            }
            self.runtime.sleep(REST).await;
        }
    }

    async fn erase_inbound(&self, id: ErasureId) -> Result<(), StoreError> {
        loop {
            let erased = self.store.erase_inbound(id, self.runtime.now(), STEP).await?;
            for name in &erased.objects {
                self.shelf.remove_object(name).await;
            }
            if !erased.more {
                return Ok(());
            }
            self.runtime.sleep(REST).await;
        }
    }

    /// Blanks some messages. Returns those that are under way.
    async fn step(&self, id: ErasureId, messages: Vec<MessageId>) -> Result<Vec<MessageId>, StoreError> {
        let erased = self.store.erase_messages(id, messages, self.runtime.now()).await?;
        for media in &erased.media {
            self.shelf.remove(media).await;
        }
        Ok(erased.under_way)
    }

    async fn erase_receipts(&self, id: ErasureId, number: Msisdn) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let receipts = self.store.receipts_of(number, after).await?;
            for some in receipts.places.chunks(STEP) {
                self.store.erase_receipts(id, some.to_vec(), self.runtime.now()).await?;
            }
            after = receipts.next;
            if after.is_none() {
                return Ok(());
            }
            self.runtime.sleep(REST).await;
        }
    }

    async fn erase_audit(&self, id: ErasureId, number: Msisdn) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let audit = self.store.audit_of(number, after).await?;
            for some in audit.entries.chunks(STEP) {
                self.store.erase_audit(id, some.to_vec()).await?;
            }
            after = audit.next;
            if after.is_none() {
                return Ok(());
            }
            self.runtime.sleep(REST).await;
        }
    }

    /// Empties the store's log, which has the earlier content of the pages.
    async fn empty_log(&self, id: ErasureId) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            if self.store.empty_log().await? {
                return Ok(());
            }
            self.runtime.sleep(LOOK).await;
        }
        tracing::warn!(
            erasure.id = %id,
            "Data that erasure {id} removed may stay in the store's write-ahead log until the log starts again from \
             its beginning: readers use it all the time"
        );
        Ok(())
    }
}

fn report(erasure: &Erasure) {
    let (id, counts) = (erasure.id, erasure.counts);
    tracing::info!(
        erasure.id = %id,
        "Erasure {id} has ended: {} messages ({} canceled), {} texts, {} events, {} media, {} records of the screen, \
         {} receipts, {} recipients of broadcasts, {} records of requests",
        counts.messages,
        counts.canceled,
        counts.texts,
        counts.events,
        counts.media,
        counts.screenings,
        counts.receipts,
        counts.recipients,
        counts.requests
    );
}
