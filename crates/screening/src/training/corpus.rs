//! The corpus: hand-written texts and templates, expanded in a reproducible way.
//!
//! Lines: `slot name = a; b; c` defines what `{name}` may become. `label | text` is a text; further labels after commas
//! would be right, too. A text with slots is expanded as often as the last `times N` line says. `#` opens a comment.

use super::train::{Example, Random};
use crate::category::Category;
use std::collections::HashMap;

/// How often a template is expanded when no `times` line said otherwise.
const TIMES: usize = 3;
/// Slots may hold slots; this many rounds are enough.
const ROUNDS: usize = 4;

/// All examples of `corpus`, each slot filled by chance from `seed`.
///
/// # Errors
/// The number of the line and what is wrong with it.
pub fn expand(corpus: &str, seed: u64) -> Result<Vec<Example>, String> {
    let mut slots: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut random = Random::new(seed);
    let mut times = TIMES;
    let mut examples = Vec::new();
    for (number, line) in (1..).zip(corpus.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix("slot ") {
            let (name, values) = rest.split_once('=').ok_or_else(|| format!("line {number}: a slot without `=`"))?;
            slots
                .entry(name.trim())
                .or_default()
                .extend(values.split(';').map(str::trim).filter(|value| !value.is_empty()));
        } else if let Some(rest) = line.strip_prefix("times ") {
            times = rest.trim().parse().map_err(|_| format!("line {number}: `{rest}` is no number"))?;
        } else {
            let (labels, text) = line.split_once('|').ok_or_else(|| format!("line {number}: no `|`"))?;
            let (label, also) = labels_of(labels).map_err(|problem| format!("line {number}: {problem}"))?;
            let count = if text.contains('{') { times } else { 1 };
            for _ in 0..count {
                let text = fill(text.trim(), &slots, &mut random)
                    .map_err(|slot| format!("line {number}: no slot `{slot}`"))?;
                examples.push(Example { text, label, also: also.clone(), weight: 1.0 });
            }
        }
    }
    Ok(examples)
}

/// The pairs of a file of `category || violating || innocent` lines, as `(category, violating, innocent)`.
///
/// # Errors
/// The number of the line and what is wrong with it.
pub fn pairs(text: &str) -> Result<Vec<(Category, String, String)>, String> {
    let mut pairs = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let parts: Vec<&str> = line.split("||").map(str::trim).collect();
        let [category, violating, innocent] = parts[..] else {
            return Err(format!("line {number}: not `category || violating || innocent`"));
        };
        let category = category.parse().map_err(|error| format!("line {number}: {error}"))?;
        pairs.push((category, violating.to_owned(), innocent.to_owned()));
    }
    Ok(pairs)
}

/// Phishing and fraud name one deed from two sides: where one is meant, the other is not wrong.
#[must_use]
pub fn akin(category: Category) -> Vec<Category> {
    match category {
        Category::Phishing => vec![Category::Fraud],
        Category::Fraud => vec![Category::Phishing],
        _ => Vec::new(),
    }
}

fn labels_of(labels: &str) -> Result<(Option<Category>, Vec<Category>), String> {
    let mut names = labels.split(',').map(str::trim);
    let first = names.next().unwrap_or("");
    let label = if first == "ok" { None } else { Some(first.parse::<Category>().map_err(|error| error.to_string())?) };
    let also: Result<Vec<Category>, String> =
        names.map(|name| name.parse::<Category>().map_err(|error| error.to_string())).collect();
    Ok((label, also?))
}

fn fill(text: &str, slots: &HashMap<&str, Vec<&str>>, random: &mut Random) -> Result<String, String> {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        if !text.contains('{') {
            break;
        }
        let mut filled = String::with_capacity(text.len() * 2);
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or_else(|| after.to_owned())?;
            let values = slots.get(name).filter(|values| !values.is_empty()).ok_or_else(|| name.to_owned())?;
            let at = random.below(u64::try_from(values.len()).unwrap_or(1));
            filled.push_str(before);
            filled.push_str(values.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or(""));
            rest = behind;
        }
        filled.push_str(rest);
        text = filled;
    }
    Ok(text)
}
