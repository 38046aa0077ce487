//! Times in PDUs: `YYMMDDhhmmsstnnp` (SMPP 3.4, 7.1.1).

/// An absolute time in UTC, from milliseconds since 1970.
pub fn absolute(unix_ms: i64) -> String {
    let (secs, tenths) = (unix_ms.div_euclid(1000), unix_ms.rem_euclid(1000) / 100);
    let (days, second) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}{tenths}00+", year.rem_euclid(100))
}

/// A time so many seconds from now, in days, hours, minutes and seconds: months and years mean different lengths to
/// different peers. At most 99 days.
pub fn relative(secs: u64) -> String {
    let secs = secs.min(99 * 86_400);
    let (days, hours, minutes) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
    format!("0000{days:02}{hours:02}{minutes:02}{:02}000R", secs % 60)
}

/// Year, month and day of a day since 1970 (the Gregorian calendar's 400-year cycle, counted from a March).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_times_are_utc() {
        for (ms, text) in [
            (0, "700101000000000+"),
            (1_773_585_012_345, "260315143012300+"),
            (1_835_395_199_999, "280228235959900+"),
            (1_835_395_200_000, "280229000000000+"),
        ] {
            assert_eq!(absolute(ms), text);
            assert_eq!(absolute(ms).len(), 16);
        }
    }

    #[test]
    fn relative_times_count_days_at_most() {
        for (secs, text) in [
            (0, "000000000000000R"),
            (7 * 86_400, "000007000000000R"),
            (90_061, "000001010101000R"),
            (u64::MAX, "000099000000000R"),
        ] {
            assert_eq!(relative(secs), text);
        }
    }
}
