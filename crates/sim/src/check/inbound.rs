//! What people wrote is there, once for each time that they wrote it, with its exact text.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{InboundMessage, Mode, Originator};

use super::{Everything, Wrong};
use crate::ledger::{Facts, Text, Times};

/// Every text to which its carrier has our answer is there, as often as people wrote it: a copy that came again is not
/// another message, and nothing is there that was not written.
pub(super) fn every_text_is_there_once(facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    let mut found: BTreeMap<Text, usize> = BTreeMap::new();
    let routed = all.inbound.iter().filter(|message| message.mode == Mode::Live).map(|message| (message, true));
    let unrouted = all.unrouted.iter().map(|message| (message, false));
    for (message, is_routed) in routed.chain(unrouted) {
        let Some(Originator::Number(from)) = message.from.known() else {
            wrong.push(format!("{} is of {}, who wrote nothing", message.id, message.from));
            continue;
        };
        let is_blank = message.erased_at.is_some();
        if is_blank && facts.erased.is_empty() {
            wrong.push(format!("{} is blank, and no number was erased", message.id));
        }
        if !is_blank && !facts.erased.contains(&from) {
            *found.entry(of(message, from, is_routed)).or_default() += 1;
        }
    }
    for (text, times_written) in facts.people.texts.iter().filter(|(text, _)| !facts.erased.contains(&text.from)) {
        let (times, Times { least, most, .. }) = (found.remove(text).unwrap_or(0), times_written);
        if times < *least || times > *most {
            let Text { from, to, body, missing, .. } = text;
            wrong.push(format!(
                "`{body}` of {from} to {to} (without {missing:?}) is there {times} times, and was written {least} to \
                 {most} times"
            ));
        }
    }
    for (text, times) in found {
        // A part that comes again when it is forgotten begins a message.
        let is_strange_part = facts.people.clock_was_set && !text.missing.is_empty();
        if !is_strange_part {
            let Text { from, to, body, missing, .. } = &text;
            wrong.push(format!("`{body}` of {from} to {to} (without {missing:?}) is there {times} times from nowhere"));
        }
    }
}

fn of(message: &Arc<InboundMessage>, from: model::Msisdn, is_routed: bool) -> Text {
    Text {
        account: is_routed.then_some(message.account),
        carrier: message.carrier.to_string(),
        from,
        to: message.to.to_string(),
        body: message.body.text().unwrap_or_default().to_owned(),
        missing: message.missing_parts.to_vec(),
        keyword: message.keyword.as_ref().map(|keyword| keyword.kind),
    }
}
