//! Mails and HTTP requests in a trace: their commands and heads, without their contents.

use model::unmatched::escaped;

use crate::trace::{Decoded, Field};

/// Octets of a head that are shown.
const HEAD_MAX: usize = 8_192;

/// Header fields whose digits are ids and times, and no numbers of people.
const IDS: [&str; 6] =
    ["message-id", "x-mms-message-id", "x-mms-transaction-id", "date", "x-mms-expiry", "x-mms-3gpp-mms-version"];

/// A mail: the addresses of its envelope, its header fields, and how long it is.
pub(crate) fn of_mail<'a>(from: &str, to: impl IntoIterator<Item = &'a str>, mail: &[u8], texts: bool) -> Decoded {
    let shown = |name: &str, value: &str| shown(name, value, texts);
    let mut fields = vec![Field::new("MAIL FROM", shown("from", from))];
    fields.extend(to.into_iter().map(|to| Field::new("RCPT TO", shown("to", to))));
    let mut operation = "mail".to_owned();
    for (name, value) in header_fields(mail) {
        if name.eq_ignore_ascii_case("x-mms-message-type") {
            operation.clone_from(&value);
        }
        let value = shown(&name, &value);
        fields.push(Field::new(name, value));
    }
    fields.push(Field::new("octets", mail.len()));
    Decoded { operation, sequence: None, status: None, fields, unreadable: None }
}

/// A request of HTTP, or an answer with its status.
pub(crate) fn of_http(operation: &str, status: Option<String>, content_type: Option<&str>, octets: usize) -> Decoded {
    let content_type = content_type.map(|kind| Field::new("Content-Type", escaped(kind.as_bytes(), HEAD_MAX)));
    let fields = content_type.into_iter().chain([Field::new("Content-Length", octets)]).collect();
    Decoded { operation: operation.to_owned(), sequence: None, status, fields, unreadable: None }
}

/// What was answered, or happened instead.
pub(crate) fn of_answer(operation: &str, status: String) -> Decoded {
    Decoded { operation: operation.to_owned(), sequence: None, status: Some(status), fields: vec![], unreadable: None }
}

/// The header fields of a mail, unfolded (RFC 5322, 2.2).
fn header_fields(mail: &[u8]) -> Vec<(String, String)> {
    let head = &mail[..mail.len().min(HEAD_MAX)];
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in head.split(|octet| *octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        let text = escaped(line, HEAD_MAX);
        match (text.split_once(':'), fields.last_mut()) {
            _ if line.is_empty() => return fields,
            (_, Some((_, value))) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                value.push(' ');
                value.push_str(text.trim());
            }
            (Some((name, value)), _) => fields.push((name.to_owned(), value.trim().to_owned())),
            (None, _) => {}
        }
    }
    fields
}

fn shown(name: &str, value: &str, texts: bool) -> String {
    if texts || IDS.iter().any(|id| name.eq_ignore_ascii_case(id)) {
        value.to_owned()
    } else if name.eq_ignore_ascii_case("subject") {
        format!("({} octets)", value.len())
    } else {
        masked_runs(value)
    }
}

/// A text whose runs of digits that may be numbers are masked.
fn masked_runs(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|character: char| !character.is_ascii_digit()).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        masked.push_str(before);
        masked.push_str(&crate::trace::masked_number(run));
        rest = after;
    }
    masked + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"From: +12025550101/TYPE=PLMN@us.example\r\nSubject: a secret\r\nX-Mms-Message-Type: \
        MM4_forward.REQ\r\nX-Mms-Message-ID: \"1234567890\"\r\nX-Folded: one\r\n two\r\n\r\nX-Body: 1\r\n";

    fn value<'a>(decoded: &'a Decoded, name: &str) -> Option<&'a str> {
        decoded.fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    #[test]
    fn a_mail_is_shown_by_its_head_and_numbers_are_masked() {
        let decoded = of_mail("sys@us.example", ["+12025550123/TYPE=PLMN@them.example"], MAIL, false);
        assert_eq!(decoded.operation, "MM4_forward.REQ");
        assert_eq!(value(&decoded, "RCPT TO"), Some("+120******23/TYPE=PLMN@them.example"));
        assert_eq!(value(&decoded, "From"), Some("+120******01/TYPE=PLMN@us.example"));
        assert_eq!(value(&decoded, "Subject"), Some("(8 octets)"));
        assert_eq!(value(&decoded, "X-Mms-Message-ID"), Some("\"1234567890\""));
        assert_eq!(value(&decoded, "X-Folded"), Some("one two"));
        assert_eq!(value(&decoded, "X-Body"), None);
        assert_eq!(value(&of_mail("", [], MAIL, true), "Subject"), Some("a secret"));
    }
}
