//! From a `deliver_sm` or `data_sm` to the receipt in it.

use model::ReceiptScope;
use wire::receipt::{self, ReceiptState, ReceiptText, address, id, octets};
use wire::smpp::constants::{esm_class, ton};
use wire::smpp::{Address, Tlvs, tag};

use super::config::{ReceiptDetection, ReceiptPer, SmppConfig, StatMeaning};
use super::delivered::Delivered;
use super::evidence;
use super::parts::Standing;
use crate::Receipt;
use crate::unusable::SHOWN_OCTETS_MAX;

/// The longest id that is compared, in characters. The specification has 64 (SMPP 3.4, 5.2.23).
const ID_CHARS_MAX: usize = 255;

/// How many keys a receipt has at most.
const KEYS_MAX: usize = 8;

/// The `esm_class` of an intermediate notification (SMPP 3.4, 5.2.12): nothing in it is final.
const INTERMEDIATE: u8 = 0x20;

/// What a `deliver_sm` or `data_sm` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A report on a segment.
    Receipt(Receipt),
    /// An inbound message.
    Inbound,
    /// It is labelled as a receipt, and names no message.
    Unreadable {
        /// The reason, from a fixed list. It may be logged.
        why: &'static str,
    },
}

/// Says what `delivered` is, by the settings of its carrier.
pub(crate) fn read(config: &SmppConfig, delivered: &Delivered<'_>) -> Read {
    let texts = readable_texts(config, delivered);
    let text = merged(&texts);
    let by_class = delivered.is_labelled_report();
    let by_tlv = delivered.tlvs.get(tag::RECEIPTED_MESSAGE_ID).is_some();
    let has_state = delivered.tlvs.get(tag::MESSAGE_STATE).is_some() || is_of_receipt(config, &text);
    let is_receipt = match config.receipt_detection {
        ReceiptDetection::Auto => by_class || by_tlv || text.id.is_some() && has_state,
        ReceiptDetection::EsmClass => by_class,
        ReceiptDetection::Tlv => by_tlv,
        ReceiptDetection::Text => texts.iter().any(says_more_than_an_id),
    };
    if !is_receipt {
        return Read::Inbound;
    }
    let ids = ids(delivered.tlvs, &texts);
    let keys = keys(config, &ids);
    if keys.is_empty() {
        return Read::Unreadable { why: why_unreadable(delivered, &texts) };
    }
    let network_error = delivered.tlvs.get(tag::NETWORK_ERROR_CODE).filter(|code| code.len() == 3);
    let network_error = network_error.map(|code| format!("{}:{}", code[0], u16::from_be_bytes([code[1], code[2]])));
    let state = state(config, text.stat.as_deref(), delivered);
    // What several words say is more than a state that is not final, and the operator may know what it means.
    let words = text.stat.as_deref().filter(|stat| !state.is_final() && stat.contains(char::is_whitespace));
    let error = match (text.err.clone().or(network_error), words) {
        (Some(error), Some(words)) => Some(format!("{error} (stat: {words})")),
        (None, Some(words)) => Some(format!("none (stat: {words})")),
        (error, None) => error,
    };
    Read::Receipt(Receipt {
        keys,
        addresses: [delivered.source, delivered.destination]
            .into_iter()
            .flat_map(|address| numbers(config, address))
            .collect(),
        scope: scope(config, state, &text),
        raw: evidence::kept(delivered, SHOWN_OCTETS_MAX),
        state,
        error,
        raw_id: raw_id(&ids),
    })
}

/// What a delivery that says that it is a part of something says by itself. It is complete where nothing more is
/// expected: the state stands in a parameter, or something stands behind it, so that its word is not cut.
pub(crate) fn standing(config: &SmppConfig, read: &Read, delivered: &Delivered<'_>) -> Standing {
    let texts = readable_texts(config, delivered);
    let text = merged(&texts);
    let has_parameters =
        delivered.tlvs.get(tag::RECEIPTED_MESSAGE_ID).is_some() && delivered.tlvs.get(tag::MESSAGE_STATE).is_some();
    let has_text = text.id.is_some() && text.stat.is_some() && (text.err.is_some() || text.text.is_some());
    match read {
        Read::Receipt(_) if has_parameters || has_text => Standing::Complete,
        Read::Receipt(_) | Read::Unreadable { .. } => Standing::Piece,
        // A single word with a colon is not enough: a part of a handset's message would wait here for its end.
        Read::Inbound if texts.iter().any(|text| fields_beside_id(text) > 1) => Standing::Piece,
        Read::Inbound => Standing::Other,
    }
}

