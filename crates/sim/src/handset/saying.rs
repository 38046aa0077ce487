//! What people write, and how their handsets cut it.

use carrier::{InboundContent, InboundPart, PartForm};
use model::KeywordKind;
use wire::inbound::{Coding, UserData};

use crate::chance::Chance;

/// A text and the octets of its pieces.
#[derive(Clone, Debug)]
pub(super) struct Saying {
    coding: Coding,
    /// What each piece says, where pieces end between characters.
    pub(super) texts: Vec<String>,
    octets: Vec<Vec<u8>>,
}

/// Where a handset cuts a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    BetweenCharacters,
    WithinThem,
}

/// What stands in place of parts that are missing.
const GAP: &str = "[…]";

impl Saying {
    /// A text that no other has. Each piece of it is one that no other has.
    pub(super) fn ordinary(chance: &mut Chance, mark: u64, pieces: usize, cut: Cut) -> Self {
        let (coding, last, inside) =
            if chance.permille(350) { (Coding::Ucs2, "\u{1F600}", 2) } else { (Coding::Gsm7, "\u{20AC}", 1) };
        let texts: Vec<String> =
            (1..=pieces).map(|n| format!("in {mark}.{n} {}{last}", "x".repeat(chance.below(20)))).collect();
        let mut octets: Vec<Vec<u8>> = texts.iter().map(|text| octets(coding, text)).collect();
        if cut == Cut::WithinThem {
            // The last octets of each piece, half of a character, begin the next one.
            for at in 1..octets.len() {
                let whole = octets[at - 1].len() - inside;
                let half = octets[at - 1].split_off(whole);
                drop(octets[at].splice(..0, half));
            }
        }
        Self { coding, texts, octets }
    }

    /// A short text in so many pieces.
    pub(super) fn short(text: &str, coding: Coding, pieces: usize) -> Self {
        let (first, second) = text.split_at(if pieces > 1 { text.len() / 2 } else { text.len() });
        let texts: Vec<String> = [first, second].into_iter().take(pieces).map(str::to_owned).collect();
        let octets = texts.iter().map(|text| octets(coding, text)).collect();
        Self { coding, texts, octets }
    }

    /// What the store is to say where these parts are missing, from 1.
    pub(super) fn without(&self, missing: &[u8]) -> String {
        let mut body = String::new();
        for (at, text) in self.texts.iter().enumerate() {
            if !missing.iter().any(|number| usize::from(*number) == at + 1) {
                body.push_str(text);
            } else if !body.ends_with(GAP) {
                body.push_str(GAP);
            }
        }
        body
    }

    /// The whole, in one piece.
    pub(super) fn single(&self) -> InboundContent {
        InboundContent::Sms(UserData::new(self.coding, self.octets.concat()), None)
    }

    /// Piece `number`, from 1.
    pub(super) fn part(&self, form: PartForm, reference: u16, number: u8) -> InboundContent {
        let total = u8::try_from(self.octets.len()).unwrap_or(u8::MAX);
        let part = InboundPart { form, reference, total, number, other_elements: [].into() };
        let octets = self.octets[usize::from(number) - 1].clone();
        InboundContent::Sms(UserData::new(self.coding, octets), Some(part))
    }
}

fn octets(coding: Coding, text: &str) -> Vec<u8> {
    match coding {
        Coding::Ucs2 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        // Of the characters that are used here only this one has another code than in ASCII (3GPP TS 23.038, 6.2.1.1).
        _ => text.replace('\u{20AC}', "\u{1B}e").into_bytes(),
    }
}

/// What people write for each keyword.
const STOPS: [&str; 8] = ["STOP", "Stop.", " stop ", "'STOP'", "opt  out", "UNSUBSCRIBE", "Quit!", "\u{FF33}TOP"];
const STARTS: [&str; 4] = ["START", "start", "Unstop.", "UNSTOP"];
const HELPS: [&str; 4] = ["HELP", "help?", "Info", "INFO"];

/// Texts that are no keywords, although a part of them is one.
pub(super) const NO_KEYWORDS: [&str; 3] = ["STOP 12345", "ok, start then", "YES"];

/// A text that is this keyword.
pub(super) fn keyword(chance: &mut Chance, kind: KeywordKind) -> &'static str {
    let words: &[&'static str] = match kind {
        KeywordKind::Stop => &STOPS,
        KeywordKind::Start => &STARTS,
        KeywordKind::Help => &HELPS,
    };
    // Mostly the word itself, so that the same text comes again.
    let at = if chance.permille(500) { 0 } else { chance.below(words.len()) };
    words[at]
}

/// A coding in which this text can be written.
pub(super) fn coding_of(chance: &mut Chance, text: &str) -> Coding {
    if !text.is_ascii() || chance.permille(200) { Coding::Ucs2 } else { Coding::Gsm7 }
}
