//! A file of opt-outs: CSV, or a JSON value a line. Entries that are sound are taken, some hundreds at a time; every
//! line that is not is reported. A bad line leaves no other one out: to opt out too few is worse than to do it twice.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use model::error::{ErrorCode, Refusal};
use model::{Msisdn, OptOutName, OptOutSource, Originator, Owner, Timestamp};
use pipeline::Pipeline;
use pipeline::refusal::refused_by_store;
use pipeline::tenants::NewOptOut;
use runtime::Runtime;
use serde::{Deserialize, Serialize};

use super::{REASON, check_sender, is_reason};
use crate::csv_lines::line_of;

/// Entries of one request at most.
pub(crate) const ENTRIES_MAX: usize = 50_000;

/// How much is repeated of a text that is not understood, in characters.
const SHOWN_MAX: usize = 40;

/// How the entries of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A header that names the columns `number`, `from`, `reason` and `createdAt` in any order; or none, and then the
    /// first column has the numbers.
    Csv,
    /// A number as a string, or an object with `number`, `from`, `reason` and `createdAt`, on each line.
    JsonLines,
}

impl Format {
    /// The types of bodies that are read. `application/json` is among them, because 33103 asks for it.
    pub(crate) const TYPES: [&'static str; 6] = [
        "text/csv",
        "application/x-ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/json-lines",
        "application/json",
    ];

    /// The format of a type.
    pub(crate) fn of_type(kind: &str) -> Self {
        if kind == "text/csv" { Self::Csv } else { Self::JsonLines }
    }
}

