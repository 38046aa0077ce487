//! The latest message of a handset, and the code in it: for tests of those who send codes.

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use tokio::sync::broadcast::error::RecvError;

use super::bubble::{Direction, Standing};
use super::{Handsets, Number};

/// Digits of a code.
const CODE_DIGITS: std::ops::RangeInclusive<usize> = 4..=8;

/// What a message must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What its text contains; anything when empty.
    pub(crate) contains: String,
    /// When the handset got it: later than this.
    pub(crate) after: Option<Timestamp>,
}

/// A message that a handset has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Latest {
    pub(crate) text: String,
    pub(crate) from: String,
    /// When the handset got it.
    pub(crate) at: Timestamp,
}

impl Latest {
    /// The code in its text: the one run of 4 to 8 digits, if there is exactly one.
    pub(crate) fn code(&self) -> Option<&str> {
        let runs = self.text.split(|character: char| !character.is_ascii_digit());
        let mut codes = runs.filter(|run| CODE_DIGITS.contains(&run.len()));
        codes.next().filter(|_| codes.next().is_none())
    }
}

impl Handsets {
    /// The latest message that a handset has and that is as wanted; waits for one where there is none.
    pub(crate) async fn latest_within(&self, handset: &Number, wanted: &Wanted, wait: Duration) -> Option<Latest> {
        let runtime = Arc::clone(&self.runtime);
        let mut changes = self.changes();
        let look = async {
            loop {
                if let Some(found) = self.latest(handset, wanted) {
                    return found;
                }
                // Whoever missed changes looks again all the same.
                if let Err(RecvError::Closed) = changes.recv().await {
                    std::future::pending::<()>().await;
                }
            }
        };
        match self.latest(handset, wanted) {
            Some(found) => Some(found),
            None => runtime.timeout(wait, look).await.ok(),
        }
    }

    /// The latest message that a handset has and that is as wanted.
    fn latest(&self, handset: &Number, wanted: &Wanted) -> Option<Latest> {
        let book = self.lock();
        let received = book.find(handset)?.bubbles.iter().filter_map(|bubble| match bubble.standing() {
            Standing::Received(at) if bubble.direction == Direction::Outbound => Some((bubble, at)),
            _ => None,
        });
        let is_wanted = |text: &str, at| text.contains(&wanted.contains) && wanted.after.is_none_or(|after| at > after);
        // Of several at one moment the last one counts.
        received
            .filter(|(bubble, at)| is_wanted(&bubble.text, *at))
            .max_by_key(|(_, at)| *at)
            .map(|(bubble, at)| Latest { text: bubble.text.clone(), from: bubble.peer.clone(), at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_only_run_of_4_to_8_digits() {
        for (text, code) in [
            ("Your code is 482910", Some("482910")),
            ("482910", Some("482910")),
            ("G-1234.", Some("1234")),
            ("12345678 is it, for 10 minutes", Some("12345678")),
            ("Call +18005550100 or say 4829", Some("4829")),
            ("1234 or 5678", None),
            ("123", None),
            ("123456789", None),
            ("482 910", None),
            ("", None),
            ("٤٨٢٩", None),
        ] {
            let latest = Latest { text: text.to_owned(), from: String::new(), at: Timestamp::default() };
            assert_eq!(latest.code(), code, "{text}");
        }
    }
}
