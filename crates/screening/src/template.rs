//! Templates that are known: texts that an operator approved, with `{name}` for each part that varies.
//!
//! A template is compared with a whole text, and both in the form in which the screen folds them: case, accents,
//! look-alikes and invisible characters make no difference, and a run of white space counts as one space. Links are the
//! exception: their hosts must be written plainly, because a look-alike of a host leads elsewhere. A template passes no
//! text with a link to a host that neither the template names in its fixed text nor the account vouches for.

mod matching;
mod offer;

use std::collections::BTreeSet;

use crate::policy::Policy;
use crate::screen::Screen;
use crate::text::fold::fold;
use crate::text::links;
use matching::{Candidate, plain};
pub use offer::{Offer, offer};

/// The longest template, in Unicode scalar values: as long as the longest SMS text.
pub const TEMPLATE_CHARACTERS_MAX: usize = 1_600;

/// The most placeholders of a template.
pub const PLACEHOLDERS_MAX: usize = 20;

/// The longest value of a placeholder, in Unicode scalar values of the text as it was sent. The shortest is one.
pub const VALUE_CHARACTERS_MAX: usize = 100;

/// The longest name of a placeholder, in Unicode scalar values.
const NAME_CHARACTERS_MAX: usize = 40;

/// The fewest fixed characters of a template, white space not counted.
const FIXED_CHARACTERS_MIN: usize = 12;

/// The fewest letters of the fixed word that a template needs.
const WORD_LETTERS_MIN: usize = 3;

/// Values that are tried in place of the placeholders to see what they would do to links.
const TRIALS: [&str; 3] = ["zq0zq", "7", " "];

/// Why a text cannot be a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is too long.
    #[error("a template has at most {TEMPLATE_CHARACTERS_MAX} characters")]
    TooLong,
    /// A brace without its partner.
    #[error("a brace opens or closes no placeholder: a placeholder is a name in braces, such as `{{code}}`")]
    Brace,
    /// Something else than a name in braces.
    #[error("`{{{0}}}` is no placeholder: its name has 1 to 40 letters, digits, `_`, `-`, `…` or spaces")]
    Name(String),
    /// Too many placeholders.
    #[error("a template has at most {PLACEHOLDERS_MAX} placeholders")]
    TooMany,
    /// Nothing stands between two placeholders.
    #[error("nothing stands between two placeholders: make them one")]
    Adjacent,
    /// Too little is fixed.
    #[error("a template has at least {FIXED_CHARACTERS_MIN} characters outside of placeholders, spaces not counted")]
    TooLittle,
    /// No fixed word.
    #[error("a template has at least one word of {WORD_LETTERS_MIN} letters outside of placeholders")]
    NoWord,
    /// A placeholder would decide where a link leads.
    #[error("a placeholder must not be part of a link's host, nor touch it: only a path may vary")]
    Host,
    /// A link that does not show where it leads.
    #[error("a link in it is disguised: write its host plainly, without user info")]
    Disguised,
    /// The path of a link to a host that leads anywhere.
    #[error("the path of a link to {0} must not vary: anyone can publish a page there")]
    Shared(String),
    /// The text would not pass under the template that was made of it.
    #[error("a part that varies is an offence by itself, or cannot be a value")]
    Unfit,
}

