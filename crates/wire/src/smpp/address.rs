//! Addresses with their type of number and numbering plan (SMPP 3.4, 5.2.5 and 5.2.6).

use super::constants::{npi, ton};

/// An address as a PDU has it. The octets are whatever came: ASCII by the specification, Latin-1 or GSM in the field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Address {
    /// Type of number.
    pub ton: u8,
    /// Numbering plan indicator.
    pub npi: u8,
    /// The address itself, without NUL.
    pub octets: Vec<u8>,
}

impl Address {
    /// An address of this kind.
    pub fn new(ton: u8, npi: u8, text: &str) -> Self {
        Self { ton, npi, octets: text.as_bytes().to_vec() }
    }

    /// An address in the kind that its look suggests: `+` and digits are international, 3 to 8 digits a short code,
    /// other digits unknown, the rest alphanumeric (at most 11 octets).
    pub fn guess(text: &str) -> Self {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.strip_prefix('+') {
            Some(digits) if is_number(digits) => Self::new(ton::INTERNATIONAL, npi::ISDN, digits),
            _ if is_number(text) && (3..=8).contains(&text.len()) => {
                Self::new(ton::NETWORK_SPECIFIC, npi::UNKNOWN, text)
            }
            _ if is_number(text) => Self::new(ton::UNKNOWN, npi::ISDN, text),
            _ => Self { ton: ton::ALPHANUMERIC, npi: npi::UNKNOWN, octets: text.bytes().take(11).collect() },
        }
    }

    /// The address as text, octets above ASCII read as Latin-1.
    pub fn text(&self) -> String {
        self.octets.iter().map(|octet| char::from(*octet)).collect()
    }

    /// The digits of a number, without `+` or a leading `00`; `None` when it is no number.
    pub fn digits(&self) -> Option<String> {
        let text = self.text();
        let digits = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).unwrap_or(&text);
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_the_kind_that_it_looks_like() {
        for (text, ton, npi, octets) in [
            ("+18005551234", 1, 1, "18005551234"),
            ("12345", 3, 0, "12345"),
            ("18005551234", 0, 1, "18005551234"),
            ("ACME-Bank", 5, 0, "ACME-Bank"),
            ("A very long name", 5, 0, "A very long"),
            ("+", 5, 0, "+"),
        ] {
            assert_eq!(Address::guess(text), Address::new(ton, npi, octets), "{text}");
        }
    }

    #[test]
    fn digits_are_found_in_every_writing() {
        for (text, digits) in
            [("+1800", Some("1800")), ("001800", Some("1800")), ("1800", Some("1800")), ("ACME", None), ("", None)]
        {
            assert_eq!(Address::new(0, 0, text).digits().as_deref(), digits, "{text}");
        }
    }
}
