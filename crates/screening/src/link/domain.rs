//! What the host of a link says: whose it is, whose it pretends to be, and what it offers.

use super::punycode;
use crate::lexicon::parse::DataError;
use crate::lexicon::{CONCEPTS, Lexicon};
use crate::text::fold::fold;
use crate::text::links::{Found, is_ip};
use crate::text::words::Words;
use crate::text::{hash, hash_of};
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::{HashMap, HashSet};
use suffix::registrable;

/// Letters that a brand's name needs before a single slip in it counts as a disguise.
const SLIP_MIN: usize = 6;
/// How many links of a message are compared with the names in it, so that the work stays linear.
const NAMED: usize = 4;
/// Letters that a brand's name needs before `name.com` is taken for its own without being listed.
const OWN_MIN: usize = 5;

/// Knowledge about domains, from `brands.txt` and `domains.txt`.
pub(crate) struct Domains {
    exact: HashMap<String, u16>,
    official: HashSet<String>,
    odd: HashSet<String>,
    owners: HashMap<String, u16>,
    parts: AhoCorasick,
    /// For each pattern of `parts`: the concept, or a brand when it is `CONCEPTS` or more.
    meaning: Vec<u16>,
    patterns: Vec<String>,
    slips: Words,
    names: Names,
}

/// The concepts that links stand for.
struct Names {
    any: u16,
    plain: u16,
    own: u16,
    official: u16,
    foreign: u16,
    odd: u16,
    ip: u16,
    user: u16,
    disguised: u16,
    hyphens: u16,
    digits: u16,
    path: u16,
    named: u16,
}

/// What all links of a message say together.
#[derive(Default)]
pub(crate) struct Report {
    /// Concepts, each with the index of the link.
    pub(crate) concepts: Vec<(u16, usize)>,
    /// Brands, numbered from 0, whose own domain was linked.
    pub(crate) owners: Vec<u16>,
    /// Every link leads to a known owner, an authority or an allowed domain.
    pub(crate) all_trusted: bool,
}

