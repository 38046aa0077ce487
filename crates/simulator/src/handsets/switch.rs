//! What a handset does with messages, as its user has set it.

use std::time::Duration;

use wire::receipt::ReceiptState;

/// The longest time that a slow handset takes, in seconds.
pub(crate) const SLOW_SECS_MAX: u64 = 600;

/// How a handset is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Switch {
    /// It takes messages at once.
    #[default]
    On,
    /// It is off: messages wait at the SMSC or MMSC until it is on again, or until their validity ends.
    Off,
    /// Its memory is full: messages fail.
    Full,
    /// It takes a message so long after it came.
    Slow(Duration),
    /// It rejects every message.
    Rejecting,
}

impl Switch {
    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Full => "full",
            Self::Slow(_) => "slow",
            Self::Rejecting => "rejecting",
        }
    }

    /// The one with this name; `slow` takes so many seconds, from 1 to 600.
    ///
    /// # Errors
    /// A sentence that names the field which is wrong.
    pub fn named(name: &str, seconds: Option<u64>) -> Result<Self, String> {
        match (name, seconds) {
            ("slow", Some(seconds)) if (1..=SLOW_SECS_MAX).contains(&seconds) => {
                Ok(Self::Slow(Duration::from_secs(seconds)))
            }
            ("slow", _) => Err(format!("`seconds` of a slow handset is a number from 1 to {SLOW_SECS_MAX}")),
            (_, Some(_)) => Err("`seconds` belongs to the state `slow` alone".to_owned()),
            ("on", None) => Ok(Self::On),
            ("off", None) => Ok(Self::Off),
            ("full", None) => Ok(Self::Full),
            ("rejecting", None) => Ok(Self::Rejecting),
            _ => Err(format!("`state` is on, off, full, slow or rejecting, and not `{}`", name.escape_debug())),
        }
    }
}

/// Why a handset did not get a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It was off until the end of the message's validity.
    Expired,
    /// Its memory was full.
    Full,
    /// It rejected the message.
    Rejected,
    /// The options of the simulator say so.
    Told(ReceiptState),
}

impl Failure {
    /// What the receipt says.
    pub(crate) const fn state(self) -> ReceiptState {
        match self {
            Self::Expired => ReceiptState::Expired,
            Self::Full => ReceiptState::Undeliverable,
            Self::Rejected => ReceiptState::Rejected,
            Self::Told(state) => state,
        }
    }

    /// The network's error: the cause that 3GPP TS 24.011 (8.2.5.4) gives a handset in this condition. `None` where the
    /// options of the simulator chose the state.
    pub(crate) const fn error(self) -> Option<u16> {
        match self {
            Self::Expired => Some(27),
            Self::Full => Some(22),
            Self::Rejected => Some(21),
            Self::Told(_) => None,
        }
    }
}

/// How a handset met a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// It has it.
    Received,
    /// It does not.
    Failed(Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_read_by_its_name() {
        for switch in [Switch::On, Switch::Off, Switch::Full, Switch::Rejecting] {
            assert_eq!(Switch::named(switch.name(), None), Ok(switch));
            assert!(Switch::named(switch.name(), Some(1)).unwrap_err().contains("`seconds`"));
        }
        assert_eq!(Switch::named("slow", Some(5)), Ok(Switch::Slow(Duration::from_secs(5))));
        for seconds in [None, Some(0), Some(601)] {
            assert!(Switch::named("slow", seconds).unwrap_err().contains("`seconds`"), "{seconds:?}");
        }
        assert!(Switch::named("On", None).unwrap_err().contains("`state`"));
    }
}
