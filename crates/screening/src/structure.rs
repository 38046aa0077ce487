//! Properties that no word list holds: disguises, capitals, amounts, and whether a named brand and a link belong
//! together.

use crate::lexicon::parse::DataError;
use crate::lexicon::{CONCEPTS, Hit, Lexicon, Repeat, Set};
use crate::link::domain::Report;
use crate::text::token::{Kind, Token};

/// The concepts that the code itself finds.
pub(crate) struct Structure {
    money: u16,
    percent: u16,
    phone: u16,
    code: u16,
    number: u16,
    shout: u16,
    masked_word: u16,
    masked_product: u16,
    masked: [(&'static str, u16); 8],
    alien: u16,
    matching: u16,
}

impl Structure {
    pub(crate) fn declare(lexicon: &mut Lexicon) -> Result<Self, DataError> {
        let mut name = |name: &str| lexicon.declare(name);
        Ok(Self {
            money: name("is.money")?,
            percent: name("is.percent")?,
            phone: name("is.phone")?,
            code: name("is.code")?,
            number: name("is.number")?,
            shout: name("is.shout")?,
            masked_word: name("trick.word")?,
            masked_product: name("trick.product")?,
            masked: [
                ("alcohol.", name("alcohol.masked")?),
                ("firearms.", name("firearms.masked")?),
                ("tobacco.", name("tobacco.masked")?),
                ("cannabis.", name("cannabis.masked")?),
                ("gambling.", name("gambling.masked")?),
                ("lending.", name("lending.masked")?),
                ("sex.", name("sex.masked")?),
                ("hate.", name("hate.masked")?),
            ],
            alien: name("link.alien")?,
            matching: name("link.matching")?,
        })
    }

    /// Adds what `tokens` show. `products` are the concepts that somebody would hide.
    pub(crate) fn look(&self, tokens: &[Token<'_>], hits: &mut Vec<Hit>, lexicon: &Lexicon, products: &Set) {
        self.look_for_phones(tokens, hits);
        let mut shouted = (0, 0);
        for (at, token) in tokens.iter().enumerate() {
            let concept = match token.kind {
                Kind::Money => Some(self.money),
                Kind::Percent => Some(self.percent),
                Kind::Phone => Some(self.phone),
                Kind::Code => Some(self.code),
                Kind::Number => Some(self.number),
                Kind::Word | Kind::Link | Kind::Emoji => None,
            };
            if let Some(concept) = concept {
                hits.push(Hit { concept, from: at, to: at + 1, masked: false });
            }
            if token.masked {
                hits.push(Hit { concept: self.masked_word, from: at, to: at + 1, masked: false });
            }
            if token.kind == Kind::Word && token.text.len() > 3 {
                shouted = (shouted.0 + usize::from(token.shouted), shouted.1 + 1);
            }
        }
        if shouted.0 >= 3 && shouted.0 * 2 >= shouted.1 {
            hits.push(Hit { concept: self.shout, from: 0, to: 1, masked: false });
        }
        let disguised: Vec<Hit> = hits.iter().filter(|hit| hit.masked && products.has(hit.concept)).copied().collect();
        for hit in disguised {
            hits.push(Hit { concept: self.masked_product, masked: false, ..hit });
            let name = lexicon.name(hit.concept);
            if let Some((_, concept)) =
                self.masked.iter().find(|(prefix, _)| name.starts_with(prefix) && !name.ends_with(".weak"))
            {
                hits.push(Hit { concept: *concept, masked: false, ..hit });
            }
        }
    }

    /// Groups of digits that stand together are one telephone number: `888 555 0134`.
    fn look_for_phones(&self, tokens: &[Token<'_>], hits: &mut Vec<Hit>) {
        let mut from = 0;
        while from < tokens.len() {
            let mut to = from;
            let mut digits = 0;
            while tokens.get(to).is_some_and(|token| {
                matches!(token.kind, Kind::Number | Kind::Code) && (to == from || token.from <= tokens[to - 1].to + 2)
            }) {
                digits += tokens[to].text.bytes().filter(u8::is_ascii_digit).count();
                to += 1;
            }
            if to > from + 1 && (9..=15).contains(&digits) {
                hits.push(Hit { concept: self.phone, from, to, masked: false });
            }
            from = to.max(from + 1);
        }
    }

    /// Adds the concepts for several mentions. Mentions that overlap are one.
    pub(crate) fn count(repeats: &[Repeat], hits: &mut Vec<Hit>) {
        let mut mentions = [0_usize; CONCEPTS];
        hits.iter().for_each(|hit| mentions[usize::from(hit.concept)] += 1);
        for repeat in repeats.iter().filter(|repeat| mentions[usize::from(repeat.base)] >= repeat.count) {
            let (mut places, mut behind) = (0, 0);
            let mut first = None;
            let mut last = 0;
            for hit in hits.iter().filter(|hit| hit.concept == repeat.base) {
                if hit.from >= behind {
                    places += 1;
                    behind = hit.to;
                    first = first.or(Some(hit.from));
                    last = hit.to;
                }
            }
            if let (Some(from), true) = (first, places >= repeat.count) {
                hits.push(Hit { concept: repeat.concept, from, to: last.min(from + 1), masked: false });
            }
        }
    }

    /// A brand is named: does the link lead to it?
    pub(crate) fn compare_brands(&self, report: &Report, brands: &[Hit], links: &[usize], hits: &mut Vec<Hit>) {
        let Some(&first) = links.first() else { return };
        let owns =
            |hit: &Hit| report.owners.iter().any(|owner| usize::from(*owner) + CONCEPTS == usize::from(hit.concept));
        if brands.iter().any(owns) {
            hits.push(Hit { concept: self.matching, from: first, to: first + 1, masked: false });
        } else if !brands.is_empty() && !report.all_trusted {
            hits.push(Hit { concept: self.alien, from: first, to: first + 1, masked: false });
        }
    }
}
