//! Which part of a message led the network to its verdict: the part without which the verdict falls.
//!
//! The search begins with the whole message as its window. It goes on with the half without which the network is less
//! sure of the category; where the verdict stands without either, with the middle, and then with three quarters. Only
//! the positions inside the window are convolved again, so that the whole search costs about as much as a few readings
//! of the message, and the head for each part that it tries.

use std::ops::Range;

use super::layers::Pool;
use super::pieces::Cut;
use super::{Network, Prepared};

/// The most parts that are tried.
pub(crate) const TRIES_MAX: usize = 24;

/// A message whose parts are taken out.
pub(crate) struct Probe<'a> {
    network: &'a Network,
    pieces: &'a [u16],
    /// For each token, and behind the last one: the first of its pieces.
    firsts: Vec<usize>,
    /// The tokens that are links. What is said of all links goes with the last of them.
    links: Option<Range<usize>>,
    /// Positions before the window and behind it that no part inside the window changes.
    outside: Pool,
    window: Range<usize>,
    tries: usize,
}

impl<'a> Probe<'a> {
    /// The pieces `cut` of `prepared`, whose tokens `links` (the first, and behind the last) hold all links.
    pub(crate) fn new(network: &'a Network, prepared: &Prepared, cut: &'a Cut, links: Option<Range<usize>>) -> Self {
        let first = |octet: usize| cut.starts.partition_point(|start| *start < octet);
        let mut firsts: Vec<usize> = prepared.tokens.iter().map(|octet| first(*octet)).collect();
        firsts.push(first(prepared.tags));
        let window = 0..prepared.tokens.len();
        let outside = network.layers.pool();
        let mut probe = Self { network, pieces: &cut.numbers, firsts, links, outside, window, tries: 0 };
        let (before, _) = probe.kept(&probe.window);
        network.layers.add(probe.pieces, before, &mut probe.outside);
        probe
    }

    /// The smallest part that was found without which the log-odds of the category with this index are below `least`:
    /// a range of tokens. All tokens where there is no smaller part.
    pub(crate) fn part(mut self, category: usize, least: f32) -> Range<usize> {
        while self.window.len() > 1 {
            let Range { start, end } = self.window.clone();
            let (half, trim) = (self.window.len().div_ceil(2), (self.window.len() / 4).max(1));
            let middle = start + half / 2..start + half / 2 + half;
            let part = self
                .best(&[start..start + half, end - half..end], category, least)
                .or_else(|| self.best(std::slice::from_ref(&middle), category, least))
                .or_else(|| self.best(&[start + trim..end, start..end - trim], category, least));
            let Some(part) = part else { break };
            self.narrow(part);
        }
        self.window
    }

    /// Of `parts` the one without which the category is least likely, if that is less than `least`.
    fn best(&mut self, parts: &[Range<usize>], category: usize, least: f32) -> Option<Range<usize>> {
        if self.tries + parts.len() > TRIES_MAX {
            return None;
        }
        self.tries += parts.len();
        let mut best: Option<(f32, &Range<usize>)> = None;
        for part in parts {
            let odds = self.without(part, category);
            if odds < least && best.as_ref().is_none_or(|(lowest, _)| odds < *lowest) {
                best = Some((odds, part));
            }
        }
        best.map(|(_, part)| part.clone())
    }

    /// The log-odds of the category without `part`, which lies in the window.
    pub(super) fn without(&self, part: &Range<usize>, category: usize) -> f32 {
        let (from, to, tags) = (self.firsts[part.start], self.firsts[part.end], self.tags());
        let keeps_tags = self.links.as_ref().is_none_or(|links| links.start < part.start || links.end > part.end);
        let mut rest = self.pieces[..from].to_vec();
        rest.extend(&self.pieces[to..if keeps_tags { self.pieces.len() } else { tags }]);
        // Positions that were added to `outside` are left out; those behind the part moved to the left.
        let (before, behind) = self.kept(&self.window);
        let gone = to - from;
        let mut pool = self.outside.clone();
        if behind.is_empty() {
            self.network.layers.add(&rest, before.end..rest.len(), &mut pool);
        } else {
            self.network.layers.add(&rest, before.end..behind.start - gone, &mut pool);
            self.network.layers.add(&rest, behind.end - gone..rest.len(), &mut pool);
        }
        self.network.odds(&pool, rest.len())[category]
    }

    /// Makes `part` the window.
    pub(super) fn narrow(&mut self, part: Range<usize>) {
        let (before, behind) = self.kept(&self.window);
        let (new_before, new_behind) = self.kept(&part);
        let layers = &self.network.layers;
        layers.add(self.pieces, before.end..new_before.end, &mut self.outside);
        layers.add(self.pieces, new_behind.start..behind.start, &mut self.outside);
        self.window = part;
    }

    #[cfg(test)]
    pub(super) fn window(&self) -> Range<usize> {
        self.window.clone()
    }

    /// The positions that are the same whatever is taken out of `window`: before it, and between it and what is said
    /// of the links.
    fn kept(&self, window: &Range<usize>) -> (Range<usize>, Range<usize>) {
        let reach = self.network.layers.reach();
        let end = self.tags().saturating_sub(reach);
        let before = self.firsts[window.start].saturating_sub(reach);
        let behind = self.firsts[window.end] + reach;
        (0..before, behind.min(end)..end)
    }

    /// The first piece of what is said of the links.
    fn tags(&self) -> usize {
        self.firsts[self.firsts.len() - 1]
    }
}
