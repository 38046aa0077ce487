//! Addresses in receipts: numbers in every writing, some of their digits hidden.

/// The fewest digits that a number with hidden ones must show: fewer fit nearly everybody's.
const SHOWN_MIN: usize = 4;

/// The fewest zeros or nines that hide a number.
const HIDDEN_MIN: usize = 7;

/// The digits of an address, with `*` for each that the carrier hides (`*`, `x`, `#` or `?`); without `+`, a leading
/// `00` and what is written between digits. `None` for a word, an empty address, a number of zeros or nines alone, and
/// one that shows too few digits to be compared.
pub fn digits(address: &str) -> Option<String> {
    let address = address.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let address = address
        .get(..4)
        .filter(|head| head.eq_ignore_ascii_case("tel:"))
        .map_or(address, |_| address.get(4..).unwrap_or_default());
    let number = address.split(['/', '@', ';']).next().unwrap_or_default();
    let mut digits = String::with_capacity(number.len());
    for character in number.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '*' | 'x' | 'X' | '#' | '?' => digits.push('*'),
            '+' | '-' | '(' | ')' | '.' | ' ' => {}
            _ => return None,
        }
    }
    let shown = digits.bytes().filter(u8::is_ascii_digit).count();
    // Seven zeros or nines, or more, are a number that is hidden, and name nobody. Fewer may be a short code.
    if digits.len() >= HIDDEN_MIN
        && (digits.bytes().all(|digit| digit == b'0') || digits.bytes().all(|digit| digit == b'9'))
    {
        return None;
    }
    let least = if shown < digits.len() { SHOWN_MIN } else { 1 };
    (shown >= least)
        .then(|| digits.strip_prefix("00").filter(|rest| !rest.is_empty()).map(str::to_owned).unwrap_or(digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_found_in_every_writing() {
        for (address, expected) in [
            ("18005559876", Some("18005559876")),
            ("+18005559876", Some("18005559876")),
            ("0018005559876", Some("18005559876")),
            ("08005559876", Some("08005559876")),
            ("+1 (800) 555-9876", Some("18005559876")),
            ("tel:+18005559876", Some("18005559876")),
            ("+18005559876/TYPE=PLMN@mms.example", Some("18005559876")),
            ("18005559876\0", Some("18005559876")),
            ("1800555****", Some("1800555****")),
            ("1800555XXXX", Some("1800555****")),
            ("*******9876", Some("*******9876")),
            ("00", Some("00")),
            ("", None),
            ("****", None),
            ("+*********76", None),
            ("00000000000", None),
            ("+99999999999", None),
            ("9999", Some("9999")),
            ("SMSC", None),
            ("XXX", None),
            ("EXAMPLE1", None),
        ] {
            assert_eq!(digits(address).as_deref(), expected, "{address}");
        }
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn any_address_is_digits_or_none(address: String) {
            if let Some(digits) = digits(&address) {
                prop_assert!(!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*'));
            }
        }
    }
}
