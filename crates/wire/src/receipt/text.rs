//! The text of a receipt: `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…` (SMPP 3.4, appendix B).

use super::ReceiptState;

/// What a receipt's text says, as far as it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptText {
    /// The id that the carrier gave the message.
    pub id: Option<String>,
    /// How many messages were submitted.
    pub sub: Option<String>,
    /// How many were delivered.
    pub dlvrd: Option<String>,
    /// When it was submitted, by the carrier's clock; absent when it is all zeros.
    pub submit_date: Option<ReceiptDate>,
    /// When it got its state, by the carrier's clock; absent when it is all zeros.
    pub done_date: Option<ReceiptDate>,
    /// The state, as written.
    pub stat: Option<String>,
    /// The carrier's error, as written.
    pub err: Option<String>,
    /// The beginning of the message.
    pub text: Option<String>,
}

/// A date by the carrier's clock, whose zone only the carrier knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptDate {
    /// Year, with its century.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day, from 1.
    pub day: u8,
    /// Hour.
    pub hour: u8,
    /// Minute.
    pub minute: u8,
    /// Second; 0 where the text gives none.
    pub second: u8,
}

/// The names that fields go by. Longer ones first where one begins another.
const FIELDS: [(&str, Field); 12] = [
    ("submit date", Field::Submit),
    ("submit_date", Field::Submit),
    ("submitdate", Field::Submit),
    ("done date", Field::Done),
    ("done_date", Field::Done),
    ("donedate", Field::Done),
    ("dlvrd", Field::Dlvrd),
    ("stat", Field::Stat),
    ("text", Field::Text),
    ("sub", Field::Sub),
    ("err", Field::Err),
    ("id", Field::Id),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    Sub,
    Dlvrd,
    Submit,
    Done,
    Stat,
    Err,
    Text,
}

/// Reads a receipt's text. `None` when it is none: it names neither an id nor a state.
///
/// Fields may come in any order and any case, be missing or unknown, and be set apart by blanks, commas or semicolons; what follows `text:` is text.
pub fn parse(text: &str) -> Option<ReceiptText> {
    let mut receipt = ReceiptText::default();
    let mut rest = text;
    let mut named = 0;
    while let Some((field, after)) = next_field(rest) {
        let (value, next) = value_of(field, after);
        if !value.is_empty() {
            set(&mut receipt, field, value);
        }
        named += 1;
        rest = next;
    }
    let has_state = receipt.stat.is_some() && named >= 1;
    let has_id = receipt.id.is_some() && named >= 2;
    (has_state || has_id).then_some(receipt)
}

/// The next field's name that stands at the beginning of a word and is followed by a colon, and what comes after the colon.
fn next_field(text: &str) -> Option<(Field, &str)> {
    let mut at_word = true;
    for (index, character) in text.char_indices() {
        if at_word && let Some(found) = field_at(&text[index..]) {
            return Some(found);
        }
        at_word = !(character.is_alphanumeric() || character == '_');
    }
    None
}

fn field_at(text: &str) -> Option<(Field, &str)> {
    FIELDS.iter().find_map(|(name, field)| {
        let head = text.get(..name.len())?;
        let tail = text.get(name.len()..)?.trim_start_matches(' ');
        head.eq_ignore_ascii_case(name).then_some(())?;
        Some((*field, tail.strip_prefix(':')?))
    })
}

/// A field's value and what follows it. The last field, `text`, takes all; another ends at a separator or where the next field begins.
fn value_of(field: Field, after: &str) -> (&str, &str) {
    if field == Field::Text {
        return (after.trim_end(), "");
    }
    let start = after.trim_start_matches([' ', '\t']);
    if field_at(start).is_some() {
        return ("", start);
    }
    if let Some(quoted) = start.strip_prefix('"')
        && let Some((value, rest)) = quoted.split_once('"')
    {
        return (value, rest);
    }
    let end = start.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '\0')).unwrap_or(start.len());
    start.split_at(end)
}

fn set(receipt: &mut ReceiptText, field: Field, value: &str) {
    let own = || Some(value.to_owned());
    match field {
        Field::Id => receipt.id = receipt.id.take().or_else(own),
        Field::Sub => receipt.sub = own(),
        Field::Dlvrd => receipt.dlvrd = own(),
        Field::Submit => receipt.submit_date = ReceiptDate::parse(value),
        Field::Done => receipt.done_date = ReceiptDate::parse(value),
        Field::Stat => receipt.stat = own(),
        Field::Err => receipt.err = own(),
        Field::Text => receipt.text = own(),
    }
}

impl ReceiptDate {
    /// Reads `YYMMDDhhmm`, `YYMMDDhhmmss` or `YYYYMMDDhhmmss`. `None` for all zeros and for what is no date.
    pub fn parse(digits: &str) -> Option<Self> {
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 10 | 12 | 14) {
            return None;
        }
        let (year, rest) = digits.split_at(if digits.len() == 14 { 4 } else { 2 });
        let year: u16 = year.parse().ok()?;
        let pair = |index: usize| rest.get(index * 2..index * 2 + 2).map_or(Some(0), |pair| pair.parse::<u8>().ok());
        let date = Self {
            year: if digits.len() == 14 { year } else { 2000 + year },
            month: pair(0)?,
            day: pair(1)?,
            hour: pair(2)?,
            minute: pair(3)?,
            second: pair(4)?,
        };
        let sound = (1..=12).contains(&date.month) && (1..=31).contains(&date.day) && date.hour < 24 && date.minute < 60 && date.second < 61;
        sound.then_some(date)
    }
}

