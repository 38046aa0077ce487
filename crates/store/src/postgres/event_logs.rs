//! The logs of events.

use super::fault::Fault;
use super::unit::Unit;

/// Writes the events that the noted changes are.
pub(super) async fn write(_: &mut Unit) -> Result<(), Fault> {
    Ok(())
}
