//! The way back: receipts find their segments, or wait for them.
//!
//! Reading order: [`records`] (what a receipt means), [`settle`] (what follows), [`gate`], [`park`] and [`shelves`]
//! (what waits for its acknowledgement), [`entries`] (its rows), [`filing`] and [`parked`] (the acknowledgement comes),
//! [`held`] and [`waits`] (it never comes).

mod entries;
pub(super) mod filing;
pub(super) mod gate;
mod held;
mod park;
pub(super) mod parked;
mod records;
mod settle;
mod shelves;
mod waits;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{CarrierName, MessageId, Timestamp, Unmatched};

use self::records::{Meaning, Records};
use self::settle::{Meant, settle};
use super::Postgres;
use super::batch::Batch;
use super::core::Core;
use super::fault::Fault;
use super::unit::Unit;
use ledger::StoreError;
use ledger::contract::receipts::{HeldStep, Receipt, ReceiptOutcome, Receipts, Refused, WaitStep};

/// Receipts come so often that their calls share transactions.
pub(super) struct Hearing(Batch<Vec<Receipt>, Vec<ReceiptOutcome>>);

impl Hearing {
    /// Begins to take calls.
    pub(super) fn start(core: &Arc<Core>) -> Self {
        let record = Arc::clone(core);
        Self(Batch::start(Arc::clone(&core.runtime), move |calls: Vec<Arc<Vec<Receipt>>>| {
            let core = Arc::clone(&record);
            Box::pin(async move {
                let work = core.write_group(calls.len(), calls, |unit, calls| Box::pin(record_calls(unit, calls)));
                Ok(work.await?.into_iter().map(Ok).collect())
            })
        }))
    }

    /// Finishes the calls that have come, and takes no more.
    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

#[async_trait]
impl Receipts for Postgres {
    async fn record_receipts(&self, receipts: Vec<Receipt>) -> Result<Vec<ReceiptOutcome>, StoreError> {
        let items = receipts.len();
        self.hearing.0.call(receipts, items).await
    }

    async fn record_refused(&self, refused: Vec<Refused>) -> Result<(), StoreError> {
        self.core.write(refused, |unit, refused| Box::pin(entries::keep_refused(unit, refused))).await
    }

    async fn settle_held(
        &self,
        now: Timestamp,
        unclaimed: Duration,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<HeldStep, StoreError> {
        self.core
            .write((now, unclaimed, after, limit), |unit, (now, unclaimed, after, limit)| {
                Box::pin(held::settle_held(unit, *now, *unclaimed, *after, *limit))
            })
            .await
    }

    async fn forget_parked(
        &self,
        now: Timestamp,
        kept: Duration,
        limit: usize,
    ) -> Result<Vec<CarrierName>, StoreError> {
        self.core
            .write((now, kept, limit), |unit, (now, kept, limit)| {
                Box::pin(entries::forget(unit, *now - *kept, *now, *limit))
            })
            .await
    }

    async fn end_waits(&self, now: Timestamp, limit: usize) -> Result<WaitStep, StoreError> {
        self.core.write((now, limit), |unit, (now, limit)| Box::pin(waits::end_waits(unit, *now, *limit))).await
    }

    async fn unmatched(&self, carrier: &str, limit: usize) -> Result<Vec<Unmatched>, StoreError> {
        self.core
            .read((carrier.to_owned(), limit), |unit, (carrier, limit)| {
                Box::pin(entries::unmatched(unit, carrier, *limit))
            })
            .await
    }

    async fn count_unmatched(&self, carrier: &str) -> Result<u64, StoreError> {
        self.core.read(carrier.to_owned(), |unit, carrier| Box::pin(entries::count_unmatched(unit, carrier))).await
    }
}

/// Records the receipts of several calls, one after the other.
async fn record_calls(unit: &mut Unit, calls: &[Arc<Vec<Receipt>>]) -> Result<Vec<Vec<ReceiptOutcome>>, Fault> {
    let mut outcomes = record(unit, calls.iter().flat_map(|call| call.iter()).collect()).await?.into_iter();
    Ok(calls.iter().map(|call| outcomes.by_ref().take(call.len()).collect()).collect())
}

/// Records receipts, one after the other: first those that mean segments, then the others, which are parked.
async fn record(unit: &mut Unit, receipts: Vec<&Receipt>) -> Result<Vec<ReceiptOutcome>, Fault> {
    let mut records = Records::default();
    let look =
        |records: &mut Records| receipts.iter().map(|receipt| records.meaning(receipt, None)).collect::<Vec<_>>();
    let meanings = records.decide(unit, look).await?;
    let (mut keys, mut meant, mut unmatched) = (Vec::with_capacity(receipts.len()), Vec::new(), Vec::new());
    for (receipt, meaning) in receipts.iter().copied().zip(meanings) {
        if let Meaning::Segment(key, filed) = meaning {
            keys.push(Some(key));
            meant.push(Meant { receipt, filed });
        } else {
            keys.push(None);
            unmatched.push(park::Unmatched { receipt, meaning });
        }
    }
    let mut settled = settle(unit, &meant).await?.into_iter();
    let ids: BTreeSet<MessageId> = meant.iter().map(|meant| meant.filed.id).collect();
    let mut parked = park::park(unit, &unmatched, &records, &ids).await?.into_iter();
    let outcome = |key: Option<usize>| match key {
        Some(key) if settled.next() == Some(true) => ReceiptOutcome::Matched { key },
        Some(_) => ReceiptOutcome::Repeated,
        None => match parked.next().unwrap_or_default() {
            0 => ReceiptOutcome::Parked,
            dropped => ReceiptOutcome::Crowded { dropped },
        },
    };
    Ok(keys.into_iter().map(outcome).collect())
}
