//! The screen: data loaded once, then one pure function from text to verdict.

use crate::category::COUNT;
use crate::data::{BUILTIN, Data};
use crate::explain;
use crate::language::{self, Language};
use crate::lexicon::parse::{self, DataError};
use crate::lexicon::trie::Trie;
use crate::lexicon::{CONCEPTS, Hit, Lexicon, Set};
use crate::link::domain::{Domains, Report};
use crate::model::features::{self, Feature, Names};
use crate::model::weights::Weights;
use crate::network::{self, Network};
use crate::opinion::Opinion;
use crate::points;
use crate::policy::{self, Action, Decision, Policy};
use crate::reading::{Means, Reading};
use crate::rules::{BASE, Rules};
use crate::structure::Structure;
use crate::text::fold::{Folded, fold};
use crate::text::hash;
use crate::text::links::Found;
use crate::text::token::{self, Token};
use crate::text::unmask::unmask;
use crate::text::words::Build;
use crate::verdict::Verdict;
use std::cell::LazyCell;
use std::collections::HashSet;

/// Tokens of one window: rules hold for what stands together, not for words at both ends of a long text.
const WINDOW: usize = 56;
/// A text of fewer different words and links has to say more: the models learned from whole messages.
const WORDS_MIN: usize = 3;
/// Where the sender's own name stands: so many tokens from the beginning.
const SENDER: usize = 6;
/// How far windows lie apart.
const STRIDE: usize = 28;
/// The most that the classifier may add to, and take from, what the rules say.
const RESIDUAL_UP: f32 = 8.5;
const RESIDUAL_DOWN: f32 = -3.5;
/// The most that it may take away in another language: what it knows of innocent messages, it knows of English ones.
const RESIDUAL_DOWN_ELSEWHERE: f32 = 0.0;
/// What the classifier's word is worth where no rule speaks for a category.
const ALONE: f32 = 0.95;

/// A compliance screen. Immutable; share it between threads.
pub struct Screen {
    lexicon: Lexicon,
    domains: Domains,
    rules: Rules,
    weights: Weights,
    network: Network,
    structure: Structure,
    names: Names,
    products: Set,
    global: Set,
    excuses: Set,
}

impl Screen {
    /// The screen with the data of this crate.
    ///
    /// # Panics
    /// Never: a test of this crate loads the data.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the data is compiled in and a test loads it")]
    pub fn builtin() -> Self {
        Self::load(&BUILTIN).expect("the data of the crate")
    }

    /// A screen with an operator's data.
    ///
    /// # Errors
    /// `DataError` names the file and line that cannot be used.
    pub fn load(data: &Data<'_>) -> Result<Self, DataError> {
        let mut lexicon = Lexicon::empty();
        let structure = Structure::declare(&mut lexicon)?;
        let domains = Domains::parse(utf8("brands", data.brands)?, utf8("domains", data.domains)?, &mut lexicon)?;
        for file in data.lexicon {
            parse::lexicon("lexicon", utf8("lexicon", file)?, &mut lexicon)?;
        }
        let rules = Rules::parse("rules", utf8("rules", data.rules)?, &mut lexicon)?;
        let weights = data.weights.map_or_else(|| Ok(Weights::none()), Weights::from_bytes)?;
        let network = Network::from_bytes(data.network)?;
        let names = Names::new(lexicon.all_names(), rules.all().map(|rule| rule.name.as_str()));
        let products = lexicon.products();
        let excuses = lexicon.with_prefix("ctx.homonym").union(&lexicon.with_prefix("ctx.negated"));
        let global =
            lexicon.with_prefix("ctx.").union(&lexicon.with_prefix("link.")).union(&lexicon.with_prefix("brand."));
        Ok(Self { lexicon, domains, rules, weights, network, structure, names, products, global, excuses })
    }

    /// The verdict on `text` for an account without a policy of its own.
    #[must_use]
    pub fn screen(&self, text: &str) -> Verdict {
        self.judge(text, &Policy::default())
    }

    /// The decision on `text` under `policy`. With both actions `Off` the text is not looked at.
    #[must_use]
    pub fn decide(&self, text: &str, policy: &Policy) -> Decision {
        if policy.is_off() {
            let verdict = Verdict { findings: Vec::new(), language: Language::Unclear, scores: [0.0; COUNT] };
            return Decision { action: Action::Off, verdict };
        }
        policy::decide(self.judge(text, policy), policy)
    }