impl Domains {
    /// Reads both files. Brands are added to `lexicon` as phrases, too.
    pub(crate) fn parse(brands: &str, domains: &str, lexicon: &mut Lexicon) -> Result<Self, DataError> {
        let mut patterns: Vec<(String, u16)> = Vec::new();
        let mut owners = HashMap::new();
        let mut slips = Words::default();
        read_brands(brands, lexicon, &mut owners, &mut patterns, &mut slips)?;
        let (mut exact, mut official, mut odd) = (HashMap::new(), HashSet::new(), HashSet::new());
        let mut concept = (String::new(), 0);
        for (number, line) in (1..).zip(domains.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                concept = (name.to_owned(), lexicon.declare(name)?);
                continue;
            }
            if concept.0.is_empty() {
                return Err(DataError::Line {
                    file: "domains",
                    line: number,
                    problem: "an entry before the first [concept]".to_owned(),
                });
            }
            for entry in line.split([',', ' ']).filter(|entry| !entry.is_empty()) {
                match concept.0.as_str() {
                    "link.official" => drop(official.insert(entry.to_owned())),
                    "link.odd" => drop(odd.insert(entry.to_owned())),
                    "link.short" | "link.chat" | "link.app" => drop(exact.insert(entry.to_owned(), concept.1)),
                    _ => patterns.push((entry.to_owned(), concept.1)),
                }
            }
        }
        let (patterns, meaning): (Vec<String>, Vec<u16>) = patterns.into_iter().unzip();
        let parts = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&patterns);
        let parts =
            parts.map_err(|_| DataError::Line { file: "domains", line: 1, problem: "too many entries".to_owned() })?;
        let mut name = |name: &str| lexicon.declare(name);
        let names = Names {
            any: name("link.any")?,
            plain: name("link.plain")?,
            own: name("link.own")?,
            official: name("link.official")?,
            foreign: name("link.foreign")?,
            odd: name("link.odd")?,
            ip: name("link.ip")?,
            user: name("link.user")?,
            disguised: name("link.disguised")?,
            hyphens: name("link.hyphens")?,
            digits: name("link.digits")?,
            path: name("link.path")?,
            named: name("link.named")?,
        };
        Ok(Self { exact, official, odd, owners, parts, meaning, patterns, slips, names })
    }

    /// Looks at every link; `allowed` are domains that the account vouches for, `named` tells whether the
    /// message has a name in its words.
    pub(crate) fn report(
        &self,
        links: &[Found],
        allowed: &dyn Fn(&str) -> bool,
        named: &dyn Fn(&str) -> bool,
    ) -> Report {
        let mut report = Report { all_trusted: !links.is_empty(), ..Report::default() };
        for (index, link) in links.iter().enumerate() {
            let before = report.concepts.len();
            let trusted = self.look(
                link,
                allowed,
                if index < NAMED { named } else { &|_| false },
                &mut report.owners,
                &mut |concept| report.concepts.push((concept, index)),
            );
            debug_assert!(report.concepts.len() > before);
            report.all_trusted &= trusted;
        }
        report.owners.sort_unstable();
        report.owners.dedup();
        report
    }

    fn look(
        &self,
        link: &Found,
        allowed: &dyn Fn(&str) -> bool,
        named: &dyn Fn(&str) -> bool,
        owners: &mut Vec<u16>,
        say: &mut dyn FnMut(u16),
    ) -> bool {
        let names = &self.names;
        say(names.any);
        // A look-alike of an allowed host is another host, and so is one in punycode that reads like it.
        if link.is_plain() && allowed(&link.host) {
            say(names.own);
            return true;
        }
        if link.user_info {
            say(names.user);
            // It stands where a reader expects the host, so a brand there is a brand in a foreign host.
            self.match_parts(&link.user, say);
            let posed = link.user.split(':').next().unwrap_or("");
            if self.owners.contains_key(registrable(posed)) {
                say(names.foreign);
            }
        }
        let host = readable(&link.host);
        if is_ip(&host) {
            say(names.ip);
            return false;
        }
        let registered = registrable(&host);
        let punycode = host != link.host;
        if punycode || link.disguised || link.path.contains("@") && link.path.contains('.') && link.path.len() < 8 {
            say(names.disguised);
        }
        if link.path.len() > 1 {
            say(names.path);
        }
        if link.is_plain() && !punycode {
            if let Some(&owner) = self.owners.get(registered).or_else(|| self.owners.get(&host)) {
                owners.push(owner);
                say(names.own);
                return true;
            }
            if self.is_official(&host) {
                say(names.official);
                return true;
            }
        }
        if let Some(&concept) = self.exact.get(registered).or_else(|| self.exact.get(&host)) {
            say(concept);
            return false;
        }
        self.judge(&host, registered, named, say);
        false
    }

    fn is_official(&self, host: &str) -> bool {
        std::iter::successors(Some(host), |rest| rest.split_once('.').map(|(_, tail)| tail))
            .any(|tail| self.official.contains(tail))
    }

    /// Whether `host` leads to pages of anybody: a shortener, a chat, a form.
    pub(crate) fn is_shared(&self, host: &str) -> bool {
        self.exact.contains_key(registrable(host)) || self.exact.contains_key(host)
    }

    /// A host that nobody vouches for.
    fn judge(&self, host: &str, registrable: &str, named: &dyn Fn(&str) -> bool, say: &mut dyn FnMut(u16)) {
        let names = &self.names;
        let labels = suffix::labels(host);
        if self.odd.contains(host.rsplit('.').next().unwrap_or("")) {
            say(names.odd);
        } else {
            say(names.plain);
        }
        if labels.matches('-').count() >= 2 || labels.matches('.').count() >= 2 {
            say(names.hyphens);
        }
        if labels.bytes().filter(u8::is_ascii_digit).count() >= 2 {
            say(names.digits);
        }
        let name = registrable.split('.').next().unwrap_or("");
        if named(name) {
            say(names.named);
        }
        self.match_parts(labels, say);
        let plain: String = labels.chars().map(unleet).collect();
        if plain != labels {
            self.match_parts(&plain, say);
        }
        for part in plain.split(['.', '-']).chain(labels.split(['.', '-'])) {
            if part.len() >= SLIP_MIN && self.is_slip(part) {
                say(names.foreign);
            }
        }
    }

    fn match_parts(&self, labels: &str, say: &mut dyn FnMut(u16)) {
        let bytes = labels.as_bytes();
        for found in self.parts.find_overlapping_iter(labels) {
            let at = found.pattern().as_usize();
            let edge = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphabetic());
            let starts = found.start() == 0 || edge(bytes.get(found.start() - 1));
            let ends = edge(bytes.get(found.end()));
            let fits = match self.patterns[at].len() {
                0..=3 => starts && ends,
                4 => starts || ends,
                _ => true,
            };
            if fits {
                say(if usize::from(self.meaning[at]) >= CONCEPTS { self.names.foreign } else { self.meaning[at] });
            }
        }
    }

    /// One letter too many, missing, swapped or exchanged in a brand's name.
    fn is_slip(&self, part: &str) -> bool {
        if self.slips.contains(hash(part.as_bytes())) {
            return true;
        }
        let rn = part.replace("rn", "m").replace("vv", "w");
        rn != part && self.slips.contains(hash(rn.as_bytes()))
            || part.len() > SLIP_MIN && deletions(part).any(|shorter| self.slips.contains(shorter))
    }
}

