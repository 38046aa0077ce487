//! The token that every form carries, so that no other page can send it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use model::Entropy;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The token of a browser's forms. It follows from secrets that only this browser has, so that every node of a cluster
/// finds the same.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FormToken(String);

impl FormToken {
    /// The token under the form cookie, and the session's cookie where there is a session.
    pub(crate) fn of(form: &str, session: Option<&str>) -> Option<Self> {
        let mut mac = Hmac::<Sha256>::new_from_slice(form.as_bytes()).ok()?;
        mac.update(session.unwrap_or_default().as_bytes());
        Some(Self(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
    }

    /// Its text, for a form.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a form has it. The time that this takes tells nothing.
    pub(crate) fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

/// An unguessable value, for the form cookie and for forms that are done once.
pub(crate) fn fresh(entropy: &dyn Entropy) -> String {
    let mut octets = [0; 32];
    entropy.fill(&mut octets);
    URL_SAFE_NO_PAD.encode(octets)
}

#[cfg(test)]
mod tests {
    use model::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn a_token_is_of_one_browser_and_one_session() {
        let (one, other) = (fresh(&SeededEntropy::new(1)), fresh(&SeededEntropy::new(2)));
        let token = FormToken::of(&one, Some("session")).unwrap();
        assert!(token.is(FormToken::of(&one, Some("session")).unwrap().as_str()));
        for foreign in
            [FormToken::of(&one, None), FormToken::of(&one, Some("s")), FormToken::of(&other, Some("session"))]
        {
            assert!(!token.is(foreign.unwrap().as_str()));
        }
        assert!(!token.is(""));
    }
}
