//! Who sends and who gets a message (3GPP TS 23.140, 8.7.1: `addressType` of the schema).

/// An address, by the element that it stands in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `Number`: an E.164 number, with or without `+`.
    Number(String),
    /// `ShortCode`: a service's number or name.
    ShortCode(String),
    /// `RFC2822Address`: as in mail, and `+12025550101/TYPE=PLMN@mms.example.net` for numbers.
    Rfc2822(String),
}

impl Address {
    /// The name of its element.
    pub const fn element(&self) -> &'static str {
        match self {
            Self::Number(_) => "Number",
            Self::ShortCode(_) => "ShortCode",
            Self::Rfc2822(_) => "RFC2822Address",
        }
    }

    /// What stands in its element.
    pub fn text(&self) -> &str {
        match self {
            Self::Number(text) | Self::ShortCode(text) | Self::Rfc2822(text) => text,
        }
    }

    /// The address in an element of this name; a number in an element that nobody knows.
    pub(super) fn named(element: &str, text: String) -> Self {
        if element.eq_ignore_ascii_case("RFC2822Address") {
            Self::Rfc2822(text)
        } else if element.eq_ignore_ascii_case("ShortCode") {
            Self::ShortCode(text)
        } else {
            Self::Number(text)
        }
    }

    /// The digits of a number, whatever element it stands in and whatever type and domain follow it; `None` for what is
    /// no number.
    pub fn digits(&self) -> Option<String> {
        let number = self.text().split(['/', '@']).next().unwrap_or_default().trim();
        let number = number.strip_prefix('+').unwrap_or(number);
        let digits: String =
            number.chars().filter(|character| !matches!(character, ' ' | '-' | '.' | '(' | ')')).collect();
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_its_digits_however_it_is_written() {
        for (text, digits) in [
            ("+12025550101", Some("12025550101")),
            ("12025550101", Some("12025550101")),
            ("+12025550101/TYPE=PLMN", Some("12025550101")),
            ("+12025550101/TYPE=PLMN@mms.example.net", Some("12025550101")),
            ("+1 (202) 555-0101", Some("12025550101")),
            ("23355/TYPE=PLMN", Some("23355")),
            ("news@example.net", None),
            ("", None),
            ("+", None),
        ] {
            for address in [
                Address::Number(text.to_owned()),
                Address::ShortCode(text.to_owned()),
                Address::Rfc2822(text.to_owned()),
            ] {
                assert_eq!(address.digits().as_deref(), digits, "{text}");
            }
        }
    }
}
