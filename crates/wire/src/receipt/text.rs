//! The text of a receipt: `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…` (SMPP 3.4, appendix B).

use super::ReceiptState;

/// What a receipt's text says, as far as it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptText {
    /// The id that the carrier gave the message.
    pub id: Option<String>,
    /// The id with what stands between it and the next field, where that may belong to it: ids may have blanks, commas
    /// or semicolons in them.
    pub long_id: Option<String>,
    /// Whether the id stood behind the repeated message, which may itself have written it.
    pub id_is_behind_text: bool,
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

/// The names that fields with this first letter go by. Longer ones first where one begins another.
const fn fields_by_letter(letter: u8) -> &'static [(&'static str, Field)] {
    match letter {
        b's' => &[
            ("submit date", Field::Submit),
            ("submit_date", Field::Submit),
            ("submitdate", Field::Submit),
            ("stat", Field::Stat),
            ("sub", Field::Sub),
        ],
        b'd' => &[
            ("done date", Field::Done),
            ("done_date", Field::Done),
            ("donedate", Field::Done),
            ("dlvrd", Field::Dlvrd),
        ],
        b't' => &[("text", Field::Text)],
        b'e' => &[("err", Field::Err)],
        b'i' => &[("id", Field::Id)],
        _ => &[],
    }
}

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

/// How the fields of a text stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Apart from each other, as the specification has them.
    Apart,
    /// Each directly behind the value before it: `stat:DELIVRDerr:000`.
    Joined,
}

/// Reads a receipt's text. `None` when it is none: it names neither an id nor a state.
///
/// Fields may come in any order and any case, be missing or unknown, and be set apart by blanks, commas or semicolons,
/// or by nothing where that leaves no doubt. The first of a name counts. What follows `text:` repeats the message, and
/// no field in it counts beside one that came before. Where the id or the state is missing by then, fields come after
/// the message, and the last of a name counts.
pub fn parse(text: &str) -> Option<ReceiptText> {
    let apart = parse_as(text, Form::Apart);
    let is_plain = |field: &Option<String>| field.as_ref().is_some_and(|value| !value.contains(':'));
    let is_complete = |receipt: &ReceiptText| is_plain(&receipt.id) && is_plain(&receipt.stat);
    if apart.as_ref().is_some_and(is_complete) {
        return apart;
    }
    // Names within words are fields only where nothing else makes sense: the text begins with one, and the state is
    // one.
    if field_at(text.trim_start()).is_none() {
        return apart;
    }
    let has_state = |receipt: &ReceiptText| {
        receipt.stat.as_deref().is_some_and(|stat| ReceiptState::from_stat(stat) != ReceiptState::Unknown)
    };
    let joined = parse_as(text, Form::Joined)
        .filter(|joined| is_complete(joined) && has_state(joined) && !joined.id_is_behind_text);
    joined.or(apart)
}

fn parse_as(text: &str, form: Form) -> Option<ReceiptText> {
    let mut receipt = ReceiptText::default();
    let mut rest = text;
    let (mut named, mut seen) = (0, Vec::new());
    // Only the first field of joined ones stands at the beginning of a word.
    while let Some((field, after)) =
        if named == 0 || form == Form::Apart { next_field(rest) } else { joined_field(rest) }
    {
        named += 1;
        // A name that comes twice may be a part of a value.
        if form == Form::Joined && seen.contains(&field) {
            return None;
        }
        seen.push(field);
        if field == Field::Text {
            named += read_echo(&mut receipt, after);
            break;
        }
        let (value, next) = value_of(after, form);
        if !value.is_empty() {
            set(&mut receipt, field, value, after, form);
        }
        rest = next;
    }
    // An id alone is a word of any message, unless the text begins with it: then the state is in a parameter.
    let begins_with_field = field_at(text.trim_start()).is_some();
    let has_id = receipt.id.is_some() && (named >= 2 || begins_with_field);
    (receipt.stat.is_some() || has_id).then_some(receipt)
}

