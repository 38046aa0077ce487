//! The sender of a message: a number, a short code or a name.
//!
//! The three kinds never overlap, so that a text says by itself which kind it is: a number begins with `+`, a short
//! code is 3 to 8 digits, and a name has a letter.

use std::fmt;

use wire::gsm::alphabet::{self, Septets};

use crate::address::{AddressText, Msisdn};

/// The text is no originator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither an E.164 number, nor a short code of 3 to 8 digits, nor a name of 1 to 11 characters of the GSM alphabet \
     with a letter among them, which begins with no `+` and has no blank at its ends and no two in a row"
)]
pub struct NoOriginator;

/// The address that a message comes from. Printing and [`Self::parse`] are inverse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Originator {
    /// A subscriber number.
    Number(Msisdn),
    /// The short number of a service in its country's networks.
    ShortCode(ShortCode),
    /// A name that handsets show and cannot answer to.
    Name(SenderName),
}

impl Originator {
    /// Whether it is [`Msisdn::nobody`].
    pub const fn is_nobody(self) -> bool {
        matches!(self, Self::Number(number) if number.is_nobody())
    }

    /// Takes `text` unchanged: nothing is trimmed or repaired.
    ///
    /// # Errors
    /// [`NoOriginator`] for a text that is none of the three.
    pub fn parse(text: &str) -> Result<Self, NoOriginator> {
        if text.starts_with('+') {
            return Msisdn::parse(text).map(Self::Number).map_err(|_| NoOriginator);
        }
        if text.bytes().all(|octet| octet.is_ascii_digit()) {
            return ShortCode::parse(text).map(Self::ShortCode).ok_or(NoOriginator);
        }
        SenderName::parse(text).map(Self::Name).ok_or(NoOriginator)
    }

    /// Its kind.
    pub const fn kind(self) -> SenderKind {
        match self {
            Self::Number(_) => SenderKind::Number,
            Self::ShortCode(_) => SenderKind::ShortCode,
            Self::Name(_) => SenderKind::Name,
        }
    }

    /// The text of it, as it was read: a number with its `+`.
    pub fn text(self) -> AddressText {
        match self {
            Self::Number(number) => number.text(),
            Self::ShortCode(code) => code.text(),
            Self::Name(name) => name.text(),
        }
    }

    /// The digits of a number or a short code, without `+`; a name has none that mean anything.
    pub fn digits(self) -> Option<AddressText> {
        match self {
            Self::Number(number) => Some(number.digits()),
            Self::ShortCode(code) => Some(code.text()),
            Self::Name(_) => None,
        }
    }

    /// The originator as a log may show it: a number and a short code with most digits hidden, a name as it is.
    pub fn masked(self) -> String {
        match self {
            Self::Number(number) => number.masked(),
            Self::ShortCode(code) => code.masked(),
            Self::Name(name) => name.text().to_string(),
        }
    }
}

impl From<Msisdn> for Originator {
    fn from(number: Msisdn) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Originator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

/// Masked, because debug output ends up in logs.
impl fmt::Debug for Originator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// A short code: 3 to 8 ASCII digits. Zeros at its beginning count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortCode {
    // In this order, so that codes sort by their length first.
    digits: u8,
    number: u32,
}

impl ShortCode {
    fn parse(text: &str) -> Option<Self> {
        let is_code = (3..=8).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
        is_code.then(|| Self {
            digits: text.len() as u8,
            number: text.bytes().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')),
        })
    }

    /// Its digits.
    pub fn text(self) -> AddressText {
        let mut text = AddressText::default();
        text.push_number(self.number.into(), self.digits.into());
        text
    }

    fn masked(self) -> String {
        let digits = self.text();
        format!("{}…{}", &digits[..1], &digits[digits.len() - 1..])
    }

    /// A number that no other code has, at most 199,999,999: its digits behind a 1.
    pub const fn to_u64(self) -> u64 {
        10_u64.pow(self.digits as u32) + self.number as u64
    }
}

/// Masked, because debug output ends up in logs.
impl fmt::Debug for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// The most characters that a name has: as many septets as an address on the air has room for (3GPP TS 23.040,
/// 9.1.2.5).
const NAME_MAX: usize = 11;