    /// `text` as the network reads it, and the log-odds of each category by the rules and their classifier: what
    /// training needs.
    #[must_use]
    pub fn prepared(&self, text: &str) -> (String, [f32; COUNT]) {
        let folded = fold(text);
        let policy = Policy::default();
        let reading = self.read(&folded, &policy);
        (network::prepare(&reading, &self.lexicon, &policy).text, self.rules_say(&reading, RESIDUAL_DOWN))
    }

    /// The log-odds of each category against an innocent message by the network, for a text as [`Self::prepared`] gives
    /// it.
    #[must_use]
    pub fn network_says(&self, prepared: &str) -> [f32; COUNT] {
        self.network.log_odds(&self.network.cut(prepared).numbers)
    }

    /// The octets in memory of the table that the network looks its word pieces up in.
    #[must_use]
    pub fn network_octets(&self) -> usize {
        self.network.octets()
    }

    /// The log-odds of each category by the rules and their classifier, which takes away no more than `down`.
    fn rules_say(&self, reading: &Reading<'_>, down: f32) -> [f32; COUNT] {
        let mut residual = self.weights.sum();
        self.visit(reading, &mut |feature| residual.add(&feature));
        let residual = residual.finish();
        std::array::from_fn(|at| {
            let prior = reading.prior[at];
            let residual = residual[at].clamp(down, RESIDUAL_UP);
            prior + if prior <= BASE && residual > 0.0 { residual * ALONE } else { residual }
        })
    }

    fn judge(&self, text: &str, policy: &Policy) -> Verdict {
        let folded = fold(text);
        let reading = self.read(&folded, policy);
        let language = language::of(text, &reading.tokens);
        let words = words(&reading.tokens);
        let opinion = if words == 0 {
            // Neither model learned what signs and numbers alone might mean.
            Opinion::of_rules(reading.prior, points::ALONE)
        } else if language.is_foreign() {
            Opinion::of_rules(self.rules_say(&reading, RESIDUAL_DOWN_ELSEWHERE), points::ALONE)
        } else {
            let rules = self.rules_say(&reading, RESIDUAL_DOWN);
            let prepared = network::prepare(&reading, &self.lexicon, policy);
            let points = if words < WORDS_MIN { points::FEW_WORDS } else { points::BOTH };
            Opinion::of_both(rules, &self.network, prepared, points)
        };
        let scores = opinion.scores();
        let named = opinion.found();
        // Only what is found has to be explained.
        let features = if named.is_empty() { Vec::new() } else { self.features(&reading) };
        let findings = named
            .into_iter()
            .map(|category| explain::finding(self.means(), &reading, &features, category, &opinion))
            .collect();
        Verdict { findings, language, scores }
    }

