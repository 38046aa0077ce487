//! Files of opt-outs: read as lines of JSON, in parts that fit into a request, and written as CSV.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::{Value, json};

use api::optouts::import::{Row, rows};

/// An entry of a file, as a line of JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The line of the file that it stands on, from 1.
    pub(super) number: u64,
    pub(super) text: String,
}

/// A line that cannot be read, and why.
pub(super) type Bad = (u64, String);

/// Entries of a request at most, so that each is answered soon.
const ENTRIES_MAX: usize = 5_000;

/// Octets of a request at most.
const BYTES_MAX: usize = 1 << 20;

/// The entries of a CSV file.
pub(super) fn of_csv(file: &[u8]) -> Vec<Result<Line, Bad>> {
    let entry = |(number, row): (u64, Result<Row, Cow<'static, str>>)| match row {
        Ok(row) => Ok(Line { number, text: json!(row).to_string() }),
        Err(why) => Err((number, why.into_owned())),
    };
    rows(file).map(entry).collect()
}

/// The entries of a file of JSON Lines.
pub(super) fn of_jsonl(file: &[u8]) -> Vec<Result<Line, Bad>> {
    let lines = (1..).zip(file.split(|octet| *octet == b'\n')).map(|(number, line)| (number, line.trim_ascii()));
    let entry = |(number, line): (u64, &[u8])| match std::str::from_utf8(line) {
        Ok(text) if text.len() <= BYTES_MAX => Ok(Line { number, text: text.to_owned() }),
        Ok(_) => Err((number, "the line is too long".to_owned())),
        Err(_) => Err((number, "the line is not UTF-8".to_owned())),
    };
    lines.filter(|(_, line)| !line.is_empty()).map(entry).collect()
}

/// Entries in parts that fit into a request each.
pub(super) struct Parts(std::iter::Peekable<std::vec::IntoIter<Line>>);

impl Parts {
    /// The sound ones of these lines; the others are added to `bad`.
    pub(super) fn of(lines: Vec<Result<Line, Bad>>, bad: &mut Vec<Bad>) -> Self {
        let mut sound = Vec::with_capacity(lines.len());
        for line in lines {
            match line {
                Ok(line) => sound.push(line),
                Err(why) => bad.push(why),
            }
        }
        Self(sound.into_iter().peekable())
    }
}

impl Iterator for Parts {
    type Item = Vec<Line>;

    fn next(&mut self) -> Option<Vec<Line>> {
        let (mut part, mut bytes) = (Vec::new(), 0);
        while part.len() < ENTRIES_MAX
            && let Some(line) = self.0.next_if(|line| part.is_empty() || bytes + line.text.len() < BYTES_MAX)
        {
            bytes += line.text.len() + 1;
            part.push(line);
        }
        (!part.is_empty()).then_some(part)
    }
}

/// The columns of an export. `number`, `from`, `reason` and `createdAt` are read by an import.
const COLUMNS: [&str; 7] = ["number", "from", "source", "keyword", "messageId", "createdAt", "reason"];

/// Writes the names of the columns.
pub(super) fn header(into: &mut impl Write) -> io::Result<()> {
    writeln!(into, "{}", COLUMNS.join(","))
}

/// Writes an opt-out.
pub(super) fn row(into: &mut impl Write, opt_out: &Value) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(into);
    writer.write_record(COLUMNS.map(|column| opt_out[column].as_str().unwrap_or_default()))?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_lines_with_their_numbers() {
        let csv = b"number,from,reason\n\n+18005551001,,\"no,\nthanks\"\n+18005551002,+18005550100,\n\xff\n";
        let lines = of_csv(csv);
        let expected = |number, text: &str| Ok(Line { number, text: text.to_owned() });
        assert_eq!(
            lines[0],
            expected(3, r#"{"number":"+18005551001","from":null,"reason":"no,\nthanks","createdAt":null}"#)
        );
        assert_eq!(lines[1].as_ref().map(|line| line.number), Ok(5));
        assert_eq!(lines[2], Err((6, "the line is not UTF-8".to_owned())));
        let lines = of_jsonl(b"\"+1\"\r\n\n  {}  \n\xff\n");
        let bad = Err((4, "the line is not UTF-8".to_owned()));
        assert_eq!(lines, [expected(1, "\"+1\""), expected(3, "{}"), bad]);
    }

    #[test]
    fn parts_fit_into_requests() {
        let line = |text: String| Ok(Line { number: 1, text });
        let lines = (0..ENTRIES_MAX + 1).map(|_| line("1".to_owned())).collect();
        assert_eq!(Parts::of(lines, &mut Vec::new()).map(|part| part.len()).collect::<Vec<_>>(), [ENTRIES_MAX, 1]);
        let lines = (0..3).map(|_| line("x".repeat(BYTES_MAX / 2))).collect();
        assert_eq!(Parts::of(lines, &mut Vec::new()).map(|part| part.len()).collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn an_export_can_be_imported() {
        let mut file = Vec::new();
        header(&mut file).unwrap();
        let opt_out = json!({ "number": "+18005551001", "from": null, "source": "api", "reason": "a, \"b\"" });
        row(&mut file, &opt_out).unwrap();
        let read: Vec<_> = rows(&file).map(|(_, row)| row.unwrap()).collect();
        assert_eq!((read[0].number.as_str(), read[0].from.as_deref()), ("+18005551001", None));
        assert_eq!(read[0].reason.as_deref(), Some("a, \"b\""));
    }
}
