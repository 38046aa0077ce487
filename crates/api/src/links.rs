//! Links to the media of inbound messages. Such a link needs no credentials: its signature says that we made it, and
//! until when it is good.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::key::{Pepper, SecretDigest};
use model::{MessageId, Timestamp};

/// The lifetime of a link, in seconds.
pub const LIFETIME_SECS: i64 = 3_600;

/// The path under which media are served to holders of links.
pub const PATH: &str = "/media";

/// Makes and verifies links.
#[derive(Clone, Debug)]
pub struct MediaLinks {
    base: String,
    key: Pepper,
    /// The keys of links that are still valid.
    previous: Option<Pepper>,
}

impl MediaLinks {
    /// Links that begin with `base`, the address of the public API without a slash at its end, and are signed with a
    /// key that follows from the pepper.
    pub fn new(base: String, pepper: &Pepper) -> Self {
        Self { base, key: derived(pepper), previous: None }
    }

    /// The same; links that the previous pepper signed are valid until they expire.
    #[must_use]
    pub fn with_previous(self, pepper: Option<&Pepper>) -> Self {
        Self { previous: pepper.map(derived), ..self }
    }

    /// The link to the media at this place of a message, counted from 0, as given out at `at`.
    pub fn url(&self, message: MessageId, place: usize, at: Timestamp) -> String {
        let expires = at.as_millis().div_euclid(1_000) + LIFETIME_SECS;
        let signature = URL_SAFE_NO_PAD.encode(sign(&self.key, message, place, expires).to_bytes());
        format!("{}{PATH}/{message}/{place}?exp={expires}&sig={signature}", self.base)
    }

    /// Whether we made a link with these parts, and it is still good at `now`. The signature is compared in constant
    /// time.
    pub fn is_good(
        &self,
        message: MessageId,
        place: usize,
        expires: Option<&str>,
        signature: Option<&str>,
        now: Timestamp,
    ) -> bool {
        let Some(expires) = expires.and_then(|text| text.parse::<i64>().ok()) else { return false };
        let offered = signature.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let Some(offered) = offered.and_then(|octets| <[u8; 32]>::try_from(octets).ok()) else { return false };
        let offered = SecretDigest::from_bytes(offered);
        let mut keys = std::iter::once(&self.key).chain(&self.previous);
        let is_ours = keys.any(|key| offered == sign(key, message, place, expires));
        is_ours && now.as_millis() < expires.saturating_mul(1_000)
    }
}

fn derived(pepper: &Pepper) -> Pepper {
    pepper.derived("links to media")
}

fn sign(key: &Pepper, message: MessageId, place: usize, expires: i64) -> SecretDigest {
    key.digest(&format!("{message}/{place}/{expires}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(pepper: &str) -> MediaLinks {
        MediaLinks::new("https://sms.example.com".to_owned(), &Pepper::new(&pepper.repeat(32)).unwrap())
    }

    fn id(digit: u8) -> MessageId {
        MessageId::from_bytes([digit; 16])
    }

    /// `exp` and `sig` of a link.
    fn parts(link: &str) -> (&str, &str) {
        link.split_once("?exp=").unwrap().1.split_once("&sig=").unwrap()
    }

    #[test]
    fn a_link_is_good_for_an_hour_and_for_what_it_names() {
        let (links, at) = (links("p"), Timestamp::from_millis(1_700_000_000_000));
        let link = links.url(id(1), 2, at);
        assert!(link.starts_with(&format!("https://sms.example.com/media/{}/2?exp=1700003600&sig=", id(1))), "{link}");
        let (expires, signature) = parts(&link);
        let good = |id, place, expires, signature, secs: i64| {
            let now = Timestamp::from_millis(at.as_millis() + secs * 1_000);
            links.is_good(id, place, Some(expires), Some(signature), now)
        };
        assert!(good(id(1), 2, expires, signature, 0) && good(id(1), 2, expires, signature, 3_599));
        assert!(!good(id(1), 2, expires, signature, 3_600), "it has ended");
        assert!(!good(id(2), 2, expires, signature, 0) && !good(id(1), 0, expires, signature, 0), "another file");
        assert!(!good(id(1), 2, "1700003601", signature, 0), "a longer life");
        let (longer, upper) = (format!("{signature}A"), signature.to_uppercase());
        for wrong in ["", "x", &signature[1..], &longer, &upper] {
            assert!(!good(id(1), 2, expires, wrong, 0), "{wrong}");
        }
        for wrong in ["", "x", "-1", "99999999999999999999"] {
            assert!(!good(id(1), 2, wrong, signature, 0), "{wrong}");
        }
        assert!(
            !links.is_good(id(1), 2, None, Some(signature), at) && !links.is_good(id(1), 2, Some(expires), None, at)
        );
    }

    #[test]
    fn a_link_of_another_pepper_is_not_ours() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let link = links("q").url(id(1), 0, at);
        let (expires, signature) = parts(&link);
        assert!(!links("p").is_good(id(1), 0, Some(expires), Some(signature), at));
    }
}
