//! Operators: the persons who run the platform, their roles, and their sessions.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::key::{SecretDigest, random_base62};

/// The role of an operator. A later role includes the rights of the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads, with numbers and texts masked.
    Viewer,
    /// Does the work of a day: messages, broadcasts, blocks, opt-outs, carriers, review.
    Operator,
    /// Does everything: accounts and keys, operators, policies, erasures, nodes.
    Admin,
}

impl Role {
    /// Every role, from the one that may do least.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// The name of an operator: letters without case, digits and `. _ - @ +`, so that the names and e-mail addresses that
/// proxies give can be used as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorName(Arc<str>);

impl OperatorName {
    /// The longest name, in characters.
    pub const CHARACTERS_MAX: usize = 64;

    /// The form of a name, in words for a person who chose a wrong one.
    pub const EXPECTED: &str = "1 to 64 letters, digits and . _ - @ +";

    /// Its text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that cannot be the name of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an operator: {}", OperatorName::EXPECTED)]
pub struct NotAnOperatorName;

impl FromStr for OperatorName {
    type Err = NotAnOperatorName;

    fn from_str(text: &str) -> Result<Self, NotAnOperatorName> {
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
        let fits = (1..=Self::CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(is_of_name);
        // A path of dots alone would name another place.
        if fits && !text.bytes().all(|byte| byte == b'.') {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(NotAnOperatorName)
        }
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The hash of a password in the PHC string format, with its salt and parameters. It never reaches a log or an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Arc<str>);

impl PasswordHash {
    /// The hash that this text is.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

/// An operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The name.
    pub name: OperatorName,
    /// The rights of the operator.
    pub role: Role,
    /// The hash of the password; `None` for an operator who signs in only by a link or a proxy.
    pub password: Option<PasswordHash>,
    /// The time of the operator's creation.
    pub created_at: Timestamp,
    /// The time at which the operator was disabled, if so.
    pub disabled_at: Option<Timestamp>,
}

/// A secret that is shown once: a link to sign in, or the cookie of a session. It has 256 bits of chance.
#[derive(Clone, PartialEq, Eq)]
pub struct SignInToken(String);

impl SignInToken {
    /// A new one.
    pub fn new(entropy: &dyn Entropy) -> Self {
        // 43 digits of base 62 are 256 bits.
        Self(random_base62(43, entropy))
    }

    /// Its text, for the answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The stored digest of a token with this text. A token cannot be guessed, so its digest needs neither a key nor a
    /// salt.
    pub fn digest_of(text: &str) -> SecretDigest {
        SecretDigest::from_bytes(Sha256::digest(text.as_bytes()).into())
    }
}

impl fmt::Debug for SignInToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignInToken(redacted)")
    }
}

/// The lifetime of a one-time link.
pub const LINK_VALID: Duration = Duration::from_secs(600);

/// A session ends after so long without a request.
pub const SESSION_IDLE: Duration = Duration::from_secs(12 * 3_600);

/// A session ends so long after it began, however much it is used.
pub const SESSION_LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// A session that was seen so long ago is noted as seen again.
pub const SESSION_NOTED_EVERY: Duration = Duration::from_secs(60);

/// A session of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The owner.
    pub operator: Operator,
    /// When it began.
    pub began_at: Timestamp,
    /// Its last recorded use.
    pub seen_at: Timestamp,
}

impl Session {
    /// Whether it is over at `now`, by itself or because the operator may not sign in.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let has_passed = |since: Timestamp, time: Duration| since + time <= now;
        self.operator.disabled_at.is_some()
            || has_passed(self.seen_at, SESSION_IDLE)
            || has_passed(self.began_at, SESSION_LONGEST)
    }

    /// Whether it is to be noted as seen at `now`.
    pub fn is_to_be_noted(&self, now: Timestamp) -> bool {
        self.seen_at + SESSION_NOTED_EVERY <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_name_has_no_case_and_no_strange_characters() {
        for (text, name) in [
            ("Ada", Some("ada")),
            ("ada.lovelace+1@Example.com", Some("ada.lovelace+1@example.com")),
            ("", None),
            ("..", None),
            ("a b", None),
            ("a/b", None),
            ("ädä", None),
        ] {
            assert_eq!(text.parse::<OperatorName>().ok().as_ref().map(OperatorName::as_str), name, "{text}");
        }
        assert!("a".repeat(64).parse::<OperatorName>().is_ok());
        assert!("a".repeat(65).parse::<OperatorName>().is_err());
    }

    #[test]
    fn a_later_role_may_do_more() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
    }

    #[test]
    fn a_session_ends_when_it_is_idle_old_or_its_operator_disabled() {
        let at = |secs: i64| Timestamp::from_millis(secs * 1_000);
        let operator = Operator {
            name: "ada".parse().unwrap(),
            role: Role::Viewer,
            password: None,
            created_at: at(0),
            disabled_at: None,
        };
        let session = Session { operator, began_at: at(0), seen_at: at(600_000) };
        assert!(!session.is_over(at(604_799)) && session.is_over(at(604_800)), "seven days");
        let idle = Session { seen_at: at(100), ..session.clone() };
        assert!(!idle.is_over(at(100 + 43_199)) && idle.is_over(at(100 + 43_200)), "twelve hours");
        assert!(!idle.is_to_be_noted(at(159)) && idle.is_to_be_noted(at(160)));
        let disabled = Operator { disabled_at: Some(at(1)), ..session.operator.clone() };
        assert!(Session { operator: disabled, ..session }.is_over(at(600_001)));
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let token = SignInToken::new(&SeededEntropy::new(1));
        assert_eq!(token.reveal().len(), 43);
        let shown = format!("{token:?} {:?}", PasswordHash::from_text("$argon2id$"));
        assert_eq!(shown, "SignInToken(redacted) PasswordHash(redacted)");
    }
}
