//! A file of recipients: one number a line, or CSV with a column of numbers. Every line is checked before the command
//! sends anything.

use model::Msisdn;
use std::collections::HashMap;

use crate::csv_lines::line_of;

/// Names of the column that holds the numbers, in any case.
const COLUMNS: [&str; 6] = ["to", "number", "phone", "recipient", "msisdn", "mobile"];

/// The content of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// The numbers, each once, in order.
    pub(super) recipients: Vec<Msisdn>,
    /// The mistakes: the line, from 1, and a sentence.
    pub(super) bad: Vec<(u64, String)>,
}

/// Reads a file. Without a line that names a column of numbers, the first column holds them.
pub(super) fn read(file: &[u8]) -> Listed {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(file);
    let mut listed = Listed::default();
    let mut lines: HashMap<Msisdn, u64> = HashMap::new();
    let mut column = 0;
    for (at, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                listed.bad.push((line_of(file, error.position()), format!("cannot be read: {}", kind(&error))));
                continue;
            }
        };
        if at == 0
            && let Some(named) = record.iter().position(|cell| {
                COLUMNS.iter().any(|name| cell.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name))
            })
        {
            column = named;
            continue;
        }
        let line = line_of(file, record.position());
        let text = record.get(column).unwrap_or_default().trim_start_matches('\u{feff}');
        match Msisdn::parse(text) {
            Err(_) => listed.bad.push((line, format!("`{text}` is not a number such as +18005550100"))),
            Ok(number) => match lines.get(&number) {
                Some(first) => listed.bad.push((line, format!("{number} is on line {first} already"))),
                None => {
                    lines.insert(number, line);
                    listed.recipients.push(number);
                }
            },
        }
    }
    listed
}

fn kind(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<String> {
        let listed = read(text.as_bytes());
        assert_eq!(listed.bad, [], "{text}");
        listed.recipients.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_has_a_number_a_line_or_a_column_of_them() {
        let two = ["+18005551001", "+18005551002"];
        for text in [
            "+18005551001\n+18005551002",
            "+18005551001\r\n\r\n +18005551002 \r\n",
            "\u{feff}+18005551001,Ann\n+18005551002,\"Bob, \"\"the\"\" builder\"\n",
            "name,Phone\nAnn,+18005551001\n\"Bob\nBuilder\",\"+18005551002\"\n",
            "\u{feff}To\n+18005551001\n+18005551002\n",
        ] {
            assert_eq!(numbers(text), two, "{text:?}");
        }
        assert_eq!(numbers(""), Vec::<String>::new());
    }

    #[test]
    fn every_bad_line_is_told_by_its_number() {
        let listed = read("to,name\n+18005551001,Ann\n18005551002,Bob\n\n+18005551001,Cy\n,\n".as_bytes());
        let bad: Vec<_> =
            listed.bad.iter().map(|(line, what)| (*line, what.split_whitespace().next().unwrap().to_owned())).collect();
        assert_eq!(bad, [(3, "`18005551002`".to_owned()), (5, "+18005551001".to_owned()), (6, "``".to_owned())]);
        assert_eq!(listed.recipients.len(), 1);
        assert_eq!(
            read(b"+18005551001\n\xff\xff\n+18005551002\n").bad,
            [(2, "cannot be read: it is not UTF-8".to_owned())]
        );
    }
}
