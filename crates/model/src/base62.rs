//! Base 62 of a 128-bit value: 22 digits of `0-9A-Za-z`, left-padded, so that the text sorts as the number does.

/// How many digits every value has: 62^22 is the first power above 2^128.
pub(crate) const DIGITS: usize = 22;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 62^10, the largest power whose remainder fits a machine word: three word-sized pieces are far quicker than
/// 22 divisions of 128 bits.
const PIECE: u128 = 62u128.pow(10);

/// Writes `value` as 22 digits.
pub(crate) fn encode(value: u128) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    let pieces = [value % PIECE, value / PIECE % PIECE, value / PIECE / PIECE];
    for (piece, end) in pieces.into_iter().zip([22usize, 12, 2]) {
        // Below 62^10, so the conversion keeps every bit.
        let mut rest = piece as u64;
        let start = end.saturating_sub(10);
        for digit in digits[start..end].iter_mut().rev() {
            *digit = ALPHABET[(rest % 62) as usize];
            rest /= 62;
        }
    }
    digits
}

/// Reads 22 digits; `None` for another length, another character, or a value over 128 bits.
pub(crate) fn decode(text: &str) -> Option<u128> {
    if text.len() != DIGITS {
        return None;
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        value.checked_mul(62)?.checked_add(u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(value: u128) -> String {
        String::from_utf8(encode(value).to_vec()).unwrap()
    }

    #[test]
    fn the_ends_of_the_range_have_22_digits() {
        assert_eq!(text(0), "0000000000000000000000");
        assert_eq!(text(61), "000000000000000000000z");
        assert_eq!(text(62), "0000000000000000000010");
        assert_eq!(text(u128::MAX), "7n42DGM5Tflk9n8mt7Fhc7");
    }

    #[test]
    fn what_is_not_base_62_is_refused() {
        for bad in ["", "0", "zzzzzzzzzzzzzzzzzzzzzz", "000000000000000000000-", "00000000000000000000000"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn every_value_comes_back(value: u128) {
            prop_assert_eq!(decode(&text(value)), Some(value));
        }

        #[test]
        fn text_sorts_as_the_number(a: u128, b: u128) {
            prop_assert_eq!(a.cmp(&b), text(a).cmp(&text(b)));
        }
    }
}
