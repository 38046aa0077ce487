//! Whoever parks receipts and whoever records outcomes pass the same gate, so that of an acknowledgement and a receipt
//! that come at the same time, the later one finds the earlier one.
//!
//! Outcomes pass it together. Whoever parks passes it alone and then looks for segments once more: by then every
//! outcome that passed before is committed, and those that pass later find what was parked. The gate is a table without
//! rows and not a row of `latches`, because those who wait for a table have their turn in the order in which they came.
//! Whoever wants a row alone waits as long as others share it, and many transactions with outcomes, one after the
//! other, would keep receipts waiting without end.

use super::super::fault::Fault;
use super::super::unit::Unit;

const SHARE: &str = "LOCK TABLE parking_gate IN ROW SHARE MODE";
const ALONE: &str = "LOCK TABLE parking_gate IN EXCLUSIVE MODE";

/// Passes the gate together with others who record outcomes, and then files segments: after the locks on their
/// messages, and before parked receipts are looked for. Both are sent together.
pub(crate) async fn pass_and<T>(unit: &Unit, file: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    // So that nothing is sent ahead of the lock.
    unit.prepare(SHARE).await?;
    let (_, filed) = tokio::try_join!(biased; unit.execute(SHARE, &[]), file)?;
    Ok(filed)
}

/// Passes the gate alone, in order to park receipts.
pub(super) async fn pass_alone(unit: &Unit) -> Result<(), Fault> {
    unit.execute(ALONE, &[]).await.map(drop)
}
