//! A file of opt-outs: CSV, or a JSON value a line. Entries that are sound are taken, some hundreds at a time; every
//! line that is not is reported. A bad line leaves no other one out: to opt out too few is worse than to do it twice.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use model::error::{ErrorCode, Refusal};
use model::{Msisdn, OptOutName, OptOutSource, Originator, Owner, Timestamp};
use pipeline::Pipeline;
use pipeline::refusal::refused_by_store;
use pipeline::tenants::NewOptOut;
use runtime::Runtime;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{REASON, check_sender, is_reason};
use crate::csv_lines::line_of;
use crate::fields::Unknown;

/// Entries of one request at most.
pub(crate) const ENTRIES_MAX: usize = 50_000;

/// How much is repeated of a text that is not understood, in characters.
const SHOWN_MAX: usize = 40;

/// How the entries of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header that names the columns `number`, `from`, `reason` and `createdAt` in any order; or none, and then the
    /// first column has the numbers.
    Csv,
    /// A number as a string, or an object with `number`, `from`, `reason` and `createdAt`, on each line.
    JsonLines,
}

impl Format {
    /// The format of a type.
    pub fn of_type(kind: &str) -> Self {
        if kind == "text/csv" { Self::Csv } else { Self::JsonLines }
    }
}

/// What an import came to.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// Entries of the file.
    total: usize,
    /// Those that were not opted out before.
    added: usize,
    /// Those that were.
    unchanged: usize,
    /// Those that were not understood, or have a sender that is not the account's.
    invalid: Vec<Invalid>,
}

/// An entry that was left out.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Invalid {
    /// Its line, from 1.
    line: u64,
    /// Why.
    reason: Cow<'static, str>,
}

impl Imported {
    /// Opts the numbers of a file out. A failure of the store leaves the rest undone; a repeat does it.
    pub async fn of(pipeline: &Arc<Pipeline>, owner: Owner, file: File) -> Result<Self, Refusal> {
        let File { entries, mut invalid, .. } = file;
        let total = entries.len() + invalid.len();
        let sound = of_account(pipeline, owner, entries, &mut invalid);
        let count = sound.len();
        let new = sound.into_iter().map(|entry| NewOptOut {
            name: OptOutName { owner, number: entry.number, from: entry.from },
            reason: entry.reason,
            since: entry.since,
        });
        let changed =
            pipeline.tenants().opt_out(new.collect(), OptOutSource::Import).await.map_err(refused_by_store)?;
        let added = changed.into_iter().filter(|is_new| *is_new).count();
        let (account, mode, invalid_lines) = (owner.account, owner.mode.as_str(), invalid.len());
        tracing::info!(
            %account, mode, total, added, invalid_lines,
            "Opt-outs of {account} were imported: {added} of {total} are new, {invalid_lines} lines are invalid"
        );
        Ok(Self { total, added, unchanged: count - added, invalid })
    }
}

/// An entry as it is written.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    line: u64,
    number: Msisdn,
    from: Option<Originator>,
    reason: Option<Arc<str>>,
    since: Option<Timestamp>,
}

