//! Ids of messages, broadcasts, accounts and others: a prefix and 22 base-62 digits of a `UUIDv7` (RFC 9562, section
//! 5.7), so that they sort by the time of their making and tell nothing of how many there are.

use std::fmt;
use std::str::FromStr;

use crate::base62;
use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::mint::Mint;

/// The text is not an id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct NotAnId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The prefix of the text of every such id.
            pub const PREFIX: &'static str = $prefix;

            /// A new id made at `now`, above all that this mint made or saw before.
            pub fn minted(mint: &Mint, now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(mint.next(now, entropy))
            }

            /// Lets a mint know that there is this id, so that all later ones are above it.
            pub fn seen_by(self, mint: &Mint) {
                mint.see(self.0);
            }

            /// A new id made at `now`, with 74 random bits, in no order with others of that moment.
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(now, entropy))
            }

            /// The 16 bytes as stored, in an order that sorts as the ids do.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// The id stored as these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }

            /// The time of its creation (RFC 9562, section 5.7: the first 48 bits are milliseconds since 1970).
            pub fn made_at(self) -> Timestamp {
                Timestamp::from_millis(i64::try_from(self.0 >> 80).unwrap_or(i64::MAX))
            }

            /// The lowest id that could have been made at `at`: every id made before sorts below it.
            pub fn lowest_at(at: Timestamp) -> Self {
                Self(u128::from(at.as_millis().max(0).unsigned_abs()) << 80)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(std::str::from_utf8(&base62::encode(self.0)).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix($prefix).and_then(base62::decode).map(Self).ok_or(NotAnId)
            }
        }
    )*};
}

ids! {
    /// Names one message to one recipient.
    MessageId "msg_";
    /// Names one broadcast.
    BroadcastId "brc_";
    /// Names one account.
    AccountId "acc_";
    /// Names one decision of the compliance screen.
    ScreeningId "scr_";
    /// Names a template that an operator approved for an account's texts.
    TemplateId "tpl_";
    /// Names media that are kept, once for all the messages that carry them.
    MediaId "med_";
    /// Names the erasure of a person.
    ErasureId "era_";
    /// Names an endpoint of webhooks.
    WebhookId "whk_";
    /// Names an entry of the audit log.
    AuditId "aud_";
}

/// The number of low bits of a broadcast's message ids that number its recipients.
const INDEX_BITS: u32 = 20;

impl BroadcastId {
    /// The most recipients that a broadcast can number.
    pub const RECIPIENTS_MAX: u32 = 1 << INDEX_BITS;

    /// The id of the message to the recipient at `index`, which is always the same: the expansion of a broadcast can be
    /// repeated and makes no message twice. The ids sort by the time of their broadcast, and then in the order of its
    /// recipients.
    pub const fn message(self, index: u32) -> MessageId {
        MessageId(self.0 >> INDEX_BITS << INDEX_BITS | (index % Self::RECIPIENTS_MAX) as u128)
    }
}

/// 48 bits of milliseconds, the version, 12 random bits, the variant, 62 random bits.
fn uuid_v7(now: Timestamp, entropy: &dyn Entropy) -> u128 {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(now.as_millis().max(0).unsigned_abs(), &random).into_uuid().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn an_id_reads_back_from_its_text_and_its_bytes() {
        let id = MessageId::new(Timestamp::from_millis(1_773_585_000_000), &SeededEntropy::new(1));
        assert_eq!(id.to_string().len(), 26);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(MessageId::from_bytes(id.to_bytes()), id);
    }

    #[test]
    fn ids_sort_by_the_time_of_their_making() {
        let entropy = SeededEntropy::new(1);
        let ids: Vec<String> =
            (0..50).map(|ms| MessageId::new(Timestamp::from_millis(ms), &entropy).to_string()).collect();
        assert!(ids.is_sorted());
        let at = Timestamp::from_millis(25);
        assert!(MessageId::lowest_at(at).to_string() <= ids[25] && ids[24] < MessageId::lowest_at(at).to_string());
    }

    #[test]
    fn the_messages_of_a_broadcast_have_ids_of_its_time_in_its_order() {
        let (at, entropy) = (Timestamp::from_millis(1_773_585_000_000), SeededEntropy::new(1));
        let (one, two) = (BroadcastId::new(at, &entropy), BroadcastId::new(at, &entropy));
        let ids: Vec<MessageId> =
            [0, 1, 2, 49_999, BroadcastId::RECIPIENTS_MAX - 1].iter().map(|index| one.message(*index)).collect();
        assert!(ids.is_sorted_by(|a, b| a < b) && ids.iter().all(|id| *id >= MessageId::lowest_at(at)));
        assert_eq!(one.message(7), one.message(7));
        assert_ne!(one.message(7), two.message(7));
        assert!(ids.iter().all(|id| id.to_bytes()[6] >> 4 == 7 && id.to_bytes()[8] >> 6 == 2), "still a UUIDv7");
    }

    #[test]
    fn the_prefix_keeps_kinds_apart() {
        let id = MessageId::new(Timestamp::from_millis(1), &SeededEntropy::new(1)).to_string();
        assert_eq!(id.parse::<BroadcastId>(), Err(NotAnId));
        assert_eq!("msg_".parse::<MessageId>(), Err(NotAnId));
    }
}
