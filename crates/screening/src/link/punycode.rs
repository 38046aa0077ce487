//! Decoding of `xn--` labels (RFC 3492), so that a look-alike domain can be folded like any other text.

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 128;

/// The label behind `encoded`, which is what follows `xn--`. `None` when it is no valid encoding or too long for a
/// label.
pub(crate) fn decode(encoded: &str) -> Option<String> {
    if encoded.len() > 63 || !encoded.is_ascii() {
        return None;
    }
    let (basic, extended) = encoded.rsplit_once('-').unwrap_or(("", encoded));
    let mut output: Vec<char> = basic.chars().collect();
    let (mut n, mut index, mut bias) = (INITIAL_N, 0_u32, INITIAL_BIAS);
    let mut digits = extended.bytes();
    while digits.len() > 0 {
        let before = index;
        let mut weight = 1_u32;
        let mut k = BASE;
        loop {
            let digit = match digits.next()? {
                byte @ b'a'..=b'z' => u32::from(byte - b'a'),
                byte @ b'A'..=b'Z' => u32::from(byte - b'A'),
                byte @ b'0'..=b'9' => u32::from(byte - b'0') + 26,
                _ => return None,
            };
            index = index.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
            k += BASE;
        }
        let length = u32::try_from(output.len()).ok()? + 1;
        bias = adapt(index - before, length, before == 0);
        n = n.checked_add(index / length)?;
        index %= length;
        output.insert(usize::try_from(index).ok()?, char::from_u32(n)?);
        index += 1;
    }
    Some(output.into_iter().collect())
}

fn adapt(delta: u32, length: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / length;
    let mut k = 0;
    while delta > ((BASE - T_MIN) * T_MAX) / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (((BASE - T_MIN + 1) * delta) / (delta + SKEW))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn labels_are_decoded_as_the_rfc_says() {
        assert_eq!(decode("mnchen-3ya").as_deref(), Some("m\u{fc}nchen"));
        assert_eq!(decode("80ak6aa92e").as_deref(), Some("\u{430}\u{440}\u{440}\u{4cf}\u{435}"));
        assert_eq!(decode("pypal-4ve").as_deref(), Some("p\u{430}ypal"));
    }

    #[test]
    fn what_is_no_encoding_is_refused() {
        for wrong in ["99999999", "\u{fc}", "a-!", &"a".repeat(64)] {
            assert_eq!(decode(wrong), None);
        }
    }
}
