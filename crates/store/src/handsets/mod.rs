//! What follows from messages of handsets and from opt-outs: the rules, without the rows.
//!
//! Reading order: [`arrivals`] (what came again), [`parts`] (parts to wholes), [`message`] (wholes to messages),
//! [`files`], [`opting`] (the list of opt-outs), [`stop`] (the end of what is queued), [`replies`] (automatic
//! messages).

pub(crate) mod arrivals;
pub(crate) mod files;
pub(crate) mod message;
pub(crate) mod opting;
pub(crate) mod parts;
pub(crate) mod replies;
pub(crate) mod stop;