/// What an import came to.
#[derive(Debug, Serialize)]
pub(crate) struct Imported {
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
    /// Reads a file and opts its numbers out. A failure of the store leaves the rest undone; a repeat does it.
    pub(crate) async fn of(
        pipeline: &Arc<Pipeline>,
        runtime: &Arc<dyn Runtime>,
        owner: Owner,
        format: Format,
        body: Bytes,
    ) -> Result<Self, Refusal> {
        // Off the runtime's threads: fifty thousand lines are milliseconds of work.
        let read = runtime.run_blocking("import of opt-outs", move || read(&body, format)).await;
        let Read { entries, mut invalid } =
            read.map_err(|error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error))??;
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

#[derive(Debug, Default)]
struct Read {
    entries: Vec<Entry>,
    invalid: Vec<Invalid>,
}

impl Read {
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

fn read(body: &[u8], format: Format) -> Result<Read, Refusal> {
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
}

/// An entry of a file, as it stands. What a list of opt-outs shows is one: fields that mean nothing here are ignored.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) number: String,
    pub(crate) from: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: Option<String>,
}

/// The records of a CSV file, each with its line, from 1; or why one cannot be read.
pub(crate) fn rows(file: &[u8]) -> impl Iterator<Item = (u64, Result<Row, Cow<'static, str>>)> {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(file);
    let mut columns = Columns { number: 0, from: None, reason: None, created_at: None };
    reader.into_records().enumerate().filter_map(move |(at, record)| {
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

fn read_csv(body: &[u8]) -> Result<Read, Refusal> {
    let mut read = Read::default();
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
    Entry(Row),
}

fn read_lines(body: &[u8]) -> Result<Read, Refusal> {
    let mut read = Read::default();
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    for (line, text) in (1..).zip(body.split(|octet| *octet == b'\n')) {
        let text = text.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let found = match serde_json::from_slice(text) {
            Ok(Written::Number(number)) => entry(line, Row { number, ..Row::default() }),
            Ok(Written::Entry(row)) => entry(line, row),
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
mod tests {
    use super::*;

    /// The entries as line, number, sender and reason; and the lines that are wrong.
    fn entries(body: &str, format: Format) -> (Vec<String>, Vec<u64>) {
        let read = read(body.as_bytes(), format).unwrap();
        let told = |entry: &Entry| {
            let from = entry.from.map(|from| from.to_string()).unwrap_or_default();
            format!("{} {} {from} {}", entry.line, entry.number, entry.reason.as_deref().unwrap_or_default())
        };
        (read.entries.iter().map(told).collect(), read.invalid.iter().map(|invalid| invalid.line).collect())
    }

    #[test]
    fn csv_has_a_header_or_numbers_first() {
        for (body, expected) in [
            ("+18005551001\n+18005551002,x\n", &["1 +18005551001  ", "2 +18005551002  "][..]),
            ("\u{feff}+18005551001\r\n\r\n+18005551002", &["1 +18005551001  ", "3 +18005551002  "]),
            (
                "reason,Number,from\n\"no, thanks\",+18005551001,+18005550100\n,+18005551002,\n",
                &["2 +18005551001 +18005550100 no, thanks", "3 +18005551002  "],
            ),
            ("", &[]),
            ("number,from\n", &[]),
        ] {
            let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            assert_eq!(entries(body, Format::Csv), (expected, vec![]), "{body}");
        }
    }

    #[test]
    fn json_lines_have_strings_or_objects() {
        let body = concat!(
            "\"+18005551001\"\r\n\n",
            r#"{"number":"+18005551002","from":null,"source":"keyword","createdAt":"2026-01-01T00:00:00Z"}"#,
            "\n",
            r#"{"number":"+18005551003","from":"72345","reason":"asked by phone"}"#,
        );
        let expected = ["1 +18005551001  ", "3 +18005551002  ", "4 +18005551003 72345 asked by phone"];
        assert_eq!(entries(body, Format::JsonLines), (expected.map(ToOwned::to_owned).to_vec(), vec![]));
    }

    #[test]
    fn every_bad_line_is_named_and_leaves_no_other_out() {
        let csv =
            "number,from,reason\n+18005551001\n18005551002\n+18005551003,??\n,,\n+18005551004,,a\u{7}b\n+18005551005\n";
        assert_eq!(entries(csv, Format::Csv).1, [3, 4, 5, 6]);
        let csv = "createdAt,number\n2026-03-15T12:00:00Z,+18005551001\n15.3.2026,+18005551002\n";
        assert_eq!(entries(csv, Format::Csv), (vec!["2 +18005551001  ".to_owned()], vec![3]));
        let lines = "\"+18005551001\"\n\"555\"\n{\"from\":\"+18005550100\"}\n[1]\n{\n7\nnull\n\"+18005551002\"\n";
        assert_eq!(entries(lines, Format::JsonLines).1, [2, 3, 4, 5, 6, 7]);
        assert_eq!(entries(lines, Format::JsonLines).0.len(), 2);
        let octets = read(b"+18005551001\n\xff\xff\n+18005551002\n", Format::Csv).unwrap();
        assert_eq!(octets.invalid, [Invalid { line: 2, reason: "the line is not UTF-8".into() }]);
        let long = format!("{{\"number\":\"+18005551001\",\"reason\":\"{}\"}}", "x".repeat(501));
        assert_eq!(entries(&long, Format::JsonLines).1, [1]);
    }

    #[test]
    fn a_value_is_repeated_in_part() {
        let body = format!("\"{}\\u001b[2J\"", "9".repeat(4_000));
        let invalid = read(body.as_bytes(), Format::JsonLines).unwrap().invalid;
        assert!(invalid[0].reason.len() < 140 && !invalid[0].reason.contains('\u{1b}'), "{invalid:?}");
    }

    #[test]
    fn entries_are_bounded() {
        let body = |count: usize| (0..count).map(|at| format!("+1800{at:07}\n")).collect::<String>();
        assert_eq!(read(body(ENTRIES_MAX).as_bytes(), Format::Csv).unwrap().entries.len(), ENTRIES_MAX);
        let refused = read(body(ENTRIES_MAX + 1).as_bytes(), Format::Csv).err().map(|refusal| refusal.code);
        assert_eq!(refused, Some(ErrorCode::RequestTooLarge));
    }
}
