//! Receipts in parts: each part a `deliver_sm` or `data_sm`, joined by a header (3GPP TS 23.040, 9.2.3.24.1) or by
//! parameters (SMPP 3.4, 5.3.2.22 to 5.3.2.24).
//!
//! A part is answered at once, since an SMSC may send the next one only after that; the last part is answered once the
//! receipt is on disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use std::time::Instant;
use wire::concat::Concat;
use wire::smpp::constants::esm_class;
use wire::smpp::{Sm, Tlvs, tag};

use super::delivered::Delivered;
use crate::PartForm;

/// Receipts whose parts are remembered, for one carrier. Parts of further ones are refused.
const RECEIPTS_MAX: usize = 1_000;

/// Octets of text that are remembered of one receipt. A receipt and the longest message that it repeats have fewer.
const OCTETS_MAX: usize = 4_096;

/// The parameters that say something about a receipt beside its text.
const KEPT_TAGS: [u16; 4] =
    [tag::RECEIPTED_MESSAGE_ID, tag::MESSAGE_STATE, tag::NETWORK_ERROR_CODE, tag::ADDITIONAL_STATUS_INFO_TEXT];

/// The longest value of one of them, in octets: no specification has a longer one.
const VALUE_OCTETS_MAX: usize = 256;

/// How long parts wait for the others: an SMSC sends them one behind the other.
const KEPT: Duration = Duration::from_secs(60);

/// Which receipt a part belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    source: Vec<u8>,
    destination: Vec<u8>,
    /// Whether its class says that it is a report: parts of one receipt are labelled alike, and no message of a handset
    /// is labelled so.
    is_labelled: bool,
    form: PartForm,
    reference: u16,
    total: u8,
}

/// A part of what may be a receipt.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    name: Name,
    number: u8,
    sm: Sm,
    tlvs: Tlvs,
}

/// What a part says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// All that a receipt has to say: the header may be that of the message that it reports on.
    Complete,
    /// It belongs to a receipt.
    Piece,
    /// Nothing that a receipt says. It may still belong to one that has begun.
    Other,
}

/// What follows from a part.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It stands by itself.
    Alone,
    /// It is kept until the others come, or belongs to a receipt that was handled.
    Kept,
    /// It was the last one: the whole.
    Whole(Box<Joined>),
}

/// The parts of a receipt as one.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    pub(crate) name: Name,
    sm: Sm,
    tlvs: Tlvs,
}

impl Joined {
    pub(crate) fn delivered(&self) -> Delivered<'_> {
        Delivered::of_sm(&self.sm, &self.tlvs)
    }
}

/// The parts that the sessions of a carrier have received.
#[derive(Debug, Default)]
pub(crate) struct Parts(Mutex<VecDeque<Set>>);

#[derive(Debug)]
struct Set {
    name: Name,
    since: Instant,
    parts: BTreeMap<u8, Part>,
    /// Whether the receipt was handled: further parts change nothing.
    is_done: bool,
}

impl Part {
    /// The part that a delivery is, if it says that it is one of several.
    pub(crate) fn of(delivered: &Delivered<'_>) -> Option<Self> {
        let octets = delivered.user_data();
        let header = by_header(delivered.esm_class, octets);
        let (Numbered { form, reference, total, number }, text) =
            header.or_else(|| by_parameters(delivered.tlvs).map(|numbered| (numbered, octets)))?;
        if total < 2 || text.len() > OCTETS_MAX {
            return None;
        }
        let is_labelled = delivered.is_labelled_report();
        let (source, destination) = (delivered.source.octets.clone(), delivered.destination.octets.clone());
        let sm = Sm {
            source: delivered.source.clone(),
            destination: delivered.destination.clone(),
            esm_class: delivered.esm_class & !esm_class::UDHI,
            data_coding: delivered.data_coding,
            short_message: text.to_vec(),
            ..Sm::default()
        };
        let mut tlvs = Tlvs::default();
        let of_receipt =
            delivered.tlvs.iter().filter(|tlv| KEPT_TAGS.contains(&tlv.tag) && tlv.value.len() <= VALUE_OCTETS_MAX);
        of_receipt.for_each(|tlv| tlvs.push(tlv.tag, tlv.value.clone()));
        let name = Name { source, destination, is_labelled, form, reference, total };
        Some(Self { name, number, sm, tlvs })
    }
}

/// How a part is numbered.
pub(super) struct Numbered {
    pub(super) form: PartForm,
    pub(super) reference: u16,
    pub(super) total: u8,
    pub(super) number: u8,
}

