//! How long a message is worth holding: `validity_period` (SMPP 3.4, 7.1.1).

use std::time::Duration;

/// How long messages without a validity are held.
const USUAL: Duration = Duration::from_secs(86_400);

/// A month and a year of a relative time, in days.
const MONTH_DAYS: u64 = 30;
const YEAR_DAYS: u64 = 365;

/// How long a message with this `validity_period` is held from now on: a day where it has none, or one that cannot be
/// read.
pub(crate) fn of(validity_period: &[u8], now_ms: i64) -> Duration {
    let text = String::from_utf8_lossy(validity_period);
    read(&text, now_ms).unwrap_or(USUAL)
}

fn read(text: &str, now_ms: i64) -> Option<Duration> {
    if text.len() != 16 || !text.bytes().take(15).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let pair = |at: usize| text.get(at..at + 2)?.parse::<u64>().ok();
    let (year, month, day) = (pair(0)?, pair(2)?, pair(4)?);
    let (hour, minute, second) = (pair(6)?, pair(8)?, pair(10)?);
    let tenths = text.get(12..13)?.parse::<u64>().ok()?;
    let quarters = i64::try_from(pair(13)?).ok()?;
    let east_ms = match text.get(15..)? {
        "R" => {
            let days = year * YEAR_DAYS + month * MONTH_DAYS + day;
            return Some(Duration::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second));
        }
        "+" => quarters * 900_000,
        "-" => -quarters * 900_000,
        _ => return None,
    };
    let written = format!("20{year:02}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{tenths}Z");
    let until_ms = model::Timestamp::parse(&written)?.as_millis() - east_ms;
    Some(Duration::from_millis(u64::try_from(until_ms - now_ms).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::smpp::time;

    const NOW_MS: i64 = 1_773_585_012_300;

    #[test]
    fn a_validity_is_read_as_it_is_written() {
        for secs in [0, 1, 3_600, 90_061, 7 * 86_400] {
            let wanted = Duration::from_secs(secs);
            assert_eq!(of(time::relative(secs).as_bytes(), NOW_MS), wanted);
            let until_ms = NOW_MS + i64::try_from(wanted.as_millis()).unwrap();
            assert_eq!(of(time::absolute(until_ms).as_bytes(), NOW_MS), wanted);
        }
        for (text, expected) in [
            ("", USUAL),
            ("nonsense", USUAL),
            ("260231143012300+", USUAL),
            ("010100000000000R", Duration::from_secs(395 * 86_400)),
            ("260315143012304+", Duration::ZERO),
            ("260315143012304-", Duration::from_secs(3_600)),
        ] {
            assert_eq!(of(text.as_bytes(), NOW_MS), expected, "{text}");
        }
    }
}
