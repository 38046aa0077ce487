//! Inbound messages: their decoding, their owners, and their effects.
//!
//! Carriers deliver them (`carrier::Inbound`). `arrivals` turns each into the form that the store records, after
//! `files` has stored its media. The store joins parts and calls the `Interpreting` inside its transaction, which reads
//! the `content` (`reading`), finds the owner, and decides on opt-outs and `replies`.

mod arrivals;
mod content;
pub(crate) mod files;
mod interpreting;
mod reading;
mod replies;
mod rules;

pub(crate) use arrivals::arrivals_of;
pub(crate) use interpreting::Interpreting;
pub use reading::GAP;
pub(crate) use replies::Replies;
pub use rules::InboundRules;
pub(crate) use rules::InboundRulesInForce;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
