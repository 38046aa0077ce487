//! Messages of handsets that the SMSC sends: what they say, and the PDUs that carry them.

mod build;

use std::fs;
use std::io;
use std::path::Path;
use std::str::FromStr;

pub(crate) use build::{Delivery, deliveries};
use wire::smpp::Address;

/// A message of a handset: who sends it, to which number, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handset {
    /// The handset.
    pub from: Address,
    /// Whom it writes to.
    pub to: Address,
    /// What it writes; with `--inbound-encoding binary`, octets in hexadecimal.
    pub text: String,
}

/// Written as `+18005550001 +18005551234 STOP`.
impl FromStr for Handset {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.trim_start().splitn(3, char::is_whitespace);
        let (Some(from), Some(to)) = (words.next(), words.next().filter(|to| !to.is_empty())) else {
            return Err(format!("`{line}` is not FROM TO TEXT, such as `+18005550001 +18005551234 STOP`"));
        };
        let text = words.next().unwrap_or_default().to_owned();
        Ok(Self { from: Address::guess(from), to: Address::guess(to), text })
    }
}

/// The messages of a file, one a line. Lines that are empty or begin with `#` are passed over; `\n` in a text is a line
/// break.
///
/// # Errors
/// When the file cannot be read or has a line that is no message.
pub(crate) fn of_file(path: &Path) -> io::Result<Vec<Handset>> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let message = |(at, line): (usize, &str)| {
        line.replace("\\n", "\n").parse().map_err(|why: String| {
            let why = format!("{}, line {}: {why}", path.display(), at + 1);
            io::Error::new(io::ErrorKind::InvalidInput, why)
        })
    };
    lines.map(message).collect()
}

/// The last digits of recipients, and the text that they answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerOf {
    /// Who answers.
    pub digits: String,
    /// What.
    pub text: String,
}

/// Written as `0009=STOP`.
impl FromStr for AnswerOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rule = text
            .split_once('=')
            .filter(|(digits, _)| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()));
        let (digits, text) = rule.ok_or("write DIGITS=TEXT, such as `0009=STOP`")?;
        Ok(Self { digits: digits.to_owned(), text: text.to_owned() })
    }
}

/// How texts of handsets are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum InboundEncoding {
    /// The GSM alphabet where the text fits it, or else UCS-2, as handsets do.
    Auto,
    /// The GSM alphabet, one septet in each octet.
    Gsm7,
    /// The GSM alphabet, packed.
    Gsm7Packed,
    /// ISO 8859-1.
    Latin1,
    /// UTF-16, big-endian.
    Ucs2,
    /// UTF-8 under data_coding 0.
    Utf8,
    /// Octets: the text has them in hexadecimal.
    Binary,
}

/// How the parts of a long message are held together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum InboundSplit {
    /// A header with an 8-bit reference.
    Udh8,
    /// A header with a 16-bit reference.
    Udh16,
    /// The `sar_` parameters.
    Sar,
    /// One message_payload.
    Payload,
}

/// In which order parts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum InboundOrder {
    /// From the first to the last.
    Forward,
    /// From the last to the first.
    Reverse,
    /// By chance.
    Shuffled,
}

/// What carries messages of handsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum InboundVia {
    /// deliver_sm.
    DeliverSm,
    /// data_sm.
    DataSm,
}

/// How messages of handsets are sent.
#[derive(Clone, Debug, clap::Args)]
pub struct InboundOptions {
    /// Sends a message of a handset once somebody receives: `+18005550001 +18005551234 STOP`, that is its number, ours,
    /// and the text. May be given more than once.
    #[arg(long, value_name = "FROM TO TEXT")]
    pub inbound: Vec<Handset>,
    /// Sends the messages of this file, one a line, written the same way.
    #[arg(long, value_name = "FILE")]
    pub inbound_file: Option<std::path::PathBuf>,
    /// Lets handsets whose numbers end so answer each message that they get: `0009=STOP`. May be given more than once.
    #[arg(long, value_name = "DIGITS=TEXT")]
    pub inbound_answer: Vec<AnswerOf>,
    /// Messages of handsets a second; 0 for all at once, as far as they are taken.
    #[arg(long, default_value_t = 0)]
    pub inbound_rate: u32,
    /// How often each message is sent.
    #[arg(long, default_value_t = 1)]
    pub inbound_repeat: u32,
    /// How texts of handsets are encoded.
    #[arg(long, value_enum, default_value_t = InboundEncoding::Auto)]
    pub inbound_encoding: InboundEncoding,
    /// The data_coding of such messages, in decimal, where it is not the usual one: 16 and 240 are flash.
    #[arg(long)]
    pub inbound_data_coding: Option<u8>,
    /// How the parts of a long one are held together.
    #[arg(long, value_enum, default_value_t = InboundSplit::Udh8)]
    pub inbound_split: InboundSplit,
    /// Cuts texts into parts of so many octets, through characters too; as handsets do when absent.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=134))]
    pub inbound_part_octets: Option<u8>,
    /// In which order parts are sent.
    #[arg(long, value_enum, default_value_t = InboundOrder::Forward)]
    pub inbound_order: InboundOrder,
    /// What carries them.
    #[arg(long, value_enum, default_value_t = InboundVia::DeliverSm)]
    pub inbound_via: InboundVia,
    /// How long an answer may take, in ms. What is not answered by then, or when its session ends, is sent again.
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=crate::delay::DELAY_MS_MAX))]
    pub inbound_answer_within_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_are_written() {
        let message = |from: &str, to: &str, text: &str| Handset {
            from: Address::guess(from),
            to: Address::guess(to),
            text: text.to_owned(),
        };
        for (line, expected) in [
            ("+18005550001 +18005551234 STOP", message("+18005550001", "+18005551234", "STOP")),
            ("+18005550001 72345  two blanks", message("+18005550001", "72345", " two blanks")),
            ("ACME 72345", message("ACME", "72345", "")),
        ] {
            assert_eq!(line.parse(), Ok(expected));
        }
        assert!("+18005550001".parse::<Handset>().is_err() && "".parse::<Handset>().is_err());
        assert_eq!("0009=STOP".parse(), Ok(AnswerOf { digits: "0009".to_owned(), text: "STOP".to_owned() }));
        assert!("STOP".parse::<AnswerOf>().is_err() && "x=STOP".parse::<AnswerOf>().is_err());
    }

    #[test]
    fn a_file_has_a_message_a_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "# ours\n+18005550001 +18005551234 a\\nb\n\n+18005550002 +18005551234 c\n").unwrap();
        let texts: Vec<String> = of_file(file.path()).unwrap().into_iter().map(|message| message.text).collect();
        assert_eq!(texts, ["a\nb", "c"]);
        fs::write(file.path(), "nonsense\n").unwrap();
        assert!(of_file(file.path()).unwrap_err().to_string().contains("line 1"));
    }
}
