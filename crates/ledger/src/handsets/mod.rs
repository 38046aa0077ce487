//! What follows from messages of handsets and from opt-outs: the rules, without the rows.
//!
//! Reading order: [`arrivals`] (what came again), [`parts`] (parts to wholes), [`message`] (wholes to messages),
//! [`files`], [`opting`] (the list of opt-outs), [`stop`] (the end of what is queued), [`replies`] (automatic
//! messages).

pub mod arrivals;
pub mod files;
pub mod message;
pub mod opting;
pub mod parts;
pub mod replies;
pub mod stop;
