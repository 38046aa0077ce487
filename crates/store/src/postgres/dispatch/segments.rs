//! Segments that carriers took, filed so that their receipts find them.

use model::CarrierName;

use crate::contract::dispatch::Outcome;
use crate::contract::receipts::KEY_BYTES_MAX;
use crate::postgres::fault::Fault;
use crate::postgres::rows;
use crate::postgres::unit::Unit;

/// Whether an outcome has segments to file.
pub(super) fn are_filed(outcome: &Outcome) -> bool {
    keys(outcome).next().is_some()
}

/// The segments to file, each with its number and its key.
fn keys(outcome: &Outcome) -> impl Iterator<Item = (u16, &str)> {
    outcome.accepted.iter().filter_map(|segment| {
        let key = segment.key.as_deref()?;
        (key.len() <= KEY_BYTES_MAX).then_some((segment.number, key))
    })
}

/// Has those who park receipts wait until this transaction is over: of an acknowledgement and a receipt at the same time,
/// the later one finds the earlier one.
pub(super) async fn take_latch(unit: &Unit) -> Result<(), Fault> {
    unit.one("SELECT 1 FROM latches WHERE name = 'parking' FOR SHARE", &[]).await.map(drop)
}

const FILE: &str = "INSERT INTO segments (carrier, key, message_id, number, total, recipient, fate) \
    SELECT *, '' FROM unnest($1::text[], $2::text[], $3::uuid[], $4::integer[], $5::integer[], $6::text[]) \
    ON CONFLICT DO NOTHING";

/// Files what the carriers took. Returns the carriers and keys under which it is filed.
pub(super) async fn file(
    unit: &Unit,
    outcomes: impl Iterator<Item = &Outcome>,
) -> Result<Vec<(CarrierName, String)>, Fault> {
    let taken: Vec<(&Outcome, u16, &str)> =
        outcomes.flat_map(|outcome| keys(outcome).map(move |(number, key)| (outcome, number, key))).collect();
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    macro_rules! column {
        ($outcome:ident, $number:ident, $key:ident => $value:expr) => {
            &taken.iter().map(|($outcome, $number, $key)| $value).collect::<Vec<_>>()
        };
    }
    unit.execute(
        FILE,
        &[
            column!(outcome, _number, _key => outcome.carrier.as_str()),
            column!(_outcome, _number, key => rows::kept(key)),
            column!(outcome, _number, _key => rows::id(outcome.id.to_bytes())),
            column!(_outcome, number, _key => i32::from(*number)),
            column!(outcome, _number, _key => i32::from(outcome.total)),
            column!(outcome, _number, _key => outcome.recipient.digits().to_string()),
        ],
    )
    .await?;
    let filed =
        |(outcome, _, key): &(&Outcome, u16, &str)| Some((outcome.carrier.carrier()?.clone(), (*key).to_owned()));
    Ok(taken.iter().filter_map(filed).collect())
}
