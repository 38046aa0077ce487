//! Decisions of the compliance screen: what is written of them alike by every backend.

use model::{BroadcastId, MessageId, Mode, Screened, ScreeningCertainty, ScreeningOutcome};

use crate::contract::screening::ScreeningFilter;

/// How it is written what a decision is about: the id, or nothing where nothing was made.
pub fn about_text(about: Option<Screened>) -> String {
    about.map_or_else(String::new, |about| match about {
        Screened::Message(id) => id.to_string(),
        Screened::Broadcast(id) => id.to_string(),
    })
}

/// What an id names; nothing where there is none.
pub fn about(text: &str) -> Option<Option<Screened>> {
    if text.is_empty() {
        return Some(None);
    }
    let message = text.parse::<MessageId>().map(Screened::Message).ok();
    message.or_else(|| text.parse::<BroadcastId>().map(Screened::Broadcast).ok()).map(Some)
}

/// How categories are written.
pub fn categories_text(categories: &[String]) -> String {
    categories.join(" ")
}

/// The categories that are written so.
pub fn categories(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The modes that a filter asks for.
pub fn modes(filter: &ScreeningFilter) -> Vec<Mode> {
    filter.mode.map_or_else(|| vec![Mode::Live, Mode::Test], |mode| vec![mode])
}

/// The pairs of outcome and certainty that a filter asks for; one `None` for all of them.
pub fn kinds(filter: &ScreeningFilter) -> Vec<Option<(&'static str, &'static str)>> {
    let (outcome, certainty) = (filter.outcome, filter.certainty);
    if outcome.is_none() && certainty.is_none() {
        return vec![None];
    }
    let outcomes = outcome.map_or_else(|| ScreeningOutcome::ALL.to_vec(), |outcome| vec![outcome]);
    let certainties = certainty.map_or_else(|| ScreeningCertainty::ALL.to_vec(), |certainty| vec![certainty]);
    let with_all = |outcome: ScreeningOutcome| {
        certainties.iter().map(move |certainty| Some((outcome.as_str(), certainty.as_str())))
    };
    outcomes.into_iter().flat_map(with_all).collect()
}
