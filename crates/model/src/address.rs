//! Addresses: a subscriber number in its international form (ITU-T E.164), and the text of any address.

use std::fmt;
use std::ops::Deref;

/// The text is not a number in E.164 form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an E.164 number: `+`, then 7 to 15 digits, the first not 0")]
pub struct NotE164;

/// A subscriber number: `+`, then 7 to 15 ASCII digits, the first not 0. It is kept as the number that its digits are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msisdn(u64);

/// The smallest number of 7 digits.
const LOWEST: u64 = 1_000_000;

/// The largest number of 15 digits.
const HIGHEST: u64 = 999_999_999_999_999;

impl Msisdn {
    /// Takes `text` unchanged: nothing is trimmed or repaired.
    ///
    /// # Errors
    /// [`NotE164`] for any other text.
    pub fn parse(text: &str) -> Result<Self, NotE164> {
        let Some(digits) = text.as_bytes().strip_prefix(b"+") else { return Err(NotE164) };
        if !(7..=15).contains(&digits.len()) || digits[0] == b'0' || !digits.iter().all(u8::is_ascii_digit) {
            return Err(NotE164);
        }
        Ok(Self(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))))
    }

    /// The number with its `+`.
    pub fn text(self) -> AddressText {
        let mut text = AddressText::default();
        text.push('+');
        text.push_number(self.0, 0);
        text
    }

    /// The number without its `+`, as SMPP carries it.
    pub fn digits(self) -> AddressText {
        let mut text = AddressText::default();
        text.push_number(self.0, 0);
        text
    }

    /// The digits as a number, which [`Self::from_u64`] reads back: no number begins with 0.
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// The number with these digits, if it is one.
    pub const fn from_u64(digits: u64) -> Option<Self> {
        if LOWEST <= digits && digits <= HIGHEST { Some(Self(digits)) } else { None }
    }

    /// The address in place of one that was erased. Country code 999 is assigned to no country (ITU-T E.164, list of
    /// assigned codes), so that nobody has this number.
    pub const fn nobody() -> Self {
        Self(999_000_000_000_000)
    }

    /// Whether it is [`Self::nobody`].
    pub const fn is_nobody(self) -> bool {
        self.0 == Self::nobody().0
    }

    /// The number as a log may show it: the country's first digits and the last two, the rest hidden.
    pub fn masked(self) -> String {
        let digits = self.digits();
        format!("+{}…{}", &digits[..2], &digits[digits.len() - 2..])
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

/// Masked, because debug output ends up in logs.
impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// The longest text of an address: 11 characters of the GSM alphabet, none of which has more than two octets.
const TEXT_BYTES_MAX: usize = 22;

/// The text of an address. It lives on the stack, so that writing an address allocates nothing.
#[derive(Default)]
pub struct AddressText {
    octets: [u8; TEXT_BYTES_MAX],
    length: usize,
}

impl AddressText {
    /// The text.
    pub fn as_str(&self) -> &str {
        // Only whole characters are ever added.
        std::str::from_utf8(&self.octets[..self.length]).unwrap_or_default()
    }

    /// Adds a character. There is room for the longest address.
    pub(crate) fn push(&mut self, character: char) {
        if let Some(room) = self.octets.get_mut(self.length..self.length + character.len_utf8()) {
            self.length += character.encode_utf8(room).len();
        }
    }

    /// Adds the digits of a number, with zeros before them up to `least` digits.
    pub(crate) fn push_number(&mut self, number: u64, least: usize) {
        let digits = number.checked_ilog10().map_or(1, |log| log as usize + 1).max(least);
        let Some(room) = self.octets.get_mut(self.length..self.length + digits) else { return };
        let mut rest = number;
        for octet in room.iter_mut().rev() {
            *octet = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.length += digits;
    }
}

impl Deref for AddressText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for AddressText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
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
        for text in ["+1234567", "+1000000", "+18005551234", "+999999999999999"] {
            let number = Msisdn::parse(text).unwrap();
            assert_eq!(Msisdn::from_u64(number.to_u64()), Some(number));
            assert_eq!((number.to_string().as_str(), &*number.digits()), (text, &text[1..]));
        }
        assert_eq!((Msisdn::from_u64(999_999), Msisdn::from_u64(1_000_000_000_000_000)), (None, None));
        assert_eq!((Msisdn::from_u64(0), Msisdn::from_u64(u64::MAX)), (None, None));
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

        #[test]
        fn a_number_is_written_as_it_was_read(text in "\\+[1-9][0-9]{6,14}") {
            let number = Msisdn::parse(&text).unwrap();
            prop_assert_eq!(number.to_string(), text);
            prop_assert_eq!(Msisdn::from_u64(number.to_u64()), Some(number));
        }
    }
}
