//! Segments get the fates that receipts say, and their messages what follows.

use std::collections::{BTreeMap, BTreeSet};

use model::MessageId;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::unit::Unit;
use super::super::{events, life, rows};
use ledger::contract::receipts::Receipt;
use ledger::life::Life;
use ledger::receipts::words::fate_word;
use ledger::receipts::{Filed, settling};

/// A receipt and the segment that it means, as it stands when the receipt has its turn.
pub(super) struct Meant<'r> {
    pub(super) receipt: &'r Receipt,
    pub(super) filed: Filed,
}

impl Meant<'_> {
    /// Whether it gives the segment its fate.
    const fn settles(&self) -> bool {
        self.receipt.fate.is_final() && !self.filed.fate.is_final()
    }
}

/// Applies receipts, one after the other. Says of each whether its segment had no fate before. What another transaction
/// has settled meanwhile is looked at again.
pub(super) async fn settle(unit: &mut Unit, meant: &[Meant<'_>]) -> Result<Vec<bool>, Fault> {
    let mut lives = life::lock(unit, meant.iter().map(|meant| meant.filed.id)).await?;
    give_fates(unit, meant.iter().filter(|meant| meant.settles() && lives.contains_key(&meant.filed.id))).await?;
    let noted = meant.iter().filter(|meant| !meant.settles()).map(|meant| meant.filed.id).collect();
    let mut known = known_events(unit, noted).await?;
    let (mut told, mut changed) = (Vec::with_capacity(meant.len()), BTreeSet::new());
    for one in meant {
        let Meant { receipt, filed } = one;
        let Some(life) = lives.get_mut(&filed.id) else {
            told.push(false);
            continue;
        };
        let known = known.entry(filed.id).or_default();
        if one.settles() {
            settling::settle(life, filed, receipt);
            changed.insert(filed.id);
            *known += 1;
        } else if let Some(event) = settling::note(filed, receipt, *known) {
            life.events.push(event);
            *known += 1;
        }
        told.push(!filed.fate.is_final());
    }
    let (changed, noted): (Vec<Life>, Vec<Life>) = lives.into_values().partition(|life| changed.contains(&life.id));
    unit.events.extend(noted.into_iter().flat_map(|life| life.events));
    life::save(unit, changed).await?;
    Ok(told)
}

/// Writes fates, whose messages are locked.
async fn give_fates<'m>(unit: &Unit, meant: impl Iterator<Item = &'m Meant<'m>>) -> Result<(), Fault> {
    let meant: Vec<&Meant<'_>> = meant.collect();
    macro_rules! column {
        ($meant:ident => $value:expr) => {
            &meant.iter().map(|$meant| $value).collect::<Vec<_>>()
        };
    }
    let ids: Vec<Uuid> = meant.iter().map(|meant| rows::id(meant.filed.id.to_bytes())).collect();
    let (Some(low), Some(high)) = (ids.iter().min(), ids.iter().max()) else { return Ok(()) };
    let given = unit
        .execute(
            GIVE,
            &[
                column!(meant => meant.receipt.carrier.as_str()),
                column!(meant => rows::kept(&meant.filed.key)),
                &ids,
                column!(meant => i32::from(meant.filed.number)),
                column!(meant => fate_word(meant.receipt.fate)),
                low,
                high,
            ],
        )
        .await?;
    if given == meant.len() as u64 { Ok(()) } else { Err(Fault::Overtaken) }
}

/// How many events of receipts these messages have.
async fn known_events(unit: &mut Unit, ids: BTreeSet<MessageId>) -> Result<BTreeMap<MessageId, u64>, Fault> {
    let ids: Vec<Uuid> = ids.into_iter().map(|id| rows::id(id.to_bytes())).collect();
    let (Some(low), Some(high)) = (ids.first(), ids.last()) else { return Ok(BTreeMap::new()) };
    events::write(unit).await?;
    let known = unit.query(KNOWN, &[&ids, low, high]).await?;
    known.iter().map(|row| Ok((MessageId::from_bytes(rows::octets(row, 0)?), rows::count(row, 1)?))).collect()
}

const GIVE: &str = "UPDATE segments s SET fate = n.fate \
    FROM unnest($1::text[], $2::text[], $3::uuid[], $4::integer[], $5::text[]) n(carrier, key, id, number, fate) \
    WHERE s.carrier = n.carrier AND s.key = n.key AND s.message_id = n.id AND s.number = n.number AND s.fate = '' \
    AND s.message_id BETWEEN $6 AND $7";

const KNOWN: &str = "SELECT message_id, count(*) FROM events WHERE message_id = ANY($1) \
    AND message_id BETWEEN $2 AND $3 AND kind = 'receipt' GROUP BY message_id";
