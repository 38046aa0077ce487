//! What every listener of the product needs against a peer that means harm or does not work: deadlines for writing
//! ([`Patient`]), a bound for each address ([`Shares`]), an orderly goodbye ([`send_off`]), a rule for failures to
//! accept ([`rest_after`]), and a runtime's time for hyper ([`Timer`]).
//!
//! It knows nothing of what is said in HTTP, SMTP or SMPP: the public API, the admin API, the listeners of MM4
//! and MM7 carriers, and the simulators all use it.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

mod accept;
mod patient;
mod send_off;
mod shares;
mod timer;

pub use accept::rest_after;
pub use patient::{Patience, Patient};
pub use send_off::send_off;
pub use shares::{Share, Shares};
pub use timer::Timer;
