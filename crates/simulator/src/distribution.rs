//! What happens how often.

use std::str::FromStr;

use crate::random::Random;

/// Something that the command line can name.
pub trait Named: Sized {
    /// One of the names.
    const EXAMPLE: &'static str;

    /// What has this name, in any case.
    fn named(name: &str) -> Option<Self>;
}

/// Outcomes by weight; `None` is that nothing happens. Written as `delivrd=95,undeliv=4,none=1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution<T>(pub Vec<(f64, Option<T>)>);

impl<T: Clone> Distribution<T> {
    /// What happens next.
    pub(crate) fn pick(&self, random: &mut Random) -> Option<T> {
        let total: f64 = self.0.iter().map(|(weight, _)| weight).sum();
        let mut left = random.unit() * total;
        let picked = self.0.iter().find(|(weight, _)| {
            left -= weight;
            left < 0.0
        });
        picked.or(self.0.last()).and_then(|(_, outcome)| outcome.clone())
    }
}

impl<T: Named> FromStr for Distribution<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let part = |part: &str| {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let number = weight.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
            let weight = number.ok_or_else(|| format!("`{weight}` is no weight: it is a number from 0 up"))?;
            if name.eq_ignore_ascii_case("none") {
                return Ok((weight, None));
            }
            let outcome = T::named(name)
                .ok_or_else(|| format!("`{name}` is neither `none` nor a state such as {}", T::EXAMPLE))?;
            Ok((weight, Some(outcome)))
        };
        let parts: Vec<(f64, Option<T>)> = text.split(',').map(part).collect::<Result<_, String>>()?;
        if parts.iter().all(|(weight, _)| *weight == 0.0) {
            Err("nothing in it has a weight above 0".to_owned())
        } else {
            Ok(Self(parts))
        }
    }
}