/// Reads what follows `text:`: the message, and behind it those of the id, the state and the error that did not come
/// before. Says how many there were.
fn read_echo(receipt: &mut ReceiptText, echo: &str) -> usize {
    let (lacks_id, lacks_stat) = (receipt.id.is_none(), receipt.stat.is_none());
    let mut behind = ReceiptText::default();
    let mut rest = echo;
    let mut ends_at = echo.len();
    let mut named = 0;
    while let Some((field, after)) = next_field(rest).filter(|_| lacks_id || lacks_stat) {
        let (value, next) = value_of(after, Form::Apart);
        let wanted = match field {
            Field::Id => lacks_id,
            Field::Stat => lacks_stat,
            Field::Err => receipt.err.is_none(),
            _ => false,
        };
        if wanted && !value.is_empty() {
            forget(&mut behind, field);
            set(&mut behind, field, value, after, Form::Apart);
            // The field's name and colon come before its value.
            ends_at = if named == 0 { echo.len() - rest.len() } else { ends_at };
            named += 1;
        }
        rest = next;
    }
    // An error alone is a word of the message: fields behind it have what was missing.
    if behind.id.is_some() || behind.stat.is_some() {
        receipt.id_is_behind_text = lacks_id && behind.id.is_some();
        receipt.id = receipt.id.take().or(behind.id);
        receipt.long_id = receipt.long_id.take().or(behind.long_id);
        receipt.stat = receipt.stat.take().or(behind.stat);
        receipt.err = receipt.err.take().or(behind.err);
    } else {
        (named, ends_at) = (0, echo.len());
    }
    receipt.text = echo.get(..ends_at).map(str::trim_end).filter(|text| !text.is_empty()).map(str::to_owned);
    named
}

/// The next field's name that stands at the beginning of a word and is followed by a colon, and what comes after the
/// colon.
fn next_field(text: &str) -> Option<(Field, &str)> {
    let mut at_word = true;
    for (index, character) in text.char_indices() {
        if at_word && let Some(found) = field_at(&text[index..]) {
            return Some(found);
        }
        // Octets beyond ASCII before a field are rubbish, or the end of another language's word; no field of a receipt
        // joins them.
        at_word = !(character.is_ascii_alphanumeric() || character == '_');
    }
    None
}

/// The next field's name that a colon follows, wherever it stands.
fn joined_field(text: &str) -> Option<(Field, &str)> {
    text.char_indices().find_map(|(index, _)| field_at(&text[index..]))
}

/// The field whose name stands here, in quotes or not, and what comes after its colon.
fn field_at(text: &str) -> Option<(Field, &str)> {
    let octets = text.as_bytes();
    let fields = fields_by_letter(octets.first()?.to_ascii_lowercase());
    fields.iter().find_map(|(name, field)| {
        octets.get(..name.len()).filter(|head| head.eq_ignore_ascii_case(name.as_bytes()))?;
        let colon = octets.iter().skip(name.len()).position(|octet| !matches!(octet, b' ' | b'"'))? + name.len();
        Some((*field, text.get(colon..)?.strip_prefix(':')?))
    })
}

/// A field's value and what follows it: it ends at a separator or where the next field begins.
fn value_of(after: &str, form: Form) -> (&str, &str) {
    let start = after.trim_start_matches([' ', '\t']);
    if field_at(start).is_some() {
        return ("", start);
    }
    if let Some(quoted) = start.strip_prefix('"')
        && let Some((value, rest)) = quoted.split_once('"')
        && next_field(value).is_none()
    {
        return (value, rest);
    }
    let end = start
        .find(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '|' | '}'))
        .unwrap_or(start.len());
    let is_next = |index: &usize| form == Form::Joined && field_at(&start[*index..]).is_some();
    let next = start[..end].char_indices().map(|(index, _)| index).find(is_next);
    start.split_at(next.unwrap_or(end))
}

/// The most characters of a value that goes up to the next field: what an acknowledgement's id may have (SMPP 3.4,
/// 5.2.23), and more than a state has.
const LONG_CHARS_MAX: usize = 65;

/// The most words of a state that no field follows: `NOT DELIVERED TO HANDSET`. More are the message, without a name
/// before it.
const STAT_WORDS_MAX: usize = 4;

/// All that stands before the next field, where it is more than the first word and no field of an unknown name is in
/// it.
fn long_value<'a>(after: &'a str, short: &str) -> Option<&'a str> {
    let start = after.trim_start();
    // A longer value is none, so that no more than this is looked at however long the text is.
    let most = start.char_indices().nth(LONG_CHARS_MAX + 1).map_or(start.len(), |(index, _)| index);
    let end = start.char_indices().take_while(|(index, _)| *index < most).find(|(index, c)| {
        let begins_field = start[..*index].ends_with(is_separator) && field_at(&start[*index..]).is_some();
        matches!(c, '\r' | '\n' | '\0') || begins_field
    });
    let end = end.map_or(most, |(index, _)| index);
    let value = start.get(..end)?.trim_end_matches(|c| is_separator(c) || matches!(c, '}' | '"'));
    (value.len() > short.len() && value.chars().count() <= LONG_CHARS_MAX && !value.contains(':')).then_some(value)
}