/// A file that was read.
#[derive(Debug, Default)]
pub struct File {
    entries: Vec<Entry>,
    invalid: Vec<Invalid>,
    /// Columns or fields that nobody knows.
    pub(crate) unknown: Unknown,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ErrorCode::RequestTooLarge`] with more than 50,000 entries.
    pub async fn read(runtime: &Arc<dyn Runtime>, format: Format, body: Bytes) -> Result<Self, Refusal> {
        // Off the runtime's threads: fifty thousand lines are milliseconds of work.
        let read = runtime.run_blocking("import of opt-outs", move || read(&body, format)).await;
        read.map_err(|error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error))?
    }

    fn note(&mut self, line: u64, entry: Result<Entry, Cow<'static, str>>) -> Result<(), Refusal> {
        if self.entries.len() + self.invalid.len() == ENTRIES_MAX {
            let cause = format!("an import has more than {ENTRIES_MAX} entries");
            return Err(Refusal::new(ErrorCode::RequestTooLarge).caused_by(cause));
        }
        match entry {
            Ok(entry) => self.entries.push(entry),
            Err(reason) => self.invalid.push(Invalid { line, reason }),
        }
        Ok(())
    }
}

/// Those entries whose sender is the account's. The others are added to the invalid ones, in the order of lines.
fn of_account(pipeline: &Pipeline, owner: Owner, entries: Vec<Entry>, invalid: &mut Vec<Invalid>) -> Vec<Entry> {
    let mut judged: HashMap<Originator, bool> = HashMap::new();
    let tenants = pipeline.tenants();
    let (sound, others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| {
        entry.from.is_none_or(|from| {
            *judged.entry(from).or_insert_with(|| check_sender(tenants, owner.account, from).is_ok())
        })
    });
    let reason = Cow::Borrowed("`from` is not a sender of the account");
    invalid.extend(others.iter().map(|entry| Invalid { line: entry.line, reason: reason.clone() }));
    invalid.sort_unstable_by_key(|invalid| invalid.line);
    sound
}

fn read(body: &[u8], format: Format) -> Result<File, Refusal> {
    match format {
        Format::Csv => read_csv(body),
        Format::JsonLines => read_lines(body),
    }
}

/// The lines of a file of opt-outs that are sound, and those that are not, without an account to judge their senders.
///
/// # Errors
/// [`ErrorCode::RequestTooLarge`] with more than 50,000 entries.
pub fn lines(body: &[u8], csv: bool) -> Result<(Vec<u64>, Vec<u64>), Refusal> {
    let read = read(body, if csv { Format::Csv } else { Format::JsonLines })?;
    let sound = read.entries.into_iter().map(|entry| entry.line).collect();
    Ok((sound, read.invalid.into_iter().map(|invalid| invalid.line).collect()))
}

/// What an entry may have: what is read, and what a list of opt-outs shows beside it.
const KNOWN: [&str; 7] = ["number", "from", "reason", "createdAt", "source", "keyword", "messageId"];

/// Which columns hold what.
struct Columns {
    number: usize,
    from: Option<usize>,
    reason: Option<usize>,
    created_at: Option<usize>,
}

impl Columns {
    /// The columns that a header names; `None` where the line is none.
    fn named(record: &csv::StringRecord) -> Option<Self> {
        let at =
            |name: &str| record.iter().position(|cell| cell.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name));
        Some(Self { number: at("number")?, from: at("from"), reason: at("reason"), created_at: at("createdAt") })
    }

    /// The names of columns that mean nothing here and in no list of opt-outs.
    fn unknown(record: &csv::StringRecord) -> impl Iterator<Item = &str> {
        let names = record.iter().map(|name| name.trim_start_matches('\u{feff}'));
        names.filter(|name| !name.is_empty() && KNOWN.iter().all(|known| !name.eq_ignore_ascii_case(known)))
    }
}

/// An entry of a file, as it stands. What a list of opt-outs shows is one: fields that mean nothing here are ignored.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The recipient.
    pub number: String,
    /// The sender that the recipient opted out of; all senders if absent.
    pub from: Option<String>,
    /// The reason, for the record.
    pub reason: Option<String>,
    /// The time of the opt-out in RFC 3339 format; now if absent.
    pub created_at: Option<String>,
}

/// The records of a CSV file, each with its line, from 1; or why one cannot be read.
pub fn rows(file: &[u8]) -> impl Iterator<Item = (u64, Result<Row, Cow<'static, str>>)> {
    let mut columns = Columns { number: 0, from: None, reason: None, created_at: None };
    records(file).enumerate().filter_map(move |(at, record)| {
        let record = match record {
            Ok(record) => record,
            Err(error) => return Some((line_of(file, error.position()), Err(unreadable(&error)))),
        };
        if at == 0
            && let Some(named) = Columns::named(&record)
        {
            columns = named;
            return None;
        }
        let cell = |column: usize| record.get(column).filter(|text| !text.is_empty()).map(str::to_owned);
        let number = record.get(columns.number).unwrap_or_default().trim_start_matches('\u{feff}').to_owned();
        let (from, reason) = (columns.from.and_then(cell), columns.reason.and_then(cell));
        let row = Row { number, from, reason, created_at: columns.created_at.and_then(cell) };
        Some((line_of(file, record.position()), Ok(row)))
    })
}

fn records(file: &[u8]) -> impl Iterator<Item = csv::Result<csv::StringRecord>> {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(file);
    reader.into_records()
}

fn read_csv(body: &[u8]) -> Result<File, Refusal> {
    let mut read = File::default();
    if let Some(Ok(header)) = records(body).next()
        && Columns::named(&header).is_some()
    {
        Columns::unknown(&header).for_each(|name| read.unknown.note("", name));
    }
    for (line, row) in rows(body) {
        read.note(line, row.and_then(|row| entry(line, row)))?;
    }
    Ok(read)
}

fn unreadable(error: &csv::Error) -> Cow<'static, str> {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "the line is not UTF-8".into(),
        _ => "the line is not CSV".into(),
    }
}

/// An entry as JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(String),
    Entry(WrittenRow),
}

#[derive(Deserialize)]
struct WrittenRow {
    #[serde(flatten)]
    row: Row,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

fn read_lines(body: &[u8]) -> Result<File, Refusal> {
    let mut read = File::default();
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    for (line, text) in (1..).zip(body.split(|octet| *octet == b'\n')) {
        let text = text.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let found = match serde_json::from_slice(text) {
            Ok(Written::Number(number)) => entry(line, Row { number, ..Row::default() }),
            Ok(Written::Entry(WrittenRow { row, others })) => {
                let unknown = others.keys().filter(|name| !KNOWN.contains(&name.as_str()));
                unknown.for_each(|name| read.unknown.note("", name));
                entry(line, row)
            }
            Err(error) if error.is_data() => Err("the line is neither a string nor an object with a `number`".into()),
            Err(_) => Err("the line is not JSON".into()),
        };
        read.note(line, found)?;
    }
    Ok(read)
}

fn entry(line: u64, row: Row) -> Result<Entry, Cow<'static, str>> {
    let number = Msisdn::parse(&row.number)
        .map_err(|_| format!("`number` is `{}`, which is not a number such as +18005550100", shown(&row.number)))?;
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let from = given(row.from).map(|text| Originator::parse(&text)).transpose();
    let from = from.map_err(|_| "`from` is neither a number nor a short code nor a name")?;
    let reason = given(row.reason);
    if reason.as_deref().is_some_and(|reason| !is_reason(reason)) {
        return Err(format!("`reason` is not {REASON}").into());
    }
    let since = match given(row.created_at) {
        Some(text) => Some(Timestamp::parse(&text).ok_or("`createdAt` is not a time as in RFC 3339")?),
        None => None,
    };
    Ok(Entry { line, number, from, reason: reason.map(Arc::from), since })
}

/// The beginning of a text, without control characters.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().filter(|character| !character.is_control()).take(SHOWN_MAX).collect();
    if text.chars().count() > SHOWN_MAX {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