impl From<Concat> for Numbered {
    fn from(concat: Concat) -> Self {
        let form = if concat.wide { PartForm::Header16 } else { PartForm::Header8 };
        Self { form, reference: concat.reference, total: concat.total, number: concat.number }
    }
}

fn by_header(class: u8, octets: &[u8]) -> Option<(Numbered, &[u8])> {
    let (header, text) = wire::concat::header(octets).filter(|_| class & esm_class::UDHI != 0)?;
    Some((header.concat?.into(), text))
}

/// How parameters number a part (SMPP 3.4, 5.3.2.22 to 5.3.2.24).
pub(super) fn by_parameters(tlvs: &Tlvs) -> Option<Numbered> {
    let octet = |tag| tlvs.number(tag).and_then(|number| u8::try_from(number).ok());
    let (total, number) = (octet(tag::SAR_TOTAL_SEGMENTS)?, octet(tag::SAR_SEGMENT_SEQNUM)?);
    let reference = u16::try_from(tlvs.number(tag::SAR_MSG_REF_NUM)?).ok()?;
    (1..=total).contains(&number).then_some(Numbered { form: PartForm::Parameters, reference, total, number })
}

impl Parts {
    /// Takes a part.
    pub(crate) fn take(&self, part: Part, standing: Standing, now: Instant) -> Taken {
        let mut sets = self.sets();
        let is_full = sets.len() >= RECEIPTS_MAX;
        // A reference is given again: a part that differs from the one that is known under its number begins another
        // receipt.
        let is_another = |set: &Set| {
            set.parts.get(&part.number).is_some_and(|known| known.sm.short_message != part.sm.short_message)
        };
        let place = sets.iter().rposition(|set| set.name == part.name && now < set.since + KEPT);
        let place = place.filter(|place| sets.get(*place).is_some_and(|set| !is_another(set)));
        if standing == Standing::Complete && place.is_none() {
            // The rest of it is nothing but the message that it repeats.
            if !is_full {
                sets.retain(|set| set.name != part.name || !set.is_done);
                sets.push_back(Set::begun_by(part, true, now));
            }
            return Taken::Alone;
        }
        match place.and_then(|place| sets.get_mut(place)) {
            // Each part may be complete, with the header of a segment of the message. The store knows what it has heard
            // already.
            Some(set) if standing == Standing::Complete => {
                set.is_done = true;
                set.parts.insert(part.number, part);
                Taken::Alone
            }
            Some(set) if set.is_done => {
                set.parts.entry(part.number).or_insert(part);
                Taken::Kept
            }
            Some(set) => {
                let octets: usize = set.parts.values().map(|part| part.sm.short_message.len()).sum();
                if octets + part.sm.short_message.len() > OCTETS_MAX {
                    return Taken::Alone;
                }
                set.parts.insert(part.number, part);
                set.whole().map_or(Taken::Kept, |whole| Taken::Whole(Box::new(whole)))
            }
            None if standing == Standing::Other || is_full => Taken::Alone,
            None => {
                // What was remembered under the name is over, unless parts of it are still to be reported as lost.
                sets.retain(|set| set.name != part.name || !set.is_done);
                sets.push_back(Set::begun_by(part, false, now));
                Taken::Kept
            }
        }
    }

    /// The receipt of this name was handled.
    pub(crate) fn done(&self, name: &Name) {
        if let Some(set) = self.sets().iter_mut().rfind(|set| set.name == *name) {
            set.is_done = true;
        }
    }

    /// What came of receipts whose other parts did not come in time. They are forgotten.
    pub(crate) fn expired(&self, now: Instant) -> Vec<Joined> {
        let mut sets = self.sets();
        let mut expired = Vec::new();
        while sets.front().is_some_and(|set| now >= set.since + KEPT) {
            expired.extend(sets.pop_front().filter(|set| !set.is_done).and_then(|set| set.joined()));
        }
        expired
    }

    fn sets(&self) -> MutexGuard<'_, VecDeque<Set>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Set {
    fn begun_by(part: Part, is_done: bool, now: Instant) -> Self {
        Self { name: part.name.clone(), since: now, parts: [(part.number, part)].into(), is_done }
    }

    /// All parts as one, once they are there.
    fn whole(&self) -> Option<Joined> {
        if self.parts.len() == usize::from(self.name.total) { self.joined() } else { None }
    }

