//! What is on record of segments, of their messages and of attempts under way, read as it is asked for.
//!
//! The rules ask and do not wait. What is not read yet is answered as if there were nothing, and noted; it is read
//! then, and the rules ask again, until they miss nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use model::status::SegmentFate;
use model::{AddressText, CarrierName, MessageId, Originator, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use ledger::contract::receipts::Receipt;
use ledger::receipts::flights::Suspicion;
use ledger::receipts::matching::{SEGMENTS_MAX, Segments, find};
use ledger::receipts::{Filed, words};

/// A carrier and a key.
type Place = (String, String);

/// What was read, and what the rules have decided since.
#[derive(Default)]
pub(super) struct Records {
    segments: BTreeMap<Place, Vec<Filed>>,
    messages: BTreeMap<MessageId, Accepted>,
    /// Attempts under way by carrier, the one that began last first.
    attempts: BTreeMap<CarrierName, Vec<UnderWay>>,
    missing: Missing,
    /// Fates that are decided and not written yet.
    decided: BTreeMap<(Place, MessageId, u16), SegmentFate>,
}

/// What the rules asked for and nobody has read.
#[derive(Default)]
struct Missing {
    segments: BTreeSet<Place>,
    messages: BTreeSet<MessageId>,
    attempts: BTreeSet<CarrierName>,
}

#[derive(Clone, Copy)]
struct Accepted {
    pub at: Timestamp,
    originator: Option<Originator>,
}

struct UnderWay {
    id: MessageId,
    /// When it began, in microseconds by the clock of the database.
    began: i64,
    recipient: String,
}

/// What a receipt means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// This segment, found by the key at this place.
    Segment(usize, Filed),
    /// Another reading of its id means a segment, but the attempt of this message may bring the id itself.
    Awaited(MessageId),
    /// Nothing that is known.
    Nothing,
}

impl Records {
    /// Decides by `rules` once they miss nothing. They run several times.
    pub(super) async fn decide<T: Send>(
        &mut self,
        unit: &Unit,
        rules: impl Fn(&mut Self) -> T + Send,
    ) -> Result<T, Fault> {
        loop {
            self.decided.clear();
            let decided = rules(self);
            let missing = std::mem::take(&mut self.missing);
            if missing.is_empty() {
                return Ok(decided);
            }
            self.read_segments(unit, missing.segments).await?;
            self.read_messages(unit, missing.messages).await?;
            self.read_attempts(unit, missing.attempts).await?;
        }
    }

    /// What a receipt means that came at `came`, in microseconds by the clock of the database; just now without one. A
    /// segment that it means has its fate from then on.
    pub(super) fn meaning(&mut self, receipt: &Receipt, came: Option<i64>) -> Meaning {
        let Ok(found) = find(self, receipt, came.is_some());
        let Some((key, filed)) = found else { return Meaning::Nothing };
        if key > 0
            && let Some(attempt) = self.awaited(receipt, &filed, came)
        {
            return Meaning::Awaited(attempt);
        }
        self.give_fate(receipt, &filed);
        Meaning::Segment(key, filed)
    }

    /// The segment that a parked receipt means, whatever attempts are under way. It has its fate from then on.
    pub(super) fn meant(&mut self, receipt: &Receipt) -> Option<Filed> {
        let Ok(found) = find(self, receipt, true);
        let (_, filed) = found?;
        self.give_fate(receipt, &filed);
        Some(filed)
    }

    /// Notes that a receipt gives a segment its fate.
    pub(super) fn give_fate(&mut self, receipt: &Receipt, filed: &Filed) {
        if receipt.fate.is_final() && !filed.fate.is_final() {
            let place = (receipt.carrier.to_string(), filed.key.clone());
            self.decided.insert((place, filed.id, filed.number), receipt.fate);
        }
    }

    /// A segment as it stands by what is decided.
    pub(super) fn standing(&self, carrier: &str, filed: &Filed) -> Filed {
        let name = ((carrier.to_owned(), filed.key.clone()), filed.id, filed.number);
        Filed { fate: self.decided.get(&name).copied().unwrap_or(filed.fate), ..filed.clone() }
    }

    /// Whether a segment is on record here under a key of the receipt that was not `before`.
    pub(super) fn has_more_than(&self, before: &Self, receipt: &Receipt) -> bool {
        let under = |records: &Self, key: &String| -> BTreeSet<(MessageId, u16)> {
            let place = (receipt.carrier.to_string(), key.clone());
            records.segments.get(&place).into_iter().flatten().map(|filed| (filed.id, filed.number)).collect()
        };
        receipt.keys.iter().any(|key| !under(self, key).is_subset(&under(before, key)))
    }

    /// The attempt that may bring the exact id of `receipt`, of which another reading means `filed`: of those that
    /// began before it came the one that began last. When it has ended, most of the others have as well.
    fn awaited(&mut self, receipt: &Receipt, filed: &Filed, came: Option<i64>) -> Option<MessageId> {
        let Some(attempts) = self.attempts.get(&receipt.carrier) else {
            self.missing.attempts.insert(receipt.carrier.clone());
            return None;
        };
        let suspicion = Suspicion::of(receipt, filed);
        let may_bring =
            |attempt: &&UnderWay| came.is_none_or(|came| attempt.began <= came) && suspicion.is_of(&attempt.recipient);
        attempts.iter().find(may_bring).map(|attempt| attempt.id)
    }
}

