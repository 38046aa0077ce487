//! TODO-stub: the log of the screen.
use super::super::fault::Fault;
use super::super::unit::Unit;
pub(super) async fn insert(_: &Unit, _: &model::ScreeningRecord) -> Result<(), Fault> {
    Ok(())
}