    /// The parts that are there as one: their texts in order, and of their parameters the first of each kind.
    fn joined(&self) -> Option<Joined> {
        let first = self.parts.values().next()?;
        let short_message = self.parts.values().flat_map(|part| part.sm.short_message.iter().copied()).collect();
        let mut tlvs = Tlvs::default();
        for tlv in self.parts.values().flat_map(|part| part.tlvs.iter()) {
            if tlvs.get(tlv.tag).is_none() {
                tlvs.push(tlv.tag, tlv.value.clone());
            }
        }
        Some(Joined { name: self.name.clone(), sm: Sm { short_message, ..first.sm.clone() }, tlvs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(reference: u8, number: u8, text: &str) -> Part {
        let short_message = [&[5, 0, 3, reference, 2, number], text.as_bytes()].concat();
        let sm = Sm { esm_class: 0x44, short_message, ..Sm::default() };
        Part::of(&Delivered::of_sm(&sm, &Tlvs::default())).unwrap()
    }

    fn whole(taken: Taken) -> Option<String> {
        let Taken::Whole(joined) = taken else { return None };
        Some(String::from_utf8(joined.delivered().short_message.to_vec()).unwrap())
    }

    #[test]
    fn parts_that_miss_others_are_given_out_when_their_time_is_over() {
        let (parts, now) = (Parts::default(), Instant::now());
        assert!(matches!(parts.take(part(1, 1, "id:1 "), Standing::Piece, now), Taken::Kept));
        assert!(parts.expired(now + KEPT - Duration::from_millis(1)).is_empty());
        assert_eq!(parts.expired(now + KEPT).len(), 1);
        assert_eq!(
            whole(parts.take(part(1, 2, "stat:DELIVRD"), Standing::Piece, now + KEPT)),
            None,
            "it is a part of another receipt now"
        );
    }

    #[test]
    fn a_reference_that_is_given_again_means_another_receipt() {
        let (parts, now) = (Parts::default(), Instant::now());
        for id in ["1", "2"] {
            assert!(matches!(parts.take(part(1, 1, &format!("id:{id} ")), Standing::Piece, now), Taken::Kept));
            let joined = parts.take(part(1, 2, "stat:DELIVRD"), Standing::Piece, now);
            let Taken::Whole(joined) = joined else { panic!("{joined:?}") };
            parts.done(&joined.name);
            assert_eq!(joined.delivered().short_message, format!("id:{id} stat:DELIVRD").as_bytes());
        }
        // The second part of a third one is lost, and a fourth one follows.
        for id in ["3", "4"] {
            assert!(matches!(parts.take(part(1, 1, &format!("id:{id} ")), Standing::Piece, now), Taken::Kept));
        }
        assert_eq!(
            whole(parts.take(part(1, 2, "stat:UNDELIV"), Standing::Piece, now)).as_deref(),
            Some("id:4 stat:UNDELIV")
        );
    }

    #[test]
    fn a_message_of_a_handset_is_no_part_of_a_receipt_that_is_labelled() {
        let (parts, now) = (Parts::default(), Instant::now());
        let of_handset = |number: u8| {
            let mut part = part(1, number, "Hello");
            part.name.is_labelled = false;
            part
        };
        assert!(matches!(parts.take(part(1, 1, "id:1 "), Standing::Piece, now), Taken::Kept));
        assert!(matches!(parts.take(of_handset(2), Standing::Other, now), Taken::Alone));
        assert!(matches!(parts.take(part(1, 2, "stat:DELIVRD"), Standing::Complete, now), Taken::Alone));
        assert!(matches!(parts.take(of_handset(1), Standing::Other, now), Taken::Alone));
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let (parts, now) = (Parts::default(), Instant::now());
        let from = |number: usize| {
            let mut part = part(1, 1, "id:1 ");
            part.name.source = number.to_string().into_bytes();
            part
        };
        for number in 0..RECEIPTS_MAX {
            assert!(matches!(parts.take(from(number), Standing::Piece, now), Taken::Kept));
        }
        assert!(matches!(parts.take(from(RECEIPTS_MAX), Standing::Piece, now), Taken::Alone));
        assert!(
            matches!(parts.take(part(1, 1, "Hello"), Standing::Other, now), Taken::Alone),
            "a message of a handset begins nothing"
        );
        assert!(
            Part::of(&Delivered::of_sm(&Sm { short_message: vec![b'x'; 300], ..Sm::default() }, &Tlvs::default()))
                .is_none()
        );
    }
}