impl Missing {
    fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.messages.is_empty() && self.attempts.is_empty()
    }
}

impl Segments for Records {
    type Fault = Infallible;

    fn filed_under(&mut self, carrier: &str, key: &str) -> Result<Vec<Filed>, Infallible> {
        let place = (carrier.to_owned(), key.to_owned());
        let Some(filed) = self.segments.get(&place) else {
            self.missing.segments.insert(place);
            return Ok(Vec::new());
        };
        Ok(filed.iter().map(|filed| self.standing(carrier, filed)).collect())
    }

    fn accepted_at(&mut self, id: MessageId) -> Result<Timestamp, Infallible> {
        Ok(self.accepted(id).map_or_else(|| id.made_at(), |accepted| accepted.at))
    }

    fn originator_of(&mut self, id: MessageId) -> Result<Option<AddressText>, Infallible> {
        Ok(self.accepted(id).and_then(|accepted| accepted.originator).and_then(Originator::digits))
    }
}

impl Records {
    fn accepted(&mut self, id: MessageId) -> Option<Accepted> {
        let accepted = self.messages.get(&id).copied();
        if accepted.is_none() {
            self.missing.messages.insert(id);
        }
        accepted
    }

    async fn read_segments(&mut self, unit: &Unit, missing: BTreeSet<Place>) -> Result<(), Fault> {
        if missing.is_empty() {
            return Ok(());
        }
        let places: Vec<Place> = missing.into_iter().collect();
        let carriers: Vec<&str> = places.iter().map(|(carrier, _)| carrier.as_str()).collect();
        let keys: Vec<_> = places.iter().map(|(_, key)| rows::kept(key)).collect();
        for place in &places {
            self.segments.insert(place.clone(), Vec::new());
        }
        for row in unit.query(FILED_UNDER, &[&carriers, &keys, &i64::from(SEGMENTS_MAX)]).await? {
            let at: usize = rows::count(&row, 6)?;
            if let Some(filed_under) = places.get(at - 1).and_then(|place| self.segments.get_mut(place)) {
                filed_under.push(filed(&row)?);
            }
        }
        Ok(())
    }

    async fn read_messages(&mut self, unit: &Unit, missing: BTreeSet<MessageId>) -> Result<(), Fault> {
        let ids: Vec<Uuid> = missing.iter().map(|id| rows::id(id.to_bytes())).collect();
        let (Some(low), Some(high)) = (ids.first(), ids.last()) else { return Ok(()) };
        // Of a message that is gone its id says when it was accepted.
        let gone = |id: MessageId| (id, Accepted { at: id.made_at(), originator: None });
        self.messages.extend(missing.into_iter().map(gone));
        for row in unit.query(ACCEPTED, &[&ids, low, high]).await? {
            let accepted = Accepted { at: rows::time(&row, 1)?, originator: Some(rows::originator(&row, 2)?) };
            self.messages.insert(MessageId::from_bytes(rows::octets(&row, 0)?), accepted);
        }
        Ok(())
    }

    async fn read_attempts(&mut self, unit: &Unit, missing: BTreeSet<CarrierName>) -> Result<(), Fault> {
        if missing.is_empty() {
            return Ok(());
        }
        let carriers: Vec<&str> = missing.iter().map(CarrierName::as_str).collect();
        let found = unit.query(UNDER_WAY, &[&carriers]).await?;
        self.attempts.extend(missing.iter().map(|carrier| (carrier.clone(), Vec::new())));
        for row in found {
            let attempt = UnderWay {
                id: MessageId::from_bytes(rows::octets(&row, 1)?),
                began: rows::get(&row, 2)?,
                recipient: rows::get::<i64>(&row, 3)?.to_string(),
            };
            self.attempts.entry(rows::carrier(&row, 0)?).or_default().push(attempt);
        }
        Ok(())
    }
}

/// Reads the columns `key`, `message_id`, `number`, `total`, `recipient` and `fate`.
pub(super) fn filed(row: &Row) -> Result<Filed, Fault> {
    Ok(Filed {
        key: rows::text(row, 0)?,
        id: MessageId::from_bytes(rows::octets(row, 1)?),
        number: rows::small(row, 2)?,
        total: rows::small(row, 3)?,
        recipient: rows::get(row, 4)?,
        fate: rows::word(row, 5, words::fate)?,
    })
}

const FILED_UNDER: &str = "SELECT s.key, s.message_id, s.number, s.total, s.recipient, s.fate, n.place \
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n(carrier, key, place) CROSS JOIN LATERAL \
    (SELECT key, message_id, number, total, recipient, fate FROM segments WHERE carrier = n.carrier AND key = n.key \
    ORDER BY message_id DESC, number DESC LIMIT $3) s ORDER BY n.place, s.message_id DESC, s.number DESC";

const ACCEPTED: &str = "SELECT id, created_at, originator FROM messages WHERE id = ANY($1) AND id BETWEEN $2 AND $3";

/// Attempts of epochs that are over get no acknowledgement any more.
const UNDER_WAY: &str = "SELECT q.carrier, q.message_id, (extract(epoch FROM q.attempt_began) * 1000000)::bigint, \
    q.recipient FROM queue q JOIN nodes n ON n.epoch = (q.lease >> 32 & 4294967295) AND NOT n.is_over \
    WHERE q.carrier = ANY($1) AND q.lease <> 0 AND q.attempt_began IS NOT NULL ORDER BY q.attempt_began DESC";
