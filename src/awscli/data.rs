//! Values as the AWS CLI prints them: JSON whose members keep their order, and Python's spellings of scalars.

use serde_json::{Number, Value};

/// A JSON value whose members have an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Python's `None`.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, as it was written.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Data>),
    /// Members in the order in which they were written.
    Map(Vec<(String, Data)>),
}

impl Data {
    /// Whether it is neither a list nor an object.
    pub const fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Map(_))
    }

    /// Whether Python takes it for false: nothing, zero or empty.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(yes) => !yes,
            Self::Number(n) => n.as_f64() == Some(0.0),
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(members) => members.is_empty(),
        }
    }

    /// Python's `str()` of a scalar; lists and objects, which no table or text has in one cell, are compact JSON.
    pub fn cell(&self) -> String {
        match self {
            Self::Null => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Number(n) => number(n),
            Self::Text(text) => text.clone(),
            Self::List(_) | Self::Map(_) => Value::from(self).to_string(),
        }
    }
}

impl From<&Data> for Value {
    fn from(data: &Data) -> Self {
        match data {
            Data::Null => Self::Null,
            Data::Bool(yes) => Self::Bool(*yes),
            Data::Number(n) => Self::Number(n.clone()),
            Data::Text(text) => Self::String(text.clone()),
            Data::List(items) => Self::Array(items.iter().map(Self::from).collect()),
            Data::Map(members) => Self::Object(members.iter().map(|(k, v)| (k.clone(), Self::from(v))).collect()),
        }
    }
}

/// Python's `repr` of a number: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on.
pub fn number(n: &Number) -> String {
    let Some(float) = n.as_f64().filter(|_| n.is_f64()) else { return n.to_string() };
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..16).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => format!("{float:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers as `repr` of Python 3.11 spells them.
    #[test]
    fn numbers() {
        let rows = [
            ("1", "1"),
            ("-7", "-7"),
            ("1.0", "1.0"),
            ("1.50", "1.5"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("1.5e300", "1.5e+300"),
            ("-2.5e-10", "-2.5e-10"),
            ("-0.0", "-0.0"),
        ];
        for (text, expected) in rows {
            assert_eq!(number(&serde_json::from_str(text).unwrap()), expected, "{text}");
        }
    }
}
