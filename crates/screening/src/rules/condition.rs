//! Conditions over concepts: `a & (b | c.*) & !d & 2of(e, f, g)`. `a#2` holds when `a` is mentioned at two places,
//! `a#3` at three.

use crate::lexicon::{Lexicon, Set};

/// A condition, ready to be asked.
pub(crate) enum Condition {
    /// At least so many of the set.
    AtLeast(u32, Set),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

impl Condition {
    pub(crate) fn parse(text: &str, lexicon: &mut Lexicon) -> Result<Self, String> {
        let words = words(text);
        let mut at = 0;
        let condition = any(&words, &mut at, lexicon)?;
        if at < words.len() {
            return Err(format!("`{}` is too much", words[at]));
        }
        Ok(condition)
    }

    pub(crate) fn holds(&self, concepts: &Set) -> bool {
        match self {
            Self::AtLeast(1, set) => set.meets(concepts),
            Self::AtLeast(count, set) => set.common(concepts) >= *count,
            Self::All(parts) => parts.iter().all(|part| part.holds(concepts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(concepts)),
            Self::Not(part) => !part.holds(concepts),
        }
    }

    /// Concepts of which one must be there for the condition to hold, as few as can be told.
    pub(crate) fn needed(&self) -> Option<Set> {
        match self {
            Self::AtLeast(0, _) | Self::Not(_) => None,
            Self::AtLeast(_, set) => Some(*set),
            Self::All(parts) => parts.iter().filter_map(Self::needed).min_by_key(Set::len),
            Self::Any(parts) => parts.iter().try_fold(Set::default(), |all, part| Some(all.union(&part.needed()?))),
        }
    }

    /// Every concept that may make the condition hold by being there.
    pub(crate) fn evidence(&self) -> Set {
        match self {
            Self::AtLeast(_, set) => *set,
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().fold(Set::default(), |all, part| all.union(&part.evidence()))
            }
            Self::Not(_) => Set::default(),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    for ch in text.chars() {
        if ch.is_whitespace() || matches!(ch, '&' | '|' | '!' | '(' | ')' | ',') {
            if !word.is_empty() {
                all.push(std::mem::take(&mut word));
            }
            if !ch.is_whitespace() {
                all.push(ch.to_string());
            }
        } else {
            word.push(ch);
        }
    }
    if !word.is_empty() {
        all.push(word);
    }
    all
}

fn any(words: &[String], at: &mut usize, lexicon: &mut Lexicon) -> Result<Condition, String> {
    let mut parts = vec![all(words, at, lexicon)?];
    while words.get(*at).is_some_and(|word| word == "|") {
        *at += 1;
        parts.push(all(words, at, lexicon)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { merge(parts) })
}

/// Alternatives that are single concepts are one set.
fn merge(parts: Vec<Condition>) -> Condition {
    if parts.iter().all(|part| matches!(part, Condition::AtLeast(1, _))) {
        return Condition::AtLeast(1, parts.iter().fold(Set::default(), |set, part| set.union(&part.evidence())));
    }
    Condition::Any(parts)
}

fn all(words: &[String], at: &mut usize, lexicon: &mut Lexicon) -> Result<Condition, String> {
    let mut parts = vec![one(words, at, lexicon)?];
    while words.get(*at).is_some_and(|word| word == "&") {
        *at += 1;
        parts.push(one(words, at, lexicon)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
}

fn one(words: &[String], at: &mut usize, lexicon: &mut Lexicon) -> Result<Condition, String> {
    let word = words.get(*at).ok_or("the condition ends too early")?;
    *at += 1;
    if word == "!" {
        return Ok(Condition::Not(Box::new(one(words, at, lexicon)?)));
    }
    if word == "(" {
        let inner = any(words, at, lexicon)?;
        return expect(words, at, ")").map(|()| inner);
    }
    if let Some(count) = word.strip_suffix("of").and_then(|count| count.parse().ok()) {
        expect(words, at, "(")?;
        let mut set = Set::default();
        loop {
            let name = words.get(*at).ok_or("the list ends too early")?;
            *at += 1;
            set = set.union(&concepts(name, lexicon)?);
            if expect(words, at, ",").is_err() {
                break;
            }
        }
        return expect(words, at, ")").map(|()| Condition::AtLeast(count, set));
    }
    concepts(word, lexicon).map(|set| Condition::AtLeast(1, set))
}

fn expect(words: &[String], at: &mut usize, what: &str) -> Result<(), String> {
    if words.get(*at).is_some_and(|word| word == what) {
        *at += 1;
        return Ok(());
    }
    Err(format!("`{what}` is missing"))
}

fn concepts(name: &str, lexicon: &mut Lexicon) -> Result<Set, String> {
    if let Some(prefix) = name.strip_suffix('*') {
        let set = lexicon.with_prefix(prefix);
        return if set == Set::default() { Err(format!("no concept begins with `{prefix}`")) } else { Ok(set) };
    }
    let concept = lexicon.repeated(name).ok_or_else(|| format!("no concept `{name}`"))?;
    let mut set = Set::default();
    set.insert(concept);
    Ok(set)
}
