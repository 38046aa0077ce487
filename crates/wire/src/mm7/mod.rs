//! MM7: SOAP over HTTP between a VASP, which sends multimedia messages, and an MMSC, which delivers them (3GPP TS
//! 23.140, 8.7).
//!
//! A [`Message`] is one envelope: an [`Operation`] under the id of its transaction, in a [`Dialect`]. [`post`] puts it
//! and the content that it refers to into the body of an HTTP request or answer and reads them back. [`StatusCode`]
//! says what follows from an answer, [`MmStatus`] what a delivery report means. All of it is for both sides: a VASP
//! writes what an MMSC reads, and the other way round.
//!
//! Reading is lenient, because peers are: elements are known by their local names in whatever namespace, and what is
//! not needed may be missing.

mod address;
mod dialect;
mod malformed;
mod message;
mod mime;
mod mm_status;
pub mod post;
mod read;
mod status;
mod write;
mod xml;

pub use address::Address;
pub use dialect::{DEFAULT_VERSION, Dialect, NAMESPACE_ROOT};
pub use malformed::Malformed;
pub use message::{
    Content, DeliverReq, DeliverRsp, DeliveryReportReq, Fault, FaultKind, Message, Operation, Recipients, SubmitReq,
    SubmitRsp,
};
pub use mm_status::MmStatus;
pub use read::read;
pub use status::{Refusal, Status, StatusCode, Verdict};
pub use write::write;
