//! The head of a mail: its fields by name, unfolded and decoded. What MM4 has no use for, such as what mail systems on
//! the way add, is passed over.

use std::borrow::Cow;

use mail_parser::{ContentType, HeaderName, HeaderValue, MessageParser};

use super::{
    ADDRESSES_MAX, Address, HEAD_BYTES_MAX, ID_CHARS_MAX, Mm4Error, REMARK_CHARS_MAX, REMARKS_MAX, Remark, date,
};

// TS 23.140, 8.4.5: the headers that the information elements of MM4 are carried in.
pub(super) const VERSION: &str = "X-Mms-3GPP-MMS-Version";
pub(super) const MESSAGE_TYPE: &str = "X-Mms-Message-Type";
pub(super) const TRANSACTION_ID: &str = "X-Mms-Transaction-ID";
pub(super) const MESSAGE_ID: &str = "X-Mms-Message-ID";
pub(super) const ACK_REQUEST: &str = "X-Mms-Ack-Request";
pub(super) const ORIGINATOR_SYSTEM: &str = "X-Mms-Originator-System";
pub(super) const DELIVERY_REPORT: &str = "X-Mms-Delivery-Report";
pub(super) const READ_REPLY: &str = "X-Mms-Read-Reply";
pub(super) const MESSAGE_CLASS: &str = "X-Mms-Message-Class";
pub(super) const PRIORITY: &str = "X-Mms-Priority";
pub(super) const EXPIRY: &str = "X-Mms-Expiry";
pub(super) const SENDER_VISIBILITY: &str = "X-Mms-Sender-Visibility";
pub(super) const FORWARD_COUNTER: &str = "X-Mms-Forward-Counter";
pub(super) const ADAPTATION_ALLOWED: &str = "X-Mms-Adaptation-Allowed";
pub(super) const CONTENT_CLASS: &str = "X-Mms-Content-Class";
pub(super) const DRM_CONTENT: &str = "X-Mms-Drm-Content";
pub(super) const REQUEST_STATUS: &str = "X-Mms-Request-Status-Code";
pub(super) const STATUS_TEXT: &str = "X-Mms-Status-Text";
pub(super) const REQUEST_RECIPIENTS: &str = "X-Mms-Request-Recipients";
pub(super) const MM_STATUS: &str = "X-Mms-MM-Status-Code";
pub(super) const MM_STATUS_EXTENSION: &str = "X-Mms-MM-Status-Extension";

// RFC 5322 and 2045.
pub(super) const FROM: &str = "From";
pub(super) const TO: &str = "To";
pub(super) const CC: &str = "Cc";
pub(super) const SENDER: &str = "Sender";
pub(super) const SUBJECT: &str = "Subject";
pub(super) const DATE: &str = "Date";
pub(super) const CONTENT_TYPE: &str = "Content-Type";
pub(super) const CONTENT_ID: &str = "Content-ID";
pub(super) const CONTENT_LOCATION: &str = "Content-Location";
pub(super) const CONTENT_TRANSFER_ENCODING: &str = "Content-Transfer-Encoding";

/// The names that peers give the version: the specification's, that of MM1, and a slip that test clients make.
const VERSIONS: [&str; 3] = [VERSION, "X-Mms-MMS-Version", "X-Mms-3GPP-Version"];
/// The names that peers give the status of a message: the specification's, and that of MM1.
const MM_STATUSES: [&str; 2] = [MM_STATUS, "X-Mms-Status"];

/// Parts of the names of fields in which vendors say more of what went wrong.
const REMARKS: [&str; 11] =
    ["status", "code", "error", "reason", "cause", "detail", "diagnostic", "result", "failure", "text", "extension"];
/// Fields that MM4 has itself, and whose meaning is read.
const UNDERSTOOD: [&str; 12] = [
    MESSAGE_TYPE,
    TRANSACTION_ID,
    MESSAGE_ID,
    ACK_REQUEST,
    DELIVERY_REPORT,
    READ_REPLY,
    CONTENT_CLASS,
    REQUEST_STATUS,
    REQUEST_RECIPIENTS,
    MM_STATUS,
    STATUS_TEXT,
    MM_STATUS_EXTENSION,
];
/// How names of fields begin that mail systems on the way add.
const OF_MAIL_SYSTEMS: [&str; 5] = ["x-spam", "x-virus", "x-ms-", "x-amavis", "x-mailscanner"];

/// The most encoded words of a head: a subject has few.
const ENCODED_WORDS_MAX: usize = 256;

