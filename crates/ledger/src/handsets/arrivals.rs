//! What tells an arrival from others, and how long it may come again.

use std::time::Duration;

use model::Timestamp;
use model::media::Digest;

use crate::contract::inbound::{Arrival, PartName, REDELIVERED_WITHIN, ReferenceForm};

/// How many octets of a digest are kept. Nobody can choose a text with the same ones as another, and by chance no two
/// of ten minutes have them.
const DIGEST_OCTETS: usize = 16;

/// How long it is known that an automatic message was written: longer than any bound asks for.
pub const AUTOMATIC_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// The beginning of the digest of all that tells an arrival from others.
pub fn digest(arrival: &Arrival) -> [u8; DIGEST_OCTETS] {
    let mut digest = [0; DIGEST_OCTETS];
    digest.copy_from_slice(&Digest::of(&octets(arrival)).0[..DIGEST_OCTETS]);
    digest
}

/// Whether what came at `known` and has no answer comes again at `now`.
pub fn comes_again(known: Timestamp, now: Timestamp) -> bool {
    is_within(known, now, REDELIVERED_WITHIN)
}

/// Whether two moments are no further apart, whichever is the earlier one: clocks are set back.
pub(crate) fn is_within(one: Timestamp, other: Timestamp, apart: Duration) -> bool {
    one.as_millis().abs_diff(other.as_millis()) <= u64::try_from(apart.as_millis()).unwrap_or(u64::MAX)
}

fn octets(arrival: &Arrival) -> Vec<u8> {
    let (from, to) = (arrival.from.to_string(), arrival.to.to_string());
    let mut octets = Vec::with_capacity(arrival.content.len() + 128);
    let mut add = |field: &[u8]| {
        octets.extend((field.len() as u64).to_be_bytes());
        octets.extend(field);
    };
    add(&[u8::from(arrival.part.is_some())]);
    add(arrival.carrier.as_bytes());
    add(from.as_bytes());
    add(to.as_bytes());
    if let Some(PartName { form, reference, total, number, other_elements }) = &arrival.part {
        let [high, low] = reference.to_be_bytes();
        add(&[form_number(*form), high, low, *total, *number]);
        add(other_elements);
    }
    add(&arrival.content);
    arrival.media.iter().for_each(|media| add(&media.sha256));
    octets
}

/// How a form is written. A number is never given another meaning.
pub const fn form_number(form: ReferenceForm) -> u8 {
    match form {
        ReferenceForm::Header8 => 1,
        ReferenceForm::Header16 => 2,
        ReferenceForm::Parameters => 3,
    }
}