fn set(receipt: &mut ReceiptText, field: Field, value: &str, after: &str, form: Form) {
    let keep = |slot: &mut Option<String>| *slot = slot.take().or_else(|| Some(value.to_owned()));
    match field {
        Field::Id if receipt.id.is_none() => {
            receipt.id = Some(value.to_owned());
            receipt.long_id = long_value(after, value).filter(|_| form == Form::Apart).map(str::to_owned);
        }
        Field::Stat if receipt.stat.is_none() => receipt.stat = Some(stat_of(value, after, form).to_owned()),
        Field::Id | Field::Stat | Field::Text => {}
        Field::Sub => keep(&mut receipt.sub),
        Field::Dlvrd => keep(&mut receipt.dlvrd),
        Field::Submit => receipt.submit_date = receipt.submit_date.or_else(|| ReceiptDate::parse(value)),
        Field::Done => receipt.done_date = receipt.done_date.or_else(|| ReceiptDate::parse(value)),
        Field::Err => keep(&mut receipt.err),
    }
}

/// A state with all the words that belong to it, since the later ones may take back what the first says:
/// `DELIVERED TO SMSC`. They go to the next field, one of an unknown name included.
fn stat_of<'a>(value: &'a str, after: &'a str, form: Form) -> &'a str {
    let start = after.trim_start();
    if start.starts_with('"') {
        return value;
    }
    // Counted in characters, so that no more than this is looked at however long the text is.
    let most = start.char_indices().nth(LONG_CHARS_MAX + 1).map_or(start.len(), |(index, _)| index);
    let mut is_followed = false;
    let mut end = most;
    for (index, character) in start[..most].char_indices() {
        let is_field =
            (form == Form::Joined || start[..index].ends_with(is_separator)) && field_at(&start[index..]).is_some();
        if is_field || character == ':' || matches!(character, '\r' | '\n' | '\0' | '}') {
            is_followed = is_field || character == ':';
            end = if character == ':' { start[..index].rfind(is_separator).unwrap_or(0) } else { index };
            break;
        }
    }
    let words = start[..end].trim_end_matches(is_separator);
    let is_state = words.len() > value.len() && words.chars().count() <= LONG_CHARS_MAX;
    if is_state && (is_followed || words.split_whitespace().count() <= STAT_WORDS_MAX) { words } else { value }
}

const fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | ',' | ';' | '|')
}

fn forget(receipt: &mut ReceiptText, field: Field) {
    match field {
        Field::Id => (receipt.id, receipt.long_id) = (None, None),
        Field::Stat => receipt.stat = None,
        Field::Err => receipt.err = None,
        Field::Sub | Field::Dlvrd | Field::Submit | Field::Done | Field::Text => {}
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
        let sound = (1..=12).contains(&date.month)
            && (1..=31).contains(&date.day)
            && date.hour < 24
            && date.minute < 60
            && date.second < 61;
        sound.then_some(date)
    }
}

