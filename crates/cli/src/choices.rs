//! Values of options that clap checks: choices by the names that the platform gives them, and times. A wrong value is
//! refused with the list of the right ones before the command asks the server.

use clap::builder::PossibleValuesParser;
use model::number::NumberState;
use model::optout::OptOutScope;
use model::screening::{ScreeningCertainty, ScreeningOutcome};
use model::webhook::{Format, Ordering};
use model::{BroadcastStatus, Mode, Status, Timestamp};

/// The mode of the API key.
pub(super) fn modes() -> PossibleValuesParser {
    [Mode::Live, Mode::Test].map(Mode::as_str).into()
}

/// The statuses of a message.
pub(super) fn statuses() -> PossibleValuesParser {
    Status::ALL.map(Status::as_str).into()
}

/// The statuses of a broadcast.
pub(super) fn broadcast_statuses() -> PossibleValuesParser {
    BroadcastStatus::ALL.map(BroadcastStatus::as_str).into()
}

/// The statuses of a delivery to a webhook.
pub(super) fn delivery_statuses() -> PossibleValuesParser {
    ["pending", "succeeded", "failed"].into()
}

/// The states of a sender.
pub(super) fn number_states() -> PossibleValuesParser {
    NumberState::ALL.map(NumberState::as_str).into()
}

/// The outcomes of the compliance screen that are logged.
pub(super) fn outcomes() -> PossibleValuesParser {
    ScreeningOutcome::ALL.map(ScreeningOutcome::as_str).into()
}

/// The certainties of a finding of the compliance screen.
pub(super) fn certainties() -> PossibleValuesParser {
    ScreeningCertainty::ALL.map(ScreeningCertainty::as_str).into()
}

/// The actions of a screening policy.
pub(super) fn screening_actions() -> PossibleValuesParser {
    ["block", "flag", "off"].into()
}

/// The actions for an inbound text that asks for an end in words of its own.
pub(super) fn suspicions() -> PossibleValuesParser {
    ["flag", "opt_out", "ignore"].into()
}

/// The scopes of a STOP.
pub(super) fn opt_out_scopes() -> PossibleValuesParser {
    OptOutScope::ALL.map(OptOutScope::as_str).into()
}

/// The languages whose keywords can be switched on.
pub(super) fn languages() -> PossibleValuesParser {
    ["es", "fr"].into()
}

/// The orders in which an endpoint gets events.
pub(super) fn orderings() -> PossibleValuesParser {
    Ordering::ALL.map(Ordering::as_str).into()
}

/// The formats of requests to an endpoint.
pub(super) fn formats() -> PossibleValuesParser {
    Format::ALL.map(Format::as_str).into()
}

/// A time, which is sent as it was given.
///
/// # Errors
/// A sentence when the text is not a time.
pub(super) fn time(text: &str) -> Result<String, String> {
    match Timestamp::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("expected a time as in RFC 3339, such as 2026-11-01T09:00:00Z".to_owned()),
    }
}
