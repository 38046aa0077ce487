//! Files of opt-outs.

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

#[test]
fn columns_and_fields_that_nobody_knows_are_named() {
    let unknown = |body: &str, format| read(body.as_bytes(), format).unwrap().unknown.to_header();
    for (body, format, expected) in [
        ("number,colour,From,,colour,source\n+18005551001,red,,,,\n", Format::Csv, Some("colour")),
        ("\u{feff}number,reason,createdAt\n", Format::Csv, None),
        ("+18005551001,red\n", Format::Csv, None),
        ("{\"number\":\"+18005551001\",\"colour\":1,\"keyword\":null}\n\"x\"\n", Format::JsonLines, Some("colour")),
        ("\"+18005551001\"\n", Format::JsonLines, None),
    ] {
        let names = unknown(body, format);
        assert_eq!(names.as_ref().map(|names| names.to_str().unwrap()), expected, "{body}");
    }
}
