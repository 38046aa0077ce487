//! Addresses between MMSCs: a number with its type and perhaps the domain of its MMSC,
//! `+12025550101/TYPE=PLMN@mms.example.net` (TS 23.140, 8.4.5.1), or a mailbox such as the system that answers.

use std::fmt;

/// The longest address that is taken: a path of RFC 5321, 4.5.3.1.3.
const CHARS_MAX: usize = 256;

/// What the part before the `@` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// The number of a handset: `/TYPE=PLMN`.
    Plmn,
    /// A name of some other kind that says its type, as it stands: `/TYPE=IPv4`, a short code.
    Typed,
    /// A mailbox.
    Mailbox,
}

/// An address: never empty, and safe to write into a header or an SMTP command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    user: String,
    kind: AddressKind,
    domain: Option<String>,
}

impl Address {
    /// A handset's number, in international form, as it is written without a domain. `None` when it is no number.
    pub fn number(number: &str) -> Option<Self> {
        is_number(number).then(|| Self { user: number.to_owned(), kind: AddressKind::Plmn, domain: None })
    }

    /// Reads one address: with a name before it or none, in angle brackets or quotes or not, with `/TYPE=PLMN` in any
    /// case. A bare number counts as one of a handset. `None` when there is none.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = match (text.rfind('<'), text.rfind('>')) {
            (Some(open), Some(close)) if open < close => text.get(open + 1..close)?,
            _ => text,
        };
        let bare = bare.trim().trim_matches('"').trim();
        let bare = bare
            .get(..7)
            .filter(|head| head.eq_ignore_ascii_case("mailto:"))
            .map_or(bare, |_| bare.get(7..).unwrap_or_default());
        if bare.len() > CHARS_MAX {
            return None;
        }
        let (local, domain) = bare.rsplit_once('@').map_or((bare, None), |(local, domain)| (local, Some(domain)));
        if !local.bytes().all(is_plain)
            || local.is_empty()
            || domain.is_some_and(|domain| domain.is_empty() || !domain.bytes().all(is_in_domain))
        {
            return None;
        }
        let (user, kind) = typed(local);
        let domain = domain.map(str::to_owned);
        (!user.is_empty()).then(|| Self { user: user.to_owned(), kind, domain })
    }

    /// The same at this domain, which replaces its own. `None` when the domain cannot be one.
    pub fn at(&self, domain: &str) -> Option<Self> {
        let sound = !domain.is_empty() && domain.bytes().all(is_in_domain);
        let address = Self { domain: Some(domain.to_owned()), ..self.clone() };
        (sound && address.to_string().len() <= CHARS_MAX).then_some(address)
    }

    /// What the part before the `@` is.
    pub const fn kind(&self) -> AddressKind {
        self.kind
    }

    /// The part before the `@`: of a handset the number alone, of another kind with its type.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The domain of its MMSC.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// The digits of a handset's number, without `+`.
    pub fn digits(&self) -> Option<&str> {
        (self.kind == AddressKind::Plmn).then(|| self.user.strip_prefix('+').unwrap_or(&self.user))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.user)?;
        if self.kind == AddressKind::Plmn {
            f.write_str("/TYPE=PLMN")?;
        }
        self.domain.iter().try_for_each(|domain| write!(f, "@{domain}"))
    }
}

/// A local part without `/TYPE=PLMN`, and what it is. Another type stays where it is.
fn typed(local: &str) -> (&str, AddressKind) {
    const MARK: &str = "/TYPE=";
    let at = local.len().checked_sub("/TYPE=PLMN".len());
    let (head, mark) = at.and_then(|at| Some((local.get(..at)?, local.get(at..)?))).unwrap_or((local, ""));
    if mark.eq_ignore_ascii_case("/TYPE=PLMN") {
        return if is_number(head) { (head, AddressKind::Plmn) } else { (local, AddressKind::Typed) };
    }
    if local.to_ascii_uppercase().contains(MARK) {
        return (local, AddressKind::Typed);
    }
    (local, if is_number(local) { AddressKind::Plmn } else { AddressKind::Mailbox })
}

/// Digits, perhaps after a `+`: as few as a short code has.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (3..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a local part may hold: printable, and nothing that ends it or its header.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'\\' | b',' | b';' | b'(' | b')' | b'@')
}

const fn is_in_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'[' | b']' | b':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_read_as_peers_write_them() {
        use AddressKind::{Mailbox, Plmn, Typed};
        for (text, written, kind, digits) in [
            (
                "+12025550101/TYPE=PLMN@mms.example.net",
                "+12025550101/TYPE=PLMN@mms.example.net",
                Plmn,
                Some("12025550101"),
            ),
            (
                "<+12025550101/type=plmn@mms.example.net>",
                "+12025550101/TYPE=PLMN@mms.example.net",
                Plmn,
                Some("12025550101"),
            ),
            ("+12025550101/TYPE=PLMN", "+12025550101/TYPE=PLMN", Plmn, Some("12025550101")),
            (" 12025550101 ", "12025550101/TYPE=PLMN", Plmn, Some("12025550101")),
            ("\"+12025550101/TYPE=PLMN\"", "+12025550101/TYPE=PLMN", Plmn, Some("12025550101")),
            ("\"A. <B>\" <+12025550101/TYPE=PLMN@x>", "+12025550101/TYPE=PLMN@x", Plmn, Some("12025550101")),
            ("mailto:+12025550101@x.net", "+12025550101/TYPE=PLMN@x.net", Plmn, Some("12025550101")),
            ("system@mms.example.net", "system@mms.example.net", Mailbox, None),
            ("10.0.0.1/TYPE=IPv4@x.net", "10.0.0.1/TYPE=IPv4@x.net", Typed, None),
            ("brand/TYPE=PLMN@x.net", "brand/TYPE=PLMN@x.net", Typed, None),
        ] {
            let address = Address::parse(text).unwrap_or_else(|| panic!("no address: {text}"));
            assert_eq!(
                (address.to_string().as_str(), address.kind(), address.digits()),
                (written, kind, digits),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        let long = format!("{}@x.net", "a".repeat(300));
        for text in ["", "@", "@x", "a@", "<>", "a b@x", "a@x\r\nRCPT TO:b@y", "ü@x", "a@x y", "/TYPE=PLMN@", &long] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_goes_to_the_domain_of_its_mmsc() {
        let address = Address::number("+12025550101").unwrap().at("mms.peer.net").unwrap();
        assert_eq!(address.to_string(), "+12025550101/TYPE=PLMN@mms.peer.net");
        assert_eq!(address.at("mms.other.net").unwrap().domain(), Some("mms.other.net"));
        assert_eq!(address.at("a>\r\n"), None);
        assert_eq!(Address::number("12ab"), None);
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn what_is_read_is_written_so_that_it_is_read_the_same(
            text in "[<\"]?[+]?[0-9a-zA-Z./=_-]{0,20}(/TYPE=PLMN)?(@[a-z.]{1,9})?[\">]?|\\PC{0,40}",
        ) {
            if let Some(address) = Address::parse(&text) {
                prop_assert_eq!(Address::parse(&address.to_string()), Some(address));
            }
        }
    }
}