/// Writes a receipt's text in the usual form. `submitted` and `done` are dates as the carrier writes them; `err` has
/// three characters, `text` at most 20.
pub fn build(id: &str, (submitted, done): (&str, &str), state: ReceiptState, err: &str, text: &str) -> String {
    let delivered = u8::from(state == ReceiptState::Delivered);
    let stat = state.stat();
    format!(
        "id:{id} sub:001 dlvrd:00{delivered} submit date:{submitted} done date:{done} stat:{stat} err:{err} text:{text}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A receipt's text from the field, and the id, state and error in it.
    type Row = (&'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>);

    const CORPUS: &[Row] = &[
        (
            "id:1234567890 sub:001 dlvrd:001 submit date:2603151430 done date:2603151431 stat:DELIVRD err:000 \
             text:Hello",
            Some("1234567890"),
            Some("DELIVRD"),
            Some("000"),
        ),
        (
            "id:00B8BE19 sub:001 dlvrd:001 submit date:260315143000 done date:260315143100 stat:DELIVRD err:000",
            Some("00B8BE19"),
            Some("DELIVRD"),
            Some("000"),
        ),
        (
            "id:0f6a3c1e-2b7d-4c8e-9f10-a1b2c3d4e5f6 stat:UNDELIV err:1",
            Some("0f6a3c1e-2b7d-4c8e-9f10-a1b2c3d4e5f6"),
            Some("UNDELIV"),
            Some("1"),
        ),
        ("stat:EXPIRED id:42", Some("42"), Some("EXPIRED"), None),
        (
            "ID:42 SUB:1 DLVRD:1 SUBMIT DATE:20260315143000 DONE DATE:20260315143000 STAT:DELIVRD ERR:0000 TEXT:",
            Some("42"),
            Some("DELIVRD"),
            Some("0000"),
        ),
        (
            "id:42 sub:001 dlvrd:000 submitdate:2603151430 donedate:2603151431 stat:FAILED err:A12 Text:x",
            Some("42"),
            Some("FAILED"),
            Some("A12"),
        ),
        (
            "id:42 sub:001 dlvrd:001 submit date:0000000000 done date:0000000000 stat:DELIVRD err:000 text:id:99 \
             stat:REJECTD",
            Some("42"),
            Some("DELIVRD"),
            Some("000"),
        ),
        ("id:42,sub:001,dlvrd:001,stat:DELIVRD,err:000", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42;stat:REJECTD;err:", Some("42"), Some("REJECTD"), None),
        ("id:\"42\" stat:\"DELIVRD\"", Some("42"), Some("DELIVRD"), None),
        ("id: 42 stat: DELIVRD err: 000", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42\r\nstat:DELIVRD\r\nerr:000\r\n", Some("42"), Some("DELIVRD"), Some("000")),
        (
            "id:42 sub:001 dlvrd:001 submit date: done date: stat:DELIVRD err:000 text:",
            Some("42"),
            Some("DELIVRD"),
            Some("000"),
        ),
        ("id:42 foo:bar stat:BUFFRED", Some("42"), Some("BUFFRED"), None),
        ("id:42 stat:0 err:000", Some("42"), Some("0"), Some("000")),
        ("stat:DELIVRD err:000 text:no id", None, Some("DELIVRD"), Some("000")),
        ("id:42 sub:001", Some("42"), None, None),
        ("id:42", Some("42"), None, None),
        // The message before the other fields, with what looks like fields in it.
        ("text:Hello id:42 stat:DELIVRD err:000", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42 text:Hello stat:DELIVRD err:000", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42 text:my id:99 stat:REJECTD err:9 stat:DELIVRD err:000", Some("42"), Some("DELIVRD"), Some("000")),
        ("text:my id:99 stat:REJECTD err:9 id:42 stat:DELIVRD err:000", Some("42"), Some("DELIVRD"), Some("000")),
        ("stat:DELIVRD err:000 text:Hello id:42", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42 stat:DELIVRD text:the err:7 of it", Some("42"), Some("DELIVRD"), None),
        ("id:42 err:000 text:Hello err:7", Some("42"), None, Some("000")),
        // The message without a name before it.
        ("id:42 stat:DELIVRD err:000 my id:99 stat:REJECTD err:9", Some("42"), Some("DELIVRD"), Some("000")),
        ("\u{1}\u{2}id:42\u{1c}stat:DELIVRD\u{1c}err:000\u{3}", Some("42"), Some("DELIVRD"), Some("000")),
        ("\u{fe}\u{ff}id:42 stat:DELIVRD", Some("42"), Some("DELIVRD"), None),
        ("\u{e9}id:42 stat:DELIVRD", Some("42"), Some("DELIVRD"), None),
        ("{\"id\":\"42\",\"stat\":\"DELIVRD\",\"err\":\"000\"}", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:\"42 stat:DELIVRD text:say \"hi\"", Some("\"42"), Some("DELIVRD"), None),
        ("id:42|stat:DELIVRD|err:000", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42 stat:NOT DELIVERED err:000", Some("42"), Some("NOT DELIVERED"), Some("000")),
        // All the words of a state, to the next field; a message without a name before it is longer.
        ("id:42 stat:DELIVRD and more", Some("42"), Some("DELIVRD and more"), None),
        ("id:42 stat:DELIVERED TO SMSC err:000", Some("42"), Some("DELIVERED TO SMSC"), Some("000")),
        (
            "id:42 stat:DELIVRD NOT CONFIRMED BY THE HANDSET err:000",
            Some("42"),
            Some("DELIVRD NOT CONFIRMED BY THE HANDSET"),
            Some("000"),
        ),
        ("id:42 stat:DELIVERED TO SMSC foo:bar", Some("42"), Some("DELIVERED TO SMSC"), None),
        ("id:42 stat:DELIVRD foo:bar err:000", Some("42"), Some("DELIVRD"), Some("000")),
        ("id:42 stat:DELIVRD Dear customer, this is not for you", Some("42"), Some("DELIVRD"), None),
        ("id:42 stat:DELIVRD\r\nNOT", Some("42"), Some("DELIVRD"), None),
        (
            "{\"id\":\"42\",\"stat\":\"DELIVERED TO SMSC\",\"err\":\"000\"}",
            Some("42"),
            Some("DELIVERED TO SMSC"),
            Some("000"),
        ),
        // Nothing between the fields.
        (
            "id:123sub:001dlvrd:001submit date:2603151430done date:2603151431stat:DELIVRDerr:000text:id:99 \
             stat:REJECTD",
            Some("123"),
            Some("DELIVRD"),
            Some("000"),
        ),
        ("id:00B8BE19stat:UNDELIVerr:1", Some("00B8BE19"), Some("UNDELIV"), Some("1")),
        ("id:123sub:001 dlvrd:001 stat:DELIVRD err:000", Some("123"), Some("DELIVRD"), Some("000")),
        ("id:123 sub:001 stat:DELIVRDerr:000text:", Some("123"), Some("DELIVRD"), Some("000")),
        ("stat:NOT DELIVEREDid:42err:7", Some("42"), Some("NOT DELIVERED"), Some("7")),
        ("id:user-id:99 stat:DELIVRD", Some("user-id:99"), Some("DELIVRD"), None),
    ];

    #[test]
    fn receipts_from_the_field_are_read() {
        for (text, id, stat, err) in CORPUS {
            let read = parse(text).unwrap_or_else(|| panic!("no receipt: {text}"));
            assert_eq!((read.id.as_deref(), read.stat.as_deref(), read.err.as_deref()), (*id, *stat, *err), "{text}");
        }
    }

    #[test]
    fn an_id_may_have_blanks_in_it() {
        for (text, id, long) in [
            ("id:ABC 123 sub:001 stat:DELIVRD", "ABC", Some("ABC 123")),
            ("id:a,b stat:DELIVRD", "a", Some("a,b")),
            ("id:42 stat:DELIVRD", "42", None),
            ("id:42  stat:DELIVRD", "42", None),
            ("id:42 foo:bar stat:DELIVRD", "42", None),
            ("stat:DELIVRD id:ABC 123", "ABC", Some("ABC 123")),
            ("id:42\r\nstat:DELIVRD", "42", None),
        ] {
            let read = parse(text).unwrap();
            assert_eq!((read.id.as_deref(), read.long_id.as_deref()), (Some(id), long), "{text}");
        }
    }

    #[test]
    fn ordinary_text_is_no_receipt() {
        for text in [
            "",
            "Hello",
            "my id: ask",
            "status:fine",
            "identity:42 thermostat:on",
            "I said id:42",
            "My id:42 and my thermostat:OK",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_have_10_12_or_14_digits() {
        let date = |digits| {
            ReceiptDate::parse(digits)
                .map(|date| (date.year, date.month, date.day, date.hour, date.minute, date.second))
        };
        assert_eq!(date("2603151430"), Some((2026, 3, 15, 14, 30, 0)));
        assert_eq!(date("260315143059"), Some((2026, 3, 15, 14, 30, 59)));
        assert_eq!(date("20260315143059"), Some((2026, 3, 15, 14, 30, 59)));
        for bad in ["0000000000", "26031514", "260315143", "2613151430", "26031514xx", "2603152530"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_text_may_hold_what_looks_like_fields() {
        assert_eq!(
            parse("id:1 stat:DELIVRD text:stat:UNDELIV").and_then(|read| read.text),
            Some("stat:UNDELIV".to_owned())
        );
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn what_is_built_is_read(
            id in "[0-9a-zA-Z-]{1,36}",
            state in prop::sample::select(ReceiptState::ALL.to_vec()),
            text in "[ -~]{0,20}",
        ) {
            let read = parse(&build(&id, ("2603151430", "2603151431"), state, "000", &text)).unwrap();
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
