//! Every knob of an SMPP carrier: one `[[carrier]]` table of the configuration file.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use wire::gsm::Cut;
use wire::inbound::Coding;
use wire::receipt::id::IdMode;
use wire::smpp::constants::interface_version;

use crate::action::{Action, BindAction};
use crate::keys::{Secret, ValidityForm};

mod check;
mod pattern;

pub use pattern::ReceiptPattern;

use check::parse_tlv;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),* }
    };
}

words! {
    /// How sessions are bound.
    BindMode {
        /// One session sends and receives.
        Trx = "trx",
        /// A pair: one sends, the other receives. For carriers without transceivers.
        TxRx = "tx_rx",
    }
}

words! {
    /// How text that fits the GSM alphabet is encoded; other text always goes as UCS-2.
    Alphabet {
        /// One septet in each octet: what nearly every carrier means by its default.
        Gsm7 = "gsm7",
        /// Septets packed as on the air.
        Gsm7Packed = "gsm7_packed",
        /// ISO 8859-1 where the text is in it as well, or else UCS-2.
        Latin1 = "latin1",
        /// UCS-2 for everything.
        Ucs2 = "ucs2",
    }
}

words! {
    /// What the default alphabet of a carrier is, in messages of handsets.
    InboundAlphabet {
        /// The GSM 7-bit alphabet, one septet in each octet.
        Gsm7 = "gsm7",
        /// The same, packed as on the air.
        Gsm7Packed = "gsm7_packed",
        /// ISO 8859-1.
        Latin1 = "latin1",
        /// ASCII.
        Ascii = "ascii",
        /// UTF-16.
        Ucs2 = "ucs2",
        /// UTF-8.
        Utf8 = "utf8",
    }
}

impl InboundAlphabet {
    /// How its octets are coded.
    pub(crate) const fn coding(self) -> Coding {
        match self {
            Self::Gsm7 => Coding::Gsm7,
            Self::Gsm7Packed => Coding::Gsm7Packed,
            Self::Latin1 => Coding::Latin1,
            Self::Ascii => Coding::Ascii,
            Self::Ucs2 => Coding::Ucs2,
            Self::Utf8 => Coding::Utf8,
        }
    }
}

words! {
    /// How originators that are names are written. A name with a character that the alphabet lacks is refused.
    NameAlphabet {
        /// ISO 8859-1, of which ASCII is a part.
        Latin1 = "latin1",
        /// The GSM default alphabet, one septet in each octet.
        Gsm7 = "gsm7",
    }
}

words! {
    /// How a text of several segments is held together.
    SplitMethod {
        /// A header with an 8-bit reference.
        Udh8 = "udh8",
        /// A header with a 16-bit reference.
        Udh16 = "udh16",
        /// The `sar_*` parameters.
        Sar = "sar",
        /// One `message_payload`.
        Payload = "payload",
        /// Not at all: a longer text is refused.
        None = "none",
    }
}

words! {
    /// What makes a `deliver_sm` a receipt.
    ReceiptDetection {
        /// Its class, its parameters, or a text in the form of a receipt.
        Auto = "auto",
        /// Its class alone.
        EsmClass = "esm_class",
        /// Its parameters alone.
        Tlv = "tlv",
        /// A text in the form of a receipt alone.
        Text = "text",
    }
}

words! {
    /// What a receipt reports on.
    ReceiptPer {
        /// The segment whose id it names.
        Segment = "segment",
        /// The whole message, whichever of its ids it names.
        Message = "message",
    }
}

words! {
    /// How ids of acknowledgements and receipts go together.
    MessageIdMode {
        /// Every reading is tried, the id as written first.
        Auto = "auto",
        /// The same but for case and leading zeros.
        Exact = "exact",
        /// Hexadecimal in the acknowledgement, decimal in the receipt.
        HexToDecimal = "hex_to_decimal",
        /// Decimal in the acknowledgement, hexadecimal in the receipt.
        DecimalToHex = "decimal_to_hex",
    }
}

