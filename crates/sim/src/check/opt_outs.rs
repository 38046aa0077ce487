//! An opt-out that was answered is in force until it ends.

use super::{Everything, Wrong};
use crate::ledger::{Facts, Standing};

/// The list has every opt-out that was answered and did not end, and no other. Messages failed for an opt-out only
/// where there was one, of that account and mode.
pub(super) fn the_list_is_what_was_asked_for(facts: &Facts, all: &Everything, wrong: &mut Wrong) {
    let mut listed = all.opt_outs.clone();
    for (account, handset, name, standing) in facts.people.standings() {
        let is_listed = listed.remove(&(account, handset, name));
        let scope = name.map_or_else(|| "everything".to_owned(), |name| name.to_string());
        match standing {
            Standing::Out(_) if !is_listed => wrong.push(format!("{handset} opted out of {scope}, and is not listed")),
            Standing::In if is_listed => wrong.push(format!("{handset} opted in to {scope}, and is listed as out")),
            Standing::Out(_) | Standing::In | Standing::Unsettled => {}
        }
    }
    for (_, handset, _) in listed {
        wrong.push(format!("{handset} is opted out, and did not ask for it"));
    }
    for (id, found) in &all.messages {
        let (message, why) = (&found.record.message, found.record.delivery.error_message.as_deref());
        let is_for_opt_out = why.is_some_and(|why| why.contains("opted out"));
        let may_be_out = facts.people.may_have_opted_out(message.account, message.mode, message.recipient);
        if is_for_opt_out && !may_be_out && !message.recipient.is_nobody() {
            wrong.push(format!("{id} failed for an opt-out that was never asked for"));
        }
    }
}
