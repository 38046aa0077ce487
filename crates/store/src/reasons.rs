//! Why messages end that were queued: what their error messages say.

/// The recipient has opted out.
pub(crate) const OPTED_OUT: &str = "The recipient has opted out";

/// The broadcast was canceled.
pub(crate) const CANCELED: &str = "The broadcast was canceled before the message left";

/// The client or an operator canceled the message. Only an event says so: the status says the same.
pub(crate) const TAKEN_BACK: &str = "canceled before it left";

/// The recipient is being erased.
pub(crate) const ERASED: &str = "The recipient's data were erased before the message left";
