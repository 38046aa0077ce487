//! Numbers as carriers write them: national forms, prefixes, trunk zeros, and hidden digits.

/// How many last digits tell numbers apart: carriers write national forms.
pub(super) const TELLING_DIGITS: usize = 7;

/// How many digits a short national number has at least.
const SHORT_DIGITS: usize = 5;

/// In how many digits an address of a receipt, which may have `*` for digits that are hidden, is `number`; `None` when
/// it is another. Numbers are compared from their ends, since carriers write national forms, prefixes and trunk zeros.
pub(crate) fn shared_digits(address: &str, number: &str) -> Option<usize> {
    if let (Some((head, _)), Some((_, tail))) = (address.split_once('*'), address.rsplit_once('*')) {
        return shared_with_hidden(head.trim_start_matches('0'), tail, number);
    }
    if address == number {
        return Some(usize::MAX);
    }
    let address = address.trim_start_matches('0');
    let shared = address.bytes().rev().zip(number.bytes().rev()).take_while(|(one, other)| one == other).count();
    let is_whole = shared >= SHORT_DIGITS && shared == address.len().min(number.len());
    (shared >= TELLING_DIGITS || is_whole).then_some(shared)
}

/// The same for an address that begins with `head`, ends with `tail`, and hides what is between. `head` may lack the
/// country's code of at most three digits.
fn shared_with_hidden(head: &str, tail: &str, number: &str) -> Option<usize> {
    const COUNTRY_DIGITS: usize = 3;
    let is_head = (0..=COUNTRY_DIGITS).any(|skipped| number.get(skipped..).is_some_and(|rest| rest.starts_with(head)));
    let shared = head.len() + tail.len();
    (is_head && number.ends_with(tail) && shared <= number.len()).then_some(shared)
}

/// The last digits of a number, which tell it from others.
fn tail(digits: &str) -> &str {
    digits.get(digits.len().saturating_sub(TELLING_DIGITS)..).unwrap_or(digits)
}

/// The key of a message that is held and has no id, and of a receipt for it. No id of a carrier has a blank.
pub fn key_of_recipient(digits: &str) -> String {
    format!("to {}", tail(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_from_their_ends() {
        for (address, number, shared) in [
            ("18005559876", "18005559876", Some(usize::MAX)),
            ("8005559876", "18005559876", Some(10)),
            ("08005559876", "18005559876", Some(10)),
            ("01118005559876", "18005559876", Some(11)),
            ("00018005559876", "18005559876", Some(11)),
            ("07700900123", "447700900123", Some(10)),
            ("4407700900123", "447700900123", Some(10)),
            ("12025559876", "18005559876", Some(7)),
            ("23456", "29023456", Some(5)),
            ("3456", "29023456", None),
            ("18005559877", "18005559876", None),
            ("18005551234", "18005559876", None),
            ("1800555****", "18005559876", Some(7)),
            ("800555****", "18005559876", Some(6)),
            ("0800555****", "18005559876", Some(6)),
            ("*******9876", "18005559876", Some(4)),
            ("1800***9876", "18005559876", Some(8)),
            ("18005559***", "18005559876", Some(8)),
            ("1800*9876", "18005559876", Some(8)),
            ("1900555****", "18005559876", None),
            ("*******1234", "18005559876", None),
            ("18005559876*", "18005559876", Some(11)),
            ("18005559876*9876", "18005559876", None),
        ] {
            assert_eq!(shared_digits(address, number), shared, "{address} {number}");
        }
    }
}
