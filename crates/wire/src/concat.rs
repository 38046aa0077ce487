//! User data headers: how a handset, or we, tell which message a segment belongs to (3GPP TS 23.040, 9.2.3.24).

/// The concatenation element of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// What all segments of the message share.
    pub reference: u16,
    /// Whether the reference has 16 bits: the same number in 8 is another reference.
    pub wide: bool,
    /// How many segments there are.
    pub total: u8,
    /// Which one this is, from 1.
    pub number: u8,
}

/// Cuts user data that has a header into the concatenation element, if there is a sound one, and the text after the
/// header. Other elements are skipped; a header longer than the data leaves no text.
pub fn read(user_data: &[u8]) -> (Option<Concat>, &[u8]) {
    let Some((length, rest)) = user_data.split_first() else { return (None, user_data) };
    let Some((header, text)) = rest.split_at_checked(usize::from(*length)) else { return (None, &[]) };
    (element(header), text)
}

/// Whether user data begins with a header whose elements fill it exactly. Some peers say that there is one where there
/// is only text.
pub fn has_header(user_data: &[u8]) -> bool {
    let Some((length, rest)) = user_data.split_first() else { return false };
    let Some(mut header) = rest.get(..usize::from(*length)) else { return false };
    while let [_, length, rest @ ..] = header {
        let Some(next) = rest.get(usize::from(*length)..) else { return false };
        header = next;
    }
    header.is_empty()
}

fn element(mut header: &[u8]) -> Option<Concat> {
    while let [id, length, rest @ ..] = header {
        let (value, next) = rest.split_at_checked(usize::from(*length))?;
        let found = match (id, value) {
            (0x00, [reference, total, number]) => Some((u16::from(*reference), false, *total, *number)),
            (0x08, [high, low, total, number]) => Some((u16::from_be_bytes([*high, *low]), true, *total, *number)),
            _ => None,
        };
        if let Some((reference, wide, total, number)) = found {
            // TS 23.040: an element that counts from zero or past its total is ignored.
            return (number >= 1 && number <= total).then_some(Concat { reference, wide, total, number });
        }
        header = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_widths_are_read_and_other_elements_skipped() {
        let narrow = Concat { reference: 0x2A, wide: false, total: 3, number: 1 };
        let wide = Concat { reference: 0x1234, wide: true, total: 2, number: 2 };
        for (data, expected) in [
            (&[5, 0, 3, 0x2A, 3, 1, b'x'][..], (Some(narrow), &b"x"[..])),
            (&[6, 8, 4, 0x12, 0x34, 2, 2], (Some(wide), b"")),
            (&[8, 0x24, 1, 2, 0, 3, 0x2A, 3, 1, b'y'], (Some(narrow), b"y")),
            (&[5, 0, 3, 1, 3, 0, b'x'], (None, b"x")),
            (&[5, 0, 3, 1, 2, 3, b'x'], (None, b"x")),
            (&[9, 0, 3], (None, b"")),
            (&[2, 0, 3, b'x'], (None, b"x")),
            (&[0, b'x'], (None, b"x")),
            (&[], (None, b"")),
        ] {
            assert_eq!(read(data), expected, "{data:?}");
        }
    }

    #[test]
    fn a_header_is_told_from_text() {
        for (data, expected) in [
            (&[5, 0, 3, 0x2A, 3, 1, b'x'][..], true),
            (&[8, 0x24, 1, 2, 0, 3, 0x2A, 3, 1], true),
            (&[0, b'x'], true),
            (b"id:42 stat:DELIVRD", false),
            (&[3, 0, 3, 1, 3, 0, b'x'], false),
            (&[1, 0], false),
            (&[9, 0, 3], false),
            (&[], false),
        ] {
            assert_eq!(has_header(data), expected, "{data:?}");
        }
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn any_octets_are_read(octets: Vec<u8>) {
            let (_, text) = read(&octets);
            prop_assert!(octets.ends_with(text));
            has_header(&octets);
        }
    }
}
