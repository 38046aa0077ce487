//! Which of our message ids a receipt's id stands for.
//!
//! Carriers acknowledge with one spelling and report with another: hexadecimal and decimal, with and without leading
//! zeros, in another case. An acknowledged id is filed under its [`canonical`] form; a receipt is looked up under its
//! [`candidates`].

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

/// What may stand around an id, or between its characters, and is no part of it.
const DECORATION: &[char] = &['"', '\'', '`', '<', '>', '{', '}', '(', ')', '[', ']', ',', ';', '.', ':'];

/// How many hexadecimal digits a UUID has (RFC 9562, 4).
const UUID_DIGITS: usize = 32;

/// The fewest digits that may be the rest of a UUID whose leading zeros were stripped.
const UUID_DIGITS_LEFT: usize = 24;

/// The form under which ids are compared: without blanks, without quotes or brackets around, in lower case, without
/// leading zeros or `0x`. A UUID is its 32 digits, zeros and all, wherever its hyphens are. The form has no blanks.
pub fn canonical(id: &str) -> String {
    let id = match id.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => id.trim_matches(DECORATION).to_ascii_lowercase(),
        false => {
            let visible: String = id.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
            visible.trim_matches(DECORATION).to_ascii_lowercase()
        }
    };
    if let Some(digits) = uuid_digits(&id) {
        return digits;
    }
    let id = id
        .strip_prefix("0x")
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .unwrap_or(&id);
    let stripped = id.trim_start_matches('0');
    if stripped.is_empty() && !id.is_empty() { "0".to_owned() } else { stripped.to_owned() }
}

/// The canonical forms under which the message of a receipt's id may be filed, likeliest first, each once. The first is
/// the id as the carrier wrote it, unless `mode` says that it is filed under another.
pub fn candidates(id: &str, mode: IdMode) -> Vec<String> {
    let same = canonical(id);
    let as_filed_in_hex = || same.parse::<u128>().ok().map(|value| format!("{value:x}"));
    let as_filed_in_decimal = || u128::from_str_radix(&same, 16).ok().map(|value| value.to_string());
    let readings = match mode {
        IdMode::Auto if is_digits_of_uuid(&same) => {
            vec![Some(same.clone()), Some(same.trim_start_matches('0').to_owned())]
        }
        IdMode::Auto => vec![Some(same.clone()), as_filed_in_hex(), as_filed_in_decimal(), with_zeros_of_uuid(&same)],
        IdMode::Exact => vec![Some(same.clone())],
        IdMode::HexToDecimal => vec![as_filed_in_hex()],
        IdMode::DecimalToHex => vec![as_filed_in_decimal()],
    };
    let mut keys: Vec<String> = Vec::with_capacity(4);
    for key in readings.into_iter().flatten().filter(|key| !key.is_empty()) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The digits of a UUID, with or without hyphens, and with `urn:uuid:` before it or without.
fn uuid_digits(id: &str) -> Option<String> {
    let id = id.strip_prefix("urn:").unwrap_or(id);
    let id = id.strip_prefix("uuid:").unwrap_or(id);
    // Ids of another length are not copied.
    if id.len() < UUID_DIGITS {
        return None;
    }
    let digits: String = id.chars().filter(|c| *c != '-').collect();
    is_digits_of_uuid(&digits).then_some(digits)
}

fn is_digits_of_uuid(id: &str) -> bool {
    id.len() == UUID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The UUID whose leading zeros a carrier stripped, hyphens or not.
fn with_zeros_of_uuid(id: &str) -> Option<String> {
    if id.len() < UUID_DIGITS_LEFT {
        return None;
    }
    let digits: String = id.chars().filter(|c| *c != '-').collect();
    let is_rest =
        (UUID_DIGITS_LEFT..UUID_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_rest.then(|| format!("{digits:0>UUID_DIGITS$}"))
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
            ("5c2f4b0e-7a61-4d3c-9e58-0b1d2c3e4f50", "5c2f4b0e7a614d3c9e580b1d2c3e4f50"),
            ("5c2f4b0e7a614d3c9e580b1d2c3e4f50", "{5C2F4B0E-7A61-4D3C-9E58-0B1D2C3E4F50}"),
            ("5c2f4b0e7a614d3c9e580b1d2c3e4f50", "urn:uuid:5c2f4b0e-7a61-4d3c-9e58-0b1d2c3e4f50"),
            ("0f6a3c1e-2b7d-4c8e-9f10-a1b2c3d4e5f6", "f6a3c1e2b7d4c8e9f10a1b2c3d4e5f6"),
            ("f6a3c1e2b7d4c8e9f10a1b2c3d4e5f6", "0F6A3C1E-2B7D-4C8E-9F10-A1B2C3D4E5F6"),
            ("0x00B8BE19", "12107289"),
            ("12107289", "0xb8be19"),
            ("b8be19", "0xB8BE19"),
            ("\"42\"", "42"),
            ("42", "'42'"),
            ("<ab.1@mms.example>", "AB.1@mms.example"),
            ("42", "[42]"),
            ("ABC 123", "abc123"),
            ("42        ", "0000000042"),
            ("42", "\x00\x0042"),
        ] {
            assert!(
                candidates(receipted, IdMode::Auto).contains(&canonical(acknowledged)),
                "{acknowledged} {receipted}"
            );
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
        #![proptest_config(trials::config(256))]

        #[test]
        fn both_number_systems_meet(value: u64) {
            let (decimal, hex) = (value.to_string(), format!("{value:08X}"));
            prop_assert!(candidates(&decimal, IdMode::Auto).contains(&canonical(&hex)));
            prop_assert!(candidates(&hex, IdMode::Auto).contains(&canonical(&decimal)));
        }

        #[test]
        fn any_text_has_candidates_or_none(id: String) {
            prop_assert!(candidates(&id, IdMode::Auto).len() <= 4);
            prop_assert!(!canonical(&id).contains(char::is_whitespace));
        }
    }
}
