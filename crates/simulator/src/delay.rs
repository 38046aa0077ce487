//! How long things take.

use std::str::FromStr;
use std::time::Duration;

use crate::random::Random;

/// The longest delay: nobody waits for more than a day.
pub(crate) const DELAY_MS_MAX: u64 = 86_400_000;

/// A delay, or the bounds of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayMs(pub u64, pub u64);

impl DelayMs {
    pub(crate) fn pick(self, random: &mut Random) -> Duration {
        let span = self.1.saturating_sub(self.0);
        Duration::from_millis(self.0 + if span > 0 { random.next() % (span + 1) } else { 0 })
    }
}

impl FromStr for DelayMs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.trim().parse::<u64>() {
            Ok(ms) if ms <= DELAY_MS_MAX => Ok(ms),
            Ok(ms) => Err(format!("{ms} ms are more than a day")),
            Err(_) => Err(format!("`{text}` is no number of milliseconds")),
        };
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        match (number(least)?, number(most)?) {
            (least, most) if least > most => Err(format!("{least} is more than {most}: write the lesser first")),
            (least, most) => Ok(Self(least, most)),
        }
    }
}