/// Whether a text with a state is a receipt's by itself: people write of ids and states too. A receipt has other fields
/// beside the two, or a state that has a meaning; what a carrier's own pattern finds is a receipt's in any case.
fn is_of_receipt(config: &SmppConfig, text: &ReceiptText) -> bool {
    let has_meaning = |stat: &str| {
        stat.eq_ignore_ascii_case("UNKNOWN")
            || ReceiptState::from_stat(stat) != ReceiptState::Unknown
            || own_meaning(config, stat).is_some()
    };
    let Some(stat) = text.stat.as_deref() else { return false };
    config.receipt_pattern.is_some() || fields_beside_id(text) > 1 || has_meaning(stat)
}

/// How many fields of a receipt a text has beside its id.
fn fields_beside_id(text: &ReceiptText) -> usize {
    let dates = usize::from(text.submit_date.is_some()) + usize::from(text.done_date.is_some());
    dates + [&text.sub, &text.dlvrd, &text.stat, &text.err, &text.text].into_iter().flatten().count()
}

/// What the texts say that have the form of a receipt, the one that says most first.
fn readable_texts(config: &SmppConfig, delivered: &Delivered<'_>) -> Vec<ReceiptText> {
    let mut texts: Vec<ReceiptText> = delivered
        .texts()
        .filter_map(|(header, text)| best_reading(config, text, delivered.data_coding, header))
        .collect();
    texts.sort_by_key(|text| std::cmp::Reverse(weight(text)));
    texts
}

/// The reading of a text's octets that says most: the first that has an id and a state, as nearly always the very first
/// does.
fn best_reading(config: &SmppConfig, text: &[u8], label: u8, header_octets: usize) -> Option<ReceiptText> {
    let mut best: Option<ReceiptText> = None;
    for reading in octets::readings(text, label, header_octets) {
        if let Some(own_form) = config.receipt_pattern.as_ref().and_then(|pattern| pattern.read(&reading)) {
            return Some(own_form);
        }
        let Some(read) = receipt::parse(&reading) else { continue };
        if has_plain(&read.id) && has_plain(&read.stat) {
            return Some(read);
        }
        if best.as_ref().is_none_or(|best| weight(best) < weight(&read)) {
            best = Some(read);
        }
    }
    best
}

/// Whether a field is there and in ASCII: other signs in it come from a reading in the wrong alphabet.
fn has_plain(field: &Option<String>) -> bool {
    field.as_ref().is_some_and(|value| value.is_ascii())
}

/// Whether a text has the form of a receipt, and does not merely begin with `id:`.
fn says_more_than_an_id(text: &ReceiptText) -> bool {
    let of_id = ReceiptText { id: text.id.clone(), long_id: text.long_id.clone(), ..ReceiptText::default() };
    *text != of_id
}

/// How much a text says.
fn weight(text: &ReceiptText) -> usize {
    let id_and_state = [&text.id, &text.stat].into_iter().filter(|field| has_plain(field)).count();
    let dates = usize::from(text.submit_date.is_some()) + usize::from(text.done_date.is_some());
    let others = [&text.sub, &text.dlvrd, &text.err, &text.text].into_iter().flatten().count();
    id_and_state * 10 + dates + others
}

/// What the texts say together: the first, and from the others what it lacks.
fn merged(texts: &[ReceiptText]) -> ReceiptText {
    let mut texts = texts.iter().cloned();
    let first = texts.next().unwrap_or_default();
    texts.fold(first, |all, other| ReceiptText {
        id: all.id.or(other.id),
        stat: all.stat.or(other.stat),
        err: all.err.or(other.err),
        ..all
    })
}

