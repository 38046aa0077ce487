//! What either side of a session may ask, by the session's state (SMPP 3.4, 2.3).

use super::CommandId;

/// The state of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Connected, not bound.
    Open,
    /// Bound to send.
    BoundTx,
    /// Bound to receive.
    BoundRx,
    /// Bound to do both.
    BoundTrx,
}

impl SessionState {
    /// Whether messages may be submitted.
    pub const fn can_submit(self) -> bool {
        matches!(self, Self::BoundTx | Self::BoundTrx)
    }

    /// Whether messages and receipts may be delivered.
    pub const fn can_deliver(self) -> bool {
        matches!(self, Self::BoundRx | Self::BoundTrx)
    }

    /// Whether the ESME may send this request now.
    pub fn esme_may_send(self, command: CommandId) -> bool {
        match command {
            CommandId::BIND_RECEIVER | CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSCEIVER => self == Self::Open,
            CommandId::SUBMIT_SM
            | CommandId::SUBMIT_MULTI
            | CommandId::QUERY_SM
            | CommandId::REPLACE_SM
            | CommandId::CANCEL_SM
            | CommandId::BROADCAST_SM
            | CommandId::QUERY_BROADCAST_SM
            | CommandId::CANCEL_BROADCAST_SM => self.can_submit(),
            CommandId::DATA_SM | CommandId::UNBIND => self != Self::Open,
            CommandId::ENQUIRE_LINK => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_allowed_as_the_specification_says() {
        use SessionState::{BoundRx, BoundTrx, BoundTx, Open};
        for (command, states) in [
            (CommandId::BIND_TRANSCEIVER, vec![Open]),
            (CommandId::SUBMIT_SM, vec![BoundTx, BoundTrx]),
            (CommandId::DATA_SM, vec![BoundTx, BoundRx, BoundTrx]),
            (CommandId::UNBIND, vec![BoundTx, BoundRx, BoundTrx]),
            (CommandId::ENQUIRE_LINK, vec![Open, BoundTx, BoundRx, BoundTrx]),
            (CommandId::DELIVER_SM, vec![]),
        ] {
            for state in [Open, BoundTx, BoundRx, BoundTrx] {
                assert_eq!(state.esme_may_send(command), states.contains(&state), "{command} {state:?}");
            }
        }
    }
}
