//! What is a person's among what is erased: the rules that every backend shares.

use model::Msisdn;
use model::variables::Values;

use crate::packing::{PACKED_BYTES, pack_values, unpack_values};
use crate::receipts::numbers::shared_digits;

/// How many rows of packed recipients one look reads: fifty thousand recipients.
pub const CHUNKS: usize = 50;

/// How many entries of what matched nothing one look reads.
pub const ENTRIES: usize = 1_000;

/// How many digits of a number its country's code has at most; carriers write numbers without it.
const COUNTRY_DIGITS: usize = 3;

/// The places of a number among packed recipients.
pub fn places(recipients: &[u8], number: Msisdn) -> Vec<u32> {
    let needle = packed(number);
    let each = (0..).zip(recipients.chunks_exact(PACKED_BYTES));
    each.filter(|(_, one)| *one == needle).map(|(place, _)| place).collect()
}

/// Puts nobody in these places of packed recipients.
pub fn put_nobody(recipients: &mut [u8], places: &[u32]) {
    for place in places {
        recipients[*place as usize * PACKED_BYTES..][..PACKED_BYTES].copy_from_slice(&packed(Msisdn::nobody()));
    }
}

/// Takes the values away that stand in these places of packed values.
pub fn take_values(values: Option<&str>, places: &[u32]) -> Option<String> {
    // What cannot be read is all taken away.
    let mut values = unpack_values(values).unwrap_or_default();
    for place in places {
        if let Some(of_them) = values.get_mut(*place as usize) {
            *of_them = Values::default();
        }
    }
    pack_values(&values)
}

fn packed(number: Msisdn) -> [u8; PACKED_BYTES] {
    let mut packed = [0; PACKED_BYTES];
    packed.copy_from_slice(&number.to_u64().to_le_bytes()[..PACKED_BYTES]);
    packed
}

/// Whether one of the addresses of what matched nothing is the number, or a text has its digits, with the country's
/// code or without.
pub fn mentions(number: Msisdn, addresses: &str, texts: [&str; 2]) -> bool {
    let text = number.to_string();
    let digits = text.trim_start_matches('+');
    // Digits that a carrier hides may be those of many.
    let mut shown = addresses.split_whitespace().filter(|address| !address.contains('*'));
    let tail = &digits[COUNTRY_DIGITS.min(digits.len() - 7)..];
    shown.any(|address| shared_digits(address, digits).is_some()) || texts.iter().any(|text| text.contains(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_recognized_in_every_form_in_which_carriers_write_it() {
        let number = Msisdn::parse("+18005551234").unwrap();
        for (addresses, detail, raw, mentioned) in [
            ("18005551234", "", "", true),
            ("447700900123 8005551234", "", "", true),
            ("0018005551234", "", "", true),
            ("1800555****", "", "", false),
            ("18005551235", "", "", false),
            ("", "no message has the recipient +18005551234", "", true),
            ("", "", "\\x00\\x01\\x0118005551234\\x00", true),
            ("", "", "\\x008005551234\\x00", true),
            ("", "", "id:1800555 text:1234", false),
        ] {
            assert_eq!(mentions(number, addresses, [detail, raw]), mentioned, "{addresses} {detail} {raw}");
        }
    }

    #[test]
    fn nobody_takes_the_place_of_a_number_among_packed_recipients() {
        let [one, other] = ["+18005551234", "+12025550143"].map(|number| Msisdn::parse(number).unwrap());
        let mut recipients = [packed(one), packed(other), packed(one)].concat();
        assert_eq!((places(&recipients, one), places(&recipients, other)), (vec![0, 2], vec![1]));
        let left = take_values(Some(r#"[["Ada"],["Bob"],["Ada"]]"#), &[0, 2]);
        assert_eq!((left.as_deref(), take_values(None, &[0])), (Some(r#"[[],["Bob"],[]]"#), None));
        put_nobody(&mut recipients, &[0, 2]);
        assert_eq!(recipients, [packed(Msisdn::nobody()), packed(other), packed(Msisdn::nobody())].concat());
    }
}