/// The ids that are named, the most trustworthy first: the parameter's, those of the texts, and those with what stands
/// behind them.
fn ids(tlvs: &Tlvs, texts: &[ReceiptText]) -> Vec<String> {
    let of_parameters: Vec<String> =
        tlvs.iter().filter(|tlv| tlv.tag == tag::RECEIPTED_MESSAGE_ID).map(|tlv| id_of(&tlv.value)).collect();
    let has_parameter = of_parameters.iter().any(|id| !id::canonical(id).is_empty());
    let texts = || texts.iter().filter(|text| !(has_parameter && text.id_is_behind_text));
    let first = texts().find_map(|text| text.id.as_deref());
    // A text that is cut may end in the middle of its id.
    let is_cut = |id: &str| first.is_some_and(|first| first.len() > id.len() && first.starts_with(id));
    let of_texts = texts().filter_map(|text| text.id.clone()).filter(|id| !is_cut(id));
    let long = texts().filter_map(|text| text.long_id.clone());
    let mut ids: Vec<(String, String)> = Vec::with_capacity(2);
    for id in of_parameters.into_iter().chain(of_texts).chain(long).filter(|id| id.chars().count() <= ID_CHARS_MAX) {
        let key = id::canonical(&id);
        if !key.is_empty() && !ids.iter().any(|(known, _)| *known == key) {
            ids.push((key, id));
        }
    }
    ids.into_iter().map(|(_, id)| id).collect()
}

/// The id of a parameter: padded with NULs or blanks on either side, or in UTF-16. Octets above ASCII are read as
/// Latin-1.
fn id_of(value: &[u8]) -> String {
    let text: String = value.iter().map(|octet| char::from(*octet)).collect();
    let text = text.trim_matches(['\0', ' ']);
    let is_wide = text.chars().enumerate().all(|(at, c)| (c == '\0') == (at % 2 == 1));
    if is_wide { text.replace('\0', "") } else { text.split('\0').next().unwrap_or_default().trim_end().to_owned() }
}

