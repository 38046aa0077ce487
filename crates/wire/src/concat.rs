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

/// All that a header says about its user data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Which part of a longer message it is.
    pub concat: Option<Concat>,
    /// The other elements in their order, each with its identifier and its length.
    pub others: Vec<u8>,
    /// Whether it addresses a port (3GPP TS 23.040, 9.2.3.24.3 and 4).
    pub has_port: bool,
    /// The language of the single shift table; 0 for none (3GPP TS 23.040, 9.2.3.24.15).
    pub single_shift: u8,
    /// The language of the locking shift table; 0 for none (3GPP TS 23.040, 9.2.3.24.16).
    pub locking_shift: u8,
    /// How many octets it takes, that of its length included.
    pub octets: usize,
}

/// The header of user data and what follows it. `None` where no elements fill it exactly, as [`has_header`] says.
pub fn header(user_data: &[u8]) -> Option<(Header, &[u8])> {
    if !has_header(user_data) {
        return None;
    }
    let (length, rest) = user_data.split_first()?;
    let (elements, text) = rest.split_at_checked(usize::from(*length))?;
    let mut header = Header { concat: element(elements), octets: 1 + elements.len(), ..Header::default() };
    let mut left = elements;
    while let [id, length, rest @ ..] = left {
        let (value, next) = rest.split_at_checked(usize::from(*length))?;
        match (id, value) {
            (0x00 | 0x08, _) => {}
            (0x04 | 0x05, _) => header.has_port = true,
            (0x24, [language]) => header.single_shift = *language,
            (0x25, [language]) => header.locking_shift = *language,
            _ => {}
        }
        if !matches!(id, 0x00 | 0x08) {
            header.others.extend_from_slice(left.get(..2 + value.len()).unwrap_or_default());
        }
        left = next;
    }
    Some((header, text))
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

    #[test]
    fn a_header_tells_of_languages_ports_and_whatever_else_it_has() {
        let plain = Header { octets: 6, concat: read(&[5, 0, 3, 7, 2, 1]).0, ..Header::default() };
        let language =
            Header { octets: 9, others: vec![0x24, 1, 2], single_shift: 2, concat: plain.concat, ..Header::default() };
        let both = Header {
            octets: 7,
            others: vec![0x25, 1, 1, 0x24, 1, 3],
            single_shift: 3,
            locking_shift: 1,
            ..Header::default()
        };
        let port =
            Header { octets: 7, others: vec![5, 4, 0x0B, 0x84, 0x23, 0xF0], has_port: true, ..Header::default() };
        let narrow = Header { octets: 5, others: vec![4, 2, 1, 2], has_port: true, ..Header::default() };
        for (data, expected) in [
            (&[5, 0, 3, 7, 2, 1, b'x'][..], Some((plain.clone(), &b"x"[..]))),
            (&[8, 0x24, 1, 2, 0, 3, 7, 2, 1, b'x'], Some((language, b"x"))),
            (&[6, 0x25, 1, 1, 0x24, 1, 3], Some((both, b""))),
            (&[6, 5, 4, 0x0B, 0x84, 0x23, 0xF0, 1], Some((port, &[1]))),
            (&[4, 4, 2, 1, 2], Some((narrow, b""))),
            (&[0, b'x'], Some((Header { octets: 1, ..Header::default() }, b"x"))),
            // An element that counts from zero is ignored, and is none of the others.
            (&[5, 0, 3, 7, 2, 0], Some((Header { concat: None, ..plain }, b""))),
            (b"id:42", None),
            (&[], None),
        ] {
            assert_eq!(header(data), expected, "{data:?}");
        }
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn any_octets_are_read(octets: Vec<u8>) {
            let (concat, text) = read(&octets);
            prop_assert!(octets.ends_with(text));
            prop_assert_eq!(has_header(&octets), header(&octets).is_some());
            if let Some((header, behind)) = header(&octets) {
                prop_assert_eq!((header.concat, behind), (concat, text));
                prop_assert_eq!(header.octets + behind.len(), octets.len());
            }
        }
    }
}
