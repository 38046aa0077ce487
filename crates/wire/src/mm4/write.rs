//! Writing a mail: fields that nothing can break out of, and a body of parts.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fields::{self, CONTENT_ID, CONTENT_LOCATION, CONTENT_TRANSFER_ENCODING, CONTENT_TYPE};
use super::{Address, MessageType, VERSION, date};
use crate::mms::{Part, SMIL};

/// How long a line of a head is before it is folded (RFC 5322, 2.1.1).
const LINE_CHARS: usize = 78;
/// Octets of text in one encoded word, whose 75 characters (RFC 2047, 2) hold 45 in base64.
const WORD_BYTES: usize = 45;
/// Octets in a line of base64, which makes 76 characters (RFC 2045, 6.8).
const BASE64_LINE_BYTES: usize = 57;
/// Separates the parts. It needs no chance: no line of base64 begins with hyphens.
const BOUNDARY: &str = "=_mm4_part";

/// A mail as it is being written.
pub(super) struct Mail(String);

impl Mail {
    /// A mail of MM4, with the fields that all types have. An empty `version` is [`VERSION`].
    pub(super) fn new(kind: MessageType, version: &str) -> Self {
        let mut mail = Self(String::new());
        mail.field(fields::VERSION, if version.is_empty() { VERSION } else { version });
        mail.field(fields::MESSAGE_TYPE, kind.name());
        mail
    }

    /// A field. What is not plain ASCII is encoded; what no header may hold becomes a blank.
    pub(super) fn field(&mut self, name: &str, text: &str) {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let text = text.trim();
        self.0.push_str(name);
        self.0.push(':');
        if text.is_ascii() && !text.contains("=?") {
            self.folded(name.len() + 1, text);
        } else {
            self.encoded(text);
        }
        self.0.push_str("\r\n");
    }

    /// A field that may be absent.
    pub(super) fn maybe<T: ToString>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.field(name, &value.to_string());
        }
    }

    /// A yes or no.
    pub(super) fn flag(&mut self, name: &str, value: bool) {
        self.field(name, if value { "Yes" } else { "No" });
    }

    /// A list of addresses; absent when it is empty.
    pub(super) fn addresses(&mut self, name: &str, addresses: &[Address]) {
        if !addresses.is_empty() {
            self.field(name, &addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(", "));
        }
    }

    /// What tells this mail from others.
    pub(super) fn mail_id(&mut self, id: &str) {
        self.field("Message-ID", &format!("<{}>", parameter(id)));
    }

    /// A date, in seconds since 1970.
    pub(super) fn date(&mut self, secs: Option<i64>) {
        self.maybe(fields::DATE, secs.map(date::write));
    }

    /// The end of a mail without a body.
    pub(super) fn without_body(mut self) -> Vec<u8> {
        self.field(CONTENT_TYPE, "text/plain");
        self.0.push_str("\r\n");
        self.0.into_bytes()
    }

    /// The end of a mail with parts: `multipart/related` when the first is a presentation (RFC 2387), else
    /// `multipart/mixed`.
    pub(super) fn with_parts(mut self, parts: &[Part]) -> Vec<u8> {
        let Some(root) = parts.first() else {
            return self.without_body();
        };
        self.field("MIME-Version", "1.0");
        let is_presentation = root.content_type.get(..SMIL.len()).is_some_and(|head| head.eq_ignore_ascii_case(SMIL));
        let media_type = if is_presentation {
            format!("multipart/related; type=\"{SMIL}\"; start=\"<{}>\"; boundary=\"{BOUNDARY}\"", parameter(&root.id))
        } else {
            format!("multipart/mixed; boundary=\"{BOUNDARY}\"")
        };
        self.field(CONTENT_TYPE, &media_type);
        for part in parts {
            let _ = write!(self.0, "\r\n--{BOUNDARY}\r\n");
            self.part(part);
        }
        let _ = write!(self.0, "\r\n--{BOUNDARY}--\r\n");
        self.0.into_bytes()
    }

    fn part(&mut self, part: &Part) {
        self.field(CONTENT_TYPE, &part.content_type);
        self.field(CONTENT_ID, &format!("<{}>", parameter(&part.id)));
        if !part.location.is_empty() {
            self.field(CONTENT_LOCATION, &part.location);
        }
        self.field(CONTENT_TRANSFER_ENCODING, "base64");
        for line in part.bytes.chunks(BASE64_LINE_BYTES) {
            self.0.push_str("\r\n");
            STANDARD.encode_string(line, &mut self.0);
        }
        if part.bytes.is_empty() {
            self.0.push_str("\r\n");
        }
    }

    /// Plain text after a name of `used` characters, folded at single blanks: a fold at one of several would lose the
    /// others.
    fn folded(&mut self, mut used: usize, text: &str) {
        for (index, word) in text.split(' ').enumerate() {
            let is_alone = index > 0 && !word.is_empty() && !self.0.ends_with(' ');
            if is_alone && used + 1 + word.len() > LINE_CHARS {
                self.0.push_str("\r\n");
                used = 0;
            }
            self.0.push(' ');
            self.0.push_str(word);
            used += 1 + word.len();
        }
    }

    /// Text in encoded words (RFC 2047), one a line.
    fn encoded(&mut self, text: &str) {
        let mut rest = text;
        let mut fold = "";
        while !rest.is_empty() {
            let end =
                (0..=WORD_BYTES.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let _ = write!(self.0, "{fold} =?utf-8?B?{}?=", STANDARD.encode(word));
            rest = after;
            fold = "\r\n";
        }
    }
}

/// An id that can stand in quotes and angle brackets.
fn parameter(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '<' | '>')).collect()
}
