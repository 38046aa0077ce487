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

/// Passes the gate together with others who record outcomes: after the locks on their messages, and before segments are
/// filed and parked receipts are looked for.
pub(in crate::postgres) async fn pass(unit: &Unit) -> Result<(), Fault> {
    unit.execute(SHARE, &[]).await.map(drop)
}

/// Passes the gate alone, in order to park receipts.
pub(super) async fn pass_alone(unit: &Unit) -> Result<(), Fault> {
    unit.execute(ALONE, &[]).await.map(drop)
}
