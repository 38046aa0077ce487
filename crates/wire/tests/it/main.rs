//! The formats from outside: any octets, PDUs of any content, and another implementation's opinion.

mod decoders;
mod generate;
mod round_trip;
mod second_opinion;