/// Writes a receipt's text in the usual form. `date` is as the carrier writes it; `err` has three characters, `text` at most 20.
pub fn build(id: &str, date: &str, state: ReceiptState, err: &str, text: &str) -> String {
    let delivered = u8::from(state == ReceiptState::Delivered);
    let stat = state.stat();
    format!("id:{id} sub:001 dlvrd:00{delivered} submit date:{date} done date:{date} stat:{stat} err:{err} text:{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A receipt's text from the field, and the id, state and error in it.
    type Row = (&'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>);

    const CORPUS: &[Row] = &[
        (
            "id:1234567890 sub:001 dlvrd:001 submit date:2603151430 done date:2603151431 stat:DELIVRD err:000 text:Hello",
            Some("1234567890"),
            Some("DELIVRD"),
            Some("000"),
        ),
        ("id:00B8BE19 sub:001 dlvrd:001 submit date:260315143000 done date:260315143100 stat:DELIVRD err:000", Some("00B8BE19"), Some("DELIVRD"), Some("000")),
        ("id:0f6a3c1e-2b7d-4c8e-9f10-a1b2c3d4e5f6 stat:UNDELIV err:1", Some("0f6a3c1e-2b7d-4c8e-9f10-a1b2c3d4e5f6"), Some("UNDELIV"), Some("1")),
        ("stat:EXPIRED id:42", Some("42"), Some("EXPIRED"), None),
        ("ID:42 SUB:1 DLVRD:1 SUBMIT DATE:20260315143000 DONE DATE:20260315143000 STAT:DELIVRD ERR:0000 TEXT:", Some("42"), Some("DELIVRD"), Some("0000")),
        ("id:42 sub:001 dlvrd:000 submitdate:2603151430 donedate:2603151431 stat:FAILED err:A12 Text:x", Some("42"), Some("FAILED"), Some("A12")),
        (
            "id:42 sub:001 dlvrd:001 submit date:0000000000 done date:0000000000 stat:DELIVRD err:000 text:id:99 stat:REJECTD",
            Some("42"),
            Some("DELIVRD"),
            Some("000"),
        ),
        ("id:42,sub:001,dlvrd:001,stat:DELIVRD,err:000", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42;stat:REJECTD;err:", Some("42"), Some("REJECTD"), None),
        ("id:\"42\" stat:\"DELIVRD\"", Some("42"), Some("DELIVRD"), None),
        ("id: 42 stat: DELIVRD err: 000", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42\r\nstat:DELIVRD\r\nerr:000\r\n", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42 sub:001 dlvrd:001 submit date: done date: stat:DELIVRD err:000 text:", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42 foo:bar stat:BUFFRED", Some("42"), Some("BUFFRED"), None),
        ("id:42 stat:0 err:000", Some("42"), Some("0"), Some("000")),
        ("stat:DELIVRD err:000 text:no id", None, Some("DELIVRD"), Some("000")),
        ("id:42 sub:001", Some("42"), None, None),
    ];

    #[test]
    fn receipts_from_the_field_are_read() {
        for (text, id, stat, err) in CORPUS {
            let read = parse(text).unwrap_or_else(|| panic!("no receipt: {text}"));
            assert_eq!((read.id.as_deref(), read.stat.as_deref(), read.err.as_deref()), (*id, *stat, *err), "{text}");
        }
    }

    #[test]
    fn ordinary_text_is_no_receipt() {
        for text in ["", "Hello", "my id: ask", "status:fine", "identity:42 thermostat:on", "I said id:42"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_have_10_12_or_14_digits() {
        let date = |digits| ReceiptDate::parse(digits).map(|date| (date.year, date.month, date.day, date.hour, date.minute, date.second));
        assert_eq!(date("2603151430"), Some((2026, 3, 15, 14, 30, 0)));
        assert_eq!(date("260315143059"), Some((2026, 3, 15, 14, 30, 59)));
        assert_eq!(date("20260315143059"), Some((2026, 3, 15, 14, 30, 59)));
        for bad in ["0000000000", "26031514", "260315143", "2613151430", "26031514xx", "2603152530"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_text_may_hold_what_looks_like_fields() {
        assert_eq!(parse("id:1 stat:DELIVRD text:stat:UNDELIV").and_then(|read| read.text), Some("stat:UNDELIV".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_built_is_read(id in "[0-9a-zA-Z-]{1,36}", state in prop::sample::select(ReceiptState::ALL.to_vec()), text in "[ -~]{0,20}") {
            let read = parse(&build(&id, "2603151430", state, "000", &text)).unwrap();
            prop_assert_eq!(read.id, Some(id));
            prop_assert_eq!(read.stat.map(|stat| ReceiptState::from_stat(&stat)), Some(state));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String, tail in "(id|stat|err|text|submit date): ?[\\PC]{0,9}") {
            let _ = parse(&text);
            let _ = parse(&format!("{tail}{text}{tail}"));
        }
    }
}
