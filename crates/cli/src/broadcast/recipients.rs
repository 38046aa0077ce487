//! A file of recipients: one number a line, or CSV with a column of numbers and one for each variable in the text.
//! Every line is checked before the command sends anything.

use csv::StringRecord;
use model::Msisdn;
use std::collections::HashMap;

use api::csv_lines::line_of;

/// Names of the column that holds the numbers, in any case.
const COLUMNS: [&str; 6] = ["to", "number", "phone", "recipient", "msisdn", "mobile"];

/// A recipient.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recipient {
    /// The number.
    pub(super) number: Msisdn,
    /// The values for the variables in the text, in the order of the variables.
    pub(super) values: Vec<String>,
}

/// The content of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// The recipients, each number once, in order.
    pub(super) recipients: Vec<Recipient>,
    /// The mistakes: the line, from 1, and a sentence.
    pub(super) bad: Vec<(u64, String)>,
}

/// Where a file has what is read of it.
#[derive(Debug, Default)]
struct Columns {
    number: usize,
    values: Vec<usize>,
}

impl Columns {
    /// The columns that the first record names; `None` where it names none of numbers, and holds a recipient itself.
    /// `Err` has the variables for which there is no column.
    fn named(record: &StringRecord, variables: &[&str]) -> Option<Result<Self, Vec<String>>> {
        let has = |cell: &str, name: &str| cell.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name);
        let number = record.iter().position(|cell| COLUMNS.iter().any(|name| has(cell, name)))?;
        let (mut values, mut missing) = (Vec::new(), Vec::new());
        for name in variables {
            match record.iter().position(|cell| has(cell, name)) {
                Some(column) => values.push(column),
                None => missing.push((*name).to_owned()),
            }
        }
        Some(if missing.is_empty() { Ok(Self { number, values }) } else { Err(missing) })
    }
}

/// Reads a file, with a value for each of these variables. Without a line that names a column of numbers, the first
/// column holds them.
pub(super) fn read(file: &[u8], variables: &[&str]) -> Listed {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(file);
    let mut listed = Listed::default();
    let mut lines: HashMap<Msisdn, u64> = HashMap::new();
    let mut columns = Columns::default();
    for (at, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                listed.bad.push((line_of(file, error.position()), format!("cannot be read: {}", kind(&error))));
                continue;
            }
        };
        let line = line_of(file, record.position());
        if at == 0 {
            match Columns::named(&record, variables) {
                Some(Ok(named)) => {
                    columns = named;
                    continue;
                }
                None if variables.is_empty() => {}
                None => {
                    let what = "names no column of numbers, such as `to`; a text with variables needs names of columns";
                    listed.bad.push((line, what.to_owned()));
                    return listed;
                }
                Some(Err(missing)) => {
                    let told = |name| (line, format!("has no column `{name}`, which the text needs"));
                    listed.bad.extend(missing.into_iter().map(told));
                    return listed;
                }
            }
        }
        let text = record.get(columns.number).unwrap_or_default().trim_start_matches('\u{feff}');
        let values = columns.values.iter().map(|column| record.get(*column).unwrap_or_default().to_owned());
        let values: Vec<String> = values.collect();
        let blank = variables.iter().zip(&values).find(|(_, value)| value.is_empty());
        match Msisdn::parse(text) {
            Err(_) => listed.bad.push((line, format!("`{text}` is not a number such as +18005550100"))),
            Ok(number) => match lines.get(&number) {
                Some(first) => listed.bad.push((line, format!("{number} is on line {first} already"))),
                None => match blank {
                    Some((name, _)) => listed.bad.push((line, format!("has no value for `{name}`"))),
                    None => {
                        lines.insert(number, line);
                        listed.recipients.push(Recipient { number, values });
                    }
                },
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
        let listed = read(text.as_bytes(), &[]);
        assert_eq!(listed.bad, [], "{text}");
        listed.recipients.iter().map(|recipient| recipient.number.to_string()).collect()
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
        let listed = read("to,name\n+18005551001,Ann\n18005551002,Bob\n\n+18005551001,Cy\n,\n".as_bytes(), &[]);
        let bad: Vec<_> =
            listed.bad.iter().map(|(line, what)| (*line, what.split_whitespace().next().unwrap().to_owned())).collect();
        assert_eq!(bad, [(3, "`18005551002`".to_owned()), (5, "+18005551001".to_owned()), (6, "``".to_owned())]);
        assert_eq!(listed.recipients.len(), 1);
        assert_eq!(
            read(b"+18005551001\n\xff\xff\n+18005551002\n", &[]).bad,
            [(2, "cannot be read: it is not UTF-8".to_owned())]
        );
    }

    #[test]
    fn columns_hold_the_values_of_variables() {
        let file = b"Name,to,code,note\nAda,+18005551001,11,x\n\"Bob, B.\",+18005551002, 22 ,\n";
        let listed = read(file, &["code", "name"]);
        let found: Vec<_> = listed.recipients.iter().map(|recipient| recipient.values.join("|")).collect();
        assert_eq!((found, listed.bad), (vec!["11|Ada".to_owned(), "22|Bob, B.".to_owned()], Vec::new()));
    }

    #[test]
    fn a_column_or_a_value_that_a_variable_lacks_is_told() {
        let told = |file: &str, variables: &[&str]| {
            let Listed { recipients, bad } = read(file.as_bytes(), variables);
            let bad: Vec<_> = bad.into_iter().map(|(line, what)| format!("{line} {what}")).collect();
            (recipients.len(), bad.join("; "))
        };
        let file = "to,name\n+18005551001,Ada\n+18005551002,\n+18005551003\n";
        assert_eq!(told(file, &["name"]), (1, "3 has no value for `name`; 4 has no value for `name`".to_owned()));
        assert_eq!(told(file, &["name", "code"]), (0, "1 has no column `code`, which the text needs".to_owned()));
        let (none, why) = told("+18005551001,Ada\n", &["name"]);
        assert!(none == 0 && why.starts_with("1 names no column of numbers"), "{why}");
    }
}
