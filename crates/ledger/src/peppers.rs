//! Whether a pepper is the right one: the rule that both backends, a look and a restore share.

use model::key::SecretDigest;

use crate::StoreError;
use crate::contract::peppers::Adopted;

/// What the pepper of a program is to a store whose current one has the verifier `kept`.
///
/// # Errors
/// [`StoreError::Refused`] with a sentence for the operator where neither pepper is the current one.
pub fn judge(
    kept: Option<SecretDigest>,
    has_keys: bool,
    verifier: SecretDigest,
    previous: Option<SecretDigest>,
) -> Result<Adopted, StoreError> {
    match kept {
        None => Ok(Adopted::First { has_keys }),
        Some(kept) if kept == verifier => Ok(Adopted::Known),
        Some(kept) if Some(kept) == previous => Ok(Adopted::Rotated),
        Some(_) => Err(StoreError::Refused(if previous.is_some() { WRONG_BOTH } else { WRONG }.to_owned())),
    }
}

const WRONG: &str = "`keys.pepper` is not the pepper that this store was used with, so that no API key would work: \
    give the right one; to change it on purpose, give the old one as `keys.previous_pepper`";

const WRONG_BOTH: &str = "neither `keys.pepper` nor `keys.previous_pepper` is the pepper that this store was used with \
    last, so that no API key would work: give that one as either of them";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_pepper_is_refused_and_the_sentence_says_what_to_give() {
        let digest = |octet| SecretDigest::from_bytes([octet; 32]);
        let told =
            |kept: Option<u8>, previous: Option<u8>| judge(kept.map(digest), true, digest(1), previous.map(digest));
        assert_eq!(told(None, None), Ok(Adopted::First { has_keys: true }));
        assert_eq!(told(Some(1), Some(2)), Ok(Adopted::Known));
        assert_eq!(told(Some(2), Some(2)), Ok(Adopted::Rotated));
        assert!(told(Some(3), None).unwrap_err().to_string().contains("`keys.previous_pepper`"));
        assert!(told(Some(3), Some(2)).unwrap_err().to_string().starts_with("neither `keys.pepper`"));
    }
}
