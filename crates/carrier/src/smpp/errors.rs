//! The action for each `command_status`, with the exceptions of each carrier.

use std::collections::HashMap;

use wire::smpp::CommandStatus;

use super::config::SmppConfig;
use crate::action::{Action, BindAction};

/// The tables of one carrier.
#[derive(Debug)]
pub(crate) struct ErrorTable {
    exceptions: HashMap<u32, Action>,
    unknown: Action,
    bind_exceptions: HashMap<u32, BindAction>,
}

impl ErrorTable {
    pub(crate) fn new(config: &SmppConfig) -> Self {
        let exceptions =
            config.errors.iter().filter_map(|(name, action)| Some((CommandStatus::parse(name)?.0, *action)));
        let bind_exceptions =
            config.bind_errors.iter().filter_map(|(name, action)| Some((CommandStatus::parse(name)?.0, *action)));
        Self {
            exceptions: exceptions.collect(),
            unknown: config.unknown_error,
            bind_exceptions: bind_exceptions.collect(),
        }
    }

    /// What follows where a bind was refused with `status`: the carrier's exception, or what is usual.
    pub(crate) fn bind_action(&self, status: CommandStatus) -> BindAction {
        let usual = match status {
            // SMPP 3.4, 5.1.3: the account, its password or its system type is wrong, or (5.0, 4.7.6) the account may
            // not do this.
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
            CommandStatus::RSYSERR
            | CommandStatus::RX_T_APPN
            | CommandStatus::RSUBMITFAIL
            | CommandStatus::RUNKNOWNERR => Action::Retry,
            CommandStatus::RINVDSTADR
            | CommandStatus::RINVDSTTON
            | CommandStatus::RINVDSTNPI
            | CommandStatus::RINVNUMDESTS => Action::InvalidDestination,
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
        let bind_errors =
            [("ESME_RALYBND".to_owned(), Refused), ("0x0d".to_owned(), Retry), ("0x0401".to_owned(), Refused)].into();
        let (usual, own) = (
            ErrorTable::new(&SmppConfig::default()),
            ErrorTable::new(&SmppConfig { bind_errors, ..SmppConfig::default() }),
        );
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