    pub(crate) fn read<'a>(&self, folded: &'a Folded, policy: &Policy) -> Reading<'a> {
        let (mut tokens, links) = token::split(folded);
        unmask(&mut tokens, &folded.text, &self.lexicon.vocabulary);
        skip_phrases(&mut tokens, policy);
        let mut hits = self.lexicon.hits(&tokens);
        let brands: Vec<Hit> = hits.extract_if(.., |hit| usize::from(hit.concept) >= CONCEPTS).collect();
        self.look_at_links(&tokens, &links, &brands, policy, &mut hits);
        self.structure.look(&tokens, &mut hits, &self.lexicon, &self.products);
        self.excuse(tokens.len(), &mut hits);
        hits.sort_by_key(Hit::place);
        Structure::count(&self.lexicon.repeats, &mut hits);
        hits.sort_by_key(Hit::place);
        let holding = self.holding(&tokens, &hits);
        let prior = self.rules.weigh(&holding);
        Reading { folded, tokens, hits, holding, prior }
    }

    fn look_at_links(
        &self,
        tokens: &[Token<'_>],
        links: &[Found],
        brands: &[Hit],
        policy: &Policy,
        hits: &mut Vec<Hit>,
    ) {
        if links.is_empty() {
            return;
        }
        let places: Vec<usize> =
            tokens.iter().enumerate().filter(|(_, token)| token.kind == token::Kind::Link).map(|(at, _)| at).collect();
        // Asked for foreign hosts only.
        let words = LazyCell::new(|| {
            let mut words: HashSet<u64, Build> = HashSet::with_capacity_and_hasher(tokens.len(), Build::default());
            words.extend(tokens.iter().filter(|token| token.kind == token::Kind::Word).map(|token| token.id));
            words
        });
        let sender = &tokens[..tokens.len().min(SENDER)];
        let named = |name: &str| {
            words.contains(&hash(name.as_bytes()))
                || name.split('-').any(|part| part.len() > 3 && sender.iter().any(|token| token.text == part))
                || spelled(tokens, name)
        };
        let report: Report = self.domains.report(links, &|host| policy.allows_domain(host), &named);
        for &(concept, link) in &report.concepts {
            if let Some(&at) = places.get(link) {
                hits.push(Hit { concept, from: at, to: at + 1, masked: false });
            }
        }
        self.structure.compare_brands(&report, brands, &places, hits);
    }

    /// Words that are part of a harmless phrase (`shotgun wedding`) mention nothing else.
    fn excuse(&self, tokens: usize, hits: &mut Vec<Hit>) {
        // For each token: where the furthest harmless phrase ends that begins there or before.
        let mut covered = vec![0; tokens];
        for hit in hits.iter().filter(|hit| self.excuses.has(hit.concept)) {
            covered[hit.from] = covered[hit.from].max(hit.to);
        }
        for at in 1..tokens {
            covered[at] = covered[at].max(covered[at - 1]);
        }
        hits.retain(|hit| covered[hit.from] < hit.to || !self.products.has(hit.concept));
    }

    /// The rules that hold in any window, each once. `hits` are in the order of their places.
    fn holding(&self, tokens: &[Token<'_>], hits: &[Hit]) -> Vec<usize> {
        let mut everywhere = Set::default();
        hits.iter().filter(|hit| self.global.has(hit.concept)).for_each(|hit| everywhere.insert(hit.concept));
        let mut holding = self.rules.none();
        let mut start = 0;
        loop {
            let first = hits.partition_point(|hit| hit.from < start);
            let last = hits.partition_point(|hit| hit.from < start + WINDOW);
            let mut concepts = everywhere;
            hits[first..last].iter().for_each(|hit| concepts.insert(hit.concept));
            self.rules.add(&concepts, &mut holding);
            start += STRIDE;
            if start + STRIDE >= tokens.len() {
                break;
            }
        }
        holding.numbers().collect()
    }

    pub(crate) fn features(&self, reading: &Reading<'_>) -> Vec<Feature> {
        let mut all = Vec::with_capacity(reading.tokens.len() * 10 + reading.hits.len() * 6);
        self.visit(reading, &mut |feature| all.push(feature));
        all
    }

    fn visit(&self, reading: &Reading<'_>, each: &mut impl FnMut(Feature)) {
        features::visit(&reading.tokens, &reading.hits, &reading.holding, &self.names, each);
    }

    pub(crate) const fn domains(&self) -> &Domains {
        &self.domains
    }

    pub(crate) const fn means(&self) -> Means<'_> {
        Means { lexicon: &self.lexicon, rules: &self.rules, weights: &self.weights }
    }
}