words! {
    /// What a receipt's `stat` means, where the carrier means something else by it than everybody.
    StatMeaning {
        /// The handset has it.
        Delivered = "delivered",
        /// It will not arrive.
        Undelivered = "undelivered",
        /// Its time ran out.
        Expired = "expired",
        /// The carrier refused it.
        Rejected = "rejected",
        /// Nothing final.
        Pending = "pending",
    }
}

words! {
    /// The version of SMPP that a bind names.
    Version {
        /// As 3.3, for carriers that want it.
        V3_3 = "3.3",
        /// SMPP 3.4.
        V3_4 = "3.4",
        /// SMPP 5.0.
        V5_0 = "5.0",
    }
}

/// One SMPP carrier. Every key but `name`, `host` and `system_id` has a default.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmppConfig {
    /// Its name in routes.
    pub name: String,

    /// Where the SMSC listens.
    pub host: String,
    /// On which port.
    pub port: u16,
    /// The address to connect from.
    pub source_ip: Option<IpAddr>,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// Certificates to trust, in PEM, instead of the machine's.
    pub tls_ca: Option<PathBuf>,
    /// The name that the SMSC's certificate must have; `host` by default.
    pub tls_server_name: Option<String>,
    /// Our certificate, in PEM.
    pub tls_client_cert: Option<PathBuf>,
    /// The key of our certificate, in PEM.
    pub tls_client_key: Option<PathBuf>,

    /// Who binds, at most 15 characters.
    pub system_id: String,
    /// The password, at most 16 octets. Better in a file or the environment.
    pub password: Secret,
    /// A file that holds the password.
    pub password_file: Option<PathBuf>,
    /// An environment variable that holds the password.
    pub password_env: Option<String>,
    /// What kind of system binds, at most 12 characters.
    pub system_type: String,
    /// The version that the bind names.
    pub interface_version: Version,
    /// How sessions are bound.
    pub bind: BindMode,
    /// How many sessions, or pairs of them.
    pub sessions: usize,
    /// Unanswered segments of each session.
    pub window: usize,
    /// Segments a second over all sessions; 0 for no bound.
    pub rate: u32,
    /// Segments a second of each session; 0 for no bound.
    pub session_rate: u32,
    /// Segments a second of each originator; 0 for no bound.
    pub sender_rate: u32,

    /// How long a connection may take to open.
    pub connect_timeout_secs: u64,
    /// How long a bind may take to be answered.
    pub bind_timeout_secs: u64,
    /// How long a segment may take to be answered before its outcome counts as unknown.
    pub response_timeout_secs: u64,
    /// After how long without a PDU from the SMSC it is asked whether it is there.
    pub enquire_link_secs: u64,
    /// How long an SMSC that was asked may go on sending nothing before the session is closed. Any PDU is a sign of
    /// life, not its answer alone.
    pub enquire_link_timeout_secs: u64,
    /// How long answers are waited for after either side has unbound or stopped, and how long an unbind may take to be
    /// answered.
    pub unbind_timeout_secs: u64,
    /// How long an SMSC may read nothing of what waits to be written to it before the session is closed.
    pub write_timeout_secs: u64,
    /// The wait before a second try to connect; it doubles with each failure.
    pub reconnect_floor_ms: u64,
    /// The longest wait before another try to connect.
    pub reconnect_ceiling_ms: u64,
    /// The wait after a bind that was refused for good, such as one with wrong credentials: asking more often gets
    /// accounts locked.
    pub refused_retry_secs: u64,
    /// How long a session rests when it is first asked to be slower; it doubles while that goes on.
    pub throttle_floor_ms: u64,
    /// The longest such pause.
    pub throttle_ceiling_ms: u64,
    /// So many different recipients in a row whose queues are full (`ESME_RMSGQFUL`), with nothing taken in between,
    /// make the session rest too; 0 for never.
    pub queue_full_recipients: usize,
    /// Receipts of a session that may wait to be stored; past it the SMSC is asked to come back.
    pub receipts_pending_max: usize,
    /// Messages of handsets, and parts of them, of a session that may wait to be stored; past it the SMSC is asked to
    /// come back.
    pub inbound_pending_max: usize,
    /// The longest PDU that is taken.
    pub pdu_bytes_max: usize,

    /// Type of number of originators that are numbers; 1 (international) by default.
    pub source_ton: Option<u8>,
    /// Numbering plan of such originators; 1 (ISDN) by default.
    pub source_npi: Option<u8>,
    /// Type of number of short codes; 3 (network specific) by default.
    pub short_code_ton: Option<u8>,
    /// Numbering plan of short codes; 0 (unknown) by default.
    pub short_code_npi: Option<u8>,
    /// Type of number of names; 5 (alphanumeric) by default.
    pub name_ton: Option<u8>,
    /// Numbering plan of names; 0 (unknown) by default.
    pub name_npi: Option<u8>,
    /// In which alphabet names are written.
    pub name_alphabet: NameAlphabet,
    /// Type of number of recipients.
    pub destination_ton: Option<u8>,
    /// Numbering plan of recipients.
    pub destination_npi: Option<u8>,
    /// Whether numbers keep their `+`. Short codes and names have none.
    pub keep_plus: bool,
    /// Recipients that begin with it, such as `+1`, go without it and as national numbers.
    pub national_prefix: Option<String>,
    /// How text that fits the GSM alphabet is encoded.
    pub alphabet: Alphabet,
    /// The `data_coding` of such text, where it is not the usual one.
    pub data_coding: Option<u8>,
    /// The `data_coding` of UCS-2 text, where it is not 8.
    pub ucs2_data_coding: Option<u8>,
    /// Whether typographic quotes and dashes become plain ones, so that text fits the GSM alphabet.
    pub transliterate: bool,
    /// How a text of several segments is held together.
    pub split: SplitMethod,
    /// More segments than this are refused.
    pub segments_max: u8,
    /// Bits of every `esm_class`.
    pub esm_class: u8,
    /// The `service_type`, at most 5 characters.
    pub service_type: String,
    /// The `protocol_id`.
    pub protocol_id: u8,
    /// The `priority_flag`.
    pub priority: u8,
    /// How the validity period is told.
    pub validity: ValidityForm,
    /// Which receipts are asked for.
    pub registered_delivery: u8,
    /// Whether all segments but the last say that more follow.
    pub more_messages_to_send: bool,
    /// Parameters to add to every `submit_sm`, by tag (`"0x1400"`): text, or octets in hexadecimal after `0x`.
    pub tlvs: BTreeMap<String, String>,

    /// What `data_coding` 0 means in messages of handsets.
    pub inbound_alphabet: InboundAlphabet,

    /// How ids of acknowledgements and receipts go together.
    pub message_id_mode: MessageIdMode,
    /// What makes a `deliver_sm` a receipt.
    pub receipt_detection: ReceiptDetection,
    /// How receipts are written that nobody else writes so; tried before the usual form.
    pub receipt_pattern: Option<ReceiptPattern>,
    /// What a receipt reports on.
    pub receipt_per: ReceiptPer,
    /// How long a message waits for its receipts, in hours; 0 for no end.
    pub receipt_wait_hours: u64,
    /// What a receipt's `stat` means, by the word as the carrier writes it.
    pub receipt_stats: BTreeMap<String, StatMeaning>,
    /// What follows from a status, by its name or number, where it is not the usual.
    pub errors: BTreeMap<String, Action>,
    /// What follows where a bind is refused with a status, by its name or number, where it is not the usual.
    pub bind_errors: BTreeMap<String, BindAction>,
    /// What follows from a status that nobody knows, a carrier's own above all.
    pub unknown_error: Action,
}

