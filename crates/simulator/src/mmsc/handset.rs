//! Multimedia messages of handsets, as the command line says them.

use std::path::PathBuf;
use std::str::FromStr;

use wire::mm4::Address;

/// A message of a handset: who sends it, to which numbers, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handset {
    /// The handset's number.
    pub from: String,
    /// Whom it writes to.
    pub to: Vec<String>,
    /// What it writes.
    pub text: String,
}

/// Written as `+18005550001 +18005551234,+18005551235 Look at this`.
impl FromStr for Handset {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.trim_start().splitn(3, char::is_whitespace);
        let (Some(from), Some(to)) = (words.next(), words.next()) else {
            return Err(format!("`{line}` is not FROM TO[,TO] TEXT, such as `+18005550001 +18005551234 Hello`"));
        };
        let to: Vec<String> = to.split(',').map(str::to_owned).collect();
        for number in std::iter::once(from).chain(to.iter().map(String::as_str)) {
            Address::number(number).ok_or_else(|| format!("`{number}` is no number"))?;
        }
        Ok(Self { from: from.to_owned(), to, text: words.next().unwrap_or_default().to_owned() })
    }
}

/// How messages of handsets are sent.
#[derive(Clone, Debug, clap::Args)]
pub struct InboundOptions {
    /// Sends a message of a handset: `+18005550001 +18005551234 Hello`, that is its number, ours (several with commas
    /// between them make a group), and the text. May be given more than once.
    #[arg(long, value_name = "FROM TO TEXT")]
    pub inbound: Vec<Handset>,
    /// A file that each of them carries. May be given more than once.
    #[arg(long, value_name = "FILE")]
    pub inbound_media: Vec<PathBuf>,
    /// What carries them: mm4 goes to --reply-to, mm7 to --report-to.
    #[arg(long, value_enum, default_value_t = InboundVia::Mm4)]
    pub inbound_via: InboundVia,
    /// The domain where our numbers are.
    #[arg(long, default_value = "mms.smsfactory.example")]
    pub inbound_domain: String,
}

/// What carries messages of handsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum InboundVia {
    /// MM4_forward.REQ.
    Mm4,
    /// DeliverReq of MM7.
    Mm7,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_are_written() {
        let found: Handset = "+18005550001 +18005551234,72345 Look at this".parse().unwrap();
        assert_eq!((found.from.as_str(), found.text.as_str()), ("+18005550001", "Look at this"));
        assert_eq!(found.to, ["+18005551234", "72345"]);
        for line in ["", "+18005550001", "+18005550001 nobody Hello", "somebody +18005551234 Hello"] {
            assert!(line.parse::<Handset>().is_err(), "{line}");
        }
    }
}