/// How many different words and links a message has, of [`WORDS_MIN`] at most.
fn words(tokens: &[Token<'_>]) -> usize {
    let mut seen = [0; WORDS_MIN];
    let mut count = 0;
    for token in tokens.iter().filter(|token| matches!(token.kind, token::Kind::Word | token::Kind::Link)) {
        if count < WORDS_MIN && !seen[..count].contains(&token.id) {
            seen[count] = token.id;
            count += 1;
        }
    }
    count
}

/// Whether neighbouring words make `name` together: `OneMain Financial` is at home at `onemainfinancial.com`.
fn spelled(tokens: &[Token<'_>], name: &str) -> bool {
    (0..tokens.len()).any(|from| {
        let mut rest = name;
        for token in tokens[from..].iter().take_while(|token| token.kind == token::Kind::Word) {
            match rest.strip_prefix(token.text.as_ref()) {
                Some("") => return rest.len() < name.len(),
                Some(behind) => rest = behind.strip_prefix('-').unwrap_or(behind),
                None => return false,
            }
        }
        false
    })
}

fn utf8<'a>(file: &'static str, bytes: &'a [u8]) -> Result<&'a str, DataError> {
    std::str::from_utf8(bytes).map_err(|_| DataError::NotUtf8(file))
}

/// Removes the tokens of phrases that the account vouches for.
fn skip_phrases(tokens: &mut Vec<Token<'_>>, policy: &Policy) {
    if policy.allowed_phrases.is_empty() {
        return;
    }
    let mut trie = Trie::default();
    let mut long = Vec::new();
    for phrase in &policy.allowed_phrases {
        let words: Vec<u64> = token::split(&fold(phrase)).0.iter().map(|token| token.id).collect();
        if words.is_empty() {
            continue;
        }
        if words.len() <= crate::lexicon::trie::LONGEST_PHRASE {
            trie.insert(&words, 0);
        } else {
            long.push(words);
        }
    }
    let mut skip = vec![false; tokens.len()];
    for from in 0..tokens.len() {
        trie.walk(&tokens[from..], &mut |length, _| skip[from..from + length].fill(true));
        for words in &long {
            let here = tokens.len() - from >= words.len()
                && words.iter().zip(&tokens[from..]).all(|(word, token)| *word == token.id);
            if here {
                skip[from..from + words.len()].fill(true);
            }
        }
    }
    let mut keep = skip.into_iter().map(|skip| !skip);
    tokens.retain(|_| keep.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::Category;
    use crate::text::tests::WORK;

    fn work(screen: &Screen, text: &str) -> usize {
        let before = WORK.with(std::cell::Cell::get);
        let folded = fold(text);
        let reading = screen.read(&folded, &Policy::default());
        let features = screen.features(&reading);
        // These steps again, and the network.
        let verdict = screen.screen(text);
        WORK.with(std::cell::Cell::get) - before
            + reading.tokens.len()
            + reading.hits.len()
            + features.len()
            + reading.holding.len()
            + verdict.findings.len()
    }

    #[test]
    fn features_that_are_summed_as_they_are_met_make_the_sum_of_all() {
        let screen = Screen::builtin();
        for text in [
            "",
            "See you at six",
            "Chase: your account is l0cked, v e r i f y now at secure-chase.top",
            &"free spins, order vodka at 5 ".repeat(20),
        ] {
            let folded = fold(text);
            let reading = screen.read(&folded, &Policy::default());
            let mut residual = [0.0; COUNT];
            for feature in screen.features(&reading) {
                let adds = screen.weights.of(&feature);
                residual.iter_mut().zip(adds).for_each(|(sum, adds)| *sum += adds);
            }
            let mut sum = screen.weights.sum();
            screen.visit(&reading, &mut |feature| sum.add(&feature));
            let bias = screen.weights.sum().finish();
            let apart = (0..COUNT).map(|at| (sum.finish()[at] - bias[at] - residual[at]).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-3, "{text}: {apart}");
        }
    }

    #[test]
    fn four_times_the_text_is_at_most_about_four_times_the_work() {
        let words = [("quokka", Category::Hate), ("zorbing", Category::Gambling), ("a", Category::Fraud)];
        let network = crate::training::network::Network::of_words(&words).to_bytes();
        let screen = Screen::load(&Data { network: &network, ..BUILTIN }).unwrap();
        let units = [
            "quokka ",
            "we met a quokka and the other zorbing there in the park ",
            "a",
            "w e e d v o d k a ",
            "a.b-c_d.",
            "1!|0@$ 4!1 ",
            "paypa1-secure.top ",
            "paypal-secure-login.",
            "free free bet bet spins no deposit ",
            "v\u{200b}o\u{200d}d\u{2060}k\u{feff}a ",
            "\u{441}\u{430}\u{455}\u{456}\u{43d}\u{43e} ",
            "a\u{301}\u{302}",
            "((((",
            "f**k ",
            "x.y/(",
            "http://a@b.c/",
            "[.]",
            "shotgun wedding ",
            "$5 ",
            "xn--80ak6aa92e.com ",
            "\u{1f3b0}",
            "ssseeexxx ",
            "'",
            ".",
        ];
        for unit in units {
            let text = |length: usize| unit.chars().cycle().take(length).collect::<String>();
            let (small, large) = (work(&screen, &text(800)), work(&screen, &text(3_200)));
            assert!(large <= small * 5 + 2_000, "{unit:?}: {small} for 800 characters, {large} for 3,200");
        }
    }
}