impl Default for SmppConfig {
    #[expect(clippy::too_many_lines, reason = "a table: one line for each key")]
    fn default() -> Self {
        Self {
            name: String::new(),
            host: String::new(),
            port: 2775,
            source_ip: None,
            tls: false,
            tls_ca: None,
            tls_server_name: None,
            tls_client_cert: None,
            tls_client_key: None,
            system_id: String::new(),
            password: Secret::default(),
            password_file: None,
            password_env: None,
            system_type: String::new(),
            interface_version: Version::V3_4,
            bind: BindMode::Trx,
            sessions: 1,
            window: 50,
            rate: 100,
            session_rate: 0,
            sender_rate: 0,
            connect_timeout_secs: 10,
            bind_timeout_secs: 10,
            response_timeout_secs: 60,
            enquire_link_secs: 30,
            enquire_link_timeout_secs: 10,
            unbind_timeout_secs: 10,
            write_timeout_secs: 30,
            reconnect_floor_ms: 1_000,
            reconnect_ceiling_ms: 60_000,
            refused_retry_secs: 300,
            throttle_floor_ms: 250,
            throttle_ceiling_ms: 10_000,
            queue_full_recipients: 10,
            receipts_pending_max: 2_000,
            inbound_pending_max: 1_000,
            pdu_bytes_max: 70_000,
            source_ton: None,
            source_npi: None,
            short_code_ton: None,
            short_code_npi: None,
            name_ton: None,
            name_npi: None,
            name_alphabet: NameAlphabet::Latin1,
            destination_ton: None,
            destination_npi: None,
            keep_plus: false,
            national_prefix: None,
            alphabet: Alphabet::Gsm7,
            data_coding: None,
            ucs2_data_coding: None,
            transliterate: false,
            split: SplitMethod::Udh8,
            segments_max: 10,
            esm_class: 0,
            service_type: String::new(),
            protocol_id: 0,
            priority: 0,
            validity: ValidityForm::Relative,
            registered_delivery: 1,
            more_messages_to_send: false,
            tlvs: BTreeMap::new(),
            inbound_alphabet: InboundAlphabet::Gsm7,
            message_id_mode: MessageIdMode::Auto,
            receipt_detection: ReceiptDetection::Auto,
            receipt_pattern: None,
            receipt_per: ReceiptPer::Segment,
            receipt_wait_hours: crate::RECEIPT_WAIT_HOURS,
            receipt_stats: BTreeMap::new(),
            errors: BTreeMap::new(),
            bind_errors: BTreeMap::new(),
            unknown_error: Action::Retry,
        }
    }
}

