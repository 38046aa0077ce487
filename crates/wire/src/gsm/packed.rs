//! Septets packed eight into seven octets (3GPP TS 23.038, 6.1.2.1), for the few carriers that want them so.

/// Packs septets, after `fill_bits` zero bits that bring the text after a user data header to a septet boundary.
pub fn pack(septets: &[u8], fill_bits: u8) -> Vec<u8> {
    let mut octets = Vec::with_capacity((septets.len() * 7 + usize::from(fill_bits)).div_ceil(8));
    let (mut held, mut bits) = (0u32, u32::from(fill_bits % 7));
    for septet in septets {
        held |= u32::from(septet & 0x7F) << bits;
        bits += 7;
        if bits >= 8 {
            octets.push((held & 0xFF) as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        // With seven bits left over, zeros would read as one more `@`: the specification fills them with CR.
        let filler = if bits == 1 { 0x0Du32 << 1 } else { 0 };
        octets.push(((held | filler) & 0xFF) as u8);
    }
    octets
}

/// How many zero bits follow a header of `header_octets`, so that the text begins at a septet's boundary.
pub const fn fill_bits(header_octets: usize) -> u8 {
    ((7 - header_octets * 8 % 7) % 7) as u8
}

/// Unpacks at most `count` septets that begin after `fill_bits` bits; fewer where the octets end.
pub fn unpack(octets: &[u8], fill_bits: u8, count: usize) -> Vec<u8> {
    let bit = |at: usize| octets.get(at / 8).map(|octet| octet >> (at % 8) & 1);
    let septet = |index: usize| {
        let start = usize::from(fill_bits) + index * 7;
        (0..7).try_fold(0u8, |septet, offset| Some(septet | bit(start + offset)? << offset))
    };
    (0..count).map_while(septet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_well_known_example_packs() {
        assert_eq!(pack(b"hellohello", 0), [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]);
    }

    #[test]
    fn seven_septets_leave_room_that_is_filled_with_cr() {
        assert_eq!(unpack(&pack(b"1234567", 0), 0, 8), b"1234567\r");
    }

    #[test]
    fn text_after_a_header_begins_at_a_septet() {
        assert_eq!([fill_bits(0), fill_bits(6), fill_bits(7)], [0, 1, 0]);
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn what_is_packed_unpacks(septets in prop::collection::vec(0u8..128, 0..200), fill in 0u8..7) {
            prop_assert_eq!(unpack(&pack(&septets, fill), fill, septets.len()), septets);
        }

        #[test]
        fn any_octets_unpack(octets: Vec<u8>, fill: u8, count in 0usize..400) {
            unpack(&octets, fill, count);
        }
    }
}
