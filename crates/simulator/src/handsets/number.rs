//! The number of a handset.

use std::fmt;
use std::sync::Arc;

use wire::smpp::Address;

/// The most digits that a number of a handset has (SMPP 3.4, 5.2.8: an address of 20 characters).
const DIGITS_MAX: usize = 20;

/// Short codes have at most as many digits, and no `+`.
const SHORT_CODE_DIGITS_MAX: usize = 8;

/// The number of a handset: 1 to 20 digits. Displays with a `+` where it is longer than a short code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(Arc<str>);

impl Number {
    /// Reads a number: digits, with or without `+` or `00` before them. A `+` may be written as `%2B`, as in addresses
    /// of HTTP. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix("%2B").or_else(|| text.strip_prefix("%2b")).unwrap_or(text);
        Self::of(&Address::new(0, 0, bare))
    }

    /// The number in an address of SMPP; `None` where it is a name.
    pub(crate) fn of(address: &Address) -> Option<Self> {
        let digits = address.digits().filter(|digits| digits.len() <= DIGITS_MAX)?;
        Some(Self(digits.into()))
    }

    /// Its digits alone.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plus = if self.0.len() > SHORT_CODE_DIGITS_MAX { "+" } else { "" };
        write!(f, "{plus}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_in_every_writing() {
        for (text, shown) in [
            ("+18005550199", Some("+18005550199")),
            ("18005550199", Some("+18005550199")),
            ("0018005550199", Some("+18005550199")),
            ("%2B18005550199", Some("+18005550199")),
            ("%2b18005550199", Some("+18005550199")),
            ("72345", Some("72345")),
            ("ACME", None),
            ("", None),
            ("+", None),
            ("1800555019912345678901", None),
        ] {
            assert_eq!(Number::parse(text).map(|number| number.to_string()).as_deref(), shown, "{text}");
        }
    }
}
