//! Times as people read them: how long ago, with the exact time at hand.

use maud::{Markup, html};
use model::Timestamp;
use serde_json::Value;

/// A time of an answer, seen at `now`. Nothing where there is none.
pub(crate) fn time(at: &Value, now: Timestamp) -> Markup {
    match at.as_str().and_then(|text| Some((text, Timestamp::parse(text)?))) {
        Some((text, at)) => html! { time datetime=(text) title=(text) { (relative(at, now)) } },
        None => html! { span.none { "none" } },
    }
}

/// The same with the exact time beside it, for those who have no pointer to rest on it.
pub(crate) fn exact(at: &Value, now: Timestamp) -> Markup {
    html! { (time(at, now)) @if let Some(text) = at.as_str() { " " span.hint { (text) } } }
}

/// How long before or after `now`.
fn relative(at: Timestamp, now: Timestamp) -> String {
    let ms = now.as_millis() - at.as_millis();
    match ms.unsigned_abs() / 1_000 {
        0..10 => "now".to_owned(),
        secs if ms >= 0 => format!("{} ago", span(secs)),
        secs => format!("in {}", span(secs)),
    }
}

/// So many seconds in the largest unit of which they have one.
pub(crate) fn span(secs: u64) -> String {
    let (count, unit) = match secs {
        0..60 => (secs, "s"),
        60..3_600 => (secs / 60, "min"),
        3_600..86_400 => (secs / 3_600, "h"),
        _ => (secs / 86_400, "d"),
    };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_relative_to_now() {
        let now = Timestamp::from_millis(1_000_000_000);
        for (before_secs, words) in [
            (0, "now"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (7_200, "2 h ago"),
            (172_800, "2 d ago"),
            (-300, "in 5 min"),
        ] {
            let at = Timestamp::from_millis(1_000_000_000 - before_secs * 1_000);
            assert_eq!(relative(at, now), words);
        }
    }
}
