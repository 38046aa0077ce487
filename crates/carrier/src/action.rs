//! The actions that follow from a carrier's status, with the words of the configuration.

use model::ErrorType;
use serde::Deserialize;

/// What follows from a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The carrier accepted it.
    Accept,
    /// The link rests and sends it again; the message is none the worse.
    Throttle,
    /// The queue of this recipient is full: the message is tried again later. Only where many recipients in a row are
    /// refused so does the link rest as well.
    QueueFull,
    /// The message is tried again later.
    Retry,
    /// The carrier says that the session is not bound: it is bound anew, and the message is tried again as soon as it
    /// is.
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
