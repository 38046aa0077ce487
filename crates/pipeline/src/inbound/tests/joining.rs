//! Long messages, cut anywhere, in any order, over and over: each becomes one message with its exact text.

use model::{InboundAddress, InboundMessage};
use proptest::prelude::*;
use store::contract::inbound::{Arrival, ArrivalId, InboundFilter, InboundOutcome, PartName, Recorded, ReferenceForm};
use wire::gsm::alphabet::{self, Septets};
use wire::gsm::packed;
use wire::inbound::{Coding, UserData};

use super::*;

/// How a text is written.
const CODINGS: [Coding; 5] = [Coding::Gsm7, Coding::Gsm7Packed, Coding::Ucs2, Coding::Latin1, Coding::Utf8];

/// Characters of each, those that take two units or more among them.
fn characters(coding: Coding) -> &'static [char] {
    match coding {
        Coding::Gsm7 | Coding::Gsm7Packed => &['a', '@', '€', '{', '}', '[', '\\', 'Δ', 'ä', '£', '\n', '^'],
        Coding::Latin1 => &['a', '@', 'ä', 'ß', 'é', '£', '«'],
        _ => &['a', '€', '漢', '😀', '👍', '🏽', 'é', '\u{200d}'],
    }
}

/// The units of a text that a sender may cut between: septets, or octets.
fn units(text: &str, coding: Coding) -> Vec<u8> {
    match coding {
        Coding::Gsm7 | Coding::Gsm7Packed => text
            .chars()
            .flat_map(|character| match alphabet::encode(character).unwrap() {
                Septets::One(septet) => vec![septet],
                Septets::Escaped(septet) => vec![0x1B, septet],
            })
            .collect(),
        Coding::Ucs2 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Coding::Latin1 => text.chars().map(|character| u32::from(character) as u8).collect(),
        _ => text.as_bytes().to_vec(),
    }
}

/// A text as a sender cuts it, near these places.
fn cut(text: &str, coding: Coding, form: ReferenceForm, places: &[prop::sample::Index]) -> Vec<UserData> {
    let units = units(text, coding);
    let fill_bits = match form {
        _ if coding != Coding::Gsm7Packed => 0,
        ReferenceForm::Header8 => packed::fill_bits(6),
        ReferenceForm::Header16 => packed::fill_bits(7),
        ReferenceForm::Parameters => 0,
    };
    // Senders of packed septets leave no seven bits over, which look like a character.
    let is_clear = |length: usize| coding != Coding::Gsm7Packed || (usize::from(fill_bits) + 7 * length) % 8 != 1;
    let mut ends: Vec<usize> = places.iter().map(|place| 1 + place.index(units.len() - 1)).collect();
    ends.sort_unstable();
    ends.dedup();
    let (mut parts, mut begin) = (Vec::new(), 0);
    for end in ends.into_iter().chain([units.len()]) {
        if end > begin && (end == units.len() || is_clear(end - begin)) {
            let octets = match coding {
                Coding::Gsm7Packed => packed::pack(&units[begin..end], fill_bits),
                _ => units[begin..end].to_vec(),
            };
            parts.push(UserData { fill_bits, ..UserData::new(coding, octets) });
            begin = end;
        }
    }
    parts
}

/// A long message of a handset.
#[derive(Clone, Debug)]
struct Long {
    text: String,
    parts: Vec<UserData>,
    form: ReferenceForm,
}

fn long() -> impl Strategy<Value = Long> {
    const FORMS: [ReferenceForm; 3] = [ReferenceForm::Header8, ReferenceForm::Header16, ReferenceForm::Parameters];
    let texts = prop::sample::select(&CODINGS[..]).prop_flat_map(|coding| {
        let text = prop::collection::vec(prop::sample::select(characters(coding)), 2..24);
        (Just(coding), text.prop_map(|text| text.into_iter().collect::<String>()))
    });
    let places = prop::collection::vec(any::<prop::sample::Index>(), 1..5);
    let cuts = (texts, prop::sample::select(&FORMS[..]), places).prop_map(|((coding, text), form, places)| {
        // Nothing tells an end with the bit pattern of a filler from a filler.
        let text = format!("{text}x");
        let parts = cut(&text, coding, form, &places);
        Long { text, parts, form }
    });
    cuts.prop_filter("it has several parts", |long| long.parts.len() > 1)
}