fn read_brands(
    text: &str,
    lexicon: &mut Lexicon,
    owners: &mut HashMap<String, u16>,
    patterns: &mut Vec<(String, u16)>,
    slips: &mut Words,
) -> Result<(), DataError> {
    let mut brand = u16::try_from(CONCEPTS).map_err(|_| DataError::TooManyConcepts(CONCEPTS))?;
    let mut concept = None;
    // An authority is not found under `com`.
    let mut commercial = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let wrong = |problem: String| DataError::Line { file: "brands", line: number, problem };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            concept = Some(lexicon.declare(name)?);
            commercial = !matches!(name, "brand.gov" | "brand.toll");
            continue;
        }
        let concept = concept.ok_or_else(|| wrong("a brand before the first [concept]".to_owned()))?;
        let (names, domains) = line.split_once('|').unwrap_or((line, ""));
        // `mobile` is neither T-Mobile nor 9mobile with a slip.
        let whole: Vec<u64> =
            names.split(|ch: char| !ch.is_ascii_alphabetic()).map(|part| hash(part.as_bytes())).collect();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let quiet = name.strip_prefix('~');
            crate::lexicon::parse::add(&format!("={}", quiet.unwrap_or(name)), concept, lexicon).map_err(wrong)?;
            crate::lexicon::parse::add(&format!("={}", quiet.unwrap_or(name)), brand, lexicon).map_err(wrong)?;
            let plain: String = name.chars().filter(|ch| ch.is_ascii_alphanumeric()).collect();
            // `~` marks a name that is also an ordinary word: in a domain it says nothing.
            if quiet.is_none() && plain.len() >= 3 {
                patterns.push((plain.clone(), brand));
                if commercial && plain.len() >= OWN_MIN {
                    owners.entry(format!("{plain}.com")).or_insert(number_of(brand)?);
                }
                if plain.len() >= SLIP_MIN {
                    deletions(&plain).filter(|slip| !whole.contains(slip)).for_each(|slip| slips.insert(slip));
                }
            }
        }
        for domain in domains.split([',', ' ']).filter(|domain| !domain.is_empty()) {
            owners.insert(domain.to_owned(), number_of(brand)?);
        }
        brand += 1;
    }
    Ok(())
}

/// Brands are numbered behind the concepts.
fn number_of(brand: u16) -> Result<u16, DataError> {
    usize::from(brand)
        .checked_sub(CONCEPTS)
        .and_then(|number| u16::try_from(number).ok())
        .ok_or(DataError::TooManyConcepts(CONCEPTS))
}

/// The hashes of a word without one of its octets.
fn deletions(word: &str) -> impl Iterator<Item = u64> + '_ {
    let bytes = word.as_bytes();
    (0..bytes.len()).map(move |skip| hash_of(bytes[..skip].iter().chain(&bytes[skip + 1..]).copied()))
}

/// The host with `xn--` labels decoded and folded.
fn readable(host: &str) -> String {
    if !host.contains("xn--") {
        return host.to_owned();
    }
    let labels: Vec<String> = host
        .split('.')
        .map(|label| {
            label
                .strip_prefix("xn--")
                .and_then(punycode::decode)
                .map_or_else(|| label.to_owned(), |label| fold(&label).text)
        })
        .collect();
    labels.join(".")
}

const fn unleet(ch: char) -> char {
    match ch {
        '0' => 'o',
        '1' => 'l',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        ch => ch,
    }
}
