//! Which of our message ids a receipt's id stands for.
//!
//! Carriers acknowledge with one spelling and report with another: hexadecimal and decimal, with and without leading zeros, in another case.
//! An acknowledged id is filed under its [`canonical`] form; a receipt is looked up under its [`candidates`].

/// How a carrier spells the same id in an acknowledgement and in a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum IdMode {
    /// Nobody knows: all readings are tried, the same spelling first.
    #[default]
    Auto,
    /// The same, but for case and leading zeros.
    Exact,
    /// Hexadecimal in the acknowledgement, decimal in the receipt.
    HexToDecimal,
    /// Decimal in the acknowledgement, hexadecimal in the receipt.
    DecimalToHex,
}

/// The form under which ids are compared: without blanks around, in lower case, without leading zeros. A UUID keeps its zeros.
pub fn canonical(id: &str) -> String {
    let id = id.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_ascii_lowercase();
    if is_uuid(&id) {
        return id;
    }
    let stripped = id.trim_start_matches('0');
    if stripped.is_empty() && !id.is_empty() { "0".to_owned() } else { stripped.to_owned() }
}

/// The canonical forms under which the message of a receipt's id may be filed, likeliest first, each once.
pub fn candidates(id: &str, mode: IdMode) -> Vec<String> {
    let same = canonical(id);
    let as_filed_in_hex = || same.parse::<u128>().ok().map(|value| format!("{value:x}"));
    let as_filed_in_decimal = || u128::from_str_radix(&same, 16).ok().map(|value| value.to_string());
    let readings = match mode {
        IdMode::Auto => vec![Some(same.clone()), as_filed_in_hex(), as_filed_in_decimal()],
        IdMode::Exact => vec![Some(same.clone())],
        IdMode::HexToDecimal => vec![as_filed_in_hex()],
        IdMode::DecimalToHex => vec![as_filed_in_decimal()],
    };
    let mut keys: Vec<String> = Vec::with_capacity(3);
    for key in readings.into_iter().flatten().filter(|key| !key.is_empty()) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// 32 hexadecimal digits, with or without hyphens in their places.
fn is_uuid(id: &str) -> bool {
    let digits = id.bytes().filter(u8::is_ascii_hexdigit).count();
    let hyphens = id.bytes().filter(|byte| *byte == b'-').count();
    digits == 32 && digits + hyphens == id.len() && (hyphens == 0 || hyphens == 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_receipt_finds_its_message_however_both_are_spelt() {
        for (acknowledged, receipted) in [
            ("1234567890", "1234567890"),
            ("00B8BE19", "B8BE19"),
            ("b8be19", "00B8BE19"),
            ("00B8BE19", "12107289"),
            ("12107289", "b8be19"),
            ("0012107289", "0000b8be19"),
            ("0f6a3c1e-2b7d-4c8e-9f10-a1b2c3d4e5f6", "0F6A3C1E-2B7D-4C8E-9F10-A1B2C3D4E5F6"),
            ("0f6a3c1e2b7d4c8e9f10a1b2c3d4e5f6", "0F6A3C1E2B7D4C8E9F10A1B2C3D4E5F6"),
            ("id-with-letters_9", "ID-WITH-LETTERS_9"),
            ("0", "000"),
            (" 42 ", "42\0"),
        ] {
            assert!(candidates(receipted, IdMode::Auto).contains(&canonical(acknowledged)), "{acknowledged} {receipted}");
        }
    }

    #[test]
    fn a_uuid_keeps_its_zeros() {
        assert_ne!(canonical("0f6a3c1e2b7d4c8e9f10a1b2c3d4e5f6"), canonical("f6a3c1e2b7d4c8e9f10a1b2c3d4e5f6"));
    }

    #[test]
    fn a_known_spelling_leaves_no_doubt() {
        assert_eq!(candidates("10", IdMode::Exact), ["10"]);
        assert_eq!(candidates("10", IdMode::HexToDecimal), ["a"]);
        assert_eq!(candidates("10", IdMode::DecimalToHex), ["16"]);
        assert_eq!(candidates("10", IdMode::Auto), ["10", "a", "16"]);
        assert!(candidates("", IdMode::Auto).is_empty());
    }

    proptest! {
        #[test]
        fn both_number_systems_meet(value: u64) {
            let (decimal, hex) = (value.to_string(), format!("{value:08X}"));
            prop_assert!(candidates(&decimal, IdMode::Auto).contains(&canonical(&hex)));
            prop_assert!(candidates(&hex, IdMode::Auto).contains(&canonical(&decimal)));
        }

        #[test]
        fn any_text_has_candidates_or_none(id: String) {
            prop_assert!(candidates(&id, IdMode::Auto).len() <= 3);
        }
    }
}