/// Every part of both messages, some of them again, in any order; and in how many commits they come.
fn stories() -> impl Strategy<Value = (Long, Long, Vec<(usize, usize)>, Vec<bool>)> {
    (long(), long()).prop_flat_map(|(one, other)| {
        let all: Vec<(usize, usize)> =
            (0..one.parts.len()).map(|part| (0, part)).chain((0..other.parts.len()).map(|part| (1, part))).collect();
        let again = prop::sample::subsequence(all.clone(), 0..=all.len());
        let order = again.prop_flat_map(move |again| Just([all.clone(), again].concat()).prop_shuffle());
        (Just(one), Just(other), order, prop::collection::vec(any::<bool>(), 1..8))
    })
}

/// Records a story, and returns what became of its parts and the messages that are there.
async fn recorded(
    desk: &Desk,
    messages: [&Long; 2],
    order: &[(usize, usize)],
    breaks: &[bool],
) -> (Vec<InboundOutcome>, Vec<Arc<InboundMessage>>) {
    let handsets = ["+12025550143", "+12025550144"];
    let arrival = |(message, part): (usize, usize)| Arrival {
        carrier: "main".into(),
        from: InboundAddress::of(handsets[message]),
        to: InboundAddress::of(NUMBER),
        at: desk.at(),
        part: Some(PartName {
            form: messages[message].form,
            reference: 7,
            total: messages[message].parts.len() as u8,
            number: part as u8 + 1,
            other_elements: [].into(),
        }),
        content: Content::Sms(messages[message].parts[part].clone()).encode(),
        media: [].into(),
    };
    let (mut outcomes, mut waiting) = (Vec::new(), Vec::new());
    let mut breaks = breaks.iter().cycle();
    for (place, part) in order.iter().enumerate() {
        waiting.push(arrival(*part));
        if *breaks.next().unwrap_or(&true) || place + 1 == order.len() {
            let arrivals = std::mem::take(&mut waiting);
            let results = desk._store.record_inbound(desk.node, arrivals, desk.interpreter.clone()).await;
            let results: Vec<Recorded> = results.unwrap();
            // The carrier had some of the answers in time.
            let answered: Vec<ArrivalId> = results.iter().step_by(2).map(|recorded| recorded.arrival).collect();
            desk._store.answered(answered).await.unwrap();
            outcomes.extend(results.into_iter().map(|recorded| recorded.outcome));
        }
    }
    let page = desk._store.inbound_messages(None, InboundFilter::default(), None, 100).await.unwrap();
    (outcomes, page.messages)
}

proptest! {
    #![proptest_config(trials::config(24))]

    #[test]
    fn any_order_and_repetition_of_two_long_messages_with_one_reference_gives_exactly_two_texts(story in stories()) {
        let (one, other, order, breaks) = story;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (outcomes, messages) = runtime.block_on(async {
            let desk = Desk::set_up().await;
            recorded(&desk, [&one, &other], &order, &breaks).await
        });
        let whole = outcomes.iter().filter(|outcome| matches!(outcome, InboundOutcome::Message(..))).count();
        prop_assert_eq!(whole, 2, "each is a message once");
        let mut texts: Vec<(String, String)> = messages
            .iter()
            .map(|message| (message.from.to_string(), message.body.text().unwrap_or_default().to_owned()))
            .collect();
        texts.sort();
        let wanted = [("+12025550143".to_owned(), one.text), ("+12025550144".to_owned(), other.text)];
        prop_assert_eq!(texts, wanted.to_vec());
        prop_assert!(messages.iter().all(|message| !message.is_partial()));
    }
}
