//! The operator's bounds that hold now. They may change while requests are admitted, which read them without a lock.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use model::SenderKinds;

use super::AdmissionLimits;

/// The limits in force. A request reads each of them once.
#[derive(Debug)]
pub(crate) struct InForce {
    sms_characters_max: AtomicUsize,
    mms_characters_max: AtomicUsize,
    recipients_max: AtomicUsize,
    validity_ms: AtomicU64,
    idempotency_ms: AtomicU64,
    sender_kinds: AtomicU8,
}

impl InForce {
    pub(crate) fn new(limits: AdmissionLimits) -> Self {
        Self {
            sms_characters_max: AtomicUsize::new(limits.sms_characters_max),
            mms_characters_max: AtomicUsize::new(limits.mms_characters_max),
            recipients_max: AtomicUsize::new(limits.recipients_max),
            validity_ms: AtomicU64::new(ms(limits.validity)),
            idempotency_ms: AtomicU64::new(ms(limits.idempotency)),
            sender_kinds: AtomicU8::new(limits.sender_kinds.to_bits()),
        }
    }

    /// The limits of a request that begins now.
    pub(crate) fn get(&self) -> AdmissionLimits {
        AdmissionLimits {
            sms_characters_max: self.sms_characters_max.load(Ordering::Relaxed),
            mms_characters_max: self.mms_characters_max.load(Ordering::Relaxed),
            recipients_max: self.recipients_max.load(Ordering::Relaxed),
            validity: Duration::from_millis(self.validity_ms.load(Ordering::Relaxed)),
            idempotency: Duration::from_millis(self.idempotency_ms.load(Ordering::Relaxed)),
            sender_kinds: SenderKinds::from_bits(self.sender_kinds.load(Ordering::Relaxed)),
        }
    }

    /// Other limits, for requests that begin from now on.
    pub(crate) fn set(&self, limits: AdmissionLimits) {
        self.sms_characters_max.store(limits.sms_characters_max, Ordering::Relaxed);
        self.mms_characters_max.store(limits.mms_characters_max, Ordering::Relaxed);
        self.recipients_max.store(limits.recipients_max, Ordering::Relaxed);
        self.validity_ms.store(ms(limits.validity), Ordering::Relaxed);
        self.idempotency_ms.store(ms(limits.idempotency), Ordering::Relaxed);
        self.sender_kinds.store(limits.sender_kinds.to_bits(), Ordering::Relaxed);
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_that_were_set_last() {
        let limits = |n: usize| AdmissionLimits {
            sms_characters_max: n,
            mms_characters_max: n + 1,
            recipients_max: n + 2,
            validity: Duration::from_secs(n as u64 + 3),
            idempotency: Duration::from_secs(n as u64 + 4),
            sender_kinds: SenderKinds::from_bits(n as u8 / 10),
        };
        let in_force = InForce::new(limits(10));
        assert_eq!(in_force.get(), limits(10));
        in_force.set(limits(20));
        assert_eq!(in_force.get(), limits(20));
    }
}
