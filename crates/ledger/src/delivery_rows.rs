//! Deliveries of events as they are kept: the states, and the attempts as octets.

use std::sync::Arc;

use model::Timestamp;

use crate::contract::webhooks::{ATTEMPTS_KEPT, DeliveryAttempt, DeliveryState};

/// How a state is written.
pub const fn state_number(state: DeliveryState) -> u8 {
    match state {
        DeliveryState::Pending => 0,
        DeliveryState::Succeeded => 1,
        DeliveryState::Failed => 2,
    }
}

/// The state that is written so.
pub const fn state_of(number: u8) -> DeliveryState {
    match number {
        0 => DeliveryState::Pending,
        1 => DeliveryState::Succeeded,
        _ => DeliveryState::Failed,
    }
}

/// The octets of the attempts that are `known` with a further one: as many as are kept, the newest.
pub fn with_attempt(known: &[u8], attempt: Option<&DeliveryAttempt>) -> Vec<u8> {
    let mut all = attempts_of(known);
    all.extend(attempt.cloned());
    let mut octets = Vec::new();
    all[all.len().saturating_sub(ATTEMPTS_KEPT)..].iter().for_each(|attempt| put_attempt(&mut octets, attempt));
    octets
}

/// Adds an attempt to octets: its time, its status (0 for none), its duration, and two texts with their lengths.
fn put_attempt(octets: &mut Vec<u8>, attempt: &DeliveryAttempt) {
    octets.extend(attempt.at.as_millis().to_be_bytes());
    octets.extend(attempt.status.unwrap_or_default().to_be_bytes());
    octets.extend(attempt.took_ms.to_be_bytes());
    for text in [attempt.cause.as_deref().unwrap_or_default(), &attempt.response] {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        octets.extend(length.to_be_bytes());
        octets.extend(&text.as_bytes()[..usize::from(length)]);
    }
}

/// The attempts that are written so, as far as they can be read.
pub fn attempts_of(mut octets: &[u8]) -> Vec<DeliveryAttempt> {
    std::iter::from_fn(|| {
        let at = Timestamp::from_millis(i64::from_be_bytes(take(&mut octets)?));
        let status = u16::from_be_bytes(take(&mut octets)?);
        let took_ms = u32::from_be_bytes(take(&mut octets)?);
        let mut text = || -> Option<Arc<str>> {
            let length = u16::from_be_bytes(take(&mut octets)?);
            let (text, rest) = octets.split_at_checked(usize::from(length))?;
            octets = rest;
            Some(String::from_utf8_lossy(text).into())
        };
        let (cause, response) = (text()?, text()?);
        let cause = Some(cause).filter(|cause| !cause.is_empty());
        Some(DeliveryAttempt { at, status: (status > 0).then_some(status), cause, took_ms, response })
    })
    .collect()
}

fn take<const N: usize>(octets: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = octets.split_first_chunk::<N>()?;
    *octets = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_attempts_are_kept() {
        let attempt = |number: u32| DeliveryAttempt {
            at: Timestamp::from_millis(i64::from(number)),
            status: number.is_multiple_of(2).then_some(500),
            cause: (!number.is_multiple_of(2)).then(|| "refused".into()),
            took_ms: number,
            response: "start".into(),
        };
        let kept = u32::try_from(ATTEMPTS_KEPT).unwrap();
        let octets = (0..kept + 3).fold(Vec::new(), |known, number| with_attempt(&known, Some(&attempt(number))));
        assert_eq!(attempts_of(&octets), (3..kept + 3).map(attempt).collect::<Vec<_>>());
        assert_eq!(attempts_of(&with_attempt(&octets, None)), attempts_of(&octets));
        assert_eq!(attempts_of(&octets[..octets.len() - 1]).len(), ATTEMPTS_KEPT - 1);
    }
}
