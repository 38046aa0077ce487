//! What follows from a `command_status`, with each carrier's own exceptions.

use std::collections::HashMap;

use model::ErrorType;
use serde::Deserialize;
use wire::smpp::CommandStatus;

use super::config::SmppConfig;

/// What follows from a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The carrier took it.
    Accept,
    /// The link rests and sends it again; the message is none the worse.
    Throttle,
    /// The message is tried again later.
    Retry,
    /// The carrier will never take it.
    Reject,
    /// There is no such recipient.
    InvalidDestination,
    /// The carrier blocks it.
    Block,
    /// It is too late for it.
    Expire,
}

impl Action {
    /// Why the message failed, where it did.
    pub(crate) const fn error_type(self) -> Option<ErrorType> {
        match self {
            Self::Reject => Some(ErrorType::CarrierRejected),
            Self::InvalidDestination => Some(ErrorType::InvalidDestination),
            Self::Block => Some(ErrorType::BlockedByCarrier),
            Self::Expire => Some(ErrorType::Expired),
            Self::Accept | Self::Throttle | Self::Retry => None,
        }
    }
}

/// The table of one carrier.
#[derive(Debug)]
pub(crate) struct ErrorTable {
    exceptions: HashMap<u32, Action>,
    unknown: Action,
}

impl ErrorTable {
    pub(crate) fn new(config: &SmppConfig) -> Self {
        let exceptions = config.errors.iter().filter_map(|(name, action)| Some((CommandStatus::parse(name)?.0, *action)));
        Self { exceptions: exceptions.collect(), unknown: config.unknown_error }
    }

    /// What follows from `status`: the carrier's exception, or what is usual.
    pub(crate) fn action(&self, status: CommandStatus) -> Action {
        self.exceptions.get(&status.0).copied().unwrap_or_else(|| self.usual(status))
    }

    fn usual(&self, status: CommandStatus) -> Action {
        match status {
            CommandStatus::ROK => Action::Accept,
            CommandStatus::RTHROTTLED | CommandStatus::RMSGQFUL => Action::Throttle,
            CommandStatus::RSYSERR | CommandStatus::RX_T_APPN | CommandStatus::RSUBMITFAIL | CommandStatus::RINVBNDSTS | CommandStatus::RUNKNOWNERR => {
                Action::Retry
            }
            CommandStatus::RINVDSTADR | CommandStatus::RINVDSTTON | CommandStatus::RINVDSTNPI | CommandStatus::RINVNUMDESTS => Action::InvalidDestination,
            CommandStatus::RPROHIBITED | CommandStatus::RSERTYPDENIED | CommandStatus::RSERTYPUNAUTH => Action::Block,
            CommandStatus::RINVEXPIRY => Action::Expire,
            _ if status.name().is_some() => Action::Reject,
            _ => self.unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_judged_by_what_to_do_next() {
        let table = ErrorTable::new(&SmppConfig::default());
        for (status, action) in [
            (CommandStatus::ROK, Action::Accept),
            (CommandStatus::RTHROTTLED, Action::Throttle),
            (CommandStatus::RMSGQFUL, Action::Throttle),
            (CommandStatus::RSYSERR, Action::Retry),
            (CommandStatus::RX_T_APPN, Action::Retry),
            (CommandStatus::RINVDSTADR, Action::InvalidDestination),
            (CommandStatus::RINVSRCADR, Action::Reject),
            (CommandStatus::RX_P_APPN, Action::Reject),
            (CommandStatus::RX_R_APPN, Action::Reject),
            (CommandStatus(0x401), Action::Retry),
        ] {
            assert_eq!(table.action(status), action, "{status}");
        }
    }

    #[test]
    fn a_carrier_has_its_own_exceptions() {
        let errors = [("ESME_RSUBMITFAIL".to_owned(), Action::Throttle), ("0x401".to_owned(), Action::Block)].into();
        let table = ErrorTable::new(&SmppConfig { errors, unknown_error: Action::Reject, ..SmppConfig::default() });
        assert_eq!(table.action(CommandStatus::RSUBMITFAIL), Action::Throttle);
        assert_eq!(table.action(CommandStatus(0x401)), Action::Block);
        assert_eq!(table.action(CommandStatus(0x402)), Action::Reject);
    }
}
