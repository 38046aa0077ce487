//! What the specifications say: bytes to values and back.
//!
//! In come octets from a network or text from a client; out go values, or an error that says what to answer. Nothing
//! here does I/O or reads a clock, and no input makes it panic.
//!
//! Reading order: [`text`] (what a message may say), [`gsm`] (how it is encoded and cut into segments), [`mod@concat`]
//! (how segments are told apart), [`smpp`] (how they travel), [`receipt`] (what comes back), [`mms`] (what a multimedia
//! message is made of), [`mm4`] (how it travels between MMSCs), [`mm7`] (how it is handed to an MMSC over HTTP),
//! [`terminal`] (how foreign text is shown to a person).

pub mod concat;
pub mod gsm;
pub mod inbound;
pub mod mm4;
pub mod mm7;
pub mod mms;
pub mod receipt;
pub mod smpp;
pub mod terminal;
pub mod text;
