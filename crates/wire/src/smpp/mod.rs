//! SMPP 3.4 and 5.0 (Short Message Peer-to-Peer): PDUs as values, and the rules about them.
//!
//! In come the octets of one PDU, cut out of the stream by [`frame`]; out goes a [`Pdu`], or a [`DecodeError`] that
//! says what to answer. Decoding takes what the field sends (long fields, missing bodies, stray octets) and never looks
//! past its own PDU; encoding writes what the specification says.

mod address;
mod bind;
mod codec;
mod command;
pub mod constants;
pub mod frame;
mod pdu;
mod sequence;
mod sm;
mod state;
mod status;
pub mod time;
mod tlv;

pub use address::Address;
pub use bind::{Bind, BindKind, Outbind};
pub use codec::{DecodeError, EncodeError, decode, encode, try_encode};
pub use command::CommandId;
pub use pdu::{Body, CancelSm, DataSm, Pdu, QueryResult, QuerySm};
pub use sequence::Sequence;
pub use sm::Sm;
pub use state::SessionState;
pub use status::CommandStatus;
pub use tlv::{Tlv, Tlvs, tag};
