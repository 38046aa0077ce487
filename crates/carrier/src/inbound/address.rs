//! Addresses as carriers write them, in the form in which this platform knows numbers.

use model::InboundAddress;

/// How a carrier says that an address is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A number with its country code.
    International,
    /// A number of the carrier's own country.
    National,
    /// It does not say.
    Unsaid,
}

/// Numbers have at most so many digits in a short code.
const SHORT_CODE_DIGITS_MAX: usize = 8;

/// The address that a text is. A number gets its international form where the text or the carrier's `national_prefix`
/// tells it; short codes and names stay as they are, and so does everything else.
pub(crate) fn read(text: &str, form: Form, national_prefix: Option<&str>) -> InboundAddress {
    let text = text.trim_matches([' ', '\0']);
    let as_it_is = || InboundAddress::of(text);
    let Some((has_plus, digits)) = number(text) else { return as_it_is() };
    let whole = match (has_plus, digits.strip_prefix("00")) {
        (true, _) => Some(digits),
        (false, Some(rest)) => Some(rest.to_owned()),
        (false, None) => international(digits, form, national_prefix),
    };
    let known = whole.map(|digits| InboundAddress::of(&format!("+{digits}")));
    known.filter(|address| address.known().is_some()).unwrap_or_else(as_it_is)
}

/// The digits of a text that is a number, without the signs that people write between them; and whether it has a `+`.
fn number(text: &str) -> Option<(bool, String)> {
    let (has_plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let is_sign = |character: char| matches!(character, ' ' | '-' | '.' | '(' | ')');
    let digits: String = rest.chars().filter(|character| !is_sign(*character)).collect();
    (!digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit())).then_some((has_plus, digits))
}

/// The digits of the whole number, country code first; `None` where they are not known.
fn international(digits: String, form: Form, national_prefix: Option<&str>) -> Option<String> {
    let country = national_prefix.and_then(|prefix| prefix.strip_prefix('+'));
    match (form, country) {
        (Form::International, _) => Some(digits),
        (Form::National, Some(country)) => national(&digits, country),
        (Form::Unsaid, _) if digits.len() <= SHORT_CODE_DIGITS_MAX => None,
        // In North America a national number has ten digits and begins with neither 0 nor 1.
        (Form::Unsaid, Some(country)) if country.starts_with('1') && digits.len() == 10 => national(&digits, country),
        (Form::Unsaid, Some(country)) if digits.starts_with('0') => national(&digits, country),
        (Form::Unsaid, _) => Some(digits).filter(|digits| !digits.starts_with('0')),
        (Form::National, None) => None,
    }
}

/// A national number behind the prefix of its carrier, without a trunk zero. Italy's numbers have a zero of their own.
fn national(digits: &str, country: &str) -> Option<String> {
    let is_italian = country.starts_with("39");
    let digits = if is_italian { digits } else { digits.strip_prefix('0').unwrap_or(digits) };
    // All numbers of North America have eleven digits, the country code included. Some carriers leave it there.
    let is_north_american = country.starts_with('1');
    if is_north_american && digits.len() == 11 && digits.starts_with(country) {
        return Some(digits.to_owned());
    }
    let whole = format!("{country}{digits}");
    (!is_north_american || whole.len() == 11).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_carriers_write_them() {
        use Form::{International, National, Unsaid};
        for (text, form, prefix, read_as, is_known) in [
            ("18005551234", International, None, "+18005551234", true),
            ("+18005551234", Unsaid, None, "+18005551234", true),
            ("+1 (800) 555-1234", Unsaid, None, "+18005551234", true),
            ("0018005551234", Unsaid, None, "+18005551234", true),
            ("0018005551234", International, None, "+18005551234", true),
            ("18005551234", Unsaid, None, "+18005551234", true),
            ("8005551234", National, Some("+1"), "+18005551234", true),
            ("8005551234", Unsaid, Some("+1"), "+18005551234", true),
            ("18005551234", National, Some("+1"), "+18005551234", true),
            ("18005551234", Unsaid, Some("+1"), "+18005551234", true),
            ("447700900123", Unsaid, Some("+1"), "+447700900123", true),
            ("50001", National, Some("+180055"), "+18005550001", true),
            ("5001", National, Some("+180055"), "5001", true),
            ("551234", National, Some("+18005"), "+18005551234", true),
            ("07700900123", National, Some("+44"), "+447700900123", true),
            ("07700900123", Unsaid, Some("+44"), "+447700900123", true),
            ("7700900123", National, Some("+44"), "+447700900123", true),
            ("447700900123", Unsaid, Some("+44"), "+447700900123", true),
            ("0612345678", National, Some("+39"), "+390612345678", true),
            ("12345678", National, Some("+45"), "+4512345678", true),
            // Short codes, whatever the carrier says that they are.
            ("72345", Unsaid, None, "72345", true),
            ("72345", International, None, "72345", true),
            ("723456", National, Some("+1"), "723456", true),
            ("12345678", Unsaid, Some("+45"), "12345678", true),
            // Names.
            ("ACME", Unsaid, None, "ACME", true),
            (" ACME \0", International, Some("+1"), "ACME", true),
            // What is none of them stays as it is.
            ("8005551234", National, None, "8005551234", false),
            ("07700900123", Unsaid, None, "07700900123", false),
            ("12", Unsaid, None, "12", false),
            ("+12", Unsaid, None, "+12", false),
            ("1234567890123456", International, None, "1234567890123456", false),
            ("A name that is long", Unsaid, None, "A name that is long", false),
            ("", Unsaid, Some("+1"), "", false),
        ] {
            let address = read(text, form, prefix);
            let found = (address.to_string(), address.known().is_some());
            assert_eq!(found, (read_as.to_owned(), is_known), "{text:?} {form:?} {prefix:?}");
        }
    }
}
