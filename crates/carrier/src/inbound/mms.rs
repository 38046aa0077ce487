//! From a request of an MMSC to an inbound multimedia message.

use wire::mms::{self, Part};
use wire::{mm4, mm7};

use super::address::{self, Form};
use crate::{InboundContent, InboundFile, InboundMms};
use model::InboundAddress;

/// The most octets that the parts of a message may have together. A larger one is refused for good.
pub const MMS_BYTES_MAX: usize = 5 * 1_024 * 1_024;

/// Why a larger message is refused. It may be logged.
pub(crate) const TOO_LARGE: &str = "a message of a handset with more than 5 MB";

/// A message of more octets than are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// What a message of these parts carries.
pub(crate) fn content(subject: Option<&str>, parts: &[Part]) -> Result<InboundContent, TooLarge> {
    if parts.iter().map(|part| part.bytes.len()).sum::<usize>() > MMS_BYTES_MAX {
        return Err(TooLarge);
    }
    let received = mms::received(parts);
    let file = |file: mms::File| InboundFile { content_type: file.content_type, bytes: file.bytes.to_vec() };
    Ok(InboundContent::Mms(InboundMms {
        subject: subject.map(str::to_owned).filter(|subject| !subject.is_empty()),
        text: received.text,
        files: received.files.into_iter().map(file).collect(),
    }))
}

/// An address of MM4: a number or a short code without its type and domain, and everything else as it stands.
pub(crate) fn of_mm4(address: &mm4::Address, national_prefix: Option<&str>) -> InboundAddress {
    match address.kind() {
        mm4::AddressKind::Plmn => address::read(address.user(), Form::Unsaid, national_prefix),
        mm4::AddressKind::Typed => {
            let name = address.user().split('/').next().unwrap_or_default();
            Some(InboundAddress::of(name))
                .filter(|address| address.known().is_some())
                .unwrap_or_else(|| InboundAddress::of(&address.to_string()))
        }
        mm4::AddressKind::Mailbox => InboundAddress::of(&address.to_string()),
    }
}

/// An address of MM7. Digits in a mail address are a number only where its type says so.
pub(crate) fn of_mm7(address: &mm7::Address, national_prefix: Option<&str>) -> InboundAddress {
    let text = address.text();
    match (address, mm4::Address::parse(text)) {
        (mm7::Address::Rfc2822(_), Some(mail)) if text.to_ascii_uppercase().contains("/TYPE=") => {
            of_mm4(&mail, national_prefix)
        }
        (mm7::Address::Rfc2822(_), Some(mail)) if mail.domain().is_none() => of_mm4(&mail, national_prefix),
        (mm7::Address::Rfc2822(_), _) => InboundAddress::of(text),
        (mm7::Address::Number(_) | mm7::Address::ShortCode(_), _) => {
            let number = text.split(['/', '@']).next().unwrap_or_default();
            address::read(number, Form::Unsaid, national_prefix)
        }
    }
}

/// Addresses without those that come again.
pub(crate) fn distinct(addresses: impl IntoIterator<Item = InboundAddress>) -> Vec<InboundAddress> {
    let mut distinct = Vec::new();
    for address in addresses {
        if !distinct.contains(&address) {
            distinct.push(address);
        }
    }
    // A message that names no recipient has one without an address.
    if distinct.is_empty() {
        distinct.push(InboundAddress::of(""));
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_type_and_domain_where_they_are_numbers() {
        for (text, expected) in [
            ("+12025550101/TYPE=PLMN@mms.example.net", "+12025550101"),
            ("12025550101/TYPE=PLMN", "+12025550101"),
            ("72345/TYPE=PLMN@mms.example.net", "72345"),
            ("ACME/TYPE=ALPHA@mms.example.net", "ACME"),
            ("10.0.0.1/TYPE=IPv4@mms.example.net", "10.0.0.1/TYPE=IPv4@mms.example.net"),
            ("someone@example.com", "someone@example.com"),
        ] {
            let address = mm4::Address::parse(text).unwrap();
            assert_eq!(of_mm4(&address, None).to_string(), expected, "{text}");
            assert_eq!(of_mm7(&mm7::Address::Rfc2822(text.to_owned()), None).to_string(), expected, "{text}");
        }
        for (address, expected) in [
            (mm7::Address::Number("+12025550101".to_owned()), "+12025550101"),
            (mm7::Address::Number("12025550101".to_owned()), "+12025550101"),
            (mm7::Address::Number("+12025550101/TYPE=PLMN".to_owned()), "+12025550101"),
            (mm7::Address::ShortCode("72345".to_owned()), "72345"),
            (mm7::Address::ShortCode("ACME".to_owned()), "ACME"),
            (mm7::Address::Rfc2822("12345678@example.com".to_owned()), "12345678@example.com"),
        ] {
            assert_eq!(of_mm7(&address, None).to_string(), expected, "{address:?}");
        }
        let national = mm7::Address::Number("8005551234".to_owned());
        assert_eq!(of_mm7(&national, Some("+1")).to_string(), "+18005551234");
    }

    #[test]
    fn a_message_of_more_octets_than_are_taken_is_none() {
        let part = |bytes: usize| Part {
            content_type: "image/jpeg".to_owned(),
            id: String::new(),
            location: String::new(),
            bytes: vec![0; bytes].into(),
        };
        assert!(content(None, &[part(MMS_BYTES_MAX)]).is_ok());
        assert_eq!(content(None, &[part(MMS_BYTES_MAX), part(1)]), Err(TooLarge));
    }
}