/// A name: 1 to 11 characters of the GSM default alphabet (3GPP TS 23.038, 6.2.1), at least one of them a letter.
///
/// It begins with no `+`, which promises a number, and has neither line breaks nor blanks at its ends or several in a
/// row, which a reader would not see. Characters of the extension table take two septets, and many networks lose them:
/// no name has any.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderName {
    septets: [u8; NAME_MAX],
    length: u8,
}

impl SenderName {
    fn parse(text: &str) -> Option<Self> {
        let is_sound = text.chars().any(char::is_alphabetic)
            && !text.starts_with(['+', ' '])
            && !text.ends_with(' ')
            && !text.contains("  ");
        if !is_sound {
            return None;
        }
        let mut name = Self { septets: [0; NAME_MAX], length: 0 };
        for character in text.chars() {
            // A TAB would leave as a blank.
            let Some(Septets::One(septet)) = alphabet::encode(character).filter(|_| !character.is_control()) else {
                return None;
            };
            *name.septets.get_mut(usize::from(name.length))? = septet;
            name.length += 1;
        }
        Some(name)
    }

    /// The name.
    pub fn text(self) -> AddressText {
        let mut text = AddressText::default();
        self.septets().iter().for_each(|septet| text.push(alphabet::character(*septet)));
        text
    }

    /// The name in the GSM default alphabet, one septet in each octet.
    pub fn septets(&self) -> &[u8] {
        &self.septets[..usize::from(self.length)]
    }

    /// The common form of names that differ only in case. A reader takes them for one sender, so a platform has only
    /// one of them.
    pub fn folded(self) -> String {
        self.text().to_lowercase()
    }
}

impl fmt::Debug for SenderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// A kind of originator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderKind {
    /// A subscriber number.
    Number,
    /// A short code.
    ShortCode,
    /// A name.
    Name,
}

impl SenderKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Number, Self::ShortCode, Self::Name];

    /// The kind's name in the configuration and in the admin API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::ShortCode => "short_code",
            Self::Name => "name",
        }
    }

    /// The kind with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Some of the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderKinds(u8);

impl SenderKinds {
    /// Numbers alone: what the public contract promises.
    pub const NUMBERS: Self = Self(1 << SenderKind::Number as u8);

    /// Every kind.
    pub const ALL: Self =
        Self(1 << SenderKind::Number as u8 | 1 << SenderKind::ShortCode as u8 | 1 << SenderKind::Name as u8);

    /// Whether this kind is among them.
    pub const fn contains(self, kind: SenderKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// The kinds as bits, which [`Self::from_bits`] reads back.
    pub const fn to_bits(self) -> u8 {
        self.0
    }

    /// The kinds that these bits name. Bits that name none are left out.
    pub fn from_bits(bits: u8) -> Self {
        SenderKind::ALL.into_iter().filter(|kind| Self(bits).contains(*kind)).collect()
    }
}

impl FromIterator<SenderKind> for SenderKinds {
    fn from_iter<T: IntoIterator<Item = SenderKind>>(kinds: T) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | 1 << kind as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(text: &str) -> Option<SenderKind> {
        Originator::parse(text).ok().map(Originator::kind)
    }

    #[test]
    fn a_text_is_of_one_kind_or_none() {
        use SenderKind::{Name, Number, ShortCode};
        for (text, expected) in [
            ("+18005551234", Some(Number)),
            ("+1234567", Some(Number)),
            ("+123456", None),
            ("+ACME", None),
            ("123", Some(ShortCode)),
            ("72345", Some(ShortCode)),
            ("00123", Some(ShortCode)),
            ("12345678", Some(ShortCode)),
            ("12", None),
            ("123456789", None),
            ("18005551234", None),
            ("A", Some(Name)),
            ("ACME", Some(Name)),
            ("3M", Some(Name)),
            ("12345A", Some(Name)),
            ("ACME Bank", Some(Name)),
            ("ACME.Bank/1", Some(Name)),
            ("Müller&Söhne", None),
            ("Müller&Söhn", Some(Name)),
            ("ΔΦΓΛΩΠΨΣΘΞß", Some(Name)),
            ("ABCDEFGHIJK", Some(Name)),
            ("ABCDEFGHIJKL", None),
            ("", None),
            (" ", None),
            ("...", None),
            ("12 34", None),
            (" ACME", None),
            ("ACME ", None),
            ("ACME  Bank", None),
            ("ACME\t", None),
            ("A\tB", None),
            ("A\nB", None),
            ("A\rB", None),
            ("A\0B", None),
            ("A\u{1B}B", None),
            ("A\u{A0}B", None),
            ("A\u{AD}B", None),
            ("A\u{200B}B", None),
            ("[ACME]", None),
            ("ACME€", None),
            // Cyrillic and fullwidth letters look like Latin ones.
            ("АСМЕ", None),
            ("ACMЕ", None),
            ("ＡＣＭＥ", None),
            ("١٢٣٤٥", None),
        ] {
            assert_eq!(kind(text), expected, "{text:?}");
        }
    }

