//! Values as both stores have them: what is read from one is compared with what is read from the other.

use uuid::Uuid;

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Null,
    /// A boolean.
    Flag(bool),
    /// An integer of any width.
    Number(i64),
    /// An id.
    Id(Uuid),
    /// A text.
    Text(String),
    /// Octets.
    Octets(Vec<u8>),
}

/// What a column of the copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `uuid`. The source has 16 octets, or none for what belongs to no account.
    Id,
    /// `boolean`.
    Flag,
    /// `bigint`.
    Long,
    /// `integer`.
    Number,
    /// `smallint`.
    Short,
    /// `text` that the platform or an operator's rule allows.
    Text,
    /// `text` of a stranger, which may have any character.
    Foreign,
    /// `bytea`.
    Octets,
    /// `timestamptz`, of which the source says only whether there is one: so many seconds after 1970.
    Instant(u64),
}

/// Values in a form whose octets differ where the values do.
pub fn write(values: &[Value], octets: &mut Vec<u8>) {
    for value in values {
        let (tag, content): (u8, &[u8]) = match value {
            Value::Null => (0, &[]),
            Value::Flag(flag) => (1, if *flag { &[1] } else { &[0] }),
            Value::Number(number) => (2, &number.to_be_bytes()),
            Value::Id(id) => (3, id.as_bytes()),
            Value::Text(text) => (4, text.as_bytes()),
            Value::Octets(octets) => (5, octets),
        };
        octets.push(tag);
        octets.extend_from_slice(&(content.len() as u64).to_be_bytes());
        octets.extend_from_slice(content);
    }
}

/// The values that [`write()`] wrote, `None` where it did not.
pub fn read(mut octets: &[u8]) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    while let Some((tag, rest)) = octets.split_first() {
        let (length, rest) = rest.split_first_chunk()?;
        let (content, rest) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
        octets = rest;
        values.push(match tag {
            0 => Value::Null,
            1 => Value::Flag(content == [1]),
            2 => Value::Number(i64::from_be_bytes(content.try_into().ok()?)),
            3 => Value::Id(Uuid::from_slice(content).ok()?),
            4 => Value::Text(std::str::from_utf8(content).ok()?.to_owned()),
            5 => Value::Octets(content.to_owned()),
            _ => return None,
        });
    }
    Some(values)
}

impl Kind {
    /// A value of SQLite as the copy has it; `None` where no column of this kind has such a one.
    pub fn translated(self, value: Value) -> Option<Value> {
        match (self, value) {
            (_, Value::Null) => Some(Value::Null),
            (Self::Id, Value::Octets(octets)) if octets.is_empty() => Some(Value::Id(Uuid::nil())),
            (Self::Id, Value::Octets(octets)) => Uuid::from_slice(&octets).ok().map(Value::Id),
            (Self::Flag | Self::Instant(_), Value::Number(number)) => Some(Value::Flag(number != 0)),
            (Self::Long, value @ Value::Number(_)) => Some(value),
            (Self::Number, Value::Number(number)) => i32::try_from(number).is_ok().then_some(Value::Number(number)),
            (Self::Short, Value::Number(number)) => i16::try_from(number).is_ok().then_some(Value::Number(number)),
            (Self::Text | Self::Foreign, value @ Value::Text(_)) => Some(value),
            (Self::Octets, value @ Value::Octets(_)) => Some(value),
            _ => None,
        }
    }
}

/// Values as an operator reads them in a sentence.
pub fn shown(values: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        Value::Flag(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Id(id) => id.to_string(),
        Value::Text(text) => text.escape_default().to_string(),
        Value::Octets(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
    };
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written() {
        let values = vec![
            Value::Null,
            Value::Flag(true),
            Value::Flag(false),
            Value::Number(-3),
            Value::Id(Uuid::from_u128(7)),
            Value::Text("a\0b".to_owned()),
            Value::Octets(Vec::new()),
        ];
        let mut octets = Vec::new();
        write(&values, &mut octets);
        assert_eq!(read(&octets), Some(values));
        octets.pop();
        assert_eq!(read(&octets), None);
    }

    #[test]
    fn what_does_not_fit_is_not_translated() {
        assert_eq!(Kind::Id.translated(Value::Octets(Vec::new())), Some(Value::Id(Uuid::nil())));
        assert_eq!(Kind::Flag.translated(Value::Number(1)), Some(Value::Flag(true)));
        assert_eq!(Kind::Long.translated(Value::Null), Some(Value::Null));
        for (kind, value) in [
            (Kind::Id, Value::Octets(vec![1])),
            (Kind::Number, Value::Number(1 << 40)),
            (Kind::Short, Value::Number(1 << 20)),
            (Kind::Text, Value::Octets(vec![1])),
        ] {
            assert_eq!(kind.translated(value.clone()), None, "{kind:?} {value:?}");
        }
    }
}