/// A template that was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What stands before, between and behind the placeholders, as it is compared: one part more than placeholders.
    fixed: Vec<String>,
    /// For each placeholder: whether it stands in the path of a link.
    in_link: Vec<bool>,
    /// The hosts that the fixed text names.
    hosts: BTreeSet<String>,
    /// Those of them whose paths vary.
    varying: BTreeSet<String>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`] says in a sentence for the operator what is wrong.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let text = text.trim();
        if text.chars().count() > TEMPLATE_CHARACTERS_MAX {
            return Err(TemplateError::TooLong);
        }
        let parts = split(text)?;
        if parts.len() > PLACEHOLDERS_MAX + 1 {
            return Err(TemplateError::TooMany);
        }
        let fixed: Vec<String> = parts.iter().map(|part| plain(&fold(part)).text).collect();
        if fixed.len() > 2 && fixed[1..fixed.len() - 1].iter().any(String::is_empty) {
            return Err(TemplateError::Adjacent);
        }
        let characters = fixed.iter().flat_map(|part| part.chars()).filter(|ch| !ch.is_whitespace()).count();
        if characters < FIXED_CHARACTERS_MIN {
            return Err(TemplateError::TooLittle);
        }
        if !fixed.iter().any(|part| has_word(part)) {
            return Err(TemplateError::NoWord);
        }
        let Links { hosts, in_link, varying } = Links::of(&parts)?;
        Ok(Self { fixed: trimmed(fixed), in_link, hosts, varying })
    }

    /// Whether the screen lets an operator approve it: no path varies on a host that leads to pages of anybody, such as
    /// a shortener of links.
    ///
    /// # Errors
    /// [`TemplateError::Shared`] names the host.
    pub fn check(&self, screen: &Screen) -> Result<(), TemplateError> {
        match self.varying.iter().find(|host| screen.domains().is_shared(host)) {
            Some(host) => Err(TemplateError::Shared(host.clone())),
            None => Ok(()),
        }
    }

    /// Whether `text` passes under this template: it matches, its links lead to hosts that the template names or
    /// `policy` allows, and `screen` is sure of no offence in the values alone.
    #[must_use]
    pub fn passes(&self, text: &str, policy: &Policy, screen: &Screen) -> bool {
        Self::first_of([self], text, policy, screen).is_some()
    }

    /// The first of these templates under which `text` passes. Costs a comparison of the fixed text for most templates;
    /// values are screened only where everything else matches.
    pub fn first_of<'t>(
        templates: impl IntoIterator<Item = &'t Self>,
        text: &str,
        policy: &Policy,
        screen: &Screen,
    ) -> Option<&'t Self> {
        let mut templates = templates.into_iter().peekable();
        templates.peek()?;
        let candidate = Candidate::of(text);
        templates.find(|template| template.is_passed_by(&candidate, policy, screen))
    }

    fn is_passed_by(&self, candidate: &Candidate<'_>, policy: &Policy, screen: &Screen) -> bool {
        let Some(values) = self.values(candidate) else { return false };
        let is_named = |host: &str| self.hosts.contains(host) || policy.allows_domain(host);
        if !candidate.links.iter().all(|link| link.is_plain() && is_named(&link.host)) || self.check(screen).is_err() {
            return false;
        }
        // A value may lead to a page of the sender, but to none of the pages of anybody.
        let leads_home = |link: &links::Found| {
            is_named(&link.host) && (policy.allows_domain(&link.host) || !screen.domains().is_shared(&link.host))
        };
        if !values.iter().all(|value| links::find(&fold(value)).iter().all(leads_home)) {
            return false;
        }
        let is_offence = |text: &str| screen.decide(text, policy).verdict.is_violation();
        // An offence may be cut into several values.
        !values.iter().any(|value| is_offence(value)) && (values.len() < 2 || !is_offence(&values.join(" ")))
    }
}

/// The parts of a template before, between and behind its placeholders.
fn split(text: &str) -> Result<Vec<&str>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let behind = rest[open..].strip_prefix('{').ok_or(TemplateError::Brace)?;
        let close = behind.find(['{', '}']).filter(|at| behind[*at..].starts_with('}')).ok_or(TemplateError::Brace)?;
        let name = &behind[..close];
        let is_part = |ch: char| ch.is_alphanumeric() || matches!(ch, '_' | '-' | ' ' | '\u{2026}');
        if name.trim().is_empty() || name.chars().count() > NAME_CHARACTERS_MAX || !name.chars().all(is_part) {
            return Err(TemplateError::Name(name.chars().take(NAME_CHARACTERS_MAX).collect()));
        }
        parts.push(&rest[..open]);
        rest = &behind[close + 1..];
    }
    parts.push(rest);
    Ok(parts)
}

/// White space around a whole text says nothing.
fn trimmed(mut fixed: Vec<String>) -> Vec<String> {
    if let Some(first) = fixed.first_mut() {
        *first = first.trim_start().to_owned();
    }
    if let Some(last) = fixed.last_mut() {
        *last = last.trim_end().to_owned();
    }
    fixed
}

/// Whether a link begins at the end of `part` whose host is not complete.
fn ends_in_host(part: &str) -> bool {
    let end = part.rsplit(char::is_whitespace).next().unwrap_or(part);
    let authority = end.rsplit_once("//").or_else(|| end.rsplit_once(r"\\"));
    authority.is_some_and(|(_, authority)| !authority.contains(['/', '?', '#', '\\'])) || end.ends_with("www.")
}

fn has_word(part: &str) -> bool {
    part.split(|ch: char| !ch.is_alphabetic()).any(|word| word.chars().count() >= WORD_LETTERS_MIN)
}

/// What the links of a template say.
struct Links {
    hosts: BTreeSet<String>,
    in_link: Vec<bool>,
    varying: BTreeSet<String>,
}

impl Links {
    fn of(parts: &[&str]) -> Result<Self, TemplateError> {
        if parts[..parts.len() - 1].iter().any(|part| ends_in_host(&fold(part).text)) {
            return Err(TemplateError::Host);
        }
        let [found, others @ ..] = TRIALS.map(|value| {
            let folded = fold(&parts.join(value));
            let mut found = links::find(&folded);
            // What follows the `@` of an address of e-mail is no host of a link.
            found.retain(|link| !folded.text[..link.from].ends_with('@'));
            found
        });
        let hosts = |found: &[links::Found]| found.iter().map(|link| link.host.clone()).collect::<Vec<_>>();
        if others.iter().any(|other| hosts(other) != hosts(&found)) {
            return Err(TemplateError::Host);
        }
        if !found.iter().all(links::Found::is_plain) {
            return Err(TemplateError::Disguised);
        }
        let (mut at, mut in_link, mut varying) = (0, Vec::new(), BTreeSet::new());
        for part in &parts[..parts.len() - 1] {
            at += fold(part).text.len();
            let link = found.iter().find(|link| link.from <= at && at < link.to);
            in_link.push(link.is_some());
            varying.extend(link.map(|link| link.host.clone()));
            at += TRIALS[0].len();
        }
        Ok(Self { hosts: hosts(&found).into_iter().collect(), in_link, varying })
    }
}

#[cfg(test)]
mod tests;
