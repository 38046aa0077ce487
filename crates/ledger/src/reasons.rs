//! Why messages end that were accepted: what their error messages say.

/// The account is not active.
pub const ACCOUNT_STOPPED: &str = "The account may not send any more";

/// The sender is not the account's any more, or is suspended.
pub const SENDER_STOPPED: &str = "The sender number may not send any more";

/// The operator blocked the recipient.
pub const RECIPIENT_BLOCKED: &str = "The recipient is blocked";

/// The recipient has opted out.
pub const OPTED_OUT: &str = "The recipient has opted out";

/// The screen refuses the text at the time to leave.
pub const NOT_COMPLIANT: &str = "The text violates messaging compliance rules";

/// The broadcast was canceled.
pub const CANCELED: &str = "The broadcast was canceled before the message left";

/// The client or an operator canceled the message. Only an event says so: the status says the same.
pub const TAKEN_BACK: &str = "canceled before it left";

/// The recipient is being erased.
pub const ERASED: &str = "The recipient's data were erased before the message left";