    #[test]
    fn names_that_differ_in_case_fold_alike_and_are_different_originators() {
        let name = |text: &str| match Originator::parse(text) {
            Ok(Originator::Name(name)) => name,
            _ => panic!("no name: {text}"),
        };
        assert_ne!(Originator::parse("ACME"), Originator::parse("Acme"));
        for (one, other, alike) in [("ACME", "aCmE", true), ("ÄRZTE", "Ärzte", true), ("ACME", "ACNE", false)] {
            assert_eq!(name(one).folded() == name(other).folded(), alike, "{one} {other}");
        }
    }

    #[test]
    fn short_codes_with_zeros_before_them_are_others() {
        let code = |text: &str| match Originator::parse(text) {
            Ok(Originator::ShortCode(code)) => code,
            _ => panic!("no short code: {text}"),
        };
        assert_ne!(code("00123"), code("123"));
        assert_eq!(
            (code("00123").to_u64(), code("123").to_u64(), code("99999999").to_u64()),
            (100_123, 1_123, 199_999_999)
        );
    }

    #[test]
    fn an_originator_is_small() {
        assert_eq!(size_of::<Originator>(), 16);
    }

    #[test]
    fn debug_output_hides_digits() {
        let shown = |text: &str| format!("{:?}", Originator::parse(text).unwrap());
        assert_eq!(
            (shown("+18005551234"), shown("72345"), shown("ACME")),
            ("+18…34".into(), "7…5".into(), "ACME".into())
        );
    }

    #[test]
    fn kinds_read_back_from_their_bits_and_names() {
        let kinds: SenderKinds = [SenderKind::Name, SenderKind::Number].into_iter().collect();
        assert_eq!(SenderKinds::from_bits(kinds.to_bits()), kinds);
        assert_eq!(SenderKinds::from_bits(u8::MAX), SenderKinds::ALL);
        assert_eq!(SenderKind::ALL.map(|kind| kinds.contains(kind)), [true, false, true]);
        assert_eq!(SenderKind::ALL.map(|kind| SenderKinds::NUMBERS.contains(kind)), [true, false, false]);
        assert!(SenderKind::ALL.iter().all(|kind| SenderKind::parse(kind.as_str()) == Some(*kind)));
    }

    /// Any text, and texts that nearly are originators.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[+0-9]{0,17}",
            "[A-Za-z0-9 +@_$äÖßΩ€\\[\t.]{0,13}",
            "[0-9 ]{0,9}[A-Z]?[0-9 ]{0,4}",
        ]
    }

    proptest! {
        #![proptest_config(trials::config(2_048))]

        #[test]
        fn what_is_read_is_written_as_it_was(text in texts()) {
            let is_number = Msisdn::parse(&text).is_ok();
            let is_code = (3..=8).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
            let in_alphabet = |c: char| !c.is_control() && matches!(alphabet::encode(c), Some(Septets::One(_)));
            let is_name = (1..=11).contains(&text.chars().count()) && text.chars().all(in_alphabet)
                && text.chars().any(char::is_alphabetic) && text.trim_matches(' ') == text && !text.contains("  ")
                && !text.starts_with('+');
            prop_assert!(u8::from(is_number) + u8::from(is_code) + u8::from(is_name) <= 1);
            let mut rules = [is_number, is_code, is_name].into_iter().zip(SenderKind::ALL);
            let expected = rules.find(|(is, _)| *is).map(|(_, kind)| kind);
            let read = Originator::parse(&text);
            prop_assert_eq!(read.ok().map(Originator::kind), expected);
            if let Ok(originator) = read {
                prop_assert_eq!(originator.to_string(), text);
            }
        }

        #[test]
        fn texts_that_differ_are_originators_that_differ(one in texts(), other in texts()) {
            if let (Ok(first), Ok(second)) = (Originator::parse(&one), Originator::parse(&other)) {
                prop_assert_eq!(first == second, one == other);
            }
        }
    }
}
