//! How recipients are packed who have not had their turn: each takes the seven octets of the number that its digits
//! are, lowest first. Their values for the variables in the text are JSON: an array of texts for each of them.

use model::Msisdn;
use model::variables::Values;

/// How many recipients one chunk holds.
pub const CHUNK: usize = 1_000;

/// How many octets a recipient takes: no number of 15 digits needs more.
pub const PACKED_BYTES: usize = 7;

/// The numbers, packed.
pub fn pack(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes().into_iter().take(PACKED_BYTES)).collect()
}

/// The recipients that are packed so; `None` for what is no number.
pub fn unpack(octets: &[u8]) -> impl Iterator<Item = Option<Msisdn>> {
    let number = |octets: &[u8]| octets.iter().rev().fold(0, |number, octet| number << 8 | u64::from(*octet));
    octets.chunks(PACKED_BYTES).map(move |octets| Msisdn::from_u64(number(octets)))
}

/// The values of recipients, packed; `None` where there are none.
pub fn pack_values(values: &[Values]) -> Option<String> {
    let of_one = |values: &Values| values.iter().map(|value| &**value).collect::<serde_json::Value>();
    (!values.is_empty()).then(|| values.iter().map(of_one).collect::<serde_json::Value>().to_string())
}

/// The values that are packed so; `None` for anything else.
pub fn unpack_values(packed: Option<&str>) -> Option<Vec<Values>> {
    packed.map_or(Some(Vec::new()), |packed| serde_json::from_str(packed).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_values_read_back() {
        let values: Vec<Values> = vec![Box::new(["Ada \0 \"x\"".into(), "".into()]), Box::new([])];
        assert_eq!(unpack_values(pack_values(&values).as_deref()), Some(values));
        assert_eq!((pack_values(&[]), unpack_values(None)), (None, Some(Vec::new())));
        assert_eq!(unpack_values(Some("[1]")), None);
    }

    #[test]
    fn packed_numbers_read_back() {
        let numbers = [1_234_567, 18_005_551_234, 999_999_999_999_999];
        let read: Vec<_> = unpack(&pack(&numbers)).map(|number| number.unwrap().to_u64()).collect();
        assert_eq!((read, pack(&numbers).len()), (numbers.to_vec(), 21));
    }
}
