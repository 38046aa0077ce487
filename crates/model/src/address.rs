//! Addresses: a subscriber number in its international form (ITU-T E.164).

use std::fmt;
use std::sync::Arc;

/// The text is not a number in E.164 form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an E.164 number: `+`, then 7 to 15 digits, the first not 0")]
pub struct NotE164;

/// A subscriber number: `+`, then 7 to 15 ASCII digits, the first not 0. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msisdn(Arc<str>);

impl Msisdn {
    /// Takes `text` as it stands: nothing is trimmed or repaired.
    pub fn parse(text: &str) -> Result<Self, NotE164> {
        let Some(digits) = text.as_bytes().strip_prefix(b"+") else { return Err(NotE164) };
        let well_formed =
            (7..=15).contains(&digits.len()) && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit);
        if well_formed { Ok(Self(text.into())) } else { Err(NotE164) }
    }

    /// The number with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number without its `+`, as SMPP carries it.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }

    /// The digits as a number, which [`Self::from_u64`] reads back: no number begins with 0.
    pub fn to_u64(&self) -> u64 {
        self.digits().bytes().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    }

    /// The number with these digits, if it is one.
    pub fn from_u64(digits: u64) -> Option<Self> {
        Self::parse(&format!("+{digits}")).ok()
    }

    /// The address in place of one that was erased. Country code 999 is assigned to no country (ITU-T E.164, list of
    /// assigned codes), so that nobody has this number.
    pub fn nobody() -> Self {
        Self("+999000000000000".into())
    }

    /// Whether it is [`Self::nobody`].
    pub fn is_nobody(&self) -> bool {
        *self == Self::nobody()
    }

    /// The number as a log may show it: the country's first digits and the last two, the rest hidden.
    pub fn masked(&self) -> String {
        let digits = self.digits();
        format!("+{}…{}", &digits[..2], &digits[digits.len() - 2..])
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Masked, because debug output ends up in logs.
impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plus_and_7_to_15_digits_is_a_number() {
        for good in ["+1234567", "+123456789012345", "+18005551234"] {
            assert!(Msisdn::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "+",
            "+123456",
            "+1234567890123456",
            "+0234567",
            "18005551234",
            " +18005551234",
            "+18005551234 ",
            "+1800 5551234",
            "+1-800-5551234",
            "++18005551234",
            "+١٢٣٤٥٦٧٨",
            "+１２３４５６７８",
            "+18005551234\n",
            "+1800555123a",
            "0018005551234",
        ] {
            assert_eq!(Msisdn::parse(bad), Err(NotE164), "{bad:?}");
        }
    }

    #[test]
    fn a_number_reads_back_from_its_digits() {
        for text in ["+1234567", "+18005551234", "+999999999999999"] {
            let number = Msisdn::parse(text).unwrap();
            assert_eq!(Msisdn::from_u64(number.to_u64()), Some(number));
        }
        assert_eq!((Msisdn::from_u64(123_456), Msisdn::from_u64(1_000_000_000_000_000)), (None, None));
    }

    #[test]
    fn debug_output_hides_the_number() {
        let number = Msisdn::parse("+18005551234").unwrap();
        assert_eq!(format!("{number:?}"), "+18…34");
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn the_rule_is_the_published_one(text in "[+0-9a٣ ]{0,18}") {
            let bytes = text.as_bytes();
            let rule = bytes.len() >= 8 && bytes.len() <= 16 && bytes[0] == b'+' && (b'1'..=b'9').contains(&bytes[1])
                && bytes[1..].iter().all(|b| b.is_ascii_digit());
            prop_assert_eq!(Msisdn::parse(&text).is_ok(), rule);
        }
    }
}
