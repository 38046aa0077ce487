//! Everything that an SMSC can be told to do, right or wrong.
#![expect(clippy::doc_markdown, reason = "what stands here is the help of the command line")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use wire::receipt::ReceiptState;
use wire::smpp::CommandStatus;

use super::inbound::InboundOptions;
use crate::delay::{DELAY_MS_MAX, DelayMs};
use crate::distribution::{Distribution, Named};
use crate::random::{Random, probability};

/// The behaviour of an SMSC. Probabilities are from 0 to 1.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:2775")]
    pub listen: SocketAddr,
    /// The only system_id that may bind; by default any.
    #[arg(long)]
    pub system_id: Option<String>,
    /// The password of that system_id.
    #[arg(long, env = "SMSFACTORY_SIMULATOR_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// Sessions at once; more are refused with ESME_RALYBND.
    #[arg(long, default_value_t = 1000)]
    pub sessions_max: usize,
    /// A certificate in PEM: connections are TLS.
    #[arg(long, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The key of the certificate in PEM.
    #[arg(long, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Delay of the answer to submit_sm, in ms: `5`, or `5..50`.
    #[arg(long, default_value = "0")]
    pub response_delay_ms: DelayMs,
    /// Delay of a receipt after the answer, in ms: `100`, or `100..2000`.
    #[arg(long, default_value = "0")]
    pub receipt_delay_ms: DelayMs,
    /// The states in receipts, by weight: `delivrd=95,undeliv=4,none=1`.
    #[arg(long, default_value = "delivrd=1")]
    pub receipts: Distribution<ReceiptState>,
    /// The form of receipts: text, parameters, both, a text in message_payload, or a data_sm.
    #[arg(long, value_enum, default_value_t = ReceiptFormat::Both)]
    pub receipt_format: ReceiptFormat,
    /// The esm_class of receipts, in decimal: 4, or 0 and 68 as with some carriers.
    #[arg(long, default_value_t = 4)]
    pub receipt_esm_class: u8,
    /// Digits of the dates in receipts: 10, 12 or 14.
    #[arg(long, default_value_t = 10, value_parser = date_digits)]
    pub receipt_date_digits: usize,
    /// The form of ids in acknowledgements.
    #[arg(long, value_enum, default_value_t = IdFormat::Decimal)]
    pub id_format: IdFormat,
    /// The form of ids in receipts; by default as in acknowledgements.
    #[arg(long, value_enum)]
    pub receipt_id_format: Option<IdFormat>,
    /// The first id.
    #[arg(long, default_value_t = 1_000_000_001)]
    pub first_id: u64,

    /// Refuses a submit_sm with a status: `0.01=ESME_RINVDSTADR`. May be given more than once.
    #[arg(long)]
    pub reject: Vec<Rejection>,
    /// Refuses every submit_sm to numbers with these last digits: `0000=ESME_RMSGQFUL`, a handset whose queue is full.
    /// May be given more than once.
    #[arg(long)]
    pub reject_to: Vec<RejectionTo>,
    /// Segments a second beyond which a session gets ESME_RTHROTTLED; 0 for no limit.
    #[arg(long, default_value_t = 0)]
    pub throttle_above: u32,
    /// Unanswered segments of a session beyond which it gets ESME_RTHROTTLED; 0 for no limit.
    #[arg(long, default_value_t = 0)]
    pub window: usize,
    /// Probability that an answer is never sent.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub lose_response: f64,
    /// Probability that an answer is late by `late_ms`, so that answers overtake each other.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub late_response: f64,
    /// The delay of late answers, in ms.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(..=DELAY_MS_MAX))]
    pub late_ms: u64,
    /// Probability that a receipt is sent before the answer.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub receipt_first: f64,
    /// Probability that a receipt is sent twice.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub duplicate_receipt: f64,
    /// Probability, at each submit_sm, that the connection is cut.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub disconnect: f64,
    /// Probability, at each submit_sm, that the SMSC unbinds. It sends the remaining answers, and then closes the
    /// connection.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub unbind: f64,
    /// Probability, at each submit_sm, that an unreadable PDU is sent.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub garbage: f64,
    /// Inbound messages.
    #[command(flatten)]
    pub inbound: InboundOptions,

    /// The congestion_state in answers to submit_sm, from 0 (idle) to 100; only if the bind is of SMPP 5.0.
    #[arg(long, value_parser = clap::value_parser!(u8).range(..=100))]
    pub congestion: Option<u8>,
    /// Refuses every bind with this status.
    #[arg(long)]
    pub refuse_bind: Option<Status>,
    /// Answers nothing after the bind: a peer that accepts connections and is dead.
    #[arg(long)]
    pub silent: bool,
    /// Writes one octet at a time.
    #[arg(long)]
    pub one_octet_writes: bool,
    /// The seed of all faults: the same seed repeats them.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Writes a JSON line for each event to this file, or to standard output for `-`.
    #[arg(long)]
    pub log: Option<PathBuf>,
    /// Includes the texts of messages in the log.
    #[arg(long)]
    pub log_text: bool,
    /// The interval of JSON summaries, in seconds; 0 for only one at the end.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub summary_secs: u64,
}

