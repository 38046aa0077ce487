//! Of a person who was erased, counts are left and nothing else.

use super::{Everything, Wrong};
use crate::ledger::Facts;

/// A message that is blank is so altogether, nobody is erased who was not to be, and no message leaves after the
/// erasure that blanked it has ended.
pub(super) fn nothing_is_left_of_the_erased(facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    for (id, found) in &all.messages {
        let message = &found.record.message;
        let is_blank = message.recipient.is_nobody();
        if is_blank != found.record.delivery.erased_at.is_some() {
            wrong.push(format!("{id} is blank in part: {:?}", found.record.delivery));
        }
        if is_blank && facts.erased.is_empty() {
            wrong.push(format!("{id} is blank, and no number was erased"));
        }
        let tells = found.events.iter().skip(1).any(|event| {
            facts.erased.iter().any(|number| event.detail.contains(number.to_string().trim_start_matches('+')))
        });
        if is_blank && (message.body.is_some() || tells) {
            wrong.push(format!("{id} is of a person who was erased, and says something"));
        }
    }
    for (id, at) in &facts.forgotten {
        if all.messages.get(id).is_some_and(|found| found.record.delivery.erased_at.is_none()) {
            wrong.push(format!("{id} was blank and is not any more"));
        }
        if facts.submits.iter().any(|submit| submit.id == *id && submit.at > *at) {
            wrong.push(format!("{id} left after its person was erased"));
        }
    }
}
