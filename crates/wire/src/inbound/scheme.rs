//! What `data_coding` says about user data (SMPP 3.4, 5.2.19; 3GPP TS 23.038, section 4).

use super::Coding;

impl Coding {
    /// The coding that a `data_coding` names, at a carrier whose default alphabet is `default`.
    ///
    /// Values below 0x10 mean what SMPP says, others what the network's coding groups say: flash and the other classes
    /// (0x10 to 0x1F, 0xF0 to 0xFF), automatic deletion (0x40 to 0x7F), message waiting (0xC0 to 0xEF). A reserved
    /// value means the default alphabet (3GPP TS 23.038, section 4). Alphabets that nothing here reads, and compressed
    /// text, are data.
    pub const fn of(data_coding: u8, default: Self) -> Self {
        match data_coding {
            // IA5, which is ASCII.
            0x01 => Self::Ascii,
            0x03 => Self::Latin1,
            0x08 => Self::Ucs2,
            // Octets without a meaning (2, 4), Cyrillic, Hebrew, Japanese and Korean alphabets.
            0x02 | 0x04..=0x07 | 0x09 | 0x0A | 0x0D | 0x0E => Self::Binary,
            // Bit 5 of the general groups: compressed.
            0x20..=0x3F | 0x60..=0x7F => Self::Binary,
            // Bits 2 and 3 of the general groups: the alphabet.
            0x10..=0x1F | 0x40..=0x5F => match data_coding >> 2 & 0b11 {
                0b01 => Self::Binary,
                0b10 => Self::Ucs2,
                _ => default,
            },
            // Message waiting, in UCS-2.
            0xE0..=0xEF => Self::Ucs2,
            // Bit 2 of the last group: octets.
            0xF0..=0xFF if data_coding & 0b100 != 0 => Self::Binary,
            _ => default,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_of_codings_has_its_meaning() {
        use Coding::{Ascii, Binary, Gsm7, Latin1, Ucs2};
        for (values, coding) in [
            (&[0x00, 0x0B, 0x0C, 0x0F][..], Gsm7),
            (&[0x01], Ascii),
            (&[0x02, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0A, 0x0D, 0x0E], Binary),
            (&[0x03], Latin1),
            (&[0x08], Ucs2),
            // Flash and the other classes.
            (&[0x10, 0x11, 0x12, 0x13, 0x1C], Gsm7),
            (&[0x14, 0x15, 0x16, 0x17], Binary),
            (&[0x18, 0x19, 0x1A, 0x1B], Ucs2),
            // Compressed.
            (&[0x20, 0x28, 0x3F, 0x60, 0x7F], Binary),
            // Deleted when it was read.
            (&[0x40, 0x50], Gsm7),
            (&[0x48, 0x58], Ucs2),
            (&[0x44], Binary),
            // Reserved groups.
            (&[0x80, 0x9F, 0xB0], Gsm7),
            // Message waiting.
            (&[0xC0, 0xC8, 0xD0, 0xDF], Gsm7),
            (&[0xE0, 0xE8], Ucs2),
            // Classes.
            (&[0xF0, 0xF1, 0xF2, 0xF3, 0xF8], Gsm7),
            (&[0xF4, 0xF5, 0xF6, 0xF7, 0xFC], Binary),
        ] {
            for value in values {
                assert_eq!(Coding::of(*value, Gsm7), coding, "0x{value:02X}");
            }
        }
    }

    #[test]
    fn only_the_default_alphabet_is_the_carriers_to_say() {
        for value in 0..=u8::MAX {
            let (utf8, packed) = (Coding::of(value, Coding::Utf8), Coding::of(value, Coding::Gsm7Packed));
            assert_eq!(utf8 == Coding::Utf8, packed == Coding::Gsm7Packed, "0x{value:02X}");
        }
    }
}
