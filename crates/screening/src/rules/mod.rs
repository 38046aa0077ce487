//! Rules: what a combination of concepts does, and how much it weighs.
//!
//! A rule is a line `name | category | weight | condition`. Among the rules for a category that hold, the strongest
//! decides and the others add a little; rules with negative weights (innocent contexts) are subtracted. `*` as the
//! category of a negative rule means all of them.

pub(crate) mod condition;

use crate::category::{COUNT, Category};
use crate::lexicon::parse::DataError;
use crate::lexicon::{CONCEPTS, Lexicon, Set, bits};
use condition::Condition;

/// What every further rule adds, as a part of its weight.
const FURTHER: f32 = 0.15;
/// The most that further rules add.
const FURTHER_MAX: f32 = 1.5;
/// What a message without any rule has.
pub(crate) const BASE: f32 = -4.5;

/// One rule.
pub(crate) struct Rule {
    pub(crate) name: String,
    /// `None` is all categories.
    pub(crate) category: Option<Category>,
    pub(crate) weight: f32,
    condition: Condition,
    /// A rule can only hold when one of these is there: every condition asks for something.
    evidence: Set,
}

/// All rules.
pub(crate) struct Rules {
    all: Vec<Rule>,
    /// For each concept: the rules to ask when it is there, a bit for each. A rule stands under few concepts, of which
    /// its condition needs one.
    asked: Vec<Vec<u64>>,
}

/// Rules that hold, a bit for each.
pub(crate) struct Holding(Vec<u64>);

impl Holding {
    /// By number, in order.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, part)| bits(*part).map(move |bit| at * 64 + bit))
    }
}

impl Rules {
    /// Reads rules. `for a, b` before a block repeats its lines with `{category}` and `{x}` (its last part) replaced;
    /// `end` closes it. `let name = condition` gives a condition a name, which is used as `$name`.
    pub(crate) fn parse(file: &'static str, text: &str, lexicon: &mut Lexicon) -> Result<Self, DataError> {
        let mut rules = Vec::new();
        let mut each: Vec<String> = Vec::new();
        let mut named: Vec<(String, String)> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            let wrong = |problem: String| DataError::Line { file, line: number, problem };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line =
                &named.iter().rev().fold(line.to_owned(), |line, (name, condition)| line.replace(name, condition));
            if let Some((name, condition)) = line.strip_prefix("let ").and_then(|rest| rest.split_once('=')) {
                named.push((format!("${}", name.trim()), format!("({})", condition.trim())));
            } else if let Some(list) = line.strip_prefix("for ") {
                each = list.split(',').map(|name| name.trim().to_owned()).collect();
            } else if line == "end" {
                each.clear();
            } else if each.is_empty() {
                rules.push(rule(line, lexicon).map_err(wrong)?);
            } else {
                for name in &each {
                    let short = name.rsplit('.').next().unwrap_or(name);
                    rules.push(rule(&line.replace("{category}", name).replace("{x}", short), lexicon).map_err(wrong)?);
                }
            }
        }
        let words = rules.len().div_ceil(64);
        let mut asked = vec![vec![0; words]; CONCEPTS];
        for (index, rule) in rules.iter().enumerate() {
            for concept in rule.condition.needed().unwrap_or(rule.evidence).iter() {
                asked[concept][index / 64] |= 1 << (index % 64);
            }
        }
        Ok(Self { all: rules, asked })
    }

    pub(crate) fn get(&self, index: usize) -> &Rule {
        &self.all[index]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter()
    }

    /// None of the rules.
    pub(crate) fn none(&self) -> Holding {
        Holding(vec![0; self.all.len().div_ceil(64)])
    }

    /// Adds the rules that hold for `concepts` to those that held before.
    pub(crate) fn add(&self, concepts: &Set, holding: &mut Holding) {
        for (at, held) in holding.0.iter_mut().enumerate() {
            let asked = concepts.iter().fold(0, |asked, concept| asked | self.asked[concept][at]);
            for bit in bits(asked & !*held) {
                let rule = &self.all[at * 64 + bit];
                if rule.evidence.meets(concepts) && rule.condition.holds(concepts) {
                    *held |= 1 << bit;
                }
            }
        }
    }

    /// What the rules that hold say about each category, in log-odds.
    pub(crate) fn weigh(&self, holding: &[usize]) -> [f32; COUNT] {
        let mut best = [0.0_f32; COUNT];
        let mut sum = [0.0_f32; COUNT];
        let mut against = [0.0_f32; COUNT];
        for &index in holding {
            let rule = &self.all[index];
            for category in Category::ALL {
                if rule.category.is_some_and(|of| of != category) {
                    continue;
                }
                let at = category.index();
                if rule.weight > 0.0 {
                    best[at] = best[at].max(rule.weight);
                    sum[at] += rule.weight;
                } else {
                    against[at] += rule.weight;
                }
            }
        }
        std::array::from_fn(|at| BASE + best[at] + ((sum[at] - best[at]) * FURTHER).min(FURTHER_MAX) + against[at])
    }
}

impl Rule {
    /// The concepts whose presence made the rule hold.
    pub(crate) const fn evidence(&self) -> Set {
        self.evidence
    }
}

fn rule(line: &str, lexicon: &mut Lexicon) -> Result<Rule, String> {
    let parts: Vec<&str> = line.splitn(4, " | ").map(str::trim).collect();
    let [name, category, weight, condition] = parts[..] else {
        return Err("not `name | category | weight | condition`".to_owned());
    };
    let category =
        if category == "*" { None } else { Some(category.parse::<Category>().map_err(|error| error.to_string())?) };
    let weight: f32 = weight.parse().map_err(|_| format!("`{weight}` is no number"))?;
    if category.is_none() && weight > 0.0 {
        return Err("a rule for all categories can only be negative".to_owned());
    }
    let condition = Condition::parse(condition, lexicon)?;
    let evidence = condition.evidence();
    Ok(Rule { name: name.to_owned(), category, weight, condition, evidence })
}

#[cfg(test)]
mod tests {
    use crate::BUILTIN;
    use crate::reading::Means;
    use crate::screen::Screen;
    use crate::training::train::Random;

    #[test]
    fn the_rules_that_are_asked_are_all_that_could_hold() {
        let screen = Screen::load(&BUILTIN).unwrap();
        let Means { lexicon, rules, .. } = screen.means();
        let concepts = u64::try_from(lexicon.all_names().count()).unwrap();
        let mut random = Random::new(7);
        for round in 0..4_000 {
            let mut present = crate::lexicon::Set::default();
            (0..round % 24).for_each(|_| present.insert(u16::try_from(random.below(concepts)).unwrap()));
            let mut holding = rules.none();
            rules.add(&present, &mut holding);
            let all = rules
                .all()
                .enumerate()
                .filter(|(_, rule)| rule.evidence.meets(&present) && rule.condition.holds(&present));
            assert_eq!(holding.numbers().collect::<Vec<_>>(), all.map(|(number, _)| number).collect::<Vec<_>>());
        }
    }
}
