//! The GSM 7 bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1 and 6.2.1.1).

/// What introduces a septet of the extension table.
pub const ESCAPE: u8 = 0x1B;

/// The default alphabet in the order of its codes. The escape's place holds a no-break space, as the specification
/// displays it.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{A0}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table: a character and the septet that follows the escape.
const EXTENSION: [(char, u8); 10] = [
    ('\u{0C}', 0x0A),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2F),
    ('[', 0x3C),
    ('~', 0x3D),
    (']', 0x3E),
    ('|', 0x40),
    ('€', 0x65),
];

/// How a character is written in septets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Septets {
    /// As one septet.
    One(u8),
    /// As the escape and this septet.
    Escaped(u8),
}

impl Septets {
    /// How many septets it takes.
    pub const fn len(self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Escaped(_) => 2,
        }
    }

    /// Never: every character takes a septet at least.
    pub const fn is_empty(self) -> bool {
        false
    }
}

const NONE: u8 = 0xFF;
const ESCAPED: u8 = 0x80;

/// For each Latin-1 code point its septet, with bit 7 set for the extension table, or [`NONE`]: most text needs no
/// search.
const LATIN: [u8; 256] = latin();

const fn latin() -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut code = 0;
    while code < 128 {
        let point = DEFAULT[code] as u32;
        if point < 256 && code != ESCAPE as usize {
            table[point as usize] = code as u8;
        }
        code += 1;
    }
    let mut at = 0;
    while at < EXTENSION.len() {
        let point = EXTENSION[at].0 as u32;
        if point < 256 {
            table[point as usize] = EXTENSION[at].1 | ESCAPED;
        }
        at += 1;
    }
    // SMS has no tabulator: it leaves as the blank that it looks like.
    table['\t' as usize] = b' ';
    table
}

/// How `character` is written, or `None` when the alphabet does not have it. TAB is written as a blank.
pub fn encode(character: char) -> Option<Septets> {
    let point = u32::from(character);
    if let Some(entry) = LATIN.get(point as usize) {
        return match *entry {
            NONE => None,
            entry if entry & ESCAPED != 0 => Some(Septets::Escaped(entry & !ESCAPED)),
            entry => Some(Septets::One(entry)),
        };
    }
    match character {
        '€' => Some(Septets::Escaped(0x65)),
        'Δ' => Some(Septets::One(0x10)),
        'Φ' => Some(Septets::One(0x12)),
        'Γ' => Some(Septets::One(0x13)),
        'Λ' => Some(Septets::One(0x14)),
        'Ω' => Some(Septets::One(0x15)),
        'Π' => Some(Septets::One(0x16)),
        'Ψ' => Some(Septets::One(0x17)),
        'Σ' => Some(Septets::One(0x18)),
        'Θ' => Some(Septets::One(0x19)),
        'Ξ' => Some(Septets::One(0x1A)),
        _ => None,
    }
}

/// The character that a septet of the default alphabet shows. A high bit is ignored.
pub const fn character(septet: u8) -> char {
    DEFAULT[(septet & 0x7F) as usize]
}

/// The character that a septet of the extension table shows, behind the escape.
pub(super) fn extension(septet: u8) -> Option<char> {
    EXTENSION.iter().find(|(_, code)| *code == septet).map(|(character, _)| *character)
}

/// Reads septets that stand one in each octet. Lenient, as handsets are: an unknown escape shows the default alphabet's
/// character, a high bit is ignored, an escape at the end is dropped.
pub fn decode(septets: &[u8]) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut septets = septets.iter().map(|octet| octet & 0x7F);
    while let Some(septet) = septets.next() {
        if septet != ESCAPE {
            text.push(DEFAULT[usize::from(septet)]);
        } else if let Some(escaped) = septets.next() {
            text.push(extension(escaped).unwrap_or(DEFAULT[usize::from(escaped)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same table once more, from the specification's columns (b7 b6 b5) rather than its codes.
    const COLUMNS: [&str; 8] = [
        "@£$¥èéùìòÇ\nØø\rÅå",
        "Δ_ΦΓΛΩΠΨΣΘΞ\u{A0}ÆæßÉ",
        " !\"#¤%&'()*+,-./",
        "0123456789:;<=>?",
        "¡ABCDEFGHIJKLMNO",
        "PQRSTUVWXYZÄÖÑÜ§",
        "¿abcdefghijklmno",
        "pqrstuvwxyzäöñüà",
    ];

    #[test]
    fn the_default_alphabet_is_the_specifications() {
        let columns: Vec<char> = COLUMNS.concat().chars().collect();
        assert_eq!(columns, DEFAULT);
        for (code, character) in columns.into_iter().enumerate().filter(|(code, _)| *code != usize::from(ESCAPE)) {
            assert_eq!(encode(character), Some(Septets::One(code as u8)), "{character:?}");
            assert_eq!(decode(&[code as u8]), character.to_string());
        }
    }

    #[test]
    fn the_extension_table_costs_two_septets() {
        for (character, code) in EXTENSION {
            assert_eq!(encode(character), Some(Septets::Escaped(code)), "{character:?}");
            assert_eq!(decode(&[ESCAPE, code]), character.to_string());
        }
    }

    #[test]
    fn what_the_alphabet_lacks_is_refused() {
        for character in ['`', 'ç', 'á', '\u{A0}', '\u{1B}', '’', '😀', 'α', '\u{0}'] {
            assert_eq!(encode(character), None, "{character:?}");
        }
    }

    #[test]
    fn a_tabulator_leaves_as_a_blank() {
        assert_eq!(encode('\t'), encode(' '));
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn any_octets_decode(octets: Vec<u8>) {
            decode(&octets);
        }
    }
}
