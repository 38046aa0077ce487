//! The formats from outside: any octets, PDUs of any content, and another implementation's opinion.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod decoders;
mod generate;
<<<<<<< HEAD
mod mm4;
=======
mod mm7;
mod mm7_arbitrary;
>>>>>>> db2af10 (Speak MM7: envelopes, what travels beside them, statuses)
mod round_trip;
mod second_opinion;
