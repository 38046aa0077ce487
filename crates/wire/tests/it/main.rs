//! The formats from outside: any octets, PDUs of any content, and another implementation's opinion.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod decoders;
mod generate;
mod mm4;
mod mm7;
mod mm7_arbitrary;
mod round_trip;
mod second_opinion;
