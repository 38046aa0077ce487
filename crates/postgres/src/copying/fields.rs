//! Values as PostgreSQL has them.

use std::error::Error;
use std::time::{Duration, UNIX_EPOCH};

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use ledger::portable::value::{Kind, Value};

/// A value of a column of this kind, as a parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'v> {
    pub(super) kind: Kind,
    pub(super) value: &'v Value,
}

impl ToSql for Field<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self.value, self.kind) {
            (Value::Null, _) | (Value::Flag(false), Kind::Instant(_)) => Ok(IsNull::Yes),
            (Value::Flag(_), Kind::Instant(secs)) => (UNIX_EPOCH + Duration::from_secs(secs)).to_sql(ty, out),
            (Value::Flag(flag), _) => flag.to_sql(ty, out),
            (Value::Number(number), Kind::Number) => i32::try_from(*number)?.to_sql(ty, out),
            (Value::Number(number), Kind::Short) => i16::try_from(*number)?.to_sql(ty, out),
            (Value::Number(number), _) => number.to_sql(ty, out),
            (Value::Id(id), _) => id.to_sql(ty, out),
            (Value::Text(text), Kind::Foreign) => rows::kept(text).to_sql(ty, out),
            (Value::Text(text), _) => text.to_sql(ty, out),
            (Value::Octets(octets), _) => octets.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The type of a column.
pub(super) const fn of(kind: Kind) -> Type {
    match kind {
        Kind::Id => Type::UUID,
        Kind::Flag => Type::BOOL,
        Kind::Long => Type::INT8,
        Kind::Number => Type::INT4,
        Kind::Short => Type::INT2,
        Kind::Text | Kind::Foreign => Type::TEXT,
        Kind::Octets => Type::BYTEA,
        Kind::Instant(_) => Type::TIMESTAMPTZ,
    }
}

/// What is read of a column, for [`read`].
pub(super) fn expression(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Instant(_) => format!("t.\"{name}\" IS NOT NULL"),
        _ => format!("t.\"{name}\""),
    }
}

/// A value that was read.
pub(super) fn read(row: &Row, at: usize, kind: Kind) -> Result<Value, Fault> {
    fn value<'r, T: FromSql<'r>>(row: &'r Row, at: usize, of: impl FnOnce(T) -> Value) -> Result<Value, Fault> {
        Ok(rows::get::<Option<T>>(row, at)?.map_or(Value::Null, of))
    }
    match kind {
        Kind::Id => value::<Uuid>(row, at, Value::Id),
        Kind::Flag | Kind::Instant(_) => value(row, at, Value::Flag),
        Kind::Long => value(row, at, Value::Number),
        Kind::Number => value::<i32>(row, at, |number| Value::Number(number.into())),
        Kind::Short => value::<i16>(row, at, |number| Value::Number(number.into())),
        Kind::Text => value(row, at, Value::Text),
        Kind::Foreign => value::<&str>(row, at, |text| Value::Text(rows::restored(text))),
        Kind::Octets => value(row, at, Value::Octets),
    }
}