impl Default for Options {
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Defaults {
            #[command(flatten)]
            options: Options,
        }
        <Defaults as clap::Parser>::parse_from(["smsc"]).options
    }
}

fn date_digits(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|digits| matches!(digits, 10 | 12 | 14))
        .ok_or_else(|| format!("dates have 10, 12 or 14 digits, and not `{text}`"))
}

/// The form of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReceiptFormat {
    /// Text alone.
    Text,
    /// Parameters alone.
    Tlv,
    /// Text and parameters.
    Both,
    /// A text in `message_payload`.
    Payload,
    /// A `data_sm` with its text in `message_payload`.
    DataSm,
}

/// The form of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum IdFormat {
    /// In decimal.
    Decimal,
    /// In decimal, with zeros up to 20 digits.
    PaddedDecimal,
    /// In hexadecimal.
    Hex,
    /// In capital hexadecimal, with zeros up to 16 digits.
    PaddedHex,
    /// As a UUID.
    Uuid,
    /// As a UUID in capitals.
    UpperUuid,
}

impl IdFormat {
    /// Writes an id.
    pub(crate) fn write(self, id: u64) -> String {
        match self {
            Self::Decimal => id.to_string(),
            Self::PaddedDecimal => format!("{id:020}"),
            Self::Hex => format!("{id:x}"),
            Self::PaddedHex => format!("{id:016X}"),
            Self::Uuid | Self::UpperUuid => {
                let (mixed, mut text) = (Random::new(id).next(), String::new());
                let digits = format!("{mixed:016x}{id:016x}");
                for (index, digit) in digits.chars().enumerate() {
                    if matches!(index, 8 | 12 | 16 | 20) {
                        text.push('-');
                    }
                    text.push(digit);
                }
                if self == Self::UpperUuid { text.to_uppercase() } else { text }
            }
        }
    }
}

impl Named for ReceiptState {
    const EXAMPLE: &'static str = "delivrd";

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.stat().eq_ignore_ascii_case(name))
    }
}

/// A status by name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub CommandStatus);

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        CommandStatus::parse(text).map(Self).ok_or_else(|| format!("`{text}` is no command_status"))
    }
}

/// A probability and the status that a `submit_sm` is then refused with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rejection {
    /// How likely.
    pub probability: f64,
    /// With what.
    pub status: CommandStatus,
}

impl FromStr for Rejection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (probability, status) = text.split_once('=').ok_or("write PROBABILITY=STATUS")?;
        Ok(Self { probability: crate::random::probability(probability)?, status: status.parse::<Status>()?.0 })
    }
}

/// The last digits of recipients, and the status that every `submit_sm` to them is refused with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectionTo {
    /// To whom.
    pub digits: String,
    /// With what.
    pub status: CommandStatus,
}

impl FromStr for RejectionTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rule = text
            .split_once('=')
            .filter(|(digits, _)| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()));
        let (digits, status) = rule.ok_or("write DIGITS=STATUS")?;
        Ok(Self { digits: digits.to_owned(), status: status.parse::<Status>()?.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_they_are_written() {
        assert_eq!("5..50".parse(), Ok(DelayMs(5, 50)));
        assert_eq!("7".parse(), Ok(DelayMs(7, 7)));
        assert!("x".parse::<DelayMs>().is_err());
        assert_eq!(
            "delivrd=3,none=1".parse(),
            Ok(Distribution(vec![(3.0, Some(ReceiptState::Delivered)), (1.0, None)]))
        );
        assert!("nonsense=1".parse::<Distribution<ReceiptState>>().is_err());
        assert_eq!("0.5=ESME_RSYSERR".parse(), Ok(Rejection { probability: 0.5, status: CommandStatus::RSYSERR }));
        assert_eq!(
            "0000=ESME_RMSGQFUL".parse(),
            Ok(RejectionTo { digits: "0000".to_owned(), status: CommandStatus::RMSGQFUL })
        );
        assert!(
            ["=ESME_RMSGQFUL", "x=ESME_RMSGQFUL", "0000", "0000=nonsense"]
                .iter()
                .all(|text| text.parse::<RejectionTo>().is_err())
        );
        assert_eq!(Options::default().listen.port(), 2775);
    }

    #[test]
    fn ids_are_written_in_every_way() {
        for (format, text) in [
            (IdFormat::Decimal, "255"),
            (IdFormat::PaddedDecimal, "00000000000000000255"),
            (IdFormat::Hex, "ff"),
            (IdFormat::PaddedHex, "00000000000000FF"),
        ] {
            assert_eq!(format.write(255), text);
        }
        assert_eq!(IdFormat::Uuid.write(255).len(), 36);
    }
}
