//! A message's addresses as the carrier wants them: type of number, numbering plan and octets (SMPP 3.4, 5.2.5 and
//! 5.2.6).

use model::originator::SenderName;
use model::{Msisdn, Originator};
use wire::smpp::Address;
use wire::smpp::constants::{npi, ton};

use super::config::{NameAlphabet, SmppConfig};

/// The originator's address.
///
/// # Errors
/// Why the carrier cannot have it: a character of the name is not in the alphabet that the carrier reads names in.
pub(super) fn source(config: &SmppConfig, originator: Originator) -> Result<Address, String> {
    Ok(match originator {
        Originator::Number(number) => address(number, config.source_ton, config.source_npi, config.keep_plus),
        Originator::ShortCode(code) => Address::new(
            config.short_code_ton.unwrap_or(ton::NETWORK_SPECIFIC),
            config.short_code_npi.unwrap_or(npi::UNKNOWN),
            &code.text(),
        ),
        Originator::Name(name) => Address {
            ton: config.name_ton.unwrap_or(ton::ALPHANUMERIC),
            npi: config.name_npi.unwrap_or(npi::UNKNOWN),
            octets: octets(config.name_alphabet, name)
                .ok_or("a character of the sender's name is not in the carrier's `name_alphabet`")?,
        },
    })
}

/// A name in the carrier's alphabet. An address ends at its first NUL, so that it cannot hold one: the `@` of the GSM
/// alphabet.
fn octets(alphabet: NameAlphabet, name: SenderName) -> Option<Vec<u8>> {
    match alphabet {
        NameAlphabet::Latin1 => name.text().chars().map(|character| u8::try_from(character).ok()).collect(),
        NameAlphabet::Gsm7 => Some(name.septets().to_vec()).filter(|septets| !septets.contains(&0)),
    }
}

/// The recipient's address: national where the carrier wants its own country's numbers so.
pub(super) fn destination(config: &SmppConfig, number: Msisdn) -> Address {
    let text = number.text();
    match config.national_prefix.as_deref().and_then(|prefix| text.strip_prefix(prefix)) {
        Some(digits) => Address::new(ton::NATIONAL, config.destination_npi.unwrap_or(npi::ISDN), digits),
        None => address(number, config.destination_ton, config.destination_npi, config.keep_plus),
    }
}

fn address(number: Msisdn, ton: Option<u8>, npi: Option<u8>, keep_plus: bool) -> Address {
    let text = if keep_plus { number.text() } else { number.digits() };
    Address::new(ton.unwrap_or(ton::INTERNATIONAL), npi.unwrap_or(npi::ISDN), &text)
}
