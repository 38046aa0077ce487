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
    /// The queue of this recipient is full: the message is tried again later. Only where many recipients in a row are refused so does the link rest as well.
    QueueFull,
    /// The message is tried again later.
    Retry,
    /// The carrier says that the session is not bound: it is bound anew, and the message is tried again as soon as it is.
    Rebind,
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
            Self::Accept | Self::Throttle | Self::QueueFull | Self::Retry | Self::Rebind => None,
        }
    }
}

/// What follows from the status of a refused bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindAction {
    /// The carrier does not let this account in: the next bind waits for `refused_retry_secs`.
    Refused,
    /// The carrier cannot serve us now: the next bind waits for the usual rest, which grows.
    Retry,
}

/// The tables of one carrier.
#[derive(Debug)]
pub(crate) struct ErrorTable {
    exceptions: HashMap<u32, Action>,
    unknown: Action,
    bind_exceptions: HashMap<u32, BindAction>,
}

impl ErrorTable {
    pub(crate) fn new(config: &SmppConfig) -> Self {
        let exceptions = config.errors.iter().filter_map(|(name, action)| Some((CommandStatus::parse(name)?.0, *action)));
        let bind_exceptions = config.bind_errors.iter().filter_map(|(name, action)| Some((CommandStatus::parse(name)?.0, *action)));
        Self { exceptions: exceptions.collect(), unknown: config.unknown_error, bind_exceptions: bind_exceptions.collect() }
    }

    /// What follows where a bind was refused with `status`: the carrier's exception, or what is usual.
    pub(crate) fn bind_action(&self, status: CommandStatus) -> BindAction {
        let usual = match status {
            // SMPP 3.4, 5.1.3: the account, its password or its system type is wrong, or (5.0, 4.7.6) the account may not do this.
            CommandStatus::RBINDFAIL
            | CommandStatus::RINVPASWD
            | CommandStatus::RINVSYSID
            | CommandStatus::RINVSYSTYP
            | CommandStatus::RSERTYPUNAUTH
            | CommandStatus::RPROHIBITED
            | CommandStatus::RSERTYPDENIED => BindAction::Refused,
            _ => BindAction::Retry,
        };
        self.bind_exceptions.get(&status.0).copied().unwrap_or(usual)
    }

    /// What follows from `status`: the carrier's exception, or what is usual.
    pub(crate) fn action(&self, status: CommandStatus) -> Action {
        self.exceptions.get(&status.0).copied().unwrap_or_else(|| self.usual(status))
    }

    fn usual(&self, status: CommandStatus) -> Action {
        match status {
            CommandStatus::ROK => Action::Accept,
            CommandStatus::RTHROTTLED => Action::Throttle,
            CommandStatus::RMSGQFUL => Action::QueueFull,
            CommandStatus::RINVBNDSTS => Action::Rebind,
            CommandStatus::RSYSERR | CommandStatus::RX_T_APPN | CommandStatus::RSUBMITFAIL | CommandStatus::RUNKNOWNERR => Action::Retry,
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
            (CommandStatus::RMSGQFUL, Action::QueueFull),
            (CommandStatus::RINVBNDSTS, Action::Rebind),
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
    #[test]
    fn a_refused_bind_is_judged_by_whether_the_carrier_lets_us_in() {
        use BindAction::{Refused, Retry};
        let bind_errors = [("ESME_RALYBND".to_owned(), Refused), ("0x0d".to_owned(), Retry), ("0x0401".to_owned(), Refused)].into();
        let (usual, own) = (ErrorTable::new(&SmppConfig::default()), ErrorTable::new(&SmppConfig { bind_errors, ..SmppConfig::default() }));
        for (status, of_usual, of_own) in [
            (CommandStatus::RBINDFAIL, Refused, Retry),
            (CommandStatus::RINVPASWD, Refused, Refused),
            (CommandStatus::RINVSYSID, Refused, Refused),
            (CommandStatus::RINVSYSTYP, Refused, Refused),
            (CommandStatus::RPROHIBITED, Refused, Refused),
            (CommandStatus::RALYBND, Retry, Refused),
            (CommandStatus::RSYSERR, Retry, Retry),
            (CommandStatus::RTHROTTLED, Retry, Retry),
            (CommandStatus(0x401), Retry, Refused),
        ] {
            assert_eq!((usual.bind_action(status), own.bind_action(status)), (of_usual, of_own), "{status}");
        }
    }
}