impl SmppConfig {
    /// How long a segment may wait for room in its session, and again how long its answer may take.
    pub(crate) const fn response_timeout(&self) -> Duration {
        Duration::from_secs(self.response_timeout_secs)
    }

    /// The longest time from a submission to its outcome.
    pub(crate) const fn answers_within(&self) -> Duration {
        self.response_timeout().saturating_mul(2)
    }

    pub(crate) const fn cut(&self) -> Cut {
        match self.split {
            SplitMethod::Udh8 => Cut::Udh8,
            SplitMethod::Udh16 => Cut::Udh16,
            SplitMethod::Sar => Cut::Sar,
            SplitMethod::Payload => Cut::Payload,
            SplitMethod::None => Cut::Refuse,
        }
    }

    pub(crate) const fn id_mode(&self) -> IdMode {
        match self.message_id_mode {
            MessageIdMode::Auto => IdMode::Auto,
            MessageIdMode::Exact => IdMode::Exact,
            MessageIdMode::HexToDecimal => IdMode::HexToDecimal,
            MessageIdMode::DecimalToHex => IdMode::DecimalToHex,
        }
    }

    pub(crate) const fn version(&self) -> u8 {
        match self.interface_version {
            Version::V3_3 => interface_version::V3_3,
            Version::V3_4 => interface_version::V3_4,
            Version::V5_0 => interface_version::V5_0,
        }
    }

    /// The extra parameters of every `submit_sm`.
    pub(crate) fn extra_tlvs(&self) -> Vec<(u16, Vec<u8>)> {
        self.tlvs.iter().filter_map(|(tag, value)| parse_tlv(tag, value)).collect()
    }
}

#[cfg(test)]
mod tests;
