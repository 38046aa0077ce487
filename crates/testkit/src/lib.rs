//! The values that many tests begin with: messages and broadcasts with every field set, what admits them, and a store
//! in a directory of its own. For tests alone.
//!
//! Every value is one that the product could have. A test says what matters to it, and takes the rest from here:
//!
//! ```
//! use model::Message;
//!
//! let long = Message { segments: 3, ..testkit::message(7) };
//! assert_eq!((long.id, long.created_at), (testkit::message_id(7), testkit::NOW));
//! ```
//!
//! The unit tests of a crate cannot use values whose types are its own, since those of the kit belong to another build
//! of it. They use values of the crates below.

pub mod bucket;
mod load;
pub mod openapi;
mod place;
pub mod postgres;
mod records;
pub mod valkey;
mod values;

pub use load::Load;
pub use place::Place;
pub use records::{admission, broadcast_admission, leased};
pub use values::{
    ACCOUNT, LIMITS, NOW, VALID, account, broadcast, broadcast_id, clock, message, message_at, message_id, number,
    originator, pepper, recipient, recipients,
};
