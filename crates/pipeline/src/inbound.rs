//! Messages of handsets: what their octets mean, whose they are, and what follows from them.
//!
//! Carriers bring them (`carrier::Inbound`). `arrivals` makes of each what the store records; `files` has put its
//! media into their place before. The store joins parts and calls the `Interpreting` inside its transaction. That one
//! reads the `content` (`reading`), finds the owner, and decides on opt-outs and `replies`.

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
