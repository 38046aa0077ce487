//! A broadcast: one text to many recipients, the request and its progress.

use std::sync::Arc;

use crate::address::Msisdn;
use crate::client_reference::ClientReference;
use crate::clock::Timestamp;
use crate::id::{AccountId, BroadcastId, MediaId};
use crate::key::Mode;
use crate::message::{Encoding, MessageType};
use crate::originator::Originator;
use crate::owner::Owner;

/// The status of a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BroadcastStatus {
    /// Accepted and on disk; no recipient had their turn yet.
    Queued,
    /// Recipients have their turn.
    Sending,
    /// Nobody is waiting any more, and a carrier took at least one message.
    Completed,
    /// Nobody is waiting any more, and no carrier took anything.
    Failed,
    /// Stopped by its account or the operator.
    Canceled,
}

impl BroadcastStatus {
    /// Every status, in the order of a broadcast's life.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Sending, Self::Completed, Self::Failed, Self::Canceled];

    /// The status's name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// The status with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether recipients may still have their turn.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Sending)
    }
}

/// The accepted request. Nothing in it changes after the broadcast was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// Its id.
    pub id: BroadcastId,
    /// The owner.
    pub account: AccountId,
    /// The mode of the key that sent it.
    pub mode: Mode,
    /// SMS or MMS.
    pub kind: MessageType,
    /// The address that it comes from.
    pub originator: Originator,
    /// Its text as received.
    pub body: Option<Arc<str>>,
    /// The URL of its media.
    pub media_url: Option<String>,
    /// Its media as they are kept here.
    pub media: Option<MediaId>,
    /// The encoding of its text.
    pub encoding: Encoding,
    /// The number of segments of its text.
    pub segments: u16,
    /// Recipients that were asked for.
    pub total: u32,
    /// The number of those that were blocked when it was accepted.
    pub blocked: u32,
    /// The time of its acceptance.
    pub created_at: Timestamp,
    /// The end of the validity of its messages.
    pub expires_at: Timestamp,
    /// The name that the client has for it. Its messages do not have it.
    pub client_reference: Option<ClientReference>,
}

impl Broadcast {
    /// Its mode, live or test.
    pub const fn owner(&self) -> Owner {
        Owner { account: self.account, mode: self.mode }
    }

    /// Its status at its acceptance: a broadcast with only blocked recipients has already failed.
    pub const fn status_at_acceptance(&self) -> BroadcastStatus {
        if self.total == self.blocked { BroadcastStatus::Failed } else { BroadcastStatus::Queued }
    }
}

/// The numbers of recipients by status. Each recipient is counted in exactly one status, and once in `total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BroadcastCounts {
    /// All that were asked for.
    pub total: u64,
    /// Recipients that do not get it, because they or the sender were blocked, or because it was canceled before.
    pub skipped: u64,
    /// Recipients that wait.
    pub queued: u64,
    /// Recipients whose message a carrier accepted, without a later report.
    pub sent: u64,
    /// Recipients whose message was delivered.
    pub delivered: u64,
    /// Recipients that the carrier could not reach, or whose message expired.
    pub undelivered: u64,
    /// Recipients whose message no carrier accepted.
    pub failed: u64,
}

/// A broadcast and its progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastRecord {
    /// The request.
    pub broadcast: Arc<Broadcast>,
    /// Its status.
    pub status: BroadcastStatus,
    /// The counts of its recipients.
    pub counts: BroadcastCounts,
}

/// A list of recipients, eight bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients(Vec<u64>);

impl Recipients {
    /// Adds one at the end.
    pub fn push(&mut self, recipient: Msisdn) {
        self.0.push(recipient.to_u64());
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The recipients, in order.
    pub fn iter(&self) -> impl Iterator<Item = Msisdn> {
        self.0.iter().filter_map(|digits| Msisdn::from_u64(*digits))
    }

    /// Their digits as numbers, in order.
    pub fn as_numbers(&self) -> &[u64] {
        &self.0
    }

    /// Those that occur more than once, in the order of their second occurrence; at most `limit`.
    pub fn duplicates(&self, limit: usize) -> Vec<Msisdn> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        if sorted.is_sorted_by(|a, b| a < b) {
            return Vec::new();
        }
        let (mut seen, mut told) = (std::collections::HashSet::new(), std::collections::HashSet::new());
        let repeated = self.0.iter().filter(|number| !seen.insert(**number) && told.insert(**number));
        repeated.filter_map(|number| Msisdn::from_u64(*number)).take(limit).collect()
    }
}

impl FromIterator<Msisdn> for Recipients {
    fn from_iter<T: IntoIterator<Item = Msisdn>>(recipients: T) -> Self {
        Self(recipients.into_iter().map(Msisdn::to_u64).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipients(numbers: &[&str]) -> Recipients {
        numbers.iter().map(|text| Msisdn::parse(text).unwrap()).collect()
    }

    #[test]
    fn names_read_back() {
        assert!(BroadcastStatus::ALL.iter().all(|status| BroadcastStatus::parse(status.as_str()) == Some(*status)));
        assert_eq!(BroadcastStatus::parse("cancelled"), None);
    }

    #[test]
    fn recipients_keep_their_order() {
        let list = recipients(&["+18005551001", "+1234567", "+999999999999999"]);
        assert_eq!(
            list.iter().map(|number| number.to_string()).collect::<Vec<_>>(),
            ["+18005551001", "+1234567", "+999999999999999"]
        );
    }

    #[test]
    fn duplicates_are_told_once_each_in_order() {
        let list = recipients(&["+18005551001", "+18005551002", "+18005551002", "+18005551001", "+18005551002"]);
        let told = |limit| list.duplicates(limit).iter().map(|number| number.digits().to_string()).collect::<Vec<_>>();
        assert_eq!(told(100), ["18005551002", "18005551001"]);
        assert_eq!(told(1), ["18005551002"]);
        assert!(recipients(&["+18005551001", "+18005551002"]).duplicates(100).is_empty());
    }
}
