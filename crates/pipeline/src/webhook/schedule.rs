//! When a delivery is tried again.

use std::time::{Duration, UNIX_EPOCH};

/// The waits after the first attempt, the second, and so on.
const WAITS_SECS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// How many attempts a delivery has.
pub(crate) const TRIES_MAX: u32 = WAITS_SECS.len() as u32 + 1;

/// How far a wait is from its place in the schedule at most, as a part of it.
const JITTER: f64 = 0.2;

/// The longest wait that an endpoint can ask for, unless twice the wait of the schedule is longer.
const ASKED_MAX: Duration = Duration::from_secs(3_600);

/// The wait after so many attempts (from 1). `unit` is a random number from 0 up to 1; `asked` is what the endpoint
/// said in `Retry-After`.
pub(crate) fn wait_after(tries: u32, unit: f64, asked: Option<Duration>) -> Duration {
    let place = (tries.max(1) as usize - 1).min(WAITS_SECS.len() - 1);
    let wait = Duration::from_secs(WAITS_SECS[place]).mul_f64(1.0 - JITTER + 2.0 * JITTER * unit.clamp(0.0, 1.0));
    wait.max(asked.unwrap_or_default().min(ASKED_MAX.max(wait * 2)))
}

/// What `Retry-After` says (RFC 9110, section 10.2.3): seconds, which may have a fraction, or a date. `now_ms` is the
/// time of day in milliseconds since 1970.
pub(crate) fn asked(text: &str, now_ms: i64) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let now = Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    Some(at.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_are_those_of_the_contract_with_a_fifth_to_either_side() {
        for (tries, secs) in [(1, 5), (2, 300), (3, 1_800), (4, 7_200), (5, 18_000), (9, 86_400), (10, 86_400)] {
            let wait = |unit| wait_after(tries, unit, None).as_secs_f64() / f64::from(secs);
            assert!((wait(0.0) - 0.8).abs() < 1e-6 && (wait(0.5) - 1.0).abs() < 1e-6 && (wait(1.0) - 1.2).abs() < 1e-6);
        }
        assert_eq!(TRIES_MAX, 10);
    }

    #[test]
    fn an_endpoint_can_ask_for_more_time_within_bounds() {
        let wait = |tries, asked| wait_after(tries, 0.5, Some(Duration::from_secs(asked))).as_secs();
        assert_eq!((wait(1, 1), wait(1, 60), wait(1, 1_000_000)), (5, 60, 3_600));
        assert_eq!((wait(5, 60), wait(5, 1_000_000)), (18_000, 36_000));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = 784_111_777_000;
        for (text, expected) in [
            ("120", Some(120_000)),
            (" 1.5 ", Some(1_500)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some(20_000)),
            ("Sun, 06 Nov 1994 08:49:17 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:57", None),
            ("Sunday, 06-Nov-94 08:49:57 GMT", Some(20_000)),
            ("Sun Nov  6 08:49:57 1994", Some(20_000)),
            ("Sun, 06 Nov 1994 24:61:57 GMT", None),
            ("soon", None),
            ("-1", None),
            ("NaN", None),
            ("", None),
        ] {
            assert_eq!(asked(text, now), expected.map(Duration::from_millis), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_date_is_read_as_it_was_written_and_no_text_stops_the_reader(
            wait in 0_u64..400_000_000,
            now in 0_u64..4_000_000_000,
            text in ".{0,40}",
        ) {
            let at = UNIX_EPOCH + Duration::from_secs(now + wait);
            let now_ms = i64::try_from(now * 1_000).unwrap();
            prop_assert_eq!(asked(&httpdate::fmt_http_date(at), now_ms), Some(Duration::from_secs(wait)));
            asked(&text, now_ms);
        }
    }
}
