//! Times in headers: dates as mail writes them (RFC 5322, 3.3), and expiries that are a date or a number of seconds (TS
//! 23.140, 8.4.5).

use std::fmt;

use mail_parser::DateTime;

/// The last second of the year 2999: the library takes no date after the year 3000 for one.
const SECS_MAX: i64 = 32_503_679_999;

/// When a message is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// So many seconds after it was sent.
    After(u64),
    /// At this time, in seconds since 1970.
    At(i64),
}

impl Expiry {
    /// Reads seconds or a date. `None` for neither.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(['"', ' ']);
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse().ok().map(Self::After) } else { parse(text).map(Self::At) }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(secs) => secs.fmt(f),
            Self::At(secs) => f.write_str(&write(*secs)),
        }
    }
}

/// A mail's date, in seconds since 1970. `None` when there is none.
pub(super) fn parse(text: &str) -> Option<i64> {
    let date = DateTime::parse_rfc822(text)?;
    // Some countries' clocks show a second 60; the library's own check does not know it.
    (date.is_valid() || date.second == 60 && DateTime { second: 59, ..date }.is_valid()).then(|| date.to_timestamp())
}

/// A time in seconds since 1970 as a mail's date, in UTC.
pub(super) fn write(secs: i64) -> String {
    DateTime::from_timestamp(secs.clamp(0, SECS_MAX)).to_rfc822()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_expiry_is_a_date_or_a_number_of_seconds() {
        for (text, expiry) in [
            ("86400", Some(Expiry::After(86_400))),
            ("\"3600\"", Some(Expiry::After(3_600))),
            ("Sun, 15 Mar 2026 14:30:12 +0000", Some(Expiry::At(1_773_585_012))),
            ("15 Mar 2026 15:30:12 +0100", Some(Expiry::At(1_773_585_012))),
            ("Sun, 15 Mar 2026 14:30:12 GMT", Some(Expiry::At(1_773_585_012))),
            ("99999999999999999999999", None),
            ("soon", None),
            ("", None),
            ("-5", None),
        ] {
            assert_eq!(Expiry::parse(text), expiry, "{text}");
        }
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn dates_that_are_written_are_read(secs in 0..=SECS_MAX) {
            prop_assert_eq!(parse(&write(secs)), Some(secs));
        }

        #[test]
        fn any_text_is_a_date_or_none(text: String, secs: i64) {
            let _ = (parse(&text), Expiry::parse(&text), write(secs));
        }
    }
}
