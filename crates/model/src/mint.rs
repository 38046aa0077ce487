//! The creation of ids that sort in the order of their creation, regardless of the machine's clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::entropy::Entropy;

/// How far ids may run ahead of the clock. If the clock was set back by less than this, new ids keep the time of the
/// newest one and count on from there until the clock has caught up. A clock that was further ahead was wrong: new ids
/// follow the corrected clock, and the few ids with the wrong time stay at the top of their lists.
pub const LEAD_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Bits below the milliseconds that distinguish ids of one millisecond: `rand_a` (RFC 9562, section 5.7).
const COUNTER_BITS: u32 = 12;

/// These bits.
const COUNTER_MASK: u64 = (1 << COUNTER_BITS) - 1;

/// The source of ids of messages, broadcasts and decisions of the screen: each is above all earlier and all known ones.
///
/// An id is a `UUIDv7` whose 12 bits after the time are a counter (RFC 9562, section 6.2, method 1). The counter begins
/// at random with each millisecond and takes steps of 1 to 16, so that two ids do not tell how many lie between them.
/// While the clock is behind the newest id, by no more than [`LEAD_MAX`], it counts on from that one. 62 bits stay
/// random.
#[derive(Debug, Default)]
pub struct Mint {
    /// The time and the counter of the newest id: its upper 60 bits without the version.
    newest: AtomicU64,
}

impl Mint {
    /// Takes note of an id that was minted before this process began.
    pub(crate) fn see(&self, id: u128) {
        let (millis, counter) = ((id >> 80) as u64, (id >> 64) as u64 & COUNTER_MASK);
        self.newest.fetch_max(millis << COUNTER_BITS | counter, Ordering::Relaxed);
    }

    /// The next id at `now`.
    pub(crate) fn next(&self, now: Timestamp, entropy: &dyn Entropy) -> u128 {
        let mut random = [0; 10];
        entropy.fill(&mut random);
        let [first, second, ..] = random;
        // The upper half of the counter's range is left for ids of the same millisecond.
        let fresh = tick(now) | u64::from(u16::from_be_bytes([first, second])) & COUNTER_MASK >> 1;
        let step = u64::from(first >> 4) + 1;
        let farthest = tick(now + LEAD_MAX);
        let after = |newest: u64| if newest < fresh || newest >= farthest { fresh } else { newest + step };
        // Relaxed, because nothing else depends on the order in which threads see this number.
        let minted = match self.newest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |newest| Some(after(newest)))
        {
            Ok(newest) | Err(newest) => after(newest),
        };
        [random[0], random[1]] = ((minted & COUNTER_MASK) as u16).to_be_bytes();
        uuid::Builder::from_unix_timestamp_millis(minted >> COUNTER_BITS, &random).into_uuid().as_u128()
    }
}

/// The lowest tick of a moment: its milliseconds, of which an id holds 48 bits, above a counter of zero.
fn tick(at: Timestamp) -> u64 {
    at.as_millis().clamp(0, (1 << 48) - 1).unsigned_abs() << COUNTER_BITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::id::{BroadcastId, MessageId};
    use proptest::prelude::*;
    use std::sync::Arc;

    const NOON: Timestamp = Timestamp::from_millis(1_773_576_000_000);

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn every_id_is_above_all_before_it_while_the_clock_moves_within_the_lead(
            moves in prop::collection::vec(-86_400_000i64..86_400_000, 1..200),
        ) {
            let (mint, entropy) = (Mint::default(), SeededEntropy::new(1));
            let mut last = MessageId::from_bytes([0; 16]);
            for offset in moves {
                let now = Timestamp::from_millis(NOON.as_millis() + offset);
                let id = MessageId::minted(&mint, now, &entropy);
                prop_assert!(last < id && id.made_at() >= now);
                prop_assert!(id.to_bytes()[6] >> 4 == 7 && id.to_bytes()[8] >> 6 == 2, "a UUIDv7");
                last = id;
            }
        }
    }

    #[test]
    fn an_id_has_the_clocks_time_while_that_goes_on() {
        let (mint, entropy) = (Mint::default(), SeededEntropy::new(1));
        for ms in 0..1_000 {
            let now = NOON + Duration::from_millis(ms);
            for _ in 0..20 {
                assert_eq!(MessageId::minted(&mint, now, &entropy).made_at(), now);
            }
        }
    }

    #[test]
    fn ids_of_all_kinds_go_on_from_the_newest_that_was_seen() {
        let (mint, entropy) = (Mint::default(), SeededEntropy::new(1));
        let later = NOON + Duration::from_secs(3_600);
        let seen = BroadcastId::new(later, &entropy).message(4);
        seen.seen_by(&mint);
        MessageId::new(NOON, &entropy).seen_by(&mint);
        let broadcast = BroadcastId::minted(&mint, NOON, &entropy);
        assert!(seen < broadcast.message(0) && broadcast.message(9) < MessageId::minted(&mint, NOON, &entropy));
    }

    #[test]
    fn a_clock_that_was_too_far_ahead_is_not_followed() {
        let (mint, entropy) = (Mint::default(), SeededEntropy::new(1));
        let at = |now| MessageId::minted(&mint, now, &entropy).made_at();
        for (ahead, followed) in [
            (LEAD_MAX - Duration::from_secs(1), true),
            (LEAD_MAX + Duration::from_secs(1), false),
            (LEAD_MAX * 4_000, false),
        ] {
            let wrong = at(NOON + ahead);
            assert_eq!(at(NOON), if followed { wrong } else { NOON });
        }
        assert_eq!(at(Timestamp::from_millis(i64::MAX)).as_millis(), (1 << 48) - 1);
        assert_eq!(at(Timestamp::from_millis(-1)).as_millis(), 0);
    }

    #[test]
    fn no_two_threads_get_the_same_place() {
        let (mint, entropy) = (Arc::new(Mint::default()), Arc::new(SeededEntropy::new(1)));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (mint, entropy) = (Arc::clone(&mint), Arc::clone(&entropy));
                std::thread::spawn(move || {
                    (0..5_000).map(|_| MessageId::minted(&mint, NOON, &*entropy)).collect::<Vec<_>>()
                })
            })
            .collect();
        let lists: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(lists.iter().all(|list| list.is_sorted_by(|a, b| a < b)));
        let mut places: Vec<_> = lists.concat().iter().map(|id| id.to_bytes()[..8].to_vec()).collect();
        places.sort();
        places.dedup();
        assert_eq!(places.len(), 20_000);
    }
}