/// The keys of all ids: each as it was written first, and then their other readings.
fn keys(config: &SmppConfig, ids: &[String]) -> Vec<String> {
    let readings: Vec<Vec<String>> = ids.iter().map(|id| id::candidates(id, config.id_mode())).collect();
    let as_written = readings.iter().filter_map(|keys| keys.first());
    let others = readings.iter().flat_map(|keys| keys.iter().skip(1));
    let mut keys: Vec<String> = Vec::with_capacity(4);
    for key in as_written.chain(others) {
        if keys.len() < KEYS_MAX && !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// The ids as given, for the log and the event.
fn raw_id(ids: &[String]) -> String {
    ids.join(" / ")
}

fn why_unreadable(delivered: &Delivered<'_>, texts: &[ReceiptText]) -> &'static str {
    match (delivered.texts().next(), texts) {
        (None, _) => "no text",
        (Some(_), []) => "unknown form",
        (Some(_), _) => "no id",
    }
}

/// The digits of an address, some of them hidden perhaps. From a carrier of national numbers also those of the whole
/// number: a short national one is not told by its last digits.
fn numbers(config: &SmppConfig, address: &Address) -> impl Iterator<Item = String> {
    let text = address.text();
    // The letters of a name hide no digits, as `x` does in a number.
    let is_name = address.ton == ton::ALPHANUMERIC && text.contains(char::is_alphabetic);
    let digits = address::digits(&text).filter(|_| !is_name);
    let country = config.national_prefix.as_deref().and_then(|prefix| prefix.strip_prefix('+'));
    let national =
        digits.as_deref().filter(|_| address.ton != ton::INTERNATIONAL).map(|digits| digits.trim_start_matches('0'));
    let whole = national.zip(country).map(|(digits, country)| format!("{country}{digits}"));
    digits.into_iter().chain(whole)
}

/// How much of a message the receipt reports on. A `sub` and a `dlvrd` that are the same say that so many segments were
/// submitted and all of them arrived (SMPP 3.4, appendix B); the store compares that with how many there are.
fn scope(config: &SmppConfig, state: ReceiptState, text: &ReceiptText) -> ReceiptScope {
    let count = |count: &Option<String>| {
        count.as_deref().and_then(|count| count.trim().parse::<u16>().ok()).filter(|count| *count > 1)
    };
    match config.receipt_per {
        ReceiptPer::Message => ReceiptScope::Message,
        ReceiptPer::Segment => match (count(&text.sub), count(&text.dlvrd)) {
            (Some(submitted), Some(delivered)) if submitted == delivered && state == ReceiptState::Delivered => {
                ReceiptScope::AllOf(submitted)
            }
            _ => ReceiptScope::Segment,
        },
    }
}

/// The state: the carrier's own meaning of its word first, then the parameter, then what the word usually means. A
/// parameter that has no meaning, or none that is final, does not hide a final word: no other report follows it.
fn state(config: &SmppConfig, stat: Option<&str>, delivered: &Delivered<'_>) -> ReceiptState {
    if let Some(meaning) = stat.and_then(|stat| own_meaning(config, stat)) {
        return match meaning {
            StatMeaning::Delivered => ReceiptState::Delivered,
            StatMeaning::Undelivered => ReceiptState::Undeliverable,
            StatMeaning::Expired => ReceiptState::Expired,
            StatMeaning::Rejected => ReceiptState::Rejected,
            StatMeaning::Pending => ReceiptState::Enroute,
        };
    }
    let word = stat.map(ReceiptState::from_stat);
    let Some(parameter) = parameter_state(delivered.tlvs) else { return word.unwrap_or(ReceiptState::Unknown) };
    let is_intermediate = delivered.esm_class & esm_class::TYPE_MASK == INTERMEDIATE;
    match word {
        Some(word) if word.is_final() && !parameter.is_final() && !is_intermediate => word,
        // SMPP 3.4, 5.2.28 has no state 0, and the carrier does not know what `UNKNOWN` names.
        Some(word)
            if matches!(parameter, ReceiptState::Scheduled | ReceiptState::Unknown)
                && word != ReceiptState::Unknown =>
        {
            word
        }
        Some(_) | None => parameter,
    }
}

/// What the carrier means by its words, or by the first of them where the others change nothing about it.
fn own_meaning(config: &SmppConfig, stat: &str) -> Option<StatMeaning> {
    let first = stat.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|')).next().unwrap_or_default();
    let meaning = |stat: &str| {
        config.receipt_stats.iter().find(|(word, _)| word.eq_ignore_ascii_case(stat)).map(|(_, meaning)| *meaning)
    };
    meaning(stat).or_else(|| meaning(first).filter(|_| ReceiptState::from_stat(first) == ReceiptState::from_stat(stat)))
}

/// The state of the parameter: a number, or a digit or a word in ASCII.
fn parameter_state(tlvs: &Tlvs) -> Option<ReceiptState> {
    let value = tlvs.get(tag::MESSAGE_STATE)?;
    let number = match value {
        [digit @ b'0'..=b'9'] => u32::from(digit - b'0'),
        [_, _, ..] if value.iter().all(u8::is_ascii_alphabetic) => {
            return tlvs.text(tag::MESSAGE_STATE).map(|word| ReceiptState::from_stat(&word));
        }
        _ => tlvs.number(tag::MESSAGE_STATE)?,
    };
    Some(u8::try_from(number).map_or(ReceiptState::Unknown, ReceiptState::from_message_state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::smpp::constants::npi;
    use wire::smpp::{DataSm, Sm};

    fn sm(esm_class: u8, text: &str) -> Sm {
        Sm {
            source: Address::new(ton::INTERNATIONAL, npi::ISDN, "18005551234"),
            destination: Address::new(ton::INTERNATIONAL, npi::ISDN, "18005559876"),
            esm_class,
            short_message: text.as_bytes().to_vec(),
            ..Sm::default()
        }
    }

    fn tlvs(id: &[u8], state: Option<u8>) -> Tlvs {
        let mut tlvs = Tlvs::default();
        tlvs.push(tag::RECEIPTED_MESSAGE_ID, id);
        if let Some(state) = state {
            tlvs.push(tag::MESSAGE_STATE, [state]);
        }
        tlvs
    }

    fn found(config: &SmppConfig, sm: &Sm, tlvs: &Tlvs) -> Option<(String, ReceiptState)> {
        match read(config, &Delivered::of_sm(sm, tlvs)) {
            Read::Receipt(receipt) => Some((receipt.keys[0].clone(), receipt.state)),
            Read::Inbound | Read::Unreadable { .. } => None,
        }
    }

    const TEXT: &str = "id:42 sub:001 dlvrd:001 submit date:2603151430 done date:2603151431 stat:DELIVRD err:000 text:";

    #[test]
    fn receipts_are_found_by_class_by_parameter_and_by_text() {
        let config = SmppConfig::default();
        let delivered = Some(("42".to_owned(), ReceiptState::Delivered));
        for (sm, tlvs) in [
            (sm(0x04, TEXT), Tlvs::default()),
            (sm(0x44 & !0x40, TEXT), Tlvs::default()),
            (sm(0, TEXT), Tlvs::default()),
            (sm(0, ""), tlvs(b"42\0", Some(2))),
            (sm(0x04, "some words"), tlvs(b"42", Some(2))),
            (sm(0x20, TEXT), tlvs(b"42", None)),
        ] {
            assert_eq!(found(&config, &sm, &tlvs), delivered, "{sm:?}");
        }
        assert_eq!(found(&config, &sm(0, "Hello id:42"), &Tlvs::default()), None);
        assert_eq!(found(&config, &sm(0x04, "no id at all"), &Tlvs::default()), None);
    }

    #[test]
    fn a_receipt_that_names_no_message_is_told_from_a_message_of_a_handset() {
        let read = |sm: &Sm| read(&SmppConfig::default(), &Delivered::of_sm(sm, &Tlvs::default()));
        assert_eq!(read(&sm(0, "Hello")), Read::Inbound);
        for (text, why) in [
            ("Hello", "unknown form"),
            ("", "no text"),
            ("stat:DELIVRD err:000", "no id"),
            ("id: stat:DELIVRD", "no id"),
            ("id:\0", "unknown form"),
        ] {
            assert_eq!(read(&sm(4, text)), Read::Unreadable { why });
        }
        let wide = Sm {
            data_coding: 8,
            short_message: "привет".encode_utf16().flat_map(u16::to_be_bytes).collect(),
            ..sm(4, "")
        };
        assert_eq!(read(&wide), Read::Unreadable { why: "unknown form" });
    }

    #[test]
    fn letters_of_a_name_hide_no_digits() {
        let addresses = |ton, text| {
            let sm = Sm { destination: Address::new(ton, npi::UNKNOWN, text), ..sm(4, TEXT) };
            match read(&SmppConfig::default(), &Delivered::of_sm(&sm, &Tlvs::default())) {
                Read::Receipt(receipt) => receipt.addresses[1..].to_vec(),
                _ => panic!("no receipt"),
            }
        };
        for (ton, text, expected) in [
            (ton::ALPHANUMERIC, "X1234", None),
            (ton::ALPHANUMERIC, "XX5551234", None),
            (ton::ALPHANUMERIC, "ACME", None),
            (ton::ALPHANUMERIC, "18005559876", Some("18005559876")),
            (ton::ALPHANUMERIC, "1800555****", Some("1800555****")),
            (ton::INTERNATIONAL, "1800555XXXX", Some("1800555****")),
            (ton::NETWORK_SPECIFIC, "72345", Some("72345")),
        ] {
            assert_eq!(addresses(ton, text), Vec::from_iter(expected), "{ton} {text}");
        }
    }

    #[test]
    fn a_class_of_0x44_without_a_header_is_still_a_receipt() {
        // The first octet, `i`, would be a header's length of 105 octets: beyond a short text, and within a long one.
        let long = TEXT.replace("id:42", "id:000000000000000000000000000000000042");
        for text in [TEXT, &long] {
            assert_eq!(
                found(&SmppConfig::default(), &sm(0x44, text), &Tlvs::default()),
                Some(("42".to_owned(), ReceiptState::Delivered))
            );
        }
    }

    #[test]
    fn a_header_before_a_receipt_is_passed_over() {
        let sm = Sm { short_message: [b"\x05\x00\x03\x2A\x01\x01", TEXT.as_bytes()].concat(), ..sm(0x44, "") };
        assert_eq!(
            found(&SmppConfig::default(), &sm, &Tlvs::default()),
            Some(("42".to_owned(), ReceiptState::Delivered))
        );
    }

    #[test]
    fn a_text_in_message_payload_is_read() {
        let mut tlvs = Tlvs::default();
        tlvs.push(tag::MESSAGE_PAYLOAD, TEXT.as_bytes());
        let data = DataSm { esm_class: 0x04, ..DataSm::default() };
        let Read::Receipt(receipt) = read(&SmppConfig::default(), &Delivered::of_data(&data, &tlvs)) else {
            panic!("no receipt")
        };
        assert_eq!((receipt.keys[0].as_str(), receipt.state), ("42", ReceiptState::Delivered));
    }

    #[test]
    fn a_carrier_means_its_own_by_its_words() {
        let config = SmppConfig {
            receipt_stats: [("ACCEPTD".to_owned(), StatMeaning::Delivered)].into(),
            ..SmppConfig::default()
        };
        assert_eq!(
            found(&config, &sm(4, "id:42 stat:acceptd"), &Tlvs::default()),
            Some(("42".to_owned(), ReceiptState::Delivered))
        );
    }
}
