//! The segments that carriers took, filed so that their receipts find them.

use model::CarrierName;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use ledger::contract::dispatch::Outcome;
use ledger::contract::receipts::KEY_BYTES_MAX;
use ledger::receipts::numbers::key_of_recipient;

const FILE: &str = "INSERT INTO segments (carrier, key, message_id, number, total, recipient, fate) \
    SELECT n.*, '' FROM unnest($1::text[], $2::text[], $3::uuid[], $4::integer[], $5::integer[], $6::text[]) n \
    ON CONFLICT DO NOTHING";

/// A segment that is to be filed.
struct Segment<'o> {
    outcome: &'o Outcome,
    number: u16,
    key: String,
}

/// Files every segment that carriers took, whatever became of their messages. Returns under which carriers and keys,
/// for [`super::parked::apply`].
pub(crate) async fn file_segments(unit: &Unit, outcomes: &[&Outcome]) -> Result<Vec<(CarrierName, String)>, Fault> {
    let taken = outcomes.iter().flat_map(|outcome| outcome.accepted.iter().map(move |segment| (*outcome, segment)));
    let segments: Vec<Segment<'_>> = taken
        .filter_map(|(outcome, segment)| {
            let key = segment.key.clone().filter(|key| key.len() <= KEY_BYTES_MAX)?;
            Some(Segment { outcome, number: segment.number, key })
        })
        .collect();
    file(unit, &segments).await?;
    let place = |segment: Segment<'_>| Some((segment.outcome.carrier.carrier()?.clone(), segment.key));
    Ok(segments.into_iter().filter_map(place).collect())
}

/// Files held messages of one segment under their recipients.
pub(crate) async fn file_held(unit: &Unit, held: &[&Outcome]) -> Result<(), Fault> {
    let segment = |outcome: &&'_ Outcome| key_of_recipient(&outcome.recipient.digits());
    let segments: Vec<Segment<'_>> =
        held.iter().map(|outcome| Segment { outcome, number: 1, key: segment(outcome) }).collect();
    file(unit, &segments).await
}

async fn file(unit: &Unit, segments: &[Segment<'_>]) -> Result<(), Fault> {
    if segments.is_empty() {
        return Ok(());
    }
    macro_rules! column {
        ($segment:ident => $value:expr) => {
            &segments.iter().map(|$segment| $value).collect::<Vec<_>>()
        };
    }
    unit.execute(
        FILE,
        &[
            column!(segment => segment.outcome.carrier.as_str()),
            column!(segment => rows::kept(&segment.key)),
            column!(segment => rows::id(segment.outcome.id.to_bytes())),
            column!(segment => i32::from(segment.number)),
            column!(segment => i32::from(segment.outcome.total)),
            column!(segment => segment.outcome.recipient.digits().to_string()),
        ],
    )
    .await
    .map(drop)
}