/// A head, and the body after the empty line, of a mail or one of its parts. Lines may end without a carriage return.
pub(super) fn split(mail: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if matches!(line, b"\r\n" | b"\n") {
            return mail.split_at(at);
        }
    }
    (mail, &[])
}

/// The fields of a head, in order.
pub(super) struct Fields {
    fields: Vec<(String, String)>,
    content_type: Option<(String, ContentType<'static>)>,
}

impl Fields {
    /// Reads a head. What is no field is passed over.
    pub(super) fn read(head: &[u8]) -> Result<Self, Mm4Error> {
        if head.len() > HEAD_BYTES_MAX {
            return Err(Mm4Error::TooLong("head"));
        }
        // The parser may read on to the end of a field for each of them.
        if head.windows(2).filter(|pair| pair == b"=?").count() > ENCODED_WORDS_MAX {
            return Err(Mm4Error::TooMany("encoded words"));
        }
        let parser = MessageParser::new().header_content_type(HeaderName::ContentType).default_header_text();
        // The parser drops a field whose line has no end.
        let head = [head, b"\r\n\r\n"].concat();
        let mut read = Self { fields: Vec::new(), content_type: None };
        for header in
            parser.parse_headers(&head).into_iter().flat_map(|mail| mail.parts).take(1).flat_map(|part| part.headers)
        {
            let raw = head.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default();
            match header.value.into_owned() {
                HeaderValue::ContentType(value) if read.content_type.is_none() => {
                    read.content_type = Some((unfolded(raw), value));
                }
                HeaderValue::Text(text) => {
                    // An encoded word may hold what no header may.
                    let text: Cow<'_, str> = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                    read.fields.push((header.name.as_str().to_owned(), text.trim().to_owned()));
                }
                _ => {}
            }
        }
        Ok(read)
    }

    /// The first field of this name that says something.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(found, text)| found.eq_ignore_ascii_case(name) && !text.is_empty())
            .map(|(_, text)| text.as_str())
    }

    /// The same for others to keep.
    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// An id without the quotes and brackets that some put around it.
    pub(super) fn id(&self, name: &'static str) -> Result<Option<String>, Mm4Error> {
        let id = self.text(name).map(bare_id).unwrap_or_default();
        if id.chars().count() > ID_CHARS_MAX {
            return Err(Mm4Error::TooLong(name));
        }
        Ok((!id.is_empty()).then(|| id.to_owned()))
    }

    /// The version, by whatever name; empty when there is none.
    pub(super) fn version(&self) -> String {
        VERSIONS.iter().find_map(|name| self.text(name)).unwrap_or_default().trim_matches('"').to_owned()
    }

    /// The status of a message, by whatever name.
    pub(super) fn mm_status(&self) -> Option<&str> {
        MM_STATUSES.iter().find_map(|name| self.text(name))
    }

    /// What a vendor says beside the code: fields that begin with `X-` and are about a status, an error or a reason, in
    /// order. At most [`REMARKS_MAX`] of them, each cut after [`REMARK_CHARS_MAX`] characters; what a terminal would
    /// not show as it is comes escaped.
    pub(super) fn remarks(&self) -> Vec<Remark> {
        let is_remark = |name: &str, text: &str| {
            let name = name.to_ascii_lowercase();
            let is_named = name.starts_with("x-") && REMARKS.iter().any(|part| name.contains(part));
            let is_known = UNDERSTOOD.iter().chain(&MM_STATUSES).any(|known| name.eq_ignore_ascii_case(known));
            is_named && !is_known && !text.is_empty() && !OF_MAIL_SYSTEMS.iter().any(|system| name.starts_with(system))
        };
        let found = self.fields.iter().filter(|(name, text)| is_remark(name, text)).take(REMARKS_MAX);
        found.map(|(name, text)| Remark::of(name, text)).collect()
    }

    /// Whether it says yes; `None` when it says neither.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        // The numbers are those of MM1 (OMA MMS Encapsulation, 7.3.11).
        match self.text(name)?.trim_matches('"').to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" | "128" => Some(true),
            "no" | "false" | "0" | "129" => Some(false),
            _ => None,
        }
    }

    /// The date of the mail, in seconds since 1970.
    pub(super) fn date(&self) -> Option<i64> {
        self.text(DATE).and_then(date::parse)
    }

    /// The one address of a field.
    pub(super) fn address(&self, name: &str) -> Option<Address> {
        self.text(name).and_then(Address::parse)
    }

    /// All addresses of all fields of this name. What is no address is passed over.
    pub(super) fn addresses(&self, name: &str) -> Result<Vec<Address>, Mm4Error> {
        let fields = self.fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let found: Vec<Address> =
            fields.flat_map(|(_, text)| listed(text)).filter_map(Address::parse).take(ADDRESSES_MAX + 1).collect();
        if found.len() > ADDRESSES_MAX { Err(Mm4Error::TooMany("addresses")) } else { Ok(found) }
    }

    /// The media type as written, and its parameters.
    pub(super) fn content_type(&self) -> Option<(&str, &ContentType<'static>)> {
        self.content_type.as_ref().map(|(written, read)| (written.as_str(), read))
    }
}

