//! Entries of the index as descending streams of ids: of one facet, of several that match all at once, of several
//! owners.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};

use super::id;

/// How many owners a list of all accounts merges; where there are more, it scans.
const OWNERS_MAX: usize = 1_000;

/// The messages of one owner that match every one of some facets, newest first.
pub(super) struct Stream<'c> {
    connection: &'c Connection,
    owner: i64,
    facets: Vec<Union>,
    /// Ids of this and above have been looked at.
    end: u128,
}

/// Facets of which a message has exactly one: a number alone, or the states that a filter lets pass.
struct Union {
    members: Vec<(i64, Head)>,
}

/// The newest entry below where the stream stands.
#[derive(Clone, Copy)]
enum Head {
    Unknown,
    At(u128),
    Over,
}

/// What a stream has next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This message.
    Message(u128),
    /// Nothing among ids of this and above; it may look no further now.
    Stopped(u128),
    /// Nothing.
    Over,
}

impl<'c> Stream<'c> {
    /// A stream of the ids below `end`.
    pub(super) fn new(connection: &'c Connection, owner: i64, facets: &[Vec<i64>], end: u128) -> Self {
        let facets = facets
            .iter()
            .map(|codes| Union { members: codes.iter().map(|code| (*code, Head::Unknown)).collect() })
            .collect();
        Self { connection, owner, facets, end }
    }

    /// The next message that is not below `floor`. Adds to `looked` what it looks at, and stops where that passes
    /// `most`, but never without having moved on.
    pub(super) fn next(&mut self, floor: u128, looked: &mut usize, most: usize) -> rusqlite::Result<Next> {
        let (mut agreed, mut candidate, mut turns) = (0, None, 0);
        // Each facet in turn gives its newest id that is not above the candidate, until all of them give the same.
        for at in (0..self.facets.len()).cycle() {
            if turns > self.facets.len() && *looked >= most {
                return Ok(Next::Stopped(self.end));
            }
            turns += 1;
            let Some(found) = self.facets[at].newest(self.connection, self.owner, floor..self.end, looked)? else {
                return Ok(Next::Over);
            };
            agreed = if candidate == Some(found) { agreed + 1 } else { 1 };
            candidate = Some(found);
            self.end = found + 1;
            if agreed == self.facets.len() {
                self.end = found;
                return Ok(Next::Message(found));
            }
        }
        Ok(Next::Over)
    }
}

impl Union {
    fn newest(
        &mut self,
        connection: &Connection,
        owner: i64,
        ids: Range<u128>,
        looked: &mut usize,
    ) -> rusqlite::Result<Option<u128>> {
        let sql = "SELECT message_id FROM list_entries WHERE facet = ?1 AND owner = ?2 AND message_id >= ?3 \
                   AND message_id < ?4 ORDER BY message_id DESC LIMIT 1";
        let mut newest = None;
        for (code, head) in &mut self.members {
            let stale = match head {
                Head::Unknown => true,
                // Ends only ever fall, so that the newest entry below an earlier end is still the newest if it is below
                // this one.
                Head::At(at) => *at >= ids.end,
                Head::Over => false,
            };
            if stale {
                *looked += 1;
                let values = params![*code, owner, ids.start.to_be_bytes(), ids.end.to_be_bytes()];
                let found = connection.prepare_cached(sql)?.query_row(values, |row| id(row, 0)).optional()?;
                *head = found.map_or(Head::Over, Head::At);
            }
            if let Head::At(at) = head {
                newest = newest.max(Some(*at));
            }
        }
        Ok(newest)
    }
}

/// The owners that have entries of one of these facets; `None` where there are too many.
pub(super) fn owners_with(connection: &Connection, codes: &[i64]) -> rusqlite::Result<Option<Vec<i64>>> {
    let mut owners = Vec::new();
    for code in codes {
        let mut last = 0;
        let sql = "SELECT owner FROM list_entries WHERE facet = ?1 AND owner > ?2 ORDER BY owner LIMIT 1";
        while let Some(owner) =
            connection.prepare_cached(sql)?.query_row(params![code, last], |row| row.get(0)).optional()?
        {
            if owners.len() == OWNERS_MAX {
                return Ok(None);
            }
            owners.push(owner);
            last = owner;
        }
    }
    owners.sort_unstable();
    owners.dedup();
    Ok(Some(owners))
}
