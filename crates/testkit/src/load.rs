//! Messages for a measurement.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use model::{AccountId, Entropy, Message, MessageId, SeededEntropy};

use crate::values::{NOW, message_at, number};

/// The messages that are still to be accepted, of a hundred accounts to random recipients: neighbours would flatter the
/// indexes. A thousand of them are made in each millisecond of the store's time, so that ids sort by their making as
/// they do in life.
pub struct Load {
    left: AtomicUsize,
    made: AtomicU64,
    entropy: SeededEntropy,
    accounts: Vec<AccountId>,
}

impl Load {
    /// So many messages.
    pub fn new(messages: usize) -> Self {
        let entropy = SeededEntropy::new(1);
        let accounts = (0..100).map(|_| AccountId::new(NOW, &entropy)).collect();
        Self { left: AtomicUsize::new(messages), made: AtomicU64::new(0), entropy, accounts }
    }

    /// The next message; nothing once all were made.
    pub fn next(&self) -> Option<Message> {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).ok()?;
        let now = NOW + Duration::from_millis(self.made.fetch_add(1, Ordering::Relaxed) / 1_000);
        let random = self.entropy.next_u64();
        Some(Message {
            account: self.accounts[random as usize % self.accounts.len()],
            recipient: number(&format!("+1{:010}", random % 10_000_000_000)),
            body: Some("Your one-time password is 471147. Tell nobody.".into()),
            send_at: None,
            expires_at: now + Duration::from_secs(86_400),
            ..message_at(MessageId::new(now, &self.entropy), now)
        })
    }
}