impl Remark {
    /// A field, so that a terminal shows it as it is.
    pub(super) fn of(name: &str, text: &str) -> Self {
        Self { name: shown(name), text: shown(text) }
    }
}

/// A text as it can be shown, cut after [`REMARK_CHARS_MAX`] characters.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars().take(REMARK_CHARS_MAX) {
        if character == ' ' || character.is_ascii_graphic() || character.is_alphanumeric() {
            shown.push(character);
        } else {
            shown.extend(character.escape_unicode());
        }
    }
    if text.chars().nth(REMARK_CHARS_MAX).is_some() {
        shown.push('\u{2026}');
    }
    shown
}

/// An id without quotes and angle brackets, in whatever order.
pub(super) fn bare_id(id: &str) -> &str {
    id.trim_matches(['"', '\'', '<', '>', ' ', '\t'])
}

/// A field's text on one line.
fn unfolded(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).chars().filter(|c| !c.is_control() || *c == '\t').collect::<String>().trim().to_owned()
}

/// The entries of a list. A comma in quotes separates nothing.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c| {
        is_quoted ^= c == '"';
        matches!(c, ',' | ';') && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_the_first_empty_line() {
        for (mail, body) in [
            ("a: b\r\n\r\nbody", "body"),
            ("a: b\n\nbody", "body"),
            ("a: b\r\n", ""),
            ("\r\nbody", "body"),
            ("", ""),
            ("a: b\r\n \r\nc: d\r\n\r\nx", "x"),
        ] {
            assert_eq!(split(mail.as_bytes()).1, body.as_bytes(), "{mail:?}");
        }
    }

    #[test]
    fn fields_are_unfolded_decoded_and_found_in_any_case() {
        let fields = Fields::read(
            b"Received: from a\r\n by b\r\nsubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n  und \
                mehr\r\nX-MMS-MESSAGE-ID:\r\n \"<42>\"\r\nno field at all\r\nX-Mms-Ack-Request: yes\r\nContent-Type: \
                multipart/related;\r\n\tboundary=\"b\"",
        )
        .unwrap();
        assert_eq!(fields.text(SUBJECT), Some("Gr\u{fc}\u{df}e und mehr"));
        assert_eq!(fields.id(MESSAGE_ID), Ok(Some("42".to_owned())));
        assert_eq!(fields.flag(ACK_REQUEST), Some(true));
        let (written, read) = fields.content_type().unwrap();
        assert_eq!((written, read.attribute("boundary")), ("multipart/related;\tboundary=\"b\"", Some("b")));
    }

    #[test]
    fn remarks_of_vendors_are_kept_in_bounds_and_can_be_shown() {
        let head = b"X-Internal-Status-Code: 412\r\nX-Mms-Status-Text: media-content-invalid\r\nX-Mms-MM-Status-Code: \
            Rejected\r\nX-Mms-Message-ID: 1\r\nX-Spam-Status: no\r\nStatus: x\r\nX-Vendor-Error:\r\nX-Vendor-Reason: \
            =?utf-8?q?=1B[2J=E2=80=AEno?=\r\nX-Mms-MM-Status-Extension: Rejection-By-MMS-Recipient\r\nX-Mailer: y\r\n";
        let remarks: Vec<String> = Fields::read(head).unwrap().remarks().iter().map(ToString::to_string).collect();
        assert_eq!(remarks, ["X-Internal-Status-Code: 412", "X-Vendor-Reason: [2J\\u{202e}no"]);
        let many: String = (0..100).map(|number| format!("X-{number}-Code: {}\r\n", "x".repeat(1_000))).collect();
        let remarks = Fields::read(&many.as_bytes()[..60_000]).unwrap().remarks();
        assert_eq!((remarks.len(), remarks[0].text.chars().count()), (REMARKS_MAX, REMARK_CHARS_MAX + 1));
    }

    #[test]
    fn a_comma_in_quotes_separates_nothing() {
        assert_eq!(listed("\"a, b\" <c>, d;e").collect::<Vec<_>>(), ["\"a, b\" <c>", " d", "e"]);
    }
}
